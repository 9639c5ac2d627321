"""Kernels of operations over many operands: dot products, sums, log-sum-exp, and those that are registered."""

from __future__ import annotations

from functools import partial
from math import inf
from typing import Any

from tinygrad_edu.engine import Row
from tinygrad_edu.engine.formulas import folds, for_numbers
from tinygrad_edu.replay.native.instructions import INT32, INT64, Number, maximum
from tinygrad_edu.replay.native.kernels import ROWS, SHARED, WIDE, WIDTH, Kernel, Lookup, Slots
from tinygrad_edu.replay.native.writer import NONE

Folds = list[tuple[str, str, str]]  # name, function, term


def sums_in(row: Row) -> Folds:
    """The sums over all i in the partial of a row of one operand."""
    return folds(for_numbers(row.partials[0]))[0] if len(row.partials) == 1 else []


class Many(Kernel):
    """What kernels over many operands share: the operands of an item, and folding over them."""

    def term(self, p: int, k: Any, j: Any) -> Any:
        """The slot of operand j of kind p for item k."""
        if self.operands[p].order in (ROWS, SHARED):
            return self.builder.add(self.place(p, k), j)
        return self.word(self.builder.add(self.begins[p], self.builder.add(self.builder.mul(k, self.w), j)))

    def folder(self, function: str, width: int, first: Number | None = None) -> Any:
        neutral = 0.0 if function == "sum" else -inf
        return self.accumulator(width, neutral if first is None else first)

    def fold(self, function: str, folder: Any, number: Number) -> None:
        if function == "sum":
            self.accumulate(folder, number)
        else:
            self.builder.store(maximum(self.read(folder), number).value, folder)


class ManyUniform(Many):
    """An operation over many uniform operands, for n items: vectors of operands."""

    def write(self) -> None:
        if self.spec.backward:
            self.backward_of_start()
        with self.loop(self.n) as k:
            out = self.builder.add(self.out, k)
            self.backward(k, out) if self.spec.backward else self.forward(k, out)

    def terms(self, k: Any, j: Any, width: int) -> dict[str, Slots]:
        """The slots of the operands of item k, from j on."""
        return {x: self.slots(p, width, partial(self.term, p, k), j) for x, p in self.kinds.items()}

    def forward(self, k: Any, out: Any) -> None:
        values = self.values["u"]
        found, rest = folds(for_numbers(self.row.primal))
        first = self.load(values, self.place(0, k), 1) if self.spec.start else None
        results = self.folded(k, found, {}, first)
        self.store(values, out, 1, self.evaluated(rest, results, 1))

    def folded(
        self, k: Any, found: Folds, results: dict[str, Number], first: Number | None = None
    ) -> dict[str, Number]:
        """`results`, and beside them those of folds over all operands of item k."""
        for name, function, term in found:
            folders = {WIDTH: self.folder(function, WIDTH), 1: self.folder(function, 1, first)}
            for j, width in self.chunks(self.w):
                slots = self.terms(k, j, width).items()
                numbers = {x: self.gathered(self.values["u"], at, width) for x, at in slots}
                numbers |= {x: self.spread(number, width) for x, number in results.items()}
                self.fold(function, folders[width], self.evaluated(term, numbers, width))
            lanes, result = self.read(folders[WIDTH]), self.read(folders[1])
            if function == "sum":
                result = result + self.sum(lanes)
            else:
                for lane in range(WIDTH):
                    one = self.builder.extract_element(lanes.value, INT32(lane))
                    result = maximum(result, Number(self.builder, one))
            results = results | {name: result}
        return results

    def backward(self, k: Any, out: Any) -> None:
        gradient, result = self.load(self.gradients["u"], out, 1), self.load(self.values["u"], out, 1)
        known = self.folded(k, sums_in(self.row), {"out": result})
        for j, width in self.chunks(self.w):
            numbers, spread = self.names(k, j, width, known), self.spread(gradient, width)
            parts = [(p, self.contribution(text, spread, numbers, width)) for p, text in self.active()]
            places = dict(zip(self.kinds.values(), self.terms(k, j, width).values(), strict=True))
            for p, number in parts:
                self.scatter_add(p, places[p], width, number)

    def names(self, k: Any, j: Any, width: int, known: dict[str, Number]) -> Lookup:
        """What the names in the partials stand for, for some operands of item k."""
        slots, values = self.terms(k, j, width), self.values["u"]

        def read(name: str) -> Number:
            return self.spread(known[name], width) if name in known else self.gathered(values, slots[name], width)

        return Lookup(read)

    def backward_of_start(self) -> None:
        if self.spec.start and self.spec.start.active:
            with self.loop(self.n) as k:
                self.add(0, self.place(0, k), 1, self.load(self.gradients["u"], self.builder.add(self.out, k), 1))


