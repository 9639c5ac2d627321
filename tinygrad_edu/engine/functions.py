"""Functions that are composed of rows and need none of their own."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

from tinygrad_edu.engine.ops import TABLE
from tinygrad_edu.engine.registry import function


def max(values: Sequence[Any]) -> Any:
    """The largest of several, folded from `maximum`: where two tie, each has half of the gradient.

    >>> max([1.0, 3.0, 2.0])
    3.0
    """
    return functools.reduce(function(TABLE["maximum"]), values)


def min(values: Sequence[Any]) -> Any:
    """The smallest of several, folded from `minimum`: where two tie, each has half of the gradient.

    >>> min([1.0, 3.0, 2.0])
    1.0
    """
    return functools.reduce(function(TABLE["minimum"]), values)


def log_softmax(values: Sequence[Any]) -> list[Any]:
    """x_i - log Σ exp(x_j), for each i; stable for any finite input.

    >>> log_softmax([0.0, 0.0])
    [-0.6931471805599453, -0.6931471805599453]
    """
    total = function(TABLE["logsumexp"])(values)
    return [value - total for value in values]


def softmax(values: Sequence[Any]) -> list[Any]:
    """exp(x_i) / Σ exp(x_j), for each i; stable for any finite input.

    >>> softmax([0.0, 0.0])
    [0.5, 0.5]
    """
    exp = function(TABLE["exp"])
    return [exp(value) for value in log_softmax(values)]
