"""The arithmetic of one graph as JavaScript, written from the formulas of the table."""

from __future__ import annotations

import ast

from tinygrad_edu.engine import TABLE, Row, Value
from tinygrad_edu.engine.formulas import FOLDS
from tinygrad_edu.engine.formulas import PRIMITIVES as ON_FLOATS

OPERATORS: dict[type[ast.operator], str] = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/"}

PRIMITIVES = {name: f"Math.{name}" for name in ON_FLOATS} | {
    "maximum": "(x, y) => (x > y || x !== x ? x : y)",
    "minimum": "(x, y) => (x < y || x !== x ? x : y)",
    "sign": "(x) => (x > 0 ? 1 : x < 0 ? -1 : x)",
    "step": "(x) => (x > 0 ? 1 : x <= 0 ? 0 : x)",
    # The series near 0, and the continued fraction beyond: both are exact to the last digits where they are used.
    "erf": "(x) => { let t = x, s = x; for (let n = 1; n < 60; n++) { t *= -x * x / n; s += t / (2 * n + 1); } "
    "return Math.abs(x) < 2 ? 1.1283791670955126 * s : Math.sign(x) * (1 - op_erfc(Math.abs(x))); }",
    "erfc": "(x) => { if (x < 2) return x > -2 ? 1 - op_erf(x) : 2 - op_erfc(-x); let f = 0; "
    "for (let n = 60; n > 0; n--) f = n / 2 / (x + f); return Math.exp(-x * x) / 1.772453850905516 / (x + f); }",
}


class Program:
    """JavaScript that computes each of `nodes` (operands before results) and its local derivatives.

    It defines `forward[k](v)`, the data of node k from the list `v` of all data, null for a leaf; and
    `partials[k][i](v)`, its derivative for operand i, null for a constant.

    >>> a = Value(2.0)
    >>> print(Program([a, a * a]).source)
    const op_mul = (x, y) => (x * y);
    const forward = [null, (v) => op_mul(v[0], v[0])];
    const partials = [[], [(v) => v[0], (v) => v[0]]];

    Raises ValueError for an operation that JavaScript has no primitive for.
    """

    def __init__(self, nodes: list[Value]) -> None:
        self.place = {node: k for k, node in enumerate(nodes)}
        self.needed: list[Row] = []
        forward = [self.forward(node) for node in nodes]
        partials = [f"[{', '.join(self.partials(node))}]" for node in nodes]
        functions = [self.define(row) for row in self.needed]  # the list grows while it is read
        self.source = "\n".join(
            [
                *functions,
                f"const forward = [{', '.join(forward)}];",
                f"const partials = [{', '.join(partials)}];",
            ]
        )

    def operands(self, node: Value) -> dict[str, list[str]]:
        """The JavaScript of the operands, a list for each name in the row's formulas."""
        at = [repr(p) if isinstance(p, float) else f"v[{self.place[p]}]" for p in node.parents]
        width = len(at) // len(node.op.operands)
        return {x: at[k * width : (k + 1) * width] for k, x in enumerate(node.op.operands)}

    def forward(self, node: Value) -> str:
        if not node.parents:
            return "null"
        groups = self.operands(node)
        if node.op.many:
            return f"(v) => {self.emit(node.op.primal, {}, groups)}"
        return f"(v) => {self.call(node.op, [group[0] for group in groups.values()])}"

    def partials(self, node: Value) -> list[str]:
        cells = []
        for k, parent in enumerate(node.parents):
            if isinstance(parent, float):
                cells.append("null")
                continue
            groups = self.operands(node)
            width = len(node.parents) // len(groups)
            names = {x: group[k % width] for x, group in groups.items()} | {"out": f"v[{self.place[node]}]"}
            cells.append(f"(v) => {self.emit(node.op.partials[k // width], names)}")
        return cells

    def call(self, row: Row, arguments: list[str]) -> str:
        if row not in self.needed:
            self.needed.append(row)
        return f"op_{row.name}({', '.join(arguments)})"

    def define(self, row: Row) -> str:
        if not row.primitive:
            body = self.emit(row.primal, {x: x for x in row.operands})
            return f"const op_{row.name} = ({', '.join(row.operands)}) => {body};"
        if row.name not in PRIMITIVES:
            raise ValueError(f"JavaScript has no primitive for the operation {row.name}")
        if row.name in ("erf", "erfc"):
            self.call(TABLE["erf"], []), self.call(TABLE["erfc"], [])
        return f"const op_{row.name} = {PRIMITIVES[row.name]};"

    def emit(self, formula: str, names: dict[str, str], groups: dict[str, list[str]] | None = None) -> str:
        """A formula with these operands, written from its syntax tree: `-x**2` is an error in JavaScript."""

        def text(node: ast.expr, names: dict[str, str]) -> str:
            match node:
                case ast.Constant(value=value):
                    return repr(value)
                case ast.Name(id=name):
                    return names[name]
                case ast.UnaryOp(op=op, operand=operand):
                    return f"({'-' if isinstance(op, ast.USub) else '+'}{text(operand, names)})"
                case ast.BinOp(left=left, op=ast.Pow(), right=right):
                    return self.call(TABLE["pow"], [text(left, names), text(right, names)])
                case ast.BinOp(left=left, op=op, right=right):
                    return f"({text(left, names)} {OPERATORS[type(op)]} {text(right, names)})"
                case ast.Call(func=ast.Name(id=fold), args=[term]) if groups and fold in FOLDS:
                    pairs = [dict(zip(groups, at, strict=True)) for at in zip(*groups.values(), strict=True)]
                    terms = [text(term, names | pair) for pair in pairs]
                    return f"({' + '.join(terms)})" if fold == "sum" else f"Math.max({', '.join(terms)})"
                case ast.Call(func=ast.Name(id=name), args=args):
                    return self.call(TABLE[name], [text(argument, names) for argument in args])
            raise AssertionError(ast.dump(node))

        return text(ast.parse(formula, mode="eval").body, names)
