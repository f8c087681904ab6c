#!/usr/bin/env python3
"""Writes what the demonstration shows into README.md, shortened.

    scripts/demo-transcript.py            runs scripts/demo.sh --no-install --seconds 10, on this machine
    scripts/demo-transcript.py LOG        takes what it said from a file

Left out, with an ellipsis where something stood: warnings, all SubDevices but the first and the last, all figures but two
lines of them, the ends of long lines, and what the summary says between `holes` and its table."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "README.md"
BEGIN, END = "```text\nlistening whether", "```"
COLUMNS = 132
FIGURES = 2


def said(arguments):
    """What the demonstration said, as lines without colours."""
    if arguments:
        text = Path(arguments[0]).read_text()
    else:
        demo = [ROOT / "scripts/demo.sh", "--no-install", "--seconds", "10"]
        text = subprocess.run(demo, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=True).stdout
    return re.sub(r"\x1b\[[0-9;]*m", "", text).splitlines()


def cut(line):
    """A line of figures whose end is left out where it is long."""
    if len(line) <= COLUMNS:
        return line
    return line[: line.rindex(" | ", 0, COLUMNS - 4)] + " | …"


def shortened(lines):
    """The lines that a reader wants to see."""
    begin = next(n for n, line in enumerate(lines) if line.startswith("listening whether"))
    kept, figures, subdevices, in_holes = [], 0, [], False
    for line in lines[begin:]:
        if re.match(r"\d{4}-\d\d-\d\dT", line) or line.startswith("  ") and not re.match(r" +\d+  ", line):
            continue
        if re.match(r" {4}\d+  \S", line) and not in_holes:
            subdevices.append(line)
            continue
        if subdevices:
            kept += [subdevices[0], "    …", subdevices[-1]]
            subdevices = []
        if line.startswith("cycle "):
            figures += 1
            if figures > FIGURES:
                continue
            line = cut(line)
        if in_holes and line:
            continue
        if in_holes:
            kept.append("…")
        in_holes = line.startswith("holes ")
        kept.append(line.rstrip())
    return "\n".join(kept).rstrip() + "\n"


def main():
    if sys.argv[1:2] in (["-h"], ["--help"]):
        sys.exit(print(__doc__))
    text = README.read_text()
    begin = text.index(BEGIN) + len("```text\n")
    end = text.index(END, begin)
    README.write_text(text[:begin] + shortened(said(sys.argv[1:])) + text[end:])


if __name__ == "__main__":
    main()
