#include "parts_rig.hpp"
#include "reconciler/source.hpp"

#include <sys/eventfd.h>

using namespace tidegate::reconciler;
using namespace tidegate::shared;

namespace {

SourceAccess file_access() {
    SourceAccess access;
    access.protocols = {"file"};
    return access;
}

GitMirror mirror_of(const PartsRig& rig) {
    auto mirror = GitMirror::open(rig.state() + "/sources", rig.url(), file_access());
    if (!mirror) FAIL(mirror.error().line());
    return std::move(*mirror);
}

bool holds(const GitMirror& mirror, const Oid& commit) {
    const auto repo = mirror.repo();
    if (!repo) return false;
    const auto info = repo->commit(commit);
    if (!info) return false;
    const auto files = repo->list_tree(info->tree);
    return files && std::all_of(files->begin(), files->end(), [&](const TreeEntry& entry) {
               return repo->blob(entry.oid, 1 << 20).has_value();
           });
}

void expect_fetched(const PartsRig& rig, GitMirror& mirror, const Oid& commit) {
    const auto done = mirror.fetch_commit(commit, std::nullopt);
    if (!done) FAIL(done.error().line());
    CHECK(holds(mirror, commit));
    (void)rig;
}

}  // namespace

TEST_CASE("source: a commit is fetched by its id, without its history, and asked for once") {
    const PartsRig rig;
    const auto old = rig.commit("echo one > f");
    const auto commit = rig.commit("echo two > f");
    auto mirror = mirror_of(rig);
    expect_fetched(rig, mirror, commit);
    CHECK_FALSE(mirror.repo().value().contains(old));
    rig.sh("mv app gone");
    CHECK(mirror.fetch_commit(commit, std::nullopt).has_value());
}

TEST_CASE("source: a server that gives no commit by its id is asked for its branches") {
    const PartsRig rig;
    const auto commit = rig.commit("echo one > f");
    rig.commit("echo two > f");
    rig.sh("git -C app config uploadpack.allowAnySHA1InWant false; git -C app config protocol.version 0");
    auto mirror = mirror_of(rig);
    expect_fetched(rig, mirror, commit);
}

TEST_CASE("source: a tag must point at the commit, annotated or not") {
    const PartsRig rig;
    const auto one = rig.commit("echo one > f; git tag -f none >/dev/null 2>&1 || true");
    rig.sh("cd app; git tag v1; git tag -a -m one v1-signed");
    const auto two = rig.commit("echo two > f");
    auto mirror = mirror_of(rig);
    CHECK(mirror.fetch_commit(one, "v1").has_value());
    CHECK(mirror.fetch_commit(one, "v1-signed").has_value());
    const auto moved = mirror.fetch_commit(two, "v1");
    REQUIRE_FALSE(moved.has_value());
    CHECK(moved.error().kind == ErrorKind::Denied);
    const auto missing = mirror.fetch_commit(two, "v9");
    REQUIRE_FALSE(missing.has_value());
    CHECK(missing.error().kind == ErrorKind::Denied);
    CHECK_FALSE(mirror.fetch_commit(two, "bad..name").has_value());
}

TEST_CASE("source: ref names that look like options or commands are passed whole (attack 24)") {
    const PartsRig rig;
    const auto commit = rig.commit("echo one > f");
    auto mirror = mirror_of(rig);
    for (const std::string name : {"--upload-pack=touch pwned", "$(touch${IFS}pwned)", "`id`", "a;b"}) {
        if (!RefName::parse("refs/tags/" + name)) continue;
        CAPTURE(name);
        rig.sh("cd app; git update-ref 'refs/tags/" + name + "' HEAD");
        CHECK(mirror.fetch_commit(commit, name).has_value());
    }
    CHECK_FALSE(exists(rig.path() + "/pwned"));
}

TEST_CASE("source: a commit that is nowhere, and a remote that is not there, are told apart") {
    const PartsRig rig;
    rig.commit("echo one > f");
    auto mirror = mirror_of(rig);
    const auto nowhere = mirror.fetch_commit(Oid::parse(std::string(40, 'a')).value(), std::nullopt);
    REQUIRE_FALSE(nowhere.has_value());
    CHECK(nowhere.error().kind == ErrorKind::NotFound);
    CHECK(nowhere.error().message.find(std::string(40, 'a')) != std::string::npos);
    rig.sh("mv app gone");
    CHECK_FALSE(mirror.fetch_commit(Oid::parse(std::string(40, 'a')).value(), std::nullopt).has_value());
}

