#include "parts_rig.hpp"
#include "reconciler/drift.hpp"

#include <algorithm>

using namespace tidegate::reconciler;
using namespace tidegate::shared;

namespace {

struct Deployed {
    PartsRig rig;
    AppRoot root = rig.root();
    Oid commit = rig.commit("mkdir d; echo aaa > a; echo bbb > d/b; echo ccc > c; ln -s a l");
    ReleaseId id = rig.release(root, commit);
    IntegrityRecord record = rig.store().load(id).value().value();
    bool refreshed = false;

    [[nodiscard]] std::string in(const std::string& file) const {
        return "srv/web/releases/" + id.str() + "/" + file;
    }
    Drift look() { return find_drift(root, id, record, refreshed).value(); }
};

}  // namespace

TEST_CASE("drift: an untouched release has none") {
    Deployed app;
    CHECK(app.look().none());
    CHECK_FALSE(app.refreshed);
}

TEST_CASE("drift: changed, missing and re-moded files are seen and mended from the mirror (attack 47)") {
    Deployed app;
    app.rig.sh("f=" + app.in("a") + "; chmod u+w $f; echo xxx > $f; chmod u-w $f; rm -rf " + app.in("d") +
               "; chmod 777 " + app.in("c") + "; rm " + app.in("l") + "; ln -s /etc/passwd " + app.in("l"));
    const auto drift = app.look();
    CHECK(drift.files.size() == 4);
    CHECK(drift.words().starts_with("2 files changed, 1 file missing, 1 file with another mode: "));
    CHECK(mend_drift(app.root, app.id, app.rig.repo(), drift, app.record).value().empty());
    CHECK(app.rig.read(app.in("a")) == "aaa\n");
    CHECK(app.rig.read(app.in("d/b")) == "bbb\n");
    CHECK(app.rig.sh("readlink " + app.in("l")) == "a");
    CHECK((app.rig.info(app.in("c")).st_mode & 07777) == 0444);
    CHECK(app.look().none());
}

TEST_CASE("drift: a file that was only touched is read once and then known again") {
    Deployed app;
    app.rig.sh("touch -d '2001-01-01' " + app.in("a"));
    CHECK(app.look().none());
    CHECK(app.refreshed);
    app.refreshed = false;
    CHECK(app.look().none());
    CHECK_FALSE(app.refreshed);
}

TEST_CASE(
    "drift: mending gives the name a file of its own, the hard-linked twin is mended for itself (attack "
    "47)") {
    Deployed app;
    const auto next = app.rig.release(app.root, app.rig.commit("echo d > d2"), {app.id});
    const auto twin = "srv/web/releases/" + next.str() + "/a";
    app.rig.sh("f=" + app.in("a") + "; chmod u+w $f; echo xxx > $f; chmod u-w $f");
    REQUIRE(mend_drift(app.root, app.id, app.rig.repo(), app.look(), app.record).has_value());
    CHECK(app.rig.read(app.in("a")) == "aaa\n");
    auto other = app.rig.store().load(next).value().value();
    bool refreshed = false;
    const auto drift = find_drift(app.root, next, other, refreshed).value();
    if (!drift.none()) REQUIRE(mend_drift(app.root, next, app.rig.repo(), drift, other).has_value());
    CHECK(app.rig.read(twin) == "aaa\n");
    CHECK(app.rig.info(twin).st_ino != app.rig.info(app.in("a")).st_ino);
}

TEST_CASE("drift: removing a release that shared files is no drift of the other") {
    Deployed app;
    const auto next = app.rig.release(app.root, app.rig.commit("echo d > d2"), {app.id});
    REQUIRE(app.root.remove(next, {}).has_value());
    CHECK(app.look().none());
}

TEST_CASE(
    "integrity: a large release's record is in pieces, and the next one shares those of unchanged files") {
    const PartsRig rig;
    const auto root = rig.root();
    const auto pieces = [&] { return rig.sh("ls state/integrity/web | grep ^piece | sort"); };
    const auto one = rig.release(
        root,
        rig.commit("for i in $(seq 1500); do mkdir -p d$((i / 100)); echo $i >d$((i / 100))/f$i; done"));
    const auto first = pieces();
    const auto count = lines_of(first).size();
    CHECK(count > 2);
    const auto two = rig.release(root, rig.commit("echo new >d3/f301"), {one});
    const auto record = rig.store().load(two).value().value();
    CHECK(record.entries.size() == 1500);
    if (rig.info("srv/web/releases/" + two.str() + "/d1/f101").st_nlink > 1)  // else cloned
        CHECK(lines_of(pieces()).size() == count + 1);
    // In parts it is the same.
    std::vector<std::string> seen;
    for (size_t next = 0, turn = 0; turn == 0 || next != 0; ++turn) {
        const auto part = rig.store().part(two, next, 1).value().value();
        for (const auto& entry : part.record.entries) seen.push_back(entry.path);
        next = part.next;
    }
    REQUIRE(seen.size() == 1500);
    CHECK(std::is_sorted(seen.begin(), seen.end()));
    bool refreshed = false;
    auto whole = rig.store().load(one).value().value();
    CHECK(find_drift(root, one, whole, refreshed).value().none());
    CHECK_FALSE(refreshed);
    REQUIRE(rig.store().forget(two).has_value());
    CHECK(pieces() == first);
    // One that is torn is not believed, and written again.
    rig.sh("f=state/integrity/web/$(ls state/integrity/web | grep -m1 ^piece); truncate -s 100 $f");
    CHECK(rig.store().load(one).error().kind == ErrorKind::Broken);
    REQUIRE(rig.store().save(one, whole).has_value());
    CHECK(rig.store().load(one).value()->entries.size() == 1500);
    REQUIRE(rig.store().forget(one).has_value());
    CHECK(pieces().empty());
}

TEST_CASE("drift: a large release is looked at in parts, and in the whole once something is found") {
    const PartsRig rig;
    const auto root = rig.root();
    const auto id = rig.release(
        root,
        rig.commit("for i in $(seq 1500); do mkdir -p d$((i / 100)); echo $i >d$((i / 100))/f$i; done"));
    DriftRounds rounds;
    const auto look = [&] { return look_for_drift(root, id, rig.store(), rounds, -1).value(); };
    CHECK(look().none());
    CHECK_FALSE(rounds.all);
    rig.sh("cd srv/web/releases/" + id.str() + "; rm -f d0/f7 d9/f999");
    size_t looks = 0;
    Drift drift;
    while (drift.none() && ++looks < 20) drift = look();
    CHECK(drift.files.size() == 2);
    CHECK(rounds.all);
    auto record = rig.store().load(id).value().value();
    REQUIRE(mend_drift(root, id, rig.repo(), drift, record).has_value());
    REQUIRE(rig.store().save(id, record).has_value());
    CHECK(look().none());
    CHECK_FALSE(rounds.all);
}
