"""What writes a function of machine code: its builder, and a loop."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tinygrad_edu.replay.native.instructions import DOUBLE, INT32, INT64, Number, everywhere, ir

NONE, ONE_MORE = INT64(0), INT64(1)


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

    def vector(self, area: Any, place: Any, width: int) -> Any:
        pointer = self.builder.gep(area, [place])
        return pointer if width == 1 else self.builder.bitcast(pointer, kind(width).as_pointer())

    def load(self, area: Any, place: Any, width: int) -> Number:
        value = self.builder.load(self.vector(area, place, width))
        value.align = 8
        return Number(self.builder, value)

    def store(self, area: Any, place: Any, width: int, number: Number) -> None:
        self.builder.store(number.value, self.vector(area, place, width)).align = 8


def kind(width: int) -> Any:
    """The type of a number, or of so many in a vector."""
    return DOUBLE if width == 1 else ir.VectorType(DOUBLE, width)


def constant(number: float, width: int) -> Any:
    return everywhere(kind(width), number)


def spread(builder: Any, value: Any, width: int) -> Any:
    """A vector with one value in every lane."""
    empty = ir.Constant(ir.VectorType(value.type, width), ir.Undefined)
    single = builder.insert_element(empty, value, INT32(0))
    return builder.shuffle_vector(single, empty, ir.Constant(ir.VectorType(INT32, width), None))
