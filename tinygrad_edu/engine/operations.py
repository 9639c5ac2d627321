# Written from the table by `python -m tinygrad_edu.engine.write`; a test checks that it is current.
"""Every operation of the table in Python: what computes and records it, and what hands its gradient on."""

from __future__ import annotations

import builtins
import math
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, TypeVar, overload

from tinygrad_edu.engine import numbers
from tinygrad_edu.engine.errors import UNDEFINED, undefined, unequal, unlisted
from tinygrad_edu.engine.numbers import NOT_COMPUTED, constant, number
from tinygrad_edu.engine.table import TABLE, Row

if TYPE_CHECKING:
    from tinygrad_edu.engine.value import Value  # when the program runs, value.py puts it here

Number = TypeVar("Number", float, "Value", "Value | float")

__all__ = [
    "acos",
    "add",
    "asin",
    "atan",
    "atan2",
    "cos",
    "cos_asin",
    "cosh",
    "dot",
    "elu",
    "erf",
    "erfc",
    "exp",
    "expm1",
    "gelu",
    "hypot",
    "is_zero",
    "leaky_relu",
    "linear",
    "log",
    "log1p",
    "log10",
    "logsumexp",
    "maximum",
    "minimum",
    "mul",
    "neg",
    "reciprocal",
    "relu",
    "sech",
    "sigmoid",
    "sign",
    "silu",
    "sin",
    "sinh",
    "softplus",
    "sqrt",
    "square",
    "step",
    "sub",
    "tan",
    "tanh",
    "truediv",
    "unit",
]

# Slots are filled one by one: a call of Value(...) would cost as much as all the rest.
new: Callable[[type[Value]], Value] = object.__new__

ADD = TABLE["add"]
SUB = TABLE["sub"]
MUL = TABLE["mul"]
TRUEDIV = TABLE["truediv"]
NEG = TABLE["neg"]
POW = TABLE["pow"]
SQUARE = TABLE["square"]
RECIPROCAL = TABLE["reciprocal"]
EXP = TABLE["exp"]
EXPM1 = TABLE["expm1"]
LOG = TABLE["log"]
LOG10 = TABLE["log10"]
LOG1P = TABLE["log1p"]
SQRT = TABLE["sqrt"]
SIN = TABLE["sin"]
COS = TABLE["cos"]
TAN = TABLE["tan"]
ASIN = TABLE["asin"]
ACOS = TABLE["acos"]
COS_ASIN = TABLE["cos_asin"]
ATAN = TABLE["atan"]
SINH = TABLE["sinh"]
COSH = TABLE["cosh"]
SECH = TABLE["sech"]
TANH = TABLE["tanh"]
ERF = TABLE["erf"]
ERFC = TABLE["erfc"]
SIGMOID = TABLE["sigmoid"]
SOFTPLUS = TABLE["softplus"]
RELU = TABLE["relu"]
LEAKY_RELU = TABLE["leaky_relu"]
ELU = TABLE["elu"]
GELU = TABLE["gelu"]
SILU = TABLE["silu"]
LINEAR = TABLE["linear"]
ABS = TABLE["abs"]
SIGN = TABLE["sign"]
STEP = TABLE["step"]
IS_ZERO = TABLE["is_zero"]
MAXIMUM = TABLE["maximum"]
MINIMUM = TABLE["minimum"]
HYPOT = TABLE["hypot"]
UNIT = TABLE["unit"]
ATAN2 = TABLE["atan2"]
DOT = TABLE["dot"]
SUM = TABLE["sum"]
LOGSUMEXP = TABLE["logsumexp"]


