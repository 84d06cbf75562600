#!/usr/bin/python3
"""format.py FILE…: no tabs, no blanks at a line's end, no line above 120 columns, Python that parses."""

import ast
import sys


def faults(path):
    with open(path, encoding="utf-8") as file:
        text = file.read()
    for number, line in enumerate(text.splitlines(), 1):
        if "\t" in line:
            yield number, "a tab"
        if line != line.rstrip():
            yield number, "blanks at the end of the line"
        if len(line) > 120:
            yield number, f"{len(line)} columns"
    if path.endswith(".py"):
        lines = text.splitlines()
        for node in ast.parse(text, path).body:
            first = node.lineno - 1 - len(getattr(node, "decorator_list", []))
            if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and first > 2 and any(lines[first - 2:first]):
                yield node.lineno, f"two blank lines belong before {node.name}"


def main(paths):
    found = [f"{path}:{number}: {what}" for path in paths for number, what in faults(path)]
    print("\n".join(found) or f"{len(paths)} files are well formed")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
