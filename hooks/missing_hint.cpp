#include "hooks/missing_hint.hpp"

#include "shared/base/files.hpp"
#include "shared/base/text.hpp"

#include <algorithm>
#include <array>

namespace tidegate::hooks {

using namespace shared;

namespace {

bool says_missing(std::string_view output, int exit_code) {
    constexpr std::array<std::string_view, 12> kPhrases{
        "No such file",        "no such file",    "not found",         "Cannot find module",
        "ModuleNotFoundError", "cannot find",     "could not resolve", "Cannot find",
        "does not exist",      "No module named", "No rule to make",   "ENOENT"};
    return exit_code == 127 || std::any_of(kPhrases.begin(), kPhrases.end(), [&](std::string_view phrase) {
               return output.find(phrase) != std::string_view::npos;
           });
}

bool in_tree(const Target& target, const std::string& name) {
    const auto at = std::lower_bound(target.entries.begin(), target.entries.end(), name,
                                     [](const TreeEntry& a, const std::string& b) { return a.path < b; });
    if (at != target.entries.end() && at->path == name) return true;
    const auto beneath =
        std::lower_bound(target.entries.begin(), target.entries.end(), name + "/",
                         [](const TreeEntry& a, const std::string& b) { return a.path < b; });
    return beneath != target.entries.end() && beneath->path.starts_with(name + "/");
}

}  // namespace

std::string missing_hint(const Repository& repo, const Target& target, std::string_view output,
                         int exit_code) {
    if (repo.work_tree.empty() || target.entries.empty() || !says_missing(output, exit_code)) return {};
    const auto dir = open_dir(repo.work_tree);
    if (!dir) return {};
    std::vector<std::string> folders;  // in the working tree, but not in the tree
    std::string file;
    for (const auto& name : list_dir(dir->get()).value_or(std::vector<std::string>())) {
        if (name == ".git" || in_tree(target, name)) continue;
        struct stat info {};
        if (fstatat(dir->get(), name.c_str(), &info, 0) != 0) continue;
        const bool named = output.find(name) != std::string_view::npos;
        if (S_ISDIR(info.st_mode)) {
            if (named) folders.insert(folders.begin(), name);
            if (!named) folders.push_back(name);
        } else if (named && file.empty()) {
            file = name;
        }
    }
    if (!file.empty())
        return escape_foreign(file) +
               " is in your working tree, but not in the tree that is gated: `git add` it, or let "
               "`setup` make it";
    if (folders.empty()) return {};
    const auto name = escape_foreign(folders.front());
    return "the tree holds only what is committed; " + name +
           "/ of your working tree is not in it: `link: [" + name + "]` lends it, `setup` makes it anew";
}

}  // namespace tidegate::hooks