class Operations:
    """The operations of a Value, each followed by its pullback.

    In an operation x and y are the numbers of its operands. In a pullback g is the gradient of the result `out`, and
    each operand that is no constant gets g times the partial for it. That for a constant is not evaluated, and need
    not exist: (-2.0)**2 has none for the 2, which would be out * log(-2.0).
    """

    __slots__ = ()

    data: float
    grad: float
    op: Row
    parents: tuple[Any, ...]
    label: str

    def __add__(self, other: Value | float) -> Value:
        """x + y, where x is self; ∂/∂x = 1, ∂/∂y = 1."""
        x = self.data
        if isinstance(other, Value):
            y = other.data
        elif type(other) is float and other - other == 0:  # a finite constant
            y = other
        else:
            other = y = constant(other)
            if other is NotImplemented:
                return NotImplemented
        data = x + y
        node = new(Value)
        node.data = data
        node.grad = NOT_COMPUTED
        node.op = ADD
        node.parents = (self, other)
        node.label = ""
        return node

    def __radd__(self, other: Value | float) -> Value:
        """x + y, where y is self; ∂/∂x = 1, ∂/∂y = 1."""
        if isinstance(other, Value):
            x = other.data
        elif type(other) is float and other - other == 0:  # a finite constant
            x = other
        else:
            other = x = constant(other)
            if other is NotImplemented:
                return NotImplemented
        y = self.data
        data = x + y
        node = new(Value)
        node.data = data
        node.grad = NOT_COMPUTED
        node.op = ADD
        node.parents = (other, self)
        node.label = ""
        return node

    @staticmethod
    def _add_pullback(node: Value) -> None:
        g = node.grad
        left, right = node.parents
        if type(left) is not float:
            left.grad += g
        if type(right) is not float:
            right.grad += g

    def __sub__(self, other: Value | float) -> Value:
        """x - y, where x is self; ∂/∂x = 1, ∂/∂y = -1."""
        x = self.data
        if isinstance(other, Value):
            y = other.data
        elif type(other) is float and other - other == 0:  # a finite constant
            y = other
        else:
            other = y = constant(other)
            if other is NotImplemented:
                return NotImplemented
        data = x - y
        node = new(Value)
        node.data = data
        node.grad = NOT_COMPUTED
        node.op = SUB
        node.parents = (self, other)
        node.label = ""
        return node

    def __rsub__(self, other: Value | float) -> Value:
        """x - y, where y is self; ∂/∂x = 1, ∂/∂y = -1."""
        if isinstance(other, Value):
            x = other.data
        elif type(other) is float and other - other == 0:  # a finite constant
            x = other
        else:
            other = x = constant(other)
            if other is NotImplemented:
                return NotImplemented
        y = self.data
        data = x - y
        node = new(Value)
        node.data = data
        node.grad = NOT_COMPUTED
        node.op = SUB
        node.parents = (other, self)
        node.label = ""
        return node

    @staticmethod
    def _sub_pullback(node: Value) -> None:
        g = node.grad
        left, right = node.parents
        if type(left) is not float:
            left.grad += g
        if type(right) is not float:
            right.grad -= g

    def __mul__(self, other: Value | float) -> Value:
        """x * y, where x is self; ∂/∂x = y, ∂/∂y = x."""
        x = self.data
        if isinstance(other, Value):
            y = other.data
        elif type(other) is float and other - other == 0:  # a finite constant
            y = other
        else:
            other = y = constant(other)
            if other is NotImplemented:
                return NotImplemented
        data = x * y
        node = new(Value)
        node.data = data
        node.grad = NOT_COMPUTED
        node.op = MUL
        node.parents = (self, other)
        node.label = ""
        return node

    def __rmul__(self, other: Value | float) -> Value:
        """x * y, where y is self; ∂/∂x = y, ∂/∂y = x."""
        if isinstance(other, Value):
            x = other.data
        elif type(other) is float and other - other == 0:  # a finite constant
            x = other
        else:
            other = x = constant(other)
            if other is NotImplemented:
                return NotImplemented
        y = self.data
        data = x * y
        node = new(Value)
        node.data = data
        node.grad = NOT_COMPUTED
        node.op = MUL
        node.parents = (other, self)
        node.label = ""
        return node

    @staticmethod
    def _mul_pullback(node: Value) -> None:
        g = node.grad
        left, right = node.parents
        if type(right) is float:
            y = right
            left.grad += g * y
        elif type(left) is float:
            x = left
            right.grad += g * x
        else:
            x = left.data
            y = right.data
            left.grad += g * y
            right.grad += g * x

    def __truediv__(self, other: Value | float) -> Value:
        """x / y, where x is self; ∂/∂x = 1 / y, ∂/∂y = -out / y."""
        x = self.data
        if isinstance(other, Value):
            y = other.data
        elif type(other) is float and other - other == 0:  # a finite constant
            y = other
        else:
            other = y = constant(other)
            if other is NotImplemented:
                return NotImplemented
        try:
            data = x / y
        except UNDEFINED as error:
            raise undefined(TRUEDIV, (self, other), error) from None
        node = new(Value)
        node.data = data
        node.grad = NOT_COMPUTED
        node.op = TRUEDIV
        node.parents = (self, other)
        node.label = ""
        return node

    def __rtruediv__(self, other: Value | float) -> Value:
        """x / y, where y is self; ∂/∂x = 1 / y, ∂/∂y = -out / y."""
        if isinstance(other, Value):
            x = other.data
        elif type(other) is float and other - other == 0:  # a finite constant
            x = other
        else:
            other = x = constant(other)
            if other is NotImplemented:
                return NotImplemented
        y = self.data
        try:
            data = x / y
        except UNDEFINED as error:
            raise undefined(TRUEDIV, (other, self), error) from None
        node = new(Value)
        node.data = data
        node.grad = NOT_COMPUTED
        node.op = TRUEDIV
        node.parents = (other, self)
        node.label = ""
        return node

    @staticmethod
    def _truediv_pullback(node: Value) -> None:
        g = node.grad
        left, right = node.parents
        if type(right) is float:
            y = right
            left.grad += g * (1 / y)
        elif type(left) is float:
            y = right.data
            out = node.data
            right.grad += g * (-out / y)
        else:
            y = right.data
            out = node.data
            left.grad += g * (1 / y)
            right.grad += g * (-out / y)

    def neg(self) -> Value:
        """-x; ∂/∂x = -1."""
        x = self.data
        data = -x
        node = new(Value)
        node.data = data
        node.grad = NOT_COMPUTED
        node.op = NEG
        node.parents = (self,)
        node.label = ""
        return node

    __neg__ = neg

    @staticmethod
    def _neg_pullback(node: Value) -> None:
        g = node.grad
        (operand,) = node.parents
        operand.grad -= g

    def __pow__(self, other: Value | float) -> Value:
        """x ** y, where x is self.

        ∂/∂x = y * x**(y - 1)
        ∂/∂y = out * log(x)
        In floats ∂/∂x is off by 10 ulp, and wholly where y - 1 rounds to y.
        """
        x = self.data
        if isinstance(other, Value):
            y = other.data
        elif type(other) is float and other - other == 0:  # a finite constant
            y = other
        else:
            other = y = constant(other)
            if other is NotImplemented:
                return NotImplemented
        try:
            data = math.pow(x, y)
        except UNDEFINED as error:
            raise undefined(POW, (self, other), error) from None
        node = new(Value)
        node.data = data
        node.grad = NOT_COMPUTED
        node.op = POW
        node.parents = (self, other)
        node.label = ""
        return node

    def __rpow__(self, other: Value | float) -> Value:
        """x ** y, where y is self.

        ∂/∂x = y * x**(y - 1)
        ∂/∂y = out * log(x)
        In floats ∂/∂x is off by 10 ulp, and wholly where y - 1 rounds to y.
        """
        if isinstance(other, Value):
            x = other.data
        elif type(other) is float and other - other == 0:  # a finite constant
            x = other
        else:
            other = x = constant(other)
            if other is NotImplemented:
                return NotImplemented
        y = self.data
        try:
            data = math.pow(x, y)
        except UNDEFINED as error:
            raise undefined(POW, (other, self), error) from None
        node = new(Value)
        node.data = data
        node.grad = NOT_COMPUTED
        node.op = POW
        node.parents = (other, self)
        node.label = ""
        return node

    @staticmethod
    def _pow_pullback(node: Value) -> None:
        g = node.grad
        left, right = node.parents
        if type(right) is float:
            x = left.data
            y = right
            left.grad += g * (y * math.pow(x + numbers.is_zero(math.fabs(4.4e-16 * x) + math.fabs(y)), y - 1))
        elif type(left) is float:
            x = left
            out = node.data
            right.grad += g * (out * math.log(x + numbers.is_zero(x)))
        else:
            x = left.data
            y = right.data
            out = node.data
            left.grad += g * (y * math.pow(x + numbers.is_zero(math.fabs(4.4e-16 * x) + math.fabs(y)), y - 1))
            right.grad += g * (out * math.log(x + numbers.is_zero(x)))

    def square(self) -> Value:
        """square(x) = x * x; ∂/∂x = 2 * x."""
        x = self.data
        data = x * x
        node = new(Value)
        node.data = data
        node.grad = NOT_COMPUTED
        node.op = SQUARE
        node.parents = (self,)
        node.label = ""
        return node

    @staticmethod
    def _square_pullback(node: Value) -> None:
        g = node.grad
        (operand,) = node.parents
        x = operand.data
        operand.grad += g * (2 * x)

    def reciprocal(self) -> Value:
        """reciprocal(x) = 1 / x; ∂/∂x = -1 / x**2."""
        x = self.data
        try:
            data = 1 / x
        except UNDEFINED as error:
            raise undefined(RECIPROCAL, (self,), error) from None
        node = new(Value)
        node.data = data
        node.grad = NOT_COMPUTED
        node.op = RECIPROCAL
        node.parents = (self,)
        node.label = ""
        return node

    @staticmethod
    def _reciprocal_pullback(node: Value) -> None:
        g = node.grad
        (operand,) = node.parents
        x = operand.data
        out = node.data
        operand.grad += g * (-out / x)

    def exp(self) -> Value:
        """exp(x); ∂/∂x = out."""
        x = self.data
        try:
            data = math.exp(x)
        except UNDEFINED as error:
            raise undefined(EXP, (self,), error) from None
        node = new(Value)
        node.data = data
        node.grad = NOT_COMPUTED
        node.op = EXP
        node.parents = (self,)
        node.label = ""
        return node

    @staticmethod
    def _exp_pullback(node: Value) -> None:
        g = node.grad
        (operand,) = node.parents
        out = node.data
        operand.grad += g * out

    def expm1(self) -> Value:
        """expm1(x); ∂/∂x = out + 1."""
        x = self.data
        try:
            data = math.expm1(x)
        except UNDEFINED as error:
            raise undefined(EXPM1, (self,), error) from None
        node = new(Value)
        node.data = data
        node.grad = NOT_COMPUTED
        node.op = EXPM1
        node.parents = (self,)
        node.label = ""
        return node

    @staticmethod
    def _expm1_pullback(node: Value) -> None:
        g = node.grad
        (operand,) = node.parents
        x = operand.data
        operand.grad += g * math.exp(x)

    def log(self) -> Value:
        """log(x); ∂/∂x = 1 / x."""
        x = self.data
        try:
            data = math.log(x)
        except UNDEFINED as error:
            raise undefined(LOG, (self,), error) from None
        node = new(Value)
        node.data = data
        node.grad = NOT_COMPUTED
        node.op = LOG
        node.parents = (self,)
        node.label = ""
        return node

    @staticmethod
    def _log_pullback(node: Value) -> None:
        g = node.grad
        (operand,) = node.parents
        x = operand.data
        operand.grad += g * (1 / x)

    def log10(self) -> Value:
        """log10(x) = 0.4342944819032518 * log(x); ∂/∂x = 0.4342944819032518 / x."""
        x = self.data
        try:
            data = 0.4342944819032518 * math.log(x)
        except UNDEFINED as error:
            raise undefined(LOG10, (self,), error) from None
        node = new(Value)
        node.data = data
        node.grad = NOT_COMPUTED
        node.op = LOG10
        node.parents = (self,)
        node.label = ""
        return node

    @staticmethod
    def _log10_pullback(node: Value) -> None:
        g = node.grad
        (operand,) = node.parents
        x = operand.data
        operand.grad += g * (0.4342944819032518 / x)

    def log1p(self) -> Value:
        """log1p(x); ∂/∂x = 1 / (1 + x)."""
        x = self.data
        try:
            data = math.log1p(x)
        except UNDEFINED as error:
            raise undefined(LOG1P, (self,), error) from None
        node = new(Value)
        node.data = data
        node.grad = NOT_COMPUTED
        node.op = LOG1P
        node.parents = (self,)
        node.label = ""
        return node

    @staticmethod
    def _log1p_pullback(node: Value) -> None:
        g = node.grad
        (operand,) = node.parents
        x = operand.data
        operand.grad += g * (1 / (1 + x))

    def sqrt(self) -> Value:
        """sqrt(x); ∂/∂x = 1 / (2 * out)."""
        x = self.data
        try:
            data = math.sqrt(x)
        except UNDEFINED as error:
            raise undefined(SQRT, (self,), error) from None
        node = new(Value)
        node.data = data
        node.grad = NOT_COMPUTED
        node.op = SQRT
        node.parents = (self,)
        node.label = ""
        return node

    @staticmethod
    def _sqrt_pullback(node: Value) -> None:
        g = node.grad
        (operand,) = node.parents
        out = node.data
        operand.grad += g * (0.5 / out)

    def sin(self) -> Value:
        """sin(x); ∂/∂x = cos(x)."""
        x = self.data
        try:
            data = math.sin(x)
        except UNDEFINED as error:
            raise undefined(SIN, (self,), error) from None
        node = new(Value)
        node.data = data
        node.grad = NOT_COMPUTED
        node.op = SIN
        node.parents = (self,)
        node.label = ""
        return node

    @staticmethod
    def _sin_pullback(node: Value) -> None:
        g = node.grad
        (operand,) = node.parents
        x = operand.data
        operand.grad += g * math.cos(x)

    def cos(self) -> Value:
        """cos(x); ∂/∂x = -sin(x)."""
        x = self.data
        try:
            data = math.cos(x)
        except UNDEFINED as error:
            raise undefined(COS, (self,), error) from None
        node = new(Value)
        node.data = data
        node.grad = NOT_COMPUTED
        node.op = COS
        node.parents = (self,)
        node.label = ""
        return node

    @staticmethod
    def _cos_pullback(node: Value) -> None:
        g = node.grad
        (operand,) = node.parents
        x = operand.data
        operand.grad += g * -math.sin(x)

    def tan(self) -> Value:
        """tan(x); ∂/∂x = 1 + out**2."""
        x = self.data
        try:
            data = math.tan(x)
        except UNDEFINED as error:
            raise undefined(TAN, (self,), error) from None
        node = new(Value)
        node.data = data
        node.grad = NOT_COMPUTED
        node.op = TAN
        node.parents = (self,)
        node.label = ""
        return node

    @staticmethod
    def _tan_pullback(node: Value) -> None:
        g = node.grad
        (operand,) = node.parents
        out = node.data
        operand.grad += g * (1 + out * out)

    def asin(self) -> Value:
        """asin(x); ∂/∂x = 1 / sqrt(1 - x**2)."""
        x = self.data
        try:
            data = math.asin(x)
        except UNDEFINED as error:
            raise undefined(ASIN, (self,), error) from None
        node = new(Value)
        node.data = data
        node.grad = NOT_COMPUTED
        node.op = ASIN
        node.parents = (self,)
        node.label = ""
        return node

    @staticmethod
    def _asin_pullback(node: Value) -> None:
        g = node.grad
        (operand,) = node.parents
        x = operand.data
        operand.grad += g * (1 / numbers.cos_asin(x))

    def acos(self) -> Value:
        """acos(x); ∂/∂x = -1 / sqrt(1 - x**2)."""
        x = self.data
        try:
            data = math.acos(x)
        except UNDEFINED as error:
            raise undefined(ACOS, (self,), error) from None
        node = new(Value)
        node.data = data
        node.grad = NOT_COMPUTED
        node.op = ACOS
        node.parents = (self,)
        node.label = ""
        return node

    @staticmethod
    def _acos_pullback(node: Value) -> None:
        g = node.grad
        (operand,) = node.parents
        x = operand.data
        operand.grad += g * (-1 / numbers.cos_asin(x))

    def cos_asin(self) -> Value:
        """cos_asin(x) = sqrt((1 - x) * (1 + x)); ∂/∂x = -x / out."""
        x = self.data
        try:
            data = math.sqrt((1 - x) * (1 + x))
        except UNDEFINED as error:
            raise undefined(COS_ASIN, (self,), error) from None
        node = new(Value)
        node.data = data
        node.grad = NOT_COMPUTED
        node.op = COS_ASIN
        node.parents = (self,)
        node.label = ""
        return node

    @staticmethod
    def _cos_asin_pullback(node: Value) -> None:
        g = node.grad
        (operand,) = node.parents
        x = operand.data
        out = node.data
        operand.grad += g * (-x / out)

    def atan(self) -> Value:
        """atan(x); ∂/∂x = 1 / (1 + x**2)."""
        x = self.data
        data = math.atan(x)
        node = new(Value)
        node.data = data
        node.grad = NOT_COMPUTED
        node.op = ATAN
        node.parents = (self,)
        node.label = ""
        return node

    @staticmethod
    def _atan_pullback(node: Value) -> None:
        g = node.grad
        (operand,) = node.parents
        x = operand.data
        operand.grad += g * (1 / (1 + x * x))

    def sinh(self) -> Value:
        """sinh(x); ∂/∂x = cosh(x)."""
        x = self.data
        try:
            data = math.sinh(x)
        except UNDEFINED as error:
            raise undefined(SINH, (self,), error) from None
        node = new(Value)
        node.data = data
        node.grad = NOT_COMPUTED
        node.op = SINH
        node.parents = (self,)
        node.label = ""
        return node

    @staticmethod
    def _sinh_pullback(node: Value) -> None:
        g = node.grad
        (operand,) = node.parents
        x = operand.data
        operand.grad += g * math.cosh(x)

    def cosh(self) -> Value:
        """cosh(x); ∂/∂x = sinh(x)."""
        x = self.data
        try:
            data = math.cosh(x)
        except UNDEFINED as error:
            raise undefined(COSH, (self,), error) from None
        node = new(Value)
        node.data = data
        node.grad = NOT_COMPUTED
        node.op = COSH
        node.parents = (self,)
        node.label = ""
        return node

    @staticmethod
    def _cosh_pullback(node: Value) -> None:
        g = node.grad
        (operand,) = node.parents
        x = operand.data
        operand.grad += g * math.sinh(x)

    def sech(self) -> Value:
        """sech(x) = 2 * exp(-abs(x)) / (1 + exp(-2 * abs(x))); ∂/∂x = -out * tanh(x)."""
        x = self.data
        try:
            data = 2 * math.exp(-math.fabs(x)) / (1 + math.exp(-2 * math.fabs(x)))
        except UNDEFINED as error:
            raise undefined(SECH, (self,), error) from None
        node = new(Value)
        node.data = data
        node.grad = NOT_COMPUTED
        node.op = SECH
        node.parents = (self,)
        node.label = ""
        return node

    @staticmethod
    def _sech_pullback(node: Value) -> None:
        g = node.grad
        (operand,) = node.parents
        x = operand.data
        out = node.data
        operand.grad += g * (-out * math.tanh(x))

    def tanh(self) -> Value:
        """tanh(x); ∂/∂x = 1 - out**2."""
        x = self.data
        data = math.tanh(x)
        node = new(Value)
        node.data = data
        node.grad = NOT_COMPUTED
        node.op = TANH
        node.parents = (self,)
        node.label = ""
        return node

    @staticmethod
    def _tanh_pullback(node: Value) -> None:
        g = node.grad
        (operand,) = node.parents
        x = operand.data
        operand.grad += g * numbers.square(numbers.sech(x))

    def erf(self) -> Value:
        """erf(x).

        ∂/∂x = 1.1283791670955126 * exp(-x*x)
        In floats ∂/∂x is off by 4 + x² ulp.
        """
        x = self.data
        data = math.erf(x)
        node = new(Value)
        node.data = data
        node.grad = NOT_COMPUTED
        node.op = ERF
        node.parents = (self,)
        node.label = ""
        return node

    @staticmethod
    def _erf_pullback(node: Value) -> None:
        g = node.grad
        (operand,) = node.parents
        x = operand.data
        operand.grad += g * (1.1283791670955126 * math.exp(-x * x))

    def erfc(self) -> Value:
        """erfc(x).

        ∂/∂x = -1.1283791670955126 * exp(-x*x)
        In floats ∂/∂x is off by 4 + x² ulp.
        """
        x = self.data
        data = math.erfc(x)
        node = new(Value)
        node.data = data
        node.grad = NOT_COMPUTED
        node.op = ERFC
        node.parents = (self,)
        node.label = ""
        return node

    @staticmethod
    def _erfc_pullback(node: Value) -> None:
        g = node.grad
        (operand,) = node.parents
        x = operand.data
        operand.grad += g * (-1.1283791670955126 * math.exp(-x * x))

    def sigmoid(self) -> Value:
        """sigmoid(x) = exp(minimum(x, 0)) / (1 + exp(-abs(x))); ∂/∂x = out * (1 - out)."""
        x = self.data
        try:
            data = math.exp(numbers.minimum(x, 0)) / (1 + math.exp(-math.fabs(x)))
        except UNDEFINED as error:
            raise undefined(SIGMOID, (self,), error) from None
        node = new(Value)
        node.data = data
        node.grad = NOT_COMPUTED
        node.op = SIGMOID
        node.parents = (self,)
        node.label = ""
        return node

    @staticmethod
    def _sigmoid_pullback(node: Value) -> None:
        g = node.grad
        (operand,) = node.parents
        x = operand.data
        out = node.data
        operand.grad += g * (out * numbers.sigmoid(-x))

    def softplus(self) -> Value:
        """softplus(x) = maximum(x, 0) + log1p(exp(-abs(x))); ∂/∂x = sigmoid(x)."""
        x = self.data
        try:
            data = numbers.maximum(x, 0) + math.log1p(math.exp(-math.fabs(x)))
        except UNDEFINED as error:
            raise undefined(SOFTPLUS, (self,), error) from None
        node = new(Value)
        node.data = data
        node.grad = NOT_COMPUTED
        node.op = SOFTPLUS
        node.parents = (self,)
        node.label = ""
        return node

    @staticmethod
    def _softplus_pullback(node: Value) -> None:
        g = node.grad
        (operand,) = node.parents
        x = operand.data
        operand.grad += g * numbers.sigmoid(x)

    def relu(self) -> Value:
        """relu(x) = maximum(x, 0).

        ∂/∂x = step(x)
        At x = 0 the derivative is 0.
        """
        x = self.data
        data = numbers.maximum(x, 0)
        node = new(Value)
        node.data = data
        node.grad = NOT_COMPUTED
        node.op = RELU
        node.parents = (self,)
        node.label = ""
        return node

    @staticmethod
    def _relu_pullback(node: Value) -> None:
        g = node.grad
        (operand,) = node.parents
        x = operand.data
        operand.grad += g * numbers.step(x)

    def leaky_relu(self) -> Value:
        """leaky_relu(x) = maximum(x, 0) + 0.01*minimum(x, 0).

        ∂/∂x = 0.01 + 0.99*step(x)
        At x = 0 the derivative is 0.01.
        """
        x = self.data
        data = numbers.maximum(x, 0) + 0.01 * numbers.minimum(x, 0)
        node = new(Value)
        node.data = data
        node.grad = NOT_COMPUTED
        node.op = LEAKY_RELU
        node.parents = (self,)
        node.label = ""
        return node

    @staticmethod
    def _leaky_relu_pullback(node: Value) -> None:
        g = node.grad
        (operand,) = node.parents
        x = operand.data
        operand.grad += g * (0.01 + 0.99 * numbers.step(x))

    def elu(self) -> Value:
        """elu(x) = maximum(x, 0) + expm1(minimum(x, 0)); ∂/∂x = exp(minimum(x, 0))."""
        x = self.data
        try:
            data = numbers.maximum(x, 0) + math.expm1(numbers.minimum(x, 0))
        except UNDEFINED as error:
            raise undefined(ELU, (self,), error) from None
        node = new(Value)
        node.data = data
        node.grad = NOT_COMPUTED
        node.op = ELU
        node.parents = (self,)
        node.label = ""
        return node

    @staticmethod
    def _elu_pullback(node: Value) -> None:
        g = node.grad
        (operand,) = node.parents
        x = operand.data
        operand.grad += g * math.exp(numbers.minimum(x, 0))

    def gelu(self) -> Value:
        """gelu(x) = x * 0.5*erfc(-0.7071067811865476*x).

        ∂/∂x = 0.5*erfc(-0.7071067811865476*x) + x*0.3989422804014327*exp(-0.5*x*x)
        In floats result and derivative are off by 4 + 2*x**2 ulp, left of 0.
        """
        x = self.data
        data = x * 0.5 * math.erfc(-0.7071067811865476 * x)
        node = new(Value)
        node.data = data
        node.grad = NOT_COMPUTED
        node.op = GELU
        node.parents = (self,)
        node.label = ""
        return node

    @staticmethod
    def _gelu_pullback(node: Value) -> None:
        g = node.grad
        (operand,) = node.parents
        x = operand.data
        operand.grad += g * (0.5 * math.erfc(-0.7071067811865476 * x) + x * 0.3989422804014327 * math.exp(-0.5 * x * x))

    def silu(self) -> Value:
        """silu(x) = x * sigmoid(x); ∂/∂x = sigmoid(x) * (1 + x*sigmoid(-x))."""
        x = self.data
        try:
            data = x * numbers.sigmoid(x)
        except UNDEFINED as error:
            raise undefined(SILU, (self,), error) from None
        node = new(Value)
        node.data = data
        node.grad = NOT_COMPUTED
        node.op = SILU
        node.parents = (self,)
        node.label = ""
        return node

    @staticmethod
    def _silu_pullback(node: Value) -> None:
        g = node.grad
        (operand,) = node.parents
        x = operand.data
        operand.grad += g * (numbers.sigmoid(x) * (1 + x * numbers.sigmoid(-x)))

    def linear(self) -> Value:
        """linear(x) = x; ∂/∂x = 1."""
        x = self.data
        data = x
        node = new(Value)
        node.data = data
        node.grad = NOT_COMPUTED
        node.op = LINEAR
        node.parents = (self,)
        node.label = ""
        return node

    @staticmethod
    def _linear_pullback(node: Value) -> None:
        g = node.grad
        (operand,) = node.parents
        operand.grad += g

    def abs(self) -> Value:
        """abs(x).

        ∂/∂x = sign(x)
        At x = 0 the derivative is 0.
        """
        x = self.data
        data = math.fabs(x)
        node = new(Value)
        node.data = data
        node.grad = NOT_COMPUTED
        node.op = ABS
        node.parents = (self,)
        node.label = ""
        return node

    __abs__ = abs

    @staticmethod
    def _abs_pullback(node: Value) -> None:
        g = node.grad
        (operand,) = node.parents
        x = operand.data
        operand.grad += g * numbers.sign(x)

    def sign(self) -> Value:
        """sign(x).

        ∂/∂x = 0
        At x = 0 the derivative is 0.
        """
        x = self.data
        data = numbers.sign(x)
        node = new(Value)
        node.data = data
        node.grad = NOT_COMPUTED
        node.op = SIGN
        node.parents = (self,)
        node.label = ""
        return node

    @staticmethod
    def _sign_pullback(node: Value) -> None:
        (operand,) = node.parents
        operand.grad += 0.0  # says that it was computed

    def step(self) -> Value:
        """step(x).

        ∂/∂x = 0
        At x = 0 the derivative is 0.
        """
        x = self.data
        data = numbers.step(x)
        node = new(Value)
        node.data = data
        node.grad = NOT_COMPUTED
        node.op = STEP
        node.parents = (self,)
        node.label = ""
        return node

    @staticmethod
    def _step_pullback(node: Value) -> None:
        (operand,) = node.parents
        operand.grad += 0.0  # says that it was computed

    def is_zero(self) -> Value:
        """is_zero(x) = 1 - step(abs(x)).

        ∂/∂x = 0
        At x = 0 the derivative is 0.
        """
        x = self.data
        data = 1 - numbers.step(math.fabs(x))
        node = new(Value)
        node.data = data
        node.grad = NOT_COMPUTED
        node.op = IS_ZERO
        node.parents = (self,)
        node.label = ""
        return node

    @staticmethod
    def _is_zero_pullback(node: Value) -> None:
        (operand,) = node.parents
        operand.grad += 0.0  # says that it was computed

    def maximum(self, other: Value | float) -> Value:
        """maximum(x, y), where x is self.

        ∂/∂x = 0.5 * (1 + sign(x - y))
        ∂/∂y = 0.5 * (1 + sign(y - x))
        At x - y = 0 the derivative is 1/2 each.
        """
        x = self.data
        if isinstance(other, Value):
            y = other.data
        elif type(other) is float and other - other == 0:  # a finite constant
            y = other
        else:
            other = y = number(other)
        data = numbers.maximum(x, y)
        node = new(Value)
        node.data = data
        node.grad = NOT_COMPUTED
        node.op = MAXIMUM
        node.parents = (self, other)
        node.label = ""
        return node

    def _reflected_maximum(self, other: Value | float) -> Value:
        """maximum(x, y), where y is self.

        ∂/∂x = 0.5 * (1 + sign(x - y))
        ∂/∂y = 0.5 * (1 + sign(y - x))
        At x - y = 0 the derivative is 1/2 each.
        """
        if isinstance(other, Value):
            x = other.data
        elif type(other) is float and other - other == 0:  # a finite constant
            x = other
        else:
            other = x = number(other)
        y = self.data
        data = numbers.maximum(x, y)
        node = new(Value)
        node.data = data
        node.grad = NOT_COMPUTED
        node.op = MAXIMUM
        node.parents = (other, self)
        node.label = ""
        return node

    @staticmethod
    def _maximum_pullback(node: Value) -> None:
        g = node.grad
        left, right = node.parents
        if type(right) is float:
            x = left.data
            y = right
            left.grad += g * (0.5 * (1 + numbers.sign(x - y)))
        elif type(left) is float:
            y = right.data
            x = left
            right.grad += g * (0.5 * (1 + numbers.sign(y - x)))
        else:
            x = left.data
            y = right.data
            left.grad += g * (0.5 * (1 + numbers.sign(x - y)))
            right.grad += g * (0.5 * (1 + numbers.sign(y - x)))

    def minimum(self, other: Value | float) -> Value:
        """minimum(x, y), where x is self.

        ∂/∂x = 0.5 * (1 + sign(y - x))
        ∂/∂y = 0.5 * (1 + sign(x - y))
        At x - y = 0 the derivative is 1/2 each.
        """
        x = self.data
        if isinstance(other, Value):
            y = other.data
        elif type(other) is float and other - other == 0:  # a finite constant
            y = other
        else:
            other = y = number(other)
        data = numbers.minimum(x, y)
        node = new(Value)
        node.data = data
        node.grad = NOT_COMPUTED
        node.op = MINIMUM
        node.parents = (self, other)
        node.label = ""
        return node

    def _reflected_minimum(self, other: Value | float) -> Value:
        """minimum(x, y), where y is self.

        ∂/∂x = 0.5 * (1 + sign(y - x))
        ∂/∂y = 0.5 * (1 + sign(x - y))
        At x - y = 0 the derivative is 1/2 each.
        """
        if isinstance(other, Value):
            x = other.data
        elif type(other) is float and other - other == 0:  # a finite constant
            x = other
        else:
            other = x = number(other)
        y = self.data
        data = numbers.minimum(x, y)
        node = new(Value)
        node.data = data
        node.grad = NOT_COMPUTED
        node.op = MINIMUM
        node.parents = (other, self)
        node.label = ""
        return node

    @staticmethod
    def _minimum_pullback(node: Value) -> None:
        g = node.grad
        left, right = node.parents
        if type(right) is float:
            x = left.data
            y = right
            left.grad += g * (0.5 * (1 + numbers.sign(y - x)))
        elif type(left) is float:
            y = right.data
            x = left
            right.grad += g * (0.5 * (1 + numbers.sign(x - y)))
        else:
            x = left.data
            y = right.data
            left.grad += g * (0.5 * (1 + numbers.sign(y - x)))
            right.grad += g * (0.5 * (1 + numbers.sign(x - y)))

    def hypot(self, other: Value | float) -> Value:
        """hypot(x, y), where x is self; ∂/∂x = x / out, ∂/∂y = y / out."""
        x = self.data
        if isinstance(other, Value):
            y = other.data
        elif type(other) is float and other - other == 0:  # a finite constant
            y = other
        else:
            other = y = number(other)
        data = math.hypot(x, y)
        node = new(Value)
        node.data = data
        node.grad = NOT_COMPUTED
        node.op = HYPOT
        node.parents = (self, other)
        node.label = ""
        return node

    def _reflected_hypot(self, other: Value | float) -> Value:
        """hypot(x, y), where y is self; ∂/∂x = x / out, ∂/∂y = y / out."""
        if isinstance(other, Value):
            x = other.data
        elif type(other) is float and other - other == 0:  # a finite constant
            x = other
        else:
            other = x = number(other)
        y = self.data
        data = math.hypot(x, y)
        node = new(Value)
        node.data = data
        node.grad = NOT_COMPUTED
        node.op = HYPOT
        node.parents = (other, self)
        node.label = ""
        return node

    @staticmethod
    def _hypot_pullback(node: Value) -> None:
        g = node.grad
        left, right = node.parents
        if type(right) is float:
            x = left.data
            y = right
            left.grad += g * numbers.unit(x, y)
        elif type(left) is float:
            y = right.data
            x = left
            right.grad += g * numbers.unit(y, x)
        else:
            x = left.data
            y = right.data
            left.grad += g * numbers.unit(x, y)
            right.grad += g * numbers.unit(y, x)

    def unit(self, other: Value | float) -> Value:
        """unit(x, y) = x / hypot(x, y), where x is self.

        ∂/∂x = y**2 / hypot(x, y)**3
        ∂/∂y = -x * y / hypot(x, y)**3
        """
        x = self.data
        if isinstance(other, Value):
            y = other.data
        elif type(other) is float and other - other == 0:  # a finite constant
            y = other
        else:
            other = y = number(other)
        try:
            data = x / math.hypot(x, y)
        except UNDEFINED as error:
            raise undefined(UNIT, (self, other), error) from None
        node = new(Value)
        node.data = data
        node.grad = NOT_COMPUTED
        node.op = UNIT
        node.parents = (self, other)
        node.label = ""
        return node

    def _reflected_unit(self, other: Value | float) -> Value:
        """unit(x, y) = x / hypot(x, y), where y is self.

        ∂/∂x = y**2 / hypot(x, y)**3
        ∂/∂y = -x * y / hypot(x, y)**3
        """
        if isinstance(other, Value):
            x = other.data
        elif type(other) is float and other - other == 0:  # a finite constant
            x = other
        else:
            other = x = number(other)
        y = self.data
        try:
            data = x / math.hypot(x, y)
        except UNDEFINED as error:
            raise undefined(UNIT, (other, self), error) from None
        node = new(Value)
        node.data = data
        node.grad = NOT_COMPUTED
        node.op = UNIT
        node.parents = (other, self)
        node.label = ""
        return node

    @staticmethod
    def _unit_pullback(node: Value) -> None:
        g = node.grad
        left, right = node.parents
        if type(right) is float:
            x = left.data
            y = right
            left.grad += g * (numbers.square(numbers.unit(y, x)) / math.hypot(x, y))
        elif type(left) is float:
            y = right.data
            x = left
            out = node.data
            right.grad += g * (-out * numbers.unit(y, x) / math.hypot(x, y))
        else:
            x = left.data
            y = right.data
            out = node.data
            left.grad += g * (numbers.square(numbers.unit(y, x)) / math.hypot(x, y))
            right.grad += g * (-out * numbers.unit(y, x) / math.hypot(x, y))

    def atan2(self, other: Value | float) -> Value:
        """atan2(x, y), where x is self; ∂/∂x = y / (x**2 + y**2), ∂/∂y = -x / (x**2 + y**2)."""
        x = self.data
        if isinstance(other, Value):
            y = other.data
        elif type(other) is float and other - other == 0:  # a finite constant
            y = other
        else:
            other = y = number(other)
        data = math.atan2(x, y)
        node = new(Value)
        node.data = data
        node.grad = NOT_COMPUTED
        node.op = ATAN2
        node.parents = (self, other)
        node.label = ""
        return node

    def _reflected_atan2(self, other: Value | float) -> Value:
        """atan2(x, y), where y is self; ∂/∂x = y / (x**2 + y**2), ∂/∂y = -x / (x**2 + y**2)."""
        if isinstance(other, Value):
            x = other.data
        elif type(other) is float and other - other == 0:  # a finite constant
            x = other
        else:
            other = x = number(other)
        y = self.data
        data = math.atan2(x, y)
        node = new(Value)
        node.data = data
        node.grad = NOT_COMPUTED
        node.op = ATAN2
        node.parents = (other, self)
        node.label = ""
        return node

    @staticmethod
    def _atan2_pullback(node: Value) -> None:
        g = node.grad
        left, right = node.parents
        if type(right) is float:
            x = left.data
            y = right
            left.grad += g * (numbers.unit(y, x) / math.hypot(x, y))
        elif type(left) is float:
            y = right.data
            x = left
            right.grad += g * (-numbers.unit(x, y) / math.hypot(x, y))
        else:
            x = left.data
            y = right.data
            left.grad += g * (numbers.unit(y, x) / math.hypot(x, y))
            right.grad += g * (-numbers.unit(x, y) / math.hypot(x, y))


