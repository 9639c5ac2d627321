"""What a slip may be: each place in a source where one can be made, and the source with it.

Python is changed on its syntax tree, so that what comes out always parses; the formulas of the table, which are text,
are changed in the same way; JavaScript token by token. Comments, docstrings, annotations and messages stay as they are.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from copy import deepcopy
from typing import NamedTuple

COMPARISONS = {
    ast.Lt: ast.GtE, ast.LtE: ast.Gt, ast.Gt: ast.LtE, ast.GtE: ast.Lt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
}  # fmt: skip
EDGES = {ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt}  # beside a whole number
OPERATORS = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.Pow: ast.Mult, ast.FloorDiv: ast.Div,
    ast.Mod: ast.FloorDiv, ast.BitOr: ast.BitAnd, ast.BitAnd: ast.BitOr,
}  # fmt: skip
NAMES = {
    "min": "max", "max": "min", "any": "all", "all": "any", "minimum": "maximum", "maximum": "minimum", "sin": "cos",
    "cos": "sin", "exp": "expm1", "log": "log1p", "sinh": "cosh", "cosh": "sinh", "reversed": "list", "sorted": "list",
    "x": "y", "y": "x", "x_i": "y_i", "y_i": "x_i",
}  # fmt: skip
MACHINE = ("builder.add", "builder.mul", "builder.and_", "builder.or_")  # symmetric too
SYMMETRIC = {"plus", "times", "max", "min", "Max", "Min", "maximum", "minimum", "hypot", "fmul", "fadd", "least"}
FORMULA = re.compile(r"[\w\s.*+/(),-]*[(*+/][\w\s.*+/(),-]*")


class Slip(NamedTuple):
    """One change: where it begins and ends in the source (in bytes), what stands there, and what shall."""

    start: int
    end: int
    old: str
    new: str

    def applied(self, source: bytes) -> bytes:
        return source[: self.start] + self.new.encode() + source[self.end :]

    def line(self, source: bytes) -> int:
        return source[: self.start].count(b"\n") + 1


def python(source: bytes) -> list[Slip]:
    """Every slip in a Python source.

    >>> [slip.new for slip in python(b"y = a - b if a < 2 else f(b, key=1)")][:3]
    ['(a - b if not a < 2 else f(b, key=1))', '(a >= 2)', '(a <= 2)']
    """
    starts = [0]
    for line in source.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    found = []
    for node in walked(ast.parse(source)):
        start = starts[node.lineno - 1] + node.col_offset
        end = starts[node.end_lineno - 1] + node.end_col_offset
        for new in changes(node):
            found.append(Slip(start, end, source[start:end].decode(), new))
    return found


def walked(tree: ast.AST) -> Iterator[ast.AST]:
    """The nodes that may be changed, from the top of the file to its end."""
    for field, child in ast.iter_fields(tree):
        if field in ("annotation", "returns", "decorator_list", "type_comment"):
            continue
        for node in child if isinstance(child, list) else [child]:
            if not isinstance(node, ast.AST) or left_alone(node):
                continue
            if hasattr(node, "lineno"):
                yield node
            yield from walked(node)


def left_alone(node: ast.AST) -> bool:
    match node:
        case ast.Expr(value=ast.Constant()) | ast.JoinedStr() | ast.Import() | ast.ImportFrom():
            return True
        case ast.If(test=ast.Name(id="TYPE_CHECKING")):
            return True
        case ast.Assign(targets=[ast.Name(id="__all__" | "__slots__")]):
            return True
        case ast.Call(func=ast.Name(id="TypeVar" | "cast")):
            return True
        case ast.keyword(arg="strict"):  # a guard, which no right program needs
            return True
    if isinstance(node, ast.FunctionDef):
        return any(ast.unparse(decorator) == "overload" for decorator in node.decorator_list)
    return False


def changes(node: ast.AST) -> Iterator[str]:
    """What may stand in place of a node."""

    def changed(**fields: object) -> str:
        new = deepcopy(node)
        for name, value in fields.items():
            setattr(new, name, value)
        text = ast.unparse(new)
        return f"({text})" if isinstance(node, ast.expr) and not isinstance(node, ast.Call | ast.Constant) else text

    match node:
        case ast.Compare(ops=[op, *rest]) if type(op) in COMPARISONS:
            yield changed(ops=[COMPARISONS[type(op)](), *rest])
            whole = any(
                isinstance(x, ast.Constant) and isinstance(x.value, int) for x in (node.left, *node.comparators)
            )
            if type(op) in EDGES and whole:
                yield changed(ops=[EDGES[type(op)](), *rest])
        case ast.BinOp(op=op, left=left) if type(op) in OPERATORS and not text_or_list(left):
            yield changed(op=OPERATORS[type(op)]())
        case ast.AugAssign(op=ast.Add(), value=value) if not text_or_list(value):
            yield changed(op=ast.Sub())
        case ast.AugAssign(op=ast.Sub()):
            yield changed(op=ast.Add())
        case ast.BoolOp(op=op, values=values):
            yield changed(op=ast.And() if isinstance(op, ast.Or) else ast.Or())
            yield f"({ast.unparse(values[0])})"  # the rest forgotten
        case ast.UnaryOp(op=ast.Not() | ast.USub(), operand=operand):
            yield f"({ast.unparse(operand)})"
        case ast.IfExp(test=test):
            yield changed(test=ast.UnaryOp(ast.Not(), test))
        case ast.Constant(value=bool()):
            yield repr(not node.value)
        case ast.Constant(value=int() | float() as number):
            yield repr(other(number))
        case ast.Constant(value=str() as formula) if FORMULA.fullmatch(formula):
            yield from (repr(new) for new in formulas(formula))
        case ast.Return(value=ast.expr() as value) if not (isinstance(value, ast.Constant) and value.value is None):
            yield "return None"
        case ast.Raise() | ast.Expr(value=ast.Call()) | ast.Assert():
            yield "pass"
        case ast.Continue():
            yield "break"
        case ast.Break():
            yield "continue"
        case ast.Call(func=ast.Name(id=name), args=args, keywords=keywords):
            if name in NAMES:
                yield changed(func=ast.Name(NAMES[name]))
            yield from arguments([] if name in SYMMETRIC else args, keywords, changed)
        case ast.Call(func=func, args=args, keywords=keywords):
            machine = ast.unparse(func).endswith(MACHINE)
            symmetric = isinstance(func, ast.Attribute) and (machine or func.attr in SYMMETRIC)
            yield from arguments([] if symmetric else args, keywords, changed)
        case ast.Subscript(slice=ast.Slice(lower=lower, upper=upper, step=step)):
            if lower or upper or step:
                yield f"({ast.unparse(node.value)})"


def arguments(args, keywords, changed) -> Iterator[str]:
    """Two arguments exchanged; one given by name forgotten."""
    starred = any(isinstance(arg, ast.Starred) for arg in args)
    if len(args) == 2 and not starred and len({*map(ast.dump, args)}) == 2:
        yield changed(args=args[::-1])
    if keywords and keywords[-1].arg not in (None, "strict"):
        yield changed(keywords=keywords[:-1])


def other(number: float) -> float:
    """A number that a reader would take for another one: the next one if it counts a few, else far away."""
    return number + 1 if number == int(number) and abs(number) < 6 else number * 10


def text_or_list(node: ast.expr) -> bool:
    return isinstance(node, ast.JoinedStr | ast.List) or (
        isinstance(node, ast.Constant) and isinstance(node.value, str)
    )


def formulas(formula: str) -> Iterator[str]:
    """Every slip in a formula of the table.

    >>> list(formulas("y * log(x)"))
    ['(y / log(x))', 'x * log(x)', 'y * log1p(x)', 'y * log(y)']
    """
    try:
        tree = ast.parse(formula, mode="eval")
    except SyntaxError:
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.expr):
            news = list(changes(node))
            if isinstance(node, ast.Name) and node.id in NAMES and len(node.id) in (1, 3) and node.id[0] in "xy":
                news.append(NAMES[node.id])
            for new in news:
                yield formula[: node.col_offset] + new + formula[node.end_col_offset :]


TOKENS = re.compile(
    rb"""(?P<quiet>//[^\n]*|/\*.*?\*/                                                      # comments
        |"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`                       # text
        |/(?![ =])(?:\\.|[^/\\\n ])+/[gimsuy]*(?=[.,)]))                                 # regular expressions
    |(?P<number>(?<![\w.$])\d+(?:\.\d+)?(?:e[+-]?\d+)?(?![\w.]))
    |(?P<word>(?<![\w$])[A-Za-z_$][\w$]*)
    |(?P<sign>=>|===|!==|\+\+|--|&&|\|\||\?\?|<=|>=|[-+*/]=|\*\*|[-+*/<>!])
    """,
    re.VERBOSE | re.DOTALL,
)
SIGNS = {
    b"===": "!==", b"!==": "===", b"&&": "||", b"||": "&&", b"<=": "<", b">=": ">", b"<": "<=", b">": ">=", b"+": "-",
    b"-": "+", b"*": "/", b"/": "*", b"+=": "-=", b"-=": "+=", b"++": "--", b"--": "++", b"**": "*", b"!": "",
    b"??": "&&",
}  # fmt: skip
WORDS = {
    b"true": "false", b"false": "true", b"min": "max", b"max": "min", b"some": "every", b"every": "some", b"sin": "cos",
    b"cos": "sin", b"exp": "expm1", b"log": "log1p", b"continue": "break", b"null": "0", b"floor": "ceil",
    b"unshift": "push", b"push": "unshift", b"reverse": "slice",
}  # fmt: skip


def javascript(source: bytes) -> list[Slip]:
    """Every slip in a JavaScript source.

    >>> [slip.new for slip in javascript(b"if (a < 2 && b) { go(-1); } // < 1")]
    ['<=', '3', '||', '+', '2']
    """
    found = []
    for token in TOKENS.finditer(source):
        text = token[0]
        new = {"sign": SIGNS.get(text), "word": WORDS.get(text)}.get(token.lastgroup or "")
        if token.lastgroup == "number":
            new = repr(other(float(text))).removesuffix(".0")
        if new is not None:
            found.append(Slip(token.start(), token.end(), text.decode(), new))
    return found
