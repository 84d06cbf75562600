"""How soon a sync begins to stage, and how soon a failed verdict brings the old release back."""

import os
import time

from machine import Result, Target, median
from servers import serve
from world import Host, Repository, fill

# The app's own command says when it was started.
MANIFEST = """{user}
activate: [{{run: "date +%s.%N >>{log}"}}]
health: [{{run: "test ! -e bad", for: 200ms, interval: 100ms}}]
"""
USER = "user: nobody" if os.geteuid() == 0 else ""


class Rig:
    def __init__(self, bench, name, server=None):
        self.bench = bench
        folder = bench.folder / "latency" / name
        self.repository = Repository(bench, folder / "app")
        fill(self.repository.tree, 240, 2)
        url = server.url.format(path=f"/latency/{name}/host/deploy.git") if server else None
        self.app_url = server.url.format(path=f"/latency/{name}/app/app.git") if server else None
        self.host = Host(bench, folder / "host", url=url, protocols=f"file, {server.protocol}" if server else "file",
                         more=server.credentials if server else "")
        self.log = folder / "activations"
        self.log.touch()
        self.log.chmod(0o666)
        self.number = 0

    def change(self, bad=False):
        self.number += 1
        tree = self.repository.tree
        (tree / "VERSION").write_text(f"{self.number}\n")
        if bad:
            (tree / "bad").touch()
        else:
            (tree / "bad").unlink(missing_ok=True)
        commit = self.repository.publish("change")
        self.host.declare(commit, self.repository, more=MANIFEST.format(log=self.log, user=USER), url=self.app_url)
        self.host.push()

    def sync(self):
        self.host.ctl("sync", check=False)


def measure(bench, rig, rounds):
    rig.change()
    rig.host.start()
    rig.sync()
    begun, activated, undone = [], [], []
    for _ in range(rounds):
        rig.change()
        asked = time.time()
        rig.sync()
        begun.append((rig.host.events()[("stage", "begin")] - asked) * 1000)
        rig.change(bad=True)
        rig.sync()
        events = rig.host.events()
        failed = events[("health", "failed")]
        activated.append((float(rig.log.read_text().split()[-1]) - failed) * 1000)
        undone.append((events[("revert-health", "done")] - failed) * 1000)
    bench.stop(rig.host.daemon)
    return begun, activated, undone


def run(bench):
    result = Result("from the word to the deed, small release",
                    ["", "`sync` to the start of `stage`, ms", "verdict to the old release's activation, ms",
                     "verdict to the end of the revert, ms"], [])
    for protocol in ("file", "https", "git", "ssh"):
        server = None if protocol == "file" else serve(bench, protocol)
        if protocol != "file" and not server:
            continue
        begun, activated, undone = measure(bench, Rig(bench, protocol, server), bench.options.rounds * 3)
        result.rows.append([protocol, f"{median(begun):.0f}", f"{median(activated):.0f}", f"{median(undone):.0f}"])
        result.targets.append(Target(f"{protocol}: `sync` to `stage` in at most 100 ms", median(begun), 100, "ms"))
        if protocol == "file":
            result.targets.append(Target("the old release's activation begins at most 50 ms after the verdict",
                                         median(activated), 50, "ms"))
    result.notes.append("The app's own commands: an activation that writes the time, a check by `test`. The last column "
                        "holds both once.")
    return [result]
