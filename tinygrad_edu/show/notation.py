"""How people write: the expressions of symbols.py as text and as LaTeX, with names and rounded numbers in them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from fractions import Fraction

from tinygrad_edu.engine import TABLE, Value
from tinygrad_edu.show.names import Names, latex_word
from tinygrad_edu.show.numbers import is_fraction, latex_number, rounded, shown
from tinygrad_edu.show.symbols import ONE, Expr, kind, multiply, power, split

SUM, PRODUCT, POWER, ATOM = range(4)  # how tightly a written expression holds together


class Writer:
    """Writes expressions as text, each Value as `value` has it."""

    times, minus, opening, closing = "·", "−", "(", ")"
    quotients = PRODUCT  # how tightly they hold

    def __init__(self, value: Callable[[Value], str], number: Callable[[float], str]) -> None:
        self.value, self.shown = value, number

    def __call__(self, expr: Expr) -> str:
        return self.written(expr)[0]

    def written(self, expr: Expr) -> tuple[str, int]:
        if isinstance(expr, Value):
            return self.signed(self.value(expr))
        if isinstance(expr, Fraction):
            return self.number(expr)
        name, *parts = expr
        if name == "+":
            return self.sum(parts), SUM
        if name == "*" or (name == "**" and isinstance(parts[1], Fraction) and parts[1] < 0):
            return self.product(parts if name == "*" else [expr])
        if name == "**":
            return self.power(*parts), POWER
        return self.call(name, [self(part) for part in parts]), ATOM

    def signed(self, text: str) -> tuple[str, int]:
        return text, SUM if text.startswith(self.minus) else PRODUCT if self.times in text else ATOM

    def number(self, number: Fraction) -> tuple[str, int]:
        if not is_fraction(number):
            return self.signed(self.shown(float(number)))
        return self.fraction(*self.numerals(number)), SUM if number < 0 else self.quotients

    def numerals(self, number: Fraction) -> tuple[str, str]:
        return str(number.numerator).replace("-", self.minus), str(number.denominator)

    def at_least(self, strength: int, expr: Expr) -> str:
        text, held = self.written(expr)
        return text if held >= strength else f"{self.opening}{text}{self.closing}"

    def sum(self, terms: Iterable[Expr]) -> str:
        text = ""
        parts = [split(term) for term in terms]
        if parts[0][0] < 0:  # y − 1 rather than −1 + y
            parts.sort(key=lambda part: part[0] < 0)
        for coefficient, rest in parts:
            part = self.at_least(PRODUCT if text or coefficient < 0 else SUM, multiply(abs(coefficient), rest))
            if coefficient < 0:
                text += f" {self.minus} {part}" if text else f"{self.minus}{part}"
            else:
                text += f" + {part}" if text else part
        return text

    def product(self, factors: list[Expr]) -> tuple[str, int]:
        sign, above, below = "", list[Expr](), list[Expr]()
        for factor in factors:
            if kind(factor) == "**" and isinstance(factor[2], Fraction) and factor[2] < 0:
                below.append(power(factor[1], -factor[2]))
            elif isinstance(factor, Fraction):
                sign = self.minus if factor < 0 else ""
                above += [abs(factor)] if abs(factor) != 1 else []
            else:
                above.append(factor)
        text = self.quotient(above or [ONE], below) if below else self.juxtaposed(above)
        return sign + text, SUM if sign else self.quotients if below else PRODUCT

    def juxtaposed(self, factors: list[Expr]) -> str:
        if len(factors) == 1:
            return self.at_least(PRODUCT, factors[0])
        text = ""
        for factor in factors:
            part = self.at_least(POWER, factor)
            touching = part.startswith(self.opening) and not text[-1:].isdecimal()
            text += part if touching or not text else f"{self.times}{part}"
        return text

    def quotient(self, above: list[Expr], below: list[Expr]) -> str:
        under = self.juxtaposed(below)
        return self.fraction(self.juxtaposed(above), f"({under})" if len(below) > 1 else under)

    def fraction(self, above: str, below: str) -> str:
        return f"{above}/{below}"

    def power(self, base: Expr, exponent: Expr) -> str:
        below = self.at_least(ATOM, base)
        below = f"({below})" if below.endswith("⁾") else below
        if isinstance(exponent, Fraction) and exponent.denominator == 1:
            return below + str(exponent).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
        return f"{below}^{self.at_least(ATOM, exponent)}"

    def call(self, name: str, operands: list[str]) -> str:
        if name == "abs":
            return f"|{operands[0]}|"
        symbol = TABLE[name].symbol if name in TABLE else name
        return f"{symbol if symbol.isalpha() or symbol == '√' else name}({', '.join(operands)})"


class LatexWriter(Writer):
    """Writes expressions for LaTeX's math mode."""

    times, minus, opening, closing = r" \cdot ", "-", r"\left(", r"\right)"
    quotients = POWER
    known = ("exp", "sin", "cos", "tan", "sinh", "cosh", "tanh")

    def quotient(self, above: list[Expr], below: list[Expr]) -> str:
        return self.fraction(*(self(part[0]) if len(part) == 1 else self.juxtaposed(part) for part in (above, below)))

    def fraction(self, above: str, below: str) -> str:
        sign = "-" if above.startswith("-") else ""
        return rf"{sign}\frac{{{above.removeprefix(sign)}}}{{{below}}}"

    def power(self, base: Expr, exponent: Expr) -> str:
        below = self.at_least(ATOM, base)
        return f"{f'{{{below}}}' if '^' in below else below}^{{{self(exponent)}}}"

    def call(self, name: str, operands: list[str]) -> str:
        inside = ", ".join(operands)
        match name:
            case "abs":
                return rf"\left|{inside}\right|"
            case "sqrt":
                return rf"\sqrt{{{inside}}}"
            case "sigmoid" | "log" | "maximum" | "minimum":
                word = {"sigmoid": r"\sigma", "log": r"\ln", "maximum": r"\max", "minimum": r"\min"}[name]
            case _:
                word = rf"\{name}" if name in self.known else r"\operatorname{" + name.replace("_", r"\_") + "}"
        return rf"{word}\left({inside}\right)"


