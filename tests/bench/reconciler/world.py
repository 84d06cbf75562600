"""A host with its own state and roots, the branch it follows, and an app's repository."""

import random
import sqlite3

from machine import wait_until


class Repository:
    """An app's repository: a work tree, and the bare one that everybody fetches from."""

    def __init__(self, bench, folder):
        self.bench = bench
        self.tree = folder / "tree"
        self.bare = folder / "app.git"
        self.tree.mkdir(parents=True)

    def publish(self, message):
        run = self.bench.run
        if not (self.tree / ".git").exists():
            run(["git", "init", "-q"], self.tree)
        run(["git", "add", "-A"], self.tree)
        run(["git", "commit", "-q", "-m", message], self.tree)
        if not self.bare.exists():
            run(["git", "clone", "-q", "--bare", self.tree, self.bare])
            run(["git", "-C", self.bare, "config", "uploadpack.allowAnySHA1InWant", "true"])
        run(["git", "push", "-q", self.bare, "HEAD:main"], self.tree)
        return run(["git", "rev-parse", "HEAD"], self.tree).strip()


def fill(tree, files, megabytes):
    """`files` files of 2 to 48 KB in folders of 24; every other one of words, the rest of noise."""
    numbers = random.Random(1)
    words = [bytes(numbers.choices(b"abcdefghijklmnopqrstuvwxyz", k=numbers.randint(2, 11))) for _ in range(3000)]
    text = b" ".join(numbers.choices(words, k=400_000))
    mean = megabytes * 1_000_000 // files
    for number in range(files):
        folder = tree / f"d{number // 960}" / f"e{number // 24 % 40}"
        folder.mkdir(parents=True, exist_ok=True)
        size = numbers.randint(mean // 12, mean * 23 // 12)
        at = numbers.randrange(len(text) - size)
        (folder / f"f{number}").write_bytes(text[at:at + size] if number % 2 else numbers.randbytes(size))
    (tree / "VERSION").write_text("1\n")


class Host:
    """`url` is the branch's, as the host knows it; pushes go to its files."""

    def __init__(self, bench, folder, url=None, protocols="file", more="", interval="1h"):
        self.bench = bench
        self.folder = folder
        self.socket = folder / "control.sock"
        self.deploy = folder / "deploy"
        self.bare = folder / "deploy.git"
        self.daemon = None
        for name in ("srv", "deploy/production"):
            (folder / name).mkdir(parents=True)
        bench.run(["git", "init", "-q", "--bare", self.bare])
        bench.run(["git", "init", "-q", self.deploy])
        self.config = folder / "tidegated.yaml"
        self.config.write_text(
            f"version: 1\nhost: {{name: bench, environment: production}}\n"
            f"manifests: {{url: \"{url or f'file://{self.bare}'}\", branch: deploy, interval: {interval}}}\n"
            f"trust: {{manifests: unsigned, attestations: off, protocols: [{protocols}]}}\n"
            f"sandbox: process\nroots: [{folder}/srv]\nstate: {folder}/state\nsocket: {self.socket}\n"
            f"log: {{format: text, level: warning}}\n{more}")

    def declare(self, commit, repository, app="web", more="", url=None):
        url = url or f"file://{repository.bare}"
        (self.deploy / f"production/{app}.yaml").write_text(
            f"version: 1\napp: {app}\nrelease: {{git: {{url: \"{url}\", commit: {commit}}}}}\n"
            f"root: {self.folder}/srv/{app}\n{more}")

    def push(self):
        run = self.bench.run
        run(["git", "add", "-A"], self.deploy)
        run(["git", "commit", "-q", "-m", "release"], self.deploy)
        run(["git", "push", "-q", self.bare, "HEAD:deploy"], self.deploy)

    def once(self):
        return [self.bench.programs / "tidegated", "--once", "--config", self.config]

    def start(self):
        self.daemon = self.bench.start([self.bench.programs / "tidegated", "--config", self.config], self.folder)
        wait_until("the daemon listens", self.socket.exists)
        self.ctl("sync")
        return self.daemon

    def ctl(self, *words, check=True):
        return self.bench.run([self.bench.programs / "tidegatectl", *words], check=check,
                              TIDEGATE_SOCKET=str(self.socket))

    def events(self, app="web"):
        """Of the newest deployment: {(phase, what): seconds since 1970}."""
        with sqlite3.connect(f"file:{self.folder}/state/state.db?mode=ro", uri=True) as database:
            rows = database.execute("SELECT state, what, at FROM phases WHERE deployment="
                                    "(SELECT max(id) FROM deployments WHERE app=?)", (app,)).fetchall()
        return {(state, what): at / 1000 for state, what, at in rows}
