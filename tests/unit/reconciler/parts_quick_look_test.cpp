#include "parts_rig.hpp"
#include "reconciler/git_remotes.hpp"
#include "reconciler/git_stream.hpp"
#include "reconciler/git_wire.hpp"
#include "reconciler/ssh_connections.hpp"

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

TEST_CASE("ssh: where a URL leads, and which are left to git") {
    const auto of = [](const std::string& text) { return ssh_target(Url::parse(text).value()); };
    const auto long_form = of("ssh://git@git.example.com:2222/team/app.git");
    REQUIRE(long_form.has_value());
    CHECK(long_form->destination == "git@git.example.com");
    CHECK(long_form->port == "2222");
    CHECK(long_form->command == "git-upload-pack '/team/app.git'");
    const auto short_form = of("git@git.example.com:team/app.git");
    REQUIRE(short_form.has_value());
    CHECK(short_form->destination == "git@git.example.com");
    CHECK(short_form->port.empty());
    CHECK(short_form->command == "git-upload-pack 'team/app.git'");
    for (const char* text :
         {"ssh://h/~ana/app.git", "ssh://h/a%20b.git", "ssh://h/a'b.git", "ssh://h/a!b.git",
          "ssh://[::1]/app.git", "ssh://h/$(id)", "https://h/app.git", "h:~ana/app.git"})
        CHECK_FALSE(of(text).has_value());
}

TEST_CASE("quick look: the refs of a server that speaks first are read, too") {
    const auto line = [](const std::string& text) { return pkt_line(text); };
    const auto good = line(kId + " HEAD" + std::string(1, '\0') + "multi_ack thin-pack\n") +
                      line(kId + " refs/heads/deploy\n") + "0000";
    CHECK(ref_in_advertisement(good, kDeploy).has_value());
    CHECK_FALSE(ref_in_advertisement(good, RefName::branch("other").value()).has_value());
    for (size_t length = 0; length < good.size(); ++length)
        CHECK_FALSE(ref_in_advertisement(good.substr(0, length), kDeploy).has_value());
    CHECK_FALSE(
        ref_in_advertisement(line(std::string(40, '0') + " capabilities^{}") + "0000", kDeploy).has_value());
}

TEST_CASE("quick fetch: an answer that is cut or is anything else says nothing") {
    const std::string one(1, '\1');
    const auto good = pkt_line("shallow-info\n") + pkt_line("shallow " + kId + "\n") + "0001" +
                      pkt_line("packfile\n") + pkt_line(one + "PACK") + pkt_line("\2words\n") +
                      pkt_line(one + "more") + "0000";
    const auto fetched = fetch_answer(good);
    REQUIRE(fetched.has_value());
    CHECK(fetched->pack == "PACKmore");
    REQUIRE(fetched->shallow.size() == 1);
    CHECK(fetched->shallow.front().str() == kId);
    for (size_t length = 0; length < good.size(); ++length)
        CHECK_FALSE(fetch_answer(good.substr(0, length)).has_value());
    for (const auto& text : {std::string("0000"), pkt_line("packfile\n") + pkt_line("\3no\n") + "0000",
                             pkt_line("ERR not our ref"), pkt_line("acknowledgments\n") + "0000",
                             pkt_line("shallow-info\n") + pkt_line("unshallow " + kId) + "0001" +
                                 pkt_line("packfile\n") + "0000"})
        CHECK_FALSE(fetch_answer(text).has_value());
}

TEST_CASE(
    "quick fetch: what is new comes by one question, whole, and git finds nothing wrong with the store") {
    const PartsRig rig;
    GitRemotes remotes(rig.path() + "/ssh");
    SourceAccess access;
    access.protocols = {"file"};
    access.remotes = &remotes;
    const auto url = Url::parse("file://" + rig.path() + "/app").value();
    auto mirror = GitMirror::open(rig.path() + "/sources", url, access).value();
    const auto first = rig.commit("echo one > f; mkdir d; echo keep > d/g");
    REQUIRE(mirror.fetch_commit(first, std::nullopt).has_value());
    const auto second = rig.commit("echo two > f");
    rig.sh("git -C app tag -a -m words v2");
    REQUIRE(mirror.fetch_commit(second, "v2").has_value());
    const auto third = rig.commit("for i in $(seq 150); do echo $i > d/$i; done");
    REQUIRE(mirror.fetch_commit(third, std::nullopt).has_value());
    const auto store = mirror.path();
    rig.sh("git -C " + store + " fsck --full --strict && git -C " + store + " cat-file -e " + third.str() +
           ":d/150 && grep -qx " + third.str() + " " + store + "/shallow");
    // The server is asked for what is missing by git where the answer cannot be what is wanted.
    CHECK_FALSE(mirror.fetch_commit(Oid::parse(kId).value(), std::nullopt).has_value());
    CHECK(mirror.fetch_commit(second, "v3").error().kind == ErrorKind::Denied);
}

TEST_CASE("quick fetch: what git refuses is refused again, whoever fetches, and nothing of it stays") {
    const PartsRig rig;
    GitRemotes remotes(rig.path() + "/ssh");
    SourceAccess access;
    access.protocols = {"file"};
    const auto url = Url::parse("file://" + rig.path() + "/app").value();
    const auto first = rig.commit("echo one > f");
    const auto bad =
        rig.commit("printf '[submodule \"x\"]\\n\\tpath = x\\n\\turl = --upload-pack=x\\n' > .gitmodules");
    for (GitRemotes* kept : {&remotes, static_cast<GitRemotes*>(nullptr)}) {
        access.remotes = kept;
        const auto folder = rig.path() + (kept != nullptr ? "/kept" : "/plain");
        auto mirror = GitMirror::open(folder, url, access).value();
        REQUIRE(mirror.fetch_commit(first, std::nullopt).has_value());
        for (int tries = 0; tries < 3; ++tries) {
            const auto fetched = mirror.fetch_commit(bad, std::nullopt);
            REQUIRE_FALSE(fetched.has_value());
            CHECK(fetched.error().kind == ErrorKind::Invalid);
            CHECK_FALSE(mirror.repo()->contains(bad));
        }
        CHECK(mirror.fetch_commit(first, std::nullopt).has_value());
    }
}
