"""The gradients of the arrays of a recovered program, as text: terms for parts of an array, and their sum."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from math import prod
from typing import NamedTuple

from tinygrad_edu.engine.languages import ATOM
from tinygrad_edu.replay.array_views import AXES, ArrayViews, core_of, is_whole, letters_of, size
from tinygrad_edu.replay.arrays import np
from tinygrad_edu.replay.expressions import Expression, constant, counts, reduced
from tinygrad_edu.replay.recovery import Array, Recovery, View


class Term(NamedTuple):
    """A term of the gradient of places in an array, and names for the axes of these."""

    view: View
    axes: str
    text: Expression


class Strip(NamedTuple):
    """Where a term lies in an array: n rows of a width, a step from one to the next, from the first place on."""

    first: int
    n: int
    step: int
    width: int
    term: Expression
    shape: tuple[int, ...]


class ArrayGradients(ArrayViews):
    """Collects terms of gradients, and writes the lines that sum them up.

    Arguments:
        functional: whether arrays cannot be changed in place.
    """

    def __init__(self, plan: Recovery, functional: bool) -> None:
        super().__init__(plan)
        self.functional = functional
        self.terms: dict[Array, list[Term]] = defaultdict(list)
        self.parts = 0  # of expressions, that have a line of their own

    def add(self, view: View, axes: str, term: Expression, varying: bool = False, absent: str = "") -> None:
        """A term of the gradient of a view: summed along axes along which the view is the same, and over examples.

        Arguments:
            varying: whether each example has such a term.
            absent: axes that are summed over already.
        """
        if not view.active:
            return
        core, kept = core_of(view, axes)
        if varying and not view.varying and "n" not in term.axes:
            term = term * Expression("N")
        gone = "".join(axis for axis in axes if axis not in kept)
        for axis in gone:
            if axis not in term.axes and axis not in absent:
                term = term * constant(view.table.shape[axes.index(axis)])
        assert core.array
        term = reduced("sum", term, gone + "n" * (not view.varying))
        self.terms[core.array].append(Term(core, kept + "n" * view.varying, term))

    def part(self, expression: Expression) -> Expression:
        """A part of an expression, on a line of its own."""
        self.parts += 1
        self.lines.append(f"part{self.parts} = {expression}")
        return Expression(f"part{self.parts}", expression.axes)

    def gradient(self, array: Array) -> Expression:
        """The gradient of an array, the sum of the terms for its parts; the lines that compute it are written."""
        name, given = f"d_{self.names[array]}", array in (self.plan.params, self.plan.inputs)
        axes = letters_of(array)
        found = self.terms.pop(array, [])
        total = self.total(array, [term for term in found if is_whole(term.view)])
        parts = [term for term in found if not is_whole(term.view)]
        if total and not parts:
            total = total if total.number is not None else self.full(total, axes, array.shape)
            short = total.text.lstrip("-").isidentifier() or total.number is not None
            if (short or (not axes and counts(total.text))) and not given:
                return total
            if total.number is not None:
                total = Expression(f"full({size(array.shape, array.varying)}, {total.number!r})", axes)
            self.lines.append(f"{name} = {total.text}")
        elif self.functional and parts and not (total or array.varying) and (tiles := self.tiles(array, parts)):
            self.lines.append(f"{name} = {tiles}")
        elif self.functional:
            pieces = [self.onto(array, name, *part) for part in parts]
            texts = [*([self.full(total, axes, array.shape).text] if total else []), *pieces] or [
                f"zeros({size(array.shape, array.varying)})"
            ]
            self.lines += [f"{name} {'+=' if k else '='} {text}" for k, text in enumerate(texts)]
        else:
            self.lines += self.in_place(array, name, total, parts)
        return Expression(name, axes)

    def total(self, array: Array, terms: Sequence[Term]) -> Expression | None:
        """The sum of the terms for a whole array, equal ones counted."""
        axes = letters_of(array)
        counted = Counter[str]()
        held: dict[str, Expression] = {}
        for view, letters, term in terms:
            if term.number is None and view.table.shape not in ((), array.shape):
                term = self.full(term, letters, view.table.shape)
                term = Expression(self.reshaped(term, array.shape, array.varying), axes)
            elif term.number is None:
                own = {letter: axis for letter, axis in zip(letters + "n", AXES, strict=False)} | {"n": "n"}
                term = Expression(term.text, "".join(own[axis] for axis in term.axes), term.binds)
            counted[term.text] += 1
            held[term.text] = term
        total: Expression | None = None
        for text, n in counted.items():
            term = constant(n) * held[text]
            total = total + term if total else term
        return total

    def in_place(self, array: Array, name: str, total: Expression | None, parts: Sequence[Term]) -> list[str]:
        """The lines that fill an array: a place that nothing stands in yet is set, and another is added to."""
        written = np.full(array.size, total is not None)
        blank, lines = False, list[str]()  # whether it begins with zeros
        for view, letters, term in parts:
            places = view.table.ravel()
            text, shape = self.access(view, name)
            repeated = len({*places.tolist()}) < len(places)
            fresh = not repeated and not written[places].any()
            blank = blank or not (fresh or written[places].all())
            written[places] = True
            if repeated or shape != view.table.shape:
                term = self.full(term, letters, view.table.shape)
            right = term.aligned(letters).text
            if shape != view.table.shape:
                right = self.reshaped(term, shape, view.varying)
            if repeated:
                target, _, index = text.text.rpartition("[")
                lines.append(f"add_at({target}, {index[:-1]}, {right})")
            else:
                target = text.text if text.text.endswith("]") else f"{text.text}[...]"
                lines.append(f"{target} {'=' if fresh else '+='} {right}")
        if total and len(total.axes) == len(array.shape) + array.varying == 1 and total.binds < ATOM:  # new, and flat
            return [f"{name} = {total.text}", *lines]
        begin = f"{name} = {'zeros' if blank or not written.all() else 'empty'}({size(array.shape, array.varying)})"
        return [begin, *([f"{name}[...] = {total.aligned(letters_of(array))}"] if total else []), *lines]

    def tiles(self, array: Array, parts: Sequence[Term]) -> str:
        """The terms side by side and one below another, where they fill an array row by row; "" where they do not."""
        strips = list[Strip]()
        for view, letters, term in parts:
            table = view.table.reshape(len(view.table) if view.table.ndim else 1, -1)
            (n, width), first = table.shape, int(table[0, 0])
            step = int(table[1, 0]) - first if n > 1 else width
            if (table != first + step * np.arange(n)[:, None] + np.arange(width)).any():
                return ""
            shape = view.table.shape
            term = self.full(term, letters, shape) if shape else Expression(f"full(1, {term.text})")
            strips.append(Strip(first, n, step, width, term, shape or (1,)))
        strips.sort(key=lambda strip: strip.first)

        def shaped(text: Expression, shape: tuple[int, ...], wanted: tuple[int, ...]) -> Expression:
            return text if shape == wanted else Expression(self.reshaped(text, wanted, False))

        end, tiles = 0, list[tuple[Expression, tuple[int, ...]]]()  # with their shapes
        while strips:
            start, n, step = strips[0][:3]
            row = [strip for strip in strips if strip.first < start + step]
            for strip in row:
                if (strip.first, strip.n, strip.step) != (end, n, step):
                    return ""
                end += strip.width
            if end != start + step:
                return ""
            end, strips = start + n * step, strips[len(row) :]
            if len(row) == 1:
                tiles.append((row[0].term, row[0].shape))
            else:
                texts = [shaped(strip.term, strip.shape, (n, strip.width)).text for strip in row]
                tiles.append((Expression(f"concatenate([{', '.join(texts)}], 1)"), (n, step)))
        if len(tiles) > 1:
            texts = [shaped(*tile, (prod(tile[1]),)).text for tile in tiles]
            tiles = [(Expression(f"concatenate([{', '.join(texts)}])"), (end,))]
        return shaped(*tiles[0], array.shape).text if end == array.size else ""

    def onto(self, array: Array, name: str, view: View, letters: str, term: Expression) -> str:
        """Where arrays cannot be changed: an array of zeros with the term in these places."""
        text, shape = self.access(view, name)
        term = self.full(term, letters, view.table.shape)
        if shape != view.table.shape:
            term = Expression(self.reshaped(term, shape, view.varying))
        return f"onto(lambda {name}: {text.text}, {size(array.shape, array.varying)}, {term.text})"
