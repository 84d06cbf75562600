"""Repositories to measure in."""

import subprocess
from pathlib import Path

CONFIGS = ("ours", "sh", "lefthook", "prek", "pre-commit", "husky")


def content(number: int) -> str:
    return f"file {number}\n" + "\n".join(f"line {i} of {number}" for i in range(12)) + "\n"


class World:
    """A repository with `files` files, a folder of hooks for each contender, and one gate each."""

    def __init__(self, machine, folder: Path, files: int, configs: dict):
        self.machine = machine
        self.repo = folder / "repo"
        self.hooks = folder / "hooks"
        self.count = 0
        self.paths = [f"src/d{i // 1000:03}/e{i // 100 % 10}/f{i:05}.txt" for i in range(files)]
        self.repo.mkdir(parents=True)
        self.git("init", "-q")
        stream = ["commit refs/heads/main\ncommitter Bench <bench@example.com> 1700000000 +0000\ndata 5\nfirst\n"]
        texts = {path: content(i) for i, path in enumerate(self.paths)}
        for path, text in {**texts, **configs}.items():
            mode = "100755" if path.startswith(".husky/") else "100644"
            stream.append(f"M {mode} inline {path}\ndata {len(text.encode())}\n{text}\n")
        subprocess.run(["git", "fast-import", "--quiet"], cwd=self.repo, env=machine.env, check=True, text=True,
                       input="".join(stream))
        self.git("reset", "-q", "--hard")
        self.none = self.hooks / "none"
        self.none.mkdir(parents=True)

    def git(self, *args):
        return self.machine.run(["git", *args], self.repo)

    def use_hooks(self, name):
        self.git("config", "core.hooksPath", str(self.hooks / name))

    def edit(self, paths):
        """New content in each, staged."""
        self.count += 1
        for path in paths:
            with open(self.repo / path, "a", encoding="utf-8") as file:
                file.write(f"edit {self.count}\n")
        self.git("add", "--", *paths)

    def edit_further(self, paths):
        """More content, not staged."""
        for path in paths:
            with open(self.repo / path, "a", encoding="utf-8") as file:
                file.write(f"not staged {self.count}\n")
