"""What a tick with nothing to do costs: CPU of the daemon and of its children, over many ticks one second apart."""

import os
import time
from pathlib import Path

from machine import Result, Target, cpu_of, wait_until
from servers import serve
from world import Host, Repository, fill


def children_of(pid):
    found = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            found += [int(child), *children_of(int(child))]
    return found


class Meter:
    """CPU and started processes of a daemon from now on; children that ended count as the daemon waited for them."""

    def __init__(self, pid):
        self.pid = pid
        self.begin = self.now()

    def now(self):
        fields = Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()
        ended = (int(fields[13]) + int(fields[14])) / os.sysconf("SC_CLK_TCK")
        return cpu_of(self.pid), ended + sum(cpu_of(child) for child in children_of(self.pid)), time.monotonic()

    def per_tick(self):
        """ms of its own, ms of children."""
        own, children, at = (after - before for before, after in zip(self.begin, self.now()))
        return own * 1000 / at, children * 1000 / at


def resident(pid):
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    return 0


def settled(host, apps):
    wait_until("apps converge", lambda: host.ctl("status", check=False).count("converged") >= apps, 300)


def watch(bench, name, host, apps):
    host.start()
    settled(host, apps)
    return name, host


def run(bench):
    folder = bench.folder / "ticks"
    small = Repository(bench, folder / "small")
    fill(small.tree, 240, 2)
    small_commit = small.publish("small")
    large = Repository(bench, folder / "large")
    fill(large.tree, bench.options.files, max(bench.options.files // 1000, 1))
    large_commit = large.publish("large")
    hosts = []
    for protocol in ("file", "https", "git", "ssh"):
        where = folder / protocol
        server = None if protocol == "file" else serve(bench, protocol)
        if protocol == "file":
            host = Host(bench, where, interval="1s")
        elif server:
            path = f"/ticks/{protocol}/deploy.git"
            host = Host(bench, where, url=server.url.format(path=path), protocols=f"file, {protocol}",
                        more=server.credentials, interval="1s")
        else:
            continue
        host.declare(small_commit, small)
        host.push()
        hosts.append(watch(bench, f"{protocol}, an app of 240 files", host, 1))
    many = Host(bench, folder / "many", interval="1s")
    for number in range(50):
        many.declare(small_commit, small, app=f"app{number}")
    many.push()
    hosts.append(watch(bench, "file, 50 apps of 240 files", many, 50))
    big = Host(bench, folder / "big", interval="1s")
    big.declare(large_commit, large)
    big.push()
    hosts.append(watch(bench, f"file, an app of {bench.options.files:,} files", big, 1))
    time.sleep(3)
    meters = [(name, host, Meter(host.daemon.pid)) for name, host in hosts]
    time.sleep(bench.options.seconds)
    result = Result("a tick with nothing to do",
                    ["", "CPU of the daemon, ms", "of its children, ms", "children that stay", "resident, MiB"], [])
    for name, host, meter in meters:
        own, children = meter.per_tick()
        pid = host.daemon.pid
        result.rows.append([name, f"{own:.2f}", f"{children:.2f}", str(len(children_of(pid))), f"{resident(pid):.0f}"])
        if "50 apps" not in name:
            result.targets.append(Target(f"{name}: at most 2 ms", own + children, 2, "ms"))
        else:
            result.targets.append(Target(f"{name}: under 25 MiB", resident(pid), 25, "MiB"))
    for _, host in hosts:
        bench.stop(host.daemon)
    return [result]
