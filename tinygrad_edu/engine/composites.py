"""Functions that are composed of rows and need none of their own."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from typing import Any

from tinygrad_edu.engine.numbers import number
from tinygrad_edu.engine.operations import exp, logsumexp, maximum, minimum
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


def several(name: str, values: Iterable[Any], *others: Any) -> list[Any]:
    """At least one Value or number."""
    if others or not isinstance(values, Iterable):
        two = f"; for two there is {name}imum(a, b)" if name in ("max", "min") else ""
        raise TypeError(f"{name} expected one list, {name}([a, b]){two}")
    found = [value if isinstance(value, Value) else number(value) for value in values]
    if not found:
        raise ValueError(f"{name} expected at least one value, got none")
    return found
