"""Examples in the forms that people have them in, as rows of floats."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite
from numbers import Real
from typing import Any, NamedTuple

from tinygrad_edu.engine import number, plural, quoted

MISSING = ("", "na", "n/a", "nan", "null", "none", "?", "-")  # what stands in cells that are empty


class Example(NamedTuple):
    """The inputs of a network, and what it should answer: a number, or a list of numbers."""

    x: list[float]
    target: Any


def examples_of(given: Any, what: str = "examples") -> list[Example]:
    """Pairs, two sequences, or a data frame with the name of its target, as a list of examples.

    >>> examples_of([([0, 1], 1), ([1, 1], 0)])
    [Example(x=[0.0, 1.0], target=1), Example(x=[1.0, 1.0], target=0)]
    >>> examples_of(([[0, 1], [1, 1]], [1, 0])) == examples_of([([0, 1], 1), ([1, 1], 0)])
    True

    Arguments:
        given: an iterable of pairs (inputs, target); a tuple of the inputs of all examples and of their targets, as
            lists, arrays or pandas frames; or a tuple of a frame and the name, or list of names, of its target columns.
        what: the name of the argument, for errors.

    Raises ValueError for no example, for rows of different lengths, and for a tuple of two lists of two numbers, which
    may be two pairs as well; TypeError for what holds no numbers. Both name the example, counted from 1.
    """
    pairs = paired(given, what)
    if not pairs:
        raise ValueError(f"{what}: expected at least one example, got none")
    found = []
    for k, (x, target) in enumerate(pairs, start=1):
        name = f"{what}: example {k}"
        row = floats(x if is_row(x) else [x], f"the inputs of {name}")
        answer = floats(target, f"the target of {name}") if is_row(target) else scalar(target, f"the target of {name}")
        found.append(Example(row, answer))
        if len(row) != len(found[0].x):
            raise ValueError(f"{name} expected {plural(len(found[0].x), 'input')}, like the first, got {len(row)}")
        if size(answer) != size(found[0].target):
            raise ValueError(f"{name} expected {shape(found[0].target)}, like the first, got {quoted(target)}")
    return found


def paired(given: Any, what: str) -> list[tuple[Any, Any]]:
    """Each input with its target, as they came."""
    forms = (
        f"{what} expected pairs of inputs and target, a tuple (inputs, targets), or a frame with the name of its target"
    )
    if isinstance(given, tuple) and len(given) == 2:
        table, targets = given
        if hasattr(table, "columns") and are_names(targets, table):
            return columns(table, targets, what)
        inputs, answers = listed(table), listed(targets)
        numbers = isinstance(table, list) and not any(map(is_row, table))
        if numbers and isinstance(targets, list) and len(table) == len(targets) == 2 and not any(map(is_row, targets)):
            (a, b), (c, d) = table, targets
            raise ValueError(
                f"{what} expected two pairs, or two inputs and their targets, and {quoted(given)} may be either: "
                f"write [({a!r}, {b!r}), ({c!r}, {d!r})] or [({a!r}, {c!r}), ({b!r}, {d!r})]"
            )
        rows = hasattr(table, "ndim") or numbers or (inputs is not None and all(map(is_row, inputs)))
        if inputs is not None and answers is not None and rows:
            if len(inputs) != len(answers):
                raise ValueError(f"{what} expected as many targets as inputs, {len(inputs)}, got {len(answers)}")
            return list(zip(inputs, answers, strict=True))
    pairs = listed(given)
    if pairs is None:
        raise TypeError(f"{forms}, got {quoted(given)}")
    for pair in pairs:
        if not is_row(pair) or len(pair) != 2:
            raise TypeError(f"{forms}, got {quoted(pair)} for one example")
    return [(pair[0], pair[1]) for pair in pairs]


def are_names(targets: Any, table: Any) -> bool:
    """Whether targets are columns of a data frame, and not numbers."""
    if not isinstance(targets, list):
        return isinstance(targets, str)
    return any(isinstance(name, str) or (isinstance(name, int) and name in table.columns) for name in targets)


def columns(table: Any, targets: str | list[str], what: str) -> list[tuple[Any, Any]]:
    """The rows of a data frame, cut into inputs and targets."""
    wanted = [targets] if isinstance(targets, str) else targets
    names = [*table.columns]
    for name in wanted:
        if name not in names:
            raise ValueError(f"{what} expected a column of {', '.join(map(str, names))}, got {name!r}")
    if len({*names}) < len(names) or not {*names} - {*wanted}:
        raise ValueError(f"{what} expected columns of different names, some of them inputs, got {quoted(names)}")
    rows = zip(*(listed(table[name]) or [] for name in names if name not in wanted), strict=True)
    answers = zip(*(listed(table[name]) or [] for name in wanted), strict=True)
    one = isinstance(targets, str)
    return [(row, answer[0] if one else answer) for row, answer in zip(rows, answers, strict=True)]


def listed(many: Any) -> list[Any] | None:
    """Many things as a list, arrays and frames as lists of Python's own numbers; None for what is not many things."""
    if hasattr(many, "columns") and hasattr(many, "to_numpy"):
        many = many.to_numpy()
    if hasattr(many, "tolist"):
        many = many.tolist()
    return list(many) if hasattr(many, "__iter__") and not isinstance(many, (str, dict)) else None


def is_row(x: Any) -> bool:
    return hasattr(x, "__len__") and not isinstance(x, (str, dict)) and getattr(x, "shape", None) != ()


def floats(row: Any, name: str) -> list[float]:
    found = []
    for x in listed(row) or row:
        try:
            found.append(number(x))
        except (TypeError, ValueError) as error:
            raise type(error)(f"{name}: {advised(x, str(error))}") from None
    return found


def advised(x: Any, error: str) -> str:
    """What is wrong with a cell of a table, and what to do about it."""
    if isinstance(x, str):
        if x.strip().lower() in MISSING:
            return f"{error}: leave the example out, or fill the cell"
        try:
            return f"{error}: write {float(x)!r}, as float({x!r}) does"
        except ValueError:
            return f"{error}: give each word a number"
    if isinstance(x, Real) and not isfinite(x):
        return f"expected a finite number, got {x}: leave the example out, or fill the cell"
    return error


def scalar(x: Any, name: str) -> Any:
    """One number; whole ones stay whole, for they may be the number of a class."""
    if hasattr(x, "__index__"):
        return x.__index__()
    return floats([x], name)[0]


def size(target: Any) -> int:
    return len(target) if isinstance(target, list) else 0


def shape(target: Any) -> str:
    return plural(len(target), "target") if isinstance(target, list) else "one number as its target"


def divided(examples: Sequence[Example], share: float, rng: Any) -> tuple[list[Example], list[Example]]:
    """Examples to train with and a random share of them to validate with, at least one each."""
    if not 0 < share < 1 or len(examples) < 2:
        raise ValueError(
            f"validation expected a share between 0 and 1 of at least two examples, got {share!r} of {len(examples)}"
        )
    held = set(rng.sample(range(len(examples)), min(max(1, round(share * len(examples))), len(examples) - 1)))
    return [e for k, e in enumerate(examples) if k not in held], [e for k, e in enumerate(examples) if k in held]
