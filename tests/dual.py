"""Stand-ins for PyTorch and JAX, as far as scripts call them: dual numbers on `math`, which know nothing of the engine.

A script that calls what the frameworks do not have, or gives it what they do not take, fails on them too.
"""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

ROOT_PI = math.sqrt(math.pi)


def sign(x: float) -> float:
    return (x > 0) - (x < 0)


def sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x)) if x > 0 else math.exp(x) / (1 + math.exp(x))


def normal(x: float) -> float:
    return math.erfc(-x / math.sqrt(2)) / 2


def density(x: float) -> float:
    return math.exp(-x * x / 2) / math.sqrt(2 * math.pi)


# Name: the value, and the derivative with the frameworks' conventions at kinks.
UNARY: dict[str, Any] = {
    "exp": (math.exp, math.exp),
    "expm1": (math.expm1, math.exp),
    "log": (math.log, lambda x: 1 / x),
    "log1p": (math.log1p, lambda x: 1 / (1 + x)),
    "sqrt": (math.sqrt, lambda x: 0.5 / math.sqrt(x)),
    "sin": (math.sin, math.cos),
    "cos": (math.cos, lambda x: -math.sin(x)),
    "tan": (math.tan, lambda x: 1 / math.cos(x) ** 2),
    "asin": (math.asin, lambda x: 1 / math.sqrt(1 - x * x)),
    "acos": (math.acos, lambda x: -1 / math.sqrt(1 - x * x)),
    "atan": (math.atan, lambda x: 1 / (1 + x * x)),
    "sinh": (math.sinh, math.cosh),
    "cosh": (math.cosh, math.sinh),
    "tanh": (math.tanh, lambda x: 1 / math.cosh(x) ** 2),
    "erf": (math.erf, lambda x: 2 / ROOT_PI * math.exp(-x * x)),
    "erfc": (math.erfc, lambda x: -2 / ROOT_PI * math.exp(-x * x)),
    "sigmoid": (sigmoid, lambda x: sigmoid(x) * sigmoid(-x)),
    "relu": (lambda x: max(x, 0.0), lambda x: float(x > 0)),
    "leaky_relu": (lambda x: x if x > 0 else 0.01 * x, lambda x: 1.0 if x > 0 else 0.01),
    "gelu": (lambda x: x * normal(x), lambda x: normal(x) + x * density(x)),
    "silu": (lambda x: x * sigmoid(x), lambda x: sigmoid(x) * (1 + x * sigmoid(-x))),
    "softplus": (lambda x: max(x, 0) + math.log1p(math.exp(-abs(x))), sigmoid),
    "sign": (sign, lambda x: 0.0),
    "abs": (abs, sign),
}


def larger(x: float, y: float) -> float:
    return 0.5 * (1 + sign(x - y))


def power_rule(x: float, y: float) -> float:
    return y * math.pow(x, y - 1) if y else 0.0


BINARY: dict[str, Any] = {
    "add": (lambda x, y: x + y, lambda x, y: (1.0, 1.0)),
    "mul": (lambda x, y: x * y, lambda x, y: (y, x)),
    "div": (lambda x, y: x / y, lambda x, y: (1 / y, -x / y / y)),
    "pow": (math.pow, lambda x, y: (power_rule(x, y), math.pow(x, y) * math.log(x) if x > 0 else 0.0)),
    "maximum": (max, lambda x, y: (larger(x, y), larger(y, x))),
    "minimum": (min, lambda x, y: (larger(y, x), larger(x, y))),
    "hypot": (math.hypot, lambda x, y: (x / math.hypot(x, y), y / math.hypot(x, y))),
    "atan2": (math.atan2, lambda x, y: (y / (x * x + y * y), -x / (x * x + y * y))),
}


class Dual:
    """A number with its derivatives for the variables that it was made from."""

    def __init__(self, x: float, slopes: dict[Any, float] | None = None) -> None:
        self.x, self.slopes = x, {self: 1.0} if slopes is None else slopes
        self.grad: Any = None

    def __add__(self, other: Any) -> Dual:
        return two("add", self, other)

    def __mul__(self, other: Any) -> Dual:
        return two("mul", self, other)

    def __truediv__(self, other: Any) -> Dual:
        return two("div", self, other)

    def __rtruediv__(self, other: Any) -> Dual:
        return two("div", other, self)

    def __pow__(self, other: Any) -> Dual:
        return two("pow", self, other)

    def __rpow__(self, other: Any) -> Dual:
        return two("pow", other, self)

    def __neg__(self) -> Dual:
        return self * -1.0

    def __sub__(self, other: Any) -> Dual:
        return self + -other

    def __rsub__(self, other: Any) -> Dual:
        return -self + other

    def __abs__(self) -> Dual:
        return one("abs", self)

    def __gt__(self, other: Any) -> bool:
        return self.x > plain(other)

    def __lt__(self, other: Any) -> bool:
        return self.x < plain(other)

    __radd__, __rmul__ = __add__, __mul__

    def item(self) -> float:
        return self.x

    def backward(self) -> None:
        for variable, slope in self.slopes.items():
            variable.grad = Dual((variable.grad.x if variable.grad else 0.0) + slope)


