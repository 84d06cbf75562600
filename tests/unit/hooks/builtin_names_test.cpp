#include "builtin_cases.hpp"
#include "hooks/builtin/collection.hpp"

using namespace tidegate::hooks::builtin;

namespace {

Problems illegal(std::string_view path) {
    Paths paths;
    paths.changed = {path};
    Problems problems;
    illegal_names(paths, problems);
    return problems;
}

Problems with(void (*check)(const Paths&, Problems&), const Paths& paths) {
    Problems problems;
    check(paths, problems);
    return problems;
}

Problems shebang(void (*check)(const File&, Problems&), std::string_view content, bool executable) {
    File file{.path = "f", .content = content, .size = content.size(), .executable = executable};
    Problems problems;
    check(file, problems);
    return problems;
}

}  // namespace

TEST_CASE("builtin: names that Windows or git cannot have are illegal") {
    for (const std::string_view path :
         {"CON",      "con",         "dir/aux.txt", "nul.tar.gz", "COM1",         "lpt9.c", "com\xC2\xB9.x",
          "prn/file", "a<b",         "a>b",         "x:y",        "q\"q",         "a|b",    "what?",
          "star*",    "back\\slash", "tab\tx",      "bell\x07",   "dot.",         "dir./x", "blank ",
          "dir /x",   ".git/config", "sub/.GIT/x",  "git~1",      "latin\xE9.txt"}) {
        CAPTURE(path);
        CHECK(illegal(path).size() == 1);
    }
    CHECK(illegal(std::string(256, 'a')).size() == 1);
}

TEST_CASE("builtin: usual names are legal") {
    for (const std::string_view path : {"console.c",   "contra",
                                        "auxiliary/x", "com",
                                        "com10",       "comx",
                                        "lpt",         "nullable.ts",
                                        ".gitignore",  ".github/x",
                                        "a b.txt",     "dots.in.name",
                                        "...x",        "\xC3\xA9t\xC3\xA9.md",
                                        "a'b",         "a&b",
                                        "@scope/x",    "~x",
                                        "#x",          "a,b"}) {
        CAPTURE(path);
        CHECK(illegal(path).empty());
    }
}

TEST_CASE("builtin: an illegal name is shown escaped") {
    CHECK(illegal("a\x1b[31m").at(0).what.find('\x1b') == std::string::npos);
}

TEST_CASE("builtin: executable texts begin with #!") {
    CHECK(shebang(executables_have_shebangs, "#!/bin/sh\n", true).empty());
    CHECK(shebang(executables_have_shebangs, "echo\n", false).empty());
    CHECK(shebang(executables_have_shebangs, "echo\n", true).size() == 1);
    CHECK(shebang(executables_have_shebangs, "", true).size() == 1);
    CHECK(shebang(executables_have_shebangs, "#!", true).empty());
    CHECK(shebang(executables_have_shebangs, " #!/bin/sh", true).size() == 1);
    CHECK(shebang(executables_have_shebangs, "#![allow(x)]\n", true).size() == 1);
}

TEST_CASE("builtin: texts that begin with #! are executable") {
    CHECK(shebang(shebang_scripts_are_executable, "#!/bin/sh\n", true).empty());
    CHECK(shebang(shebang_scripts_are_executable, "#!/bin/sh\n", false).size() == 1);
    CHECK(shebang(shebang_scripts_are_executable, "#![no_std]\n", false).empty());  // Rust
    CHECK(shebang(shebang_scripts_are_executable, "# !\n", false).empty());
    CHECK(shebang(shebang_scripts_are_executable, "", false).empty());
}

