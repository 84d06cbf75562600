#include "parts_rig.hpp"
#include "reconciler/drift.hpp"

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
