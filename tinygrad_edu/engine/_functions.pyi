# Written from the table by `python -m tinygrad_edu.engine.stubs`; a test checks that it is current.
from collections.abc import Iterable
from typing import overload

from tinygrad_edu.engine.value import Value

@overload
def add(x: float, y: float) -> float:
    """x + y

    ∂/∂x = 1

    ∂/∂y = 1"""
@overload
def add(x: Value, y: Value | float) -> Value:
    """x + y

    ∂/∂x = 1

    ∂/∂y = 1"""
@overload
def add(x: float, y: Value) -> Value:
    """x + y

    ∂/∂x = 1

    ∂/∂y = 1"""
@overload
def sub(x: float, y: float) -> float:
    """x - y

    ∂/∂x = 1

    ∂/∂y = -1"""
@overload
def sub(x: Value, y: Value | float) -> Value:
    """x - y

    ∂/∂x = 1

    ∂/∂y = -1"""
@overload
def sub(x: float, y: Value) -> Value:
    """x - y

    ∂/∂x = 1

    ∂/∂y = -1"""
@overload
def mul(x: float, y: float) -> float:
    """x × y = x * y

    ∂/∂x = y

    ∂/∂y = x"""
@overload
def mul(x: Value, y: Value | float) -> Value:
    """x × y = x * y

    ∂/∂x = y

    ∂/∂y = x"""
@overload
def mul(x: float, y: Value) -> Value:
    """x × y = x * y

    ∂/∂x = y

    ∂/∂y = x"""
@overload
def truediv(x: float, y: float) -> float:
    """x / y

    ∂/∂x = 1 / y

    ∂/∂y = -out / y"""
@overload
def truediv(x: Value, y: Value | float) -> Value:
    """x / y

    ∂/∂x = 1 / y

    ∂/∂y = -out / y"""
@overload
def truediv(x: float, y: Value) -> Value:
    """x / y

    ∂/∂x = 1 / y

    ∂/∂y = -out / y"""
@overload
def neg(x: float) -> float:
    """neg(x) = -x

    ∂/∂x = -1"""
@overload
def neg(x: Value) -> Value:
    """neg(x) = -x

    ∂/∂x = -1"""
@overload
def pow(x: float, y: float) -> float:
    """x ** y

    ∂/∂x = y * x**(y - 1)

    ∂/∂y = out * log(x)"""
@overload
def pow(x: Value, y: Value | float) -> Value:
    """x ** y

    ∂/∂x = y * x**(y - 1)

    ∂/∂y = out * log(x)"""
@overload
def pow(x: float, y: Value) -> Value:
    """x ** y

    ∂/∂x = y * x**(y - 1)

    ∂/∂y = out * log(x)"""
@overload
def exp(x: float) -> float:
    """exp(x)

    ∂/∂x = out"""
@overload
def exp(x: Value) -> Value:
    """exp(x)

    ∂/∂x = out"""
@overload
def expm1(x: float) -> float:
    """expm1(x)

    ∂/∂x = out + 1"""
@overload
def expm1(x: Value) -> Value:
    """expm1(x)

    ∂/∂x = out + 1"""
@overload
def log(x: float) -> float:
    """log(x)

    ∂/∂x = 1 / x"""
@overload
def log(x: Value) -> Value:
    """log(x)

    ∂/∂x = 1 / x"""
@overload
def log1p(x: float) -> float:
    """log1p(x)

    ∂/∂x = 1 / (1 + x)"""
@overload
def log1p(x: Value) -> Value:
    """log1p(x)

    ∂/∂x = 1 / (1 + x)"""
@overload
def sqrt(x: float) -> float:
    """sqrt(x)

    ∂/∂x = 1 / (2 * out)"""
@overload
def sqrt(x: Value) -> Value:
    """sqrt(x)

    ∂/∂x = 1 / (2 * out)"""
@overload
def sin(x: float) -> float:
    """sin(x)

    ∂/∂x = cos(x)"""
@overload
def sin(x: Value) -> Value:
    """sin(x)

    ∂/∂x = cos(x)"""
@overload
def cos(x: float) -> float:
    """cos(x)

    ∂/∂x = -sin(x)"""
@overload
def cos(x: Value) -> Value:
    """cos(x)

    ∂/∂x = -sin(x)"""
@overload
def tan(x: float) -> float:
    """tan(x)

    ∂/∂x = 1 + out**2"""
@overload
def tan(x: Value) -> Value:
    """tan(x)

    ∂/∂x = 1 + out**2"""
@overload
def asin(x: float) -> float:
    """asin(x)

    ∂/∂x = 1 / sqrt(1 - x**2)"""
