"""What a derivative and its differences say of one another."""

from __future__ import annotations

from math import isfinite
from typing import NamedTuple

from tinygrad_edu.check.numeric import Slope


class Comparison(NamedTuple):
    """One derivative: by the engine, by differences, how far apart, and what that means."""

    name: str
    engine: float
    numeric: float
    error: float
    estimate: float  # of the error of `numeric` itself
    diagnosis: str
    hint: str = ""


def allowed(value: float, x: float, absolute: float, relative: float, *slopes: float) -> float:
    """How far apart two slopes may be, at x, of a function that has this value there."""
    return absolute * max(1.0, abs(value)) / max(1.0, abs(x)) + relative * max(map(abs, slopes))


def compare(name: str, engine: float, numeric: Slope, tolerance: float) -> Comparison:
    """Put a diagnosis to one pair of derivatives."""
    error = abs(engine - numeric.value)

    def diagnosed(diagnosis: str, hint: str = "") -> Comparison:
        return Comparison(name, engine, numeric.value, error, numeric.estimate, diagnosis, hint)

    if not isfinite(engine):
        return diagnosed("wrong", f"the gradient is {engine}")
    if numeric.edge:
        if not numeric.estimate <= max(tolerance, 1e-3 * abs(numeric.value)):
            return diagnosed("step", f"differences are too inexact here to say: {numeric.edge}")
        if error <= tolerance + 10 * numeric.estimate:
            return diagnosed("domain edge", numeric.edge)
    if numeric.kink:
        left, right = numeric.kink
        between = error <= tolerance or min(left, right) - tolerance <= engine <= max(left, right) + tolerance
        slopes = f"the slope is {left:.6g} to the left and {right:.6g} to the right"
        return diagnosed("kink", slopes) if between else diagnosed("wrong", f"{slopes}, the gradient is not between")
    if error <= tolerance:
        return diagnosed("zero" if engine == 0 else "ok")
    if error <= 10 * numeric.estimate or not isfinite(numeric.value):
        return diagnosed("step", "differences are too inexact here to say")
    return diagnosed("wrong", hint(engine, numeric.value, tolerance))


def hint(engine: float, numeric: float, tolerance: float) -> str:
    """What the ratio of a wrong derivative to the right one tells."""
    if engine == 0:
        return "the gradient is zero"
    if abs(numeric) <= tolerance:
        return "the gradient should be zero"
    ratio = engine / numeric
    for factor, words in ((-1, "the sign is flipped"), (2, "a factor 2 too much"), (0.5, "a factor 2 is missing")):
        if abs(ratio - factor) <= 1e-4 * abs(factor):
            return words
    return f"{ratio:.4g} times what it should be: a term or a factor is missing"