@overload
def add(x: float, y: float) -> float: ...
@overload
def add(x: Value, y: Value | float) -> Value: ...
@overload
def add(x: float, y: Value) -> Value: ...
def add(x: Value | float, y: Value | float) -> Value | float:
    """x + y; ∂/∂x = 1, ∂/∂y = 1."""
    if isinstance(x, Value) or isinstance(y, Value):
        return x + y
    return (Value(x) + y).data


@overload
def sub(x: float, y: float) -> float: ...
@overload
def sub(x: Value, y: Value | float) -> Value: ...
@overload
def sub(x: float, y: Value) -> Value: ...
def sub(x: Value | float, y: Value | float) -> Value | float:
    """x - y; ∂/∂x = 1, ∂/∂y = -1."""
    if isinstance(x, Value) or isinstance(y, Value):
        return x - y
    return (Value(x) - y).data


@overload
def mul(x: float, y: float) -> float: ...
@overload
def mul(x: Value, y: Value | float) -> Value: ...
@overload
def mul(x: float, y: Value) -> Value: ...
def mul(x: Value | float, y: Value | float) -> Value | float:
    """x * y; ∂/∂x = y, ∂/∂y = x."""
    if isinstance(x, Value) or isinstance(y, Value):
        return x * y
    return (Value(x) * y).data


