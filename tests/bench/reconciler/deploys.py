"""A first deployment of a large release, and releases that change one file of it, beside the plain tools."""

import shutil
import time

from machine import Cost, Result, Target, median
from world import Host, Repository, fill

SWITCH = "ln -s {0} current.new && mv -T current.new current"
FLOOR = "cp -al and the change"

CAPFILE = """require "capistrano/setup"
require "capistrano/deploy"
require "capistrano/scm/git"
install_plugin Capistrano::SCM::Git
"""
DEPLOY = """set :application, "web"
set :repo_url, "{bare}"
set :branch, "main"
set :deploy_to, "{to}"
set :format, :blackhole
set :log_level, :warn
set :sshkit_backend, SSHKit::Backend::Local
"""


class Contender:
    """One way to deploy, in a folder of its own, a fresh one for each first deployment. Nothing is removed between them:
    for a minute ext4 passes over inodes that were just deleted, one by one, which takes whoever comes next seconds."""

    def __init__(self, bench, name, folder):
        self.bench, self.name, self.top = bench, name, folder
        self.turn, self.round = 0, 0
        self.keep = 0  # releases; 0: all of them
        folder.mkdir()

    def begin(self, repository):  # before each first deployment; not timed
        self.round += 1
        self.folder = self.top / str(self.round)
        self.folder.mkdir()
        self.turn = 0

    def prepare(self, repository, commit):  # before each deployment; not timed
        self.turn += 1


class Shell(Contender):
    """A line of sh; {n} this release, {o} the one before, {tree} the work tree, {bare} the repository."""

    def __init__(self, bench, name, folder, line, first=None):
        super().__init__(bench, name, folder)
        self.line, self.first_line = line, first or line

    def command(self, repository, names):
        line = self.first_line if self.turn == 1 else self.line
        words = {"n": self.turn, "o": self.turn - 1, "tree": repository.tree, "bare": repository.bare,
                 "changed": " ".join(names), "switch": SWITCH.format(self.turn)}
        if self.keep:
            line += f"; rm -rf {self.turn - self.keep}"
        return ["sh", "-ec", line.format(**words)]


class Tidegate(Contender):
    def begin(self, repository):
        super().begin(repository)
        self.host = Host(self.bench, self.folder / "host")

    def prepare(self, repository, commit):
        super().prepare(repository, commit)
        self.host.declare(commit, repository, more=f"keep: {self.keep or 50}\n")
        self.host.push()

    def command(self, repository, names):
        return self.host.once()


class Capistrano(Contender):
    def begin(self, repository):
        super().begin(repository)
        (self.folder / "config/deploy").mkdir(parents=True)
        (self.folder / "Capfile").write_text(CAPFILE)
        (self.folder / "config/deploy.rb").write_text(DEPLOY.format(bare=repository.bare, to=self.folder / "app"))
        (self.folder / "config/deploy/production.rb").write_text('server "localhost", roles: %w{app}\n')

    def command(self, repository, names):
        return ["cap", "production", "deploy"]


def contenders(bench, folder):
    change = "for f in {changed}; do rm {n}/$f; cp {tree}/$f {n}/$f; done; {switch}"
    rsync = "rsync -a --exclude .git"
    found = [
        Shell(bench, FLOOR, folder / "cp", "cp -al {o} {n}; " + change, first="mkdir {n}; git -C {tree} archive HEAD | tar -x -C {n}; {switch}"),
        Shell(bench, "rsync --link-dest", folder / "rsync", rsync + " --link-dest=../{o} {tree}/ {n}/; {switch}",
              first=rsync + " {tree}/ {n}/; {switch}"),
        Shell(bench, "git fetch, cp -al, the change", folder / "fetch",
              "git -C m fetch -q --depth 1 {bare} main; cp -al {o} {n}; for f in $(git -C m diff-tree -r --name-only "
              "--diff-filter=AM now FETCH_HEAD); do rm {n}/$f; git -C m cat-file blob FETCH_HEAD:$f >{n}/$f; done; "
              "git -C m update-ref refs/heads/now FETCH_HEAD; {switch}",
              first="git init -q --bare m; git -C m fetch -q --depth 1 {bare} main:now; mkdir {n}; "
                    "git -C m archive now | tar -x -C {n}; {switch}"),
        Shell(bench, "git clone --depth 1", folder / "clone", "git clone -q --depth 1 file://{bare} {n}; {switch}"),
        Capistrano(bench, "Capistrano, locally", folder / "capistrano"),
        Tidegate(bench, "tidegated --once", folder / "tidegate")]
    for tool, word in (("cap", "Capistrano, locally"), ("rsync", "rsync --link-dest")):
        if shutil.which(tool) is None:
            bench.skip(word, f"no {tool} here")
            found = [one for one in found if one.name != word]
    return [one for one in found if bench.wanted(one.name)]


