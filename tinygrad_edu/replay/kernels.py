"""Kernels: one small function of machine code for each operation of the table and each way its operands lie in memory.

A kernel does its operation for n items, or the backward step of it. It reads where they are from the code:

    n, w                   how many items, and how many operands an item has of each kind (operations over many)
    out                    the slot of the first result; the others follow
    for each operand       ONE: the slot that all items share · RUN: the first of n slots · TABLE: n slots, or n × w
                           ROWS: n slots, each the first of w · SHARED: the first of w slots that all items share

A slot is in the area "u", uniform: one number, the same for all examples; or in "v", varying: a row with a number for
each example of a block (a lane).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache, partial
from math import inf
from typing import Any, NamedTuple

from tinygrad_edu.engine import Row
from tinygrad_edu.engine.registry import compile_formula, rows_in
from tinygrad_edu.engine.source import folds, for_numbers
from tinygrad_edu.replay.instructions import (
    CODE,
    DOUBLE,
    INT32,
    INT64,
    POINTER,
    Number,
    ir,
    maximum,
    on_native,
)

ONE, RUN, TABLE, ROWS, SHARED = "one", "run", "table", "rows", "shared"
WIDTH = 8  # doubles a vector; rows of lanes are a multiple of it
WIDE = 2 * WIDTH
HEAD = 3  # words before an instruction's own: the address of its kernel in two, and its length
NONE, ONE_MORE = INT64(0), INT64(1)
KERNEL = ir.FunctionType(ir.VoidType(), [POINTER, POINTER, INT64.as_pointer(), CODE])
VALUES, GRADIENTS, LANES, STRIDE = range(4)  # what a kernel gets beside the uniform numbers: the varying ones


class Operand(NamedTuple):
    """Where an operand lies: area, order, whether its gradient is wanted, and whether this is the first part of it."""

    area: str
    order: str
    active: bool = False
    fresh: bool = False


ZERO = Row("zero", "0", "x", "0")  # not an operation: it clears gradients


class Spec(NamedTuple):
    """What kernel: the operation, the area of the result, the operands; `start` is what a sum starts from."""

    row: Row
    backward: bool
    area: str
    operands: tuple[Operand, ...]
    start: Operand | None = None
    single: bool = False


@cache
def formula(text: str, names: tuple[str, ...]) -> Callable[..., Any]:
    return compile_formula(names, text, rows_in([text], on_native))


class Slots(NamedTuple):
    """The uniform slots of one vector: ONE for all, a RUN from the first, or a TABLE of them."""

    order: str
    places: list[Any]


class Writer:
    """Writes one function into a module."""

    def __init__(self, module: Any, signature: Any, name: str) -> None:
        self.function = ir.Function(module, signature, name)
        self.builder = ir.IRBuilder(self.function.append_basic_block())

    @contextmanager
    def loop(self, stop: Any, start: Any = NONE, step: Any = ONE_MORE) -> Iterator[Any]:
        """Code that is repeated for start, start + step, … below stop."""
        builder, before = self.builder, self.builder.block
        head, body, after = (self.function.append_basic_block() for _ in range(3))
        builder.branch(head)
        builder.position_at_end(head)
        index = builder.phi(INT64)
        index.add_incoming(start, before)
        builder.cbranch(builder.icmp_signed("<", index, stop), body, after)
        builder.position_at_end(body)
        yield index
        index.add_incoming(builder.add(index, step), builder.block)
        builder.branch(head)
        builder.position_at_end(after)


class Kernel(Writer):
    """Writes one kernel into a module."""

    def __init__(self, module: Any, spec: Spec, name: str) -> None:
        super().__init__(module, KERNEL, name)
        self.spec, self.row = spec, spec.row
        uniform, uniform_gradients, context, self.code = self.function.args
        varying, varying_gradients, self.lanes, self.stride = (
            self.builder.load(self.builder.gep(context, [INT64(k)])) for k in range(4)
        )
        self.values = {"u": uniform, "v": self.builder.inttoptr(varying, POINTER)}
        self.gradients = {"u": uniform_gradients, "v": self.builder.inttoptr(varying_gradients, POINTER)}
        self.n, self.w, self.out = (self.word(INT64(k)) for k in range(3))
        self.start = [spec.start] if spec.start else []
        self.operands = [*self.start, *spec.operands]
        self.begins: list[Any] = [INT64(3)]  # where in the code each operand's places begin
        for p, operand in enumerate(self.operands):
            length = INT64(1) if operand.order in (ONE, RUN, SHARED) else self.n
            if operand.order == TABLE and self.row.many and p >= len(self.start):
                length = self.builder.mul(self.n, self.w)
            self.begins.append(self.builder.add(self.begins[-1], length))
        if spec.row is ZERO:
            self.clear()
        elif spec.single:
            self.item(INT64(0), 1)
        elif self.row.many and spec.area == "v":
            layer = is_layer(spec.operands)
            if spec.backward:
                self.many_backward_in_lanes(layer)
            else:
                for items in self.blocks(self.n, 2 if layer else 1):
                    for lane, width in self.lane_chunks():
                        self.many_forward_in_lanes(items, lane, width)
        elif self.row.many:
            with self.loop(self.n) as k:
                out = self.builder.add(self.out, k)
                self.many_backward(k, out) if spec.backward else self.many_forward(k, out)
        elif spec.area == "u":
            for k, width in self.chunks(self.n):
                self.item(k, width)
        else:
            with self.loop(self.n) as k:
                self.item_in_lanes(k)
        self.builder.ret_void()

    # Reading the code.

    def word(self, place: Any) -> Any:
        return self.builder.sext(self.builder.load(self.builder.gep(self.code, [place])), INT64)

    def place(self, p: int, k: Any) -> Any:
        """The slot of operand p for item k."""
        order = self.operands[p].order
        if order in (ONE, SHARED):
            return self.word(self.begins[p])
        if order == RUN:
            return self.builder.add(self.word(self.begins[p]), k)
        return self.word(self.builder.add(self.begins[p], k))

    def term(self, p: int, k: Any, j: Any) -> Any:
        """The slot of operand j of kind p for item k, of an operation over many."""
        if self.operands[p].order in (ROWS, SHARED):
            return self.builder.add(self.place(p, k), j)
        return self.word(self.builder.add(self.begins[p], self.builder.add(self.builder.mul(k, self.w), j)))

    def slots(self, p: int, width: int, place: Callable[[Any], Any], first: Any) -> Slots:
        """The uniform slots of a vector of items, or of operands of one item, from the first on."""
        order = self.operands[p].order
        if order in (ONE, RUN, ROWS, SHARED):
            return Slots(ONE if order == ONE else RUN, [place(first)])
        return Slots(TABLE, [place(self.builder.add(first, INT64(i))) for i in range(width)])

    # Loops.

    def chunks(self, stop: Any) -> Iterator[tuple[Any, int]]:
        """The range below stop in vectors, and what is left one by one."""
        whole = self.builder.and_(stop, INT64(-WIDTH))
        with self.loop(whole, step=INT64(WIDTH)) as k:
            yield k, WIDTH
        with self.loop(stop, start=whole) as k:
            yield k, 1

    def blocks(self, stop: Any, size: int) -> Iterator[list[Any]]:
        """The range below stop, so many at a time, and what is left one by one."""
        whole = self.builder.and_(stop, INT64(-size))
        with self.loop(whole, step=INT64(size)) as k:
            yield [self.builder.add(k, INT64(i)) for i in range(size)]
        if size > 1:
            with self.loop(stop, start=whole) as k:
                yield [k]

    # Memory.

    def vector(self, area: Any, place: Any, width: int) -> Any:
        pointer = self.builder.gep(area, [place])
        return pointer if width == 1 else self.builder.bitcast(pointer, kind(width).as_pointer())

    def load(self, area: Any, place: Any, width: int) -> Number:
        value = self.builder.load(self.vector(area, place, width))
        value.align = 8
        return Number(self.builder, value)

    def store(self, area: Any, place: Any, width: int, number: Number) -> None:
        self.builder.store(number.value, self.vector(area, place, width)).align = 8

    def add(self, p: int, place: Any, width: int, number: Number) -> None:
        """Add to a gradient of operand p."""
        area = self.gradients[self.operands[p].area]
        if not self.operands[p].fresh:
            number = self.load(area, place, width) + number
        self.store(area, place, width, number)

    def spread(self, number: Number, width: int) -> Number:
        """One number in every lane."""
        return number if width == 1 else Number(self.builder, spread(self.builder, number.value, width))

    def gathered(self, area: Any, slots: Slots, width: int) -> Number:
        if slots.order == RUN:
            return self.load(area, slots.places[0], width)
        if slots.order == ONE or width == 1:
            return self.spread(self.load(area, slots.places[0], 1), width)
        result: Any = ir.Constant(kind(width), ir.Undefined)
        for i, place in enumerate(slots.places):
            result = self.builder.insert_element(result, self.load(area, place, 1).value, INT32(i))
        return Number(self.builder, result)

    def scatter_add(self, p: int, slots: Slots, width: int, number: Number) -> None:
        if slots.order == RUN:
            self.add(p, slots.places[0], width, number)
        elif slots.order == ONE or width == 1:
            self.add(p, slots.places[0], 1, self.sum(number))
        else:
            for i, place in enumerate(slots.places):
                self.add(p, place, 1, Number(self.builder, self.builder.extract_element(number.value, INT32(i))))

    def sum(self, number: Number) -> Number:
        """The sum over the lanes of a vector."""
        if number.value.type == DOUBLE:
            return number
        name = f"llvm.vector.reduce.fadd.v{number.value.type.count}f64"
        function = self.builder.module.globals.get(name)
        if function is None:
            function = ir.Function(self.builder.module, ir.FunctionType(DOUBLE, [DOUBLE, number.value.type]), name)
        call = self.builder.call(function, [ir.Constant(DOUBLE, -0.0), number.value], fastmath=("reassoc",))
        return Number(self.builder, call)

    def valid(self, number: Number, lane: Any) -> Number:
        """The number where there is an example, 0 in the lanes that fill up the last vector."""
        left = spread(self.builder, self.builder.sub(self.lanes, lane), WIDTH)
        numbers = ir.Constant(ir.VectorType(INT64, WIDTH), list(range(WIDTH)))
        inside = self.builder.icmp_signed("<", numbers, left)
        return number.where(inside, 0.0)

    def clear(self) -> None:
        """Make the gradients of n results 0."""
        with self.loop(self.n) as k:
            place = self.builder.add(self.out, k)
            if self.spec.area == "u":
                self.store(self.gradients["u"], place, 1, Number(self.builder, DOUBLE(0.0)))
            else:
                with self.loop(self.lanes, step=INT64(WIDTH)) as lane:
                    zeros = Number(self.builder, constant(0.0, WIDTH))
                    self.store(self.gradients["v"], self.row_at(place, lane), WIDTH, zeros)

    # Arithmetic.

    def evaluated(self, text: str, names: dict[str, Number], width: int) -> Number:
        return self.result(formula(text, tuple(names))(*names.values()), width)

    def called(self, operands: Sequence[Number], width: int) -> Number:
        """The operation itself."""
        return self.result(on_native(self.row)(*operands), width)

    def result(self, result: Any, width: int) -> Number:
        if isinstance(result, Number):
            return result
        return Number(self.builder, constant(result, width))  # of a formula without operands, such as "1"

    def contributions(self, gradient: Number, names: dict[str, Number], width: int) -> Iterator[tuple[int, Number]]:
        """For each operand whose gradient is wanted, what is added to it."""
        for p, (operand, text) in enumerate(zip(self.spec.operands, self.row.partials, strict=True)):
            if operand.active and text != "0":
                if text == "1":
                    yield p + len(self.start), gradient
                else:
                    yield p + len(self.start), gradient * self.evaluated(text, names, width)

    # Operations of one or two operands.

    def item(self, k: Any, width: int) -> None:
        """Uniform items from k on, as many as a vector holds."""
        slots = [self.slots(p, width, partial(self.place, p), k) for p in range(len(self.operands))]
        out = self.builder.add(self.out, k)
        names = {x: self.gathered(self.values["u"], at, width) for x, at in zip(self.row.operands, slots, strict=True)}
        if not self.spec.backward:
            self.store(self.values["u"], out, width, self.called([*names.values()], width))
            return
        names["out"] = self.load(self.values["u"], out, width)
        gradient = self.load(self.gradients["u"], out, width)
        for p, number in [*self.contributions(gradient, names, width)]:
            self.scatter_add(p, slots[p], width, number)

    def item_in_lanes(self, k: Any) -> None:
        """Item k for all examples."""
        places = [self.place(p, k) for p in range(len(self.operands))]
        out = self.builder.add(self.out, k)
        if self.spec.backward:
            self.backward_in_lanes(places, out, self.contributions)
            return
        fixed = self.uniform(places)
        for lane, width in self.lane_chunks(wide=True):
            operands = [self.lane(p, place, lane, width, fixed) for p, place in enumerate(places)]
            self.store(self.values["v"], self.row_at(out, lane), width, self.called(operands, width))

    # Operations over many operands.

    def terms(self, k: Any, j: Any, width: int) -> dict[int, Slots]:
        """The uniform slots of the operands from j on."""
        kinds = range(len(self.start), len(self.operands))
        return {p: self.slots(p, width, partial(self.term, p, k), j) for p in kinds}

    def named_terms(self, k: Any, j: Any, width: int) -> dict[str, Number]:
        slots = self.terms(k, j, width)
        return {
            x: self.gathered(self.values["u"], at, width)
            for x, at in zip(self.row.operands, slots.values(), strict=True)
        }

    def many_forward(self, k: Any, out: Any) -> None:
        names: dict[str, Number] = {}
        found, rest = folds(for_numbers(self.row.primal))
        for name, function, term in found:
            first = self.load(self.values["u"], self.place(0, k), 1) if self.start else None
            accumulators = {WIDTH: self.accumulator(function, WIDTH), 1: self.accumulator(function, 1, first)}
            for j, width in self.chunks(self.w):
                terms = self.named_terms(k, j, width)
                spread = {fold: self.spread(number, width) for fold, number in names.items()}
                value = self.evaluated(term, terms | spread, width)
                self.accumulate(accumulators[width], function, value)
            lanes = self.read(accumulators[WIDTH])
            alone = self.read(accumulators[1])
            if function == "sum":
                names[name] = alone + self.sum(lanes)
            else:
                for lane in range(WIDTH):
                    one = self.builder.extract_element(lanes.value, INT32(lane))
                    alone = maximum(alone, Number(self.builder, one))
                names[name] = alone
        self.store(self.values["u"], out, 1, self.evaluated(rest, names, 1))

    def many_backward(self, k: Any, out: Any) -> None:
        gradient = self.load(self.gradients["u"], out, 1)
        result = self.load(self.values["u"], out, 1)
        if self.start and self.start[0].active:
            self.add(0, self.place(0, k), 1, gradient)
        for j, width in self.chunks(self.w):
            names = self.named_terms(k, j, width) | {"out": self.spread(result, width)}
            slots = self.terms(k, j, width)
            for p, number in [*self.contributions(self.spread(gradient, width), names, width)]:
                self.scatter_add(p, slots[p], width, number)

    def many_forward_in_lanes(self, items: list[Any], lane: Any, width: int) -> None:
        """Some items, in some lanes; what they share is read once."""
        names: list[dict[str, Number]] = [{} for _ in items]
        found, rest = folds(for_numbers(self.row.primal))
        for name, function, term in found:
            firsts = [self.lane(0, self.place(0, k), lane, width) if self.start else None for k in items]
            accumulators = [self.accumulator(function, width, first) for first in firsts]
            with self.loop(self.w) as j:
                shared: dict[int, Number] = {}
                for k, accumulator, folded in zip(items, accumulators, names, strict=True):
                    terms = {
                        x: self.shared_lane(p, k, j, lane, width, shared)
                        for p, x in enumerate(self.row.operands, start=len(self.start))
                    }
                    self.accumulate(accumulator, function, self.evaluated(term, terms | folded, width))
            for accumulator, folded in zip(accumulators, names, strict=True):
                folded[name] = self.read(accumulator)
        for k, folded in zip(items, names, strict=True):
            row = self.row_at(self.builder.add(self.out, k), lane)
            self.store(self.values["v"], row, width, self.evaluated(rest, folded, width))

    def shared_lane(self, p: int, k: Any, j: Any, lane: Any, width: int, shared: dict[int, Number]) -> Number:
        """Operand j of kind p of item k in some lanes, read once where all items share it."""
        if self.operands[p].order != SHARED:
            return self.lane(p, self.term(p, k, j), lane, width)
        if p not in shared:
            shared[p] = self.lane(p, self.term(p, k, j), lane, width)
        return shared[p]

    def many_backward_in_lanes(self, layer: bool) -> None:
        if self.start and self.start[0].active:
            with self.loop(self.n) as k:
                out = self.builder.add(self.out, k)
                self.backward_in_lanes([self.place(0, k)], out, lambda gradient, names, width: [(0, gradient)])
        weights, inputs = len(self.start), len(self.start) + 1
        if not layer:
            with self.loop(self.n) as k, self.loop(self.w) as j:
                places = [self.place(0, k) for _ in self.start]
                places += [self.term(p, k, j) for p in range(len(self.start), len(self.operands))]
                self.backward_in_lanes(places, self.builder.add(self.out, k), self.contributions)
            return
        if self.operands[inputs].active:
            for lane, width in self.lane_chunks():
                for columns in self.blocks(self.w, 2):
                    self.to_inputs(inputs, columns, lane, width)
        if self.operands[weights].active:
            for items in self.blocks(self.n, 2):
                for columns in self.blocks(self.w, 4):
                    self.to_weights(weights, items, columns)

    def layer_terms(self, k: Any, j: Any, lane: Any, width: int) -> dict[str, Number]:
        """What the partials of a layer are made of: weight, input, result."""
        names = {
            x: self.lane(p, self.term(p, k, j), lane, width)
            for p, x in enumerate(self.row.operands, start=len(self.start))
        }
        return names | {"out": self.load(self.values["v"], self.row_at(self.builder.add(self.out, k), lane), width)}

    def layer_gradient(self, k: Any, lane: Any, width: int) -> Number:
        return self.load(self.gradients["v"], self.row_at(self.builder.add(self.out, k), lane), width)

    def to_inputs(self, p: int, columns: list[Any], lane: Any, width: int) -> None:
        """The gradients of some inputs in some lanes: a sum over all items, written once."""
        accumulators = [self.accumulator("sum", width) for _ in columns]
        with self.loop(self.n) as k:
            gradient = self.layer_gradient(k, lane, width)
            for j, accumulator in zip(columns, accumulators, strict=True):
                found = dict(self.contributions(gradient, self.layer_terms(k, j, lane, width), width))
                self.accumulate(accumulator, "sum", found[p])
        for j, accumulator in zip(columns, accumulators, strict=True):
            place = self.row_at(self.term(p, NONE, j), lane)
            self.add(p, place, width, self.read(accumulator))

    def to_weights(self, p: int, items: list[Any], columns: list[Any]) -> None:
        """The gradients of some weights: sums over the examples, written once."""
        accumulators = [[self.accumulator("sum", WIDTH) for _ in columns] for _ in items]
        whole = self.builder.and_(self.lanes, INT64(-WIDTH))
        for start, stop in ((NONE, whole), (whole, self.lanes)):
            with self.loop(stop, start=start, step=INT64(WIDTH)) as lane:
                for k, row in zip(items, accumulators, strict=True):
                    gradient = self.layer_gradient(k, lane, WIDTH)
                    for j, accumulator in zip(columns, row, strict=True):
                        found = dict(self.contributions(gradient, self.layer_terms(k, j, lane, WIDTH), WIDTH))
                        number = found[p] if start is NONE else self.valid(found[p], lane)
                        self.accumulate(accumulator, "sum", number)
        for k, row in zip(items, accumulators, strict=True):
            for j, accumulator in zip(columns, row, strict=True):
                self.add(p, self.term(p, k, j), 1, self.sum(self.read(accumulator)))

    def accumulator(self, function: str, width: int, first: Number | None = None) -> Any:
        with self.builder.goto_entry_block():
            place = self.builder.alloca(kind(width))
        neutral = 0.0 if function == "sum" else -inf
        self.builder.store(first.value if first else constant(neutral, width), place)
        return place

    def read(self, accumulator: Any) -> Number:
        return Number(self.builder, self.builder.load(accumulator))

    def accumulate(self, accumulator: Any, function: str, number: Number) -> None:
        before = self.read(accumulator)
        after = before + number if function == "sum" else maximum(before, number)
        self.builder.store(after.value, accumulator)

    # Lanes.

    def lane_chunks(self, wide: bool = True) -> Iterator[tuple[Any, int]]:
        """The lanes in vectors, the last one filled up; wide ones first, where sums would wait for one another."""
        whole: Any = NONE
        if wide:
            whole = self.builder.and_(self.lanes, INT64(-WIDE))
            with self.loop(whole, step=INT64(WIDE)) as lane:
                yield lane, WIDE
        with self.loop(self.lanes, start=whole, step=INT64(WIDTH)) as lane:
            yield lane, WIDTH

    def row_at(self, place: Any, lane: Any) -> Any:
        return self.builder.add(self.builder.mul(place, self.stride), lane)

    def uniform(self, places: list[Any]) -> dict[int, Number]:
        """The uniform operands: the same for all lanes, so they are read once."""
        return {
            p: self.load(self.values["u"], place, 1)
            for p, (operand, place) in enumerate(zip(self.operands, places, strict=False))
            if operand.area == "u"
        }

    def lane(self, p: int, place: Any, lane: Any, width: int, fixed: dict[int, Number] | None = None) -> Number:
        """Operand p in some lanes; `fixed` are those that were read before."""
        if fixed and p in fixed:
            return self.spread(fixed[p], width)
        if self.operands[p].area == "u":
            return self.spread(self.load(self.values["u"], place, 1), width)
        return self.load(self.values["v"], self.row_at(place, lane), width)

    def backward_in_lanes(self, places: list[Any], out: Any, contributions: Callable[..., Any]) -> None:
        """Add to the gradients of the operands in these places; that of a uniform one is a sum over the examples."""
        fixed = self.uniform(places)
        sums = {
            p: [self.accumulator("sum", width) for width in (WIDTH, WIDE)]
            for p, (operand, _) in enumerate(zip(self.operands, places, strict=False))
            if operand.area == "u" and operand.active
        }
        for lane, width in self.lane_chunks(wide=True):
            gradient = self.load(self.gradients["v"], self.row_at(out, lane), width)
            names = {
                x: self.lane(p, places[p], lane, width, fixed)
                for p, x in enumerate(self.row.operands, start=len(self.start))
                if p < len(places)
            }
            names["out"] = self.load(self.values["v"], self.row_at(out, lane), width)
            for p, number in [*contributions(gradient, names, width)]:
                if p in sums:
                    self.accumulate(
                        sums[p][width == WIDE], "sum", number if width == WIDE else self.valid(number, lane)
                    )
                else:
                    self.add(p, self.row_at(places[p], lane), width, number)
        for p, parts in sums.items():
            narrow, wide = (self.sum(self.read(part)) for part in parts)
            self.add(p, places[p], 1, wide + narrow)


def is_layer(operands: Sequence[Operand]) -> bool:
    """Rows of weights, each with all of the same inputs."""
    return [operand.area for operand in operands] == ["u", "v"] and operands[1].order == SHARED


def kind(width: int) -> Any:
    return DOUBLE if width == 1 else ir.VectorType(DOUBLE, width)


def constant(number: float, width: int) -> Any:
    return ir.Constant(kind(width), number if width == 1 else [number] * width)


def spread(builder: Any, value: Any, width: int) -> Any:
    """A vector with one value in every lane."""
    empty = ir.Constant(ir.VectorType(value.type, width), ir.Undefined)
    single = builder.insert_element(empty, value, INT32(0))
    return builder.shuffle_vector(single, empty, ir.Constant(ir.VectorType(INT32, width), None))
