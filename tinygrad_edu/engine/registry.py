"""Rows come to life: methods and operators of Value, functions, pullbacks and partials, compiled when first needed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache, partial, reduce
from typing import Any

from tinygrad_edu.engine import source
from tinygrad_edu.engine.errors import UNDEFINED, undefined, unequal
from tinygrad_edu.engine.ops import OPERATORS, TABLE, Row
from tinygrad_edu.engine.primitives import FLOATS
from tinygrad_edu.engine.validation import validate
from tinygrad_edu.engine.value import NOT_COMPUTED, Value, number

HELPERS = {
    "Value": Value,
    "_new": object.__new__,
    "_not_computed": NOT_COMPUTED,
    "_number": number,
    "_undefined": undefined,
    "_unequal": unequal,
    "_errors": UNDEFINED,
    "_constants": {float},
    "_sum": sum,
    "_max": max,
}


def rows_in(formulas: Iterable[str], compiled: Callable[[Row], Any]) -> dict[str, Any]:
    """Each row that the formulas name, in a compiled form."""
    used = {name for formula in formulas for name in source.names(source.for_numbers(formula))}
    return {name: compiled(TABLE[name]) for name in used & TABLE.keys() - set(source.FOLDS)}


def names_in(row: Row) -> set[str]:
    """The names of the rows in a row's formulas."""
    return set(rows_in([*row.partials, *([] if row.primitive else [row.primal])], lambda row: row))


class MissingPrimitive(ValueError):
    """An operation that no formula expresses has no form for some kind of numbers."""


def bind(primitives: dict[str, Callable[..., Any]], kind: str) -> Callable[[Row], Callable[..., Any]]:
    """Every operation on one kind of numbers, unchecked and unrecorded, as formulas call it.

    An operation over many operands takes one sequence for `x` and, if there is one, one for `y`.

    >>> from tinygrad_edu.engine.primitives import FLOATS
    >>> bind(FLOATS, "float")(TABLE["dot"])([1.0, 2.0], [3.0, 4.0])
    11.0

    Arguments:
        primitives: the operations that no formula expresses, by name, and others that this kind has a faster way for.
        kind: of the numbers, for the error.

    Returns a function of the row, which raises MissingPrimitive, a ValueError, where one is not given.
    """

    @cache
    def bound(row: Row) -> Callable[..., Any]:
        if row.name in primitives:
            return primitives[row.name]
        if row.primitive:
            raise MissingPrimitive(f"{row.name} has no {kind} form")
        scope = rows_in([row.primal], bound)
        if not row.many:
            return compile_formula(row.operands, row.primal, scope)
        if "maximum" in primitives:
            scope["_max"] = partial(reduce, primitives["maximum"])
        made = source.define(f"{row.name} ({kind})", source.plain_many(row), scope | {"_sum": sum})[row.name]
        return made  # type: ignore[no-any-return]

    return bound


on_floats: Callable[[Row], Callable[..., float]] = bind(FLOATS, "float")


@cache
def function(row: Row) -> Callable[..., Any]:
    """The operation as a public function: Values in, a Value out; plain numbers in, a plain number out."""
    parameters = ", ".join(operand[0] for operand in row.operands)
    return forward(row, row.name, parameters)


def applied(row: Row, operands: Sequence[Any], functions: Callable[[Row], Callable[..., Any]] = function) -> Any:
    """An operation on operands in the order of `parents`."""
    operation = functions(row)
    if not row.many:
        return operation(*operands)
    width = len(operands) // len(row.operands)
    return operation(*[operands[k * width : (k + 1) * width] for k in range(len(row.operands))])


@cache
def partials_on_floats(row: Row) -> tuple[Callable[..., float], ...]:
    """The partials as functions of the operands' numbers and `out`."""
    return partials(row, on_floats)


@cache
def partials_on_values(row: Row) -> tuple[Callable[..., Value | float], ...]:
    """The partials as functions of the operands and `out` that record what they do, for higher order."""
    return partials(row, function)


def partials(row: Row, compiled: Callable[[Row], Any]) -> tuple[Callable[..., Any], ...]:
    names = rows_in(row.partials, compiled)
    return tuple(compile_formula((*row.operands, "out"), partial, names) for partial in row.partials)


