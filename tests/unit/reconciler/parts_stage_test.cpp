#include "parts_rig.hpp"

using namespace tidegate::reconciler;
using namespace tidegate::shared;

namespace {

StageRequest request_for(const Oid& commit) {
    return {ReleaseId::of(commit, ""), commit, {}, false, {}, {}, -1};
}

// Stages and expects a refusal that leaves nothing behind.
Error refused(const PartsRig& rig, const StageRequest& request) {
    const auto root = rig.root();
    const auto report = stage_release(root, rig.repo(), rig.store(), request);
    REQUIRE_FALSE(report.has_value());
    CHECK(list_dir(root.releases_fd()).value().empty());
    return report.error();
}

}  // namespace

TEST_CASE("stage: a tree becomes a release, byte for byte, without setuid or write permission") {
    const PartsRig rig;
    const auto commit = rig.commit(
        "mkdir -p bin lib/deep; echo run > bin/run; chmod 4755 bin/run; echo l > lib/deep/l; "
        "ln -s ../lib bin/lib; printf 'a\\nb' > 'we ird$(x)'; "
        "echo '* text eol=crlf' > .gitattributes");
    const auto root = rig.root();
    const auto id = rig.release(root, commit);
    const auto folder = "srv/web/releases/" + id.str();
    CHECK(rig.read(folder + "/bin/run") == "run\n");
    CHECK(rig.read(folder + "/we ird$(x)") == "a\nb");
    CHECK(rig.read(folder + "/bin/lib/deep/l") == "l\n");
    CHECK((rig.info(folder + "/bin/run").st_mode & 07777) == 0555);
    CHECK((rig.info(folder + "/lib/deep/l").st_mode & 07777) == 0444);
    CHECK((rig.info(folder).st_mode & 07777) == 0755);
    CHECK(rig.store().complete(id));
    CHECK(rig.sh("ls -A srv/web/releases") == id.str());
}

TEST_CASE(
    "stage: unchanged files are shared with the last release, changed and renamed ones come out right") {
    const PartsRig rig;
    const auto first = rig.commit("mkdir d; echo a > d/a; echo b > d/b; echo c > c; chmod +x c");
    const auto second = rig.commit("echo changed > d/b; git mv d/a moved; chmod -x c");
    const auto root = rig.root();
    const auto one = rig.release(root, first);
    auto request = request_for(second);
    request.share_with = {one};
    const auto report = stage_release(root, rig.repo(), rig.store(), request).value();
    CHECK(report.files == 3);
    CHECK(report.written == 2);  // b changed; c has another mode
    CHECK(report.hard_linked + report.reflinked == 1);
    const auto folder = "srv/web/releases/" + request.id.str();
    CHECK(rig.read(folder + "/moved") == "a\n");
    CHECK(rig.read(folder + "/d/b") == "changed\n");
    CHECK((rig.info(folder + "/c").st_mode & 0111) == 0);
    CHECK(rig.read("srv/web/releases/" + one.str() + "/d/b") == "b\n");
}

TEST_CASE("stage: a release that is built shares no inode, so its build cannot harm another (attack 47)") {
    const PartsRig rig;
    const auto commit = rig.commit("echo a > a");
    const auto root = rig.root();
    const auto one = rig.release(root, commit);
    auto request = request_for(commit);
    request.id = ReleaseId::of(commit, "make");
    request.has_build = true;
    request.share_with = {one};
    auto report = stage_release(root, rig.repo(), rig.store(), request).value();
    CHECK(report.hard_linked == 0);
    rig.sh("echo built > srv/web/releases/" + request.id.str() + "/a; echo new > srv/web/releases/" +
           request.id.str() + "/out");
    REQUIRE(seal_release(root, rig.store(), request.id, std::move(report.record), true).has_value());
    CHECK(rig.read("srv/web/releases/" + one.str() + "/a") == "a\n");
    const auto record = rig.store().load(request.id).value().value();
    REQUIRE(record.entries.size() == 2);
    CHECK(record.entries[0].origin == Origin::Build);
    CHECK(record.entries[1].path == "out");
}

TEST_CASE("stage: a file that was changed in place is not shared onwards (attack 47)") {
    const PartsRig rig;
    const auto first = rig.commit("echo aaa > a");
    const auto second = rig.commit("echo b > b");
    const auto root = rig.root();
    const auto one = rig.release(root, first);
    const auto file = "srv/web/releases/" + one.str() + "/a";
    rig.sh("chmod u+w " + file + "; echo xxx > " + file + "; chmod u-w " + file);
    const auto two = rig.release(root, second, {one});
    CHECK(rig.read("srv/web/releases/" + two.str() + "/a") == "aaa\n");
}

