#include "parts_rig.hpp"
#include "reconciler/object_import.hpp"

#include <fcntl.h>

#include <functional>

using namespace tidegate::reconciler;
using namespace tidegate::shared;

namespace {

// Makes archives with Python's tarfile, which writes whatever it is told to.
class ArchiveRig : public PartsRig {
  public:
    ArchiveRig() { ignore_sigpipe(); }

    // `lines`: Python that adds to `t`, an open tar; add(NAME, …) makes an entry.
    [[nodiscard]] std::string tar(const std::string& lines, const std::string& mode = "w") const {
        const std::string python =
            "import io, tarfile\n"
            "t = tarfile.open('made', '" +
            mode +
            "', format=tarfile.PAX_FORMAT)\n"
            "def add(name, data=b'x', **more):\n"
            "    i = tarfile.TarInfo(name); i.size = len(data); i.mode = 0o644\n"
            "    for key, value in more.items(): setattr(i, key, value)\n"
            "    t.addfile(i, io.BytesIO(data))\n" +
            lines + "\nt.close()\n";
        REQUIRE(write_file_atomic(path() + "/make.py", python, 0600).has_value());
        sh("python3 make.py");
        return path() + "/made";
    }

    // The commit that the archive unpacks to.
    Result<Oid> import(const std::string& file, ArchiveLimits limits = {}, int strip = 0) const {
        const auto store = BareStore::open(state() + "/store.git", "test");
        REQUIRE(store.has_value());
        const Fd fd(open(file.c_str(), O_RDONLY | O_CLOEXEC));
        REQUIRE(fd);
        const auto import = TRY(ObjectImport::begin(*store));
        UnpackedTree tree(strip);
        TRY(import->add_archive(fd.get(), limits, tree, -1));
        return import->finish(tree, std::string(64, 'a'), "test");
    }

    // "path mode" of all that the store has, a line each.
    [[nodiscard]] std::string listed(const Oid& commit) const {
        return sh(
            "git --git-dir=state/store.git ls-tree -r -t " + commit.str() +
            " | awk '$2 == \"blob\" || $3 == \"4b825dc642cb6eb9a060e54bf8d69288fbee4904\" {print $4, $1}'");
    }

    ReleaseId release(const AppRoot& root, const Oid& commit) const {
        const auto repo = Repo::open(state() + "/store.git").value();
        StageRequest request{ReleaseId::of(commit, ""), commit, {}, false, {}, {}, -1};
        auto report = stage_release(root, repo, store(), request);
        if (!report) FAIL(report.error().line());
        return request.id;
    }
};

}  // namespace

TEST_CASE("archive: files, modes, links and empty folders come out as they went in") {
    const ArchiveRig rig;
    const auto made = rig.sh(
        "mkdir -p in/bin in/empty/deep; echo run > in/bin/run; chmod 755 in/bin/run; echo 'größe' > "
        "in/größe; "
        "ln -s bin/run in/start; ln in/bin/run in/twin; head -c 3000000 /dev/urandom > in/big; "
        "tar -C in -cf plain.tar .; gzip -k plain.tar; xz -k plain.tar; zstd -q plain.tar; "
        "(cd in; zip -qry ../made.zip .); ls plain.tar* made.zip");
    for (const auto file : lines_of(made)) {
        CAPTURE(std::string(file));
        const auto commit = rig.import(rig.path() + "/" + std::string(file));
        if (!commit) FAIL(commit.error().line());
        const auto app = "app-" + std::string(file);
        const auto root = rig.root(app);
        const auto id = rig.release(root, *commit);
        const auto there = "srv/" + app + "/releases/" + id.str();
        CHECK(rig.sh("diff -r --no-dereference in " + there + " && echo same") == "same");
        CHECK((rig.info(there + "/bin/run").st_mode & 07777) == 0555);
        CHECK((rig.info(there + "/twin").st_mode & 07777) == 0555);
        CHECK((rig.info(there + "/big").st_mode & 07777) == 0444);
        CHECK(S_ISDIR(rig.info(there + "/empty/deep").st_mode));
    }
}

