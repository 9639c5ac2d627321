"""What writes a function of machine code: its builder, loops, vectors of numbers in memory, sums."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from tinygrad_edu.replay.native.instructions import DOUBLE, INT64, Number, declared, ir

NONE, ONE_MORE = INT64(0), INT64(1)
WIDTH = 8  # numbers a vector


class Writer:
    """Writes one function into a module."""

    def __init__(self, module: Any, signature: Any, name: str) -> None:
        self.function = ir.Function(module, signature, name)
        self.builder = ir.IRBuilder(self.function.append_basic_block())
        self.loops: list[Any] = []  # the blocks before those that are open
        self.depths: dict[Any, int] = {}  # how many loops are around a block

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
        self.loops.append(before)
        self.depths |= {head: len(self.loops), body: len(self.loops), after: len(self.loops) - 1}
        yield index
        self.loops.pop()
        index.add_incoming(builder.add(index, step), builder.block)
        builder.branch(head)
        builder.position_at_end(after)

    def early(self, write: Callable[..., Any], *operands: Any) -> Any:
        """What is written of these operands, before all loops that they are the same in."""
        depth = max(self.depths.get(getattr(operand, "parent", None), 0) for operand in operands)
        if depth == len(self.loops):
            return write(*operands)
        with self.builder.goto_block(self.loops[depth]):
            return write(*operands)

    def plus(self, x: Any, y: Any) -> Any:
        return self.early(self.builder.add, x, y)

    def times(self, x: Any, y: Any) -> Any:
        return self.early(self.builder.mul, x, y)

    def chunks(self, stop: Any, size: int = WIDTH) -> Iterator[tuple[Any, int]]:
        """The range below stop, so many at a time, and what is left one by one."""
        whole = self.builder.and_(stop, INT64(-size))
        with self.loop(whole, step=INT64(size)) as k:
            yield k, size
        with self.loop(stop, start=whole) as k:
            yield k, 1

    def vector(self, area: Any, place: Any, width: int) -> Any:
        return self.builder.bitcast(self.builder.gep(area, [place]), kind(width).as_pointer())

    def load(self, area: Any, place: Any, width: int) -> Number:
        value = self.builder.load(self.vector(area, place, width))
        value.align = 8
        return Number(self.builder, value)

    def store(self, area: Any, place: Any, width: int, number: Number) -> None:
        self.builder.store(number.value, self.vector(area, place, width)).align = 8

    def number(self, result: Any, width: int) -> Number:
        """What a formula gives, which may be a plain number, in vectors."""
        alike = Number(self.builder, ir.Constant(kind(width), ir.Undefined))
        return alike.of(alike.same(result))

    def accumulator(self, width: int, first: Number | float = 0.0) -> Any:
        with self.builder.goto_entry_block():
            place = self.builder.alloca(kind(width))
        self.builder.store(self.number(first, width).value, place)
        return place

    def read(self, accumulator: Any) -> Number:
        return Number(self.builder, self.builder.load(accumulator))

    def accumulate(self, accumulator: Any, number: Number, function: str = "sum") -> None:
        self.builder.store(joined(function, self.read(accumulator), number).value, accumulator)

    def sum(self, number: Number, function: str = "sum") -> Number:
        """The sum over the lanes of a vector, or the largest of them."""
        name, operands = ("fadd", [DOUBLE(-0.0)]) if function == "sum" else ("fmaximum", [])
        operands = [*operands, number.value]
        function = declared(self.builder, f"llvm.vector.reduce.{name}.v{number.value.type.count}f64", DOUBLE, operands)
        return Number(self.builder, self.builder.call(function, operands, fastmath=("reassoc",)))


def joined(function: str, x: Number, y: Number) -> Number:
    """The sum of two, or the larger."""
    return x + y if function == "sum" else x.intrinsic("maximum", y)


def kind(width: int) -> Any:
    """The type of a number, or of so many in a vector."""
    return DOUBLE if width == 1 else ir.VectorType(DOUBLE, width)