def plain(x: Any) -> float:
    return x.x if isinstance(x, Dual) else float(x)


def chained(value: float, operands: list[Any], partials: list[float]) -> Dual:
    slopes: dict[Any, float] = {}
    for x, partial in zip(operands, partials, strict=True):
        for variable, slope in x.slopes.items() if isinstance(x, Dual) else ():
            slopes[variable] = slopes.get(variable, 0.0) + partial * slope
    return Dual(value, slopes)


def one(name: str, x: Any) -> Dual:
    value, slope = UNARY[name]
    return chained(value(plain(x)), [x], [slope(plain(x))])


def two(name: str, x: Any, y: Any) -> Dual:
    value, slopes = BINARY[name]
    at = plain(x), plain(y)
    return chained(value(*at), [x, y], [*slopes(*at)])


def largest_of_sums(xs: list[Any]) -> Dual:
    top, *rest = sorted(map(plain, xs), reverse=True)
    others = sum(math.exp(x - top) for x in rest)
    return chained(top + math.log1p(others), xs, [math.exp(plain(x) - top) / (1 + others) for x in xs])


def functions(unary: str, binary: str = "", **named: str) -> dict[str, Any]:
    found: dict[str, Any] = {name: lambda x, name=name: one(name, x) for name in unary.split()}
    found |= {theirs: lambda x, ours=ours: one(ours, x) for theirs, ours in named.items()}
    return found | {name: lambda x, y, name=name: two(name, x, y) for name in binary.split()}


MATH = "exp expm1 log log1p sqrt sin cos tan sinh cosh tanh sign"


def torch() -> dict[str, Any]:
    """What `import torch` finds. Its functions take tensors only, as PyTorch's do, but for a power's base."""

    def tensor(number: float, *, dtype: str, requires_grad: bool = False) -> Dual:
        assert dtype == "float64" and isinstance(number, float)
        return Dual(number, None if requires_grad else {})

    def as_tensor(number: Any, *, dtype: str) -> Dual:
        assert dtype == "float64"
        return number if isinstance(number, Dual) else Dual(float(number), {})

    def tensors_only(function: Any) -> Any:
        def checked(*operands: Any) -> Dual:
            assert all(isinstance(x, Dual) for x in operands), "expected tensors"
            return function(*operands)

        return checked

    def along(tensors: list[Dual], dim: int) -> Dual:
        assert dim == 0
        return largest_of_sums(tensors)

    strict = functions(f"{MATH} asin acos atan erf erfc sigmoid relu", "maximum minimum hypot atan2")
    strict["logaddexp"] = lambda x, y: largest_of_sums([x, y])
    strict = {name: tensors_only(function) for name, function in strict.items()}
    functional = {name: tensors_only(function) for name, function in functions("leaky_relu gelu silu").items()}
    more = {"tensor": tensor, "as_tensor": as_tensor, "float64": "float64", "stack": list, "logsumexp": along}
    nn = SimpleNamespace(functional=SimpleNamespace(**functional))
    return {"torch": SimpleNamespace(**strict, **functions("", "pow"), **more, nn=nn)}


def jax() -> dict[str, Any]:
    """What `import jax` and `import jax.numpy` find."""
    double = []

    def update(option: str, on: bool) -> None:
        assert (option, on) == ("jax_enable_x64", True)
        double.append(on)

    def value_and_grad(f: Any, argnums: Any) -> Any:
        def both(*numbers: float) -> tuple[Dual, tuple[float, ...]]:
            assert double and [*argnums] == [*range(len(numbers))]
            variables = [Dual(x) for x in numbers]
            value = f(*variables)
            return Float(value.x, {}), tuple(value.slopes.get(v, 0.0) for v in variables)

        return both

    def gelu(x: Any, approximate: bool = True) -> Dual:
        assert not approximate, "another function"
        return one("gelu", x)

    arcs = {"arcsin": "asin", "arccos": "acos", "arctan": "atan"}
    numpy = SimpleNamespace(
        **functions(MATH, "maximum minimum hypot", **arcs),
        power=lambda x, y: two("pow", x, y),
        arctan2=lambda x, y: two("atan2", x, y),
        array=list,
    )
    special = SimpleNamespace(**functions("erf erfc"), logsumexp=largest_of_sums)
    module = SimpleNamespace(
        config=SimpleNamespace(update=update),
        value_and_grad=value_and_grad,
        numpy=numpy,
        nn=SimpleNamespace(**functions("sigmoid relu silu softplus"), gelu=gelu),
        scipy=SimpleNamespace(special=special),
    )
    return {"jax": module, "jax.numpy": numpy}


class Float(Dual):
    """A result that `float` takes, as it does JAX's."""

    def __float__(self) -> float:
        return self.x