def rows(costs):
    out = []
    for name, cost in costs.items():
        out.append([name, f"{median(cost.wall):.2f}", f"{median(cost.to_disk):.2f}", f"{median(cost.cpu):.2f}",
                    f"{median(cost.kib) / 1000:.1f}", f"{median(cost.inodes):.0f}", f"{median(cost.memory):.0f}"])
    return out


COLUMNS = ["", "wall, s", "then to disk, s", "CPU, s", "disk, MB", "inodes", "memory, MiB"]


def run(bench):
    folder = bench.folder / "deploys"
    repository = Repository(bench, folder)
    options = bench.options
    fill(repository.tree, options.files, options.megabytes)
    commit = repository.publish("first")
    bench.run(["git", "-C", repository.bare, "repack", "-q", "-a", "-d"])
    everybody = contenders(bench, folder)
    first = {one.name: Cost() for one in everybody}
    later = {one.name: Cost() for one in everybody}
    nothing = {one.name: Cost() for one in everybody if one.name == "tidegated --once"}
    for _ in range(options.rounds):
        for one in everybody:
            one.begin(repository)
            one.prepare(repository, commit)
            bench.measure(first[one.name], one.folder, one.command(repository, []))
    for _ in range(options.rounds * 2):
        change(bench, repository, everybody, later)
        for one in everybody:
            if one.name in nothing:
                bench.measure(nothing[one.name], one.folder, one.command(repository, []))
    both = [one for one in everybody if one.name in (FLOOR, "tidegated --once")]
    removing = {one.name: Cost() for one in both}
    for one in both:
        one.keep = 3
    change(bench, repository, both, {one.name: Cost() for one in both})  # removes all that are too many
    for _ in range(options.rounds):
        change(bench, repository, both, removing)
    what = f"{options.files:,} files, {options.megabytes} MB"
    ours, clone, floor = "tidegated --once", "git clone --depth 1", FLOOR
    result = Result(f"first deployment: {what}", COLUMNS, rows(first))
    if clone in first and ours in first:
        result.targets = [Target("no slower than `git clone --depth 1` and a switch",
                                 median(first[ours].wall) / median(first[clone].wall), 1.0, "×"),
                          Target("the same until it is on disk", total(first[ours]) / total(first[clone]), 1.0, "×")]
    one_file = Result("a release that changes one file of it", COLUMNS, rows(later))
    if floor in later and ours in later:
        one_file.targets = [Target("at most 1.5 × `cp -al` and the change, in time",
                                 median(later[ours].wall) / median(later[floor].wall), 1.5, "×"),
                          Target("the same until it is on disk", total(later[ours]) / total(later[floor]), 1.5, "×"),
                          Target("at most 1.1 × `cp -al` and the change, in disk",
                                 median(later[ours].kib) / median(later[floor].kib), 1.1, "×")]
    oldest = Result("the same, and the oldest of four releases is removed", COLUMNS, rows(removing))
    return [result, one_file, oldest, Result("nothing new", COLUMNS, rows(nothing))]


def change(bench, repository, contenders, costs):
    """One file changes, and everybody deploys that."""
    (repository.tree / "VERSION").write_text(f"{time.time_ns()}\n")
    commit = repository.publish("change")
    for one in contenders:
        one.prepare(repository, commit)
        bench.measure(costs[one.name], one.folder, one.command(repository, ["VERSION"]))


def total(cost):
    return median([wall + more for wall, more in zip(cost.wall, cost.to_disk)])