TEST_CASE("stage: where a link of a tree leads is followed as the kernel would (attack 28)") {
    struct Case {
        const char* target;
        bool inside;
    };
    const std::vector<Case> cases{{"b", true},
                                  {"../b", true},
                                  {"../../b", false},
                                  {"/etc", false},
                                  {"./x/../..", true},
                                  {"up/b", true},
                                  {"up/../b", false},
                                  {"loop", true},
                                  {"../store/x", true},
                                  {"../store/..", false},
                                  {"..", true},
                                  {"../..", false},
                                  {"deep/../../../x", false}};
    for (const auto& [target, inside] : cases) {
        const auto& shown = target;  // clang 14 captures no structured binding
        CAPTURE(shown);
        TreeLinks links;
        links.targets = {{"d/up", ".."}, {"d/loop", "loop"}, {"d/link", target}};
        links.shared = {"store"};
        CHECK(stays_inside(links, "d/link") == inside);
    }
}

TEST_CASE("stage: a tree whose link leaves the release is refused whole (attack 28)") {
    const PartsRig rig;
    const auto error = refused(rig, request_for(rig.commit("echo x > f; ln -s ../../../../etc/passwd evil")));
    CHECK(error.kind == ErrorKind::Invalid);
    CHECK(error.message.find("evil") != std::string::npos);
}

TEST_CASE("stage: a link to a shared path is replaced by ours and not judged") {
    const PartsRig rig;
    const auto commit = rig.commit("ln -s /var/data storage; mkdir logs; touch logs/.keep");
    const auto root = rig.root();
    auto request = request_for(commit);
    request.shared.dirs = {RelPath::parse("storage").value(), RelPath::parse("logs").value()};
    const auto report = stage_release(root, rig.repo(), rig.store(), request);
    REQUIRE(report.has_value());
    CHECK(rig.sh("readlink srv/web/releases/" + request.id.str() + "/storage") == "../../shared/storage");
    CHECK(rig.sh("readlink srv/web/releases/" + request.id.str() + "/logs") == "../../shared/logs");
}

TEST_CASE("stage: a submodule is refused by its path") {
    const PartsRig rig;
    const auto commit = rig.commit(
        "git update-index --add --cacheinfo 160000,$(git hash-object -t tree /dev/null),vendor/lib; "
        "git commit -qm sub; git rm -q --cached x 2>/dev/null || true");
    const auto sub = Oid::parse(rig.sh("cd app; git rev-list --all | tail -1")).value();
    (void)commit;
    const auto error = refused(rig, request_for(sub));
    CHECK(error.kind == ErrorKind::Unsupported);
    CHECK(error.message.find("vendor/lib") != std::string::npos);
}

TEST_CASE("stage: a Git LFS pointer is refused where the tree uses LFS, and only there") {
    const PartsRig rig;
    const std::string pointer =
        "printf 'version https://git-lfs.github.com/spec/v1\\noid sha256:0\\nsize 1\\n' > big.bin; ";
    const auto plain = rig.commit(pointer);
    const auto root = rig.root("plain");
    CHECK(stage_release(root, rig.repo(), rig.store(), request_for(plain)).has_value());
    const auto error = refused(rig, request_for(rig.commit("echo '*.bin filter=lfs' > .gitattributes")));
    CHECK(error.kind == ErrorKind::Unsupported);
    CHECK(error.message.find("big.bin") != std::string::npos);
}

TEST_CASE("stage: a tree with .git in any spelling is refused before anything is written (attack 27)") {
    for (const std::string name : {".git", ".GIT", "git~1", "..", "a\\\\\\\\b"}) {
        CAPTURE(name);
        const PartsRig rig;
        rig.sh(
            "cd app; b=$(echo x | git hash-object -w --stdin); "
            "raw=$(printf '%s' $b | sed 's/../\\\\x&/g'); printf \"100644 " +
            std::string(name) +
            "\\0\" > t; python3 -c \"import sys;sys.stdout.buffer.write(bytes.fromhex('$b'))\" >> t; "
            "tree=$(git hash-object -w -t tree --literally t); git commit-tree -m evil $tree > ../evil");
        const auto commit = Oid::parse(trim(rig.read("evil"))).value();
        CHECK(refused(rig, request_for(commit)).kind == ErrorKind::Invalid);
    }
}

