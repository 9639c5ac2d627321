"""Numbers that write machine code: the formulas of the table, run on them once, become LLVM instructions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import factorial
from typing import Any

from tinygrad_edu.engine import TABLE
from tinygrad_edu.engine.formulas import MATH, bind, on_floats
from tinygrad_edu.shell import install

try:
    from llvmlite import binding as binding
    from llvmlite import ir as ir
except ImportError:
    raise ImportError(f"native programs need llvmlite and NumPy: {install('llvmlite', 'numpy')}") from None

DOUBLE, INT32, INT64, BYTE = ir.DoubleType(), ir.IntType(32), ir.IntType(64), ir.IntType(8)
POINTER, CODE = DOUBLE.as_pointer(), INT32.as_pointer()
FUSED = "contract"  # x * y + z may be rounded once
Operator = Callable[["Number", Any], "Number"]


def arithmetic(instruction: str, *flags: str) -> tuple[Operator, Operator]:
    """An operator of a Number and another, and of a plain number and a Number."""

    def operator(x: Number, y: Any) -> Number:
        x, y = alike(x, y)
        return x.of(getattr(x.builder, instruction)(x.value, y.value, flags=flags))

    def turned(x: Number, y: Any) -> Number:
        return operator(x.of(x.same(y)), x)

    return operator, turned


class Number:
    """A double, or a vector of doubles, that an instruction computes; beside a vector, a double is in all its lanes."""

    __slots__ = ("builder", "value")

    def __init__(self, builder: Any, value: Any) -> None:
        self.builder, self.value = builder, value

    def of(self, value: Any) -> Number:
        return type(self)(self.builder, value)

    def same(self, other: Any) -> Any:
        """Another number as an LLVM value that is as wide as this one."""
        if not isinstance(other, Number):
            return everywhere(self.value.type, float(other))
        return other.value if other.width == self.width else spread(self.builder, other.value, self.width)

    @property
    def width(self) -> int:
        return self.value.type.count if isinstance(self.value.type, ir.VectorType) else 1

    __add__, __radd__ = arithmetic("fadd", FUSED)
    __sub__, __rsub__ = arithmetic("fsub", FUSED)
    __mul__, __rmul__ = arithmetic("fmul", FUSED)
    __truediv__, __rtruediv__ = arithmetic("fdiv")

    def __neg__(self) -> Number:
        return self.of(self.builder.fneg(self.value))

    def __pos__(self) -> Number:
        return self

    def __abs__(self) -> Number:
        return self.intrinsic("fabs")

    def __gt__(self, other: Any) -> Any:
        return self.builder.fcmp_ordered(">", self.value, self.same(other))

    def __lt__(self, other: Any) -> Any:
        return self.builder.fcmp_ordered("<", self.value, self.same(other))

    def where(self, condition: Any, other: Any) -> Number:
        """Itself where the condition holds, else the other."""
        return self.of(self.builder.select(condition, self.value, self.same(other)))

    def intrinsic(self, name: str, *others: Any) -> Number:
        operands = [self.value, *map(self.same, others)]
        kind = self.value.type
        suffix = f"v{kind.count}f64" if isinstance(kind, ir.VectorType) else "f64"
        return self.of(self.builder.call(declared(self.builder, f"llvm.{name}.{suffix}", kind, operands), operands))

    def called(self, name: str, *others: Any) -> Number:
        """A function of the C library, lane by lane."""
        operands = [self.value, *map(self.same, others)]
        if self.value.type == DOUBLE:
            return self.of(self.builder.call(declared(self.builder, name, DOUBLE, operands), operands))
        result: Any = ir.Constant(self.value.type, ir.Undefined)
        for lane in map(INT32, range(self.value.type.count)):
            first, *rest = (self.of(self.builder.extract_element(operand, lane)) for operand in operands)
            result = self.builder.insert_element(result, first.called(name, *rest).value, lane)
        return self.of(result)


def alike(*operands: Any) -> list[Number]:
    """Some Numbers, and plain ones, as Numbers as wide as the widest."""
    widest = max((x for x in operands if isinstance(x, Number)), key=lambda x: x.width)
    return [widest.of(widest.same(x)) for x in operands]


def spread(builder: Any, value: Any, width: int) -> Any:
    """A vector with one value in every lane."""
    empty = ir.Constant(ir.VectorType(value.type, width), ir.Undefined)
    single = builder.insert_element(empty, value, INT32(0))
    return builder.shuffle_vector(single, empty, ir.Constant(ir.VectorType(INT32, width), None))


def everywhere(kind: Any, number: float) -> Any:
    """A constant of a type, the same in every lane of a vector."""
    return ir.Constant(kind, [number] * kind.count if isinstance(kind, ir.VectorType) else number)


def declared(builder: Any, name: str, result: Any, operands: Sequence[Any]) -> Any:
    module = builder.module
    if name not in module.globals:
        ir.Function(module, ir.FunctionType(result, [operand.type for operand in operands]), name)
    return module.globals[name]


# The exponential, by e**x = 2**k * e**r with |r| <= log(2) / 2, without a branch, so that it runs on vectors.
LOG2E, LN2_HIGH, LN2_LOW = 1.4426950408889634, 0.6931471803691238, 1.9082149292705877e-10
ROUND = 1.5 * 2.0**52  # adding it rounds to a whole number, which then stands in the low bits
TERMS = 13


def reduced(x: Number) -> tuple[Any, Number, Number]:
    """k as an integer, r, and (e**r - 1 - r) / r**2."""
    builder, shifted = x.builder, x * LOG2E + ROUND
    integers = INT64 if x.value.type == DOUBLE else ir.VectorType(INT64, x.value.type.count)
    k = builder.sub(builder.bitcast(shifted.value, integers), builder.bitcast(x.same(ROUND), integers))
    whole = shifted - ROUND
    r = (x - whole * LN2_HIGH) - whole * LN2_LOW
    return k, r, polynomial(r, [1 / factorial(n) for n in range(2, TERMS + 1)])


def polynomial(x: Number, coefficients: Sequence[float]) -> Any:
    """Σ c_n x**n, in pairs, so that few of its steps wait for one another."""
    terms: list[Any] = list(coefficients)
    while len(terms) > 1:
        pairs = zip(terms[::2], terms[1::2], strict=False)
        terms = [x * high + low for low, high in pairs] + (terms[-1:] if len(terms) % 2 else [])
        x = x * x
    return terms[0]


def power_of_two(x: Number, k: Any) -> Number:
    """2**k for an integer k from -1022 to 1023."""
    bits = x.builder.shl(x.builder.add(k, everywhere(k.type, 1023)), everywhere(k.type, 52))
    return x.of(x.builder.bitcast(bits, x.value.type))


def exp(x: Number) -> Number:
    x = x.intrinsic("maximum", -746.0).intrinsic("minimum", 710.0)
    k, r, rest = reduced(x)
    half = x.builder.ashr(k, everywhere(k.type, 1))  # 2**k itself may be out of range where the product is not
    other = x.builder.sub(k, half)
    return (rest * r * r + r + 1) * power_of_two(x, half) * power_of_two(x, other)


def tanh(x: Number) -> Number:
    k, r, rest = reduced(abs(x).intrinsic("minimum", 22.0) * 2)
    power = power_of_two(x, k)
    less_one = (rest * r * r + r) * power + (power - 1)  # e**2|x| - 1
    return (less_one / (less_one + 2)).intrinsic("copysign", x)


def sign(x: Number) -> Number:
    return x.of(x.same(1.0)).where(x > 0, x.of(x.same(-1.0)).where(x < 0, x))


def step(x: Number) -> Number:
    return sign(x).intrinsic("maximum", 0.0)


def sigmoid(x: Number) -> Number:
    """As the table has it, with one exponential instead of two."""
    power = exp(-abs(x))
    return power.where(x < 0, 1.0) / (power + 1)


LIBRARY = [*MATH, "pow"]  # functions of the C library
PRIMITIVES: dict[str, Callable[..., Number]] = {
    **{name: lambda x, *others, name=name: x.called(name, *others) for name in LIBRARY},
    **{name: lambda x, *others, name=name: x.intrinsic(name, *others) for name in ("sqrt", "maximum", "minimum")},
    "exp": exp,
    "sigmoid": sigmoid,
    "tanh": tanh,
    "abs": abs,
    "sign": sign,
    "step": step,
}


def constant_too(name: str, primitive: Callable[..., Any]) -> Callable[..., Any]:
    """A primitive that takes plain numbers too, as the `log(2)` of a formula."""

    def called(*operands: Any) -> Any:
        if any(isinstance(x, Number) for x in operands):
            return primitive(*alike(*operands))
        return on_floats(TABLE[name])(*operands)

    return called


on_native = bind({name: constant_too(name, primitive) for name, primitive in PRIMITIVES.items()}, "native")
