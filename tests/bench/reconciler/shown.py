"""What was measured, as Markdown."""

import datetime
import os
import platform
import re
import shutil
from pathlib import Path

MARK = "## Results of the host\n"
VERSIONS = {"tidegated": ["{programs}/tidegated", "--version"], "git": ["git", "--version"], "rsync": ["rsync", "--version"],
            "capistrano": ["cap", "--version"], "nginx": ["nginx", "-v"], "OpenSSH": ["ssh", "-V"]}


def first_line(text):
    return re.sub(r"\s+protocol version.*", "", text.strip().splitlines()[0])


def machine():
    fields = dict(line.split(":", 1) for line in Path("/proc/cpuinfo").read_text().splitlines() if ":" in line)
    model = {name.strip(): text.strip() for name, text in fields.items()}.get("model name", "unknown processor")
    memory = int(Path("/proc/meminfo").read_text().split()[1]) / (1 << 20)
    name = re.search(r'PRETTY_NAME="?([^"\n]*)', Path("/etc/os-release").read_text()).group(1)
    return f"{model}, {os.cpu_count()} cores, {memory:.0f} GB, {name}, Linux {platform.release()}"


def head(bench):
    versions = []
    for command in VERSIONS.values():
        words = [word.format(programs=bench.programs) for word in command]
        if shutil.which(words[0]):
            versions.append(first_line(bench.run(words, check=False)))
    disk = bench.run(["stat", "-f", "-c", "%T", bench.folder]).strip()
    return (f"Machine: {machine()}; the file system is {disk}. Load when it began: {os.getloadavg()[0]:.1f}.  \n"
            f"Date: {datetime.datetime.now(datetime.timezone.utc):%Y-%m-%d}. Rounds: {bench.options.rounds}, interleaved; "
            f"medians.  \nVersions: {', '.join(versions)}.\n")


def table(result):
    lines = [f"### {result.title[0].upper()}{result.title[1:]}", ""]
    if result.rows:
        lines += ["| " + " | ".join(result.columns) + " |", "| --- |" + " ---: |" * (len(result.columns) - 1)]
        lines += ["| " + " | ".join(row) + " |" for row in result.rows] + [""]
    for target in result.targets:
        lines.append(f"- {target.words}: {target.value:.2f} {target.unit}, limit {target.limit:.2f}: "
                     f"**{'met' if target.met else 'not met'}**")
    return "\n".join(lines + [f"- {note}" for note in result.notes]) + "\n"


def write_out(path, text):
    """Replaces what is between our heading and the next of its level."""
    before, _, rest = path.read_text().partition(MARK)
    after = re.search(r"^##? (?!#)", rest, re.M)
    path.write_text(before + MARK + "\n" + text.rstrip() + "\n" + ("\n" + rest[after.start():] if after else ""))
