"""Formulas of the table in other languages: a formula in a language is the formula run on text.

Text is one more kind of number. It holds how tightly it binds, so that brackets stand where they are needed and nowhere
else, and its value where it has one, so that what is constant is worked out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import copysign, inf, isfinite
from typing import Any, TypeVar

from tinygrad_edu.engine.errors import UNDEFINED
from tinygrad_edu.engine.formulas import compile_formula, folds, on_floats, rows_in
from tinygrad_edu.engine.table import OPERATORS, TABLE, Row

# How tightly a text binds: `x if c else y`, `x + y`, `x * y`, `-x`, `f(x)`.
CHOICE, SUM, PRODUCT, UNARY, ATOM = range(5)
T = TypeVar("T", bound="Arithmetic")


class Arithmetic:
    """A kind of number that formulas are run on: its operators are one method, `infix`, of a name and two operands."""

    __slots__ = ()

    def infix(self: T, name: str, left: Any, right: Any) -> T:
        raise NotImplementedError

    def __add__(self: T, other: Any) -> T:
        return self.infix("add", self, other)

    def __radd__(self: T, other: Any) -> T:
        return self.infix("add", other, self)

    def __sub__(self: T, other: Any) -> T:
        return self.infix("sub", self, other)

    def __rsub__(self: T, other: Any) -> T:
        return self.infix("sub", other, self)

    def __mul__(self: T, other: Any) -> T:
        return self.infix("mul", self, other)

    def __rmul__(self: T, other: Any) -> T:
        return self.infix("mul", other, self)

    def __truediv__(self: T, other: Any) -> T:
        return self.infix("truediv", self, other)

    def __rtruediv__(self: T, other: Any) -> T:
        return self.infix("truediv", other, self)

    def __pos__(self: T) -> T:
        return self


class Text(Arithmetic):
    """An expression as text.

    Arguments:
        text: the expression.
        binds: how tightly, one of CHOICE, SUM, PRODUCT, UNARY and ATOM.
        number: its value, where no name is in it.
        at_least: a bound below it that is known, -inf where none is.
        unguarded: what it equals but for the sign of a zero: the x of `x + 0`.
    """

    __slots__ = ("at_least", "binds", "number", "text", "unguarded")

    def __init__(
        self,
        text: str,
        binds: int = ATOM,
        number: float | None = None,
        at_least: float = -inf,
        unguarded: Text | None = None,
    ) -> None:
        self.text, self.binds, self.number = text, binds, number
        self.at_least = at_least if number is None else number
        self.unguarded = unguarded or self

    def within(self, binds: int) -> str:
        """The text where something binds as tightly as `binds`: in brackets, if it is looser."""
        return self.text if self.binds >= binds else f"({self.text})"

    @property
    def is_name(self) -> bool:
        """Whether writing it twice costs nothing."""
        return self.binds == ATOM and "(" not in self.text

    def __neg__(self) -> Text:
        if self.binds == UNARY and self.number is None:  # two signs
            return Text(self.text[1:])
        return worked_out("neg", self) or Text(f"-{self.within(UNARY)}", UNARY)

    def infix(self, name: str, left: Any, right: Any) -> Any:
        return infix(name, left, right)

    def __repr__(self) -> str:
        return self.text


def constant(number: float) -> Text:
    """A number as text: a whole one without its `.0`, so that exact arithmetic stays exact.

    >>> constant(2.0), constant(-0.5), constant(-0.0)
    (2, -0.5, -0.0)
    """
    number = float(number)
    whole = isfinite(number) and abs(number) < 2**53 and number == int(number)
    text = str(int(number)) if whole and (number or copysign(1.0, number) > 0) else repr(number)
    return Text(text, UNARY if text.startswith("-") else ATOM, number)


def worked_out(name: str, *operands: Text) -> Text | None:
    """The result as a constant, where the operands are constants and it has one: log(0) stays as it is."""
    numbers = [x.number for x in operands if x.number is not None]
    if len(numbers) == len(operands):
        try:
            return constant(on_floats(TABLE[name])(*numbers))
        except UNDEFINED:
            pass
    return None


def lifted(x: Any) -> Text:
    return x if isinstance(x, Text) else constant(x)


def infix(name: str, left: Any, right: Any) -> Text:
    """`x + y` and its like, as a person would write it: no 1 * x, x * 1, x / 1; -x for -1 * x, x - y for x + -y.

    >>> Text("a") + -Text("b") * Text("c"), Text("a") * -1.0 - -Text("b")
    (a - b * c, -a + b)
    """
    x, y = lifted(left), lifted(right)
    binds = SUM if name in ("add", "sub") else PRODUCT
    found = worked_out(name, x, y)
    if found is not None:
        return found
    if name == "mul" and x.number in (1, -1):
        return y if x.number == 1 else -y
    if name in ("mul", "truediv") and y.number in (1, -1):
        return x if y.number == 1 else -x
    at_least = x.at_least + y.at_least if name == "add" else -inf
    unguarded = x if name == "add" and y.number == 0 else None
    if binds == SUM and y.text.startswith("-") and y.binds > SUM:
        name, y = ("sub" if name == "add" else "add"), Text(y.text[1:], max(y.binds, PRODUCT))
    return Text(f"{x.within(binds)} {OPERATORS[name]} {y.within(binds + 1)}", binds, None, at_least, unguarded)


Language = Callable[[Row], Callable[..., Text]]  # of a row, what computes it on Texts


def language(spelling: Mapping[str, str], prefix: str = "", simplify: bool = True) -> Language:
    """Every operation as a call in a language, for formulas to be run with.

    >>> in_c = language({"abs": "fabs"})
    >>> written("abs(x) * (y + 1)", {"x": "a", "y": "b"}, in_c)
    'fabs(a) * (b + 1)'

    Arguments:
        spelling: what the language calls an operation, by the name of its row, where it is not the row's own name.
        prefix: of all other names.
        simplify: whether small powers of names are products, which overflow without an error.
    """

    def spelled(row: Row) -> Callable[..., Text]:
        word = spelling.get(row.name, prefix + row.name)

        def call(*operands: Any) -> Text:
            texts = [lifted(x) for x in operands]
            found = worked_out(row.name, *texts) or (simpler(row.name, texts) if simplify else None)
            if found is not None:
                return found
            if row.name == "pow" and simplify and texts[1].number is not None and texts[1].number % 2 != 1:
                texts[0] = texts[0].unguarded  # only odd powers have a sign of their zero
            lowest = 0.0 if row.name == "abs" else -inf
            return Text(f"{word}({', '.join(x.text for x in texts)})", at_least=lowest)

        return call

    return spelled


def simpler(name: str, operands: list[Text]) -> Text | None:
    """What can be said without a call: small powers of names, the guard of a power that is known not to be needed."""
    match name, operands:
        case "is_zero", [x] if x.at_least > 0:
            return constant(0.0)
        case "step", [x] if x.at_least > 0:
            return constant(1.0)
        case "pow", [x, Text(number=1.0)]:
            return x.unguarded
        case "pow", [Text(unguarded=base), Text(number=2.0 | 3.0 as exponent)] if base.is_name:
            return base * base if exponent == 2 else base * base * base
        case "square", [x] if x.is_name:
            return x * x
    return None


def written(formula: str, operands: Mapping[str, Text | str | float], rows: Language) -> str:
    """A formula in a language.

    >>> written("out * sigmoid(-x)", {"out": "h", "x": "z"}, PYTHON)
    'h * sigmoid(-z)'
    >>> written("y * pow(x + is_zero(abs(x) + abs(y)), y - 1)", {"x": "w", "y": 2.0}, PYTHON)
    '2 * w'

    Arguments:
        formula: of the table, not over many operands.
        operands: what stands for each operand: a Text, a name, or a number, which is worked out.
        rows: a language.
    """
    return run(formula, operands, rows).text


def run(formula: str, operands: Mapping[str, Text | str | float], rows: Language) -> Text:
    """A formula in a language, as a Text."""
    texts = {x: Text(text) if isinstance(text, str) else lifted(text) for x, text in operands.items()}
    return lifted(compile_formula(texts, formula, rows_in([formula], rows))(*texts.values()))


def unfolded(
    formula: str,
    row: Row,
    operands: Sequence[Text],
    known: Mapping[str, Text],
    rows: Language,
    largest: Callable[[Sequence[Text]], Text],
    mark: str = "",
) -> tuple[list[tuple[Text, Text]], Text]:
    """A formula of a row on all operands of a node: each fold over all i as a name and a text, and what is left of it.

    >>> a, b = Text("a"), Text("b")
    >>> unfolded("log(sum(exp(x_i)))", TABLE["sum"], [a, b], {}, PYTHON, max)
    ([(sum_1, exp(a) + exp(b))], log(sum_1))

    Arguments:
        known: what the other names in the formula stand for.
        largest: the maximum of texts.
        mark: behind the names of the folds.
    """
    found, rest = folds(formula) if row.many else ([], formula)
    inner, lines = dict(known), list[tuple[Text, Text]]()
    for name, fold, term in found:
        each = [
            run(term, inner | dict(zip(row.operands, x, strict=True)), rows)
            for x in zip(*row.groups(operands), strict=True)
        ]
        total = Text(" + ".join(x.within(SUM) for x in each), SUM) if fold == "sum" else largest(each)
        if rest == name:
            return lines, total
        inner[name] = Text(name + mark)
        lines.append((inner[name], total))
    return lines, run(rest, inner, rows)


PYTHON = language({})
JAVASCRIPT = language({}, prefix="op_")
C = language({"abs": "fabs"})
