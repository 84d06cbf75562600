// libgit2's objects with owners, and its errors as ours. For the .cpp files of this folder.
#pragma once

#include "shared/base/error.hpp"
#include "shared/base/handle.hpp"
#include "shared/base/names.hpp"

#include <git2.h>

#include <string>
#include <string_view>

namespace tidegate::shared {

using CommitHandle = Handle<git_commit, git_commit_free>;
using TreeHandle = Handle<git_tree, git_tree_free>;
using TreeEntryHandle = Handle<git_tree_entry, git_tree_entry_free>;
using BlobHandle = Handle<git_blob, git_blob_free>;
using ObjectHandle = Handle<git_object, git_object_free>;
using OdbHandle = Handle<git_odb, git_odb_free>;
using OdbObjectHandle = Handle<git_odb_object, git_odb_object_free>;
using ReferenceHandle = Handle<git_reference, git_reference_free>;
using DiffHandle = Handle<git_diff, git_diff_free>;
using RevwalkHandle = Handle<git_revwalk, git_revwalk_free>;
using IndexHandle = Handle<git_index, git_index_free>;
using SignatureHandle = Handle<git_signature, git_signature_free>;

// "WHAT: libgit2's words"; the kind follows from libgit2's return code.
[[nodiscard]] tl::unexpected<Error> fail_git(std::string_view what, int code);

[[nodiscard]] git_oid raw(const Oid& oid);
[[nodiscard]] Oid cooked(const git_oid& oid);

}  // namespace tidegate::shared
