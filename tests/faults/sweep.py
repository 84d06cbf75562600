"""sweep.py kill|error|compound WORLD [--only N HOW]: tidegated killed, or failed, at every call that changes a file, a link or the
database, over one deployment, one revert or one rollback; then once more without a fault. WORLD: deployment, revert,
rollback. The quick form takes a selection of the calls, TIDEGATE_LONG=1 every one; TIDEGATE_ERRORS=N then only N of the
ten errors at each (five codes, once and for ever), in turn. compound: by chance (TIDEGATE_SEED) killed twice, or failed and
then killed, each in the recovery from the one before."""

import argparse
import os
import random
import sys
import time

from world import LONG, World, Wrong, failed, report

# What each world is: how to make it, and how a run without a fault ends: exit code, version, schema.
ENDS = {"deployment": (0, 2, 2), "revert": (1, 1, 1), "rollback": (0, 1, 1)}
ERRORS = {"EIO": 5, "ENOMEM": 12, "EACCES": 13, "EMFILE": 24, "ENOSPC": 28}


def make(name):
    world = World()
    first = world.commit(1, 1)
    world.declare(first)
    if world.converge().code != 0:
        raise Wrong("the first release does not come up")
    world.prepare(name, 2)
    return world


def selection(calls, share):
    """Every call in the long form. In the quick one those of names and phases, each kind once, and every `share`th."""
    if LONG:
        return calls
    seen, picked = set(), []
    for call in calls:
        kind = (call[1], call[3], "state.db" in call[4])
        if kind not in seen and call[1] in ("renameat", "renameat2", "symlinkat", "syncfs", "rename") or \
                int(call[0]) % share == 0:
            picked.append(call)
        seen.add(kind)
    return picked


def kill(world, name, n, how, what):
    code, version, schema = ENDS[name]
    world.restore(name)
    run = world.converge(f"all:{n}:{how}")
    try:
        if not run.killed and run.code != code:
            raise Wrong(f"not killed, and ended with {run.code}")
        world.check_whole()
        run = world.converge()
        if run.code != code:
            raise Wrong(f"the next start ended with {run.code}, expected {code}")
        world.check_settled(version, schema)
    except Wrong as error:
        report(what, error, run)
        return "failed"


def error(world, name, n, how, what):
    """The fault, then a run without it. What was before or what is declared runs, whole; it converges by itself, or
    holds the revision (after the switch an error is the release's) until a person says retry."""
    code, version, schema = ENDS[name]
    world.restore(name)
    run = world.converge(f"all:{n}:{how}")
    try:
        if run.code < 0:
            raise Wrong(f"died of signal {-run.code}")
        world.check_whole()
        run = world.converge()
        needs = None
        if world.broken():
            if not how.endswith("+"):
                raise Wrong("broken by a fault that passed")
            needs = "broken, undone by retry"
            run = world.retry()
        world.check_consistent()
        if run.code != code and world.held():
            needs = needs or "held until retry"
            run = world.retry()
        if run.code != code:
            raise Wrong(f"ended with {run.code} once the fault was gone, expected {code}")
        world.check_settled(version, schema)
        return needs
    except Wrong as wrong:
        report(what, wrong, run)
        return "failed"


def compound(world, name, steps):
    """A run for each of `steps`, each with its fault; then it goes on without one."""
    code, version, schema = ENDS[name]
    world.restore(name)
    run = None
    try:
        for step in steps:
            run = world.converge(step)
            world.check_whole()
        for _ in range(2):  # a recovery may end postponed; the next start asks again
            run = world.converge()
            if run.code == code:
                break
        if world.broken():
            raise Wrong("broken")
        if run.code != code and world.held():
            run = world.retry()
        if run.code != code:
            raise Wrong(f"ended with {run.code}, expected {code}")
        world.check_settled(version, schema)
        return None
    except Wrong as wrong:
        report(f"{name}: {' then '.join(steps)}", wrong, run)
        return "failed"


def compounds(world, name, count):
    """Pairs and threes of faults: kills in recoveries, errors in recoveries, an error with a kill after it."""
    seed = int(os.environ.get("TIDEGATE_SEED") or random.SystemRandom().randrange(10**6))
    print(f"seed {seed}")
    chance = random.Random(seed)
    began, bad = time.time(), 0
    tries = int(os.environ.get("TIDEGATE_TRIES", 300)) if LONG else 3
    for _ in range(tries):
        first, second, third = (chance.randrange(1, count) for _ in range(3))
        code = chance.choice(list(ERRORS.values()))
        steps = chance.choice([
            [f"all:{first}:kill", f"all:{second}:kill"],
            [f"all:{first}:kill", f"all:{second}:half", f"all:{third}:kill"],
            [f"all:{first}:kill", f"all:{second}:{code}"],
            [f"all:{first}:{code};all:{min(count, first + second % 60)}:kill"],
            [f"all:{first}:{code}+", f"all:{second}:kill"]])
        bad += bool(compound(world, name, steps))
    print(f"{name}: {tries} compound faults, {time.time() - began:.0f} s; {bad} failed")
    return 1 if bad else 0


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("fault", choices=["kill", "error", "compound"])
    parser.add_argument("world", choices=list(ENDS))
    parser.add_argument("--only", nargs=2, metavar=("N", "HOW"))
    given = parser.parse_args()
    world = make(given.world)
    began = time.time()
    run, every = world.count()
    code, version, schema = ENDS[given.world]
    if run.code != code:
        failed("without a fault", f"ended with {run.code}, expected {code}", run)
    world.check_settled(version, schema)
    if given.fault == "compound":
        return compounds(world, given.world, len(every))
    if given.only:
        calls = [call for call in every if call[0] == given.only[0]]
    elif given.fault == "kill":
        calls = selection([call for call in every if call[2] == "ok"], 61)  # what fails changes nothing
    else:
        calls = selection(every, 97)
    tries, needs = 0, {}
    for call in calls:
        n, name, _, phase, path = call
        if given.fault == "kill":
            hows = ["kill", "half"] if "write" in name else ["kill"]
        else:
            hows = [f"{code}{ever}" for code in ERRORS.values() for ever in ("", "+")]
            most = int(os.environ.get("TIDEGATE_ERRORS", len(hows))) if LONG else 1
            hows = [hows[(int(n) * 3 + turn) % len(hows)] for turn in range(most)]
        for how in [given.only[1]] if given.only else hows:
            what = f"{given.world}, {how} at call {n} of {len(every)} ({name} {path}) in phase {phase}; " \
                   f"again with: --only {n} {how}"
            need = (kill if given.fault == "kill" else error)(world, given.world, n, how, what)
            tries += 1
            if need:
                needs.setdefault(need, []).append(f"{n}:{how}:{name}:{phase}:{os.path.basename(path)}")
    counts = ", ".join(f"{len(value)} {key}" for key, value in needs.items()) or "all by themselves"
    print(f"{given.world}: {tries} faults of kind {given.fault} at {len(calls)} of {len(every)} calls, "
          f"{time.time() - began:.0f} s; {counts}")
    if os.environ.get("TIDEGATE_SHOW"):
        for key, value in needs.items():
            print(key, *value, sep="\n  ")
    return 1 if "failed" in needs else 0


if __name__ == "__main__":
    sys.exit(main())
