#include "hooks/tree_stamps.hpp"

#include "shared/base/files.hpp"
#include "shared/base/process.hpp"

#include <doctest/doctest.h>

using namespace tidegate;
using namespace tidegate::hooks;
using namespace tidegate::shared;

namespace {

struct StampedTree {
    TempDir folder;
    TreeStamps stamps;

    void run(const std::string& script) const {
        Command command;
        command.argv = {"/bin/sh", "-ec", script};
        command.env = basic_environment();
        command.env.set("HOME", folder.path());
        command.directory = folder.path();
        const auto exit = shared::run(command);
        REQUIRE(exit);
        REQUIRE_MESSAGE(exit->ok(), exit->err);
    }
    [[nodiscard]] Result<IndexFile> index() const {
        return IndexFile::parse(TRY(read_file(folder.path() + "/.git/index", 1 << 20)), false);
    }
    // `everything_is_new`: no ctime is old enough to be believed.
    void take(bool everything_is_new) {
        auto tree = index();
        REQUIRE(tree);
        timespec now{};
        if (!everything_is_new) clock_gettime(CLOCK_REALTIME, &now);
        stamps.take(folder.path(), std::move(*tree), now);
    }
};

StampedTree stamped(bool everything_is_new) {
    auto folder = TempDir::make("stamps");
    REQUIRE(folder);
    StampedTree tree{std::move(*folder), {}};
    tree.run(
        "git init -q . && mkdir -p src/deep && echo one >a && echo two >src/b && echo three >src/deep/c && "
        "echo x >run && chmod +x run && ln -s a link && git add -A && git write-tree && touch ignored");
    tree.take(everything_is_new);
    CHECK(tree.stamps.as_recorded());
    CHECK(tree.stamps.touched(false).empty());
    return tree;
}

}  // namespace

TEST_CASE("tree stamps: every kind of change is seen, whatever times and sizes say") {
    struct Row {
        const char* script;
        const char* path;  // nullptr: anything may have changed
    };
    constexpr Row kRows[] = {
        {"touch -r a t && echo eno >a && touch -r t a && rm t", "a"},
        {"cp -p a t && echo eno >t && touch -r a t && mv t a", "a"},
        {"rm src/deep/c", "src/deep/c"},
        {"chmod -x run", "run"},
        {"ln -sfn b link", "link"},
        {"rm src/b && mkdir src/b", "src/b"},
        {"echo new >src/deep/new", "src/deep/new"},
        {"mkdir -p new/deeper", "new"},
        {"mv src moved && mkdir src", nullptr},
        {"mv src/deep deep && ln -s ../deep src/deep", nullptr},
    };
    for (const bool everything_is_new : {false, true}) {
        for (const auto& row : kRows) {
            CAPTURE(everything_is_new);
            const std::string script = row.script;
            CAPTURE(script);
            const auto tree = stamped(everything_is_new);
            tree.run(row.script);
            auto touched = tree.stamps.touched(false);
            touched.paths.erase("ignored");  // it lies in a folder that has changed
            if (row.path == nullptr)
                CHECK(touched.unknown);
            else
                CHECK(touched.paths == std::set<std::string>{row.path});
        }
    }
}

TEST_CASE("tree stamps: what was changed since git wrote the index is not as recorded") {
    auto tree = stamped(false);
    tree.run("touch -r a t && echo eno >a && touch -r t a && rm t");
    tree.take(false);
    CHECK_FALSE(tree.stamps.as_recorded());
    CHECK(tree.stamps.touched(false).empty());
}
