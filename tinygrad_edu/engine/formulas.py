"""Formulas of the table, run on any kind of number: what other rooms read the table through."""

from __future__ import annotations

import linecache
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache, partial, reduce
from typing import TYPE_CHECKING, Any, TypeVar
from weakref import WeakKeyDictionary

from tinygrad_edu.engine.numbers import COMPLEX as COMPLEX
from tinygrad_edu.engine.numbers import FLOATS as FLOATS
from tinygrad_edu.engine.numbers import MATH as MATH
from tinygrad_edu.engine.numbers import PRIMITIVES as PRIMITIVES
from tinygrad_edu.engine.table import TABLE, Row

if TYPE_CHECKING:
    import ast

    from tinygrad_edu.engine.value import Value

T = TypeVar("T")
BUILT_IN = frozenset(TABLE.values())
FOLDS = ("sum", "max")  # in the primal of an operation over many operands: over all i


def names(formula: str) -> tuple[str, ...]:
    """The names in a formula, operands included.

    >>> names("y * log(x)")
    ('y', 'log', 'x')
    """
    return compile(formula, "<formula>", "eval").co_names


def tree(formula: str) -> ast.expr:
    """The syntax tree of a formula, with `x**y` as `pow(x, y)`: Python's own power leaves the real numbers."""
    import ast  # costs milliseconds, and most programs never come here

    class Powers(ast.NodeTransformer):
        def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
            self.generic_visit(node)
            if isinstance(node.op, ast.Pow):
                return ast.Call(ast.Name("pow", ast.Load()), [node.left, node.right], [])
            return node

    made: ast.expr = Powers().visit(ast.parse(formula, mode="eval").body)
    return made


def for_numbers(formula: str) -> str:
    """The formula with `x**y` as `pow(x, y)`.

    >>> for_numbers("1 - out**2")
    '1 - pow(out, 2)'
    """
    if "**" not in formula:
        return formula
    import ast

    return ast.unparse(tree(formula))


@lru_cache(256)  # a program asks again for each of its operations
def folds(formula: str) -> tuple[list[tuple[str, str, str]], str]:
    """The folds over all i in a formula, innermost first, as (name, fold, term), and what is left of the formula.

    >>> folds("max(x_i) + log(sum(exp(x_i - max(x_i))))")
    ([('max_1', 'max', 'x_i'), ('sum_2', 'sum', 'exp(x_i - max_1)')], 'max_1 + log(sum_2)')
    """
    import ast

    found: dict[tuple[str, str], str] = {}

    class Folds(ast.NodeTransformer):
        def visit_Call(self, node: ast.Call) -> ast.expr:
            self.generic_visit(node)
            if isinstance(node.func, ast.Name) and node.func.id in FOLDS:
                key = node.func.id, ast.unparse(node.args[0])
                return ast.Name(found.setdefault(key, f"{key[0]}_{len(found) + 1}"), ast.Load())
            return node

    rest = ast.unparse(Folds().visit(tree(formula)))
    return [(name, fold, term) for (fold, term), name in found.items()], rest


def rows_in(
    formulas: Iterable[str], compiled: Callable[[Row], Any], known: Mapping[str, Row] = TABLE
) -> dict[str, Any]:
    """Each row that the formulas name, in a compiled form."""
    used = {name for formula in formulas for name in names(for_numbers(formula))}
    return {name: compiled(known[name]) for name in used & known.keys() - set(FOLDS)}


def formulas_of(row: Row, shown: bool = False) -> list[str]:
    """The formulas that the row is computed with; and those that are `shown` to people, and say where it has a kink."""
    computed = [*row.partials, *([] if row.primitive else [row.primal])]
    return [*computed, *row.shown, *([row.kink] if row.kink else [])] if shown else computed


def compile_formula(parameters: Iterable[str], formula: str, scope: dict[str, Any]) -> Callable[..., Any]:
    """A formula as a function of its parameters; the other names in it come from `scope`."""
    made: Callable[..., Any] = eval(f"lambda {', '.join(parameters)}: {for_numbers(formula)}", scope)
    return made


class MissingPrimitive(ValueError):
    """An operation that no formula expresses has no form for some kind of numbers."""