TEST_CASE("archive: leading folders are stripped as tar does") {
    const ArchiveRig rig;
    const auto file = rig.tar(
        "add('web-1.0/a/b'); add('README'); add('web-1.0/c', b'', type=tarfile.LNKTYPE, "
        "linkname='web-1.0/a/b')");
    const auto commit = rig.import(file, {}, 1);
    REQUIRE(commit.has_value());
    CHECK(rig.listed(*commit) == "a/b 100644\nc 100644");
}

TEST_CASE(
    "archive: whatever could leave the folder, or is no file, folder or link, refuses all of it (attack "
    "39)") {
    struct Case {
        const char* name;
        const char* lines;
        const char* says;
    };
    const std::vector<Case> cases{
        {"a name that climbs", "add('../evil')", "`..`"},
        {"a name that climbs later", "add('a/b/../../../evil')", "`..`"},
        {"an absolute name", "add('/tmp/evil')", "absolute"},
        {"a file through a link", "add('l', b'', type=tarfile.SYMTYPE, linkname='/tmp'); add('l/evil')",
         "below a link"},
        {"a file through a link inside",
         "add('d/x'); add('l', b'', type=tarfile.SYMTYPE, linkname='d'); add('l/evil')", "below a link"},
        {"a file below a file", "add('f'); add('f/evil')", "below a file"},
        {"a hard link outward", "add('h', b'', type=tarfile.LNKTYPE, linkname='/etc/passwd')", "absolute"},
        {"a hard link that climbs", "add('h', b'', type=tarfile.LNKTYPE, linkname='../x')", "`..`"},
        {"a hard link to nothing", "add('h', b'', type=tarfile.LNKTYPE, linkname='x')", "hard link"},
        {"a hard link to a link",
         "add('l', b'', type=tarfile.SYMTYPE, linkname='x'); add('h', b'', type=tarfile.LNKTYPE, "
         "linkname='l')",
         "hard link"},
        {"a character device", "add('d', b'', type=tarfile.CHRTYPE, devmajor=1, devminor=3)",
         "no file, folder or link"},
        {"a block device", "add('d', b'', type=tarfile.BLKTYPE, devmajor=8)", "no file, folder or link"},
        {"a fifo", "add('p', b'', type=tarfile.FIFOTYPE)", "no file, folder or link"},
        {"setuid", "add('s', mode=0o4755)", "setuid"},
        {"setgid", "add('s', mode=0o2755)", "setuid"},
        {"a name twice", "add('a'); add('./a')", "twice"},
        {"a folder and a file of one name", "add('a/b'); add('a')", "twice"},
        {"a name over 4096 bytes", "add('/'.join(['a' * 100] * 41))", "4096"},
        {"folders 300 deep", "add('a/' * 300 + 'f')", "200 levels"},
        {".git", "add('.git/hooks/pre-commit')", ".git"},
        {".GIT", "add('x/.GIT/config')", ".GIT"},
    };
    const ArchiveRig rig;
    for (const auto& [name, lines, says] : cases) {
        const auto& shown = name;  // clang 14 captures no structured binding
        const std::string wanted = says;
        CAPTURE(shown);
        const auto commit = rig.import(rig.tar(std::string("add('first')\n") + lines));
        REQUIRE_FALSE(commit.has_value());
        CHECK(commit.error().kind == ErrorKind::Invalid);
        CHECK_MESSAGE(commit.error().line().find(wanted) != std::string::npos, commit.error().line());
        CHECK(rig.sh("git --git-dir=state/store.git for-each-ref") == "");
    }
    CHECK_FALSE(exists("/tmp/evil"));
    CHECK_FALSE(exists(rig.path() + "/evil"));
}

TEST_CASE("archive: a link out of the release is refused when it is staged (attacks 28, 39)") {
    const ArchiveRig rig;
    const auto commit =
        rig.import(rig.tar("add('x'); add('l', b'', type=tarfile.SYMTYPE, linkname='../../../etc')"));
    REQUIRE(commit.has_value());
    const auto repo = Repo::open(rig.state() + "/store.git").value();
    const StageRequest request{ReleaseId::of(*commit, ""), *commit, {}, false, {}, {}, -1};
    const auto root = rig.root();
    const auto report = stage_release(root, repo, rig.store(), request);
    REQUIRE_FALSE(report.has_value());
    CHECK(report.error().kind == ErrorKind::Invalid);
    CHECK(list_dir(root.releases_fd()).value().empty());
}

