#include "parts_rig.hpp"
#include "reconciler/quick_look.hpp"

using namespace tidegate::reconciler;
using namespace tidegate::shared;

namespace {

const RefName kDeploy = RefName::branch("deploy").value();
const std::string kId(40, 'a');

}  // namespace

TEST_CASE("quick look: a ref is read where it lies, loose or packed, and followed as it moves") {
    const PartsRig rig;
    const auto folder = rig.path() + "/app";
    CHECK_FALSE(ref_in_files(folder, kDeploy).has_value());
    const auto first = rig.commit("echo one > f; git branch deploy 2>/dev/null || true");
    rig.sh("git -C app update-ref refs/heads/deploy " + first.str());
    CHECK(ref_in_files(folder, kDeploy) == first);
    rig.sh("git -C app pack-refs --all --prune");
    CHECK(ref_in_files(folder, kDeploy) == first);
    const auto second = rig.commit("echo two > f");
    rig.sh("git -C app update-ref refs/heads/deploy " + second.str() + "; git clone -q --bare app bare.git");
    CHECK(ref_in_files(folder, kDeploy) == second);
    CHECK(ref_in_files(rig.path() + "/bare.git", kDeploy) == second);
    CHECK_FALSE(ref_in_files(folder, RefName::branch("loy").value()).has_value());
    rig.sh(
        "git -C app symbolic-ref refs/heads/other refs/heads/deploy; git -C app worktree add -q ../linked");
    CHECK_FALSE(ref_in_files(folder, RefName::branch("other").value()).has_value());
    CHECK_FALSE(ref_in_files(rig.path() + "/linked", kDeploy).has_value());
    CHECK_FALSE(ref_in_files(rig.path() + "/nowhere", kDeploy).has_value());
}

TEST_CASE("quick look: an answer that is cut, or anything else than one, says nothing") {
    const std::string good = "003f" + kId + " refs/heads/deploy\n0000";
    REQUIRE(ls_refs_answer(good, kDeploy).has_value());
    for (size_t length = 0; length < good.size(); ++length)
        CHECK_FALSE(ls_refs_answer(good.substr(0, length), kDeploy).has_value());
    for (const std::string text : {"0000", "0001", "ffff", "zzzz", "<html></html>", "0004", "0003"})
        CHECK_FALSE(ls_refs_answer(text, kDeploy).has_value());
    CHECK_FALSE(ls_refs_answer(good + "x", kDeploy).has_value());
    CHECK_FALSE(ls_refs_answer("0043" + kId + " refs/heads/deploy-two\n0000", kDeploy).has_value());
    CHECK(ls_refs_question(kDeploy).ends_with("ref-prefix refs/heads/deploy\n0000"));
}

TEST_CASE("quick look: where a URL of git:// leads, and which are left to git") {
    const auto of = [](const std::string& text) { return wire_address(Url::parse(text).value()); };
    const auto plain = of("git://git.example.com/team/app.git");
    REQUIRE(plain.has_value());
    CHECK(plain->host == "git.example.com");
    CHECK(plain->port.empty());
    CHECK(plain->path == "/team/app.git");
    const auto six = of("git://[::1]:9419/app.git");
    REQUIRE(six.has_value());
    CHECK(six->host == "::1");
    CHECK(six->port == "9419");
    for (const char* text : {"git://h/~ana/app.git", "git://h/a%20b.git", "ssh://h/app.git", "h:app.git"})
        CHECK_FALSE(of(text).has_value());
}
