"""Regular places in an array: loops of equal steps, and how NumPy writes them as a slice."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import prod
from typing import Any, NamedTuple

from tinygrad_edu.replay.arrays import np


def nest(keys: Any, rough: bool = False) -> list[int] | None:
    """The lengths of nested loops in which each column of `keys` goes on by equal steps; None if there are none.

    With `rough` the outermost loop may go on by any steps.

    >>> nest(np.array([[0, 7], [1, 7], [2, 7], [10, 8], [11, 8], [12, 8]]))
    [2, 3]
    """
    if len(keys) <= 1:
        return []
    steps = np.diff(keys, axis=0)
    breaks = np.flatnonzero((steps != steps[0]).any(axis=1))
    inner = int(breaks[0]) + 1 if len(breaks) else len(keys)
    if len(keys) % inner:
        return None
    runs = keys.reshape(-1, inner, keys.shape[1])
    if (runs - runs[:, :1] != runs[0] - runs[0, 0]).any():
        return None
    outer = nest(runs[:, 0], rough)
    if outer is None:
        return [len(runs), inner] if rough else None
    return [*outer, inner]


class Loop(NamedTuple):
    """Places that go on by equal steps."""

    length: int
    step: int


def loops(table: Any) -> list[Loop] | None:
    """The loops, from the outermost, that walk through a table of places; None if there are none.

    >>> loops(np.array([[1, 2], [4, 5], [7, 8]]))
    [Loop(length=3, step=3), Loop(length=2, step=1)]
    """
    found: list[Loop] = []
    for axis in range(table.ndim):
        lines = np.moveaxis(table, axis, 0).reshape(table.shape[axis], -1)
        offsets = lines - lines[:1]
        shape = nest(offsets[:, :1]) if (offsets == offsets[:, :1]).all() else None
        if shape is None:
            return None
        found += [Loop(n, int(offsets[prod(shape[k + 1 :]), 0])) for k, n in enumerate(shape)]
    return found


class Slice(NamedTuple):
    """A slice of an array: of a part from `first` to `end`, as an array of `shape`, the `spans`, one an axis.

    The loops of `split` walk through what is found, from the largest step to the smallest; `order` says in which order
    they were asked for.
    """

    first: int
    end: int
    shape: tuple[int, ...]
    spans: tuple[str, ...]
    split: tuple[int, ...]
    order: tuple[int, ...]


def sliced(size: int, shape: Sequence[int], table: Any) -> Slice | None:
    """The places of a table as a slice of an array of that size and shape; None if it takes a table of indices.

    >>> sliced(12, (12,), np.array([[1, 2], [4, 5], [7, 8]]))
    Slice(first=1, end=10, shape=(3, 3), spans=(':', '0:2'), split=(3, 2), order=(0, 1))
    """
    walked = loops(table)
    if walked is None or any(loop.step <= 0 for loop in walked):
        return None
    order = sorted(range(len(walked)), key=lambda k: -walked[k].step)
    merged: list[Loop] = []
    for n, step in [walked[k] for k in order]:
        if merged and merged[-1].step == n * step:
            merged[-1] = Loop(merged[-1].length * n, step)
        else:
            merged.append(Loop(n, step))
    base = int(table.flat[0])
    box = boxed(size, tuple(shape), base, merged)
    return box and Slice(*box, tuple(walked[k].length for k in order), tuple(order))


def boxed(
    size: int, shape: tuple[int, ...], base: int, found: Sequence[Loop]
) -> tuple[int, int, tuple[int, ...], tuple[str, ...]] | None:
    """A part of an array as a box, and of the box a slice along each axis."""
    if not found:
        return base, base + 1, (), ()
    if len(found) == 1:  # of the flat array
        (n, step), end = found[0], base + (found[0].length - 1) * found[0].step + 1
        if shape == (size,) or step > 1:
            return 0, size, (size,), ((span(base, n, step)) if (n, step) != (size, 1) else ":",)
        return base, end, (n,), (":",)
    steps = [loop.step for loop in found]
    if any(outer % inner for outer, inner in pairwise(steps[:-1])):
        return None
    row, rows = steps[0], found[0].length
    lengths = [*(outer // inner for outer, inner in pairwise(steps[:-1])), steps[-2]]
    for first in (base, base - base % row, size - rows * row):
        end = first + rows * row
        rest, index = base - first, [":"]
        for (n, step), length in zip(found[1:], lengths, strict=True):
            last = step == steps[-1]
            begin, rest = (rest, 0) if last else divmod(rest, step)
            step = step if last else 1
            if begin >= 0 and begin + (n - 1) * step < length:
                index.append(":" if (n, step) == (length, 1) else span(begin, n, step))
        if len(index) == len(found) and first >= 0 and end <= size:
            return first, end, (rows, *lengths), tuple(index)
    return None


def span(base: int, n: int, step: int) -> str:
    """A slice of n places."""
    return f"{base}:{base + (n - 1) * step + 1}" + f":{step}" * (step > 1)