@overload
def truediv(x: float, y: float) -> float: ...
@overload
def truediv(x: Value, y: Value | float) -> Value: ...
@overload
def truediv(x: float, y: Value) -> Value: ...
def truediv(x: Value | float, y: Value | float) -> Value | float:
    """x / y; ∂/∂x = 1 / y, ∂/∂y = -out / y."""
    if isinstance(x, Value) or isinstance(y, Value):
        return x / y
    return (Value(x) / y).data


def neg(x: Number) -> Number:
    """-x; ∂/∂x = -1."""
    return x.neg() if isinstance(x, Value) else Value(x).neg().data


@overload
def pow(x: float, y: float) -> float: ...
@overload
def pow(x: Value, y: Value | float) -> Value: ...
@overload
def pow(x: float, y: Value) -> Value: ...
def pow(x: Value | float, y: Value | float) -> Value | float:
    """x ** y.

    ∂/∂x = y * x**(y - 1)
    ∂/∂y = out * log(x)
    In floats ∂/∂x is off by 10 ulp, and wholly where y - 1 rounds to y.
    """
    if isinstance(x, Value) or isinstance(y, Value):
        return x**y
    return (Value(x) ** y).data


def square(x: Number) -> Number:
    """square(x) = x * x; ∂/∂x = 2 * x."""
    return x.square() if isinstance(x, Value) else Value(x).square().data


