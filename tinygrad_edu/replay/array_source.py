"""A recovered program as source: what its steps compute, and on JAX, which differentiates by itself, all of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from tinygrad_edu.engine import Row
from tinygrad_edu.engine.languages import ATOM
from tinygrad_edu.replay.array_views import AXES, ArrayViews, letters_of
from tinygrad_edu.replay.arrays import np
from tinygrad_edu.replay.expressions import (
    TERMS,
    Expression,
    Parts,
    called,
    constant,
    contracted,
    counts,
    evaluated,
    union,
)
from tinygrad_edu.replay.recovery import Array, Recovery, Step, View


class Block(NamedTuple):
    """Lines that compute an array, or its gradient; what is returned, where there is none."""

    array: Array | None
    backward: bool
    lines: list[str]


class ArraySource(ArrayViews):
    """Writes one program, `text`, in which `constants` have names: what the roots of a plan are.

    Attributes:
        function: the name of what it defines.
        blocks: what stands in it.
        result: what it returns.
    """

    function = "forward"

    def __init__(self, plan: Recovery) -> None:
        super().__init__(plan)
        self.blocks: list[Block] = []
        self.parts = Parts()
        for step in plan.steps:
            made = getattr(self, step.kind)(step)
            self.lines.append(f"{self.names[step.out]} = {made.text}")
            self.parts.known[made.text] = self.names[step.out]
            self.end_block(step.out)
        self.result = self.results()
        self.end_block(None)
        forward, backward = (
            [line for block in self.blocks if block.backward is way for line in block.lines] for way in (False, True)
        )
        self.text = self.written([*forward, *(["# backward", *backward] if backward else [])])

    def written(self, lines: Sequence[str]) -> str:
        lines = [*lines, f"return {', '.join(self.result)}"]
        counted = ["N = X.shape[-1]"] * any(map(counts, lines))
        return "\n".join([f"def {self.function}(w, X):", *[f"    {line}".rstrip() for line in [*counted, *lines]], ""])

    def end_block(self, array: Array | None, backward: bool = False) -> None:
        self.blocks.append(Block(array, backward, self.lines))
        self.lines = []

    def results(self) -> list[str]:
        """The values of the roots, in one array."""
        roots = self.plan.roots
        return [self.full(self.expression(roots, "a"), "an", roots.table.shape).text + ","]

    def total(self, reduce: str | None) -> tuple[str, str]:
        """The root, summed over the examples, and what stands behind it and its gradient to reduce them."""
        root = self.plan.roots[0]
        value = self.expression(root, "")
        if root.varying and reduce:
            return f"{value.within(ATOM)}.sum()", " / N" if reduce == "mean" else ""
        text = repr(value.number) if value.number is not None else value.text  # a float, also where it is whole
        return text if reduce else self.full(value, "n", ()).text, " * N" if reduce == "sum" else ""

    def of_inputs(self, also: Sequence[int], name: str) -> str:
        """Those for some of the inputs, of numbers for all of them."""
        return self.shown(View(self.plan.inputs, np.array(also) - self.plan.params.size), name)

    # The expression that a step computes.

    def map(self, step: Step) -> Expression:
        row, operands = step.row, self.operands(step, full=bool(step.row and step.row.many))
        assert row
        made = self.over_many(row, operands) if row.many else called(row, operands)
        return self.full(made, letters_of(step.out), step.out.shape)

    def over_many(self, row: Row, operands: list[Expression]) -> Expression:
        self.parts.lines = self.lines
        return evaluated(row.primal, dict(zip(row.operands, operands, strict=True)), self.parts.named)

    def operands(self, step: Step, full: bool) -> list[Expression]:
        """Those of a map; `full`, with all the terms that are summed over."""
        axes = axes_of(step)
        found = [self.expression(view, axes) for view in step.views]
        if full:
            lengths = step.views[0].table.shape
            found = [self.full(x, axes + "n" * ("n" in x.axes), lengths) for x in found]
        return found

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
            term = summed(a, b, out, sizes_of(step, view, other))
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


class JaxSource(ArraySource):
    """Writes the value alone, of the pieces of the params; JAX differentiates it, by the partials of the table."""

    function = "program"

    def __init__(self, plan: Recovery, also: Sequence[int] = (), reduce: str | None = "mean") -> None:
        self.also, self.reduce = also, reduce
        self.pieces: dict[str, Any] = {}  # and where they lie
        super().__init__(plan)

    def named_view(self, view: View, text: str) -> str:
        if view.array is not self.plan.params:
            return super().named_view(view, text)
        self.pieces.setdefault(text, view.table.ravel())
        return f"W{[*self.pieces].index(text) + 1}"

    def over_many(self, row: Row, operands: list[Expression]) -> Expression:
        """A call of a function with a rule, which takes the axis of terms as the first."""
        turned = [terms_first(x) for x in operands]
        return Expression(called(row, turned), union(*turned).replace(TERMS, ""))

    def results(self) -> list[str]:
        value, over = self.total(self.reduce)
        self.end_block(None)
        wrt, both = ("(d_W, d_X)", ", (0, 1)") if self.also else ("d_W", "")
        summed = ["d_w = np.zeros_like(w)"]
        if self.pieces:
            at = np.concatenate([*self.pieces.values()])
            once = np.array_equal(np.sort(at), np.arange(self.plan.params.size))  # each param
            together = "concatenate([d.reshape(-1) for d in d_W])"
            summed = [
                f"places = [part.reshape(-1) for part in pieces(numpy.arange({self.plan.params.size}))]",
                "places = numpy.concatenate(places)",
                f"d_w = {together}[places.argsort()]" if once else f"{summed[0]}.at[places].add({together})",
            ]
        self.lines += [
            "def pieces(w):",
            f"    return [{', '.join(self.pieces)}]",
            "",
            "def forward(W, X):",
            f"    [{', '.join(f'W{k + 1}' for k in range(len(self.pieces)))}] = W",
            *[f"    {line}" for block in self.blocks for line in block.lines],
            f"    return {value}",
            "",
            f"value, {wrt} = jax.value_and_grad(forward{both})(pieces(w), X)",
            *summed,
        ]
        self.blocks.clear()
        return [f"value{over}", f"d_w{over}", *([self.of_inputs(self.also, "d_X")] if self.also else [])]


def axes_of(step: Step) -> str:
    """Names for the axes of the views of a map."""
    assert step.row
    return AXES[: len(step.out.shape)] + "t" * step.row.many


def terms_first(x: Expression) -> Expression:
    """With the axis of terms as the first, as functions of rows over many take it."""
    k = x.axes.index("t")
    order = k, *range(k), *range(k + 1, len(x.axes))
    text = x.text if k == 0 else f"transpose({x.text}, {order})"
    return Expression(text, TERMS + x.axes.replace("t", ""))


def sizes_of(step: Step, first: View, second: View) -> dict[str, Expression]:
    """How long the axes of a product are."""
    shapes = first.table.shape, second.table.shape, step.out.shape
    lengths = {
        axis: constant(n)
        for axes, shape in zip(step.axes, shapes, strict=True)
        for axis, n in zip(axes, shape, strict=True)
    }
    return lengths | ({"n": Expression("N")} if step.out.varying else {})


def summed(a: Expression, b: Expression, out: str, sizes: Mapping[str, Expression]) -> Expression:
    """a · b with the axes of `out`, summed over all others, also over those that neither has."""
    made = contracted(a, b, out, sizes)
    for axis, n in sizes.items():
        if axis not in out + a.axes + b.axes:
            made = made * n
    return made
