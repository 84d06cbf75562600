"""A host for fault tests, made so that one deployment takes a fraction of a second: the app is a few files, its
migration a number in a file, its activation and health check short commands. Everything lies below the folder
it is run in; TIDEGATE_BIN has the programs."""

import os
import pathlib
import shutil
import signal
import sqlite3
import subprocess
import sys
import time

BIN = os.environ["TIDEGATE_BIN"]
INTERPOSE = BIN + "/tidegate_interpose.so"
LONG = bool(os.environ.get("TIDEGATE_LONG"))
FILES = 6

MIGRATE = """#!/bin/sh
. ./bin/fault
[ "$1" = down ] || [ ! -e UNMIGRATABLE ] || exit 1
v=0
case $1 in up) read v <SCHEMA ;; down) [ -z "$TIDEGATE_PREVIOUS" ] || read v <"../$TIDEGATE_PREVIOUS/SCHEMA" ;; esac
echo "$1 $TIDEGATE_RELEASE" >>"$STATE/migrations"
fault migrate
fault $1
echo "$v" >"$STATE/schema"
"""
ACTIVATE = """#!/bin/sh
. ./bin/fault
fault activate
read v <VERSION
fault activate$v
echo "$v" >"$STATE/active"
"""
# A release that is never healthy arms the faults that are to come with the revert.
HEALTHY = """#!/bin/sh
. ./bin/fault
fault health
[ ! -e BROKEN ] || [ ! -e "$STATE/later.health2" ] || mv "$STATE/later.health2" "$STATE/fault.health2"
[ ! -e BROKEN ] && read v <VERSION && read a <"$STATE/active" && [ "$v" = "$a" ] &&
    read n <SCHEMA && read m <"$STATE/schema" && [ "$n" = "$m" ] || exit 1
fault health$v
[ ! -e "$STATE/healthy$v" ] || fault soak$v
touch "$STATE/healthy$v"
"""
BUILD = """#!/bin/sh
. ./bin/fault
fault build
[ ! -e UNBUILDABLE ] || exit 1
echo built >built
"""
# fault NAME: does what $STATE/fault.NAME says: `fail` or `hang`, once where `once` follows.
FAULT = """fault() {
    [ -e "$STATE/fault.$1" ] || return 0
    read how once <"$STATE/fault.$1"
    [ "$once" != once ] || rm "$STATE/fault.$1"
    case $how in fail) exit 1 ;; hang) exec sleep 600 ;; esac
}
"""


class Wrong(Exception):
    """What must hold does not."""


def sh(*command, cwd=None):
    subprocess.run(command, cwd=cwd, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)


class Run:
    """How one run of tidegated ended."""

    def __init__(self, code, err):
        self.code = code
        self.err = err
        self.killed = code == -signal.SIGKILL


