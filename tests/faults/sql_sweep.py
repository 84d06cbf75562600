"""sql_sweep.py WORLD [--only N HOW]: tidegated killed, or failed, at every call of the phases that migrate, where migrations are
files of SQL in SQLite. WORLD: deployment, revert, rollback, or restore: a revert whose way down is its backup. After each the
next start must bring the ledger and the tables to what the end asks for. The quick form takes a selection and kills only."""

import argparse
import os
import pathlib
import shutil
import sqlite3
import sys

from world import LONG, World, Wrong, failed, report

# How a run without a fault ends: exit code, and the versions that the database has.
ENDS = {"deployment": (0, [1, 2, 3]), "revert": (1, [1]), "rollback": (0, [1]), "restore": (1, [1])}
PHASES = ("migrate", "unmigrate", "revert-migration")
SQL = "sql: {client: sqlite3, folder: db, database: storage/app.sqlite3}"
BACKUP = """backup: 'cp storage/app.sqlite3 "$TIDEGATE_BACKUP"', restore: 'cp "$TIDEGATE_BACKUP/app.sqlite3" storage/'"""
QUICK = 9  # every so manyth call


def migration(version, down=True):
    os.makedirs("web/db", exist_ok=True)
    pathlib.Path(f"web/db/{version}_t.up.sql").write_text(f"CREATE TABLE t{version} (i int);\n")
    if down:
        pathlib.Path(f"web/db/{version}_t.down.sql").write_text(f"DROP TABLE t{version};\n")


def make(name):
    world = World(migrate="{" + SQL + "}")
    pathlib.Path("appstate/schema").write_text("1\n")  # what the app's health check asks for beside
    migration(1)
    world.declare(world.commit(1, 1))
    if world.converge().code != 0:
        raise Wrong("the first release does not come up")
    migration(2)
    migration(3, down=name != "restore")
    if name == "restore":
        world.manifest["migrate"] = "{" + SQL + ", " + BACKUP + "}"
    world.prepare(name, 1)
    return world


def check(world, versions):
    database = sqlite3.connect(world.root / "shared/storage/app.sqlite3")
    try:
        rows = database.execute("SELECT version, state FROM tidegate_migrations ORDER BY version").fetchall()
        tables = database.execute("SELECT name FROM sqlite_master WHERE name LIKE 't_' ORDER BY name").fetchall()
    finally:
        database.close()
    if rows != [(v, "done") for v in versions] or tables != [(f"t{v}",) for v in versions]:
        raise Wrong(f"the ledger has {rows}, the database {tables}, expected {versions}")


def one(world, name, n, how, what):
    code, versions = ENDS[name]
    world.restore(name)
    run = world.converge(f"all:{n}:{how}")
    try:
        world.check_whole()
        run = world.converge()
        if world.broken():
            raise Wrong("broken")
        if run.code != code and world.held() and how != "kill":  # after the switch an error is the release's
            run = world.retry()
        if run.code != code:
            raise Wrong(f"the next start ended with {run.code}, expected {code}")
        check(world, versions)
    except Wrong as error:
        report(what, error, run)
        return 1
    return 0


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("world", choices=sorted(ENDS))
    parser.add_argument("--only", nargs=2)
    given = parser.parse_args()
    if shutil.which("sqlite3") is None:
        print("skipped: no sqlite3 here")
        return 77
    world = make(given.world)
    run, calls = world.count()
    if run.code != ENDS[given.world][0]:
        failed(given.world, f"without a fault it ends with {run.code}", run)
    numbers = [int(call[0]) for call in calls if call[3] in PHASES]
    hows = ["kill", "5", "28"] if LONG else ["kill"]
    picked = [(n, how) for n in (numbers if LONG else numbers[1::QUICK]) for how in hows]
    if given.only:
        picked = [(int(given.only[0]), given.only[1])]
    wrong = sum(one(world, given.world, n, how, f"{how} at call {n}; again with: --only {n} {how}") for n, how in picked)
    print(f"{given.world}: {len(picked)} runs, {len(numbers)} calls there are, {wrong} wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