class Grid(ManyUniform):
    """All pairs of rows, as in a product of matrices: each row's gradient is summed in registers."""

    def write(self) -> None:
        xs, ys = self.kinds.values()
        self.at: dict[int, Any] = {}
        self.counts = {p: self.word(self.begins[p]) for p in (xs, ys)}
        if self.spec.backward:
            self.backward_of_start()
            for p, text in self.active():
                self.to_rows(p, xs + ys - p, text)
            return
        with self.loop(self.counts[ys]) as y, self.loop(self.counts[xs]) as x:
            self.forward(*self.pair({xs: x, ys: y}))

    def pair(self, at: dict[int, Any]) -> tuple[Any, Any]:
        """The number of the item, and its slot, that is made of these rows."""
        self.at = at
        xs, ys = self.kinds.values()
        k = self.builder.add(self.builder.mul(at[ys], self.counts[xs]), at[xs])
        return k, self.builder.add(self.out, k)

    def place(self, p: int, k: Any) -> Any:
        if p not in self.at:
            return super().place(p, k)
        return self.word(self.builder.add(self.builder.add(self.begins[p], self.at[p]), INT64(1)))

    def term(self, p: int, k: Any, j: Any) -> Any:
        return self.builder.add(self.place(p, k), j)

    def to_rows(self, p: int, other: int, text: str) -> None:
        """The gradients of some rows of operand p at once: sums over the rows of the other."""
        for rows in self.blocks(self.counts[p], 4):
            for j, width in self.chunks(self.w):
                sums = [self.accumulator(width) for _ in rows]
                with self.loop(self.counts[other]) as column:
                    for row, total in zip(rows, sums, strict=True):
                        k, out = self.pair({p: row, other: column})
                        gradient = self.load(self.gradients["u"], out, 1)
                        numbers = self.names(k, j, width, {"out": self.load(self.values["u"], out, 1)})
                        self.accumulate(total, self.contribution(text, self.spread(gradient, width), numbers, width))
                for row, total in zip(rows, sums, strict=True):
                    self.at = {p: row}
                    self.add(p, self.term(p, NONE, j), width, self.read(total))
        self.at = {}


class ManyInLanes(Many):
    """An operation over many operands whose result varies: vectors of examples."""

    together = 1  # items that share what they read

    def write(self) -> None:
        if not self.spec.backward:
            for items in self.blocks(self.n, self.together):
                for lane, width in self.lane_chunks():
                    self.forward(items, lane, width)
            return
        if self.spec.start and self.spec.start.active:
            with self.loop(self.n) as k:
                self.backward_in_lanes({0: self.place(0, k)}, self.builder.add(self.out, k), [(0, "1")])
        self.backward_with_sums() if sums_in(self.row) else self.backward()

    def forward(self, items: list[Any], lane: Any, width: int) -> None:
        """Some items, in some lanes."""
        results: list[dict[str, Number]] = [{} for _ in items]
        found, rest = folds(for_numbers(self.row.primal))
        for name, function, term in found:
            firsts = [self.lane(0, self.place(0, k), lane, width) if self.spec.start else None for k in items]
            folders = [self.folder(function, width, first) for first in firsts]
            with self.loop(self.w) as j:
                shared: dict[str, Number] = {}
                for k, folder, result in zip(items, folders, results, strict=True):
                    numbers = dict(shared)
                    for x, p in self.kinds.items():
                        if x not in shared:
                            numbers[x] = self.lane(p, self.term(p, k, j), lane, width)
                            if self.operands[p].order == SHARED:
                                shared[x] = numbers[x]
                    self.fold(function, folder, self.evaluated(term, numbers | result, width))
            for folder, result in zip(folders, results, strict=True):
                result[name] = self.read(folder)
        for k, result in zip(items, results, strict=True):
            row = self.row_at(self.builder.add(self.out, k), lane)
            self.store(self.values["v"], row, width, self.evaluated(rest, result, width))

    def backward(self) -> None:
        with self.loop(self.n) as k, self.loop(self.w) as j:
            places = {p: self.term(p, k, j) for p in self.kinds.values()}
            self.backward_in_lanes(places, self.builder.add(self.out, k), [*self.active()])

    def backward_with_sums(self) -> None:
        """The sums in a partial are over all operands: they come first, in each of the lanes."""
        [(p, text)] = self.active()
        [x] = self.kinds
        for [k] in self.blocks(self.n, 1):
            out = self.builder.add(self.out, k)
            for lane, width in self.lane_chunks():
                row = self.row_at(out, lane)
                known = {"out": self.load(self.values["v"], row, width)}
                gradient = self.load(self.gradients["v"], row, width)
                for name, _, term in sums_in(self.row):
                    folder = self.accumulator(width)
                    with self.loop(self.w) as j:
                        numbers = known | {x: self.lane(p, self.term(p, k, j), lane, width)}
                        self.accumulate(folder, self.evaluated(term, numbers, width))
                    known = known | {name: self.read(folder)}
                with self.loop(self.w) as j:
                    place = self.term(p, k, j)
                    numbers = known | {x: self.lane(p, place, lane, width)}
                    number = self.contribution(text, gradient, numbers, width)
                    if self.operands[p].area == "v":
                        self.add(p, self.row_at(place, lane), width, number)
                    else:
                        number = number if width == WIDE else self.valid(number, lane)
                        self.add(p, place, 1, self.sum(number))


