"""The calculus: one row a scalar operation, as text. Every other file of the package reads it from here.

In scope in a formula, and nothing else:

    x, y        the operands                  x_i, y_i    the i-th operands of an operation over many
    out         the result (partials only)    sum, max    over all i (operations over many only; in partials only sum)
    2, 0.5      number literals               + - * / **  operators
    exp, …      the names of other rows

The table is closed: partials use only rows, so every order of derivative exists. Jumps are rows (`step`, `sign`) whose
partial is "0", never a Python `if`. A partial is the numerically right one; `shown` is the textbook form of it.

After a change run `python -m tinygrad_edu.engine.write`: it writes the table as Python to `operations.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

T = TypeVar("T")

# The rows that Python has an operator for, and its sign.
OPERATORS = {"add": "+", "sub": "-", "mul": "*", "truediv": "/", "pow": "**", "neg": "-"}
PRIMITIVE = ""  # a primal that no formula expresses: numbers.py binds it, under the row's name


class Domain:
    """Where tests, strategies and the gradient checker draw an operand from: `low` to `high`, at least `margin` from 0.

    What is legal is another question: that is what the float primal accepts.
    """

    def __init__(self, low: float, high: float, margin: float = 0.0) -> None:
        if not low < high or not 0 <= margin < max(-low, high):
            raise ValueError(f"a Domain expected low < high and room beside the margin, got {low}, {high}, {margin}")
        self.low, self.high, self.margin = low, high, margin

    def __contains__(self, number: float) -> bool:
        return self.low <= number <= self.high and abs(number) >= self.margin

    def __repr__(self) -> str:
        return f"[{self.low:g}, {self.high:g}]" + (f" without |x| < {self.margin:g}" if self.margin else "")


ANY = Domain(-10, 10)
TAILS = Domain(-40, 40)
POSITIVE = Domain(1e-3, 1e3)
NONZERO = Domain(-10, 10, margin=0.1)
UNIT = Domain(-0.99, 0.99)


class Row:
    """One operation.

    `primal` is the formula of the result, `partials` one formula an operand, ∂out/∂x and ∂out/∂y; `shown` are the
    partials for people; `x` and `y` are domains to draw from; `kink` is a formula whose zeros are the points without a
    derivative, `at_kink` the convention there; `accuracy` says where floats are off by more than 5 ulp. An operation
    over `many` operands has one partial for each `x_i` and one for each `y_i`. What Python runs is written from these
    by write.py: `function` computes and records, `pullback` hands the gradient of a node to its operands.
    """

    function: Callable[..., Any]
    pullback: Callable[[Any], None]

    def __init__(
        self,
        name: str,
        symbol: str,
        primal: str,
        *partials: str,
        shown: tuple[str, ...] | str = (),
        x: Domain = ANY,
        y: Domain = ANY,
        kink: str = "",
        at_kink: str = "",
        accuracy: str = "",
    ) -> None:
        self.name, self.symbol, self.partials = name, symbol, partials
        self.many = "x_i" in primal
        self.operands = (("x_i", "y_i") if self.many else ("x", "y"))[: len(partials)]
        self.primitive = primal == PRIMITIVE
        self.primal = primal or f"{name}({', '.join(self.operands)})"
        self.shown = (shown,) if isinstance(shown, str) else shown or partials
        self.domains = (x, y)[: len(partials)]
        self.kink, self.at_kink, self.accuracy, self.uses = kink, at_kink, accuracy, TABLE

    def groups(self, operands: Sequence[T]) -> list[Sequence[T]]:
        """The operands of a node by their name: all x_i, then all y_i; or one x, one y."""
        width = len(operands) // len(self.operands)
        return [operands[k * width : (k + 1) * width] for k in range(len(self.operands))]

    def place(self, operands: Sequence[T], k: int) -> tuple[int, Sequence[T]]:
        """Of operand k: the number of its name in the row, 0 or 1; and the operands beside it, one under each name."""
        width = len(operands) // len(self.operands)
        return k // width, operands[k % width :: width]

    def written(self, operands: Sequence[str]) -> str:
        """The operation on operands that are names or numbers, in Python: `a * b`, `tanh(a)`, `dot([a, b], [c, d])`."""
        if self.many:
            operands = [f"[{', '.join(group)}]" for group in self.groups(operands)]
        elif self.name in OPERATORS:
            operands = [f"({x})" if x.startswith("-") else x for x in operands]
            if len(operands) == 2:
                return f" {OPERATORS[self.name]} ".join(operands)
        return f"-{operands[0]}" if self.name == "neg" else f"{self.name}({', '.join(operands)})"

    @property
    def call(self) -> str:
        """The operation on its own operands: `x * y`, `log(x)`, `dot(x_i, y_i)`."""
        return f"{self.name}({', '.join(self.operands)})" if self.many else self.written(self.operands)

    def __repr__(self) -> str:
        return f"<row {self.name}: {self.primal}>"

    def __deepcopy__(self, memo: dict[int, Any]) -> Row:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return row_named, (self.name, *([] if self.uses is TABLE else [self.primal, *self.partials]))


TABLE: dict[str, Row] = {}


def row(name: str, *columns: str, **properties: Any) -> Row:
    """Add a row to the table."""
    TABLE[name] = Row(name, *columns, **properties)
    return TABLE[name]


def row_named(name: str, *formulas: str) -> Row:
    """The row of a name, for copies and pickles; with its formulas, if it was registered."""
    if name not in TABLE or formulas not in ((), (TABLE[name].primal, *TABLE[name].partials)):
        raise LookupError(f"the pickle uses the operation {name!r}, which is not registered, or as another one")
    return TABLE[name]


# fmt: off
#   name        symbol     primal                d/dx                d/dy
row("add",     "+",       "x + y",              "1",                "1")
row("sub",     "-",       "x - y",              "1",                "-1")
row("mul",     "×",       "x * y",              "y",                "x")
row("truediv", "/",       "x / y",              "1 / y",            "-out / y", y=NONZERO)
row("neg",     "neg",     "-x",                 "-1")
# At y = 0 this is 0 · x**-1, which is 0; but floats say 0 · inf = nan where 1/x overflows, just where 4.4e-16 * x is 0.
# There is_zero makes the base 1; anywhere else it stays x, on which its own derivatives depend.
row("pow", "**", PRIMITIVE, "y * pow(x + is_zero(abs(4.4e-16 * x) + abs(y)), y - 1)", "out * log(x + is_zero(x))",
    shown=("y * x**(y - 1)", "out * log(x)"), x=Domain(0.1, 10), y=Domain(-5, 5),
    accuracy="∂/∂x is off by 10 ulp, and wholly where y - 1 rounds to y")
row("square",  "²",       "x * x",              "2 * x")
row("reciprocal", "1/",   "1 / x",              "-out / x",                     shown="-1 / x**2", x=NONZERO)

row("exp",     "exp",     PRIMITIVE,            "out",                          x=Domain(-20, 20))
row("expm1",   "expm1",   PRIMITIVE,            "exp(x)",                       shown="out + 1", x=Domain(-20, 20))
row("log",     "log",     PRIMITIVE,            "1 / x",                        x=POSITIVE)
row("log10",   "log10",   "0.4342944819032518 * log(x)", "0.4342944819032518 / x", x=POSITIVE)
row("log1p",   "log1p",   PRIMITIVE,            "1 / (1 + x)",                  x=Domain(-0.9, 100))
row("sqrt",    "√",       PRIMITIVE,            "0.5 / out",                    shown="1 / (2 * out)", x=POSITIVE)
row("sin",     "sin",     PRIMITIVE,            "cos(x)")
row("cos",     "cos",     PRIMITIVE,            "-sin(x)")
row("tan",     "tan",     PRIMITIVE,            "1 + out*out",                  shown="1 + out**2", x=Domain(-1.5, 1.5))
row("asin",    "asin",    PRIMITIVE,            "1 / cos_asin(x)",              shown="1 / sqrt(1 - x**2)", x=UNIT)
row("acos",    "acos",    PRIMITIVE,            "-1 / cos_asin(x)",             shown="-1 / sqrt(1 - x**2)", x=UNIT)
row("cos_asin", "cos∘asin", "sqrt((1 - x) * (1 + x))", "-x / out",              x=UNIT)
row("atan",    "atan",    PRIMITIVE,            "1 / (1 + x*x)",                shown="1 / (1 + x**2)")
row("sinh",    "sinh",    PRIMITIVE,            "cosh(x)")
row("cosh",    "cosh",    PRIMITIVE,            "sinh(x)")
row("sech",    "sech",    "2 * exp(-abs(x)) / (1 + exp(-2 * abs(x)))", "-out * tanh(x)", x=Domain(-20, 20))
row("tanh",    "tanh",    PRIMITIVE,            "square(sech(x))",              shown="1 - out**2", x=Domain(-20, 20))
row("erf", "erf", PRIMITIVE, "1.1283791670955126 * exp(-x*x)", x=Domain(-5, 5), accuracy="∂/∂x is off by 4 + x² ulp")
row("erfc", "erfc", PRIMITIVE, "-1.1283791670955126 * exp(-x*x)", x=Domain(-5, 5), accuracy="∂/∂x is off by 4 + x² ulp")

row("sigmoid",    "σ",        "exp(minimum(x, 0)) / (1 + exp(-abs(x)))", "out * sigmoid(-x)",
    shown="out * (1 - out)", x=TAILS)
row("softplus",   "softplus", "maximum(x, 0) + log1p(exp(-abs(x)))",     "sigmoid(x)", x=TAILS)
row("relu",       "relu",     "maximum(x, 0)",                           "step(x)", kink="x", at_kink="0")
row("leaky_relu", "leaky",    "maximum(x, 0) + 0.01*minimum(x, 0)",      "0.01 + 0.99*step(x)",
    kink="x", at_kink="0.01")
row("elu",        "elu",      "maximum(x, 0) + expm1(minimum(x, 0))",    "exp(minimum(x, 0))")
row("gelu",       "gelu",     "x * 0.5*erfc(-0.7071067811865476*x)",
    "0.5*erfc(-0.7071067811865476*x) + x*0.3989422804014327*exp(-0.5*x*x)", x=Domain(-5, 5),
    accuracy="result and derivative are off by 4 + 2*x**2 ulp, left of 0")
row("silu",       "silu",     "x * sigmoid(x)",                          "sigmoid(x) * (1 + x*sigmoid(-x))", x=TAILS)
row("linear",     "id",       "x",                                       "1")
row("abs",        "abs",      PRIMITIVE,                                 "sign(x)", kink="x", at_kink="0")
row("sign",       "sign",     PRIMITIVE,                                 "0",       kink="x", at_kink="0")
row("step",       "step",     PRIMITIVE,                                 "0",       kink="x", at_kink="0")
row("is_zero",    "=0",       "1 - step(abs(x))",                        "0",       kink="x", at_kink="0")

row("maximum", "max", PRIMITIVE, "0.5 * (1 + sign(x - y))", "0.5 * (1 + sign(y - x))", kink="x - y", at_kink="1/2 each")
row("minimum", "min", PRIMITIVE, "0.5 * (1 + sign(y - x))", "0.5 * (1 + sign(x - y))", kink="x - y", at_kink="1/2 each")
row("hypot",   "hypot", PRIMITIVE, "unit(x, y)", "unit(y, x)", shown=("x / out", "y / out"), x=NONZERO, y=NONZERO)
row("unit",    "unit",  "x / hypot(x, y)", "square(unit(y, x)) / hypot(x, y)", "-out * unit(y, x) / hypot(x, y)",
    shown=("y**2 / hypot(x, y)**3", "-x * y / hypot(x, y)**3"), x=NONZERO, y=NONZERO)
row("atan2",   "atan2", PRIMITIVE, "unit(y, x) / hypot(x, y)", "-unit(x, y) / hypot(x, y)",
    shown=("y / (x**2 + y**2)", "-x / (x**2 + y**2)"), x=NONZERO, y=NONZERO)
row("dot",       "·",     "sum(x_i * y_i)",     "y_i",              "x_i")
row("sum",       "Σ",     "sum(x_i)",           "1")
# The largest are counted apart, for results near 0; a large result is rounded: derivatives are divided by their sum.
row("logsumexp", "lse",
    "max(x_i) + log1p(sum(exp(x_i - max(x_i)) - is_zero(x_i - max(x_i))) + (sum(is_zero(x_i - max(x_i))) - 1))",
    "exp(x_i - out) / sum(exp(x_i - out))", shown="exp(x_i - out)", x=TAILS,
    accuracy="a derivative, or a result near 0, is off by 4 + (max(x_i) - x_i) ulp")
# fmt: on
