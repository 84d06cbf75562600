"""make_man.py write SOURCE BIN: writes docs/man out of what the programs say of themselves (--help), the JSON Schemas, and
the texts below. make_man.py check SOURCE BIN: prints what is missing there, or there and nowhere else, in docs/man or in the folders that
are named behind."""

import json
import pathlib
import re
import subprocess
import sys

DATE = "November 21, 2026"
EXITS = [
    ("0", "done, and good"),
    ("1", "a gate failed; the host is not converged"),
    ("2", "wrong usage or configuration"),
    ("3", "the environment failed: disk, network, git, a missing tool"),
    ("4", "refused by policy: a signature, an approval, an attestation"),
    ("130", "interrupted"),
]

# Per page: section, one line of what it is, description, what comes behind the lists.
PROGRAMS = {
    "tidegate": (
        1,
        "gates on exactly the tree that is committed or pushed, and releases by merging a manifest",
        [
            "A repository's gates stand in its *.tidegate.yaml*. After `tidegate install` git runs them before a commit and a"
            " push, on a private checkout of exactly the tree in question; index and working tree stay untouched. What"
            " passed can be attested with an SSH key, and hosts can ask for that.",
            "Every command takes `-C` *DIR* (run as if started in DIR) and `--help`. Those with `--json` print their facts"
            " as one JSON document. Errors go to standard error, with what mends them in the next line.",
        ],
        {
            "ENVIRONMENT": [
                ("TIDEGATE_SKIP", "gates to leave out, by comma or blank; the tree is then not attested"),
                ("TIDEGATE_NO_REUSE", "the gates of this push run, whoever has proven its tree"),
                ("TIDEGATE_SIGNING_KEY", "the key for attestations: a file, or the private key itself"),
                ("TIDEGATE_SNAPSHOTS", "where the private checkouts are kept"),
                ("NO_COLOR, CLICOLOR_FORCE, CI, TERM", "colours and live lines"),
            ],
            "FILES": [
                (".tidegate.yaml", "the repository's gates"),
                (".tidegate.local.yaml", "one's own changes to them, not tracked"),
                (".git/tidegate/logs", "the output of the newest 20 runs"),
                ("~/.cache/tidegate", "private checkouts, and files of pinned commits"),
            ],
        },
    ),
    "tidegate-hook": (
        1,
        "run a stage's gates as one of git's hooks",
        [
            "`tidegate install` copies this program to the hooks of a repository, where it knows its stage by the name that"
            " git calls it by. A hook of your own calls it with the stage and with what git gave the hook:",
            "    tidegate-hook pre-commit \"$@\"",
            "Stages are git's `pre-commit`, `pre-merge-commit`, `prepare-commit-msg`, `commit-msg`, `post-checkout`,"
            " `post-merge`, `post-rewrite`, `pre-rebase` and `pre-push`, and on a server `pre-receive` and `update`. A stage"
            " that *.tidegate.yaml* does not name costs no process; whatever cannot be done stops the commit or push.",
        ],
        {},
    ),
    "tidegated": (
        8,
        "converge this host to the releases that the manifests branch declares",
        [
            "The daemon watches a branch of manifests, verifies and stages the release that is declared for this host,"
            " migrates, switches *current*, activates, checks health, and reverts by itself where any of that fails."
            " It is started by systemd as *tidegated.service*; tidegatectl(1) asks it things.",
        ],
        {
            "FILES": [
                ("/etc/tidegate/tidegated.yaml", "the host's configuration, see tidegated.yaml(5)"),
                ("/var/lib/tidegate", "its journal, and mirrors of sources"),
                ("/run/tidegate/control.sock", "the control socket"),
            ],
        },
    ),
    "tidegatectl": (
        8,
        "ask the reconciler of this host",
        [
            "Talks to tidegated(8) by its control socket. Who may do what is decided by the daemon, by the user who asks.",
        ],
        {"FILES": [("/run/tidegate/control.sock", "the control socket; `--socket` names another")]},
    ),
}
FILES = {
    "tidegate.yaml": (
        "gates",
        "gates of a repository",
        "*.tidegate.yaml* lies at the top of a repository. The file in the tree that is gated counts, not the one in the"
        " working tree. It is YAML without anchors, tags and duplicate keys; unknown keys are errors. `tidegate check`"
        " tells all mistakes.",
        "gates-reference.md",
    ),
    "tidegated.yaml": (
        "tidegated",
        "configuration of a host",
        "*/etc/tidegate/tidegated.yaml* is the root of trust of a host: the manifests branch can ask for more than it says,"
        " never for less. Everything but `version`, `host`, `manifests` and `roots` has a safe default.",
        "host-reference.md",
    ),
    "tidegate-manifest": (
        "manifest",
        "the release of an app in an environment",
        "*ENVIRONMENT/APP.yaml* on the manifests branch declares what one app runs in one environment. What is common to"
        " the branch stands in *tidegate.yaml* at its top, whose keys are the last ones below. `tidegate lint` tells all"
        " mistakes.",
        "manifest-reference.md",
    ),
}