class Layer(ManyInLanes):
    """Rows of uniform weights, each with all of the same varying inputs: sums stay in registers until complete."""

    together = 2

    def backward(self) -> None:
        weights, inputs = self.kinds.values()
        for p, text in self.active():
            if p == inputs:
                for lane, width in self.lane_chunks():
                    for columns in self.blocks(self.w, 2):
                        self.to_inputs(p, text, columns, lane, width)
            if p == weights:
                for items in self.blocks(self.n, 2):
                    for columns in self.blocks(self.w, 4):
                        self.to_weights(p, text, items, columns)

    def read_at(self, name: str, k: Any, j: Any, lane: Any, width: int) -> Number:
        """What a name in the partials stands for, for result k and input j in some lanes."""
        if name == "out":
            return self.load(self.values["v"], self.row_at(self.builder.add(self.out, k), lane), width)
        p = self.kinds[name]
        return self.lane(p, self.term(p, k, j), lane, width)

    def gradient(self, k: Any, lane: Any, width: int) -> Number:
        return self.load(self.gradients["v"], self.row_at(self.builder.add(self.out, k), lane), width)

    def to_inputs(self, p: int, text: str, columns: list[Any], lane: Any, width: int) -> None:
        """The gradients of some inputs in some lanes: sums over all items."""
        sums = [self.accumulator(width) for _ in columns]
        with self.loop(self.n) as k:
            gradient = self.gradient(k, lane, width)
            for j, total in zip(columns, sums, strict=True):
                numbers = Lookup(partial(self.read_at, k=k, j=j, lane=lane, width=width))
                self.accumulate(total, self.contribution(text, gradient, numbers, width))
        for j, total in zip(columns, sums, strict=True):
            self.add(p, self.row_at(self.term(p, NONE, j), lane), width, self.read(total))

    def to_weights(self, p: int, text: str, items: list[Any], columns: list[Any]) -> None:
        """The gradients of some weights: sums over the examples."""
        sums = [[self.accumulator(WIDTH) for _ in columns] for _ in items]
        whole = self.builder.and_(self.lanes, INT64(-WIDTH))
        for start, stop in ((NONE, whole), (whole, self.lanes)):
            with self.loop(stop, start=start, step=INT64(WIDTH)) as lane:
                shared = [Lookup(partial(self.read_at, k=NONE, j=j, lane=lane, width=WIDTH)) for j in columns]
                for k, totals in zip(items, sums, strict=True):
                    gradient = self.gradient(k, lane, WIDTH)
                    for j, inputs, total in zip(columns, shared, totals, strict=True):

                        def read(
                            name: str, k: Any = k, j: Any = j, inputs: Lookup = inputs, lane: Any = lane
                        ) -> Number:
                            shares = name != "out" and self.operands[self.kinds[name]].order == SHARED
                            return inputs[name] if shares else self.read_at(name, k, j, lane, WIDTH)

                        number = self.contribution(text, gradient, Lookup(read), WIDTH)
                        self.accumulate(total, number if start is NONE else self.valid(number, lane))
        for k, totals in zip(items, sums, strict=True):
            for j, total in zip(columns, totals, strict=True):
                self.add(p, self.term(p, k, j), 1, self.sum(self.read(total)))
