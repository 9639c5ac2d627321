"""Writes docs/trust.md from the results that are kept.

python tests/nightly/report.py                   from what is there
python tests/nightly/report.py --all             runs every part first, which takes hours
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))
from tests.nightly.results import ROOT, kept

PAGE = ROOT / "docs" / "trust.md"
PARTS = {
    "suite": "tests/nightly/suite.py",
    "slips": "tests/mutation/run.py",
    "graphs": "tests/nightly/graphs.py",
    "inputs": "tests/nightly/inputs.py",
    "ulp": "tests/nightly/ulp.py",
}
HEAD = """\
# What has been tried

Written by `python tests/nightly/report.py` from results that are kept with their date and commit; each line names the
command that made it. Beside these, `tests/test_failures.py` runs each command that writes on a full disk, without
permission, and stopped at twenty moments, in every run of the suite.

| what | tried | wrong | command | seconds | date | commit |
|---|---|---|---|---|---|---|
"""


def summary() -> list[tuple[str, str, int, int]]:
    """Each line of the first table: what, the part, how many were tried, and how many were wrong."""
    lines = []
    if kept("suite")["rows"]:
        [row] = kept("suite")["rows"]
        lines.append(("tests of the suite", "suite", row["tried"], row["wrong"]))
    slips = kept("slips")["rows"]
    if slips:
        tried, passed = sum(row["slips"] for row in slips), sum(row["passed"] for row in slips)
        lines.append(("slips made on purpose; wrong: not noticed", "slips", tried, passed))
    for row in kept("graphs")["rows"]:
        lines.append(
            (f"random graphs, {WAYS.get(row['way'], row['way'] + ' program')}", "graphs", row["tried"], row["wrong"])
        )
    for row in kept("inputs")["rows"]:
        lines.append((INPUTS[row["what"]], "inputs", row["tried"], row["wrong"]))
    rows = kept("ulp")["rows"]
    if rows:
        lines.append(("points of rows, beside 50 digits", "ulp", sum(row["tried"] for row in rows), 0))
    return lines


WAYS = {
    "grad": "reverse mode on Values",
    "jvp": "forward mode",
    "networks, numpy": "layers, numpy program",
    "networks, native": "layers, native program",
    "networks, jax": "layers, jax program",
    "differences": "differences",
}
INPUTS = {"texts": "expressions, right ones and damaged", "lines": "command lines, right ones and damaged"}


def slips_table(rows: list[dict[str, Any]]) -> str:
    names = (
        "room",
        "slips",
        "caught at first",
        "caught",
        "change nothing",
        "not noticed",
        "caught of the rest",
        "date",
        "commit",
    )
    lines = f"| {' | '.join(names)} |\n|{'---|' * len(names)}\n"
    total = {name: sum(row[name] for row in rows) for name in ("slips", "caught", "equivalent", "passed")}
    for row in [*rows, {"room": "all", **total}]:
        rate = 100 * row["caught"] / max(1, row["caught"] + row["passed"])
        cells = [
            row["room"],
            row["slips"],
            row.get("at first", ""),
            row["caught"],
            row["equivalent"],
            row["passed"],
            f"{rate:.1f} %",
        ]
        cells += [row.get("date", ""), row.get("commit", "")]
        lines += f"| {' | '.join(map(str, cells))} |\n"
    return lines


def ulp_table(rows: list[dict[str, Any]]) -> str:
    lines = "| row | result | derivatives |\n|---|---|---|\n"
    for row in rows:
        lines += f"| {row['row']} | {row['result']:g} | {', '.join(f'{each:g}' for each in row['derivatives'])} |\n"
    return lines


SLIPS = """
## Slips, room by room

A share of all slips, each against the tests of its room, at the commit given (+: and what was changed then); those that
a run did not notice are tried again after tests were added. Slips of the page, the lesson and the command line are
tried on the quick tests of the room only. What changes nothing that matters is named with the reason in
`tests/mutation/equivalent.txt`.

"""
ULP = """
## Units in the last place, row by row

The worst of all points, in the domain that the tests draw from. Where the table says that floats are off by more, see
[operations.md](operations.md).

"""


def page() -> str:
    """The text of docs/trust.md."""
    text = HEAD
    for what, part, tried, wrong in summary():
        made = kept(part)
        command = "python tests/mutation/run.py" if part == "slips" else made["command"]  # in parts, room by room
        text += f"| {what} | {tried:,} | {wrong:,} | `{command}` | {'' if part == 'slips' else made['seconds']} "
        text += f"| {made['date']} | {made['commit']} |\n"
    if kept("slips")["rows"]:
        text += SLIPS + slips_table(kept("slips")["rows"])
    if kept("ulp")["rows"]:
        text += ULP
        text += ulp_table(kept("ulp")["rows"])
    return text


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--all", action="store_true")
    if options.parse_args().all:
        for script in PARTS.values():
            subprocess.run([sys.executable, script], cwd=ROOT, check=True)
    PAGE.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