def reciprocal(x: Number) -> Number:
    """reciprocal(x) = 1 / x; ∂/∂x = -1 / x**2."""
    return x.reciprocal() if isinstance(x, Value) else Value(x).reciprocal().data


def exp(x: Number) -> Number:
    """exp(x); ∂/∂x = out."""
    return x.exp() if isinstance(x, Value) else Value(x).exp().data


def expm1(x: Number) -> Number:
    """expm1(x); ∂/∂x = out + 1."""
    return x.expm1() if isinstance(x, Value) else Value(x).expm1().data


def log(x: Number) -> Number:
    """log(x); ∂/∂x = 1 / x."""
    return x.log() if isinstance(x, Value) else Value(x).log().data


def log10(x: Number) -> Number:
    """log10(x) = 0.4342944819032518 * log(x); ∂/∂x = 0.4342944819032518 / x."""
    return x.log10() if isinstance(x, Value) else Value(x).log10().data


def log1p(x: Number) -> Number:
    """log1p(x); ∂/∂x = 1 / (1 + x)."""
    return x.log1p() if isinstance(x, Value) else Value(x).log1p().data


def sqrt(x: Number) -> Number:
    """sqrt(x); ∂/∂x = 1 / (2 * out)."""
    return x.sqrt() if isinstance(x, Value) else Value(x).sqrt().data


