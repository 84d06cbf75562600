#include "hooks/index_file.hpp"

#include "hooks/blob_id.hpp"
#include "shared/base/files.hpp"
#include "shared/base/process.hpp"

#include <doctest/doctest.h>

using namespace tidegate;
using namespace tidegate::hooks;
using namespace tidegate::shared;

namespace {

// Runs a script of the real git in a folder.
void git(const std::string& folder, const std::string& script) {
    Command command;
    command.argv = {"/bin/sh", "-ec", script};
    command.env = basic_environment();
    command.env.set("HOME", folder);
    command.directory = folder;
    const auto exit = run(command);
    REQUIRE(exit);
    REQUIRE_MESSAGE(exit->ok(), exit->err);
}

}  // namespace

TEST_CASE("index: entries and cached tree are what git says, in versions 2, 3 and 4, both hashes") {
    for (const char* format : {"sha1", "sha256"}) {
        for (const char* version : {"2", "3", "4"}) {
            CAPTURE(format);
            CAPTURE(version);
            const auto folder = TempDir::make("index");
            REQUIRE(folder);
            git(folder->path(),
                std::string("git init -q --object-format=") + format +
                    " . && mkdir -p src/deep && "
                    "for i in 1 2 3 4 5 6 7 8 9; do echo $i >src/deep/f$i; echo $i >longer-name-$i; done && "
                    "echo x >run.sh && chmod +x run.sh && ln -s run.sh link && git add -A && "
                    "git update-index --index-version " +
                    version +
                    " && git write-tree >tree && "
                    "git ls-files -s >files");
            const auto bytes = read_file(folder->path() + "/.git/index", 1 << 20);
            REQUIRE(bytes);
            const auto index = IndexFile::parse(*bytes, std::string(format) == "sha256");
            REQUIRE_MESSAGE(index, index.error().line());
            std::string listed;
            for (const auto& entry : index->entries()) {
                char mode[16];
                snprintf(mode, sizeof mode, "%06o", static_cast<unsigned>(entry.mode));
                listed += std::string(mode) + " " + entry.oid.str() + " 0\t" + entry.path + "\n";
            }
            CHECK(listed == *read_file(folder->path() + "/files", 1 << 20));
            REQUIRE(index->tree());
            CHECK(index->tree()->str() + "\n" == *read_file(folder->path() + "/tree", 4096));
        }
    }
}

TEST_CASE("index: intent-to-add and conflicts are seen, split and sparse ones left to git") {
    const auto folder = TempDir::make("index");
    REQUIRE(folder);
    const auto& path = folder->path();
    git(path,
        "git init -q . && git config user.name a && git config user.email a@b && echo a >a && git add a && "
        "git commit -qm 1 && echo n >new && git add -N new");
    auto index = IndexFile::parse(*read_file(path + "/.git/index", 1 << 20), false);
    REQUIRE(index);
    CHECK(index->intent_to_add());
    CHECK(index->entries().size() == 1);
    git(path,
        "git rm -q --cached new && git checkout -qb other && echo b >a && git commit -qam 2 && "
        "git checkout -q - && echo c >a && git commit -qam 3 && ! git merge -q other");
    index = IndexFile::parse(*read_file(path + "/.git/index", 1 << 20), false);
    REQUIRE(index);
    CHECK(index->unmerged() == std::vector<std::string>{"a"});
    git(path, "git reset -q --hard && git update-index --split-index");
    index = IndexFile::parse(*read_file(path + "/.git/index", 1 << 20), false);
    REQUIRE_FALSE(index);
    CHECK(index.error().kind == ErrorKind::Unsupported);
}

TEST_CASE("index: cut at any byte it is an error, never a crash") {
    const auto folder = TempDir::make("index");
    REQUIRE(folder);
    git(folder->path(),
        "git init -q . && mkdir d && echo a >a && echo b >d/b && git add . && git write-tree");
    const auto bytes = *read_file(folder->path() + "/.git/index", 1 << 20);
    for (size_t cut = 0; cut + 21 < bytes.size(); ++cut) (void)IndexFile::parse(bytes.substr(0, cut), false);
    for (size_t at = 0; at < bytes.size(); ++at) {
        auto changed = bytes;
        changed[at] = static_cast<char>(changed[at] ^ 0xff);
        (void)IndexFile::parse(changed, false);
    }
    CHECK_FALSE(IndexFile::parse("", false));
    CHECK_FALSE(IndexFile::parse(bytes.substr(0, 40), false));
}

TEST_CASE("blob id: as git hash-object says") {
    CHECK(blob_id("hello\n", false).str() == "ce013625030ba8dba906f756967f9e9ca394464a");
    CHECK(blob_id("", false).str() == "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391");
}
