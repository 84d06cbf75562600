"""Switches under load: nginx serves ROOT/current, wrk asks it all the time."""

import re
import shutil
import signal
import subprocess
import time

from machine import Result, Target, free_port, wait_until
from servers import nginx
from world import Host, Repository, fill

SITE = """server {{
        listen 127.0.0.1:{port};
        root {root};
    }}"""


def run(bench):
    for tool in ("wrk", "nginx"):
        if shutil.which(tool) is None:
            bench.skip("switches under load", f"no {tool} here")
            return []
    folder = bench.folder / "load"
    repository = Repository(bench, folder / "app")
    fill(repository.tree, 240, 2)
    host = Host(bench, folder / "host")
    commits = []
    for version in ("one", "two"):
        (repository.tree / "VERSION").write_text(version + "\n")
        commits.append(repository.publish(version))
    host.declare(commits[0], repository)
    host.push()
    host.start()
    port = free_port()
    site = folder / "nginx"
    site.mkdir()
    nginx(bench, site, SITE.format(port=port, root=host.folder / "srv/web/current"))
    wait_until("nginx", lambda: "one" in bench.run(["curl", "-s", f"http://127.0.0.1:{port}/VERSION"], check=False))
    load = subprocess.Popen(["wrk", "-t1", "-c16", "-d3600s", f"http://127.0.0.1:{port}/VERSION"], text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=bench.env)
    began = time.monotonic()
    switches = 0
    for number in range(bench.options.switches):
        host.declare(commits[(number + 1) % 2], repository)
        host.push()
        host.ctl("sync")
        switches += ("switch", "done") in host.events()
    took = time.monotonic() - began
    load.send_signal(signal.SIGINT)
    said = load.communicate(timeout=60)[0]
    bench.stop(host.daemon)
    requests = int(re.search(r"(\d+) requests in", said).group(1))
    failed = sum(int(number) for number in re.findall(r"Non-2xx or 3xx responses: (\d+)", said))
    for line in re.findall(r"Socket errors: (.*)", said):
        failed += sum(int(number) for number in re.findall(r"\d+", line))
    result = Result("switches under load", ["", "switches", "in, s", "requests", "failed"],
                    [["wrk, 16 connections, through nginx", str(switches), f"{took:.0f}", f"{requests:,}", str(failed)]])
    result.targets = [Target(f"{switches} switches: no failed request", failed, 0, "requests")]
    return [result]
