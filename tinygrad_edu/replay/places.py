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


Box = tuple[int, int, tuple[int, ...], tuple[str, ...]]  # the first fields of a slice


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
    base, split = int(table.flat[0]), tuple(walked[k].length for k in order)
    if merged in ([], [(table.size, 1)]):
        box: Box | None = base, base + table.size, split, (":",) * len(split)
    elif len(merged) == 1 and (len(shape) == 1 or merged[0].step != size // shape[0]):
        box = 0, size, (size,), (span(base, *merged[0], size),)
    else:
        box = boxed(size, base, merged if len(merged) > 1 else [*merged, Loop(1, 1)])
    return box and Slice(*box, split, tuple(order))


def boxed(size: int, base: int, found: Sequence[Loop]) -> Box | None:
    """A part of an array as a box, and of the box a slice along each axis."""
    (rows, row), (*outer, last) = found[0], [loop.step for loop in found]
    if any(step % inner for step, inner in pairwise(outer)):
        return None
    lengths = [step // inner for step, inner in pairwise([*outer, 1])]
    for first in (base, base - base % row, size - rows * row):
        end = first + rows * row
        if 0 <= first <= base < first + row and end <= size:
            begins, steps = np.unravel_index(base - first, lengths), [1] * (len(lengths) - 1) + [last]
            spans = [*map(span, map(int, begins), [loop.length for loop in found[1:]], steps, lengths)]
            if all(spans):
                return first, end, (rows, *lengths), (":", *spans)
    return None


def span(begin: int, n: int, step: int, length: int) -> str:
    """A slice of n places along an axis; "" where there are none."""
    if (n, step) == (length, 1):
        return ":"
    end = begin + (n - 1) * step + 1
    if end > length:
        return ""
    return f"{begin}:{end}" + f":{step}" * (step > 1) if n > 1 else f"{begin}"
