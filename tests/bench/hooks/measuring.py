"""Runs commands through `measure` and keeps what each run cost."""

import os
import statistics
import subprocess
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Samples:
    wall: list = field(default_factory=list)  # ms
    cpu: list = field(default_factory=list)  # ms, user and system, of the command and all it waited for
    memory: list = field(default_factory=list)  # MB, the largest of its processes

    @staticmethod
    def median(values):
        return statistics.median(values) if values else float("nan")


class Machine:
    """Where commands run: a home of their own, nothing of the person's configuration."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.measure = folder / "measure"
        home = folder / "home"
        home.mkdir(parents=True, exist_ok=True)
        (home / ".gitconfig").write_text(
            "[user]\n\tname = Bench\n\temail = bench@example.com\n[init]\n\tdefaultBranch = main\n"
            "[gc]\n\tauto = 0\n[maintenance]\n\tauto = false\n[commit]\n\tgpgSign = false\n")
        self.env = {
            "HOME": str(home),
            "PATH": os.environ["PATH"],
            "LANG": "C.UTF-8",
            "XDG_CACHE_HOME": str(folder / "cache"),
            "PRE_COMMIT_HOME": str(folder / "cache/pre-commit"),
            "PREK_HOME": str(folder / "cache/prek"),
            "TIDEGATE_SNAPSHOTS": str(folder / "snapshots"),
        }
        source = Path(__file__).with_name("measure.cpp")
        subprocess.run(["c++", "-O1", "-std=c++20", "-o", self.measure, source], check=True)

    def run(self, argv, cwd, check=True, **more):
        done = subprocess.run([str(word) for word in argv], cwd=cwd, env={**self.env, **more}, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
        if check and done.returncode != 0:
            raise RuntimeError(f"{argv} failed ({done.returncode}):\n{done.stdout[-2000:]}")
        return done.stdout

    def sample(self, samples: Samples, argv, cwd, **more):
        done = subprocess.run([str(self.measure)] + [str(word) for word in argv], cwd=cwd, env={**self.env, **more},
                              text=True, capture_output=True, stdin=subprocess.DEVNULL)
        numbers = done.stdout.split()
        if done.returncode != 0 or numbers[4] != "0":
            raise RuntimeError(f"{argv} failed: {done.stdout}{done.stderr[-2000:]}")
        samples.wall.append(int(numbers[0]) / 1000)
        samples.cpu.append((int(numbers[1]) + int(numbers[2])) / 1000)
        samples.memory.append(int(numbers[3]) / 1024)


def interleaved(rounds, warm, contenders, once):
    """`once(contender, samples)` for each contender in turn, `rounds` times over: noise hits all alike."""
    samples = {name: Samples() for name in contenders}
    for number in range(warm + rounds):
        for name in contenders:
            once(name, Samples() if number < warm else samples[name])
    return samples
