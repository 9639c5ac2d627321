"""Formulas to Python source: what the table says, as functions that a debugger and a traceback show line by line.

In generated source a capital letter is an operand (a Value or a constant) and the small one its number, so that a
formula stands there as it stands in the table; `g` is the gradient of the result. Helpers begin with an underscore.
"""

from __future__ import annotations

import linecache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tinygrad_edu.engine.ops import Row


FOLDS = ("sum", "max")  # in the primal of an operation over many operands: over all i


def define(title: str, source: str, scope: dict[str, Any]) -> dict[str, Any]:
    """Run `source` with the names in `scope` and return what it defines. A traceback shows its lines."""
    name = filename(title)
    linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
    defined: dict[str, Any] = {}
    exec(compile(source, name, "exec"), scope, defined)
    return defined


def filename(title: str) -> str:
    """What stands for a file in tracebacks."""
    return f"<tinygrad_edu {title}>"


def names(formula: str) -> tuple[str, ...]:
    """The names in a formula, operands included.

    >>> names("y * log(x)")
    ('y', 'log', 'x')
    """
    return compile(formula, "<formula>", "eval").co_names


def for_numbers(formula: str) -> str:
    """The formula with `x**y` as `pow(x, y)`: Python's own power leaves the real numbers.

    >>> for_numbers("1 - out**2")
    '1 - pow(out, 2)'
    """
    if "**" not in formula:
        return formula
    import ast  # costs milliseconds, and most programs never come here

    class Powers(ast.NodeTransformer):
        def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
            self.generic_visit(node)
            if isinstance(node.op, ast.Pow):
                return ast.Call(ast.Name("pow", ast.Load()), [node.left, node.right], [])
            return node

    return ast.unparse(Powers().visit(ast.parse(formula, mode="eval")))


def folds(formula: str) -> tuple[list[tuple[str, str, str]], str]:
    """The folds over all i in a formula, innermost first, as (name, fold, term), and what is left of the formula.

    >>> folds("max(x_i) + log(sum(exp(x_i - max(x_i))))")
    ([('_max1', 'max', 'x_i'), ('_sum2', 'sum', 'exp(x_i - _max1)')], '_max1 + log(_sum2)')
    """
    import ast

    found: dict[tuple[str, str], str] = {}

    class Folds(ast.NodeTransformer):
        def visit_Call(self, node: ast.Call) -> ast.expr:
            self.generic_visit(node)
            if isinstance(node.func, ast.Name) and node.func.id in FOLDS:
                key = node.func.id, ast.unparse(node.args[0])
                return ast.Name(found.setdefault(key, f"_{key[0]}{len(found) + 1}"), ast.Load())
            return node

    rest = ast.unparse(Folds().visit(ast.parse(formula, mode="eval")))
    return [(name, fold, term) for (fold, term), name in found.items()], rest


# Ends every forward function. Slots are stored one by one: a call of Value(...) would cost as much as all the rest.
RECORD = """\
    node = _new(Value)
    node.data = data
    node.grad = _not_computed
    node.op = _row
    node.parents = {parents}
    node.label = ""
    return node
"""


def forward(row: Row, name: str, parameters: str, is_value: str = "") -> str:
    """The function that computes an operation and records it. The operand `is_value` is known to be a Value."""
    if row.many:
        return forward_many(row, name)
    operands = ", ".join(row.operands).upper()
    source = f"def {name}({parameters}):\n"
    if not is_value:
        source += f"    {operands}, = {parameters},\n"
    for x in row.operands:
        X = x.upper()
        if x == is_value:
            source += f"    {x} = {X}.data\n"
        else:
            source += f"    if isinstance({X}, Value): {x} = {X}.data\n    else: {X} = {x} = _number({X})\n"
    source += f"""\
    try: data = {for_numbers(row.primal)}
    except _errors as error: raise _undefined(_row, ({operands},), error) from None  # {row.primal}
"""
    if not is_value:
        source += f"    if {' and '.join(f'{x.upper()} is {x}' for x in row.operands)}: return data\n"
    return source + RECORD.format(parents=operands + ",")


