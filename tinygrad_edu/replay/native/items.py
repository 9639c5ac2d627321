"""Kernels of an operation item by item: in vectors of examples, or of items, or of the operands of an item."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from math import inf
from typing import Any, NamedTuple

from tinygrad_edu.engine.formulas import folds, for_numbers
from tinygrad_edu.replay.native.instructions import Number, on_native
from tinygrad_edu.replay.native.kernels import LANES, ROWS, TABLE, Kernel
from tinygrad_edu.replay.native.writer import NONE, WIDTH, joined


class Point(NamedTuple):
    """Where a kernel is: at an item, an operand of it, a lane; and how many numbers from there on are in a vector."""

    item: Any
    operand: Any = NONE
    lane: Any = NONE
    width: int = 1


class Items(Kernel):
    """One operation for n items."""

    def forward(self) -> None:
        for item in self.items():
            for at in self.lanes_of(item):
                self.put(self.result(at.item), at.lane, at.width, self.computed(at))

    def computed(self, at: Point) -> Number:
        """The result."""
        if not self.row.many:
            operands = [self.named({}, at, name) for name in self.kinds]
            return self.number(on_native(self.row)(*operands), at.width)
        found, rest = folds(for_numbers(self.row.primal))
        return self.begun(self.evaluated(rest, self.folded(found, at).__getitem__, at.width), at.item, at.lane)

    def backward(self) -> None:
        found = folds(for_numbers(self.row.partials[0]))[0]
        for item in self.items():
            if self.varying and not found:
                for at in self.terms(item):
                    self.over_examples(at)
                continue
            for place in self.lanes_of(item):
                sums = self.folded(found, place)  # over all operands, before the part of each
                for at in self.terms(place):
                    for p, number in self.parts(sums, at):
                        self.add(p, self.term(p, at.item, at.operand), at.lane, at.width, number)

    def over_examples(self, operand: Point) -> None:
        """Add to the gradients of operands; that of a uniform one is a sum over the examples."""
        sums = {p: self.accumulator(LANES) for p, _ in self.active if self.operands[p].area == "u"}
        for at in self.lanes_of(operand):
            for p, number in self.parts({}, at):
                if p in sums:
                    self.accumulate(sums[p], self.valid(number, at.lane))
                else:
                    self.add(p, self.term(p, at.item, at.operand), at.lane, LANES, number)
        for p, total in sums.items():
            self.add(p, self.term(p, operand.item, operand.operand), NONE, 1, self.sum(self.read(total)))

    def parts(self, sums: dict[str, Number], at: Point) -> list[tuple[int, Number]]:
        """What to add to gradients: all before the first is stored, as an operand may be there twice."""
        gradient, read = self.of_result(self.gradients, at), partial(self.named, sums, at)
        return [(p, gradient * self.evaluated(text, read, at.width)) for p, text in self.active]

    def folded(self, found: list[tuple[str, str, str]], at: Point) -> dict[str, Number]:
        """The results of folds over the operands of an item."""
        results: dict[str, Number] = {}
        for name, function, text in found:
            totals = {width: self.accumulator(width, 0.0 if function == "sum" else -inf) for width in self.widths}
            for term in self.terms(at):
                number = self.evaluated(text, partial(self.named, results, term), term.width)
                self.accumulate(totals[term.width], number, function)
            number, *vectors = [self.read(total) for total in totals.values()]
            for vector in vectors:
                number = joined(function, number, self.sum(vector, function))
            results[name] = number
        return results

    # Points.

    @property
    def widths(self) -> list[int]:
        """Of vectors of an item's operands, the first as wide as the result."""
        return [LANES] if self.varying else [1] if TABLE in [order for _, order, *_ in self.operands] else [1, WIDTH]

    def items(self) -> Iterator[Point]:
        """Each item, or vectors of them."""
        if self.varying or self.row.many or any(operand.order == ROWS for operand in self.operands):
            with self.loop(self.n) as k:
                yield Point(k)
        else:
            for k, width in self.chunks(self.n):
                yield Point(k, width=width)

    def lanes_of(self, at: Point) -> Iterator[Point]:
        """Where the results vary, all lanes in vectors."""
        if self.varying:
            with self.each_vector() as lane:
                yield at._replace(lane=lane, width=LANES)
        else:
            yield at

    def terms(self, at: Point) -> Iterator[Point]:
        """The operands of an item, each by itself or in vectors."""
        if self.row.many and len(self.widths) > 1:
            for j, width in self.chunks(self.w):
                yield at._replace(operand=j, width=width)
        elif self.row.many:
            with self.loop(self.w) as j:
                yield at._replace(operand=j)
        else:
            yield at

    # Numbers.

    def named(self, sums: dict[str, Number], at: Point, name: str) -> Number:
        """What a name in a formula stands for: a sum, the result, or an operand."""
        if name in sums:
            return sums[name]
        if name == "out":
            return self.of_result(self.values, at)
        p = self.kinds[name]
        return self.operand(p, self.term(p, at.item, at.operand), at.lane, at.width)

    def of_result(self, areas: dict[str, Any], at: Point) -> Number:
        """The number of the result in one of the areas: one for an item with vectors of operands."""
        width = 1 if self.row.many and not self.varying else at.width
        place = self.at(self.area, self.result(at.item), at.lane)
        return self.load(areas[self.area], place, width)
