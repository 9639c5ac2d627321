"""Functions that are composed of rows and need none of their own."""

from __future__ import annotations

import builtins
import functools
from collections.abc import Iterable
from typing import Any

from tinygrad_edu.engine.ops import TABLE
from tinygrad_edu.engine.registry import function
from tinygrad_edu.engine.value import Value, number


def max(values: Iterable[Any]) -> Any:
    """The largest of several, folded from `maximum`: where two tie, each has half of the gradient.

    >>> max([1.0, 3.0, 2.0])
    3.0
    """
    return functools.reduce(function(TABLE["maximum"]), several("max", values))


def min(values: Iterable[Any]) -> Any:
    """The smallest of several, folded from `minimum`: where two tie, each has half of the gradient.

    >>> min([1.0, 3.0, 2.0])
    1.0
    """
    return functools.reduce(function(TABLE["minimum"]), several("min", values))


def log_softmax(values: Iterable[Any]) -> list[Any]:
    """x_i - log Σ exp(x_j), for each i; stable for any finite input.

    >>> log_softmax([0.0, 0.0])
    [-0.6931471805599453, -0.6931471805599453]
    """
    values = several("softmax", values)
    # Shifted by a plain number, which changes neither the result nor a gradient, so that the sum keeps its digits.
    largest = builtins.max([value.data if isinstance(value, Value) else value for value in values])
    shifted = [value - largest for value in values]
    total = function(TABLE["logsumexp"])(shifted)
    return [value - total for value in shifted]


def softmax(values: Iterable[Any]) -> list[Any]:
    """exp(x_i) / Σ exp(x_j), for each i; stable for any finite input.

    >>> softmax([0.0, 0.0])
    [0.5, 0.5]
    """
    exp = function(TABLE["exp"])
    return [exp(value) for value in log_softmax(values)]


def several(name: str, values: Iterable[Any]) -> list[Any]:
    """At least one Value or number."""
    found = [value if isinstance(value, Value) else number(value) for value in values]
    if not found:
        raise ValueError(f"{name} expected at least one value, got none")
    return found
