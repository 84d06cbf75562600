#include "shared/repo/repo.hpp"

#include "shared/base/files.hpp"
#include "shared/git/git.hpp"

#include <doctest/doctest.h>

using namespace tidegate::shared;

namespace {

struct Fixture {
    TempDir dir = TempDir::make("repo").value();
    Repo repo = Repo::open_or_init_bare(dir.path() + "/r.git").value();
    WallTime when{std::chrono::seconds(1'700'000'000)};

    Oid commit(const Oid& base, const std::vector<TreeEdit>& edits, const std::vector<Oid>& parents) {
        const auto tree = repo.write_tree(base, edits).value();
        return repo.write_commit(tree, parents, "Ana", "ana@example.com", when, "subject\n\nbody\n").value();
    }
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "repo: trees are made, listed and compared") {
    const auto one = commit(Oid(), {{"a/x", "1"}, {"a/y", "2"}, {"b", "3"}}, {});
    const auto tree = repo.commit(one).value().tree;
    CHECK(repo.list_tree(tree).value().size() == 3);
    CHECK(repo.file_at(tree, "a/x", 10).value() == "1");
    CHECK_FALSE(repo.file_at(tree, "a", 10).value().has_value());
    CHECK_FALSE(repo.file_at(tree, "none", 10).value().has_value());
    const auto two = commit(tree, {{"a/x", "changed"}, {"b", std::nullopt}, {"c", "new"}}, {one});
    const auto changes = repo.diff_trees(tree, repo.commit(two).value().tree).value();
    REQUIRE(changes.size() == 3);
    CHECK(changes[0].kind == ChangeKind::Modified);
    CHECK(changes[1].kind == ChangeKind::Deleted);
    CHECK(changes[2].kind == ChangeKind::Added);
    CHECK(changes[2].path == "c");
}

TEST_CASE_FIXTURE(Fixture, "repo: history is followed and refs move only from what was expected") {
    const auto one = commit(Oid(), {{"a", "1"}}, {});
    const auto two = commit(Oid(), {{"a", "2"}}, {one});
    const auto other = commit(Oid(), {{"a", "3"}}, {});
    CHECK(repo.reaches(two, one).value());
    CHECK(repo.reaches(two, two).value());
    CHECK_FALSE(repo.reaches(one, two).value());
    CHECK_FALSE(repo.reaches(two, other).value());
    CHECK(repo.walk(two, {one}, 10).value() == std::vector<Oid>{two});
    const auto ref = RefName::branch("deploy").value();
    CHECK_FALSE(repo.resolve(ref).value().has_value());
    REQUIRE(repo.update_ref(ref, one, std::nullopt, "test").has_value());
    const auto lost = repo.update_ref(ref, other, two, "test");
    REQUIRE_FALSE(lost.has_value());
    CHECK(lost.error().kind == ErrorKind::Locked);
    REQUIRE(repo.update_ref(ref, two, one, "test").has_value());
    CHECK(repo.resolve(ref).value() == two);
}

TEST_CASE_FIXTURE(Fixture,
                  "repo: an object longer than the limit is refused, a missing one is said to be missing") {
    const auto blob = repo.write_blob(std::string(1000, 'x')).value();
    CHECK_FALSE(repo.blob(blob, 999).has_value());
    CHECK(repo.blob(blob, 1000).value().size() == 1000);
    CHECK(repo.blob_size(blob).value() == 1000);
    const auto missing = repo.commit(Oid::parse(std::string(40, '1')).value());
    REQUIRE_FALSE(missing.has_value());
    CHECK(missing.error().kind == ErrorKind::NotFound);
    CHECK(missing.error().message.find(std::string(40, '1')) != std::string::npos);
}

TEST_CASE("git: a closed git obeys nobody's configuration and refuses protocols that were not named") {
    const auto dir = TempDir::make("git").value();
    const auto closed = Git::find(GitConfig::Closed).value();
    setenv("GIT_CONFIG_COUNT", "1", 1);
    setenv("GIT_CONFIG_KEY_0", "user.name", 1);
    setenv("GIT_CONFIG_VALUE_0", "canary", 1);
    GitCall show;
    show.args = {"config", "--get", "user.name"};
    CHECK(closed.run(show)->code == 1);
    unsetenv("GIT_CONFIG_COUNT");
    GitCall init;
    init.args = {"init", "-q", "--bare", dir.path() + "/a.git"};
    REQUIRE(closed.output(init).has_value());
    GitCall list;
    list.args = {"ls-remote", "--", "file://" + dir.path() + "/a.git"};
    const auto refused = closed.output(list);
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().message.find("not allowed") != std::string::npos);
    list.protocols = {"file"};
    CHECK(closed.output(list).has_value());
}
