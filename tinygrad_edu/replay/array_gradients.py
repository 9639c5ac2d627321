"""The gradients of the arrays of a recovered program, as text: terms for parts of an array, and their sum."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import NamedTuple

from tinygrad_edu.engine.formulas import folds
from tinygrad_edu.engine.languages import ATOM
from tinygrad_edu.replay.array_source import ArraySource, axes_of, sizes_of, summed
from tinygrad_edu.replay.array_views import AXES, core_of, is_whole, letters_of, size
from tinygrad_edu.replay.arrays import np
from tinygrad_edu.replay.expressions import Expression, constant, counts, evaluated, reduced
from tinygrad_edu.replay.recovery import Array, Recovery, Step, View


class Term(NamedTuple):
    """A term of the gradient of places in an array, and names for the axes of these."""

    view: View
    axes: str
    text: Expression


class ArrayGradients(ArraySource):
    """Writes a program with its gradient: forward, and then backward, step by step."""

    function = "program"

    def __init__(self, plan: Recovery, also: Sequence[int] = (), reduce: str | None = "mean") -> None:
        self.also, self.reduce = also, reduce
        self.terms: dict[Array, list[Term]] = defaultdict(list)
        super().__init__(plan)

    def results(self) -> list[str]:
        """Write the backward pass; what is returned."""
        plan = self.plan
        value, over = self.total(self.reduce)
        self.end_block(None)
        self.add(plan.roots[0], "", constant(1.0))
        for step in reversed(plan.steps):
            if self.terms[step.out]:
                d = self.gradient(step.out)
                letters = step.axes[2] + "n" * step.out.varying if step.kind == "dot" else letters_of(step.out)
                getattr(self, f"back_{step.kind}")(
                    step, d if d.number is not None else Expression(d.text, letters, d.binds)
                )
                self.end_block(step.out, backward=True)
        found = [value + over, self.gradient(plan.params).text + over]
        self.end_block(plan.params, backward=True)
        if self.also:
            found.append(self.of_inputs(self.also, self.gradient(plan.inputs).text))
            self.end_block(plan.inputs, backward=True)
        return found

    # Backward: the terms of gradients that a step gives to its operands.

    def back_map(self, step: Step, d: Expression) -> None:
        row, letters = step.row, letters_of(step.out)
        assert row
        found = self.operands(step, full=row.many and any(folds(partial)[0] for partial in row.partials))
        operands = dict(zip(row.operands, found, strict=True)) | {"out": Expression(self.names[step.out], letters)}
        self.parts.lines = self.lines
        for view, partial in zip(step.views, row.partials, strict=True):
            if view.active:
                term = d * evaluated(partial, operands, self.parts.named if row.many else None)
                self.add(view, axes_of(step), term, varying=step.out.varying)

    def back_join(self, step: Step, d: Expression) -> None:
        start = 0
        for view in step.views:
            start += (size := view.table.size)
            part = d if d.number is not None else Expression(f"{d.text}[{start - size}:{start}]", d.axes)
            self.add(view, "a", part, varying=step.out.varying)

    def back_dot(self, step: Step, d: Expression) -> None:
        varying = step.out.varying
        if step.start:
            self.add(step.start, step.axes[2], d, varying=varying)
        for pair in self.pairs(step):
            sizes = sizes_of(step, pair[0][1], pair[1][1])
            for k, (view, axes) in enumerate(zip([view for _, view in pair], step.axes, strict=False)):
                if not view.active:
                    continue
                other, masked = pair[1 - k][0], k == 1 and step.mask is not None
                if not masked:
                    view, axes = core_of(view, axes)
                own = axes + "n" * view.varying
                term = summed(d, other, own, sizes)
                if masked:
                    term = self.full(term, own, view.table.shape)
                    term = Expression(f"{term.within(ATOM)}[{self.constant('m', step.mask)}]", "a" + "n" * view.varying)
                    view, axes = View(view.array, view.table[step.mask]), "a"
                self.add(view, axes, term)

    # The sum of them.

    def add(self, view: View, axes: str, term: Expression, varying: bool = False) -> None:
        """A term of the gradient of a view: summed along axes along which the view is the same, and over examples.

        Arguments:
            varying: whether each example has such a term.
        """
        if not view.active:
            return
        core, kept = core_of(view, axes)
        assert core.array
        for axis, n in zip(axes, view.table.shape, strict=True):
            if axis not in kept + term.axes:
                term = term * constant(n)
        if varying and not view.varying and "n" not in term.axes:
            term = term * Expression("N")
        gone = "".join(axis for axis in term.axes if axis not in kept + "n" * view.varying)
        self.terms[core.array].append(Term(core, kept + "n" * view.varying, reduced("sum", term, gone)))

    def gradient(self, array: Array) -> Expression:
        """The gradient of an array, the sum of the terms for its parts; the lines that compute it are written."""
        name, given = f"d_{self.names[array]}", array in (self.plan.params, self.plan.inputs)
        axes = letters_of(array)
        found = self.terms.pop(array, [])
        total = self.whole(array, [term for term in found if is_whole(term.view)])
        parts = [term for term in found if not is_whole(term.view)]
        if total and not parts:
            total = total if total.number is not None else self.full(total, axes, array.shape)
            short = total.text.lstrip("-").isidentifier() or total.number is not None
            if (short or (not axes and counts(total.text))) and not given:
                return total
            if total.number is not None:
                total = Expression(f"full({size(array.shape, array.varying)}, {total.number!r})", axes)
            self.lines.append(f"{name} = {total.text}")
        else:
            self.lines += self.in_place(array, name, total, parts)
        return Expression(name, axes)

    def whole(self, array: Array, terms: Sequence[Term]) -> Expression | None:
        """The sum of the terms for a whole array, equal ones counted."""
        axes = letters_of(array)
        counted = Counter[str]()
        held: dict[str, Expression] = {}
        for view, letters, term in terms:
            if term.number is None and view.table.shape not in ((), array.shape):
                term = self.full(term, letters, view.table.shape)
                term = Expression(self.reshaped(term.within(ATOM), array.shape, array.varying), axes)
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
                right = self.reshaped(term.within(ATOM), shape, view.varying)
            if repeated:
                target, _, index = text.rpartition("[")
                lines.append(f"add_at({target}, {index[:-1]}, {right})")
            else:
                target = text if text.endswith("]") else f"{text}[...]"
                lines.append(f"{target} {'=' if fresh else '+='} {right}")
        if total and len(total.axes) == len(array.shape) + array.varying == 1 and total.binds < ATOM:  # new, and flat
            return [f"{name} = {total.text}", *lines]
        begin = f"{name} = {'zeros' if blank or not written.all() else 'empty'}({size(array.shape, array.varying)})"
        return [begin, *([f"{name}[...] = {total.aligned(letters_of(array))}"] if total else []), *lines]
