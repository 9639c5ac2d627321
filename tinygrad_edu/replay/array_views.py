"""Where the operands of a recovered program lie, as text: whole arrays, slices, gathers."""

from __future__ import annotations

import keyword
import re
from collections.abc import Sequence
from typing import Any

from tinygrad_edu.engine import TABLE
from tinygrad_edu.replay.arrays import np
from tinygrad_edu.replay.expressions import Expression, constant
from tinygrad_edu.replay.libraries import HELPERS
from tinygrad_edu.replay.listing import named
from tinygrad_edu.replay.places import Slice, sliced, span
from tinygrad_edu.replay.recovery import Array, Recovery, View

AXES = "abcdefghijklm"  # of what is no product
TAKEN = {"w", "W", "X", "N", "np", "jax", "numpy", "program", "forward", "pieces", "places", "value", *HELPERS}
TAKEN |= {"d_w", "d_W", "d_X", "d_out"}
OWN = re.compile(r"(part|[bikmW])\d+")  # names of parts, tables, masks and views


class ArrayViews:
    """Writes views of the arrays of a plan, and the lines that those need which are no mere slices.

    Attributes:
        names: a variable for each array.
        lines: what is written so far.
        constants: tables of indices, masks and numbers, by name.
    """

    def __init__(self, plan: Recovery) -> None:
        self.plan = plan
        self.constants: dict[str, Any] = {}
        self.known: dict[Any, str] = {}  # their names
        self.views: dict[str, str] = {}  # names of those that have a line of their own
        self.lines: list[str] = []
        outs = [step.out for step in plan.steps]
        wanted = [f"{out.name}_2" if OWN.fullmatch(out.name) else out.name for out in outs]
        found, _ = named(wanted, TAKEN | {*keyword.kwlist})
        self.names = {plan.params: "w", plan.inputs: "X", **dict(zip(outs, found, strict=True))}

    def constant(self, prefix: str, array: Any) -> str:
        key = array.shape, array.dtype.str, array.tobytes()
        if key not in self.known:
            self.known[key] = f"{prefix}{sum(name[0] == prefix for name in self.constants) + 1}"
            self.constants[self.known[key]] = array
        return self.known[key]

    def expression(self, view: View, axes: str) -> Expression:
        """A view, with names for its axes; without those along which it is the same."""
        if view.number is not None:
            return constant(view.number)
        core, kept = core_of(view, axes)
        if core.array is None:
            return Expression(self.constant("k", core.table), kept)
        text = self.named_view(core, self.shown(core, self.names[core.array]))
        return Expression(text, kept + "n" * core.varying)

    def named_view(self, view: View, text: str) -> str:
        """What stands for the text of a view: a name, if it is long; the line that defines it is written."""
        assert view.array
        if text.isidentifier() or (text.count("[") == 1 and "(" not in text and "[i" not in text):
            return text
        if text not in self.views:
            if view.array is self.plan.params and "[i" not in text:
                prefix = "W" if view.table.ndim > 1 else "b"
            else:
                prefix = f"{self.names[view.array]}_"
            count = 1 + sum(known.startswith(prefix) for known in self.views.values())
            while f"{prefix}{count}" in self.names.values() or f"{prefix}{count}" in TABLE:
                count += 1
            self.views[text] = f"{prefix}{count}"
            self.lines.append(f"{self.views[text]} = {text}")
        return self.views[text]

    def shown(self, view: View, name: str) -> str:
        """A view of an array, or of its gradient, in its own shape."""
        text, shape = self.access(view, name)
        return text if shape == view.table.shape else self.reshaped(text, view.table.shape, view.varying)

    def access(self, view: View, name: str) -> tuple[str, tuple[int, ...]]:
        """A view in any shape: regular places as slices, others by indices; and that shape."""
        array, table = view.array, view.table
        assert array
        if is_whole(view):
            return name, array.shape
        found = sliced(array.size, array.shape, table)
        if found:
            return self.slice(array, name, found)
        flat = self.flattened(array, name)
        rows = table.reshape(len(table), -1)
        m, first, end = rows.shape[1], int(rows.min()), int(rows.max()) + 1
        if m > 1 and (rows == rows[:, :1] + np.arange(m)).all() and ((rows[:, 0] - first) % m == 0).all():  # whole rows
            part = flat if (first, end) == (0, array.size) else f"{flat}[{first}:{end}]"
            part = self.reshaped(part, ((end - first) // m, m), array.varying)
            return f"{part}[{self.constant('i', (rows[:, 0] - first) // m)}]", (len(table), m)
        return f"{flat}[{self.constant('i', table)}]", table.shape

    def slice(self, array: Array, name: str, found: Slice) -> tuple[str, tuple[int, ...]]:
        if not found.shape:
            return f"{name}[{', '.join(map(str, np.unravel_index(found.first, array.shape)))}]", ()
        text, shape = name, array.shape
        if (found.first, found.end) != (0, array.size):
            row = array.size // shape[0]
            if found.first % row or found.end % row:
                text, shape, row = self.flattened(array, name), (array.size,), 1
            first, end = found.first // row, found.end // row
            text, shape = f"{text}[{span(first, end - first, 1, shape[0])}]", (end - first, *shape[1:])
            shape = shape if end - first > 1 else shape[1:]
        if found.shape != shape:
            text = self.reshaped(text, found.shape, array.varying)
        index = [*found.spans]
        while index and index[-1] == ":":
            index.pop()
        if index:
            text = f"{text}[{', '.join(index)}]"
        if len(found.split) != sum(":" in part for part in found.spans):  # loops that lie one in another
            text = self.reshaped(text, found.split, array.varying)
        return self.turned(text, array, found)

    def turned(self, text: str, array: Array, found: Slice) -> tuple[str, tuple[int, ...]]:
        """The axes of a slice in the order in which they were asked for."""
        if found.order != tuple(sorted(found.order)):
            back = [found.order.index(k) for k in range(len(found.order))] + [len(found.order)] * array.varying
            text = f"{text}.T" if back == [1, 0] else f"transpose({text}, {tuple(back)})"
        return text, tuple(found.split[found.order.index(k)] for k in range(len(found.order)))

    def reshaped(self, text: str, shape: Sequence[int], varying: bool) -> str:
        return f"{text}.reshape({', '.join(dims(shape, varying)) or '()'})"

    def flattened(self, array: Array, name: str) -> str:
        return name if len(array.shape) == 1 else self.reshaped(name, (array.size,), array.varying)

    def full(self, text: Expression, axes: str, lengths: Sequence[int]) -> Expression:
        """With all of these axes, of these lengths, that of the examples without one."""
        if text.axes == axes:
            return text
        return Expression(f"broadcast_to({text.aligned(axes).text}, {size(lengths, 'n' in axes)})", axes)


def dims(shape: Sequence[int], varying: bool) -> list[str]:
    """The lengths of axes in the program, that of the examples behind them."""
    return [*map(str, shape), *["N"] * varying]


def size(shape: Sequence[int], varying: bool) -> str:
    """A shape as a tuple in the program."""
    lengths = dims(shape, varying)
    return f"({', '.join(lengths)}{',' * (len(lengths) == 1)})"


def letters_of(array: Array) -> str:
    """Names for the axes of an array."""
    return AXES[: len(array.shape)] + "n" * array.varying


def is_whole(view: View) -> bool:
    """Whether a view shows all of its array, in order."""
    places = view.table.ravel()
    return view.array is not None and len(places) == view.array.size and bool((places == np.arange(len(places))).all())


def core_of(view: View, axes: str) -> tuple[View, str]:
    """The view without axes along which it is the same, and those that are left."""
    table = view.table if view.array else view.table.astype(float).view(np.int64)  # 0.0 and -0.0 are two constants
    same = [bool((table == np.take(table, [0], axis=k)).all()) for k in range(table.ndim)]
    kept = "".join(axis for axis, s in zip(axes, same, strict=True) if not s)
    return view[tuple(0 if s else slice(None) for s in same)], kept
