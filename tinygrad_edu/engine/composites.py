"""Functions that are composed of rows and need none of their own."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from tinygrad_edu.engine.graph import data_of
from tinygrad_edu.engine.numbers import number
from tinygrad_edu.engine.operations import dot, exp, is_zero, logsumexp, maximum, minimum, sum
from tinygrad_edu.engine.plain import quoted
from tinygrad_edu.engine.value import Value


def max(values: Iterable[Any], *others: Any) -> Any:
    """The largest of several, folded from `maximum`: where two tie, each has half of the gradient.

    >>> max([1.0, 3.0, 2.0])
    3.0

    Raises ValueError for none, TypeError unless they are given as one list.
    """
    return functools.reduce(maximum, several("max", values, *others))


def min(values: Iterable[Any], *others: Any) -> Any:
    """The smallest of several, folded from `minimum`: where two tie, each has half of the gradient.

    >>> min([1.0, 3.0, 2.0])
    1.0

    Raises ValueError for none, TypeError unless they are given as one list.
    """
    return functools.reduce(minimum, several("min", values, *others))


def log_softmax(values: Iterable[Any], *others: Any) -> list[Any]:
    """x_i - log Σ exp(x_j), for each i; stable for any finite input.

    >>> log_softmax([0.0, 0.0])
    [-0.6931471805599453, -0.6931471805599453]

    Returns a list as long as `values`; of plain numbers where all are.
    Raises ValueError for none, TypeError unless they are given as one list.
    """
    given = several("log_softmax", values, *others)
    logs = shifted_log_softmax(given)
    return logs if any(isinstance(value, Value) for value in given) else [value.data for value in logs]


def softmax(values: Iterable[Any], *others: Any) -> list[Any]:
    """exp(x_i) / Σ exp(x_j), for each i; stable for any finite input.

    >>> softmax([0.0, 0.0])
    [0.5, 0.5]

    Returns a list as long as `values`; of plain numbers where all are.
    Raises ValueError for none, TypeError unless they are given as one list.
    """
    given = several("softmax", values, *others)
    found = [exp(value) for value in shifted_log_softmax(given)]
    return found if any(isinstance(value, Value) for value in given) else [value.data for value in found]


def shifted_log_softmax(values: list[Any]) -> list[Value]:
    """Less the largest, which changes neither the result nor a gradient, the sum keeps its digits at any size."""
    largest = functools.reduce(maximum, [value if isinstance(value, Value) else Value(value) for value in values])
    shifted = [value - largest for value in values]
    total = logsumexp(shifted)
    return [value - total for value in shifted]


class Composite(NamedTuple):
    """A function of one list."""

    function: Callable[..., Any]
    gives_list: bool


COMPOSITES = {
    "max": Composite(max, gives_list=False),
    "min": Composite(min, gives_list=False),
    "softmax": Composite(softmax, gives_list=True),
    "log_softmax": Composite(log_softmax, gives_list=True),
}


def one_hot(index: Any, size: int) -> list[Any]:
    """1.0 in one place of `size`, 0.0 in all others: what times a matrix selects a column of it.

    >>> one_hot(1, 3)
    [0.0, 1.0, 0.0]

    Arguments: index, a whole number from 0 to size - 1, or a Value of one. A Value may be an input of a program: then
    the place is chosen anew at each replay, and where there is none all are nan.
    Returns plain numbers, or Values. Raises ValueError for an index without a place.
    """
    checked = whole("one_hot", index, size)
    if not isinstance(index, Value):
        return [float(k == checked) for k in range(size)]
    places = [is_zero(index - k) for k in range(size)]
    count = sum(places)  # 1, or 0 at a replay with an index that has no place
    return [place / count for place in places]


def take(values: Sequence[Any], index: Any) -> Any:
    """The value at an index, Σ values_k · one_hot(index)_k: the gradient goes to the one that is taken.

    >>> table = [[Value(1.0), Value(2.0)], [Value(3.0), Value(4.0)]]
    >>> token = Value(1.0)
    >>> [x.data for x in take(table, token)]
    [3.0, 4.0]

    Arguments: values, numbers or Values, or rows of them, of which it takes a row; index, as for `one_hot`. An index
    that is no Value is plain indexing.
    Raises ValueError for an index without a place, and for rows of different lengths.
    """
    if not hasattr(values, "__len__"):
        raise TypeError(f"take expected a list, take([a, b], index), got {quoted(values)} ({type(values).__name__})")
    checked = whole("take", index, len(values))
    if not isinstance(index, Value):
        return values[checked]
    hot = one_hot(index, len(values))
    if not isinstance(values[0], Sequence):
        return dot(values, hot)
    if len({len(row) for row in values}) > 1:
        raise ValueError(f"take expected rows of one length, got {[len(row) for row in values]}")
    return [dot(column, hot) for column in zip(*values, strict=True)]


def whole(name: str, index: Any, size: int) -> int:
    """A whole number from 0 to below size."""
    found = number(data_of(index))
    if not (found == int(found) and 0 <= found < size):
        raise ValueError(f"{name} expected an index from 0 to {size - 1}, a whole number, got {quoted(index)}")
    return int(found)


def several(name: str, values: Iterable[Any], *others: Any) -> list[Any]:
    """At least one Value or number."""
    if others or not isinstance(values, Iterable):
        two = f"; for two there is {name}imum(a, b)" if name in ("max", "min") else ""
        raise TypeError(f"{name} expected one list, {name}([a, b]){two}")
    found = [value if isinstance(value, Value) else number(value) for value in values]
    if not found:
        raise ValueError(f"{name} expected at least one value, got none")
    return found
