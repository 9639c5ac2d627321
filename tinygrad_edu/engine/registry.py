"""Operations of your own: a row added to the table at run time, and taken back."""

from __future__ import annotations

import linecache
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

from tinygrad_edu.engine import operations
from tinygrad_edu.engine.formulas import (
    BUILT_IN,
    define,
    formulas_of,
    on_floats,
    partials_on_floats,
    partials_on_values,
    rows_in,
)
from tinygrad_edu.engine.locks import lock_over_forks
from tinygrad_edu.engine.plain import quoted
from tinygrad_edu.engine.table import TABLE, Row
from tinygrad_edu.engine.value import Value

LOCK = lock_over_forks()  # two threads may register operations at once


def register(name: str, symbol: str, primal: str, *partials: str, **properties: Any) -> Row:
    """Add an operation of your own to the table, with one row of text.

    Its method, its function `tinygrad_edu.<name>`, its gradient and every higher derivative, its picture and its
    tests follow. The columns are those of the table in `tinygrad_edu/engine/table.py`.

    >>> import tinygrad_edu
    >>> row = register("cube", "³", "x * x * x", "3 * x * x")
    >>> v = tinygrad_edu.Value(2.0)
    >>> y = v.cube()
    >>> y.backward()
    >>> y.data, v.grad, tinygrad_edu.cube(3.0)
    (8.0, 12.0, 27.0)
    >>> unregister(row)

    Arguments:
        name: a new one, of the method and of the function.
        symbol: its sign in a picture.
        primal: the formula of the result, in x, or x and y; or sum(…) and max(…) of terms in x_i and y_i.
        partials: the formula of ∂out/∂x, and that of ∂out/∂y where there is a y; `out` is the result.
        properties: `shown`, `x`, `y`, `kink`, `at_kink`, `accuracy`, see `Row`.

    Raises ValueError, with the formula and the reason, for a row that cannot be right.
    """
    from tinygrad_edu.engine.validation import validate

    if not isinstance(primal, str):
        raise ValueError(f"{name}: expected the primal as a formula in text, got {primal!r}")
    row = Row(name, symbol, primal, *partials, **properties)
    with LOCK:
        validate(row)
        TABLE[name] = row  # its formulas may name it
        row.uses = rows_in(formulas_of(row, shown=True), lambda used: used)  # these, also when they are taken back
        try:
            row.function, row.pullback, methods = compiled(row)
        except BaseException:
            del TABLE[name]
            raise
        for name, method in methods.items():
            setattr(Value, name, method)
    return row


def compiled(row: Row) -> tuple[Any, Any, dict[str, Any]]:
    """What Python runs for a row that is not in operations.py: its function, its pullback and its methods."""
    from tinygrad_edu.engine import write

    floats = SimpleNamespace(**rows_in(formulas_of(row), on_floats))
    scope = vars(operations) | {"floats": floats, write.constant_name(row): row}
    methods = define(
        f"Value.{row.name}", "\n\n".join([write.method(row, *each) for each in write.methods(row).items()]), scope
    )
    [function] = define(
        row.name, write.function(row, "methods"), scope | {"methods": SimpleNamespace(**methods)}
    ).values()
    [pullback] = define(f"{row.name} pullback", write.pullback(row), scope).values()
    for made in (*methods.values(), function, pullback):
        made.__module__ = "tinygrad_edu"
        weakref.finalize(row, linecache.cache.pop, made.__code__.co_filename, None)
    return function, pullback, methods


def unregister(row: Row) -> None:
    """Take a registered operation back. Values made with it keep their derivatives, programs what they have run before.

    >>> row = register("half", "½", "x / 2", "0.5")
    >>> y = Value(3.0).half()
    >>> unregister(row)
    >>> y.data, hasattr(y, "half")
    (1.5, False)

    Arguments:
        row: what `register` gave.

    Raises ValueError for a row of the package's own, and while another row uses it.
    """
    from tinygrad_edu.engine import write

    if not isinstance(row, Row):
        raise TypeError(f"unregister expected a row, as register gives it, got {quoted(row)}")
    with LOCK:
        if TABLE.get(row.name) is not row or row in BUILT_IN:
            raise ValueError(f"{row.name} is not an operation that was registered")
        others = [other for other in TABLE.values() if other is not row]
        users = [other.name for other in others if row.name in rows_in(formulas_of(other, shown=True), id)]
        if users:
            raise ValueError(f"{row.name} is used by {', '.join(users)}")
        # While its own name is still in the table.
        partials_on_floats(row), partials_on_values(row), on_floats(row)
        del TABLE[row.name]
        for name in write.methods(row):
            delattr(Value, name)


@contextmanager
def registered(name: str, symbol: str, primal: str, *partials: str, **properties: Any) -> Iterator[Row]:
    """Register an operation for the length of a `with` block.

    >>> with registered("twice", "2·", "2 * x", "2"):
    ...     Value(4.0).twice().data
    8.0

    Arguments and errors are those of `register`; it gives the row.
    """
    row = register(name, symbol, primal, *partials, **properties)
    try:
        yield row
    finally:
        unregister(row)
