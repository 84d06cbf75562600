#include "reconciler/release_id.hpp"

#include "shared/base/text.hpp"
#include "shared/hash/sha256.hpp"

#include <algorithm>

namespace tidegate::reconciler {

namespace {

constexpr size_t kCommitDigits = 12;
constexpr size_t kBuildDigits = 8;

bool is_hex(std::string_view text) {
    return text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

}  // namespace

ReleaseId ReleaseId::of(const shared::Oid& commit, std::string_view build_section) {
    return ReleaseId(commit.str().substr(0, kCommitDigits) + "-" +
                     shared::sha256_hex(build_section).substr(0, kBuildDigits));
}

Result<ReleaseId> ReleaseId::parse(std::string_view text) {
    const auto alphanumeric = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    };
    const bool good = !text.empty() && text.size() <= 128 && alphanumeric(text.front()) &&
                      std::all_of(text.begin(), text.end(), [&](char c) {
                          return alphanumeric(c) || c == '.' || c == '_' || c == '-' || c == '+';
                      });
    if (good) return ReleaseId(std::string(text));
    return fail(ErrorKind::Invalid, "not a release: `" + shared::escape_foreign(text.substr(0, 80)) + "`",
                "a release is named by its folder below releases/, such as 9fceb02d0ae5-1c2d3e4f");
}

bool ReleaseId::ours() const {
    return name_.size() == kCommitDigits + 1 + kBuildDigits && name_[kCommitDigits] == '-' &&
           is_hex(std::string_view(name_).substr(0, kCommitDigits)) &&
           is_hex(std::string_view(name_).substr(kCommitDigits + 1));
}

}  // namespace tidegate::reconciler