TEST_CASE(
    "archive: too large, too many, a sparse giant and a bomb are refused as they come (attacks 39, 40)") {
    const ArchiveRig rig;
    const auto refused = [&](const std::string& file, ArchiveLimits limits, const std::string& says) {
        const auto commit = rig.import(file, limits);
        REQUIRE_FALSE(commit.has_value());
        CHECK(commit.error().kind == ErrorKind::Invalid);
        CHECK_MESSAGE(commit.error().message.find(says) != std::string::npos, commit.error().line());
    };
    const auto several = rig.tar("for i in range(30): add('f%d' % i, b'x' * 1000)", "w:gz");
    refused(several, {20'000, 10'000, 1000}, "unpacks to more than 20000");
    refused(several, {1 << 30, 999, 1000}, "a file of more than 999");
    refused(several, {1 << 30, 10'000, 29}, "more than 29 entries");
    CHECK(rig.import(several, {1 << 30, 10'000, 30}).has_value());
    rig.sh("truncate -s 1T giant; tar --sparse -cf giant.tar giant; rm giant");
    refused(rig.path() + "/giant.tar", {}, "a file of more than");
    rig.sh("mkdir -p b; truncate -s 300M b/zero; tar -cf - b | zstd -q -o bomb.tar.zst; rm -r b");
    refused(rig.path() + "/bomb.tar.zst", {}, "times its size");
}

TEST_CASE("archive: one that is cut, damaged, encrypted or something else is refused") {
    const ArchiveRig rig;
    const auto refused = [&](const std::string& file) {
        CAPTURE(file);
        const auto commit = rig.import(rig.path() + "/" + file);
        REQUIRE_FALSE(commit.has_value());
        CHECK(commit.error().kind == ErrorKind::Invalid);
    };
    rig.sh(
        "head -c 200000 /dev/urandom > f; tar -czf w.tar.gz f; tar -cJf bad.tar.xz f; head -c 150000 "
        "w.tar.gz > cut.tar.gz; "
        "printf XXXX | dd of=bad.tar.xz bs=1 seek=60000 conv=notrunc 2>/dev/null; "
        "zip -qP secret locked.zip f; tar -cjf b.tar.bz2 f 2>/dev/null || cp f b.tar.bz2; : > empty");
    for (const char* file : {"cut.tar.gz", "bad.tar.xz", "locked.zip", "f", "b.tar.bz2", "empty"})
        refused(file);
}

TEST_CASE("archive: nothing of one that was given up stays, and the next one goes in") {
    const ArchiveRig rig;
    {
        const auto store = BareStore::open(rig.state() + "/store.git", "test");
        REQUIRE(store.has_value());
        const auto import = ObjectImport::begin(*store);
        REQUIRE(import.has_value());
        const Fd fd(
            open(rig.tar("for i in range(300): add('f%d' % i, b'%d' % i)").c_str(), O_RDONLY | O_CLOEXEC));
        UnpackedTree tree;
        CHECK((*import)->add_archive(fd.get(), {}, tree, -1).has_value());
    }
    CHECK(rig.import(rig.tar("add('a')")).has_value());
    CHECK(rig.sh("ls state/store.git/objects/pack | grep -c '^tmp' || true") == "0");
}

TEST_CASE("archive: a layer takes the place of an earlier one's names, and takes names away") {
    UnpackedTree tree;
    const auto file = [&](const std::string& path) {
        ArchiveEntry entry;
        entry.path = path;
        const auto taken = tree.add(entry);
        if (!taken) FAIL(taken.error().line());
    };
    const auto has = [&](const UnpackedNode& node, const std::string& name) {
        return node.children.count(name) == 1;
    };
    tree.begin_layer();
    for (const char* path : {"a/one", "a/two", "b/one", "c"}) file(path);
    tree.begin_layer();
    for (const char* path : {"a/.wh.one", "b/new", "b/.wh..wh..opq", "c/now/a/folder", ".wh.nothing"})
        file(path);
    const auto& top = tree.top();
    CHECK_FALSE(has(*top.children.at("a"), "one"));
    CHECK(has(*top.children.at("a"), "two"));
    CHECK_FALSE(has(*top.children.at("b"), "one"));
    CHECK(has(*top.children.at("b"), "new"));
    ArchiveEntry again;
    again.path = "b/new";
    CHECK_FALSE(tree.add(again).has_value());
}
