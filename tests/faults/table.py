"""table.py [PHASE [FAULT]] [--print]: for each phase {error once, error for ever, kill, hang, disk full, read-only database,
SIGTERM}, what the journal says after the fault, after a start without it, and how it ends. Two releases ran well and a
third is declared; in the steps of a revert the third is not healthy. The quick form takes a selection of the rows."""

import argparse
import sys

from world import LONG, World, Wrong, report
from table_rows import ROWS

FORWARD = ["fetch", "verify", "stage", "build", "migrate", "switch", "activate", "health", "soak", "prune"]
REVERT = [*FORWARD[:7], "health!", "revert-migration", "revert-switch", "revert-activate", "revert-health"]
SIGNS = {"done": "", "failed": "!", "transient": "~", "denied": "-", "stop": "#", "failed-alone": "!!",
         "tried-again": "&"}
FAULTS = ["error-once", "error-for-ever", "kill", "hang", "disk-full", "read-only-database", "sigterm"]

# Faults that the app's own commands show: what to write into the fault's file; for the rest interpose.cpp does it.
COMMANDS = {"build": "build", "migrate": "migrate", "activate": "activate3", "health": "health3", "soak": "soak3",
            "revert-migration": "down", "revert-activate": "activate2", "revert-health": "health2"}
# The call of ours that fails where no command does.
CALLS = {"fetch": "fetch/open", "verify": "verify/read", "stage": "stage/files", "switch": "switch/renameat2",
         "prune": "prune/files", "revert-switch": "revert-switch/renameat2"}


def words(events):
    """The journal's rows in a line: a phase alone began and was done; `(` began only; `!` failed, `~` failed for what
    may pass, `-` was refused, `#` was asked to stop, `&` was tried again by a person. `…` stands for the phases before."""
    deployments = []
    for rows, outcome in events:
        out = []
        for state, what in rows:
            if what == "begin":
                out.append(state + "(")
            elif out and out[-1] == state + "(":
                out[-1] = state + SIGNS[what]
            else:
                out.append(state + SIGNS[what] if what != "done" else state + ")")
        for usual in (REVERT, FORWARD):
            same = 0
            while same < min(len(out) - 1, len(usual)) and out[same] == usual[same]:
                same += 1
            if same > (8 if usual is REVERT else 1):
                out[:same] = ["…"]
                break
        deployments.append(" ".join([*out, outcome]))
    return " | ".join(deployments) or "nothing"


def fault_of(world, phase, fault):
    """Prepares the fault, and gives what interpose.cpp is told; None where a phase cannot meet it."""
    how = {"error-once": "fail once", "error-for-ever": "fail", "hang": "hang"}.get(fault)
    if how and phase in COMMANDS:
        # What fails before the deployment is not blamed on it: the old release's probes fail from the revert on only.
        when = "later" if phase == "revert-health" else "fault"
        (world.work / "appstate" / f"{when}.{COMMANDS[phase]}").write_text(how + "\n")
        return ""
    if fault == "hang":
        return None  # no foreign code runs in it; see docs/reliability.md
    return {"error-once": f"{CALLS.get(phase)}:1:5", "error-for-ever": f"{CALLS.get(phase)}:1:5+",
            "kill": f"{phase}/all:1:kill", "disk-full": f"{phase}/alloc:1:28+",
            "read-only-database": f"{phase}/db:1:30+", "sigterm": f"{phase}/all:1:term"}[fault]


def make():
    world = World(soak="150ms", within="5s", timeout="5s", keep="2")
    for version in (1, 2):
        world.declare(world.commit(version, version))
        if world.converge().code != 0:
            raise Wrong(f"version {version} does not come up")
    world.keep("base")
    good, bad = world.commit(3, 3), world.commit(4, 3, "BROKEN")
    return world, good, bad


def settings_of(phase, fault):
    """What of the manifest the row needs: short times where the end of them is waited for."""
    if phase in REVERT[8:]:
        return {"health_for": "200ms"}
    if fault == "hang" and phase == "soak":
        return {"soak": "2s", "within": "300ms"}
    if phase == "health" and fault in ("hang", "error-for-ever"):
        return {"health_for": "500ms"}
    return {}


def end_of(world):
    state = " broken" if world.broken() else " held" if world.held() else ""
    return world.check_whole() + state


def play(world, phase, fault):
    """The row that this phase and fault give."""
    world.restore("base")
    world.journal_before = world.last_deployment()
    told = fault_of(world, phase, fault)
    if told is None:
        return None
    run = world.converge(told or None)
    if fault != "kill" and run.code < 0:
        raise Wrong(f"died of signal {-run.code}\n{run.err}")
    world.check_whole()
    row = [words(world.events(world.journal_before))]
    for file in (world.work / "appstate").glob("fault.*"):
        file.unlink()
    run = world.converge()
    row.append(words(world.events(world.journal_before)))
    row.append(end_of(world))
    if world.broken():
        run = world.retry()
        row.append(words(world.events(world.journal_before)))
        row.append(end_of(world))
    if not world.broken():
        world.check_consistent()
    return tuple(row)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("phase", nargs="?")
    parser.add_argument("fault", nargs="?")
    parser.add_argument("--print", action="store_true")
    given = parser.parse_args()
    world, good, bad = make()
    played, wrong, declared = 0, 0, None
    for number, (phase, fault) in enumerate((p, f) for p in FORWARD + REVERT[8:] for f in FAULTS):
        if (given.phase or phase, given.fault or fault) != (phase, fault):
            continue
        if not LONG and not given.phase and (number // len(FAULTS) * 2 + number) % len(FAULTS) != 0:
            continue
        wanted = (bad if phase in REVERT[8:] else good, settings_of(phase, fault))
        if declared != wanted:
            world.declare(wanted[0], **wanted[1])
            declared = wanted
        try:
            row = play(world, phase, fault)
        except Wrong as error:
            row = (str(error),)
        if given.print:
            print(f"    ({phase!r}, {fault!r}): {row!r},")
            continue
        played += row is not None
        if row != ROWS.get((phase, fault)):
            wrong += 1
            expected = "\n".join(ROWS.get((phase, fault)) or ["no such row"])
            report(f"{fault} in {phase}; again with: table.py {phase} {fault}",
                   "got:\n" + "\n".join(row or ["nothing"]) + "\nexpected:\n" + expected)
    print(f"{played} rows, {wrong} wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
