"""Kernels of dot products of all rows of one operand with all rows of another: products of matrices.

They are done in tiles: some rows of both at once, whose sums stay in registers until they are complete.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from functools import partial
from typing import Any

from tinygrad_edu.replay.native.instructions import Number
from tinygrad_edu.replay.native.kernels import LANES, Kernel
from tinygrad_edu.replay.native.writer import NONE, WIDTH

TILE = 4  # rows, or half as many rows with as many columns; a power of two
Factor = Callable[[Any, Any, int], Number]  # of a row or a column, at a place, so many numbers from there on


class Product(Kernel):
    """Writes tiles."""

    def tile(
        self,
        rows: Sequence[Any],
        columns: Sequence[Any],
        places: Iterator[tuple[Any, int]],
        x: Factor,
        y: Factor,
        widths: Sequence[int] = (LANES,),
    ) -> Iterator[tuple[Any, Any, Number]]:
        """Each row and column with the sum of x(row) · y(column) over the places, as wide as the first width."""
        sums = {
            (r, c): {width: self.accumulator(width) for width in widths}
            for r in range(len(rows))
            for c in range(len(columns))
        }
        for place, width in places:
            ys = [y(column, place, width) for column in columns]
            for r, row in enumerate(rows):
                number = x(row, place, width)
                for c, other in enumerate(ys):
                    self.accumulate(sums[r, c][width], number * other)
        for (r, c), totals in sums.items():
            number, *vectors = [self.read(total) for total in totals.values()]
            yield rows[r], columns[c], number + self.sum(vectors[0]) if vectors else number

    def each(self, loop: AbstractContextManager[Any], width: int = LANES) -> Iterator[tuple[Any, int]]:
        """The places of a loop, where there are so many numbers at each."""
        with loop as place:
            yield place, width


class Layer(Product):
    """Rows of uniform weights, operand 0, each with all of the same varying inputs, operand 1."""

    def forward(self) -> None:
        for items in self.blocks(self.n, TILE):
            with self.each_vector() as lane:
                inputs = self.each(self.loop(self.w))
                for k, _, number in self.tile(items, [lane], inputs, self.weight, self.input):
                    self.put(self.result(k), lane, LANES, self.begun(number, k, lane))

    def backward(self) -> None:
        for p, _ in self.active:
            self.to_inputs() if p else self.to_weights()

    def to_inputs(self) -> None:
        """The gradients of inputs: sums over all items."""
        for columns in self.blocks(self.w, TILE):
            with self.each_vector() as lane:
                items = self.each(self.loop(self.n))
                sums = self.tile(columns, [lane], items, lambda j, k, width: self.weight(k, j, width), self.gradient)
                for j, _, number in sums:
                    self.add(1, self.term(1, NONE, j), lane, LANES, number)

    def to_weights(self) -> None:
        """The gradients of weights: sums over the examples."""
        for items in self.blocks(self.n, TILE // 2):
            for columns in self.blocks(self.w, TILE):
                sums = self.tile(
                    items,
                    columns,
                    self.each(self.each_vector()),
                    lambda k, lane, width: self.valid(self.gradient(lane, k, width), lane),
                    lambda j, lane, width: self.valid(self.input(lane, j, width), lane),
                )
                for k, j, number in sums:
                    self.add(0, self.term(0, k, j), NONE, 1, self.sum(number))

    def weight(self, k: Any, j: Any, width: int) -> Number:
        return self.operand(0, self.term(0, k, j), NONE, width)

    def input(self, lane: Any, j: Any, width: int) -> Number:
        return self.operand(1, self.term(1, NONE, j), lane, width)

    def gradient(self, lane: Any, k: Any, width: int) -> Number:
        return self.load(self.gradients["v"], self.at("v", self.result(k), lane), width)


class Grid(Product):
    """All rows of operand 0 with all rows of operand 1, uniform numbers."""

    def count(self, p: int) -> Any:
        """How many rows operand p has."""
        return self.word(self.begins[p])

    def forward(self) -> None:
        with self.loop(self.count(1)) as y:
            for xs in self.blocks(self.count(0), TILE):
                factors = partial(self.factor, 0), partial(self.factor, 1)
                for x, _, number in self.tile(xs, [y], self.chunks(self.w), *factors, (1, WIDTH)):
                    item = self.item(0, x, y)
                    self.put(self.result(item), NONE, 1, self.begun(number, item, NONE))

    def backward(self) -> None:
        for p, _ in self.active:
            self.to_rows(p)

    def to_rows(self, p: int) -> None:
        """The gradients of the rows of an operand: sums over the rows of the other."""
        for rows in self.blocks(self.count(p), TILE):
            for j, width in self.chunks(self.w):
                others = self.each(self.loop(self.count(1 - p)), width)
                sums = self.tile(
                    rows,
                    [j],
                    others,
                    lambda row, other, width: self.gradient(p, row, other),
                    lambda j, other, width: self.factor(1 - p, other, j, width),
                    [width],
                )
                for row, _, number in sums:
                    self.add(p, self.term(p, row, j), NONE, width, number)

    def factor(self, p: int, row: Any, j: Any, width: int) -> Number:
        return self.load(self.values["u"], self.term(p, row, j), width)

    def gradient(self, p: int, row: Any, other: Any) -> Number:
        return self.load(self.gradients["u"], self.result(self.item(p, row, other)), 1)

    def item(self, p: int, row: Any, other: Any) -> Any:
        """The number of the item that is made of a row of operand p and one of the other."""
        x, y = (other, row) if p else (row, other)
        return self.plus(self.times(y, self.count(0)), x)
