"""Kernels: one small function of machine code for each operation of the table and each way its operands lie in memory.

A kernel does its operation for n items, or the backward step of it. It reads where they are from the code:

    n, w                   how many items, and how many operands an item has of each kind (1, but for those over many)
    out                    the slot of the first result; the others follow
    for each operand       ONE: the first of w slots that all items share · RUN: the slot of the first item, the others
                           follow · ROWS: n slots, each the first of w · TABLE: n × w slots
                           GRID: how many rows, and the first slot of each; the items are all pairs of two such, those
                           with the first row of the second operand first
    what sums start from   if they start from a number, as one more operand, an item each

A slot is in the area "u", uniform: one number, the same for all examples; or in "v", varying: a row with a number for
each example of a block (a lane).
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from tinygrad_edu.engine import Row
from tinygrad_edu.engine.formulas import compile_formula, folds, for_numbers, names, rows_in
from tinygrad_edu.replay.native.instructions import CODE, INT64, POINTER, Number, ir, on_native, spread
from tinygrad_edu.replay.native.writer import NONE, Writer
from tinygrad_edu.replay.rolling import DOT

ONE, RUN, ROWS, TABLE, GRID = "one", "run", "rows", "table", "grid"
LANES = 16  # examples a vector; rows of lanes are a multiple of it
KERNEL = ir.FunctionType(ir.VoidType(), [POINTER, POINTER, INT64.as_pointer(), CODE])
# Not operations: their results are gradients, which they set.
ZERO, SEED = Row("zero", "zero", "0"), Row("seed", "seed", "1")
Read = Callable[[str], Number]  # what a name in a formula stands for


class Operand(NamedTuple):
    """Where an operand lies: area, order, whether its gradient is wanted, and whether this is the first part of it."""

    area: str
    order: str
    active: bool = False
    fresh: bool = False


class Spec(NamedTuple):
    """What kernel: the operation, the area of the result, the operands and what a sum starts from."""

    row: Row
    backward: bool
    area: str
    operands: tuple[Operand, ...]


class Kernel(Writer):
    """Writes one kernel into a module; a subclass says what it does.

    Attributes:
        varying: whether the results do.
        operands: where they lie; what a sum starts from, if anything, comes last.
        kinds: for each kind of operand that the formulas name, its number among `operands`.
        active: each operand whose gradient is wanted, and the partial for it, with names for the sums in it.
        n, w, out: words of the code.
    """

    def __init__(self, spec: Spec, module: Any, name: str) -> None:
        super().__init__(module, KERNEL, name)
        self.row, self.area, self.operands = spec.row, spec.area, spec.operands
        self.varying = spec.area == "v"
        uniform, uniform_gradients, context, self.code = self.function.args
        for area in (uniform, uniform_gradients, self.code):
            area.add_attribute("noalias")
        varying, varying_gradients, self.lanes, self.stride = (
            self.builder.load(self.builder.gep(context, [INT64(k)])) for k in range(4)
        )
        self.values = {"u": uniform, "v": self.builder.inttoptr(varying, POINTER)}
        self.gradients = {"u": uniform_gradients, "v": self.builder.inttoptr(varying_gradients, POINTER)}
        self.n, self.w, self.out = (self.word(INT64(k)) for k in range(3))
        self.kinds = dict(zip(self.row.operands, range(len(self.operands)), strict=False))
        self.active = [
            (p, folds(for_numbers(text))[1] if self.row.many else text)
            for p, text in zip(self.kinds.values(), self.row.partials, strict=False)
            if self.operands[p].active
        ]
        self.begins: list[Any] = [INT64(3)]  # where in the code each operand's places begin
        for operand in self.operands:
            length = {ROWS: self.n, TABLE: self.builder.mul(self.n, self.w)}.get(operand.order, INT64(1))
            if operand.order == GRID:
                length = self.builder.add(self.word(self.begins[-1]), INT64(1))
            self.begins.append(self.builder.add(self.begins[-1], length))
        self.backward() if spec.backward else self.forward()
        self.builder.ret_void()

    @abstractmethod
    def forward(self) -> None:
        """Compute the results."""

    @abstractmethod
    def backward(self) -> None:
        """Add to the gradients of the operands."""

    # Reading the code.

    def word(self, place: Any) -> Any:
        builder = self.builder
        return self.early(lambda at: builder.sext(builder.load(builder.gep(self.code, [at])), INT64), place)

    def term(self, p: int, k: Any, j: Any = NONE) -> Any:
        """The slot of operand j of kind p for item k, or in row k of a grid."""
        plus, order, begin = self.plus, self.operands[p].order, self.begins[p]
        if order == TABLE:
            return self.word(plus(begin, plus(self.times(k, self.w), j)))
        if order == RUN:
            return plus(plus(self.word(begin), k), j)
        return plus(self.word({ONE: begin, ROWS: plus(begin, k), GRID: plus(plus(begin, k), INT64(1))}[order]), j)

    def result(self, k: Any) -> Any:
        """The slot of a result."""
        return self.plus(self.out, k)

    # Loops.

    def blocks(self, stop: Any, size: int) -> Iterator[list[Any]]:
        """The range below stop in lists of so many, and what is left one by one."""
        for k, width in self.chunks(stop, size):
            yield [self.builder.add(k, INT64(i)) for i in range(width)]

    def each_vector(self) -> Any:
        """The lanes in vectors; some of the last may be of no example, and hold anything."""
        return self.loop(self.lanes, step=INT64(LANES))

    # Numbers.

    def at(self, area: str, slot: Any, lane: Any) -> Any:
        """The place of a slot; of a lane of it, where it varies."""
        return slot if area == "u" else self.plus(self.times(slot, self.stride), lane)

    def operand(self, p: int, slot: Any, lane: Any, width: int) -> Number:
        """Operand p in some lanes; from a slot on, where nothing varies."""
        area = self.operands[p].area
        if area == self.area:
            return self.load(self.values[area], self.at(area, slot, lane), width)
        number: Number = self.early(lambda at: self.number(self.load(self.values["u"], at, 1), width), slot)
        return number

    def begun(self, total: Number, k: Any, lane: Any) -> Number:
        """The sum of item k with what it starts from, if it does."""
        p, width = len(self.kinds), LANES if self.varying else 1
        return total + self.operand(p, self.term(p, k), lane, width) if p < len(self.operands) else total

    def put(self, slot: Any, lane: Any, width: int, number: Number) -> None:
        """Store a result."""
        areas = self.gradients if self.row in (ZERO, SEED) else self.values
        self.store(areas[self.area], self.at(self.area, slot, lane), width, number)

    def add(self, p: int, slot: Any, lane: Any, width: int, number: Number) -> None:
        """Add to a gradient of operand p."""
        area = self.gradients[self.operands[p].area]
        place = self.at(self.operands[p].area, slot, lane)
        if not self.operands[p].fresh:
            number = self.load(area, place, width) + number
        self.store(area, place, width, number)

    def valid(self, number: Number, lane: Any) -> Number:
        """The number where there is an example, 0 in the other lanes of the last vector."""
        left = spread(self.builder, self.builder.sub(self.lanes, lane), LANES)
        counted = ir.Constant(ir.VectorType(INT64, LANES), list(range(LANES)))
        return number.where(self.builder.icmp_signed("<", counted, left), 0.0)

    # Formulas.

    def evaluated(self, text: str, read: Read, width: int) -> Number:
        scope = rows_in([text], on_native)
        used = [name for name in dict.fromkeys(names(for_numbers(text))) if name not in scope]
        return self.number(compile_formula(used, text, scope)(*map(read, used)), width)


def is_layer(row: Row, operands: Sequence[Operand]) -> bool:
    """Whether these are rows of weights, each in a dot product with the same inputs."""
    return row is DOT and [operand.area for operand in operands[:2]] == ["u", "v"] and operands[1].order == ONE
