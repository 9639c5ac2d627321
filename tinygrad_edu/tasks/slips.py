"""The mistakes that can be made in a right answer, each by its name: what a wrong answer is recognised by."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from copy import deepcopy

from tinygrad_edu.misconceptions import MISCONCEPTIONS

ABOVE = {"upstream", "above", "outer"}  # names of the gradient from above
LESSONS = {mistake.name: f"{mistake.lesson}. {mistake.hint}" for mistake in MISCONCEPTIONS} | {
    "a path left out": "gradients add up over all paths, and one of them is missing. Where else is it used?",
    "a factor left out": "the factors along a path multiply, and one of them is missing. Which step has no factor?",
    "a power too low": "an exponent is missing. Write the formula out as a product: how often does it stand there?",
    "the wrong side of a kink": "the two sides are changed over. What does the function do where its input is large?",
    "the kink ignored": "on one side of the kink nothing is passed on. Does the result change there at all?",
}


def slips(source: str) -> Iterator[tuple[str, str]]:
    """Each answer that differs from a right one by one mistake, with the mistake's name.

    >>> for name, wrong in slips("def f(x, upstream):\\n    return upstream * x"):
    ...     print(f"{name:30}", wrong.splitlines()[-1].strip())
    sign of a difference           return -(upstream * x)
    counted twice                  return 2 * (upstream * x)
    the square's 2                 return upstream * x / 2
    gradient from above missing    return x
    a factor left out              return upstream
    added instead of multiplied    return upstream + x
    """
    tree = ast.parse(source)
    for k, node in enumerate(ast.walk(tree)):
        for name, change in changes(node):
            copy = deepcopy(tree)
            target = next(other for j, other in enumerate(ast.walk(copy)) if j == k)
            made = ast.fix_missing_locations(Put(target, change).visit(copy))
            yield name, ast.unparse(made)


class Put(ast.NodeTransformer):
    """Puts a node in the place of another."""

    def __init__(self, target: ast.AST, change: ast.AST) -> None:
        self.target, self.change = target, change

    def visit(self, node: ast.AST) -> ast.AST:
        return self.change if node is self.target else self.generic_visit(node)


def changes(node: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    """What may be written in the place of a node by mistake."""
    match node:
        case ast.Return(value=ast.Tuple(elts=[first, second])):
            yield "swapped operands", ast.Return(ast.Tuple([second, first], ast.Load()))
        case ast.Return(value=ast.BinOp() | ast.Name() | ast.Call() as value):
            yield "sign of a difference", ast.Return(ast.UnaryOp(ast.USub(), value))
            yield "counted twice", ast.Return(ast.BinOp(ast.Constant(2), ast.Mult(), value))
            yield "the square's 2", ast.Return(ast.BinOp(value, ast.Div(), ast.Constant(2)))
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            yield "sign of a difference", operand
        case ast.AugAssign(op=ast.Add(), target=target, value=value):
            yield "overwritten", ast.Assign([target], value)
        case ast.IfExp(body=body, orelse=orelse, test=test):
            yield "the kink ignored", body
            yield "the wrong side of a kink", ast.IfExp(test, orelse, body)
        case ast.BinOp(left=left, op=ast.Mult(), right=right):
            yield missing(left), right
            yield missing(right), left
            yield "added instead of multiplied", ast.BinOp(left, ast.Add(), right)
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            yield "a path left out", left
            yield "a path left out", right
            yield "sign of a difference", ast.BinOp(left, ast.Sub(), right)
        case ast.BinOp(left=left, op=ast.Sub(), right=right):
            yield "sign of a difference", ast.BinOp(left, ast.Add(), right)
            match left, right:
                case ast.Constant(), ast.BinOp(left=ast.Name(id="out"), op=ast.Pow()):
                    of_input = ast.BinOp(ast.Name("z", ast.Load()), ast.Pow(), ast.Constant(2))
                    yield "tanh' of the input", ast.BinOp(left, ast.Sub(), of_input)
        case ast.BinOp(left=left, op=ast.Div(), right=right):
            yield "swapped operands", ast.BinOp(right, ast.Div(), left)
            yield "a factor left out", left
        case ast.BinOp(left=left, op=ast.Pow(), right=ast.Constant()):
            yield "a power too low", left


def missing(factor: ast.expr) -> str:
    """What it is called to leave a factor out."""
    if isinstance(factor, ast.Name) and factor.id in ABOVE:
        return "gradient from above missing"
    if isinstance(factor, ast.Constant) and factor.value == 2:
        return "the square's 2"
    return "a factor left out"
