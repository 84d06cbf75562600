"""Commands, what they cost, and what has to end with the run."""

import os
import signal
import socket
import statistics
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Cost:
    wall: list = field(default_factory=list)  # s
    cpu: list = field(default_factory=list)  # s, user and system, of the command and all it waited for
    to_disk: list = field(default_factory=list)  # s, of a `sync -f` behind it: what the command left to the kernel
    kib: list = field(default_factory=list)  # that it left on disk
    inodes: list = field(default_factory=list)
    memory: list = field(default_factory=list)  # MiB, the largest of its processes


@dataclass
class Target:
    words: str
    value: float
    limit: float
    unit: str

    @property
    def met(self):
        return self.value <= self.limit


@dataclass
class Result:
    title: str
    columns: list
    rows: list  # of lists, the name first
    targets: list = field(default_factory=list)
    notes: list = field(default_factory=list)


def median(values):
    return statistics.median(values) if values else float("nan")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until(what, holds, seconds=60):
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            raise RuntimeError(f"not within {seconds} s: {what}")
        time.sleep(0.01)


def cpu_of(pid):
    """CPU seconds of a process, all its threads, to the nanosecond (its CPU-time clock, see clock_getcpuclockid(3))."""
    return time.clock_gettime((~pid << 3) | 2)


class Bench:
    def __init__(self, folder, options):
        self.folder = folder
        self.options = options
        self.skipped = {}
        self.started = []
        self.servers = {}
        self.programs = options.programs.resolve()
        home = folder / "home"
        home.mkdir()
        (home / ".gitconfig").write_text(
            "[user]\n\tname = Bench\n\temail = bench@example.com\n[init]\n\tdefaultBranch = main\n[gc]\n\tauto = 0\n"
            "[maintenance]\n\tauto = false\n[protocol \"file\"]\n\tallow = always\n[safe]\n\tdirectory = *\n")
        self.meter = folder / "measure"
        source = Path(__file__).resolve().parent.parent / "hooks/measure.cpp"
        subprocess.run(["c++", "-O1", "-std=c++20", "-o", self.meter, source], check=True)
        self.env = {"HOME": str(home), "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                    "LANG": "C.UTF-8", "GIT_CONFIG_NOSYSTEM": "1"}

    def skip(self, contender, why):
        self.skipped[contender] = why

    def wanted(self, name):
        return name.split()[0] not in self.options.skip.split(",")

    def run(self, argv, cwd=None, check=True, **more):
        done = subprocess.run([str(word) for word in argv], cwd=cwd or self.folder, env={**self.env, **more}, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
        if check and done.returncode != 0:
            raise RuntimeError(f"{argv} failed ({done.returncode}):\n{done.stdout[-3000:]}")
        return done.stdout

    def start(self, argv, cwd=None):
        child = subprocess.Popen([str(word) for word in argv], cwd=cwd or self.folder, env=self.env,
                                 stdin=subprocess.DEVNULL, stdout=open(self.folder / "background.log", "ab"),
                                 stderr=subprocess.STDOUT, start_new_session=True)
        self.started.append(child)
        return child

    def stop(self, child):
        self.started.remove(child)
        child.send_signal(signal.SIGTERM)
        child.wait(60)

    def end(self):
        for child in self.started:
            try:
                os.killpg(child.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass

    def used(self, folder):
        """KiB and inodes below `folder`, each hard link counted once."""
        counted = []
        for what in (["--block-size=1K"], ["--inodes"]):
            counted.append(int(self.run(["du", "-s", *what, "."], folder).split()[0]))
        return counted

    def measure(self, cost, folder, argv, cwd=None, **more):
        """Runs `argv`, whose files lie below `folder`, and keeps what it cost."""
        before = self.used(folder)
        self.run(["sync", "-f", folder])
        done = subprocess.run([str(self.meter), *(str(word) for word in argv)], cwd=cwd or folder,
                              env={**self.env, **more}, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        numbers = done.stdout.split()
        if done.returncode != 0 or numbers[4] != "0":
            raise RuntimeError(f"{argv} failed: {done.stdout}{done.stderr[-3000:]}")
        began = time.perf_counter()
        self.run(["sync", "-f", folder])
        cost.to_disk.append(time.perf_counter() - began)
        after = self.used(folder)
        cost.wall.append(int(numbers[0]) / 1e6)
        cost.cpu.append((int(numbers[1]) + int(numbers[2])) / 1e6)
        cost.memory.append(int(numbers[3]) / 1024)
        cost.kib.append(after[0] - before[0])
        cost.inodes.append(after[1] - before[1])
