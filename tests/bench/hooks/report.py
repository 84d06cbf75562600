"""What was measured, as Markdown."""

import datetime
import os
import platform
from pathlib import Path

from measuring import Samples


def machine_line():
    model = "unknown processor"
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.split(":", 1)[1].strip()
            break
    memory = int(Path("/proc/meminfo").read_text().split()[1]) / (1 << 20)
    system = "Linux"
    for line in Path("/etc/os-release").read_text().splitlines():
        if line.startswith("PRETTY_NAME="):
            system = line.split("=", 1)[1].strip('"')
    return f"{model}, {os.cpu_count()} cores, {memory:.0f} GB, {system}, Linux {platform.release()}"


def head(tools, rounds):
    versions = ", ".join(f"{name}: {text}" for name, text in tools.versions.items())
    lines = [f"Machine: {machine_line()}. Load when it began: {os.getloadavg()[0]:.1f}.  ",
             f"Date: {datetime.datetime.now(datetime.timezone.utc):%Y-%m-%d}. Rounds: {rounds}, interleaved, after two to "
             "warm up; medians.  ", f"Versions: {versions}."]
    for name, why in tools.missing.items():
        lines.append(f"Skipped: {name}: {why}.")
    return "\n".join(lines) + "\n"


def table(result):
    lines = [f"### {result.title}", "", f"| | wall, ms | over {result.base} | CPU, ms | over {result.base} | memory, MB |",
             "| --- | ---: | ---: | ---: | ---: | ---: |"]
    base = result.samples[result.base]
    for name, samples in result.samples.items():
        wall, cpu = Samples.median(samples.wall), Samples.median(samples.cpu)
        more = ["", ""]
        if name != result.base:
            more = [f"{wall - Samples.median(base.wall):+.1f}", f"{cpu - Samples.median(base.cpu):+.1f}"]
        lines.append(f"| {name} | {wall:.1f} | {more[0]} | {cpu:.1f} | {more[1]} | "
                     f"{Samples.median(samples.memory):.0f} |")
    lines.append("")
    for target in result.targets:
        lines.append(f"- {target.words}: {target.value:.2f} {target.unit}, limit {target.limit:.2f}: "
                     f"**{'met' if target.met else 'not met'}**")
    return "\n".join(lines + ([result.note] if result.note else [])) + "\n"
