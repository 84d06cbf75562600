#include "hooks/config_files.hpp"

#include "shared/base/files.hpp"
#include "shared/base/process.hpp"
#include "shared/base/text.hpp"

#include <doctest/doctest.h>

using namespace tidegate;
using namespace tidegate::hooks;
using namespace tidegate::shared;

namespace {

bool is_wanted(const std::string& name) {
    return name.starts_with("tidegate.") || name == "user.signingkey" || name == "gpg.ssh.program";
}

// What git itself says of such a file; nullopt where it refuses it.
std::optional<Settings> by_git(const TempDir& folder, const std::string& text) {
    REQUIRE(write_file_atomic(folder.path() + "/config", text, 0644));
    Command command;
    command.argv = {"git", "config", "-z", "--includes", "-f", folder.path() + "/config", "--list"};
    command.env = basic_environment();
    const auto exit = run(command);
    REQUIRE(exit);
    if (!exit->ok()) return std::nullopt;
    Settings settings;
    for (const auto entry : split(exit->out, '\0')) {
        const auto newline = entry.find('\n');
        const std::string name(entry.substr(0, newline));
        if (entry.empty() || !is_wanted(name)) continue;
        settings[name] = newline == std::string_view::npos ? "true" : std::string(entry.substr(newline + 1));
    }
    return settings;
}

}  // namespace

TEST_CASE("settings: what is read of git's files is what git reads, and the rest is left to git") {
    struct Row {
        const char* text;
        bool plain;
    };
    const auto folder = TempDir::make("config");
    REQUIRE(folder);
    for (const auto& row : std::initializer_list<Row>{
             {"", true},
             {"[user]\n\tsigningkey = ~/.ssh/id.pub\n", true},
             {"[user]\n\tname = \"quoted\" # said\n\tSigningKey=  two words  \n", true},
             {"[User] signingkey = a\n[USER]\n signingkey = b\n", true},
             {"[gpg \"ssh\"]\n\tprogram = /bin/x\n[gpg \"SSH\"]\n\tprogram = /bin/y\n", true},
             {"; note\n# note\n[tidegate]\n\treuse\n\tempty =\n\tallowedSigners = /a/b\r\n", true},
             {"[tidegate \"a b\"]\n\tkey = 1\n", true},
             {"[core]\n\tbare = false\n[remote \"o\"]\n\tfetch = +refs/heads/*:refs/remotes/o/*\n", true},
             {"[tidegate]\n\treuse = \"no\"\n", false},
             {"[tidegate]\n\treuse = no ; said\n", false},
             {"[tidegate]\n\treuse = a\\\nb\n", false},
             {"[core]\n\teditor = a\\\n[user]\n\tsigningkey = x\n", false},
             {"[tidegate]\n\treuse = a\tb\n", false},
             {"[gpg.ssh]\n\tprogram = x\n", false},
             {"[include]\n\tpath = other\n", false},
             {"[includeIf \"gitdir:/\"]\n\tpath = other\n", false},
             {"[tidegate \"a\\\"b\"]\n\tkey = 1\n", false},
             {"[tidegate]\n\tno_key = 1\n", false},
             {"reuse = 1\n", false},
             {"[tidegate\n\treuse = 1\n", false},
             {"\xef\xbb\xbf[tidegate]\n\treuse = 1\n", false},
         }) {
        CAPTURE(row.text);
        Settings read;
        const bool plain = take_settings(row.text, is_wanted, read);
        CHECK(plain == row.plain);
        if (!plain) continue;
        const auto expected = by_git(*folder, row.text);
        REQUIRE(expected);
        CHECK(read == *expected);
    }
}
