"""What `zerocat tune` did in the guest and took back: tuned.py FOLDER applied|doctor|restored|same.

The folder holds what it printed as JSON: before (a dry run), applied, restored, after (a dry run), and doctor's findings
between applying and restoring.
"""

import json
import sys
from pathlib import Path

if len(sys.argv) < 3 or sys.argv[1] in ("-h", "--help"):
    print(__doc__)
    sys.exit()
folder, what = Path(sys.argv[1]), sys.argv[2]


def load(name):
    return json.loads((folder / f"{name}.json").read_text())


def count(name, outcome):
    return sum(row["outcome"] == outcome for row in load(name)["settings"])


def values(name):
    return {row["setting"]: row["from"] for row in load(name)["settings"]}


changed = count("tune-applied", "changed")
if what == "applied":
    print("all" if changed and not count("tune-applied", "refused") else f"{changed} of {changed + count('tune-applied', 'refused')}")
elif what == "doctor":
    claimed = {row["check"] for row in load("tune-applied")["settings"]}
    bad = (check["id"] for check in load("doctor")["checks"] if check["level"] in ("warn", "error"))
    print(", ".join(claimed.intersection(bad)) or "none")
elif what == "restored":
    print("all" if count("tune-restored", "put_back") == changed else f"{count('tune-restored', 'put_back')} of {changed}")
elif what == "same":
    before, after = values("tune-before"), values("tune-after")
    print(", ".join(name for name in before.keys() | after.keys() if before.get(name) != after.get(name)) or "as before")