@overload
def asin(x: Value) -> Value:
    """asin(x)

    ∂/∂x = 1 / sqrt(1 - x**2)"""
@overload
def acos(x: float) -> float:
    """acos(x)

    ∂/∂x = -1 / sqrt(1 - x**2)"""
@overload
def acos(x: Value) -> Value:
    """acos(x)

    ∂/∂x = -1 / sqrt(1 - x**2)"""
@overload
def atan(x: float) -> float:
    """atan(x)

    ∂/∂x = 1 / (1 + x**2)"""
@overload
def atan(x: Value) -> Value:
    """atan(x)

    ∂/∂x = 1 / (1 + x**2)"""
@overload
def sinh(x: float) -> float:
    """sinh(x)

    ∂/∂x = cosh(x)"""
@overload
def sinh(x: Value) -> Value:
    """sinh(x)

    ∂/∂x = cosh(x)"""
@overload
def cosh(x: float) -> float:
    """cosh(x)

    ∂/∂x = sinh(x)"""
@overload
def cosh(x: Value) -> Value:
    """cosh(x)

    ∂/∂x = sinh(x)"""
@overload
def tanh(x: float) -> float:
    """tanh(x)

    ∂/∂x = 1 - out**2"""
@overload
def tanh(x: Value) -> Value:
    """tanh(x)

    ∂/∂x = 1 - out**2"""
@overload
def erf(x: float) -> float:
    """erf(x)

    ∂/∂x = 1.1283791670955126 * exp(-x*x)"""
@overload
def erf(x: Value) -> Value:
    """erf(x)

    ∂/∂x = 1.1283791670955126 * exp(-x*x)"""
@overload
def erfc(x: float) -> float:
    """erfc(x)

    ∂/∂x = -1.1283791670955126 * exp(-x*x)"""
@overload
def erfc(x: Value) -> Value:
    """erfc(x)

    ∂/∂x = -1.1283791670955126 * exp(-x*x)"""
@overload
def sigmoid(x: float) -> float:
    """sigmoid(x) = exp(minimum(x, 0)) / (1 + exp(-abs(x)))

    ∂/∂x = out * (1 - out)"""
@overload
def sigmoid(x: Value) -> Value:
    """sigmoid(x) = exp(minimum(x, 0)) / (1 + exp(-abs(x)))

    ∂/∂x = out * (1 - out)"""
@overload
def softplus(x: float) -> float:
    """softplus(x) = maximum(x, 0) + log1p(exp(-abs(x)))

    ∂/∂x = sigmoid(x)"""
@overload
def softplus(x: Value) -> Value:
    """softplus(x) = maximum(x, 0) + log1p(exp(-abs(x)))

    ∂/∂x = sigmoid(x)"""
@overload
def relu(x: float) -> float:
    """relu(x) = maximum(x, 0)

    ∂/∂x = step(x)

    At x = 0 the derivative is 0."""
@overload
def relu(x: Value) -> Value:
    """relu(x) = maximum(x, 0)

    ∂/∂x = step(x)

    At x = 0 the derivative is 0."""
@overload
def leaky_relu(x: float) -> float:
    """leaky_relu(x) = maximum(x, 0) + 0.01*minimum(x, 0)

    ∂/∂x = 0.01 + 0.99*step(x)

    At x = 0 the derivative is 0.01."""
@overload
def leaky_relu(x: Value) -> Value:
    """leaky_relu(x) = maximum(x, 0) + 0.01*minimum(x, 0)

    ∂/∂x = 0.01 + 0.99*step(x)

    At x = 0 the derivative is 0.01."""
@overload
def gelu(x: float) -> float:
    """gelu(x) = x * 0.5*erfc(-0.7071067811865476*x)

    ∂/∂x = 0.5*erfc(-0.7071067811865476*x) + x*0.3989422804014327*exp(-0.5*x*x)"""
@overload
def gelu(x: Value) -> Value:
    """gelu(x) = x * 0.5*erfc(-0.7071067811865476*x)

    ∂/∂x = 0.5*erfc(-0.7071067811865476*x) + x*0.3989422804014327*exp(-0.5*x*x)"""
@overload
def silu(x: float) -> float:
    """silu(x) = x * sigmoid(x)

    ∂/∂x = sigmoid(x) * (1 + x*sigmoid(-x))"""
@overload
def silu(x: Value) -> Value:
    """silu(x) = x * sigmoid(x)

    ∂/∂x = sigmoid(x) * (1 + x*sigmoid(-x))"""
@overload
def abs(x: float) -> float:
    """abs(x)

    ∂/∂x = sign(x)

    At x = 0 the derivative is 0."""
@overload
def abs(x: Value) -> Value:
    """abs(x)

    ∂/∂x = sign(x)

    At x = 0 the derivative is 0."""
