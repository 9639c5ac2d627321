"""Kernels of operations on uniform numbers."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from tinygrad_edu.engine.formulas import folds, for_numbers
from tinygrad_edu.replay.native.instructions import INT32, INT64, Number, ir
from tinygrad_edu.replay.native.kernels import FEW, ROWS, TABLE, Kernel, sums_in
from tinygrad_edu.replay.native.writer import NONE, WIDTH, kind


class Uniform(Kernel):
    """One operation for n items: vectors of items, or, of an operation over many, vectors of an item's operands."""

    def write(self) -> None:
        if self.row.many:
            with self.loop(self.n) as k:
                self.many(k, self.plus(self.out, k))
        elif self.spec.size == FEW:
            with self.loop(self.n) as k:
                self.items(k, 1)
        else:
            for k, width in self.chunks(self.n):
                self.items(k, width)

    def items(self, k: Any, width: int) -> None:
        """Items from k on, as many as a vector holds."""
        out, read = self.plus(self.out, k), partial(self.operand, k, NONE, width)
        if self.spec.backward:
            self.backward(k, NONE, width, self.load(self.gradients["u"], out, width), read)
        else:
            self.store(self.results, out, width, self.applied(map(read, self.kinds), width))

    def many(self, k: Any, out: Any) -> None:
        """Item k, an operation over many operands."""
        terms, widths = partial(self.chunks, self.w), (WIDTH, 1)

        def read(x: str, j: Any, width: int) -> Number:
            return self.operand(k, j, width, x)

        if not self.spec.backward:
            found, rest = folds(for_numbers(self.row.primal))
            first = self.load(self.values["u"], self.term(len(self.kinds), k), 1) if self.spec.start else None
            results = self.folded(found, terms, read, widths, first)
            self.store(self.results, out, 1, self.evaluated(rest, results.__getitem__, 1))
            return
        sums = self.folded(sums_in(self.row), terms, read, widths)
        for j, width in terms():

            def known(x: str, j: Any = j, width: int = width) -> Number:
                return self.spread(sums[x], width) if x in sums else self.operand(k, j, width, x)

            gradient = self.spread(self.load(self.gradients["u"], out, 1), width)
            self.backward(k, j, width, gradient, known)

    def backward(self, k: Any, j: Any, width: int, gradient: Number, read: Callable[[str], Number]) -> None:
        """Add to the gradients of operands."""
        # All before the first is stored: an operand may be there twice.
        parts = [(p, gradient * self.evaluated(text, read, width)) for p, text in self.active]
        for p, number in parts:
            slots = self.slots(p, k, j, width)
            if len(slots) > 1:
                for i, slot in enumerate(slots):
                    self.add(p, slot, 1, Number(self.builder, self.builder.extract_element(number.value, INT32(i))))
            else:
                self.add(p, slots[0], width, number)

    def operand(self, k: Any, j: Any, width: int, name: str) -> Number:
        """What a name in a formula stands for, from item k and its operand j on."""
        values = self.values["u"]
        if name == "out":
            out = self.plus(self.out, k)
            return self.spread(self.load(values, out, 1), width) if self.row.many else self.load(values, out, width)
        slots = self.slots(self.kinds[name], k, j, width)
        if len(slots) == 1:
            return self.load(values, slots[0], width)
        result: Any = ir.Constant(kind(width), ir.Undefined)
        for i, slot in enumerate(slots):
            result = self.builder.insert_element(result, self.load(values, slot, 1).value, INT32(i))
        return Number(self.builder, result)

    def slots(self, p: int, k: Any, j: Any, width: int) -> list[Any]:
        """Where a vector of operands lies: the first of them, which the others follow, or, by a table, each."""
        one_by_one = self.operands[p].order == (TABLE if self.row.many else ROWS)
        shifts = [INT64(i) for i in range(width if one_by_one else 1)]
        if self.row.many:
            return [self.term(p, k, self.plus(j, i)) for i in shifts]
        return [self.term(p, self.plus(k, i)) for i in shifts]