def text(line):
    """Prose as mdoc: `literal`, *path*, name(1)."""
    line = line.replace("\\", "\\e")
    line = re.sub(r"`([^`]*)`", lambda m: "\\fB" + m[1].replace("-", "\\-") + "\\fR", line)
    line = re.sub(r"(?<!\w)\*([^*\s]+)\*", r"\\fI\1\\fR", line)
    line = re.sub(r"(?<![\w-])(--[a-z][a-z-]*)", lambda m: m[1].replace("-", "\\-"), line)
    line = line.replace("…", "...")
    return "\\&" + line if line.startswith((".", "'")) else line


def words(argument):
    """Arguments of a macro line."""
    return argument.replace("…", " ...").replace('"', "\\(dq").strip()


def shown(option):
    """`--key FILE`, `-C DIR`, `STAGE` as macros."""
    name, _, value = option.partition(" ")
    value = value.partition("=")[0]
    if not name.startswith("-"):
        return f"Ar {words(option)}"
    return f"Fl {name[1:]}" + (f" Ar {words(value)}" if value else "")


class Help:
    """What a command says of itself, in either program's form."""

    def __init__(self, binaries, program, command=()):
        self.name = list(command)
        out = subprocess.run([f"{binaries}/{program}", *command, "--help"], capture_output=True, text=True, check=True)
        self.commands, self.options, about, notes, section = [], [], [], [], ""
        for line in out.stdout.splitlines():
            row = re.match(r"  (\S.*?)(?:  +(.*))?$", line) or re.match(r" {20,}()(\S.*)$", line)
            if re.match(r"[A-Z][A-Za-z, ]*:?$", line) and not line.endswith("."):
                section = line.rstrip(":")
            elif section and row:
                self.row(section, row[1], row[2])
            elif line.startswith(("usage:", "Usage:", "       ")):
                section = ""
            elif line.strip():
                section = ""
                (notes if self.options or self.commands else about).append(line)
        self.about = " ".join(about)
        self.notes = " ".join(notes)

    def row(self, section, left, right):
        if left == "" and (self.options or self.commands):  # goes on
            last = (self.commands if section == "Subcommands" else self.options)[-1]
            last[1] = (last[1] + " " + right).strip()
        elif section in ("Options", "Positionals"):
            left = re.sub(r"^-h, ?--help.*", "--help", left)
            left = re.sub(r"^(\w+) (TEXT|INT)\b.*?( REQUIRED)?$", r"\1", left)
            self.options.append([left.replace(" TEXT", " TEXT"), right or ""])
        else:
            self.commands.append([left, right or ""])

    def own(self):
        """Its options but for those of every command."""
        return [(left, right) for left, right in self.options if left.split()[0] not in ("-C", "--help", "--version")]


def tree(binaries, program):
    """All commands that do something, with what they say."""
    if program == "tidegate-hook":
        return []
    found = []

    def visit(path):
        said = Help(binaries, program, path)
        if path:
            found.append(said)
        for name, _ in said.commands:
            visit([*path, name])

    visit([])
    return found


def head(name, section, about):
    return [
        ".\\\" Written by tests/docs/make_man.py: change the programs' help, the schemas or that script instead.",
        f".Dd {DATE}", f".Dt {name.upper()} {section}", ".Os", ".Sh NAME", f".Nm {name}", f".Nd {text(about)}",
    ]


def paragraphs(lines):
    out = []
    for line in lines:
        if line.startswith("    "):
            out += [".Bd -literal -offset indent", text(line.strip()), ".Ed"]
        else:
            out += ([".Pp"] if out else []) + [text(line)]
    return out


def items(rows, macro):
    out = [".Bl -tag -width Ds"]
    for left, right in rows:
        out.append(f".It {macro(left)}")
        out.append(text(right) if right else "\\&")
    return out + [".El"]


def see_also(page):
    pages = [("tidegate", 1), ("tidegate-hook", 1), ("tidegate.yaml", 5), ("tidegate-manifest", 5),
             ("tidegated.yaml", 5), ("tidegated", 8), ("tidegatectl", 8)]
    others = [other for other in pages if other[0] != page]
    return [".Sh SEE ALSO"] + [f".Xr {name} {section}" + (" ," if (name, section) != others[-1] else "")
                               for name, section in others]