@overload
def sign(x: float) -> float:
    """sign(x)

    ∂/∂x = 0

    At x = 0 the derivative is 0."""
@overload
def sign(x: Value) -> Value:
    """sign(x)

    ∂/∂x = 0

    At x = 0 the derivative is 0."""
@overload
def step(x: float) -> float:
    """step(x)

    ∂/∂x = 0

    At x = 0 the derivative is 0."""
@overload
def step(x: Value) -> Value:
    """step(x)

    ∂/∂x = 0

    At x = 0 the derivative is 0."""
@overload
def maximum(x: float, y: float) -> float:
    """maximum(x, y)

    ∂/∂x = 0.5 * (1 + sign(x - y))

    ∂/∂y = 0.5 * (1 + sign(y - x))

    At x - y = 0 the derivative is 1/2 each."""
@overload
def maximum(x: Value, y: Value | float) -> Value:
    """maximum(x, y)

    ∂/∂x = 0.5 * (1 + sign(x - y))

    ∂/∂y = 0.5 * (1 + sign(y - x))

    At x - y = 0 the derivative is 1/2 each."""
@overload
def maximum(x: float, y: Value) -> Value:
    """maximum(x, y)

    ∂/∂x = 0.5 * (1 + sign(x - y))

    ∂/∂y = 0.5 * (1 + sign(y - x))

    At x - y = 0 the derivative is 1/2 each."""
@overload
def minimum(x: float, y: float) -> float:
    """minimum(x, y)

    ∂/∂x = 0.5 * (1 + sign(y - x))

    ∂/∂y = 0.5 * (1 + sign(x - y))

    At x - y = 0 the derivative is 1/2 each."""
@overload
def minimum(x: Value, y: Value | float) -> Value:
    """minimum(x, y)

    ∂/∂x = 0.5 * (1 + sign(y - x))

    ∂/∂y = 0.5 * (1 + sign(x - y))

    At x - y = 0 the derivative is 1/2 each."""
@overload
def minimum(x: float, y: Value) -> Value:
    """minimum(x, y)

    ∂/∂x = 0.5 * (1 + sign(y - x))

    ∂/∂y = 0.5 * (1 + sign(x - y))

    At x - y = 0 the derivative is 1/2 each."""
@overload
def hypot(x: float, y: float) -> float:
    """hypot(x, y)

    ∂/∂x = x / out

    ∂/∂y = y / out"""
@overload
def hypot(x: Value, y: Value | float) -> Value:
    """hypot(x, y)

    ∂/∂x = x / out

    ∂/∂y = y / out"""
@overload
def hypot(x: float, y: Value) -> Value:
    """hypot(x, y)

    ∂/∂x = x / out

    ∂/∂y = y / out"""
@overload
def atan2(x: float, y: float) -> float:
    """atan2(x, y)

    ∂/∂x = y / (x**2 + y**2)

    ∂/∂y = -x / (x**2 + y**2)"""
@overload
def atan2(x: Value, y: Value | float) -> Value:
    """atan2(x, y)

    ∂/∂x = y / (x**2 + y**2)

    ∂/∂y = -x / (x**2 + y**2)"""
@overload
def atan2(x: float, y: Value) -> Value:
    """atan2(x, y)

    ∂/∂x = y / (x**2 + y**2)

    ∂/∂y = -x / (x**2 + y**2)"""
@overload
def dot(x: Iterable[float], y: Iterable[float]) -> float:  # type: ignore[overload-overlap]
    """dot(x_i, y_i) = sum(x_i * y_i)

    ∂/∂x_i = y_i

    ∂/∂y_i = x_i"""
@overload
def dot(x: Iterable[Value | float], y: Iterable[Value | float]) -> Value:
    """dot(x_i, y_i) = sum(x_i * y_i)

    ∂/∂x_i = y_i

    ∂/∂y_i = x_i"""
@overload
def sum(x: Iterable[float]) -> float:  # type: ignore[overload-overlap]
    """sum(x_i)

    ∂/∂x_i = 1"""
@overload
def sum(x: Iterable[Value | float]) -> Value:
    """sum(x_i)

    ∂/∂x_i = 1"""
@overload
def logsumexp(x: Iterable[float]) -> float:  # type: ignore[overload-overlap]
    """logsumexp(x_i) = max(x_i) + log(sum(exp(x_i - max(x_i))))

    ∂/∂x_i = exp(x_i - out)"""
@overload
def logsumexp(x: Iterable[Value | float]) -> Value:
    """logsumexp(x_i) = max(x_i) + log(sum(exp(x_i - max(x_i))))

    ∂/∂x_i = exp(x_i - out)"""
