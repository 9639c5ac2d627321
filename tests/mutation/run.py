"""Make slips in every room, one at a time, and see which ones the tests of the room do not notice.

    python tests/mutation/run.py                     a sample of each room, and its closing table
    python tests/mutation/run.py --rooms check nn    some rooms
    python tests/mutation/run.py --share 1           every slip there is (a night)
    python tests/mutation/run.py --rooms nn --files losses            in some files
    python tests/mutation/run.py --rooms nn --quick 5                 by the quick tests, for a first look
    python tests/mutation/run.py --again             those that the last run did not catch
    python tests/mutation/run.py --again --rooms nn --by clipped      by some tests only, which takes seconds

A slip is caught where a test fails or does not come to an end. One that changes nothing that matters is named, with
the reason, in tests/mutation/equivalent.txt. The slips are made in a copy of the repository; a child process forked
for each runs tests there, with the libraries loaded and the tests collected already: those of the room that run the
line, where coverage.py (pip install coverage) finds that they do, and all of them where it cannot tell.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import resource
import shutil
import signal
import sys
import tempfile
import time
import traceback
import zlib
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))
from tests.mutation.patched import Patched, outcome  # noqa: E402
from tests.mutation.reached import Only, Reached, Recorder, computed  # noqa: E402
from tests.mutation.slips import Slip, javascript, python  # noqa: E402
from tests.nightly.results import commit, keep, kept  # noqa: E402

EQUIVALENT = Path(__file__).with_name("equivalent.txt")

# The sources of each room, and its tests, the quick ones first. What only says that a written file is current, or
# counts lines, would catch any slip: it is left out.
ROOMS: dict[str, tuple[list[str], list[str]]] = {
    "files": (["files.py", "engine/plain.py"], ["tests/test_files.py", "tests/test_plain.py"]),
    "expression": (["expression.py"], ["tests/test_expression.py"]),
    "engine": (
        ["engine/*.py"],
        ["tests/test_value.py", "tests/test_operations.py", "tests/test_backward.py", "tests/test_calculus.py",
         "tests/test_composites.py", "tests/test_table.py", "tests/test_write.py", "tests/test_register.py",
         "tests/test_languages.py", "tests/test_numpy.py",
         "tests/test_oracle.py", "tests/test_properties.py", "tests/test_familiar.py"],
    ),
    "nn": (["nn/*.py"], ["tests/test_nn*.py", "tests/test_numpy.py", "tests/test_fit*.py", "tests/test_saving.py"]),
    "check": (["check/*.py"], ["tests/test_check*.py", "tests/test_strategies.py", "tests/test_faults.py"]),
    "show": (["show/*.py"], ["tests/test_explain*.py", "tests/test_picture*.py", "tests/test_page*.py"]),
    "page": (["show/*.js", "show/**/*.js", "show/page*.py", "show/javascript.py"], ["tests/test_page*.py"]),
    "replay": (["replay/*.py", "replay/native/*.py"], ["tests/test_replay*.py", "tests/test_properties.py"]),
    "plot": (["plot/*.py"], ["tests/test_plot*.py"]),
    "exchange": (["exchange/scripts.py", "exchange/symbols.py"], ["tests/test_scripts.py", "tests/test_symbols.py"]),
    "lesson": (["lesson/*.py"], ["tests/test_lesson*.py", "tests/test_cli.py"]),
    "cli": (["cli.py"], ["tests/test_cli.py", "tests/test_tasks.py", "tests/test_live.py", "tests/test_failures.py"]),
    "live": (["live/*.py", "live/web/*.js"], ["tests/test_live*.py"]),
    "tasks": (["tasks/*.py"], ["tests/test_tasks.py"]),
    "shared": (["neurons.py", "misconceptions.py", "themes.py", "shell.py"], ["tests/test_shared.py"]),
}  # fmt: skip
EVERY_ROOM = ["tests/test_defaults.py"]
STARTS_PROCESSES = ("cli", "lesson")  # a line of theirs, and of JavaScript, is tried on the quick tests
QUICK = 150.0  # seconds, together; what only a slower test would notice counts as not noticed
IN_A_BROWSER = 40.0  # likewise, of tests of JavaScript: a browser computes as long again
NOT_HERE = ("current", "shrinks", "one_sitting", "lines_to_read", "loads_no", "as_a_formatter")  # in names of tests
LIBRARIES = (
    "pytest",
    "hypothesis",
    "numpy",
    "sympy",
    "mpmath",
    "llvmlite.binding",
    "click",
    "rich.console",
    "graphviz",
)


class Mutant(NamedTuple):
    """A slip in a file."""

    file: str
    line: int
    slip: Slip
    text: str  # of the line, for people, and to find it again
    nth: int  # of its like in the line

    @property
    def key(self) -> str:
        nth = f" ({self.nth})" if self.nth > 1 else ""
        return f"{self.file}: {self.text}: {short(self.slip.old)} -> {short(self.slip.new)}{nth}"


def short(text: str) -> str:
    return " ".join(text.split())[:80]


def mutants(patterns: list[str]) -> list[Mutant]:
    found = []
    for path in sorted({path for pattern in patterns for path in (ROOT / "tinygrad_edu").glob(pattern)}):
        source = path.read_bytes()
        lines = source.decode().splitlines()
        like: Counter[tuple[int, str, str]] = Counter()
        for slip in javascript(source) if path.suffix == ".js" else python(source):
            line = slip.line(source)
            like[line, slip.old, slip.new] += 1
            nth = like[line, slip.old, slip.new]
            found.append(Mutant(str(path.relative_to(ROOT)), line, slip, short(lines[line - 1]), nth))
    return found


def chosen(found: list[Mutant], share: float, seed: int) -> list[Mutant]:
    """A share of them, the same one each time for the same seed, whatever stands in other lines."""
    return [m for m in found if zlib.crc32(f"{seed}: {m.key}".encode()) / 2**32 < share]


class Copy:
    """A copy of the repository in which slips are made, and tests run."""

    def __init__(self, folder: str) -> None:
        self.root = Path(folder, "repository")
        skip = shutil.ignore_patterns(".git", "*.egg-info", ".hypothesis", "__pycache__", ".venv", "node_modules")
        shutil.copytree(ROOT, self.root, ignore=skip)
        self.reached, self.only = Reached(), ""
        self.environment = {"PYTHONPATH": str(self.root), "HYPOTHESIS_PROFILE": "mutation"}

    def tests(self, patterns: list[str], sources: list[str]) -> list[str]:
        paths = [path for pattern in patterns for path in sorted(self.root.glob(pattern))]
        package = self.root / "tinygrad_edu"
        for pattern in sources:  # for their doctests; by folders, as pytest leaves out what cannot be imported there
            if pattern.endswith("/*.py"):
                paths += [package / pattern.removesuffix("/*.py")]
            elif pattern.endswith(".py"):
                paths += sorted(package.glob(pattern))
        return [str(path.relative_to(self.root)) for path in dict.fromkeys(paths) if path.exists()]

    def put(self, mutant: Mutant) -> Callable[[], object]:
        """Write the file of a mutant; what puts it right again."""
        path = self.root / mutant.file
        right = path.read_bytes()
        path.write_bytes(mutant.slip.applied(right))
        for compiled in path.parent.glob(f"__pycache__/{path.stem}.*.pyc"):
            compiled.unlink()
        return lambda: path.write_bytes(right)

    def reached_by(self, mutant: Mutant) -> set[str] | None:
        """The names of the tests that run its lines; None for all, where an import does."""
        last = mutant.line + mutant.slip.old.count("\n")
        return self.reached.tests(str(self.root / mutant.file), mutant.line, last)

    def reaching(self, room: str, mutant: Mutant, quick: float = 0.0) -> set[str] | None:
        """The names of the tests that a mutant is tried on; None for all."""
        found = self.reached_by(mutant)
        if mutant.file.endswith(".js"):
            return self.reached.quick(IN_A_BROWSER)
        if room in STARTS_PROCESSES:  # which coverage does not see
            return self.reached.quick(QUICK) | (found or set())
        return self.reached.quick(quick) & (found or {*self.reached.seconds}) if quick else found

    def patched(
        self, tests: list[str], found: list[Mutant], reaching: Callable[[Mutant], set[str] | None]
    ) -> dict[str, tuple[str, str]]:
        """How the tests ended, by the keys of mutants, for all that are in functions which no import runs."""
        to = self.root.parent / "patched.jsonl"
        to.unlink(missing_ok=True)

        def tests_of(mutant: Mutant) -> set[str]:
            return (reaching(mutant) or set()) - self.reached.failed

        chosen = [mutant for mutant in found if self.reached_by(mutant) is not None]
        plugin = Patched(self.root, chosen, self.put, tests_of, self.reached, to)
        how, why = self.forked(tests, float("inf"), lambda: [plugin], ["-s"])
        if how != "passed":
            sys.exit(f"the slips were not tried: {how} {why}")
        return {key: (how, why) for key, how, why in map(json.loads, to.read_text().splitlines())}

    def run(
        self, tests: list[str], seconds: float, chosen: set[str] | None = None, first: Sequence[str] = ()
    ) -> tuple[str, str]:
        """Run tests in a child: "passed", or how they failed, and the end of what they printed."""
        return self.forked(tests, seconds, lambda: [Only(self.reached, chosen, first)], ["-x"])

    def record(self, tests: list[str], seconds: float) -> None:
        """Find out which tests reach which lines, and which fail without a slip."""
        to = self.root.parent / "reached.json"
        to.unlink(missing_ok=True)
        how, why = self.forked(tests, seconds, lambda: [Recorder(self.root / "tinygrad_edu", to)], [], True)
        if how not in ("passed", "failed") or "error" in why.lower()[-200:] or not to.exists():
            sys.exit(f"the tests do not run without a slip: {how} {why}")
        self.reached = Reached(to)
        for name in sorted(self.reached.failed):
            print(f"  fails without a slip, left out: {name}", flush=True)

    def forked(
        self,
        tests: list[str],
        seconds: float,
        plugins: Callable[[], list[object]],
        more: list[str],
        write_bytecode: bool = False,
    ) -> tuple[str, str]:
        log = self.root.parent / "log"
        child = os.fork()
        if child == 0:
            os.setsid()
            signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored in the background of a shell
            with open(log, "wb") as file:
                os.dup2(file.fileno(), 1)
                os.dup2(file.fileno(), 2)
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            os.environ.pop("CI", None)  # which asks for thousands of examples
            os.environ.update(self.environment, **({} if write_bytecode else {"PYTHONDONTWRITEBYTECODE": "1"}))
            sys.dont_write_bytecode = not write_bytecode
            os.chdir(self.root)
            resource.setrlimit(resource.RLIMIT_DATA, (8 << 30, 8 << 30))
            sys.path[:] = [str(self.root), *(p for p in sys.path if Path(p or ".").resolve() != ROOT)]
            sys.meta_path[:] = [
                finder for finder in sys.meta_path if "__editable__" not in getattr(finder, "__module__", "")
            ]
            for name in [name for name in sys.modules if name.split(".")[0] in ("tests", "tinygrad_edu")]:
                del sys.modules[name]
            import pytest

            status = 1
            try:
                deselect = [f"not {part}" for part in NOT_HERE]
                options = [
                    *more,
                    "-q",
                    "--no-header",
                    "-W",
                    "ignore::pytest.PytestAssertRewriteWarning",
                    "-k",
                    self.only or " and ".join(deselect),
                ]
                status = int(pytest.main([*options, *tests], plugins()))
            except BaseException:
                traceback.print_exc()
            finally:
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(status)
        how = outcome(child, seconds)
        if how == "no end":
            return how, ""
        text = log.read_text(errors="replace")
        reasons = [line for line in text.splitlines() if line.startswith(("FAILED", "ERROR"))]
        return how, reasons[0][:200] if reasons else text[-500:]


def try_room(room: str, found: list[Mutant], copy: Copy, by: str = "", quick: float = 0.0) -> list[dict[str, str]]:
    """Try each mutant of a room; a line for each that passed."""
    sources, patterns = ROOMS[room]
    tests = copy.tests([*EVERY_ROOM, *patterns], sources)
    start = computed()
    if by:
        copy.only = by
        how, why = copy.run(tests, 1200)
        if how != "passed":
            sys.exit(f"{room}: the tests do not pass without a slip: {how} {why}")
    else:
        copy.record(tests, 1200)
    usual = computed() - start
    print(f"{room}: {len(found)} slips, {usual:.0f} s for its tests", flush=True)
    known = equivalents()
    results = []
    done = {} if by else copy.patched(tests, found, lambda mutant: copy.reaching(room, mutant, quick))
    catchers: list[str] = []  # tests that caught a slip, the last one first: they are tried before all others
    for mutant in found:
        if mutant.key in done:
            how, why = done[mutant.key]
        else:
            mend = copy.put(mutant)
            try:
                reaching = None if by else copy.reaching(room, mutant, quick)
                how, why = "passed", ""
                if reaching is None and catchers:
                    how, why = copy.run(catchers[:12], 20 + 3 * usual)
                if how == "passed":
                    of = tests if reaching is None else sorted({name.split("::")[0] for name in reaching})
                    how, why = copy.run(of, 20 + 3 * usual, reaching, catchers[:6])
            finally:
                mend()
            catcher = why.removeprefix("FAILED ").split(" - ")[0].split("[")[0]
            if why.startswith("FAILED tests/") and "::" in catcher:
                catchers = [catcher, *(other for other in catchers if other != catcher)]
        if how == "passed" and mutant.key in known:
            how = "equivalent"
        if how in ("passed", "no end"):
            print(f"  {how:7}  {mutant.file}:{mutant.line}: {mutant.text}")
            print(f"          {mutant.slip.old} -> {mutant.slip.new}", flush=True)
        results.append({"room": room, "key": mutant.key, "result": how, "by": why})
    return results


def equivalents() -> set[str]:
    """The keys of slips that change nothing that matters; the lines after each, indented, say why."""
    lines = EQUIVALENT.read_text().splitlines() if EQUIVALENT.exists() else []
    return {line for line in lines if line and not line.startswith((" ", "#"))}


def counted(results: list[dict[str, str]]) -> list[dict[str, Any]]:
    """Slips room by room: how many, and those that passed."""
    rows = []
    for room in dict.fromkeys(r["room"] for r in results):
        of_room = [r for r in results if r["room"] == room]
        found = Counter(r["result"] for r in of_room)
        same, passed = found["equivalent"], found["passed"]
        row = {"room": room, "slips": len(of_room), "caught": len(of_room) - same - passed}
        survivors = [r["key"] for r in of_room if r["result"] == "passed"]
        rows.append(row | {"equivalent": same, "passed": passed, "survivors": survivors})
    return rows


def table(rows: list[dict[str, Any]]) -> str:
    """Slips, caught and passed, room by room.

    >>> print(table(counted([{"room": "nn", "result": "failed"}, {"room": "nn", "result": "passed", "key": "k"}])))
    room         slips  caught  equivalent  passed   caught of the rest
    nn               2       1           0       1   50.0 %
    all              2       1           0       1   50.0 %
    """
    lines = ["room         slips  caught  equivalent  passed   caught of the rest"]
    names = ("slips", "caught", "equivalent", "passed")
    for row in [*rows, {"room": "all"} | {name: sum(row[name] for row in rows) for name in names}]:
        rate = f"{100 * row['caught'] / max(1, row['caught'] + row['passed']):.1f} %"
        numbers = f"{row['slips']:5}  {row['caught']:6}  {row['equivalent']:10}  {row['passed']:6}"
        lines.append(f"{row['room']:12} {numbers}   {rate}")
    return "\n".join(lines)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rooms", nargs="+", choices=ROOMS, default=list(ROOMS))
    options.add_argument("--share", type=float, default=0.08, help="of all slips, 1 for all (0.08)")
    options.add_argument("--seed", type=int, default=1, help="chooses them (1)")
    options.add_argument("--at-least", type=int, default=12, help="slips a room (12)")
    options.add_argument("--again", action="store_true", help="only those that passed in the last run")
    options.add_argument("--files", nargs="+", default=[], help="only where a path has one of these in it; not kept")
    options.add_argument("--by", default="", help="with --again: only by tests with one of these words in their names")
    options.add_argument("--quick", type=float, default=0, help="only by tests that take so many seconds together")
    options.add_argument("--list", action="store_true", help="print them, and try none")
    given = options.parse_args()
    before = kept("slips")["rows"]
    passed = {key for row in before for key in row["survivors"]}
    start = time.monotonic()
    for library in LIBRARIES:
        with contextlib.suppress(ImportError), contextlib.redirect_stdout(io.StringIO()):
            __import__(library)
    with tempfile.TemporaryDirectory() as folder:
        copy = Copy(folder)
        for room in given.rooms:
            every = mutants(ROOMS[room][0])
            if room == "show":  # the page's are tried in a room of their own
                theirs = {m.file for m in mutants(ROOMS["page"][0])}
                every = [m for m in every if m.file not in theirs]
            every = [m for m in every if not given.files or any(part in m.file for part in given.files)]
            found = chosen(every, max(given.share, min(1, given.at_least / max(1, len(every)))), given.seed)
            if given.again:
                found = [m for m in every if m.key in passed]
            if given.list:
                print(*(f"{m.file}:{m.line}: {m.slip.old} -> {m.slip.new}" for m in found), sep="\n")
            elif found:
                results = try_room(room, found, copy, given.by, given.quick)
                if given.files or given.quick:
                    print(table(counted(results)))
                else:
                    save(results, given.again, time.monotonic() - start)
    if not (given.list or given.files or given.quick):
        print(table(kept("slips")["rows"]))


def save(results: list[dict[str, str]], again: bool, seconds: float) -> None:
    """Keep the result of a room beside those of the others."""
    before = {row["room"]: row for row in kept("slips")["rows"]}
    [row] = counted(results)
    if again and row["room"] in before:  # of lines that are gone nothing is known
        old = before[row["room"]]
        gone = old["passed"] - row["slips"]
        caught, same = old["caught"] + row["caught"], old["equivalent"] + row["equivalent"]
        row |= {"slips": old["slips"] - gone, "caught": caught, "equivalent": same, "at first": old.get("at first", "")}
    else:
        row["at first"] = row["caught"]
    row |= {"date": time.strftime("%Y-%m-%d"), "commit": commit()}
    everything = before | {row["room"]: row}
    keep("slips", seconds, [everything[room] for room in ROOMS if room in everything])


if __name__ == "__main__":
    main()