def sin(x: Number) -> Number:
    """sin(x); ∂/∂x = cos(x)."""
    return x.sin() if isinstance(x, Value) else Value(x).sin().data


def cos(x: Number) -> Number:
    """cos(x); ∂/∂x = -sin(x)."""
    return x.cos() if isinstance(x, Value) else Value(x).cos().data


def tan(x: Number) -> Number:
    """tan(x); ∂/∂x = 1 + out**2."""
    return x.tan() if isinstance(x, Value) else Value(x).tan().data


def asin(x: Number) -> Number:
    """asin(x); ∂/∂x = 1 / sqrt(1 - x**2)."""
    return x.asin() if isinstance(x, Value) else Value(x).asin().data


def acos(x: Number) -> Number:
    """acos(x); ∂/∂x = -1 / sqrt(1 - x**2)."""
    return x.acos() if isinstance(x, Value) else Value(x).acos().data


def cos_asin(x: Number) -> Number:
    """cos_asin(x) = sqrt((1 - x) * (1 + x)); ∂/∂x = -x / out."""
    return x.cos_asin() if isinstance(x, Value) else Value(x).cos_asin().data


def atan(x: Number) -> Number:
    """atan(x); ∂/∂x = 1 / (1 + x**2)."""
    return x.atan() if isinstance(x, Value) else Value(x).atan().data


def sinh(x: Number) -> Number:
    """sinh(x); ∂/∂x = cosh(x)."""
    return x.sinh() if isinstance(x, Value) else Value(x).sinh().data


def cosh(x: Number) -> Number:
    """cosh(x); ∂/∂x = sinh(x)."""
    return x.cosh() if isinstance(x, Value) else Value(x).cosh().data


