"""What a row must satisfy to be registered. A wrong one is refused with the formula and the reason."""

from __future__ import annotations

import ast
import keyword
from collections.abc import Sequence
from importlib import import_module
from unicodedata import normalize

from tinygrad_edu.engine.familiar import ELSEWHERE
from tinygrad_edu.engine.formulas import FOLDS
from tinygrad_edu.engine.numbers import PRIMITIVES
from tinygrad_edu.engine.plain import quoted
from tinygrad_edu.engine.table import TABLE, Domain, Row
from tinygrad_edu.engine.value import Value

# What a row cannot be called: an operand of a formula, or what would be a name of the written code in capitals.
WORDS = {"x", "y", "x_i", "y_i", "out", "undefined", "not_computed"}
LONGEST, DEEPEST = 10_000, 100  # characters of a formula; operations inside of each other, which are read by recursion


def validate(row: Row) -> None:
    """Raise ValueError, with the formula and the reason, unless `row` can be added to the table."""
    name = row.name
    if not (isinstance(name, str) and name.isidentifier() and name == name.lower() and not name.startswith("_")):
        raise ValueError(f"{quoted(name)} cannot name an operation: expected a lower-case Python name")
    if normalize("NFKC", name) != name:  # Python would look for another one
        raise ValueError(f"{name!r} cannot name an operation: Python reads it as {normalize('NFKC', name)!r}")
    for what, text in {"symbol": row.symbol, "at_kink": row.at_kink, "accuracy": row.accuracy}.items():
        if not isinstance(text, str) or not text.isprintable() or "\\" in text or '"' in text or len(text) > 200:
            raise ValueError(f"{name}: expected the {what} as a line of text without quotes, got {quoted(text)}")
    if name in TABLE or (hasattr(Value, name) and name not in ELSEWHERE):  # those only say what to write
        raise ValueError(f"the name {name!r} is taken" + (f" by {TABLE[name]!r}" if name in TABLE else " by Value"))
    package = import_module(__name__.partition(".")[0])  # whose names a row would hide, or be hidden by
    if keyword.iskeyword(name) or name in WORDS | {*FOLDS} or hasattr(package, name):
        raise ValueError(f"{name!r} cannot name an operation: the word is reserved")
    check_formulas(row)


def depth(tree: ast.AST) -> int:
    """How many levels a syntax tree has, counted without recursion."""
    levels, level = 0, [tree]
    while level:
        level = [child for node in level for child in ast.iter_child_nodes(node)]
        levels += 1
    return levels


def check_formulas(row: Row) -> None:
    """Check the columns of a row against each other and each formula against the rules at the head of the table."""
    if row.primitive and row.name not in PRIMITIVES:
        raise ValueError(f"{row.name}: expected a formula for the primal, got {row.primal!r}, which only names itself")
    for kind, formulas in (("partial", row.partials), ("shown form", row.shown)):
        if not formulas or any(not isinstance(formula, str) for formula in formulas):
            raise ValueError(f"{row.name}: expected each {kind} as a formula in text, got {formulas!r}")
    if len(row.partials) > 2 or len(row.shown) != len(row.partials):
        raise ValueError(
            f"{row.name}: expected one partial an operand, for x or for x and y, and as many shown forms; "
            f"got {len(row.partials)} and {len(row.shown)}"
        )
    if not all(isinstance(domain, Domain) for domain in row.domains):
        raise ValueError(f"{row.name}: expected a Domain for each operand, got {row.domains!r}")
    operands = set(row.operands)
    if not row.primitive:
        other = {"x": "y", "x_i": "y_i"}[row.operands[0]]
        used = check_formula(row, "primal", row.primal, operands | {other}, FOLDS if row.many else ())
        if other in used and other not in operands:
            raise ValueError(f"{row.name}: {row.primal!r} has the operands x and y, but there is one partial")
        if operands - used:
            raise ValueError(
                f"{row.name}: {len(row.partials)} partials, but {row.primal!r} does not use {min(operands - used)}"
            )
        if row.name in used - (set(FOLDS) if row.many else set()):
            raise ValueError(f"{row.name}: {row.primal!r} refers to itself")
    for x, partial, shown in zip(row.operands, row.partials, row.shown, strict=True):
        sums = ("sum",) if row.many and len(operands) == 1 else ()
        check_formula(row, f"∂/∂{x}", partial, operands | {"out"}, sums)
        check_formula(row, f"shown ∂/∂{x}", shown, operands | {"out"}, sums)
    if row.kink:
        check_formula(row, "kink", row.kink, operands)


def check_formula(row: Row, what: str, formula: str, operands: set[str], folds: Sequence[str] = ()) -> set[str]:
    """Parse one formula and return the names it uses; `folds` are those over all i that it may have."""

    def refuse(reason: str) -> ValueError:
        shown = repr(formula) if len(formula) <= 200 else quoted(formula)
        return ValueError(f"{row.name}: {what} = {shown}: {reason}")

    if "#" in formula or not formula.isprintable() or normalize("NFKC", formula) != formula:
        raise refuse("a formula is one line of plain text without a comment")
    if len(formula) > LONGEST:
        raise refuse(f"a formula has at most {LONGEST:,} characters, this one {len(formula):,}")
    too_deep = f"a formula has at most {DEEPEST} operations inside of each other"
    try:
        tree = ast.parse(formula, mode="eval")
    except (SyntaxError, ValueError) as error:
        raise refuse(f"not a formula ({getattr(error, 'msg', error)})") from None
    except (RecursionError, MemoryError):  # how deep the parser itself goes differs by version
        raise refuse(too_deep) from None
    if depth(tree) > DEEPEST:
        raise refuse(too_deep)
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)]
    called = {id(call.func) for call in calls}
    folded = {id(node) for call in calls if ast.unparse(call.func) in folds for node in ast.walk(call)}
    used = set()
    for node in ast.walk(tree):
        match node:
            case ast.Constant(value=int() | float() as literal) if not isinstance(literal, bool):
                if not abs(literal) < 1e308:
                    raise refuse("a number in a formula is finite, below 1e308")
            case ast.Name(id=name) if id(node) in called:
                used.add(name)
            case ast.Name(id=name):
                if name not in operands:
                    raise refuse(f"{name} is not in scope; in scope are {', '.join(sorted(operands))} and rows")
                if folds and what == "primal" and id(node) not in folded:
                    raise refuse(f"{name} stands outside of sum(…) and max(…)")
                used.add(name)
            case ast.Call(func=ast.Name(id=name), args=args, keywords=[]):
                if name in folds:
                    expected = 1
                elif name in TABLE and not TABLE[name].many:
                    expected = len(TABLE[name].operands)
                elif name == row.name and not row.many:
                    expected = len(row.operands)
                elif name in TABLE:
                    raise refuse(f"{name} takes many operands, a formula has operations of one or two")
                else:
                    raise refuse(f"{name} is not an operation of the table")
                if len(args) != expected:
                    raise refuse(f"{name} takes {expected} operand{'s' * (expected > 1)}, got {len(args)}")
            case (
                ast.UnaryOp(op=ast.USub() | ast.UAdd())
                | ast.BinOp(op=ast.Add() | ast.Sub() | ast.Mult() | ast.Div() | ast.Pow())
            ):
                pass
            case ast.Expression() | ast.operator() | ast.unaryop() | ast.expr_context():
                pass
            case _:
                raise refuse(f"{ast.unparse(node)} is not allowed: a formula has numbers, + - * / ** and rows")
    return used