TEST_CASE(
    "stage: caps on files and bytes, and too little disk, are told before anything is written (attack 30, "
    "44)") {
    const PartsRig rig;
    const auto commit =
        rig.commit("for i in 1 2 3 4; do echo $i > f$i; done; head -c 100000 /dev/zero > zero");
    auto request = request_for(commit);
    request.limits.files = 3;
    CHECK(refused(rig, request).kind == ErrorKind::Invalid);
    request = request_for(commit);
    request.limits.bytes = 1000;
    CHECK(refused(rig, request).kind == ErrorKind::Invalid);
    request = request_for(commit);
    request.limits.file_bytes = 99'999;
    CHECK(refused(rig, request).message.find("zero") != std::string::npos);
    request = request_for(commit);
    request.limits.spare_bytes = 1ULL << 60;
    CHECK(refused(rig, request).kind == ErrorKind::NoSpace);
}

TEST_CASE("stage: files that moved, were copied or changed in a large release are found by content") {
    const PartsRig rig;
    const auto make = [&](const std::string& changes) {
        return rig.commit("mkdir -p a b; for i in $(seq 100); do echo $i > a/f$i; echo b $i > b/g$i; done; " +
                          changes);
    };
    const auto root = rig.root();
    const auto one = rig.release(root, make(":"));
    // Every path of b/ is new, one content is, and one file became executable.
    auto second = request_for(make("git mv b a-b; echo new > a/f7; chmod +x a/f8; cp a/f9 a/twin"));
    second.share_with = {one};
    const auto two = stage_release(root, rig.repo(), rig.store(), second);
    REQUIRE(two.has_value());
    CHECK(two->files == 201);
    CHECK(two->written == 2);
    CHECK(two->hard_linked + two->reflinked == 199);
    CHECK(rig.sh("cd srv/web/releases/" + second.id.str() +
                 "; cat a/f7 a/f8 a/twin a-b/g100; test -x a/f8; test ! -e b") == "new\n8\n9\nb 100");
}

TEST_CASE("stage: a missing object is the mirror's fault, and leaves no release (attack 31)") {
    const PartsRig rig;
    const auto commit = rig.commit("echo one > f; echo two > g");
    const auto blob = rig.sh("cd app; git rev-parse HEAD:g");
    rig.sh("rm -f app/.git/objects/" + blob.substr(0, 2) + "/" + blob.substr(2));
    CHECK(refused(rig, request_for(commit)).kind == ErrorKind::Broken);
}

TEST_CASE("stage: a corrupt object never gets into a release (attack 31)") {
    const PartsRig rig;
    const auto commit = rig.commit("echo one > f; head -c 5000 /dev/urandom > g");
    const auto blob = rig.sh("cd app; git rev-parse HEAD:g");
    const auto file = "app/.git/objects/" + blob.substr(0, 2) + "/" + blob.substr(2);
    rig.sh("chmod u+w " + file + "; printf XXXX | dd of=" + file +
           " bs=1 seek=2000 conv=notrunc 2>/dev/null");
    CHECK(refused(rig, request_for(commit)).kind == ErrorKind::Broken);
}

TEST_CASE("stage: a partial folder of a crash is replaced, a release that is there is not") {
    const PartsRig rig;
    const auto commit = rig.commit("echo one > f");
    const auto root = rig.root();
    const auto id = ReleaseId::of(commit, "");
    rig.sh("mkdir -p srv/web/releases/." + id.str() + ".partial/junk");
    CHECK(rig.release(root, commit) == id);
    CHECK(rig.sh("ls -A srv/web/releases/" + id.str()) == "f");
    const auto again = stage_release(root, rig.repo(), rig.store(), request_for(commit));
    REQUIRE_FALSE(again.has_value());
    CHECK(again.error().kind == ErrorKind::Exists);
    CHECK(rig.store().complete(id));
}

TEST_CASE("integrity: a record that was cut or changed anywhere is not believed") {
    const PartsRig rig;
    const auto id = rig.release(rig.root(), rig.commit("echo one > f; ln -s f l"));
    const auto file = rig.state() + "/integrity/web/" + id.str();
    const auto text = read_file(file, 1 << 20).value();
    for (size_t length = 0; length < text.size(); length += 7) {
        REQUIRE(write_file_atomic(file, text.substr(0, length), 0600).has_value());
        CHECK_FALSE(rig.store().complete(id));
    }
    auto changed = text;
    changed[text.size() / 2] = static_cast<char>(changed[text.size() / 2] ^ 1);
    REQUIRE(write_file_atomic(file, changed, 0600).has_value());
    CHECK(rig.store().load(id).error().kind == ErrorKind::Broken);
}
