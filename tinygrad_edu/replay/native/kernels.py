"""Kernels: one small function of machine code for each operation of the table and each way its operands lie in memory.

A kernel does its operation for n items, or the backward step of it. It reads where they are from the code:

    n, w                   how many items, and how many operands an item has of each kind (operations over many)
    out                    the slot of the first result; the others follow
    for each operand       ONE: the slot that all items share · RUN: the first of n slots · TABLE: n slots, or n × w
                           ROWS: n slots, each the first of w · SHARED: the first of w slots that all items share
                           GRID: how many rows, and the first slot of each; the items are all pairs of two such, those
                           with the first row of the second operand first

A slot is in the area "u", uniform: one number, the same for all examples; or in "v", varying: a row with a number for
each example of a block (a lane).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from tinygrad_edu.engine import Row
from tinygrad_edu.engine.formulas import compile_formula, folds, for_numbers, names, rows_in
from tinygrad_edu.replay.native.instructions import CODE, DOUBLE, INT32, INT64, POINTER, Number, declared, ir, on_native
from tinygrad_edu.replay.native.writer import NONE, Writer, constant, kind, spread

ONE, RUN, TABLE, ROWS, SHARED, GRID = "one", "run", "table", "rows", "shared", "grid"
WIDTH = 8  # doubles a vector; rows of lanes are a multiple of it
WIDE = 2 * WIDTH  # so many at once keep the processor busy where one number waits for another
FEW, MANY = "few", "many"  # uniform items: one by one, and in vectors
HEAD = 3  # words before an instruction's own: the address of its kernel in two, and its length
KERNEL = ir.FunctionType(ir.VoidType(), [POINTER, POINTER, INT64.as_pointer(), CODE])
ZERO = Row("zero", "0", "x", "0")  # not an operation: it clears gradients


class Operand(NamedTuple):
    """Where an operand lies: area, order, whether its gradient is wanted, and whether this is the first part of it."""

    area: str
    order: str
    active: bool = False
    fresh: bool = False


class Spec(NamedTuple):
    """What kernel: the operation, the area of the result, the operands, what a sum starts from, for how many items."""

    row: Row
    backward: bool
    area: str
    operands: tuple[Operand, ...]
    start: Operand | None = None
    size: str = MANY


def is_layer(operands: Sequence[Operand]) -> bool:
    """Whether these are rows of weights, each with all of the same inputs."""
    return [operand.area for operand in operands] == ["u", "v"] and operands[1].order == SHARED


class Slots(NamedTuple):
    """The uniform slots of one vector: ONE for all, a RUN from the first, or a TABLE of them."""

    order: str
    places: list[Any]


class Lookup(dict[str, Number]):
    """The numbers that the names in a formula stand for, read when a formula needs them."""

    def __init__(self, read: Callable[[str], Number]) -> None:
        self.read = read

    def __missing__(self, name: str) -> Number:
        self[name] = number = self.read(name)
        return number


class Kernel(Writer):
    """Writes one kernel into a module; a subclass says what it does.

    Attributes:
        operands: where they lie; what a sum starts from, if anything, comes first.
        kinds: for each kind of operand that the formulas name, its number among `operands`.
        n, w, out: words of the code.
    """

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
        start = [spec.start] if spec.start else []
        self.operands = [*start, *spec.operands]
        self.kinds = dict(zip(self.row.operands, range(len(start), len(self.operands)), strict=False))
        self.begins: list[Any] = [INT64(3)]  # where in the code each operand's places begin
        for p, operand in enumerate(self.operands):
            length = INT64(1) if operand.order in (ONE, RUN, SHARED) else self.n
            if operand.order == GRID:
                length = self.builder.add(self.word(self.begins[-1]), INT64(1))
            if operand.order == TABLE and self.row.many and p >= len(start):
                length = self.builder.mul(self.n, self.w)
            self.begins.append(self.builder.add(self.begins[-1], length))
        self.write()
        self.builder.ret_void()

    def write(self) -> None:
        raise NotImplementedError

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

    def slots(self, p: int, width: int, place: Callable[[Any], Any], first: Any) -> Slots:
        """The uniform slots of a vector of items, or of operands of one item, from the first on."""
        order = self.operands[p].order
        if order == TABLE and width > 1:
            return Slots(TABLE, [place(self.builder.add(first, INT64(i))) for i in range(width)])
        return Slots(ONE if order in (ONE, TABLE) else RUN, [place(first)])

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
        if size > 1:
            with self.loop(whole, step=INT64(size)) as k:
                yield [self.builder.add(k, INT64(i)) for i in range(size)]
        with self.loop(stop, start=whole if size > 1 else NONE) as k:
            yield [k]

    def lane_chunks(self) -> Iterator[tuple[Any, int]]:
        """The lanes in wide vectors, and what is left in narrow ones, the last of them filled up."""
        whole = self.builder.and_(self.lanes, INT64(-WIDE))
        with self.loop(whole, step=INT64(WIDE)) as lane:
            yield lane, WIDE
        with self.loop(self.lanes, start=whole, step=INT64(WIDTH)) as lane:
            yield lane, WIDTH

    # Memory.

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
        if slots.order == ONE:
            return self.spread(self.load(area, slots.places[0], 1), width)
        result: Any = ir.Constant(kind(width), ir.Undefined)
        for i, place in enumerate(slots.places):
            result = self.builder.insert_element(result, self.load(area, place, 1).value, INT32(i))
        return Number(self.builder, result)

    def scatter_add(self, p: int, slots: Slots, width: int, number: Number) -> None:
        if slots.order == RUN:
            self.add(p, slots.places[0], width, number)
        elif slots.order == ONE:
            self.add(p, slots.places[0], 1, self.sum(number))
        else:
            for i, place in enumerate(slots.places):
                self.add(p, place, 1, Number(self.builder, self.builder.extract_element(number.value, INT32(i))))

    def row_at(self, place: Any, lane: Any) -> Any:
        """The place of a lane of a varying slot."""
        return self.builder.add(self.builder.mul(place, self.stride), lane)

    def lane(self, p: int, place: Any, lane: Any, width: int) -> Number:
        """Operand p in some lanes."""
        if self.operands[p].area == "u":
            return self.spread(self.load(self.values["u"], place, 1), width)
        return self.load(self.values["v"], self.row_at(place, lane), width)

    # Arithmetic.

    def evaluated(self, text: str, numbers: dict[str, Number], width: int) -> Number:
        """A formula."""
        function = compile_formula(numbers, text, rows_in([text], on_native))
        return self.result(function(*numbers.values()), width)

    def result(self, result: Any, width: int) -> Number:
        if isinstance(result, Number):
            return result
        return Number(self.builder, constant(result, width))  # of a formula without operands, such as "1"

    def active(self) -> Iterator[tuple[int, str]]:
        """Each operand whose gradient is wanted, and the partial for it, with names for the sums in it."""
        for p, text in zip(self.kinds.values(), self.row.partials, strict=True):
            if self.operands[p].active:
                yield p, folds(for_numbers(text))[1] if self.row.many else text

    def contribution(self, text: str, gradient: Number, numbers: dict[str, Number], width: int) -> Number:
        """What is added to the gradient of an operand: the gradient of the result times a partial."""
        used = {*names(for_numbers(text))} - rows_in([text], on_native).keys()
        return gradient * self.evaluated(text, {x: numbers[x] for x in used}, width)

    def sum(self, number: Number) -> Number:
        """The sum over the lanes of a vector."""
        if number.value.type == DOUBLE:
            return number
        name, operands = f"llvm.vector.reduce.fadd.v{number.value.type.count}f64", [DOUBLE(-0.0), number.value]
        function = declared(self.builder, name, DOUBLE, operands)
        return Number(self.builder, self.builder.call(function, operands, fastmath=("reassoc",)))

    def valid(self, number: Number, lane: Any) -> Number:
        """The number where there is an example, 0 in the lanes that fill up the last vector."""
        left = spread(self.builder, self.builder.sub(self.lanes, lane), WIDTH)
        counted = ir.Constant(ir.VectorType(INT64, WIDTH), list(range(WIDTH)))
        return number.where(self.builder.icmp_signed("<", counted, left), 0.0)

    # Sums over a loop.

    def accumulator(self, width: int, first: Number | float = 0.0) -> Any:
        with self.builder.goto_entry_block():
            place = self.builder.alloca(kind(width))
        self.builder.store(first.value if isinstance(first, Number) else constant(first, width), place)
        return place

    def read(self, accumulator: Any) -> Number:
        return Number(self.builder, self.builder.load(accumulator))

    def accumulate(self, accumulator: Any, number: Number) -> None:
        self.builder.store((self.read(accumulator) + number).value, accumulator)

    # The backward step of one item in all lanes, for elementwise operations and for one pair of an operation over many.

    def backward_in_lanes(self, places: dict[int, Any], out: Any, active: Sequence[tuple[int, str]]) -> None:
        """Add to the gradients of the operands in these places; that of a uniform one is a sum over the examples."""
        areas = {p: self.operands[p].area for p in places}
        fixed = {p: self.load(self.values["u"], place, 1) for p, place in places.items() if areas[p] == "u"}
        sums = {p: {width: self.accumulator(width) for width in (WIDE, WIDTH)} for p, _ in active if areas[p] == "u"}
        for lane, width in self.lane_chunks():

            def read(name: str, lane: Any = lane, width: int = width) -> Number:
                p = self.kinds.get(name)
                if p is None:
                    return self.load(self.values["v"], self.row_at(out, lane), width)
                return self.spread(fixed[p], width) if p in fixed else self.lane(p, places[p], lane, width)

            numbers = Lookup(read)
            gradient = self.load(self.gradients["v"], self.row_at(out, lane), width)
            # All before the first is stored: an operand may be there twice.
            parts = [(p, self.contribution(text, gradient, numbers, width)) for p, text in active]
            for p, number in parts:
                if p in sums:
                    self.accumulate(sums[p][width], number if width == WIDE else self.valid(number, lane))
                else:
                    self.add(p, self.row_at(places[p], lane), width, number)
        for p, both in sums.items():
            self.add(p, places[p], 1, self.sum(self.read(both[WIDE])) + self.sum(self.read(both[WIDTH])))
