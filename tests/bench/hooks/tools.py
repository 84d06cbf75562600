"""The contenders: found or installed outside of any repository, each with its configuration and its hooks."""

import os
import shutil
import stat
import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass
class Gates:
    """What every contender is told to run: shell commands, or built-in checks by the names of pre-commit-hooks."""
    commands: tuple = ("true",)
    checks: tuple = ()


OURS_OF = {"end-of-file-fixer": "end-of-file", "check-merge-conflict": "merge-conflict", "check-json": "json",
           "check-yaml": "yaml", "check-added-large-files": "large-files", "detect-private-key": "private-keys",
           "check-case-conflict": "case-conflict", "mixed-line-ending": "mixed-line-endings"}


def configs(gates: Gates, stage="pre-commit"):
    """Every contender's file at once: none looks at another's."""
    ours = [f"version: 1\nstages:\n  {stage}:\n    gates:\n"]
    ours += [f'      - {{name: job{i}, run: "{command}"}}\n' for i, command in enumerate(gates.commands)]
    if gates.checks:
        ours.append(f"      - {{name: checks, builtin: [{', '.join(OURS_OF.get(c, c) for c in gates.checks)}]}}\n")
    lefthook = [f"{stage}:\n  parallel: true\n  commands:\n"]
    lefthook += [f'    job{i}:\n      run: "{command}"\n' for i, command in enumerate(gates.commands)]
    peers = []
    if gates.commands:
        peers.append("  - repo: local\n    hooks:\n")
        peers += [f'      - {{id: job{i}, name: job{i}, language: system, entry: "{command}", pass_filenames: false, '
                  "always_run: true}\n" for i, command in enumerate(gates.commands)]
    if gates.checks:
        peers.append("  - repo: builtin\n    hooks:\n")
        peers += [f"      - {{id: {check}}}\n" for check in gates.checks]
    files = {".tidegate.yaml": "".join(ours), ".pre-commit-config.yaml": "repos:\n" + "".join(peers)}
    if gates.commands:
        files["lefthook.yml"] = "".join(lefthook)
        files[f".husky/{stage}"] = in_parallel(gates.commands)
    return files


def in_parallel(commands):
    if len(commands) == 1:
        return commands[0] + "\n"
    return " & ".join(commands) + " &\nwait\n"


class Tools:
    def __init__(self, machine, folder: Path, ours: Path, skip):
        self.machine = machine
        self.ours = ours
        self.versions = {"git": self.first_line(["git", "--version"]), "tidegate": self.first_line([ours, "--version"])}
        self.missing = {}
        self.bin = folder / "peers/node_modules/.bin"
        for name, package in (("lefthook", "lefthook"), ("prek", "@j178/prek"), ("husky", "husky")):
            if name not in skip:
                self.from_npm(folder / "peers", name, package)
        if "pre-commit" not in skip:
            if shutil.which("pre-commit"):
                self.versions["pre-commit"] = self.first_line(["pre-commit", "--version"])
            else:
                self.missing["pre-commit"] = "not installed (Debian: pre-commit)"

    def first_line(self, argv):
        return self.machine.run(argv, "/").strip().splitlines()[0]

    def from_npm(self, prefix, name, package):
        if not (self.bin / name).exists():
            try:
                prefix.mkdir(parents=True, exist_ok=True)
                subprocess.run(["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", prefix, package],
                               check=True, capture_output=True, timeout=300)
            except (OSError, subprocess.SubprocessError) as error:
                self.missing[name] = f"npm cannot install it: {type(error).__name__}"
                return
        if name == "husky":
            text = (self.bin.parent / "husky/package.json").read_text()
            self.versions[name] = text.split('"version": "')[1].split('"')[0]
        else:
            self.versions[name] = self.first_line([self.bin / name, "version" if name == "lefthook" else "--version"])

    def installed(self, world, gates: Gates, stage="pre-commit"):
        """Puts every contender's hook into a folder of its own; says which there are."""
        names = ["none"]
        self.write(world.hooks / "sh" / stage, "#!/bin/sh\n" + in_parallel(gates.commands or ("true",)))
        names.append("sh")
        self.take_hooks(world, "ours", [self.ours, "install", stage], stage)
        names.append("ours")
        path = f"{self.bin}:{self.machine.env['PATH']}"
        for name, argv in (("lefthook", [self.bin / "lefthook", "install", "--force"]),
                           ("prek", [self.bin / "prek", "install", "--overwrite", "-t", stage]),
                           ("pre-commit", ["pre-commit", "install", "-t", stage])):
            if name not in self.versions or (name == "lefthook" and not gates.commands):
                continue
            if name == "pre-commit" and gates.checks:
                continue  # its checks come from the network
            self.take_hooks(world, name, argv, stage, PATH=path)
            names.append(name)
        if "husky" in self.versions and gates.commands:
            world.git("config", "--unset", "core.hooksPath") if self.has_path(world) else None
            self.machine.run([self.bin / "husky"], world.repo)
            (world.hooks / "husky").symlink_to(world.repo / ".husky/_")
            names.append("husky")
        return names

    @staticmethod
    def has_path(world):
        return "hookspath" in world.git("config", "--list", "--local", "--name-only")

    def take_hooks(self, world, name, argv, stage, **env):
        if self.has_path(world):
            world.git("config", "--unset", "core.hooksPath")
        hooks = world.repo / ".git/hooks"
        shutil.rmtree(hooks, ignore_errors=True)
        hooks.mkdir()
        self.machine.run(argv, world.repo, **env)
        if not (hooks / stage).exists():
            raise RuntimeError(f"{name} installed no {stage}: {os.listdir(hooks)}")
        shutil.copytree(hooks, world.hooks / name, symlinks=True)
        shutil.rmtree(hooks)

    @staticmethod
    def write(path: Path, text):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
