"""check_docs.py links SOURCE | behaviours SOURCE BUILD | commands SOURCE BIN: checks of the documents. Prints what is
wrong, and ends with 1 then."""

import pathlib
import re
import subprocess
import sys


def documents(source):
    return [source / "README.md", *sorted((source / "docs").rglob("*.md"))]


def without_code(text):
    """The text with its fenced blocks and code spans blanked."""
    text = re.sub(r"^```.*?^```", "", text, flags=re.M | re.S)
    return re.sub(r"`[^`\n]*`", "", text)


def anchors(text):
    """The fragments that a forge makes of headings."""
    found = set()
    for heading in re.findall(r"^#+ +(.*)$", re.sub(r"^```.*?^```", "", text, flags=re.M | re.S), flags=re.M):
        plain = re.sub(r"[^\w\- ]", "", re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()).replace(" ", "-")
        found.add(plain)
    return found


def links(source):
    for document in documents(source):
        for target in re.findall(r"\]\(([^)\s]+)\)", without_code(document.read_text())):
            if re.match(r"[a-z]+:", target):
                continue
            path, _, fragment = target.partition("#")
            file = (document.parent / path).resolve() if path else document
            if not file.exists():
                yield f"{document.relative_to(source)}: no such file: {target}"
            elif fragment and fragment not in anchors(file.read_text()):
                yield f"{document.relative_to(source)}: no such heading: {target}"


def case_exists(source, name):
    """Whether `tests/…/file::case` names a doctest case or a function test_… of a script."""
    file, _, case = name.partition("::")
    path = source / file
    if not path.is_file():
        return False
    text = path.read_text()
    return f'"{case}"' in text or f"test_{case.replace(' ', '_')}()" in text or f"{case}()" in text


def behaviours(source, build):
    listed = subprocess.run(["ctest", "--test-dir", build, "-N"], check=True, capture_output=True, text=True).stdout
    tests = set(re.findall(r"^ *Test +#\d+: (.*?) *$", listed, flags=re.M))
    for number, line in enumerate((source / "docs" / "behaviours.md").read_text().splitlines(), 1):
        if not line.startswith("|") or re.match(r"\| *(---|behaviour) ", line):
            continue
        # A `|` inside a name is written `\|`.
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        named = re.findall(r"`([^`]+)`", cells[-1]) if len(cells) == 2 else []
        if not named:
            yield f"docs/behaviours.md:{number}: a line is | behaviour | `test` |"
        for name in named:
            name = name.replace("\\|", "|")
            if name not in tests and not case_exists(source, name):
                yield f"docs/behaviours.md:{number}: no such test: {name}"


# Commands as docs/ promises them, by program. Those that a later part brings are not listed.
COMMANDS = {
    "tidegate": "init install uninstall run plan check attest cache doctor lint release promote approve rollback diff",
    "tidegatectl": "status plan sync pause resume retry history why verify",
    "tidegated": "--once --config --app",
}


def commands(source, binaries):
    for program, names in COMMANDS.items():
        shown = subprocess.run([f"{binaries}/{program}", "--help"], capture_output=True, text=True)
        if shown.returncode != 0:
            yield f"{program} --help: exit code {shown.returncode}"
        for name in names.split():
            if not re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", shown.stdout):
                yield f"{program} --help does not mention {name}"
            if name.startswith("-"):
                continue
            own = subprocess.run([f"{binaries}/{program}", name, "--help"], capture_output=True, text=True)
            if own.returncode != 0 or not own.stdout.strip():
                yield f"{program} {name} --help: exit code {own.returncode}"
        version = subprocess.run([f"{binaries}/{program}", "--version"], capture_output=True, text=True)
        if version.returncode != 0 or not re.search(r"\d+\.\d+", version.stdout):
            yield f"{program} --version: exit code {version.returncode}"
    # A command in a document's shell block is one that its program knows.
    for document in documents(source):
        for kind, block in re.findall(r"^```(\w*)\n(.*?)^```", document.read_text(), flags=re.M | re.S):
            prompt = r"\s*(?:\$ )?" if kind == "sh" else r"\s*\$ "
            for program, word in re.findall(rf"^{prompt}(tidegate|tidegatectl) ([a-z]+)\b", block, flags=re.M):
                if word not in COMMANDS[program].split():
                    yield f"{document.relative_to(source)}: unknown command: {program} {word}"


def main(what, source, *rest):
    wrong = list({"links": links, "behaviours": behaviours, "commands": commands}[what](pathlib.Path(source), *rest))
    print("\n".join(wrong))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
