"""The cases. Each gives a Result: its samples by contender, and the targets it is held to."""

import shutil
from dataclasses import dataclass, field

from measuring import Samples, interleaved
from tools import Gates, configs
from worlds import World


@dataclass
class Target:
    words: str
    value: float
    limit: float
    unit: str = "ms"

    @property
    def met(self):
        return self.value <= self.limit


@dataclass
class Result:
    title: str
    base: str  # the contender whose time is taken off
    samples: dict
    targets: list = field(default_factory=list)
    note: str = ""

    def wall(self, name):
        return Samples.median(self.samples[name].wall)

    def added(self, name):
        return self.wall(name) - self.wall(self.base)

    def at_most_share_of(self, peer, share, words):
        if peer in self.samples:
            self.targets.append(Target(f"added at most {words} of {peer}'s", self.added("ours"),
                                       share * self.added(peer)))


class Bench:
    def __init__(self, machine, tools, folder, rounds):
        self.machine = machine
        self.tools = tools
        self.folder = folder
        self.rounds = rounds
        self.worlds = {}

    def world(self, name, files, gates, stage="pre-commit"):
        if name not in self.worlds:
            world = World(self.machine, self.folder / name, files, configs(gates, stage))
            self.worlds[name] = (world, self.tools.installed(world, gates, stage))
        return self.worlds[name]

    def commits(self, world, names, staged=1, further=(), rounds=None):
        def once(name, samples):
            world.use_hooks(name)
            offset = world.count * staged % len(world.paths)
            world.edit([world.paths[(offset + i) % len(world.paths)] for i in range(staged)])
            if further:
                world.edit_further(further)
            self.machine.sample(samples, ["git", "commit", "-qm", "x"], world.repo)
        return interleaved(rounds or self.rounds, 2, names, once)

    def small(self):
        """200 files, one no-op gate"""
        world, names = self.world("small", 200, Gates())
        result = Result("200 files, one no-op gate", "none", self.commits(world, names))
        result.targets.append(Target("at most `sh` + 4 ms", result.wall("ours") - result.wall("sh"), 4))
        result.at_most_share_of("lefthook", 1 / 4, "a quarter")
        result.at_most_share_of("prek", 1 / 4, "a quarter")
        return result

    def large(self):
        """50,000 files, one no-op gate"""
        world, names = self.world("large", 50_000, Gates())
        result = Result("50,000 files, one no-op gate", "none", self.commits(world, names))
        result.targets.append(Target("at most `sh` + 20 ms", result.wall("ours") - result.wall("sh"), 20))
        result.at_most_share_of("lefthook", 1 / 5, "a fifth")
        result.at_most_share_of("prek", 1 / 5, "a fifth")
        return result

    def partial(self):
        """50,000 files, partially staged, snapshot warm"""
        world, names = self.world("large", 50_000, Gates())
        samples = self.commits(world, names, further=world.paths[100:103])
        world.git("checkout", "-q", "--", ".")
        result = Result("50,000 files, partially staged", "none", samples)
        result.targets.append(Target("added at most 60 ms", result.added("ours"), 60))
        return result

    def waiting(self):
        """ten gates of 200 ms"""
        world, names = self.world("waiting", 200, Gates(commands=("sleep 0.2",) * 10))
        result = Result("ten gates of 200 ms", "none", self.commits(world, names, rounds=max(5, self.rounds // 3)))
        result.targets.append(
            Target("at most 1.05 × `sh`", result.wall("ours") / result.wall("sh"), 1.05, unit="×"))
        return result

    def checks(self):
        """built-in checks on 1,000 staged files"""
        gates = Gates(commands=(), checks=("trailing-whitespace", "end-of-file-fixer", "check-merge-conflict",
                                           "check-added-large-files", "detect-private-key", "check-case-conflict",
                                           "mixed-line-ending", "check-json", "check-yaml"))
        world, names = self.world("checks", 1_000, gates)
        samples = self.commits(world, names, staged=1_000, rounds=max(5, self.rounds // 2))
        result = Result("nine built-in checks, 1,000 staged files", "none", samples)
        result.at_most_share_of("prek", 1 / 2, "half")
        return result

    def first_snapshot(self):
        """the first snapshot of 50,000 files"""
        world, _ = self.world("large", 50_000, Gates())
        places = {"git worktree add": self.folder / "added", "ours": self.folder / "first-snapshots"}

        def once(name, samples):
            place = places[name]
            if name == "ours":
                self.machine.sample(samples, [self.tools.ours, "run", "pre-commit"], world.repo,
                                    TIDEGATE_SNAPSHOTS=place)
                shutil.rmtree(place)
            else:
                self.machine.sample(samples, ["git", "worktree", "add", "-q", "--detach", place], world.repo)
                world.git("worktree", "remove", "--force", place)
            world.edit(world.paths[:1])  # another tree, so that no result is known
            world.use_hooks("none")
            world.git("commit", "-qm", "x")
        result = Result("first snapshot of 50,000 files", "git worktree add",
                        interleaved(max(3, self.rounds // 5), 1, places, once))
        result.targets.append(
            Target("no slower than `git worktree add`", result.wall("ours") / result.wall("git worktree add"), 1,
                   unit="×"))
        return result

    def proven_push(self):
        """a push whose tree is proven already"""
        world, names = self.world("push", 200, Gates(), "pre-push")
        names = [name for name in names if name in ("none", "sh", "ours", "lefthook", "prek")]
        self.make_remote(world)

        def once(name, samples):
            world.use_hooks("none")
            world.edit(world.paths[:1])
            world.git("commit", "-qm", "x")
            # To another branch first: ours proves the tree then, and the remote has all objects for everybody.
            world.use_hooks("ours" if name == "ours" else "none")
            world.git("push", "-q", "origin", "+main:topic")
            world.use_hooks(name)
            self.machine.sample(samples, ["git", "push", "-q", "origin", "main"], world.repo)
        result = Result("push, ours with its tree proven already", "none", interleaved(self.rounds, 2, names, once))
        result.targets.append(Target("added at most 8 ms", result.added("ours"), 8))
        return result

    def make_remote(self, world):
        remote = world.repo.parent / "remote.git"
        key = world.repo.parent / "key"
        self.machine.run(["git", "init", "-q", "--bare", remote], "/")
        self.machine.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], "/")
        signers = world.repo.parent / "allowed_signers"
        signers.write_text("bench@example.com " + key.with_suffix(".pub").read_text())
        world.git("remote", "add", "origin", str(remote))
        world.git("config", "gpg.format", "ssh")
        world.git("config", "user.signingKey", str(key))
        world.git("config", "gpg.ssh.allowedSignersFile", str(signers))
        world.use_hooks("none")
        world.git("push", "-q", "origin", "main")

    def memory(self):
        """memory of the hook and of git beneath it"""
        world, _ = self.world("large", 50_000, Gates())

        def once(name, samples):
            world.edit(world.paths[:1])
            self.machine.sample(samples, [world.hooks / name / "pre-commit"], world.repo)
        samples = interleaved(5, 1, ("sh", "ours"), once)
        world.git("reset", "-q", "--hard")
        result = Result("the hook alone, 50,000 files, one file staged", "sh", samples)
        result.targets.append(Target("largest process under 15 MB", Samples.median(samples["ours"].memory), 15,
                                     unit="MB"))
        return result

    def start_up(self):
        """start-up of the hook executable"""
        hook = self.tools.ours.with_name("tidegate-hook")
        commands = {"/bin/true": ["/bin/true"], "ours": [hook, "--version"]}

        def once(name, samples):
            self.machine.sample(samples, commands[name], "/")
        result = Result("start-up of the hook executable", "/bin/true", interleaved(100, 5, commands, once))
        result.targets.append(Target("under 3 ms", result.wall("ours"), 3))
        return result


CASES = {"small": Bench.small, "large": Bench.large, "partial": Bench.partial, "waiting": Bench.waiting,
         "checks": Bench.checks, "first-snapshot": Bench.first_snapshot, "proven-push": Bench.proven_push,
         "memory": Bench.memory, "start-up": Bench.start_up}