class Style:
    """Names, numbers, derivatives and expressions of one graph, in text and HTML.

    Attributes:
        symbols, numbers: write an expression with the names of its Values, or with their data.
    """

    times, dot, minus, arrow, gets, dots, eta = " × ", " · ", "−", " → ", "←", "…", "η"
    writer = Writer

    def __init__(self, names: Names, digits: int) -> None:
        self.names, self.digits = names, digits
        self.symbols = self.writer(self.name, self.number)
        self.numbers = self.writer(lambda node: self.number(node.data), self.number)

    def name(self, node: Value) -> str:
        return self.names.text(node)

    def number(self, exact: float) -> str:
        return rounded(exact, self.digits)

    def finer(self, exact: float) -> str:
        """With one more significant digit, which tells two results apart."""
        return shown(exact, self.digits + 1)

    def derivative(self, upper: Value, lower: Value) -> str:
        return f"∂{self.name(upper)}/∂{self.name(lower)}"

    def factor(self, exact: float) -> str:
        """A number in a product."""
        return self.in_brackets(self.number(exact))

    def in_brackets(self, number: str) -> str:
        """A number, in brackets where it has a sign."""
        return f"({number})" if number.startswith(self.minus) else number

    def word(self, text: str) -> str:
        return text


class LatexStyle(Style):
    """Names, numbers, derivatives and expressions of one graph, for LaTeX's math mode."""

    times, dot, minus, arrow, gets, dots, eta = (
        r" \cdot ",
        r" \cdot ",
        "-",
        r" \to ",
        r"\leftarrow",
        r"\cdots ",
        r"\eta",
    )
    writer = LatexWriter

    def name(self, node: Value) -> str:
        return self.names.latex(node)

    def number(self, exact: float) -> str:
        return latex_number(super().number(exact))

    def finer(self, exact: float) -> str:
        return latex_number(super().finer(exact))

    def derivative(self, upper: Value, lower: Value) -> str:
        return rf"\frac{{\partial {self.name(upper)}}}{{\partial {self.name(lower)}}}"

    def word(self, text: str) -> str:
        return latex_word(text)