TEST_CASE("builtin: links that lead nowhere in the tree are broken") {
    struct {
        const char* name;
        const char* path;
        std::vector<Paths::Link> links;
        bool broken;
    } const cases[] = {
        {"to a file", "l", {{"l", "a/file"}}, false},
        {"to a folder", "l", {{"l", "a"}}, false},
        {"to a folder with a slash", "l", {{"l", "a/"}}, false},
        {"from a folder", "b/l", {{"b/l", "../a/file"}}, false},
        {"to itself's folder", "b/l", {{"b/l", "."}}, false},
        {"to nothing", "l", {{"l", "none"}}, true},
        {"relative to the link, not the root", "b/l", {{"b/l", "a/file"}}, true},
        {"below a file", "l", {{"l", "a/file/x"}}, true},
        {"absolute: not ours to judge", "l", {{"l", "/nowhere"}}, false},
        {"out of the tree: not ours to judge", "l", {{"l", "../x"}}, false},
        {"empty", "l", {{"l", ""}}, true},
        {"through a link", "l", {{"l", "m/file"}, {"m", "a"}}, false},
        {"through a broken link", "l", {{"l", "m"}, {"m", "none"}}, true},
        {"itself", "l", {{"l", "l"}}, true},
        {"a circle", "l", {{"l", "m"}, {"m", "l"}}, true},
        {"a circle by folders", "l", {{"l", "l/l"}}, true},
        {"into a submodule", "l", {{"l", "sub/deep/file"}}, false},
        {"a newline is part of the name", "l", {{"l", "a/file\n"}}, true},
    };
    for (const auto& one : cases) {
        CAPTURE(one.name);
        Paths paths;
        paths.all = {"a/file", "b/other", "sub"};
        paths.submodules = {{"sub"}};
        for (const auto& link : one.links) paths.all.push_back(link.path);
        paths.links = one.links;
        paths.changed = {one.path};
        CHECK(with(symlinks, paths).size() == (one.broken ? 1 : 0));
    }
}

TEST_CASE("builtin: a link's endless target ends") {
    std::string target;
    for (int i = 0; i < 100'000; ++i) target += "a/../";
    Paths paths;
    paths.all = {"a/file", "l"};
    paths.links = {{"l", target}};
    paths.changed = {"l"};
    CHECK(with(symlinks, paths).size() == 1);
}

TEST_CASE("builtin: a link that became a file with its target is destroyed") {
    const auto destroyed = [](std::string_view now, std::optional<std::string_view> before) {
        File file{.path = "l", .content = now, .size = now.size(), .link_before = before};
        Problems problems;
        destroyed_symlinks(file, problems);
        return !problems.empty();
    };
    CHECK(destroyed("../target", "../target"));
    CHECK(destroyed("../target\n", "../target"));
    CHECK(destroyed("../target\r\n", "../target"));
    CHECK_FALSE(destroyed("../target", std::nullopt));
    CHECK_FALSE(destroyed("something else", "../target"));
    CHECK_FALSE(destroyed("../target\n\n\n", "../target"));
}

TEST_CASE("builtin: submodules are forbidden, or only new or moved ones") {
    Paths paths;
    paths.submodules = {{"old"}, {"moved", false, true}, {"new", true, true}};
    CHECK(with(forbid_submodules, paths).size() == 3);
    CHECK(with(forbid_new_submodules, paths).size() == 1);
    CHECK(with(forbid_new_submodules, paths).at(0).path == "new");
    CHECK(with(submodule_changes, paths).size() == 2);
    CHECK(with(submodule_changes, Paths{}).empty());
}

TEST_CASE("builtin: nothing is committed to main or master directly") {
    Paths paths;
    for (const std::string_view branch : {"main", "master"}) {
        paths.branch = branch;
        CHECK(with(no_commit_to_branch, paths).size() == 1);
    }
    for (const std::string_view branch : {"", "feature/main", "mainline", "Main"}) {
        paths.branch = branch;
        CHECK(with(no_commit_to_branch, paths).empty());
    }
}

TEST_CASE("builtin: the collection's names are known, and each leads to a check") {
    for (const std::string_view name :
         {"trailing-whitespace", "end-of-file-fixer", "check-yaml", "check-toml", "check-xml",
          "mixed-line-ending", "check-symlinks", "no-commit-to-branch", "detect-private-key",
          "check-added-large-files", "fix-byte-order-marker", "destroyed-symlinks"}) {
        CAPTURE(name);
        CHECK(find(check_of_collection(name)) != nullptr);
    }
    CHECK(check_of_collection("debug-statements").empty());
}
