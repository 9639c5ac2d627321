"""How people write: names with indices, numbers, and the expressions of symbols.py, as text and as LaTeX."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable
from fractions import Fraction

from tinygrad_edu.engine import TABLE, Value
from tinygrad_edu.plain import plain
from tinygrad_edu.show.numbers import shown
from tinygrad_edu.show.symbols import ONE, Expr, kind, multiply, power, split

SUM, PRODUCT, POWER, ATOM = range(4)  # how tightly a written expression holds together


def rounded(number: float, digits: int = 4) -> str:
    """A number as people round on paper: to `digits` decimals, or to as many significant digits where it is small.

    >>> rounded(0.0427726), rounded(0.00048973), rounded(138.83381924), rounded(0.5)
    ('0.0428', '0.0004897', '138.8338', '0.5')
    """
    if 10.0 ** (2 - digits) <= abs(number) < 1e6:
        return f"{number:.{digits}f}".rstrip("0").rstrip(".").replace("-", "−")
    if 1e-4 <= abs(number) < 1:
        return f"{number:.{digits}g}".replace("-", "−")
    return shown(number, digits)


def is_fraction(number: Fraction) -> bool:
    """Whether a number is written as one, like 2/3: it is no decimal number, and its denominator is small."""
    rest = number.denominator
    for prime in (2, 5):
        while rest % prime == 0:
            rest //= prime
    return rest > 1 and number.denominator <= 100


def latex_number(text: str) -> str:
    r"""A number as `rounded` writes it, for LaTeX's math mode.

    >>> latex_number("−1.23e−5")
    '-1.23 \\cdot 10^{-5}'
    """
    return re.sub(r"e(−?\d+)$", r" \\cdot 10^{\1}", text).replace("−", "-").replace("∞", r"\infty")


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
    """The same as LaTeX, for math mode."""

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


# Names

SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
SUPERSCRIPTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
GREEK = "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau upsilon phi chi psi"
GREEK_NAMES = {*GREEK.split(), "omega", "Gamma", "Delta", "Theta", "Lambda", "Xi", "Pi", "Sigma", "Phi", "Psi", "Omega"}


def pretty(label: str, copy: int = 1) -> str:
    """A label as text: digits at its end are an index; a second node of this label is marked.

    >>> pretty("w5"), pretty("z_1"), pretty("y1", copy=2), pretty("learning rate")
    ('w₅', 'z₁', 'y₁⁽²⁾', 'learning rate')
    """
    label = plain(label)
    if index := re.fullmatch(r"([^\W\d_]+)_?(\d+)", label):
        label = index[1] + index[2].translate(SUBSCRIPTS)
    return label + (f"⁽{str(copy).translate(SUPERSCRIPTS)}⁾" if copy > 1 else "")


def latex_name(label: str, copy: int = 1) -> str:
    r"""The same as LaTeX, for math mode. No character of the label is a command.

    >>> latex_name("w5"), latex_name("total_error"), latex_name("w2_1,3")
    ('w_{5}', '\\mathrm{total\\_error}', 'w_{2,1,3}')
    """
    label = plain(label)
    index = re.fullmatch(r"([^\W\d_]+)_?(\d+(?:[_,]\d+)*)", label)
    stem, digits = (index[1], index[2].replace("_", ",")) if index else (label, "")
    if spelled(stem) in GREEK_NAMES:
        name = rf"\{spelled(stem)}"
    elif re.fullmatch("[A-Za-z]", stem):
        name = stem
    else:
        name = latex_word(stem)
    return name + (f"_{{{digits}}}" if digits else "") + (f"^{{({copy})}}" if copy > 1 else "")


def spelled(letter: str) -> str:
    """α as alpha, Δ as Delta; anything else as it is."""
    words = unicodedata.name(letter, "").split() if len(letter) == 1 else []
    if words[:1] != ["GREEK"] or len(words) != 4:
        return letter
    spelling = words[3].lower().replace("lamda", "lambda")
    return spelling.capitalize() if words[1] == "CAPITAL" else spelling


# In Markdown neither < nor | nor ` may stand for itself, and MathJax reads commands in math mode only.
IN_MATH_MODE = {"\\": r"\backslash ", "~": r"\sim ", "^": r"\wedge ", "*": r"\ast ", "|": r"\vert ", " ": r"\ "}
IN_MATH_MODE |= {"…": r"\dots ", "<": r"\langle ", ">": r"\rangle ", "'": r"\text{'}", "`": r"\text{'}"}
IN_MATH_MODE |= {c: rf"\{c}" for c in "{}$&#_%"}


def latex_word(text: str) -> str:
    """A word in upright letters for math mode; what LaTeX's own fonts lack becomes a ?."""
    return r"\mathrm{" + "".join(map(latex_letter, text)) + "}"


def latex_letter(letter: str) -> str:
    if letter.isascii() or letter in IN_MATH_MODE:
        return IN_MATH_MODE.get(letter, letter)
    return rf"\text{{{letter}}}" if letter < "\u0180" else "?"
