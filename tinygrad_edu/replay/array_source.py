"""A recovered program as source: the value and the gradient, forward and then backward, on NumPy's or JAX's arrays."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from tinygrad_edu.engine.formulas import folds
from tinygrad_edu.engine.languages import ATOM, PRODUCT, SUM
from tinygrad_edu.replay.array_gradients import ArrayGradients
from tinygrad_edu.replay.array_views import AXES, core_of, letters_of
from tinygrad_edu.replay.arrays import np
from tinygrad_edu.replay.expressions import Expression, called, constant, contracted, counts, evaluated
from tinygrad_edu.replay.recovery import Array, Recovery, Step, View
from tinygrad_edu.replay.rolling import Graph
from tinygrad_edu.replay.trace import Trace


class Block(NamedTuple):
    """Lines that compute an array, or its gradient; what is returned, where there is none."""

    array: Array | None
    backward: bool
    lines: list[str]


class ArraySource(ArrayGradients):
    """Writes one program: `text`, in which `constants` have names.

    Arguments:
        functional: whether arrays cannot be changed in place.
        gradient: whether to write the backward pass, or only the values of the roots.

    Attributes:
        function: the name of what it defines, "program" or "forward".
        blocks: what stands in it.
        result: what it returns.
    """

    def __init__(
        self,
        plan: Recovery,
        also: Sequence[int] = (),
        reduce: str | None = "mean",
        functional: bool = False,
        gradient: bool = True,
    ) -> None:
        super().__init__(plan, functional)
        self.blocks: list[Block] = []
        for step in plan.steps:
            made = getattr(self, step.kind)(step)
            self.lines.append(f"{self.names[step.out]} = {made.text}")
            self.end_block(step.out)
        self.result = self.results(also, reduce) if gradient else self.outputs()
        self.end_block(None)
        forward, backward = (
            [line for block in self.blocks if block.backward is way for line in block.lines] for way in (False, True)
        )
        lines = [*forward, *["# backward"] * gradient, *backward, f"return {', '.join(self.result)}"]
        counted = any(map(counts, lines))
        self.function = "program" if gradient else "forward"
        head = [f"def {self.function}(w, X):", *["N = X.shape[-1]"] * counted]
        self.text = "\n    ".join([*head, *lines]) + "\n"

    def end_block(self, array: Array | None, backward: bool = False) -> None:
        self.blocks.append(Block(array, backward, self.lines))
        self.lines = []

    def results(self, also: Sequence[int], reduce: str | None) -> list[str]:
        """Write the backward pass; what is returned."""
        plan, over = self.plan, ""
        root = plan.roots[0]
        value = self.expression(root, "")
        if root.varying and reduce:
            over = " / N" if reduce == "mean" else ""
            value = Expression(f"{value.within(ATOM)}.sum(){over}")
        elif reduce == "sum":
            value, over = value * Expression("N"), " * N"
        self.end_block(None)
        self.add(root, "", constant(1.0))
        for step in reversed(plan.steps):
            if self.terms[step.out]:
                d = self.gradient(step.out)
                letters = step.axes[2] + "n" * step.out.varying if step.kind == "dot" else letters_of(step.out)
                getattr(self, f"back_{step.kind}")(
                    step, d if d.number is not None else Expression(d.text, letters, d.binds)
                )
                self.end_block(step.out, backward=True)
        found = [value.text, self.gradient(plan.params).text + over]
        self.end_block(plan.params, backward=True)
        if also:
            view = View(plan.inputs, np.array(also) - plan.params.size)
            text, shape = self.access(view, self.gradient(plan.inputs).text)
            found.append(text.text if shape == view.table.shape else self.reshaped(text, view.table.shape, True))
            self.end_block(plan.inputs, backward=True)
        return found

    def outputs(self) -> list[str]:
        """The values of the roots."""
        roots = self.plan.roots
        return [self.full(self.expression(roots, "a"), "a" + "n" * roots.varying, roots.table.shape).text]

    # Forward: the expression that a step computes.

    def map(self, step: Step) -> Expression:
        assert step.row
        found = [self.expression(view, axes) for view, axes in zip(step.views, self.axes_of(step), strict=True)]
        axes = letters_of(step.out)
        if step.row.many:
            found = self.in_full(step, found)
            made = self.once(evaluated(step.row.primal, dict(zip(step.row.operands, found, strict=True))))
        else:
            made = called(step.row, found)
        return self.full(made, axes, step.out.shape)

    def in_full(self, step: Step, operands: list[Expression]) -> list[Expression]:
        """The operands of a row over many with all their terms, to be summed over."""
        return [
            self.full(x, axes + "n" * ("n" in x.axes), view.table.shape)
            for x, axes, view in zip(operands, self.axes_of(step), step.views, strict=True)
        ]

    def once(self, made: Expression) -> Expression:
        """An expression without what an earlier line computes, and with a line before it for what is in it twice."""
        earlier = [line for block in self.blocks for line in block.lines] + self.lines
        names = {text: name for name, _, text in (line.partition(" = ") for line in earlier) if name[:2] != "d_"}
        tree = Parts(names).visit(ast.parse(made.text, mode="eval").body)
        made = Expression(ast.unparse(tree), made.axes, made.binds)
        while True:
            parts = [ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.Call | ast.BinOp)]
            repeated = [part for part in parts if parts.count(part) > 1]
            if not repeated:
                return made
            part = max(repeated, key=lambda part: (parts.count(part), len(part), part))
            tree = Parts({part: self.part(Expression(part)).text}).visit(tree)
            made = Expression(ast.unparse(tree), made.axes, PRODUCT if made.binds == PRODUCT else SUM)

    def axes_of(self, step: Step) -> list[str]:
        """Names for the axes of each view of a map."""
        assert step.row
        return [AXES[: len(step.out.shape)] + "t" * step.row.many] * len(step.views)

    def join(self, step: Step) -> Expression:
        texts = []
        for view in step.views:
            text = self.expression(view, "a")
            texts.append(self.full(text, "a" + "n" * step.out.varying, view.table.shape).text)
        return Expression(f"concatenate([{', '.join(texts)}])", "a" + "n" * step.out.varying)

    def dot(self, step: Step) -> Expression:
        out = step.axes[2] + "n" * step.out.varying
        made: Expression | None = None
        for first, second in self.pairs(step):
            (a, view), (b, other) = first, second
            term = contracted(a, b, out, sizes_of(step, view, other)) * constant(self.repeats(a, b, view))
            made = made + term if made else term
        assert made
        if step.start:
            made = made + self.expression(step.start, step.axes[2])
        return self.full(made, out, step.out.shape)

    def pairs(self, step: Step) -> list[list[tuple[Expression, View]]]:
        """The factors of the products, two by two."""
        found = []
        for pair in zip(step.views[::2], step.views[1::2], strict=True):
            texts = [self.expression(view, axes) for view, axes in zip(pair, step.axes, strict=False)]
            if step.mask is not None:
                texts[1] = self.masked(step, texts[1])
            found.append([*zip(texts, pair, strict=True)])
        return found

    def masked(self, step: Step, x: Expression) -> Expression:
        mask = Expression(self.constant("m", step.mask), step.axes[1])
        axes = step.axes[1] + "n" * ("n" in x.axes)
        return Expression(f"where({mask.aligned(axes)}, {x.aligned(axes)}, 0)", axes)

    def repeats(self, a: Expression, b: Expression, view: View) -> int:
        """How many equal terms there are, if all of them are."""
        return 1 if "t" in a.axes + b.axes else int(view.table.shape[-1])

    # Backward: the terms of gradients that a step gives to its operands.

    def back_map(self, step: Step, d: Expression) -> None:
        assert step.row
        axes = self.axes_of(step)
        letters = letters_of(step.out)
        found = [self.expression(view, own) for view, own in zip(step.views, axes, strict=True)]
        if step.row.many and any(folds(partial)[0] for partial in step.row.partials):
            found = self.in_full(step, found)
        operands = dict(zip(step.row.operands, found, strict=True))
        operands["out"] = Expression(self.names[step.out], letters)
        for view, own, formula in zip(step.views, axes, step.row.partials, strict=True):
            if view.active:
                found_partial = evaluated(formula, operands)
                if step.row.many:
                    found_partial = self.once(found_partial)
                self.add(view, own, d * found_partial, varying=step.out.varying)

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
                own = (axes if masked else core_of(view, axes)[1]) + "n" * view.varying
                summed = "".join(axis for axis in d.axes + other.axes if axis not in own)
                term = contracted(d, other, kept_of(d, other, own), sizes)
                varies = varying and "n" not in summed
                if masked:
                    term = self.full(term, own, view.table.shape)
                    term = Expression(f"{term.within(ATOM)}[{self.constant('m', step.mask)}]", "a" + "n" * view.varying)
                    self.add(View(view.array, view.table[step.mask]), "a", term, varying=varies)
                else:
                    self.add(view, axes, term, varying=varies, absent=summed)


def with_gradient(trace: Trace, graph: Graph, also: Sequence[int], reduce: str | None, functional: bool) -> ArraySource:
    """The program of a trace and its gradient, from what of it is rolled up."""
    return ArraySource(Recovery(trace, graph, [*range(trace.n_params), *also]), also, reduce, functional)


class Parts(ast.NodeTransformer):
    """Puts names where parts of an expression stand."""

    def __init__(self, names: Mapping[str, str]) -> None:
        self.names = names

    def visit(self, node: ast.AST) -> Any:
        node = self.generic_visit(node)
        name = self.names.get(ast.unparse(node)) if isinstance(node, ast.Call | ast.BinOp) else None
        return ast.Name(name, ast.Load()) if name else node


def kept_of(d: Expression, other: Expression, axes: str) -> str:
    return "".join(axis for axis in axes if axis in d.axes + other.axes)


def sizes_of(step: Step, first: View, second: View) -> dict[str, int]:
    """How long the axes of a product are."""
    shapes = first.table.shape, second.table.shape, step.out.shape
    return {axis: n for axes, shape in zip(step.axes, shapes, strict=True) for axis, n in zip(axes, shape, strict=True)}