def sech(x: Number) -> Number:
    """sech(x) = 2 * exp(-abs(x)) / (1 + exp(-2 * abs(x))); ∂/∂x = -out * tanh(x)."""
    return x.sech() if isinstance(x, Value) else Value(x).sech().data


def tanh(x: Number) -> Number:
    """tanh(x); ∂/∂x = 1 - out**2."""
    return x.tanh() if isinstance(x, Value) else Value(x).tanh().data


def erf(x: Number) -> Number:
    """erf(x).

    ∂/∂x = 1.1283791670955126 * exp(-x*x)
    In floats ∂/∂x is off by 4 + x² ulp.
    """
    return x.erf() if isinstance(x, Value) else Value(x).erf().data


def erfc(x: Number) -> Number:
    """erfc(x).

    ∂/∂x = -1.1283791670955126 * exp(-x*x)
    In floats ∂/∂x is off by 4 + x² ulp.
    """
    return x.erfc() if isinstance(x, Value) else Value(x).erfc().data


def sigmoid(x: Number) -> Number:
    """sigmoid(x) = exp(minimum(x, 0)) / (1 + exp(-abs(x))); ∂/∂x = out * (1 - out)."""
    return x.sigmoid() if isinstance(x, Value) else Value(x).sigmoid().data


def softplus(x: Number) -> Number:
    """softplus(x) = maximum(x, 0) + log1p(exp(-abs(x))); ∂/∂x = sigmoid(x)."""
    return x.softplus() if isinstance(x, Value) else Value(x).softplus().data


def relu(x: Number) -> Number:
    """relu(x) = maximum(x, 0).

    ∂/∂x = step(x)
    At x = 0 the derivative is 0.
    """
    return x.relu() if isinstance(x, Value) else Value(x).relu().data


def leaky_relu(x: Number) -> Number:
    """leaky_relu(x) = maximum(x, 0) + 0.01*minimum(x, 0).

    ∂/∂x = 0.01 + 0.99*step(x)
    At x = 0 the derivative is 0.01.
    """
    return x.leaky_relu() if isinstance(x, Value) else Value(x).leaky_relu().data


def elu(x: Number) -> Number:
    """elu(x) = maximum(x, 0) + expm1(minimum(x, 0)); ∂/∂x = exp(minimum(x, 0))."""
    return x.elu() if isinstance(x, Value) else Value(x).elu().data


def gelu(x: Number) -> Number:
    """gelu(x) = x * 0.5*erfc(-0.7071067811865476*x).

    ∂/∂x = 0.5*erfc(-0.7071067811865476*x) + x*0.3989422804014327*exp(-0.5*x*x)
    In floats result and derivative are off by 4 + 2*x**2 ulp, left of 0.
    """
    return x.gelu() if isinstance(x, Value) else Value(x).gelu().data


def silu(x: Number) -> Number:
    """silu(x) = x * sigmoid(x); ∂/∂x = sigmoid(x) * (1 + x*sigmoid(-x))."""
    return x.silu() if isinstance(x, Value) else Value(x).silu().data


def linear(x: Number) -> Number:
    """linear(x) = x; ∂/∂x = 1."""
    return x.linear() if isinstance(x, Value) else Value(x).linear().data


def abs(x: Number) -> Number:
    """abs(x).

    ∂/∂x = sign(x)
    At x = 0 the derivative is 0.
    """
    return x.abs() if isinstance(x, Value) else Value(x).abs().data


def sign(x: Number) -> Number:
    """sign(x).

    ∂/∂x = 0
    At x = 0 the derivative is 0.
    """
    return x.sign() if isinstance(x, Value) else Value(x).sign().data


def step(x: Number) -> Number:
    """step(x).

    ∂/∂x = 0
    At x = 0 the derivative is 0.
    """
    return x.step() if isinstance(x, Value) else Value(x).step().data


def is_zero(x: Number) -> Number:
    """is_zero(x) = 1 - step(abs(x)).

    ∂/∂x = 0
    At x = 0 the derivative is 0.
    """
    return x.is_zero() if isinstance(x, Value) else Value(x).is_zero().data


@overload
def maximum(x: float, y: float) -> float: ...
@overload
def maximum(x: Value, y: Value | float) -> Value: ...
@overload
def maximum(x: float, y: Value) -> Value: ...
def maximum(x: Value | float, y: Value | float) -> Value | float:
    """maximum(x, y).

    ∂/∂x = 0.5 * (1 + sign(x - y))
    ∂/∂y = 0.5 * (1 + sign(y - x))
    At x - y = 0 the derivative is 1/2 each.
    """
    if isinstance(x, Value):
        return x.maximum(y)
    if isinstance(y, Value):
        return y._reflected_maximum(x)
    return Value(x).maximum(y).data


@overload
def minimum(x: float, y: float) -> float: ...
@overload
def minimum(x: Value, y: Value | float) -> Value: ...
@overload
def minimum(x: float, y: Value) -> Value: ...
def minimum(x: Value | float, y: Value | float) -> Value | float:
    """minimum(x, y).

    ∂/∂x = 0.5 * (1 + sign(y - x))
    ∂/∂y = 0.5 * (1 + sign(x - y))
    At x - y = 0 the derivative is 1/2 each.
    """
    if isinstance(x, Value):
        return x.minimum(y)
    if isinstance(y, Value):
        return y._reflected_minimum(x)
    return Value(x).minimum(y).data


@overload
def hypot(x: float, y: float) -> float: ...
@overload
def hypot(x: Value, y: Value | float) -> Value: ...
@overload
def hypot(x: float, y: Value) -> Value: ...
def hypot(x: Value | float, y: Value | float) -> Value | float:
    """hypot(x, y); ∂/∂x = x / out, ∂/∂y = y / out."""
    if isinstance(x, Value):
        return x.hypot(y)
    if isinstance(y, Value):
        return y._reflected_hypot(x)
    return Value(x).hypot(y).data


@overload
def unit(x: float, y: float) -> float: ...
@overload
def unit(x: Value, y: Value | float) -> Value: ...
@overload
def unit(x: float, y: Value) -> Value: ...
def unit(x: Value | float, y: Value | float) -> Value | float:
    """unit(x, y) = x / hypot(x, y); ∂/∂x = y**2 / hypot(x, y)**3, ∂/∂y = -x * y / hypot(x, y)**3."""
    if isinstance(x, Value):
        return x.unit(y)
    if isinstance(y, Value):
        return y._reflected_unit(x)
    return Value(x).unit(y).data


@overload
def atan2(x: float, y: float) -> float: ...
@overload
def atan2(x: Value, y: Value | float) -> Value: ...
@overload
def atan2(x: float, y: Value) -> Value: ...
def atan2(x: Value | float, y: Value | float) -> Value | float:
    """atan2(x, y); ∂/∂x = y / (x**2 + y**2), ∂/∂y = -x / (x**2 + y**2)."""
    if isinstance(x, Value):
        return x.atan2(y)
    if isinstance(y, Value):
        return y._reflected_atan2(x)
    return Value(x).atan2(y).data


@overload
def dot(x: Iterable[float], y: Iterable[float]) -> float: ...  # type: ignore[overload-overlap]
@overload
def dot(x: Iterable[Value | float], y: Iterable[Value | float]) -> Value: ...
def dot(x: Iterable[Any], y: Iterable[Any]) -> Any:
    """dot(x_i, y_i) = sum(x_i * y_i); ∂/∂x_i = y_i, ∂/∂y_i = x_i."""
    try:
        xs: list[Any] = [v if isinstance(v, Value) else number(v) for v in x]
        ys: list[Any] = [v if isinstance(v, Value) else number(v) for v in y]
    except TypeError as error:
        raise unlisted(DOT, error, x, y) from None
    if len(xs) != len(ys):
        raise unequal(DOT, xs, ys)
    try:  # most often all are Values
        x = [v.data for v in xs]
        y = [v.data for v in ys]
    except AttributeError:
        x = [v if type(v) is float else v.data for v in xs]
        y = [v if type(v) is float else v.data for v in ys]
    parents = (*xs, *ys)
    try:
        data = builtins.sum([x_i * y_i for x_i, y_i in zip(x, y)], 0.0)
    except UNDEFINED as error:
        raise undefined(DOT, parents, error) from None
    if {float}.issuperset(map(type, parents)):  # constants only
        return data
    node = new(Value)
    node.data = data
    node.grad = NOT_COMPUTED
    node.op = DOT
    node.parents = parents
    node.label = ""
    return node