def compile_formula(parameters: Iterable[str], formula: str, scope: dict[str, Any]) -> Callable[..., Any]:
    """A formula as a function of its parameters; the other names in it come from `scope`."""
    made: Callable[..., Any] = eval(f"lambda {', '.join(parameters)}: {source.for_numbers(formula)}", scope)
    return made


def forward(row: Row, name: str, parameters: str, is_value: str = "") -> Callable[..., Any]:
    """Compile one forward function, with the table's words as its documentation."""
    text = source.forward(row, row.name, parameters, is_value)
    scope = HELPERS | {"_row": row} | rows_in([row.primal], on_floats)
    made: Callable[..., Any] = source.define(f"Value.{name}" if is_value else name, text, scope)[row.name]
    made.__name__ = made.__qualname__ = name
    made.__module__ = "tinygrad_edu"
    made.__doc__ = row.doc
    return made


def compile_pullback(row: Row) -> Callable[[Value], None]:
    scope = rows_in(row.partials, on_floats)
    made: Callable[[Value], None] = source.define(f"{row.name} pullback", source.pullback(row), scope)["pullback"]
    return made


def methods(row: Row) -> dict[str, tuple[str, str]]:
    """The methods of Value that a row gives: name, parameters, and which operand is the Value it is called on."""
    if row.many:
        return {}
    operator = row.name in OPERATORS
    if len(row.operands) == 1:
        return {row.name: ("X", "x")} | ({f"__{row.name}__": ("X", "x")} if operator else {})
    if operator:
        return {f"__{row.name}__": ("X, Y", "x"), f"__r{row.name}__": ("Y, X", "y")}
    return {row.name: ("X, Y", "x")}


def install(row: Row) -> None:
    """Give Value the methods of a row. Its pullback is compiled by the first backward pass that meets it."""

    def first_pullback(node: Value) -> None:
        row.pullback = compile_pullback(row)
        row.pullback(node)

    row.pullback = first_pullback
    for name, (parameters, is_value) in methods(row).items():
        setattr(Value, name, forward(row, name, parameters, is_value))


def register(name: str, symbol: str, primal: str, *partials: str, **properties: Any) -> Row:
    """Add an operation of your own to the table, with one row of text.

    Its method, its function `tinygrad_edu.<name>`, its gradient and every higher derivative, its picture and its
    tests follow. The columns are those of the table in `tinygrad_edu/engine/ops.py`.

    >>> import tinygrad_edu
    >>> row = register("cube", "³", "x * x * x", "3 * x * x")
    >>> v = tinygrad_edu.Value(2.0)
    >>> y = v.cube()
    >>> y.backward()
    >>> y.data, v.grad, tinygrad_edu.cube(3.0)
    (8.0, 12.0, 27.0)
    >>> unregister(row)

    Raises ValueError, with the formula and the reason, for a row that cannot be right.
    """
    if not isinstance(primal, str):
        raise ValueError(f"{name}: expected the value as a formula in text, got {primal!r}")
    row = Row(name, symbol, primal, *partials, **properties)
    validate(row)
    TABLE[name] = row
    install(row)
    return row


def unregister(row: Row) -> None:
    """Take a registered operation back. Values made with it keep their derivatives.

    Raises ValueError for a row of the package's own, and while another row uses it.
    """
    if TABLE.get(row.name) is not row or row in BUILT_IN:
        raise ValueError(f"{row.name} is not an operation that was registered")
    users = [other.name for other in TABLE.values() if other is not row and row.name in names_in(other)]
    if users:
        raise ValueError(f"{row.name} is used by {', '.join(users)}")
    row.pullback = compile_pullback(row)  # while its own name is still in the table
    partials_on_floats(row), partials_on_values(row), function(row), on_floats(row)
    del TABLE[row.name]
    for name in methods(row):
        delattr(Value, name)


@contextmanager
def registered(name: str, symbol: str, primal: str, *partials: str, **properties: Any) -> Iterator[Row]:
    """Register an operation for the length of a `with` block.

    >>> with registered("twice", "2·", "2 * x", "2"):
    ...     Value(4.0).twice().data
    8.0
    """
    row = register(name, symbol, primal, *partials, **properties)
    try:
        yield row
    finally:
        unregister(row)


BUILT_IN = frozenset(TABLE.values())
for built_in in TABLE.values():
    install(built_in)
