"""Formulas of the table as Python expressions, with what is constant in them worked out."""

from __future__ import annotations

import ast
from functools import lru_cache
from math import copysign, isfinite

from tinygrad_edu.engine import TABLE, UNDEFINED
from tinygrad_edu.engine.formulas import BUILT_IN, for_numbers, on_floats

# What is a call in a formula, and quicker without one where the numbers are floats.
INLINE = {
    "maximum": "{x} if {x} > {y} or {x} != {x} else {y}",
    "minimum": "{x} if {x} < {y} or {x} != {x} else {y}",
    "sign": "1.0 if {x} > 0.0 else -1.0 if {x} < 0.0 else {x}",
    "step": "1.0 if {x} > 0.0 else 0.0 if {x} <= 0.0 else {x}",
}


@lru_cache(maxsize=4096)  # of formulas with constants there is no end
def template(formula: str, constants: tuple[tuple[str, str], ...] = (), for_floats: bool = False) -> str:
    """The formula as text to `format` with names for its operands. Those that are numbers, as text, are worked out.

    Whole numbers are ints, so that Fractions stay exact; or, to be quick, floats, and simple calls are inlined.

    >>> template("y * pow(x, y - 1)", (("y", "2.0"),))
    '2 * {x}'
    >>> template("out * sigmoid(-x)").format(out="h", x="z")
    'h * sigmoid(-z)'
    >>> template("maximum(x, 0)", for_floats=True)
    '({x} if {x} > 0.0 or {x} != {x} else 0.0)'
    """
    # Text, since 0.0 and -0.0 are one key to a cache.
    tree = Constants({x: float(number) for x, number in constants}).visit(
        ast.parse(for_numbers(formula), mode="eval").body
    )
    if for_floats:
        tree = ForFloats().visit(tree)
    return f"({ast.unparse(tree)})" if isinstance(tree, ast.IfExp) else ast.unparse(tree)


def numeral(number: float, for_floats: bool = False) -> str:
    """A number as Python writes it."""
    return ast.unparse(ast.Constant(number) if for_floats else constant(number))


def constant(number: float) -> ast.Constant:
    whole = isfinite(number) and number == int(number) and abs(number) < 2**53
    if whole and (number or copysign(1.0, number) > 0):  # there is no int -0
        number = int(number)
    return ast.Constant(number)


class Constants(ast.NodeTransformer):
    """Puts numbers for names, works out what has only numbers in it, and leaves out what changes nothing, as 1 * x."""

    def __init__(self, numbers: dict[str, float]) -> None:
        self.numbers = numbers

    def visit_Name(self, node: ast.Name) -> ast.expr:
        if node.id in self.numbers:
            return constant(self.numbers[node.id])
        return ast.Name("{" + node.id + "}", ast.Load())

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.expr:
        self.generic_visit(node)
        match node:
            case ast.UnaryOp(op=ast.UAdd(), operand=inner) | ast.UnaryOp(operand=ast.UnaryOp(operand=inner)):
                return inner
            case ast.UnaryOp(operand=ast.Constant(value=number)):
                return constant(-float(number))  # type: ignore[arg-type]
        return node

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        self.generic_visit(node)
        match node:
            case ast.BinOp(left=ast.Constant(value=x), op=op, right=ast.Constant(value=y)):
                return self.worked_out(OPERATIONS[type(op)], [float(x), float(y)]) or node  # type: ignore[arg-type]
            case ast.BinOp(left=inner, op=ast.Mult() | ast.Div(), right=ast.Constant(value=1)):
                return inner
            case ast.BinOp(left=ast.Constant(value=1), op=ast.Mult(), right=inner):
                return inner
        return node

    def visit_Call(self, node: ast.Call) -> ast.expr:
        node.args = [self.visit(argument) for argument in node.args]
        match node:
            case ast.Call(func=ast.Name(id="pow"), args=[ast.BinOp(left=base, right=ast.Constant(value=0)), exponent]):
                # The table adds this 0 to the base, as a guard that only the exponent 0 needs.
                node.args = [base, exponent]
        match node:
            case ast.Call(func=ast.Name(id=name), args=args) if TABLE.get(name) in BUILT_IN and all(
                isinstance(argument, ast.Constant) for argument in args
            ):
                return self.worked_out(name, [float(argument.value) for argument in args]) or node  # type: ignore
            case ast.Call(func=ast.Name(id="pow"), args=[base, ast.Constant(value=1)]):
                return base
            case ast.Call(func=ast.Name(id="pow"), args=[ast.Name() as base, ast.Constant(value=2)]):
                return ast.BinOp(base, ast.Mult(), base)
            case ast.Call(func=ast.Name(id="pow"), args=[ast.Name() as base, ast.Constant(value=3)]):
                return ast.BinOp(ast.BinOp(base, ast.Mult(), base), ast.Mult(), base)
            case ast.Call(
                func=ast.Name(id="is_zero"),
                args=[
                    ast.BinOp(left=ast.Call(func=ast.Name(id="abs")), op=ast.Add(), right=ast.Constant(value=number))
                ],
            ) if number > 0:  # type: ignore[operator]  # |x| + 3 is positive
                return ast.Constant(0)
        return node

    def worked_out(self, name: str, numbers: list[float]) -> ast.expr | None:
        """The number, where there is one: log(0) stays as it is, to be undefined when the program runs."""
        try:
            return constant(on_floats(TABLE[name])(*numbers))
        except UNDEFINED:
            return None


OPERATIONS: dict[type[ast.operator], str] = {ast.Add: "add", ast.Sub: "sub", ast.Mult: "mul", ast.Div: "truediv"}


class ForFloats(ast.NodeTransformer):
    """Makes floats of whole numbers, and conditional expressions of what INLINE has."""

    def visit_Constant(self, node: ast.Constant) -> ast.expr:
        return ast.Constant(float(node.value))  # type: ignore[arg-type]

    def visit_Call(self, node: ast.Call) -> ast.expr:
        self.generic_visit(node)
        match node:
            case ast.Call(func=ast.Name(id=name), args=args) if name in INLINE and all(
                isinstance(argument, ast.Name | ast.Constant) for argument in args
            ):
                operands = dict(zip("xy", map(ast.unparse, args), strict=False))
                return ast.parse(INLINE[name].format(**operands), mode="eval").body
        return node
