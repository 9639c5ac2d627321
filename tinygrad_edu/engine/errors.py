"""The wording of errors: what was asked, and the operands with their values and labels."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING, Any

from tinygrad_edu.engine.plain import plain, quoted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tinygrad_edu.engine.table import Row
    from tinygrad_edu.engine.value import Value

UNDEFINED = (ValueError, ZeroDivisionError, OverflowError)  # what float arithmetic and `math` raise


def undefined(row: Row, operands: Sequence[Any], error: Exception) -> Exception:
    """An error of the same type as `error`, which says where the operation has no value.

    >>> from tinygrad_edu import TABLE, Value
    >>> undefined(TABLE["truediv"], (1.0, Value(0.0, "b")), ZeroDivisionError())
    ZeroDivisionError('1 / b is undefined at b = 0')
    """
    return type(error)(f"{expression(row, operands)} {fails(error)}{at(row, operands)}")


def no_derivative(node: Value, error: BaseException) -> BaseException:
    """An error of the same type as `error`, which says where a partial has no value; any other error as it is."""
    if not isinstance(error, UNDEFINED):
        return error
    what = expression(node.op, node.parents)
    return type(error)(f"the derivative of {what} {fails(error)}{at(node.op, node.parents)}")


def fails(error: Exception) -> str:
    """What an error of arithmetic says in a sentence."""
    return "overflows" if isinstance(error, OverflowError) else "is undefined"


def unequal(row: Row, xs: Sequence[object], ys: Sequence[object]) -> ValueError:
    """An error for two sequences that do not pair up."""
    return ValueError(f"{row.name} expected as many y as x, {len(xs)}, got {len(ys)}")


def unlisted(row: Row, error: TypeError, *given: object) -> TypeError:
    """An error for one thing in the place of a sequence; for sequences, the error that there was."""
    for one in given:
        try:
            iter(one)  # type: ignore[call-overload]
        except TypeError:
            lists = "one list, {}([a, b])" if len(given) == 1 else "two lists, {}([a, b], [c, d])"
            return TypeError(f"{row.name} expected {lists.format(row.name)}, got {quoted(one)} ({type(one).__name__})")
    return error


def operand_names(row: Row, operands: Sequence[Value | float]) -> list[str]:
    """What to call each operand: its label, or its place (x, y; x_1, x_2, … of many); x, beside constants."""
    places = list(row.operands)
    if row.many:
        places = [
            f"{x[0]}_{i}"
            for x, group in zip(places, row.groups(operands), strict=True)
            for i in range(1, len(group) + 1)
        ]
    elif sum(not isinstance(operand, float) for operand in operands) == 1:
        places = ["x"] * len(places)
    return [
        place if isinstance(operand, float) or not operand.label else plain(operand.label)
        for place, operand in zip(places, operands, strict=True)
    ]


def expression(row: Row, operands: Sequence[Value | float]) -> str:
    """The operation as its reader wrote it, with labels and constants in place.

    >>> from tinygrad_edu import TABLE, Value
    >>> expression(TABLE["pow"], (Value(3.0, "width"), -0.5))
    'width ** (-0.5)'
    """
    if row.many:
        return row.call
    named = zip(operand_names(row, operands), operands, strict=True)
    return row.written([in_full(x) if isinstance(x, float) else name for name, x in named])


def at(row: Row, operands: Sequence[Value | float]) -> str:
    """Where an operation was asked: ` at x = 0`, with every operand that is a Value; of many, with the constants too.

    >>> from tinygrad_edu import TABLE, Value
    >>> at(TABLE["truediv"], (1.0, Value(0.0)))
    ' at x = 0'
    """
    if not operands:
        return " at no operands"
    shown = places(row, operands, constants=row.many)
    return f" at {shown}" if shown else ""


def places(row: Row, operands: Sequence[Value | float], constants: bool = True) -> str:
    """Each operand by its name and number, at most eight, each once: `x = 1, y = 0`."""
    shown = dict.fromkeys(
        f"{name} = {in_full(x if isinstance(x, float) else x.data)}"
        for name, x in zip(operand_names(row, operands), operands, strict=True)
        if constants or not isinstance(x, float)
    )
    return ", ".join([*shown][:8] + ["…"] * (len(shown) > 8))


def title(row: Row) -> str:
    """An operation by its name and its sign: `log(x)`, `truediv (x / y)`."""
    return row.call if row.call.startswith(row.name) else f"{row.name} ({row.call})"


def in_full(number: float) -> str:
    """A number in full, a whole one without its `.0`."""
    return repr(number).removesuffix(".0")


def described(operand: Value | float) -> str:
    """An operand's number, and its label if it has one."""
    if isinstance(operand, float):
        return in_full(operand)
    return f"{plain(operand.label)} = {in_full(operand.data)}" if operand.label else in_full(operand.data)


def cannot_start(root: Value, tape: list[Value]) -> Exception:
    """Why `backward` refuses a root that is no finite float: the first value on the way to it that is none."""
    for node in [*tape, root]:
        for value in (*node.parents, node):
            if isinstance(value, float):
                continue
            if type(value.data) is not float:
                return not_a_float(value)
            if not isfinite(value.data) and tape:
                origin = f"the result of {made(value)}" if value.op else "a leaf"
                return ValueError(
                    f"backward needs a finite root, this one is {described(root)}; "
                    f"the first value that is not finite is {described(value)}, {origin}"
                )
    return ValueError(f"backward needs a finite root, this one is the leaf {described(root)}")


def made(node: Value) -> str:
    """How a node came about: `a * b at a = 2, b = 3`."""
    return expression(node.op, node.parents) + at(node.op, node.parents)


def not_a_float(value: Value) -> TypeError:
    """Why a pass refuses data that somebody set to what is no float."""
    name = f"the data of {plain(value.label)!r}" if value.label else "the data of a Value"
    return TypeError(f"{name} must be a float, got {quoted(value.data)} ({type(value.data).__name__})")