def bind(primitives: dict[str, Callable[..., Any]], kind: str) -> Callable[[Row], Callable[..., Any]]:
    """Every operation on one kind of numbers, unchecked and unrecorded, as formulas call it.

    An operation over many operands takes one sequence for `x` and, if there is one, one for `y`.

    >>> bind(FLOATS, "float")(TABLE["dot"])([1.0, 2.0], [3.0, 4.0])
    11.0

    Arguments:
        primitives: the operations that no formula expresses, by name, and others that this kind has a faster way for.
        kind: of the numbers, for the error.

    Returns a function of the row, which raises MissingPrimitive, a ValueError, where one is not given.
    """
    largest = partial(reduce, primitives["maximum"]) if "maximum" in primitives else max

    known: WeakKeyDictionary[Row, Callable[..., Any]] = WeakKeyDictionary()  # rows may be taken back

    def bound(row: Row) -> Callable[..., Any]:
        if row not in known:
            known[row] = made(row)
        return known[row]

    def made(row: Row) -> Callable[..., Any]:
        if row.name in primitives:
            return primitives[row.name]
        if row.primitive:
            raise MissingPrimitive(f"{row.name} has no {kind} form")
        scope = rows_in([row.primal], bound, row.uses)
        if not row.many:
            return compile_formula(row.operands, row.primal, scope)
        found, rest = folds(row.primal)
        parameters = [operand[0] for operand in row.operands]
        terms = [compile_formula([*row.operands, *(name for name, _, _ in found)], term, scope) for _, _, term in found]
        result = compile_formula([name for name, _, _ in found], rest, scope)

        def operation(*sequences: Sequence[Any]) -> Any:
            known: dict[str, Any] = dict.fromkeys(name for name, _, _ in found)
            for (name, fold, _), term in zip(found, terms, strict=True):
                each = [term(*numbers, **known) for numbers in zip(*sequences, strict=True)]
                known[name] = largest(each) if fold == "max" else sum(each, 0.0)
            return result(**known)

        operation.__name__ = f"{row.name}({', '.join(parameters)})"
        return operation

    return bound


on_floats: Callable[[Row], Callable[..., float]] = bind(FLOATS, "float")


def applied(row: Row, operands: Sequence[Any], functions: Callable[[Row], Callable[..., Any]] | None = None) -> Any:
    """An operation on operands in the order of `parents`; as a function of Values, unless `functions` has another."""
    operation = functions(row) if functions else row.function
    return operation(*row.groups(operands)) if row.many else operation(*operands)


def once_a_row(make: Callable[[Row], T]) -> Callable[[Row], T]:
    """A cache in the rows themselves, so that it goes with a row that is taken back."""

    def made(row: Row) -> T:
        if make.__name__ not in vars(row):
            setattr(row, make.__name__, make(row))
        return getattr(row, make.__name__)  # type: ignore[no-any-return]

    return made


@once_a_row
def partials_on_floats(row: Row) -> tuple[Callable[..., float], ...]:
    """The partials as functions of the operands' numbers and `out`."""
    return partials(row, on_floats)


@once_a_row
def partials_on_values(row: Row) -> tuple[Callable[..., Value | float], ...]:
    """The partials as functions of the operands and `out` that record what they do, for higher order."""
    return partials(row, lambda used: used.function)


def partials(row: Row, compiled: Callable[[Row], Any]) -> tuple[Callable[..., Any], ...]:
    """The partials as functions of the operands and `out`, over operations in a compiled form.

    One with sums over all i in it takes these too, at the end: `sums` works them out, once for all operands.
    """
    scope = rows_in(row.partials, compiled, row.uses)
    made = []
    for formula in row.partials:
        found, rest = folds(formula) if row.many else ([], formula)
        parameters = [*row.operands, "out", *(name for name, _, _ in found)]
        function = compile_formula(parameters, rest, scope)
        if found:
            first = len(row.operands) + 1  # a sum may be of what another one, inside of it, came to
            terms = [compile_formula(parameters[: first + k], term, scope) for k, (_, _, term) in enumerate(found)]
            function.sums = terms, compiled(TABLE["sum"])  # type: ignore[attr-defined]
        made.append(function)
    return tuple(made)


def sums(partial: Callable[..., Any], groups: Sequence[Sequence[Any]], out: Any) -> list[Any]:
    """The sums over all i in a partial, at operands by their names."""
    if not hasattr(partial, "sums"):
        return []
    terms, total = partial.sums
    found: list[Any] = []
    for term in terms:
        found.append(total([term(*operands, out, *found) for operands in zip(*groups, strict=True)]))
    return found


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
