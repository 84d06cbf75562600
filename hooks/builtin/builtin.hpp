// Checks that run in this process, on blobs, without a checkout. Names and behaviour follow the
// pre-commit-hooks collection, so that people's expectations carry over. One file a check.
#pragma once

#include "hooks/builtin/options.hpp"
#include "shared/base/error.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tidegate::hooks::builtin {

// A file as a check sees it.
struct File {
    std::string_view path;
    std::string_view content;  // cut at kContentLimit
    std::uint64_t size = 0;    // the whole
    bool added = false;        // the change adds it
    bool link = false;         // symbolic: content is its target
    bool executable = false;
    std::optional<std::string_view> link_before =
        std::nullopt;                             // the target, where the change made a link into a file
    const Options* options = &default_options();  // never null, not owned
};
inline constexpr std::uint64_t kContentLimit = 16 << 20;

struct Problem {
    std::string path;
    int line = 0;  // 0: the file as a whole
    int column = 0;
    std::string what;
    std::string_view check = {};  // its name; filled in by whoever asked
};
using Problems = std::vector<Problem>;

// What the change as a whole looks like, for checks that compare paths.
struct Paths {
    std::vector<std::string_view> changed;  // added or modified
    std::vector<std::string_view> all;      // of the tree

    struct Link {
        std::string_view path;
        std::string_view target;
    };
    std::vector<Link> links;  // symbolic ones of the tree; filled in where a check wants them

    struct Submodule {
        std::string_view path;
        bool added = false;    // the change adds it
        bool changed = false;  // the change adds it or moves it
    };
    std::vector<Submodule> submodules;  // of the tree

    std::string_view branch;  // that is committed or pushed to, without refs/heads/; empty: none
    const Options* options = &default_options();  // never null, not owned
};

// A commit's message as git will keep it, or has kept it.
struct Message {
    std::string name;  // for people: "message", "commit 1a2b3c4"
    std::string text;
    std::string comment = "#";  // what begins a line that git leaves out; empty: none is left out
    bool cut_only = false;      // such lines stay, but for the scissors and what is below
};

struct Check {
    std::string_view name;
    std::string_view summary;
    bool text_only;  // not asked about content with a NUL in its first 8000 bytes
    void (*file)(const File& file, Problems& problems);     // may be null
    void (*paths)(const Paths& paths, Problems& problems);  // may be null
    // What the file should be, or nullopt where it is right already; null where nothing is fixed by itself.
    std::optional<std::string> (*fixed)(const File& file) = nullptr;
    bool wants_links = false;    // asks for Paths::links
    bool without_files = false;  // asked even where no file of the change matches
    void (*message)(const Message& message, const Options& options, Problems& problems) = nullptr;
};

[[nodiscard]] const std::vector<Check>& checks();
[[nodiscard]] const Check* find(std::string_view name);
[[nodiscard]] bool is_binary(std::string_view content);

void trailing_whitespace(const File& file, Problems& problems);
void end_of_file(const File& file, Problems& problems);
void merge_conflict(const File& file, Problems& problems);
void large_files(const File& file, Problems& problems);
void private_keys(const File& file, Problems& problems);
void yaml(const File& file, Problems& problems);
void json(const File& file, Problems& problems);
void case_conflict(const Paths& paths, Problems& problems);

void byte_order_mark(const File& file, Problems& problems);
void mixed_line_endings(const File& file, Problems& problems);
void secrets(const File& file, Problems& problems);
void toml(const File& file, Problems& problems);
void xml(const File& file, Problems& problems);
void executables_have_shebangs(const File& file, Problems& problems);
void shebang_scripts_are_executable(const File& file, Problems& problems);
void destroyed_symlinks(const File& file, Problems& problems);
void illegal_names(const Paths& paths, Problems& problems);
void symlinks(const Paths& paths, Problems& problems);
void forbid_submodules(const Paths& paths, Problems& problems);
void forbid_new_submodules(const Paths& paths, Problems& problems);
void submodule_changes(const Paths& paths, Problems& problems);
void no_commit_to_branch(const Paths& paths, Problems& problems);
void commit_message(const Message& message, const Options& options, Problems& problems);

}  // namespace tidegate::hooks::builtin
