"""Kernels of operations whose results vary: vectors of examples."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from tinygrad_edu.engine.formulas import folds, for_numbers
from tinygrad_edu.replay.native.instructions import Number
from tinygrad_edu.replay.native.kernels import LANES, Kernel, sums_in


class InLanes(Kernel):
    """One operation for n items, item by item."""

    def write(self) -> None:
        if not self.spec.backward:
            with self.loop(self.n) as k, self.each_vector() as lane:
                self.forward(k, lane)
        elif sums_in(self.row):
            with self.loop(self.n) as k, self.each_vector() as lane:
                self.backward_with_sums(k, lane)
        else:
            with self.loop(self.n) as k, self.loop(self.w) as j:
                self.backward(k, j)

    def forward(self, k: Any, lane: Any) -> None:
        """The result of item k in some lanes."""
        if self.row.many:
            found, rest = folds(for_numbers(self.row.primal))
            first = self.lane(len(self.kinds), self.term(len(self.kinds), k), lane) if self.spec.start else None
            results = self.folded(found, self.terms, partial(self.operand, k, lane), (LANES,), first)
            result = self.evaluated(rest, results.__getitem__, LANES)
        else:
            result = self.applied([self.lane(p, self.term(p, k), lane) for p in self.kinds.values()], LANES)
        self.store(self.results, self.result_at(k, lane), LANES, result)

    def backward(self, k: Any, j: Any) -> None:
        """Add to the gradients of operands j of item k; that of a uniform one is a sum over the examples."""
        sums = {p: self.accumulator(LANES) for p, _ in self.active if self.operands[p].area == "u"}
        with self.each_vector() as lane:
            # All before the first is stored: an operand may be there twice.
            parts = [
                (p, self.gradient(k, lane) * self.evaluated(text, lambda x: self.operand(k, lane, x, j), LANES))
                for p, text in self.active
            ]
            for p, number in parts:
                if p in sums:
                    self.accumulate(sums[p], self.valid(number, lane))
                else:
                    self.add(p, self.row_at(self.term(p, k, j), lane), LANES, number)
        for p, total in sums.items():
            self.add(p, self.term(p, k, j), 1, self.sum(self.read(total)))

    def backward_with_sums(self, k: Any, lane: Any) -> None:
        """Sums over all operands in a partial come first, in each of the lanes."""
        [(p, text)] = self.active
        sums = self.folded(sums_in(self.row), self.terms, partial(self.operand, k, lane), (LANES,))
        for j, _ in self.terms():
            numbers = sums | {x: self.operand(k, lane, x, j) for x in ("x_i", "out")}
            number = self.gradient(k, lane) * self.evaluated(text, numbers.__getitem__, LANES)
            slot = self.term(p, k, j)
            if self.operands[p].area == "v":
                self.add(p, self.row_at(slot, lane), LANES, number)
            else:
                self.add(p, slot, 1, self.sum(self.valid(number, lane)))

    def terms(self) -> Iterator[tuple[Any, int]]:
        with self.loop(self.w) as j:
            yield j, LANES

    def operand(self, k: Any, lane: Any, name: str, j: Any, width: int = LANES) -> Number:
        """What a name in a formula stands for: the result, or operand j of item k."""
        if name == "out":
            return self.load(self.values["v"], self.result_at(k, lane), width)
        return self.lane(self.kinds[name], self.term(self.kinds[name], k, j), lane)

    def gradient(self, k: Any, lane: Any) -> Number:
        return self.load(self.gradients["v"], self.result_at(k, lane), LANES)