def program_page(binaries, name):
    section, about, description, behind = PROGRAMS[name]
    out = head(name, section, about) + [".Sh SYNOPSIS", ".Nm"]
    top = Help(binaries, name) if name != "tidegate-hook" else None
    if name == "tidegate-hook":
        out += [".Ar STAGE", ".Op Ar ARGUMENT ..."]
    elif top.commands:
        out += [".Op Fl C Ar DIR", ".Ar COMMAND", ".Op Ar ARGUMENT ..."]
    else:
        out += [f".Op {shown(left)}" for left, _ in top.own()]
    out += [".Sh DESCRIPTION"] + paragraphs(description)
    if top is not None and not top.commands:
        out += items([row for row in top.options], shown)
    commands = tree(binaries, name)
    if commands:
        out.append(".Sh COMMANDS")
    for said in commands:
        out += [f".Ss {' '.join(said.name)}", text(said.about[:1].upper() + said.about[1:] + ".")]
        if said.own():
            out += items(said.own(), shown)
        if said.notes:
            out += [".Pp", text(said.notes)]
    for title, rows in behind.items():
        out += [f".Sh {title}"] + items(rows, lambda left: f"Pa {left}" if title == "FILES" else f"Ev {left}")
    if name != "tidegate-hook":
        out += [".Sh EXIT STATUS"] + items(EXITS, lambda left: left)
    return out + see_also(name)


def objects(schema):
    """Every map of a schema: its path, and its keys with what they mean."""
    found = {}

    def visit(value, path):
        if not isinstance(value, dict):
            return
        keys = value.get("properties", {})
        if keys:
            found.setdefault(tuple(path), {}).update(
                {key: of.get("description", "") if isinstance(of, dict) else "" for key, of in keys.items()})
        for key, of in keys.items():
            visit(of, [*path, key])
        if isinstance(value.get("additionalProperties"), dict):
            visit(value["additionalProperties"], [*path, "NAME"])
        if isinstance(value.get("items"), dict):
            visit(value["items"], path)
        for key in ("anyOf", "oneOf", "allOf"):
            for one in value.get(key, []):
                visit(one, path)

    visit(schema, [])
    return found


def schema_of(source, name):
    return json.loads((source / "manifests" / "schema" / f"{name}.schema.json").read_text())


def schema_sections(source, name, top):
    out = []
    for path, keys in objects(schema_of(source, name)).items():
        out.append(f".Ss {'.'.join(path) or top}")
        out += items(sorted(keys.items()) if not path else keys.items(), lambda key: f"Cm {key}")
    return out


def file_page(source, name):
    schema, about, description, reference = FILES[name]
    out = head(name, 5, about) + [".Sh DESCRIPTION"] + paragraphs([description]) + [".Sh KEYS"]
    out += schema_sections(source, schema, "top level")
    if name == "tidegate-manifest":
        out += [".Sh KEYS OF THE BRANCH"] + schema_sections(source, "tidegate", "top level")
    example = {"tidegate.yaml": ["version: 1", "stages:", "  pre-commit:", "    gates:",
                                 "      - {name: hygiene, builtin: [trailing-whitespace, end-of-file, secrets]}",
                                 "      - {name: format, run: clang-format --dry-run -Werror {files}, files: [\"*.cc\"]}",
                                 "  pre-push:", "    gates:", "      - {name: unit, run: make check}"]}.get(name)
    if example:
        out += [".Sh EXAMPLES", ".Bd -literal"] + [line.replace("-", "\\-") for line in example] + [".Ed"]
    return out + [".Pp", text(f"The whole reference is {reference} in the documentation.")] + see_also(name)


def pages(source, binaries):
    made = {}
    for name, (section, *_) in PROGRAMS.items():
        made[f"{name}.{section}"] = program_page(binaries, name)
    for name in FILES:
        made[f"{name}.5"] = file_page(source, name)
    return {file: "\n".join(lines) + "\n" for file, lines in made.items()}


def facts(page):
    """What a page names, by section: options, arguments, keys, commands."""
    named, section = set(), ""
    for line in page.splitlines():
        if line.startswith((".Ss ", ".Sh ")):
            section = line[4:]
            named.add((section,))
        elif line.startswith(".It ") or line.startswith(".Op "):
            named.add((section, line[4:]))
    return named


def check(source, binaries, folders):
    for file, wanted in pages(source, binaries).items():
        for folder in folders:
            path = folder / file
            there = facts(path.read_text()) if path.exists() else set()
            for fact in sorted(facts(wanted) - there):
                yield f"{path} does not name: {': '.join(fact)}"
            for fact in sorted(there - facts(wanted)):
                yield f"{path} names what is not there: {': '.join(fact)}"


def main(what, source, binaries, *folders):
    source = pathlib.Path(source)
    if what == "write":
        (source / "docs" / "man").mkdir(exist_ok=True)
        for file, page in pages(source, binaries).items():
            (source / "docs" / "man" / file).write_text(page)
        return 0
    wrong = list(check(source, binaries, [pathlib.Path(folder) for folder in folders] or [source / "docs" / "man"]))
    if wrong:
        print("\n".join(wrong), "mended by: tests/docs/make_man.py write SOURCE BIN", sep="\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
