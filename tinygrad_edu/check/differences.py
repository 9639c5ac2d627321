"""Gradients compared with differences, and a diagnosis where they disagree."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from math import inf, nan
from typing import Any

from tinygrad_edu.check.diagnosis import Comparison, allowed, compare
from tinygrad_edu.check.functions import Function
from tinygrad_edu.check.numeric import METHODS, STEPS, Slope, slope, slope_of
from tinygrad_edu.check.rules import Blame, wrong_rules
from tinygrad_edu.engine import UNDEFINED, Value, grad, jvp, plain, printable, topological
from tinygrad_edu.engine import leaves as graph_leaves

RELATIVE = {"central": 1e-6, "richardson": 1e-9, "complex": 1e-12}
ABSOLUTE = {"central": 1e-8, "richardson": 1e-11, "complex": 1e-15}  # as the round-off of each method
SECOND_ORDER = 1e-6
CLOSE = 1e-3  # of slopes that are both below the tolerance, and not for the rounding of other numbers
UNDERFLOW = 1e-270  # of a product with the complex step
PASSING = ("ok", "kink", "domain edge", "zero")


class Report:
    """The result of a check: one comparison an input, or a pair of inputs for second order.

    Attributes:
        comparisons: what was compared.
        blame: the rules of the graph whose own derivative is wrong.
        passed: whether the gradients are right. A comparison of zeros with zeros only does not pass: it shows nothing.
    """

    def __init__(self, comparisons: list[Comparison], blame: list[Blame]) -> None:
        self.comparisons, self.blame = comparisons, blame

    @property
    def passed(self) -> bool:
        diagnoses = [comparison.diagnosis for comparison in self.comparisons]
        return all(d in PASSING for d in diagnoses) and any(d != "zero" for d in diagnoses)

    def __repr__(self) -> str:
        rows = [("input", "engine", "differences", "error", "of which theirs", "diagnosis")]
        for c in self.comparisons:
            numbers = (f"{c.engine:.10g}", f"{c.numeric:.10g}", f"{c.error:.1e}", f"{c.estimate:.1e}")
            rows.append((plain(c.name), *numbers, c.diagnosis + (f": {c.hint}" if c.hint else "")))
        widths = [max(len(row[k]) for row in rows) for k in range(len(rows[0]))]
        lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
        lines += [str(blame) for blame in self.blame]
        if all(c.diagnosis == "zero" for c in self.comparisons):
            lines.append("every derivative is zero: the comparison shows nothing, choose other inputs")
        return "\n".join(map(printable, lines))


def check_gradients(
    f: Callable[..., Value] | Value,
    *inputs: Any,
    names: Sequence[str] = (),
    method: str = "central",
    order: int = 1,
    rtol: float | None = None,
) -> Report:
    """Compare the engine's gradient with differences, input by input.

    A derivative a and its numeric value n agree where |a - n| ≤ atol max(1, |f|) / max(1, |x|) + rtol max(|a|, |n|);
    the absolute part follows the round-off of f, 1e-8 for central differences. It is less where all that is rounded on
    the way to f is small, and does not hide what is below it: of 1e-9 f a wrong derivative is found, too.

    >>> print(check_gradients(lambda x, y: x**3 * y.log(), 2.0, 3.0))
    input  engine       differences  error    of which theirs  diagnosis
    x1     13.18334746  13.18334746  ...  ok
    x2     2.666666667  2.666666667  ...  ok

    Arguments:
        f: a function of Values that returns a Value; with Values as inputs also a function without arguments that
            uses them (a loss of a network's parameters), or the root of their graph.
        inputs: numbers to call f with, or the Values to differentiate for; a Value for a function with arguments
            stands for its number and its label.
        names: of the inputs in the report; labels or x1, x2, … without.
        method: "central"; "richardson", extrapolated and stricter; "complex", the complex step, which knows no
            subtraction and so is right to the last digits, for operations that have a complex form.
        order: 1, or 2 for all second derivatives by differences of the gradient.
        rtol: the relative tolerance; 1e-6, 1e-9 and 1e-12 by method.

    Each comparison is diagnosed: ok · wrong, with a hint where the ratio tells · kink, where the slopes to the left and
    to the right differ and the gradient is between them · domain edge · step, where differences are too inexact to say
    · not deterministic · zero, where both are 0.

    Returns a `Report`. Raises ValueError for no inputs and for an unknown method or order.
    """
    if not inputs:
        raise ValueError("check_gradients expected inputs to differentiate for, got none")
    if method not in METHODS:
        raise ValueError(f"method expected one of {', '.join(METHODS)}, got {method!r}")
    if order not in (1, 2):
        raise ValueError(f"order expected 1 or 2, got {order!r}")
    function = Function(f, inputs, names)
    if order == 2:
        comparisons = second_order(function, SECOND_ORDER if rtol is None else rtol)
    else:
        comparisons = first_order(function, method, rtol)
    wrong = any(comparison.diagnosis == "wrong" for comparison in comparisons)
    return Report(comparisons, wrong_rules(function.root(function.start)[1]) if wrong else [])


def assert_gradients(f: Callable[..., Value] | Value, *inputs: Any, **options: Any) -> None:
    """Fail a test where `check_gradients` finds a gradient that is wrong, or nothing that shows that it is right.

    >>> assert_gradients(lambda x: x.tanh(), 0.5)

    Arguments: those of `check_gradients`. Raises AssertionError with the report, also under `python -O`, and what
    `check_gradients` raises.
    """
    report = check_gradients(f, *inputs, **options)
    if not report.passed:
        raise AssertionError(f"\n{report}")


def first_order(function: Function, method: str, rtol: float | None) -> list[Comparison]:
    at = function.start
    leaves, root = function.root(at)
    try:
        with kept_gradients(root):
            root.backward()
            reverse = [leaf.grad for leaf in leaves]
            root.backward()
            doubled = [leaf.grad for leaf in leaves]
        recorded = [value.data for value in grad(root, leaves)]
    except UNDEFINED as error:  # the gradient itself does not exist here
        found = failing(function, error)
        return [Comparison(name, nan, nan, inf, inf, *found) for name in function.names]
    value = root.data
    if function.unsteady():
        return [unsteady(name, engine) for name, engine in zip(function.names, reverse, strict=True)]
    comparisons = []
    for i, x in enumerate(at):
        numeric = slope(function, i, method)
        exact = "central" if numeric.kink else method  # a slope to one side is no nearer than that
        relative = RELATIVE[exact] if rtol is None else rtol
        rounds = partial(rounded, lambda at: function.root(at)[1], at, i)
        tolerances = ABSOLUTE[exact], relative
        comparison = compared(function.names[i], reverse[i], numeric, value, x, tolerances, rounds)
        ways = {"grad()": recorded[i], "forward mode": jvp([root], [leaves[i]], [1.0])[0].data}
        ways["a second pass, halved,"] = doubled[i] / 2
        for way, other in ways.items():
            far = not abs(other - reverse[i]) <= 1e-9 * max(1.0, abs(reverse[i]))
            if far and comparison.diagnosis != "wrong":
                comparison = comparison._replace(diagnosis="wrong", hint=f"{way} gives {other:.10g}")
        comparisons.append(comparison)
    return comparisons


@contextmanager
def kept_gradients(root: Value) -> Iterator[None]:
    """Leave the leaves of a graph the gradients that they have."""
    before = [(leaf, leaf.grad) for leaf in graph_leaves(root)]
    try:
        yield
    finally:
        for leaf, gradient in before:
            leaf.grad = gradient


def rounded(root_at: Callable[[list[float]], Value], at: list[float], i: int) -> float:
    """The largest number on the way to f, times what it counts for, where f starts and a step away: what is rounded."""
    found = 0.0
    for step in (0.0, STEPS["central"] * max(1.0, abs(at[i]))):
        try:
            root = root_at([*at[:i], at[i] + step, *at[i + 1 :]])
            with kept_gradients(root):
                root.backward()
                found = max(found, *(abs(node.data * node.grad) for node in [root, *topological(root)]))
        except UNDEFINED:
            return inf
    return found / (min(1.0, abs(at[i])) or 1.0)  # the complex step is relative to small numbers


def compared(
    name: str,
    engine: float,
    numeric: Slope,
    value: float,
    x: float,
    tolerances: tuple[float, float],
    rounds: Callable[[], float],
) -> Comparison:
    """A diagnosis for a derivative at x, with less tolerance where 0 in place of either slope would be within it.

    Arguments:
        value: of the function there.
        tolerances: absolute, for a function in which numbers near 1 are rounded, and relative.
        rounds: the largest number that is rounded in this one.
    """
    absolute, relative = tolerances
    tolerance = allowed(value, x, absolute, relative, engine, numeric.value)
    comparison = compare(name, engine, numeric, tolerance)
    largest = max(abs(engine), abs(numeric.value))
    if comparison.diagnosis != "ok" or largest > tolerance:
        return comparison
    small = max(absolute / max(1.0, abs(x)) * min(1.0, 1e3 * rounds()), UNDERFLOW)
    return compare(name, engine, numeric, small + CLOSE * largest + 10 * numeric.estimate)


def failing(function: Function, error: Exception) -> tuple[str, str]:
    """The diagnosis of a gradient that cannot be computed, and a hint: wrong, where f is smooth for each input."""
    slopes = [slope(function, i, "central") for i in range(len(function.start))]
    smooth = all(not (s.kink or s.edge) and s.estimate <= 1e-8 + 1e-3 * abs(s.value) for s in slopes)
    return ("wrong", f"{error}, where f is smooth") if smooth else ("domain edge", str(error))


def unsteady(name: str, engine: float) -> Comparison:
    words = "called again with the same inputs, f gives another value"
    return Comparison(name, engine, inf, inf, inf, "not deterministic", words)


def second_order(function: Function, rtol: float) -> list[Comparison]:
    """The Hessian against central differences of the gradient."""
    at = function.start
    leaves, root = function.root(at)
    if function.unsteady():
        return [unsteady(name, nan) for name in function.names]
    comparisons = []

    def gradient_at(at: list[float], i: int) -> Value:
        moved_leaves, moved_root = function.root(at)
        return grad(moved_root, moved_leaves[i])

    for i, name in enumerate(function.names):
        first = None
        try:
            first = grad(root, leaves[i])
            second = [value.data for value in grad(first, leaves)]
        except UNDEFINED as error:  # the derivative itself does not exist here
            found = failing(function, error) if first is None else ("domain edge", str(error))
            comparisons.append(Comparison(name, nan, nan, inf, inf, *found))
            continue
        for j, x in enumerate(at):

            def gradient(moved: float, i: int = i, j: int = j) -> float:
                return gradient_at([*at[:j], moved, *at[j + 1 :]], i).data

            numeric = slope_of(gradient, x, "central")
            rounds = partial(rounded, partial(gradient_at, i=i), at, j)
            tolerances, both = (ABSOLUTE["central"], rtol), f"{name}, {function.names[j]}"
            comparisons.append(compared(both, second[j], numeric, first.data, x, tolerances, rounds))
    return comparisons
