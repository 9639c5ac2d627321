"""Numeric derivatives, each with an estimate of its own error.

Steps and tolerances are those that measured best over exp, log, tanh, x³, 1/x, sin and sqrt in float64.
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf, nan
from sys import float_info
from typing import NamedTuple

from tinygrad_edu.check.complex_step import complex_step
from tinygrad_edu.check.functions import Function
from tinygrad_edu.engine import UNDEFINED

OneNumber = Callable[[float], float]
METHODS = ("central", "richardson", "complex")
STEPS = {"central": 6.06e-6, "richardson": 3e-4}  # times max(1, |x|)


class Slope(NamedTuple):
    """A numeric derivative."""

    value: float
    estimate: float
    kink: tuple[float, float] | None = None  # the slopes to the left and to the right, where they differ
    edge: str = ""  # why f could not be called as far away as was meant


def slope(function: Function, i: int, method: str) -> Slope:
    """The derivative for input number `i` where the function starts."""
    at = function.start

    def f(moved: float) -> float:
        return function([*at[:i], moved, *at[i + 1 :]])

    if method != "complex":
        return slope_of(f, at[i], method)
    value = complex_step(function, i)
    return Slope(value, 1e-15 * abs(value), slope_of(f, at[i], "central").kink)


def slope_of(f: OneNumber, x: float, method: str) -> Slope:
    """The derivative of f at x."""
    h = STEPS[method] * max(1.0, abs(x))

    def central(h: float) -> float:
        return difference(f, x, h, one_sided=False)

    try:
        here, near = central(2 * h), central(h)
    except UNDEFINED as error:
        return edge(f, x, h, str(error))
    value = f(x)
    kink, unsure = slopes(f, x, value, h)
    if kink:
        return Slope(near, abs(near - here), kink)
    round_off = float_info.epsilon * abs(value) / h + unsure
    if method == "central":
        return Slope(near, abs(near - here) / 3 + round_off)
    closer = central(h / 2)
    extrapolated = (4 * closer - near) / 3
    estimate = abs(extrapolated - (4 * near - here) / 3) / 15
    if abs(near - here) < 3 * abs(closer - near):  # where f' has a kink the error falls with the step, not its square
        estimate = max(estimate, abs(closer - near))
    return Slope(extrapolated, estimate + round_off)


def slopes(f: OneNumber, x: float, value: float, h: float) -> tuple[tuple[float, float] | None, float]:
    """The slopes to both sides at a kink, where they differ at any step; and how unsure the others leave the slope."""
    found = []
    for step in (h, h / 32):
        found.append(((value - f(x - step)) / (x - (x - step)), (f(x + step) - value) / ((x + step) - x)))
    (left, right), (near_left, near_right) = found
    round_off = 64 * float_info.epsilon * max(1.0, abs(value)) / (h / 32)
    wide, narrow = abs(right - left), abs(near_right - near_left)
    noise = round_off + 1e-4 * abs(near_left)
    steady = abs(left + right - near_left - near_right) / 2 <= round_off + 1e-2 * max(map(abs, (left, right)))
    steady = steady and narrow <= 2 * wide + noise  # across a pole the slopes differ more, the nearer they are
    if not steady:
        return None, inf  # a step that is too long shows nothing
    if narrow <= 0.5 * wide:
        return None, 0.0
    if narrow <= noise:
        return None, narrow / 2  # a kink would be hidden
    # Where f bends, a slope over a thirty-second of a step is off by a thirty-second.
    return (near_left + (near_left - left) / 31, near_right + (near_right - right) / 31), 0.0


def edge(f: OneNumber, x: float, h: float, reason: str) -> Slope:
    """The derivative where the step leaves the domain: by steps that stay inside, or from one side."""
    for one_sided in (False, True):
        step = h
        while x + (step := step / 4) != x:
            try:
                # The first only finds out how near the edge is: close to it, f bends.
                _, wide, near = (difference(f, x, size, one_sided) for size in (step, step / 16, step / 64))
            except UNDEFINED:
                continue
            round_off = float_info.epsilon * abs(f(x)) / step * 64
            order = 4 if one_sided else 16  # the part by which a step of a quarter makes the error smaller
            extrapolated = (order * near - wide) / (order - 1)
            return Slope(extrapolated, abs(extrapolated - near) + round_off, edge=reason)
    return Slope(nan, inf, edge=reason)


def difference(f: OneNumber, x: float, h: float, one_sided: bool) -> float:
    """The slope over a step to both sides, or over one to the side where f can be called."""
    if not one_sided:
        # Divided by the step that floats can represent, not by the one that was meant.
        return (f(x + h) - f(x - h)) / ((x + h) - (x - h))
    try:
        return (f(x + h) - f(x)) / ((x + h) - x)
    except UNDEFINED:
        return (f(x) - f(x - h)) / (x - (x - h))