TEST_CASE("source: a protocol that the host does not allow is denied before git runs (attack 23)") {
    const PartsRig rig;
    SourceAccess access;
    access.protocols = {"https", "ssh"};
    const auto opened = GitMirror::open(rig.state() + "/sources", rig.url(), access);
    REQUIRE_FALSE(opened.has_value());
    CHECK(opened.error().kind == ErrorKind::Denied);
    CHECK_FALSE(exists(rig.state() + "/sources"));
}

TEST_CASE("source: stale locks and half written packs of a kill are cleared by itself (attack 31)") {
    const PartsRig rig;
    auto mirror = mirror_of(rig);
    expect_fetched(rig, mirror, rig.commit("echo one > f"));
    rig.sh(
        "cd state/sources/*[0-9a-f]; touch shallow.lock HEAD.lock packed-refs.lock config.lock "
        "refs/tidegate/commits/x.lock objects/pack/tmp_pack_abc");
    expect_fetched(rig, mirror, rig.commit("echo two > f"));
    CHECK_FALSE(exists(mirror.path() + "/objects/pack/tmp_pack_abc"));
}

TEST_CASE("source: a corrupt mirror is set aside and fetched again by itself (attack 31)") {
    for (const char* damage :
         {"find objects -type f -exec sh -c 'chmod u+w $1; : > $1' _ {} \\;", "rm -rf objects/??", "rm HEAD",
          "rm -rf refs", "echo junk > config", ": > HEAD",
          "mkdir -p objects/info; echo /elsewhere > objects/info/alternates"}) {
        CAPTURE(std::string(damage));
        const PartsRig rig;
        auto mirror = mirror_of(rig);
        expect_fetched(rig, mirror, rig.commit("echo one > f; echo x > g"));
        rig.sh("cd state/sources/*[0-9a-f]; " + std::string(damage));
        expect_fetched(rig, mirror, rig.commit("echo two > f"));
        CHECK_FALSE(exists(mirror.path() + "/objects/info/alternates"));
    }
}

TEST_CASE("source: an object found broken later is there again after set_aside (attack 31)") {
    const PartsRig rig;
    auto mirror = mirror_of(rig);
    const auto commit = rig.commit("echo one > f");
    expect_fetched(rig, mirror, commit);
    REQUIRE(mirror.set_aside().has_value());
    CHECK_FALSE(holds(mirror, commit));
    expect_fetched(rig, mirror, commit);
}

TEST_CASE("source: a fetch larger than allowed is stopped (attack 22)") {
    const PartsRig rig;
    const auto commit = rig.commit("for i in $(seq 150); do head -c 20000 /dev/urandom > f$i; done");
    TransferLimits limits;
    limits.pack_bytes = 100'000;
    auto mirror = GitMirror::open(rig.state() + "/sources", rig.url(), file_access(), limits).value();
    const auto done = mirror.fetch_commit(commit, std::nullopt);
    REQUIRE_FALSE(done.has_value());
    CAPTURE(done.error().line());
    CHECK(done.error().message.find("100000 bytes") != std::string::npos);
}

TEST_CASE("source: a tree with .git in it is refused on receipt (attack 27)") {
    const PartsRig rig;
    rig.sh(
        "cd app; b=$(echo x | git hash-object -w --stdin); printf '100644 .git\\0' > ../t; "
        "python3 -c \"import sys;sys.stdout.buffer.write(bytes.fromhex('$b'))\" >> ../t; "
        "git commit-tree -m evil $(git hash-object -w -t tree --literally ../t) > ../evil; "
        "git update-ref refs/heads/evil $(cat ../evil)");
    auto mirror = mirror_of(rig);
    const auto done = mirror.fetch_commit(Oid::parse(trim(rig.read("evil"))).value(), std::nullopt);
    REQUIRE_FALSE(done.has_value());
    CHECK(done.error().kind == ErrorKind::Invalid);
    CHECK(done.error().message.find(".git") != std::string::npos);
}

TEST_CASE("source: attestations are fetched where there are any") {
    const PartsRig rig;
    const auto commit = rig.commit("echo one > f");
    auto mirror = mirror_of(rig);
    CHECK(mirror.fetch_attestations().value() == std::nullopt);
    rig.sh("cd app; git update-ref refs/tidegate/attestations HEAD");
    CHECK(mirror.fetch_attestations().value() == commit);
}

