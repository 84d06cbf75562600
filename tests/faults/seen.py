"""seen.py CASE: what an operator may meet once in years, with real programs."""

import os
import sqlite3
import sys

from world import World, Wrong, failed

YEARS = 365 * 86400


def expect(true, what):
    if not true:
        raise Wrong(what)


def deployed(world):
    """The app's state as status tells it."""
    return '"converged"' in world.ctl("status", "--json").stdout


def restarted_a_hundred_times(world):
    """Attack 80: killed at every start, in the same phase; the revision is held, and the old release runs."""
    for phase in ("build", "health"):
        world.restore("base")
        kills = 0
        while not world.held() and kills < 100:
            kills += world.converge(f"{phase}/all:1:kill").killed
        expect(2 <= kills <= 13, f"killed {kills} times in {phase}")
        run = world.converge()
        expect(run.code == 1, f"ended with {run.code}")
        world.check_settled(1, 1)


def clock_jumps(world):
    """Attack 87: a delay that a wrong clock wrote holds nobody up, and nothing expires or is done again."""
    os.rename("web.git", "away.git")
    run = world.converge(TIDEGATE_CLOCK=str(70 * YEARS), fault="all:0:kill")
    expect(run.code == 1 and "postponed" in run.err, f"not postponed: {run.code}\n{run.err}")
    world.check_settled(1, 1)
    os.rename("away.git", "web.git")
    process = world.daemon()
    world.wait_for("converged by the right clock", lambda: deployed(world))
    expect(world.end(process) == 0, "the daemon did not end well")
    world.check_settled(2, 2)
    last = world.last_deployment()
    for years in (-50, 70):
        run = world.converge(TIDEGATE_CLOCK=str(years * YEARS), fault="all:0:kill")
        expect(run.code == 0, f"{years} years: {run.code}\n{run.err}")
    expect(world.last_deployment() == last, "something was deployed again")
    world.check_settled(2, 2)


def older_daemon(world):
    """Attack 88: a database of a newer version is refused, in words, and not touched."""
    file = world.disk / "state/state.db"
    with sqlite3.connect(file) as database:
        database.execute("PRAGMA user_version=99")
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()
    before = file.read_bytes()
    run = world.converge()
    expect(run.code == 2 and "newer tidegated (schema 99" in run.err, f"{run.code}\n{run.err}")
    expect(file.read_bytes() == before, "the database was touched")
    world.check_settled(1, 1)


def lost_database(world):
    """Attack 89: set aside, taken over from what is on disk; the running release is not deployed again, the accepted
    revision still blocks the way back, and the next release comes."""
    run = world.converge()
    expect(run.code == 0, run.err)
    (world.disk / "appstate/migrations").write_text("")
    activated = (world.disk / "appstate/active").stat().st_mtime_ns
    for content in (b"no database, but long enough to be looked at " * 90, b"", None):
        for name in ("state.db", "state.db-wal", "state.db-shm"):
            (world.disk / "state" / name).unlink(missing_ok=True)
        if content is not None:
            (world.disk / "state/state.db").write_bytes(content)
        run = world.converge("all:0:kill")
        now = (world.disk / "appstate/active").stat().st_mtime_ns
        expect(now == activated, f"activated again\n{run.err}")
        expect((world.disk / "appstate/migrations").read_text() == "", "migrated again")
        expect(world.last_deployment() == 0, "something was deployed")
        expect(world.version() == "2", "another release runs")
    expect(len(list((world.disk / "state").glob("state.db.broken-*"))) >= 1, "it was not set aside")
    os.system(f"git -C deploy push -qf {world.work}/deploy.git HEAD~1:deploy")
    run = world.converge()
    expect(run.code == 4, f"the way back is open: {run.code}\n{run.err}")
    os.system(f"git -C deploy push -qf {world.work}/deploy.git HEAD:deploy")
    world.declare(world.commit(3, 3))
    run = world.converge()
    expect(run.code == 0, run.err)
    world.check_settled(3, 3)


def hanging_disk(world):
    """Attack 90: a call into a file system that never returns does not keep the daemon from ending, and the next start
    goes on as after a kill."""
    process = world.daemon("stage/files:1:hang")
    world.wait_for("stage", lambda: "phase=stage" in (world.work / "daemon.log").read_text())
    code = world.end(process)
    expect(code == 3, f"ended with {code}")
    world.check_settled(1, 1)
    run = world.converge()
    expect(run.code == 0, run.err)
    world.check_settled(2, 2)


def main():
    world = World()
    world.declare(world.commit(1, 1))
    expect(world.converge().code == 0, "the first release does not come up")
    world.declare(world.commit(2, 2))
    world.keep("base")
    case = sys.argv[1]
    try:
        globals()[case](world)
    except Wrong as error:
        failed(case, error)
    return 0


if __name__ == "__main__":
    sys.exit(main())