class World:
    def __init__(self, disk=".", payload=0, **manifest):
        """`disk`: where the host's side of the world lies. `payload`: so many files more, of 20 kB, anew in each version."""
        self.work = pathlib.Path.cwd()
        self.disk = self.work / disk
        self.root = self.disk / "srv/web"
        self.payload = payload
        self.contents = {}
        self.journal_before = 0
        self.last_run = None
        self.manifest = {"soak": "", "timeout": "20s", "health_for": "10s", "within": "10s", "keep": "3"} | manifest
        self.versions = {}
        if not os.path.exists(INTERPOSE):
            print("skipped: no interposer in a sanitizer's build")
            sys.exit(77)
        self._make_keys()
        for name in ("web", "deploy"):
            sh("git", "init", "-q", "--bare", f"{name}.git")
            sh("git", "init", "-q", "-b", "main", name)
        sh("git", "-C", "web.git", "config", "uploadpack.allowAnySHA1InWant", "true")
        for folder in ("deploy/production", "web/bin", "web/deep/er", self.disk / "srv", "run", self.disk / "appstate"):
            os.makedirs(folder)
        self.user = "nobody" if os.geteuid() == 0 else ""
        if self.user:
            shutil.chown(self.disk / "appstate", self.user)
        self._write_app()
        self.configure()

    def _make_keys(self):
        sh("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "ana@example.com", "-f", "ana")
        key = " ".join(pathlib.Path("ana.pub").read_text().split()[:2])
        pathlib.Path("allowed_signers").write_text(f"ana@example.com {key}\n")
        sh("git", "config", "--global", "gpg.format", "ssh")
        sh("git", "config", "--global", "user.signingkey", str(self.work / "ana.pub"))

    def _write_app(self):
        scripts = {"migrate": MIGRATE, "activate": ACTIVATE, "healthy": HEALTHY, "build": BUILD, "fault": FAULT}
        for name, text in scripts.items():
            file = pathlib.Path("web/bin", name)
            file.write_text(text)
            file.chmod(0o755)
        for n in range(FILES):
            pathlib.Path(f"web/deep/er/file{n}").write_text(f"unchanged {n}\n")
        os.symlink("er/file1", "web/deep/link")

    def configure(self):
        pathlib.Path("tidegated.yaml").write_text(f"""version: 1
host: {{name: web-1, environment: production}}
manifests: {{url: "file://{self.work}/deploy.git", branch: deploy, interval: 1s}}
trust: {{allowed_signers: {self.work}/allowed_signers, attestations: off, protocols: [file]}}
roots: [{self.disk}/srv]
state: {self.disk}/state
socket: {self.work}/run/control.sock
sandbox: process
log: {{format: text, level: info}}
""")

    # ── what is declared

    def commit(self, version, schema, flaw=None):
        """A commit of the app; `flaw`: BROKEN (never healthy), UNBUILDABLE or UNMIGRATABLE."""
        for name in ("BROKEN", "UNBUILDABLE", "UNMIGRATABLE"):
            pathlib.Path("web", name).unlink(missing_ok=True)
        for name, value in (("VERSION", version), ("SCHEMA", schema)):
            pathlib.Path("web", name).write_text(f"{value}\n")
        if flaw:
            pathlib.Path("web", flaw).touch()
        for n in range(self.payload):
            pathlib.Path(f"web/deep/payload{n}").write_text(f"{version} {n}\n" * 2500)
        sh("git", "add", "-A", cwd="web")
        sh("git", "commit", "-q", "-m", f"Version {version}", cwd="web")
        sh("git", "push", "-q", str(self.work / "web.git"), "HEAD:main", cwd="web")
        oid = subprocess.check_output(["git", "rev-parse", "HEAD"], cwd="web", text=True).strip()
        self.versions[version] = (oid, schema)
        names = subprocess.check_output(["git", "ls-files"], cwd="web", text=True).split()
        self.contents[version] = {name: pathlib.Path("web", name).read_bytes() for name in names
                                  if not os.path.islink(f"web/{name}")}
        return oid

    def declare(self, oid, subject="", **manifest):
        values = self.manifest | manifest
        user = f"user: {self.user}" if self.user else ""
        soak = f"soak: {values['soak']}" if values["soak"] else ""
        timeout = values["timeout"]
        os.makedirs("deploy/production", exist_ok=True)
        pathlib.Path("deploy/production/web.yaml").write_text(f"""version: 1
app: web
release:
  git: {{url: "file://{self.work}/web.git", commit: {oid}}}
root: {self.root}
{user}
{soak}
shared: {{dirs: [storage]}}
env: {{STATE: {self.disk}/appstate}}
build: [{{run: [./bin/build], timeout: {timeout}}}]
migrate: {values.get('migrate') or f"{{up: [./bin/migrate, up], down: [./bin/migrate, down], timeout: {timeout}}}"}
activate: [{{run: [./bin/activate], timeout: {timeout}}}]
health: [{{run: [./bin/healthy], for: {values['health_for']}, within: {values['within']}, interval: 20ms}}]
keep: {values['keep']}
""")
        self.push(subject or f"web {oid[:7]}")

    def push(self, subject, *options):
        sh("git", "add", "-A", cwd="deploy")
        sh("git", "commit", "-q", "--allow-empty", "-S", "-m", subject, cwd="deploy")
        sh("git", "push", "-q", *options, str(self.work / "deploy.git"), "HEAD:deploy", cwd="deploy")

    def roll_back(self):
        sh("git", "revert", "--no-edit", "-S", "HEAD", cwd="deploy")
        sh("git", "push", "-q", str(self.work / "deploy.git"), "HEAD:deploy", cwd="deploy")

    # ── what runs

    def environment(self, fault=None, log=None, **more):
        environment = dict(os.environ) | more
        if fault or log:
            environment["LD_PRELOAD"] = INTERPOSE
            if fault:
                environment["TIDEGATE_FAULT"] = fault
            if log:
                environment["TIDEGATE_FAULT_LOG"] = str(log)
        return environment

    def converge(self, fault=None, log=None, **more):
        """tidegated --once, with a fault as interpose.cpp reads it."""
        done = subprocess.run(
            [BIN + "/tidegated", "--config", "tidegated.yaml", "--once"], env=self.environment(fault, log, **more),
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, timeout=900)
        self.last_run = Run(done.returncode, done.stderr.decode(errors="replace"))
        return self.last_run

    def count(self):
        """The calls that a run without a fault makes: lists of number, name, result, phase, path."""
        log = self.work / "calls"
        log.unlink(missing_ok=True)
        run = self.converge("all:0:kill", log)
        calls = [line.split(" ", 4) for line in log.read_text().splitlines()]
        if len(calls) < 50:
            raise Wrong("nothing was counted: is the interposer loaded?\n" + run.err)
        return run, calls

    def daemon(self, fault=None, log=None, **more):
        """tidegated in the background; it answers when this returns."""
        err = open(self.work / "daemon.log", "ab")
        process = subprocess.Popen(
            [BIN + "/tidegated", "--config", "tidegated.yaml"], env=self.environment(fault, log, **more),
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=err)
        self.wait_for("a daemon", lambda: process.poll() is not None or self.ctl("status", "--json").returncode == 0)
        return process

    def ctl(self, *words):
        return subprocess.run([BIN + "/tidegatectl", *words, "--socket", str(self.work / "run/control.sock")],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=900)

    def wait_for(self, what, done, seconds=600):
        until = time.monotonic() + seconds
        while not done():
            if time.monotonic() > until:
                raise Wrong(f"not within {seconds} s: {what}")
            time.sleep(0.02)

    def end(self, process, sent=signal.SIGTERM):
        process.send_signal(sent)
        return process.wait(timeout=900)

    def retry(self):
        """What a person says: tidegatectl retry. Until nothing is left to do; then whether all has converged."""
        process = self.daemon()
        self.ctl("retry", "web")
        synced = self.ctl("sync")
        self.end(process)
        return Run(synced.returncode, synced.stdout + synced.stderr)

    # keep / restore: the host's side of the world, not what is declared
    def keep(self, name):
        os.makedirs(f"kept/{name}", exist_ok=True)
        sh("cp", "-a", "srv", "state", "appstate", f"kept/{name}/")

    def restore(self, name):
        sh("rm", "-rf", "srv", "state", "appstate", "run")
        sh("cp", "-a", *(str(path) for path in pathlib.Path("kept", name).iterdir()), ".")
        os.mkdir("run")

    def prepare(self, kind, schema):
        """What a sweep begins with, kept as `kind`: the next release is declared, which is to be deployed or, in a revert,
        reverted; in a rollback it ran already."""
        if kind in ("revert", "restore"):
            self.declare(self.commit(2, schema, "BROKEN"), health_for="200ms")
        else:
            self.declare(self.commit(2, schema))
        if kind == "rollback":
            if self.converge().code != 0:
                raise Wrong("the second release does not come up")
            self.roll_back()
        self.keep(kind)

    # ── what must be true

    def version(self):
        return (self.root / "current/VERSION").read_text().strip()

    def check_whole(self):
        """At every instant: behind `current` is one whole release."""
        try:
            target = os.readlink(self.root / "current")
            release = self.root / target
            version = (release / "VERSION").read_text().strip()
            for n in range(FILES):
                if (release / f"deep/er/file{n}").read_text() != f"unchanged {n}\n":
                    raise Wrong(f"file {n} of version {version} is not whole")
            if os.readlink(release / "deep/link") != "er/file1" or not (release / "storage").is_dir():
                raise Wrong(f"links of version {version} are not whole")
            if (release / "built").read_text() != "built\n":
                raise Wrong(f"version {version} was not built")
        except OSError as error:
            raise Wrong(f"no whole release behind current: {error}") from error
        return version

    def check_content(self):
        """Every file of the release behind `current` has its right content."""
        version = int(self.check_whole())
        for name, content in self.contents[version].items():
            found = (self.root / "current" / name).read_bytes()
            if found != content:
                raise Wrong(f"{name} of version {version} has {len(found)} bytes of other content")
        return version

    def check_settled(self, version, schema, leftovers=(".partial", ".removing", ".tmp")):
        """After the work: nothing half done is left; release, activation and schema belong together."""
        found = (self.check_whole(), *((self.disk / "appstate" / name).read_text().strip()
                                       for name in ("active", "schema")))
        if found != (str(version), str(version), str(schema)):
            raise Wrong(f"version, active, schema are {found}, expected {version}, {version}, {schema}")
        left = [path.name for path in (*self.root.iterdir(), *(self.root / "releases").iterdir())
                if path.name.endswith(leftovers)]
        if left:
            raise Wrong(f"left over: {left}")

    def check_consistent(self):
        """Release, activation and schema belong together, whichever release it is."""
        version = int(self.check_whole())
        self.check_settled(version, self.versions[version][1])

    # ── what is remembered

    def query(self, sql):
        database = sqlite3.connect(f"file:{self.disk}/state/state.db?mode=ro", uri=True)
        try:
            return database.execute(sql).fetchall()
        finally:
            database.close()

    def events(self, after=0):
        """Deployments since `after`: each its phases' words as `show --json` has them, then its outcome."""
        out = []
        for number, outcome in self.query(f"SELECT id, outcome FROM deployments WHERE id>{after} ORDER BY id"):
            rows = self.query(f"SELECT state, what FROM phases WHERE deployment={number} ORDER BY rowid")
            out.append((rows, outcome or "running"))
        return out

    def last_deployment(self):
        return self.query("SELECT coalesce(max(id), 0) FROM deployments")[0][0]

    def held(self):
        return bool(self.query("SELECT 1 FROM holds WHERE refused=0"))

    def broken(self):
        return bool(self.query("SELECT 1 FROM apps WHERE broken IS NOT NULL"))


def report(what, error, run=None):
    """Says everything that is needed to see it again."""
    print(f"FAILED: {what}\n{error}\nagain: {' '.join(sys.argv)}", file=sys.stderr)
    if run is not None:
        print("--- what tidegated said\n" + "\n".join(run.err.splitlines()[-25:]), file=sys.stderr)


def failed(what, error, run=None):
    report(what, error, run)
    sys.exit(1)