TEST_CASE("source: what is no longer wanted is forgotten, and the disk given back after many fetches") {
    const PartsRig rig;
    auto mirror = mirror_of(rig);
    const auto one = rig.commit("echo one > f; rm -f g");
    expect_fetched(rig, mirror, one);
    for (int more = 0; more < 20; ++more)
        REQUIRE(mirror.fetch_commit(rig.commit("echo " + std::to_string(more) + " > f"), std::nullopt));
    const auto two = rig.commit("echo two > f");
    expect_fetched(rig, mirror, two);
    REQUIRE(mirror.keep_only({two}).has_value());
    CHECK(holds(mirror, two));
    CHECK_FALSE(mirror.repo().value().contains(one));
    expect_fetched(rig, mirror, one);
}

TEST_CASE("source: whoever finds the mirror in use waits, and can be called off") {
    const PartsRig rig;
    const auto commit = rig.commit("echo one > f");
    auto mirror = mirror_of(rig);
    const auto other = Lock::take(mirror.path() + ".lock");
    REQUIRE(other.has_value());
    CHECK(GitMirror::open(rig.state() + "/sources", rig.url(), file_access()).has_value());
    const Fd cancel(eventfd(1, EFD_CLOEXEC));
    const auto done = mirror.fetch_commit(commit, std::nullopt, cancel.get());
    REQUIRE_FALSE(done.has_value());
    CHECK(done.error().kind == ErrorKind::Cancelled);
}

TEST_CASE("manifests branch: a look says whether it moved, a forced push too") {
    const PartsRig rig;
    const auto one = rig.commit("echo one > f");
    auto branch = ManifestsBranch::open(rig.state() + "/sources", rig.url(), RefName::branch("main").value(),
                                        file_access())
                      .value();
    CHECK(branch.seen().value() == std::nullopt);
    auto tip = branch.look().value();
    CHECK(tip.commit == one);
    CHECK(tip.moved);
    CHECK_FALSE(branch.look().value().moved);
    const auto two = rig.commit("echo two > f");
    tip = branch.look().value();
    CHECK(tip.commit == two);
    CHECK(tip.moved);
    CHECK(branch.repo().value().reaches(two, one).value());
    rig.sh("git -C app reset -q --hard HEAD^");
    const auto forced = rig.commit("echo other > f");
    CHECK(branch.look().value().commit == forced);
    CHECK(branch.seen().value() == forced);
}

TEST_CASE("manifests branch: one that is not there is named") {
    const PartsRig rig;
    rig.commit("echo one > f");
    auto branch = ManifestsBranch::open(rig.state() + "/sources", rig.url(),
                                        RefName::branch("deploy").value(), file_access())
                      .value();
    const auto tip = branch.look();
    REQUIRE_FALSE(tip.has_value());
    CHECK(tip.error().kind == ErrorKind::NotFound);
    CHECK(tip.error().message.find("deploy") != std::string::npos);
}

TEST_CASE(
    "source access: ssh gets a closed command line, and paths it would split or expand are refused (attack "
    "23, 26)") {
    SourceAccess access;
    CHECK_FALSE(ssh_command(access).has_value());  // no known_hosts, no trust on first use
    access.known_hosts = "/etc/tidegate/known_hosts";
    access.ssh_key = "/etc/tidegate/deploy_key";
    const auto command = ssh_command(access).value();
    for (const char* part :
         {"-F /dev/null", "StrictHostKeyChecking=yes", "BatchMode=yes", "IdentitiesOnly=yes",
          "UserKnownHostsFile=/etc/tidegate/known_hosts", "IdentityFile=/etc/tidegate/deploy_key"})
        CHECK(command.find(part) != std::string::npos);
    for (const char* path : {"key", "/a b", "/a%h", "/a;id", "/a\nProxyCommand=x", "/a'b", "~/.ssh/id"}) {
        access.ssh_key = path;
        CHECK_FALSE(ssh_command(access).has_value());
    }
}

TEST_CASE("source access: a token goes by the environment, and never in clear (attack 63)") {
    SourceAccess access;
    access.token = "canary";
    const auto https = access_settings(Url::parse("https://git.example.com/a.git").value(), access).value();
    CHECK(https.env.at("GIT_CONFIG_VALUE_0").starts_with("Authorization: Basic "));
    for (const auto& setting : https.config) CHECK(setting.find("canary") == std::string::npos);
    CHECK(access_settings(Url::parse("http://git.example.com/a.git").value(), access).error().kind ==
          ErrorKind::Denied);
    CHECK(access_settings(Url::parse("git://git.example.com/a.git").value(), access).value().env.empty());
}
