"""soak.py [--rounds N]: deployment after deployment, with random changes of what is declared and random faults, against a
model that says what must be true after each. Round: something is declared; a run with or without a fault; then runs
without one until the model's state is reached. TIDEGATE_SEED repeats a soak."""

import argparse
import os
import random
import subprocess
import sys
import time

from world import LONG, World, Wrong, report, sh

FLAWS = ["BROKEN", "UNBUILDABLE", "UNMIGRATABLE"]
ERRORS = [5, 12, 13, 24, 28]
MOST_RUNS = 3
CALLS = 400  # about as many as a deployment makes


class Model:
    """What is declared, and what must run: the last release without a flaw that was declared."""

    def __init__(self, world, chance):
        self.world = world
        self.chance = chance
        self.number = 0
        self.flaws = {}
        self.declared = []  # of the branch's commits, oldest first: a version, or None where there is no manifest
        self.running = None
        self.code = 0
        self.tip = ""
        self.left = False  # the branch's tip is left out

    def new(self, flaw=None):
        self.number += 1
        oid = self.world.commit(self.number, self.number, flaw)
        self.flaws[self.number] = flaw
        self.world.declare(oid, **({"health_for": "200ms"} if flaw == "BROKEN" else {}))
        self.take(self.number)

    def take(self, version):
        self.declared.append(version)
        self.left = False
        self.tip = subprocess.check_output(["git", "rev-parse", "HEAD"], cwd="deploy", text=True).strip()
        if version is None:
            self.code = 0
        elif self.flaws[version] and version != self.running:
            self.code = 1
        else:
            self.running, self.code = version, 0

    def roll_back(self):
        if len(self.declared) < 2:
            return self.new()
        self.world.roll_back()
        return self.take(self.declared[-2])

    def remove(self):
        if self.declared[-1] is None:
            return self.new()
        sh("git", "rm", "-q", "production/web.yaml", cwd="deploy")
        self.world.push("web is gone")
        return self.take(None)

    def nothing(self):
        pass

    def comment(self):
        if self.declared[-1] is None:
            return self.new()
        with open("deploy/production/web.yaml", "a", encoding="utf-8") as file:
            file.write(f"# {self.chance.random()}\n")
        self.world.push("words only")
        return self.take(self.declared[-1])

    def left_out(self):
        """Another release is declared in a revision that hosts leave out; the model hears of it with the next."""
        if self.declared[-1] is None:
            return self.new()
        self.number += 1
        self.flaws[self.number] = None
        self.world.declare(self.world.commit(self.number, self.number), subject="web [skip-deploy]")
        self.declared.append(self.number)
        self.left = True
        return None

    def step(self):
        """Declares something; gives its name."""
        kinds = {"new": 8, "flawed": 6, "roll_back": 4, "comment": 1, "nothing": 1, "left_out": 1, "remove": 1, "force": 1}
        kind = self.chance.choices(list(kinds), list(kinds.values()))[0] if self.running else "new"
        if kind == "flawed":
            flaw = self.chance.choice(FLAWS)
            self.new(flaw)
            return flaw
        if kind != "force":
            getattr(self, kind)()
        return kind

    def fault(self):
        """For interpose.cpp; an empty text: none."""
        n = self.chance.randrange(1, CALLS)
        error = self.chance.choice(ERRORS)
        return self.chance.choice(["", "", f"all:{n}:kill", f"all:{n}:half", f"all:{n}:{error}", f"all:{n}:{error}+",
                                   f"all:{n}:term", f"all:{n}:{error};all:{n + self.chance.randrange(60)}:kill"])

    def check(self):
        world = self.world
        # A prune that failed is a warning: what it left goes with the next.
        pruned = world.query("SELECT what FROM phases WHERE state='prune' AND deployment="
                             "(SELECT max(id) FROM deployments WHERE outcome='deployed') ORDER BY rowid DESC LIMIT 1")
        pruned = pruned == [("done",)]
        world.check_settled(self.running, self.running, (".partial", ".removing", ".tmp") if pruned else (".tmp",))
        if world.query("SELECT 1 FROM deployments WHERE ended IS NULL"):
            raise Wrong("a deployment was left unfinished")
        if world.query("PRAGMA integrity_check") != [("ok",)]:
            raise Wrong("the database is damaged")
        good = {row[0] for row in world.query("SELECT release FROM good")}
        there = {path.name for path in (world.root / "releases").iterdir()}
        if pruned and not good <= there:
            raise Wrong(f"remembered as good, and not there: {good - there}")
        failed = world.query("SELECT count(*) FROM deployments WHERE id>"
                             "(SELECT max(id) FROM deployments WHERE outcome='deployed')")[0][0]
        if pruned and len(there) > 5 + failed:  # those that failed go with the next prune
            raise Wrong(f"{len(there)} releases are kept")
        accepted = world.query("SELECT value FROM facts WHERE key='accepted'")[0][0].split()[1]
        if accepted != self.tip:
            raise Wrong(f"accepted is {accepted}, the tip was {self.tip}")


def force_push(world, model):
    """The branch is rewound: refused, and nothing moves. Then it is put back."""
    if len(model.declared) < 2 or model.left:
        return
    sh("git", "push", "-q", "-f", str(world.work / "deploy.git"), "HEAD~1:deploy", cwd="deploy")
    run = world.converge()
    if run.code != 4:
        raise Wrong(f"a rewound branch ended with {run.code}\n{run.err}")
    world.check_whole()
    sh("git", "push", "-q", "-f", str(world.work / "deploy.git"), "HEAD:deploy", cwd="deploy")


def play(world, model, fault, kind):
    if fault:
        run = world.converge(fault)
        if model.running is not None and os.path.lexists(world.root / "current"):
            world.check_whole()
    if kind == "force":
        force_push(world, model)
    for _ in range(MOST_RUNS):
        run = world.converge()
        if world.broken() or (world.held() and model.code == 0):
            run = world.retry()  # an error after the switch, or in a revert, waits for a person
        if run.code == model.code:
            break
    else:
        raise Wrong(f"ended with {run.code}, expected {model.code}\n{run.err}")
    model.check()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=int(os.environ.get("TIDEGATE_ROUNDS", 1000 if LONG else 12)))
    given = parser.parse_args()
    seed = int(os.environ.get("TIDEGATE_SEED") or random.SystemRandom().randrange(10**6))
    print(f"seed {seed}", flush=True)
    chance = random.Random(seed)
    world = World()
    model = Model(world, chance)
    began, faults, done = time.time(), 0, []
    for number in range(1, given.rounds + 1):
        kind = model.step()
        fault = model.fault() if number > 1 else ""
        faults += bool(fault)
        done.append(f"{number}: {kind} {fault}")
        try:
            play(world, model, fault, kind)
        except Wrong as error:
            report(f"round {number}, seed {seed}; again with: TIDEGATE_SEED={seed}; the last: {done[-6:]}", error,
                   world.last_run)
            return 1
    deployments = world.query("SELECT outcome, count(*) FROM deployments GROUP BY 1 ORDER BY 2 DESC")
    print(f"{given.rounds} rounds with {faults} faults, {time.time() - began:.0f} s; "
          + ", ".join(f"{count} {outcome}" for outcome, count in deployments))
    return 0


if __name__ == "__main__":
    sys.exit(main())
