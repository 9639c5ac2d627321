"""Texts and command lines at random: each gives a result or one clear line, never a traceback.

python tests/nightly/inputs.py                   20,000 texts and 2,000 command lines
python tests/nightly/inputs.py --seed 7 --texts 100 --lines 10
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import random
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))
from tests.nightly.results import keep
from tinygrad_edu import TABLE, cli
from tinygrad_edu.expression import ExpressionError, parse

CLEAR = (ExpressionError, ValueError, ZeroDivisionError, OverflowError)  # ValueError: also names without numbers
NASTY = [
    "\x1b[31m",
    "\u202e",
    "\r",
    "\0",
    "\ud800",
    "<b>",
    "$",
    "`",
    "[a](b)",
    "ﬁ",
    "ª",
    "𝓍",
    "π",
    "日本",
    "_" * 3,
    "\n",
]
PIECES = [
    "w",
    "x",
    "b",
    "1",
    "2.5",
    "1e308",
    "1e-320",
    "0",
    "-",
    "+",
    "*",
    "/",
    "**",
    "(",
    ")",
    ",",
    "[",
    "]",
    ".",
    "=",
    "^",
    ":",
    "'",
    "#",
    "max",
    "softmax",
    "lambda",
    "import",
    "0x1f",
    "1j",
    "_1",
    "True",
]


def text(rng: random.Random) -> str:
    """An expression: right ones, and ones with a piece lost, doubled, moved or made nasty."""

    def right(depth: int) -> str:
        kind = rng.randrange(5) if depth else 0
        if kind == 0:
            return rng.choice(["w", "x", "b", "1", "0.5", "2", "1e200"])
        if kind == 1:
            return f"({right(depth - 1)} {rng.choice(['+', '-', '*', '/', '**'])} {right(depth - 1)})"
        row = rng.choice([*TABLE.values()])
        if row.many:
            n = rng.randrange(4)
            lists = [f"[{', '.join(right(depth - 1) for _ in range(n))}]" for _ in row.operands]
            return f"{row.name}({', '.join(lists)})"
        return f"{row.name}({', '.join(right(depth - 1) for _ in row.operands)})"

    made = right(rng.randrange(5))
    for _ in range(rng.choice([0, 0, 1, 1, 2, 5])):
        at = rng.randrange(len(made) + 1)
        piece = rng.choice(NASTY if rng.random() < 0.3 else PIECES)
        made = made[:at] + piece * rng.choice([1, 1, 1, 2, 50]) + made[at + rng.choice([0, 0, 1, 3]) :]
    return made


def try_text(made: str) -> str:
    """What became of a text: "number", "error", or what it should not have done."""
    try:
        expression = parse(made)
        root = expression.build({name: 0.3 + 0.4 * k for k, name in enumerate(expression.names)})
        root.backward()
        return "number"
    except CLEAR as error:
        words = str(error)
        if len(words) > 1000 or any(not c.isprintable() and c != "\n" for c in words):
            return f"unclear: {words[:200]!r} for {made!r}"
        return "error"
    except Exception as error:
        return f"{type(error).__name__}: {error} for {made!r}"


def line(rng: random.Random) -> list[str]:
    """A command line: a command with an expression, its numbers, and options, some of them wrong."""
    commands = [*cli.command.commands]
    options = {"-o", "--output", "--wrt", "--order", "--method", "--seed", "--key", "--answer", "--epochs", "--ops"}
    options |= {option for command in cli.command.commands.values() for p in command.params for option in p.opts}
    options = sorted(option for option in options if option.startswith("-"))
    words = [rng.choice([*commands, *commands, "draaw", "", "--help"])]
    if rng.random() < 0.8:
        words.append(text(rng))
    for name in ("w", "x", "b"):
        if rng.random() < 0.8:
            words.append(
                f"{name}={rng.choice(['0.3', '2', '-1e300', '0', 'nan', 'inf', '', '1e999', 'a', '𝟙', '1_0'])}"
            )
    sane = rng.random() < 0.5
    if sane:  # an expression that is right, or nearly
        words[1:2] = [rng.choice(["sigmoid(w*x + b)", "w*x + b", "max([w, x]) / b", "exp(w)**x - log(b)"])] * len(
            words[1:2]
        )
    while rng.random() < (0.2 if sane else 0.5):
        words.append(rng.choice(options))
        if rng.random() < 0.8:
            words.append(rng.choice(["1", "2", "-1", "w", "a.svg", "a.md", "a.html", "none/a.txt", ".", *NASTY]))
    if words[0] == "" and "--epochs" not in words:
        words += ["--epochs", "1"]
    return [word for word in words if "\0" not in word]  # no system passes those on


def try_line(words: list[str]) -> str:
    """What became of a command line: its status, or what it should not have done."""
    out, err = io.StringIO(), io.StringIO()
    sys.argv = ["tinygrad-edu", *words]
    status = 0
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            cli.main()
    except SystemExit as stop:
        status = int(stop.code or 0)
    except BaseException as error:
        return f"{type(error).__name__}: {error} for {words!r}"
    for stream in (out.getvalue(), err.getvalue()):
        bad = {c for c in stream if not c.isprintable() and c != "\n"}
        if bad:
            return f"printed {bad!r} for {words!r}"
    if status not in (0, 1, 2) or (status == 2 and not err.getvalue()):
        return f"status {status} for {words!r}"
    return f"status {status}"


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--texts", type=int, default=20_000)
    options.add_argument("--lines", type=int, default=2_000)
    options.add_argument("--seed", type=int, default=1)
    given, arguments = options.parse_args(), sys.argv
    rng, start, rows = random.Random(given.seed), time.monotonic(), []
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        for what, n, make, attempt in (("texts", given.texts, text, try_text), ("lines", given.lines, line, try_line)):
            results: dict[str, int] = {}
            for _ in range(n):
                result = attempt(make(rng))  # type: ignore[operator]
                results[result] = results.get(result, 0) + 1
            wrong = {result: m for result, m in results.items() if result not in EXPECTED}
            for result in wrong:
                print(f"{what}: {result}")
            counts = {result: results.get(result, 0) for result in EXPECTED if result in results}
            rows.append({"what": what, "tried": n, "wrong": sum(wrong.values()), **counts})
            print(rows[-1])
    os.chdir(Path(__file__).parents[2])
    sys.argv = arguments
    keep("inputs", time.monotonic() - start, rows)


EXPECTED = ("number", "error", "status 0", "status 1", "status 2")

if __name__ == "__main__":
    main()
