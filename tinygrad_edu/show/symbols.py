"""Derivatives as symbols: the formulas of the table with operands substituted, and simplified as a person would.

An expression is a number (a Fraction), a Value, which stands for its name, or a tuple: ("+", terms…), ("*", factors…),
("**", base, exponent), or an operation of the table, ("exp", operand).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from math import prod
from typing import Any

from tinygrad_edu.engine import OPERATORS, TABLE, Row, Value
from tinygrad_edu.engine.formulas import compile_formula, folds, names, on_floats, rows_in
from tinygrad_edu.engine.languages import Arithmetic

Expr = Any  # Fraction | Value | tuple
ZERO, ONE = Fraction(0), Fraction(1)


def number(x: float) -> Fraction:
    """The decimal number that a person reads: 0.1 is one tenth.

    >>> number(0.1)
    Fraction(1, 10)
    """
    return Fraction(repr(x))


# Simplification: numbers are folded, like terms and equal factors gathered, nothing is multiplied out.


def add(*terms: Expr) -> Expr:
    """The sum, like terms gathered.

    >>> add(ONE, multiply(number(2.0), ("exp", ONE)), ("exp", ONE))
    ('+', Fraction(1, 1), ('*', Fraction(3, 1), ('exp', Fraction(1, 1))))
    """
    coefficients: dict[Expr, Fraction] = {}
    for term in terms:
        for part in term[1:] if kind(term) == "+" else [term]:
            coefficient, rest = split(part)
            coefficients[rest] = coefficients.get(rest, ZERO) + coefficient
    found = [multiply(coefficient, rest) for rest, coefficient in coefficients.items() if coefficient]
    return found[0] if len(found) == 1 else ("+", *found) if found else ZERO


def multiply(*factors: Expr) -> Expr:
    """The product, equal factors gathered into powers."""
    coefficient, exponents = ONE, dict[Expr, Expr]()
    for factor in factors:
        for part in factor[1:] if kind(factor) == "*" else [factor]:
            if isinstance(part, Fraction):
                coefficient *= part
            else:
                base, exponent = part[1:] if kind(part) == "**" else (part, ONE)
                exponents[base] = add(exponents.get(base, ZERO), exponent)
    found = [power(base, exponent) for base, exponent in exponents.items()]
    found = [factor for factor in found if factor != ONE]
    if any(isinstance(factor, Fraction) or kind(factor) == "*" for factor in found):  # of two roots that met
        return multiply(coefficient, *found)
    if not coefficient or not found:
        return coefficient
    found = found if coefficient == 1 else [coefficient, *found]
    return found[0] if len(found) == 1 else ("*", *found)


def power(base: Expr, exponent: Expr) -> Expr:
    if exponent == 0:
        return ONE
    if exponent == 1:
        return base
    if isinstance(exponent, Fraction) and exponent.denominator == 1:
        if isinstance(base, Fraction) and base and abs(exponent) < 10:
            return base**exponent
        if kind(base) == "**":
            return power(base[1], multiply(base[2], exponent))
        if kind(base) == "*":
            return multiply(*(power(factor, exponent) for factor in base[1:]))
    return ("**", base, exponent)


def split(term: Expr) -> tuple[Fraction, Expr]:
    """The number in a term, and the rest."""
    if isinstance(term, Fraction):
        return term, ONE
    if kind(term) == "*" and isinstance(term[1], Fraction):
        return term[1], multiply(*term[2:])
    return ONE, term


def kind(expr: Expr) -> str | None:
    return expr[0] if isinstance(expr, tuple) else None


def size(expr: Expr) -> int:
    """How many names and numbers are written; a number of hundreds of digits, which takes long to multiply, as many."""
    if isinstance(expr, tuple):
        return sum(map(size, expr[1:]))
    return 1 + expr.denominator.bit_length() // 256 if isinstance(expr, Fraction) else 1


def values_in(expr: Expr) -> list[Value]:
    """The Values in an expression, in the order in which they stand there."""
    if isinstance(expr, tuple):
        return [value for part in expr[1:] for value in values_in(part)]
    return [expr] if isinstance(expr, Value) else []


# Formulas of the table, run on expressions


class Symbol(Arithmetic):
    """An expression as a kind of number, so that a formula of the table is run on it."""

    __slots__ = ("expr",)

    def __init__(self, expr: Expr) -> None:
        self.expr = expr

    def infix(self, name: str, left: Any, right: Any) -> Symbol:
        x, y = expressed(left), expressed(right)
        y = multiply(-ONE, y) if name == "sub" else power(y, -ONE) if name == "truediv" else y
        return Symbol(add(x, y) if name in ("add", "sub") else multiply(x, y))

    def __neg__(self) -> Symbol:
        return Symbol(multiply(-ONE, self.expr))


def expressed(x: Any) -> Expr:
    """The expression of a Symbol, or of a number in a formula."""
    return x.expr if isinstance(x, Symbol) else number(x)


def called(row: Row) -> Callable[..., Symbol]:
    """An operation on Symbols: powers are simplified, all others stand as they are."""

    def call(*operands: Any) -> Symbol:
        inner = [expressed(operand) for operand in operands]
        return Symbol(power(*inner) if row.name == "pow" else (row.name, *inner))

    return call


def substituted(formula: str, given: dict[str, Expr]) -> Expr:
    """A formula of the table with expressions for its names.

    >>> substituted("3 * x / 2", {"x": number(0.5)})
    Fraction(3, 4)
    """
    return expressed(compile_formula(given, formula, rows_in([formula], called))(*map(Symbol, given.values())))


def local_derivative(node: Value, operand: int, expression: Callable[[Value | float], Expr]) -> Expr:
    """∂node/∂operand, in the textbook's form, with an expression for each Value or constant in it."""
    row: Row = node.op
    which, at = row.place(node.parents, operand)
    sums, formula = folds(row.shown[which]) if row.many else ([], row.shown[which])

    def stated(formula: str, operands: Sequence[Value | float]) -> Expr:
        given = dict(zip(row.operands, operands, strict=True)) | {"out": node}
        known = {x: expression(value) for x, value in given.items() if x in names(formula)}
        return substituted(formula, known | {name: found[name] for name in found if name in names(formula)})

    found: dict[str, Expr] = {}
    for name, _, term in sums:
        found[name] = add(*[stated(term, each) for each in zip(*row.groups(node.parents), strict=True)])
    return stated(formula, at)


def operation(node: Value, expression: Callable[[Value | float], Expr]) -> Expr:
    """A node as its operation on its operands."""
    row: Row = node.op
    operands = [expression(parent) for parent in node.parents]
    if row.name == "dot":
        return add(*map(multiply, *row.groups(operands)))
    if row.name == "sum":
        return add(*operands)
    if row.name in OPERATORS:
        primal = "x**y" if row.name == "pow" else row.primal
        return substituted(primal, dict(zip(row.operands, operands, strict=True)))
    return (row.name, *operands)


def evaluated(expr: Expr, data: Callable[[Value], float], constant: Callable[[Fraction], float] = float) -> float:
    """The number that an expression stands for, with these numbers for its Values and constants."""
    if isinstance(expr, Fraction):
        return constant(expr)
    if isinstance(expr, Value):
        return data(expr)
    operands = [evaluated(part, data, constant) for part in expr[1:]]
    if expr[0] == "+":
        return sum(operands)
    if expr[0] == "*":
        return prod(operands)
    return on_floats(TABLE["pow" if expr[0] == "**" else expr[0]])(*operands)