def forward_many(row: Row, name: str) -> str:
    """The same for an operation over many operands, given as one sequence for `x` and, if there is one, one for `y`."""
    numbers = [operand[0] for operand in row.operands]
    source = f"def {name}({', '.join(numbers)}):\n"
    for x in numbers:
        source += f"    {x.upper()} = [v if isinstance(v, Value) else _number(v) for v in {x}]\n"
    if len(numbers) == 2:
        source += "    if len(X) != len(Y): raise _unequal(_row, X, Y)\n"
    for x in numbers:  # most often all are Values, and then there is no need to look at each
        source += f"    try: {x} = [v.data for v in {x.upper()}]\n"
        source += f"    except AttributeError: {x} = [v if type(v) is float else v.data for v in {x.upper()}]\n"
    source += f"    parents = ({', '.join('*' + x.upper() for x in numbers)},)\n    try:\n"
    lines, result = fold_lines(row, "        ")
    source += f"""\
{lines}\
        data = {result}
    except _errors as error: raise _undefined(_row, parents, error) from None  # {row.primal}
    if _constants.issuperset(map(type, parents)): return data
"""
    return source + RECORD.format(parents="parents")


def plain_many(row: Row) -> str:
    """An operation over many operands as a function of sequences, unchecked and unrecorded."""
    lines, result = fold_lines(row, "    ")
    return f"def {row.name}({', '.join(operand[0] for operand in row.operands)}):\n{lines}    return {result}\n"


def fold_lines(row: Row, indent: str) -> tuple[str, str]:
    """The lines that compute each fold of an operation over many operands, and the expression of the result."""
    numbers = ", ".join(operand[0] for operand in row.operands)
    found, rest = folds(for_numbers(row.primal))
    lines = ""
    for fold, function, term in found:
        start = ", 0.0" if function == "sum" else ""
        lines += f"{indent}{fold} = _{function}([{term} for {', '.join(row.operands)}, in zip({numbers})]{start})\n"
    return lines, rest


def pullback(row: Row) -> str:
    """The function that adds to each operand's gradient: the gradient of the result times the partial for the operand.

    A constant has no gradient, and the partial for it is never evaluated: that of `(-2.0)**2` for the 2 is log(-2.0).
    """
    operands = ", ".join(row.operands).upper()
    if not row.many:
        return f"def pullback(node):\n    {operands}, = node.parents\n    g = node.grad\n{cases(row, '    ')}"
    groups = ", ".join(f"node.parents[{k}*n:{k + 1}*n]" for k in range(len(row.operands)))
    return f"""\
def pullback(node):
    g = node.grad
    n = len(node.parents) // {len(row.operands)}
    for {operands}, in zip({groups}):
{cases(row, "        ")}"""


def cases(row: Row, indent: str) -> str:
    """What a pullback does: one case for each choice of which operands are constants."""
    more = indent + "    "
    if len(row.operands) == 2:
        x, y = row.operands
        only_x = additions(row, more, (x,))
        if row.many:  # a pair may be two constants
            only_x = f"{more}if type({x.upper()}) is not float:\n{additions(row, more + '    ', (x,))}"
        return f"""\
{indent}if type({y.upper()}) is float:
{only_x}\
{indent}elif type({x.upper()}) is float:
{additions(row, more, (y,))}\
{indent}else:
{additions(row, more, (x, y))}"""
    if row.many:
        return f"{indent}if type(X_I) is not float:\n{additions(row, more, row.operands)}"
    return additions(row, indent, row.operands)


def additions(row: Row, indent: str, values: tuple[str, ...]) -> str:
    """The lines of one case, where `values` are Values and the other operands constants."""
    terms = {x: for_numbers(partial) for x, partial in zip(row.operands, row.partials, strict=True) if x in values}
    used = {name for term in terms.values() for name in names(term)}
    lines = [f"{x} = {x.upper()}" + (".data" if x in values else "") for x in row.operands if x in used]
    lines += ["out = node.data"] if "out" in used else []
    for x, term in terms.items():
        # Adding 0.0 says that the gradient was computed.
        lines.append(f"{x.upper()}.grad += " + {"0": "0.0", "1": "g", "-1": "-g"}.get(term, f"g * ({term})"))
    return "".join(f"{indent}{line}\n" for line in lines)