def _dot_pullback(node: Value) -> None:
    g = node.grad
    width = len(node.parents) // 2
    for left, right in zip(node.parents[:width], node.parents[width:]):
        if type(right) is float:
            if type(left) is not float:
                y_i = right
                left.grad += g * y_i
        elif type(left) is float:
            x_i = left
            right.grad += g * x_i
        else:
            x_i = left.data
            y_i = right.data
            left.grad += g * y_i
            right.grad += g * x_i


@overload
def sum(x: Iterable[float]) -> float: ...  # type: ignore[overload-overlap]
@overload
def sum(x: Iterable[Value | float]) -> Value: ...
def sum(x: Iterable[Any]) -> Any:
    """sum(x_i); ∂/∂x_i = 1."""
    try:
        xs: list[Any] = [v if isinstance(v, Value) else number(v) for v in x]
    except TypeError as error:
        raise unlisted(SUM, error, x) from None
    try:  # most often all are Values
        x = [v.data for v in xs]
    except AttributeError:
        x = [v if type(v) is float else v.data for v in xs]
    parents = (*xs,)
    try:
        data = builtins.sum(x, 0.0)
    except UNDEFINED as error:
        raise undefined(SUM, parents, error) from None
    if {float}.issuperset(map(type, parents)):  # constants only
        return data
    node = new(Value)
    node.data = data
    node.grad = NOT_COMPUTED
    node.op = SUM
    node.parents = parents
    node.label = ""
    return node


def _sum_pullback(node: Value) -> None:
    g = node.grad
    for operand in node.parents:
        if type(operand) is not float:
            operand.grad += g


@overload
def logsumexp(x: Iterable[float]) -> float: ...  # type: ignore[overload-overlap]
@overload
def logsumexp(x: Iterable[Value | float]) -> Value: ...
def logsumexp(x: Iterable[Any]) -> Any:
    """logsumexp(x_i) =
        max(x_i) + log1p(sum(exp(x_i - max(x_i)) - is_zero(x_i - max(x_i))) + (sum(is_zero(x_i - max(x_i))) - 1)).

    ∂/∂x_i = exp(x_i - out)
    In floats a derivative, or a result near 0, is off by 4 + (max(x_i) - x_i) ulp.
    """
    try:
        xs: list[Any] = [v if isinstance(v, Value) else number(v) for v in x]
    except TypeError as error:
        raise unlisted(LOGSUMEXP, error, x) from None
    try:  # most often all are Values
        x = [v.data for v in xs]
    except AttributeError:
        x = [v if type(v) is float else v.data for v in xs]
    parents = (*xs,)
    try:
        max_1 = builtins.max(x)
        sum_2 = builtins.sum([math.exp(x_i - max_1) - numbers.is_zero(x_i - max_1) for x_i in x], 0.0)
        sum_3 = builtins.sum([numbers.is_zero(x_i - max_1) for x_i in x], 0.0)
        data = max_1 + math.log1p(sum_2 + (sum_3 - 1))
    except UNDEFINED as error:
        raise undefined(LOGSUMEXP, parents, error) from None
    if {float}.issuperset(map(type, parents)):  # constants only
        return data
    node = new(Value)
    node.data = data
    node.grad = NOT_COMPUTED
    node.op = LOGSUMEXP
    node.parents = parents
    node.label = ""
    return node


def _logsumexp_pullback(node: Value) -> None:
    g = node.grad
    out = node.data
    data = [v if type(v) is float else v.data for v in node.parents]
    sum_1 = builtins.sum([math.exp(x_i - out) for x_i in data], 0.0)
    for operand in node.parents:
        if type(operand) is not float:
            x_i = operand.data
            operand.grad += g * (math.exp(x_i - out) / sum_1)


ADD.function, ADD.pullback = add, Operations._add_pullback
SUB.function, SUB.pullback = sub, Operations._sub_pullback
MUL.function, MUL.pullback = mul, Operations._mul_pullback
TRUEDIV.function, TRUEDIV.pullback = truediv, Operations._truediv_pullback
NEG.function, NEG.pullback = neg, Operations._neg_pullback
POW.function, POW.pullback = pow, Operations._pow_pullback
SQUARE.function, SQUARE.pullback = square, Operations._square_pullback
RECIPROCAL.function, RECIPROCAL.pullback = reciprocal, Operations._reciprocal_pullback
EXP.function, EXP.pullback = exp, Operations._exp_pullback
EXPM1.function, EXPM1.pullback = expm1, Operations._expm1_pullback
LOG.function, LOG.pullback = log, Operations._log_pullback
LOG10.function, LOG10.pullback = log10, Operations._log10_pullback
LOG1P.function, LOG1P.pullback = log1p, Operations._log1p_pullback
SQRT.function, SQRT.pullback = sqrt, Operations._sqrt_pullback
SIN.function, SIN.pullback = sin, Operations._sin_pullback
COS.function, COS.pullback = cos, Operations._cos_pullback
TAN.function, TAN.pullback = tan, Operations._tan_pullback
ASIN.function, ASIN.pullback = asin, Operations._asin_pullback
ACOS.function, ACOS.pullback = acos, Operations._acos_pullback
COS_ASIN.function, COS_ASIN.pullback = cos_asin, Operations._cos_asin_pullback
ATAN.function, ATAN.pullback = atan, Operations._atan_pullback
SINH.function, SINH.pullback = sinh, Operations._sinh_pullback
COSH.function, COSH.pullback = cosh, Operations._cosh_pullback
SECH.function, SECH.pullback = sech, Operations._sech_pullback
TANH.function, TANH.pullback = tanh, Operations._tanh_pullback
ERF.function, ERF.pullback = erf, Operations._erf_pullback
ERFC.function, ERFC.pullback = erfc, Operations._erfc_pullback
SIGMOID.function, SIGMOID.pullback = sigmoid, Operations._sigmoid_pullback
SOFTPLUS.function, SOFTPLUS.pullback = softplus, Operations._softplus_pullback
RELU.function, RELU.pullback = relu, Operations._relu_pullback
LEAKY_RELU.function, LEAKY_RELU.pullback = leaky_relu, Operations._leaky_relu_pullback
ELU.function, ELU.pullback = elu, Operations._elu_pullback
GELU.function, GELU.pullback = gelu, Operations._gelu_pullback
SILU.function, SILU.pullback = silu, Operations._silu_pullback
LINEAR.function, LINEAR.pullback = linear, Operations._linear_pullback
ABS.function, ABS.pullback = abs, Operations._abs_pullback
SIGN.function, SIGN.pullback = sign, Operations._sign_pullback
STEP.function, STEP.pullback = step, Operations._step_pullback
IS_ZERO.function, IS_ZERO.pullback = is_zero, Operations._is_zero_pullback
MAXIMUM.function, MAXIMUM.pullback = maximum, Operations._maximum_pullback
MINIMUM.function, MINIMUM.pullback = minimum, Operations._minimum_pullback
HYPOT.function, HYPOT.pullback = hypot, Operations._hypot_pullback
UNIT.function, UNIT.pullback = unit, Operations._unit_pullback
ATAN2.function, ATAN2.pullback = atan2, Operations._atan2_pullback
DOT.function, DOT.pullback = dot, _dot_pullback
SUM.function, SUM.pullback = sum, _sum_pullback
LOGSUMEXP.function, LOGSUMEXP.pullback = logsumexp, _logsumexp_pullback
