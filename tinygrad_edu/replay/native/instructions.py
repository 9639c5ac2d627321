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
FUSED = ("contract",)  # x * y + z may be rounded once


class Number:
    """A double, or a vector of doubles, that an instruction computes."""

    __slots__ = ("builder", "value")

    def __init__(self, builder: Any, value: Any) -> None:
        self.builder, self.value = builder, value

    def of(self, value: Any) -> Number:
        return type(self)(self.builder, value)

    def same(self, other: Any) -> Any:
        """The other operand as an LLVM value, a plain number in every lane."""
        if isinstance(other, Number):
            return other.value
        return everywhere(self.value.type, float(other))

    def __add__(self, other: Any) -> Number:
        return self.of(self.builder.fadd(self.value, self.same(other), flags=FUSED))

    def __sub__(self, other: Any) -> Number:
        return self.of(self.builder.fsub(self.value, self.same(other), flags=FUSED))

    def __mul__(self, other: Any) -> Number:
        if isinstance(other, int | float) and other < 0:
            return -(self * -other)
        return self.of(self.builder.fmul(self.value, self.same(other), flags=FUSED))

    def __truediv__(self, other: Any) -> Number:
        return self.of(self.builder.fdiv(self.value, self.same(other)))

    def __neg__(self) -> Number:
        return self.of(self.builder.fneg(self.value))

    def __pos__(self) -> Number:
        return self

    def __abs__(self) -> Number:
        return self.intrinsic("fabs")

    def __radd__(self, other: float) -> Number:
        return self + other

    def __rsub__(self, other: float) -> Number:
        return self.of(self.same(other)) - self

    def __rmul__(self, other: float) -> Number:
        return self * other

    def __rtruediv__(self, other: float) -> Number:
        return self.of(self.same(other)) / self

    def __gt__(self, other: Any) -> Any:
        return self.builder.fcmp_ordered(">", self.value, self.same(other))

    def __lt__(self, other: Any) -> Any:
        return self.builder.fcmp_ordered("<", self.value, self.same(other))

    def is_nan(self) -> Any:
        return self.builder.fcmp_unordered("uno", self.value, self.value)

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
        if isinstance(self.value.type, ir.VectorType):
            function = by_lanes(self.builder.module, name, self.value.type, len(operands))
        else:
            function = declared(self.builder, name, DOUBLE, operands)
        return self.of(self.builder.call(function, operands))


def everywhere(kind: Any, number: float) -> Any:
    """A constant of a type, the same in every lane of a vector."""
    return ir.Constant(kind, [number] * kind.count if isinstance(kind, ir.VectorType) else number)


def by_lanes(module: Any, name: str, kind: Any, arity: int) -> Any:
    """A function on vectors that calls one on numbers, lane by lane."""
    title = f"{name}.v{kind.count}"
    if title in module.globals:
        return module.globals[title]
    function = ir.Function(module, ir.FunctionType(kind, [kind] * arity), title)
    function.linkage = "internal"
    function.attributes.add("noinline")
    builder = ir.IRBuilder(function.append_basic_block())
    result: Any = ir.Constant(kind, ir.Undefined)
    for lane in map(INT32, range(kind.count)):
        numbers = [builder.extract_element(argument, lane) for argument in function.args]
        number = builder.call(declared(builder, name, DOUBLE, numbers), numbers)
        result = builder.insert_element(result, number, lane)
    builder.ret(result)
    return function


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
        terms = [high * x + low if isinstance(high, Number) else x * high + low for low, high in pairs] + (
            terms[-1:] if len(terms) % 2 else []
        )
        x = x * x
    return terms[0]


def power_of_two(x: Number, k: Any) -> Number:
    """2**k for an integer k from -1022 to 1023."""
    bits = x.builder.shl(x.builder.add(k, everywhere(k.type, 1023)), everywhere(k.type, 52))
    return x.of(x.builder.bitcast(bits, x.value.type))


def exp(x: Number) -> Number:
    x = clipped(x, -746.0, 710.0)
    k, r, rest = reduced(x)
    half = x.builder.ashr(k, everywhere(k.type, 1))  # 2**k itself may be out of range where the product is not
    other = x.builder.sub(k, half)
    return (rest * r * r + r + 1) * power_of_two(x, half) * power_of_two(x, other)


def clipped(x: Number, low: float, high: float) -> Number:
    """x between bounds; nan stays nan."""
    x = x.of(x.same(high)).where(x > high, x)
    return x.of(x.same(low)).where(x < low, x)


def tanh(x: Number) -> Number:
    size = clipped(abs(x), 0.0, 22.0)
    k, r, rest = reduced(size * 2)
    power = power_of_two(x, k)
    less_one = (rest * r * r + r) * power + (power - 1)  # e**2|x| - 1
    return (less_one / (less_one + 2)).intrinsic("copysign", x)


def maximum(x: Any, y: Any) -> Any:
    x, y = both(x, y)
    return x.where(x.builder.or_(x > y, x.is_nan()), y)


def minimum(x: Any, y: Any) -> Any:
    x, y = both(x, y)
    return x.where(x.builder.or_(x < y, x.is_nan()), y)


def both(x: Any, y: Any) -> tuple[Number, Number]:
    """Two operands of which one may be a plain number."""
    return (x, y if isinstance(y, Number) else x.of(x.same(y))) if isinstance(x, Number) else (y.of(y.same(x)), y)


def sign(x: Number) -> Number:
    return x.of(x.same(1.0)).where(x > 0, x.of(x.same(-1.0)).where(x < 0, x))


def step(x: Number) -> Number:
    return x.of(x.same(1.0)).where(x > 0, x.of(x.same(0.0)).where(x.builder.not_(x.is_nan()), x))


def library(name: str) -> Callable[..., Number]:
    def primitive(x: Any, *others: Any) -> Number:
        if others:
            x, *others = both(x, *others)  # type: ignore[assignment]
        return x.called(name, *others)  # type: ignore[no-any-return]

    return primitive


def sigmoid(x: Number) -> Number:
    """As the table has it, with one exponential instead of two."""
    power = exp(-abs(x))
    return power.where(x < 0, 1.0) / (power + 1)


LIBRARY = [*MATH, "pow"]  # functions of the C library
PRIMITIVES: dict[str, Callable[..., Number]] = {name: library(name) for name in LIBRARY} | {
    "exp": exp,
    "sigmoid": sigmoid,
    "tanh": tanh,
    "sqrt": lambda x: x.intrinsic("sqrt"),
    "abs": abs,
    "maximum": maximum,
    "minimum": minimum,
    "sign": sign,
    "step": step,
}


def constant_too(name: str, primitive: Callable[..., Any]) -> Callable[..., Any]:
    """A primitive that takes plain numbers too, as the `log(2)` of a formula."""

    def called(*operands: Any) -> Any:
        if not any(isinstance(x, Number) for x in operands):
            return on_floats(TABLE[name])(*operands)
        return primitive(*operands)

    return called


on_native = bind({name: constant_too(name, primitive) for name, primitive in PRIMITIVES.items()}, "native")
