// git's name for a content: the hash of "blob <size>\0<content>".
#pragma once

#include "shared/base/names.hpp"

#include <string_view>

namespace tidegate::hooks {

[[nodiscard]] shared::Oid blob_id(std::string_view content, bool sha256);

}  // namespace tidegate::hooks
