"""Numeric derivatives: where they call the function, how near they come, and what they say of their own error."""

import math
from sys import float_info

import pytest

from tinygrad_edu import Value, dot, registered
from tinygrad_edu import sum as total
from tinygrad_edu.check import check_gradients
from tinygrad_edu.check.functions import Function
from tinygrad_edu.check.numeric import METHODS, Slope, slope, slope_of
from tinygrad_edu.check.rules import wrong_rules
from tinygrad_edu.engine import local_derivatives

STEP = {"central": 6.06e-6, "richardson": 3e-4}
EPSILON = float_info.epsilon
by_both = pytest.mark.parametrize("method", ["central", "richardson"])
H = STEP["central"]


@by_both
@pytest.mark.parametrize("x", [0.0, 0.5, -1.0, 3.0, -1000.0])
def test_a_function_is_called_near_by_and_to_both_sides(method, x):
    """The step grows with |x|; whoever looks for a kink also looks 32 times as near."""
    calls = []
    slope_of(lambda x: calls.append(x) or 3 * x, x, method)
    h = STEP[method] * max(1.0, abs(x))
    sizes = [0, h / 32, h, 2 * h] + ([h / 2] if method == "richardson" else [])
    expected = sorted({x + size for size in sizes} | {x - size for size in sizes})
    assert sorted({*calls}) == pytest.approx(expected, rel=1e-15, abs=1e-20)


def test_central_differences_know_their_error():
    """Of x³ at 0, where nothing is rounded, the slope over a step h is h²."""
    found = slope_of(lambda x: x**3, 0.0, "central")
    assert found == (pytest.approx(H**2), pytest.approx(H**2), None, "")


def test_a_complex_step_is_off_by_its_last_digits():
    for a, i in ((3.0, 0), (-1e6, 1)):
        found = slope(Function(lambda x, y: x * y, [a, a], []), i, "complex")
        assert found[:2] == (a, pytest.approx(1e-15 * abs(a), abs=0))


def test_extrapolated_differences_know_their_error():
    """Cubic terms drop out; of x⁵ the slope over a step h is h⁴, of which a quarter stays, with the sign changed."""
    h = STEP["richardson"]
    assert abs(slope_of(lambda x: x**3, 0.0, "richardson").value) < 1e-3 * h**2
    found = slope_of(lambda x: x**5, 0.0, "richardson")
    assert found == (pytest.approx(-(h**4) / 4), pytest.approx(h**4 / 4), None, "")


@by_both
@pytest.mark.parametrize("value", [1.0, -3.0, 1e6])
def test_the_round_off_of_a_large_value_is_part_of_the_error(method, value):
    found = slope_of(lambda x: value, 0.5, method)
    assert found == (0.0, pytest.approx(EPSILON * abs(value) / STEP[method]), None, "")


SMOOTH = {
    "exp": (math.exp, math.exp, [-2.0, 0.0, 1.0, 5.0]),
    "sin": (math.sin, math.cos, [-3.0, 0.0, 0.7]),
    "tanh": (math.tanh, lambda x: 1 / math.cosh(x) ** 2, [-1.0, 0.0, 2.0]),
    "log": (math.log, lambda x: 1 / x, [0.1, 1.0, 30.0]),
    "sqrt": (math.sqrt, lambda x: 0.5 / math.sqrt(x), [0.1, 1.0, 30.0]),
    "inverse": (lambda x: 1 / x, lambda x: -1 / x**2, [-2.0, 0.3, 10.0]),
    "cube + 1000": (lambda x: x**3 + 1000, lambda x: 3 * x * x, [-2.0, 0.5, 10.0]),
}
NEAR = {"central": 1e-8, "richardson": 1e-11}


@by_both
@pytest.mark.parametrize("name", SMOOTH)
def test_smooth_functions_have_a_slope_and_an_honest_estimate(name, method):
    f, right, at = SMOOTH[name]
    for x in at:
        found = slope_of(f, x, method)
        scale = max(1.0, abs(f(x)), abs(right(x))) / min(1.0, abs(x) or 1.0)
        assert not found.kink and not found.edge
        assert abs(found.value - right(x)) <= NEAR[method] * scale
        assert abs(found.value - right(x)) <= 3 * found.estimate
        assert found.estimate <= NEAR[method] * scale


@pytest.mark.parametrize("value", [0.0, 1.0, 1e3, 1e6, -1e9])
@pytest.mark.parametrize("steep", [1e-3, 3.0, -0.7])
def test_rounding_looks_like_no_kink(value, steep):
    for k in range(40):
        assert not slope_of(lambda x: steep * x + value, 0.1 * k - 2, "central").kink


@pytest.mark.parametrize(
    ("value", "bend", "kink"),
    [
        *((0.0, 0.97e-4, False), (0.0, 1.05e-4, True)),  # a ten-thousandth of the slope, and what is rounded:
        *((1e3, 1.6e-4, False), (1e3, 1.9e-4, True), (-1e3, 1.6e-4, False), (-1e3, 1.9e-4, True)),
    ],
)
def test_a_bend_is_a_kink_where_it_shows_among_roundings(value, bend, kink):
    right = slope_of(lambda x: x + bend * max(x, 0) + value, 0.0, "central")
    left = slope_of(lambda x: x + bend * min(x, 0) + value, 0.0, "central")
    assert (right.kink is not None) is (left.kink is not None) is kink
    if kink:
        assert right.kink == pytest.approx((1.0, 1 + bend), rel=1e-5)
        assert left.kink == pytest.approx((1 + bend, 1.0), rel=1e-5)


@by_both
@pytest.mark.parametrize("x", [1e-9, -2e-8])
def test_a_step_across_a_pole_shows_neither_a_kink_nor_a_slope(x, method):
    """The slopes to both sides of 1/x are nearly opposite, and the more so, the smaller the step."""
    found = slope_of(lambda x: 1 / x, x, method)
    assert (found.kink, found.estimate) == (None, math.inf)
    [comparison] = check_gradients(lambda x: 1 / x, x, method=method).comparisons
    assert comparison.diagnosis == "step"


def test_the_estimate_at_a_kink_is_what_the_step_changed():
    found = slope_of(lambda x: max(x, 0) + 1e3 * x**3, 0.0, "central")
    assert found.value == pytest.approx(0.5)  # between the two
    assert found.estimate == pytest.approx(3e3 * H**2, rel=1e-6)


@pytest.mark.parametrize(("curved", "kink"), [(0.0, True), (1.0, True), (1.13, False)])
def test_a_bend_that_grows_with_the_step_is_no_kink(curved, kink):
    """Half of it must be left at a thirty-second of the step: of |x| + c x² / h that is so up to c = 16/15."""
    found = slope_of(lambda x: abs(x) + curved * x * x / H, 0.0, "central")
    assert (found.kink is not None) is kink


@pytest.mark.parametrize(("bump", "steady"), [(1.0099, True), (1.0105, False), (0.991, True), (0.9895, False)])
@by_both
def test_a_slope_that_changes_with_the_step_is_not_believed(bump, steady, method):
    """By more than a hundredth, within a thirty-second of it."""
    near = STEP[method] / 16
    found = slope_of(lambda x: x * bump if abs(x) > near else x, 0.0, method)
    assert math.isfinite(found.estimate) is steady


def inside(low, high, f):
    def bounded(x):
        if not low <= x <= high:
            raise ValueError("outside")
        return f(x)

    return bounded


@by_both
@pytest.mark.parametrize(
    ("low", "high", "x"),
    [(0.0, 1.0, 1e-6), (-1.0, 1e-6, 0.0), (0.0, 1.0, 0.0), (-1.0, 0.0, 0.0), (1.0, 2.0, 1.0 + 1e-9), (3.0, 5.0, 5.0)],
)
def test_beside_an_edge_steps_stay_inside(low, high, x, method):
    """A parabola from one side and a cubic from both have no other error than rounding."""
    found = slope_of(inside(low, high, lambda t: 7 * t), x, method)
    assert found.edge == "outside" and found.kink is None
    assert found.value == pytest.approx(7.0, rel=1e-4)
    one_sided = x in (low, high)
    bent = inside(low, high, lambda t: (t - x) + 1e5 * (t - x) ** (2 if one_sided else 3))
    found = slope_of(bent, x, method)
    assert found.value == pytest.approx(1.0, rel=1e-9 if one_sided else 1e-12)
    assert abs(found.value - 1) <= found.estimate < 1


@by_both
@pytest.mark.parametrize(("low", "high"), [(0.0, 1.0), (-1.0, 0.0)])
def test_the_estimate_at_an_edge_is_what_the_extrapolation_changed(low, high, method):
    """Of c x² the slope over a step s is c s, here at the last of three steps: a quarter, over 64."""
    found = slope_of(inside(low, high, lambda x: 1e5 * x * x), 0.0, method)
    assert found.estimate == pytest.approx(1e5 * STEP[method] / 256, rel=1e-6)


def test_the_estimate_beside_an_edge_holds_the_rounding_of_a_large_value():
    found = slope_of(inside(0.0, 1.0, lambda x: 4096.0), 0.0, "central")
    step = H / 4
    assert found == (0.0, pytest.approx(64 * EPSILON * 4096 / step), None, "outside")


def test_where_no_step_is_possible_there_is_no_slope():
    value, estimate, kink, edge = slope_of(inside(1.0, 1.0, lambda x: x), 1.0, "central")
    assert math.isnan(value)
    assert (estimate, kink, edge) == (math.inf, None, "outside")


@pytest.mark.parametrize("method", METHODS)
def test_the_slope_is_for_the_input_that_is_asked_for(method):
    function = Function(lambda x, y, z: x * y * y + z.relu(), [2.0, 3.0, 0.0], [])
    assert [slope(function, i, method).value for i in (0, 1)] == pytest.approx([9.0, 12.0], rel=1e-9)
    assert slope(function, 2, method).kink == pytest.approx((0.0, 1.0))
    assert slope(function, 0, method).kink is None


def test_the_complex_step_is_right_to_the_last_digit_and_says_so():
    function = Function(lambda x: x.exp().sin() * 3, [0.5], [])
    right = 3 * math.cos(math.exp(0.5)) * math.exp(0.5)
    found = slope(function, 0, "complex")
    assert found == Slope(pytest.approx(right, rel=4e-16), pytest.approx(1e-15 * abs(right)))


def test_the_complex_step_is_far_smaller_than_what_it_is_added_to():
    function = Function(lambda x: x.log() + 1 / x, [1e-12], [])
    assert slope(function, 0, "complex").value == pytest.approx(1e12 - 1e24, rel=1e-15)


def blamed(x, *row):
    with registered("own", "o", *row):
        return [(blame.row, blame.partial) for blame in wrong_rules(Value(x).own() * 2.0 + 1.0)]


@pytest.mark.parametrize(
    ("x", "value", "scale"), [(0.5, "x", 1.0), (0.5, "x + 1e4", 1e4), (100.0, "x", 1.0), (-100.0, "x - 1e6", 1e4)]
)
def test_a_rule_is_blamed_where_it_is_off_by_more_than_the_tolerance(x, value, scale):
    """1e-8 max(1, |out|) / max(1, |x|) and 1e-5 of the derivative."""
    tolerance = 1e-8 * scale + 1e-5
    for sign in (1, -1):
        assert blamed(x, value, f"1 + {sign * 0.98 * tolerance!r}") == []
        assert blamed(x, value, f"1 + {sign * 1.02 * tolerance!r}") == [("own", "x")]


@pytest.mark.parametrize("x", [1e12, -1e12])
def test_rules_are_judged_far_from_0_too(x):
    """Where a step of a millionth would be none."""
    assert blamed(x, "x", "1") == blamed(x, "x * x", "2 * x") == []
    assert blamed(x, "x", "2") == blamed(x, "x * x", "3 * x") == [("own", "x")]


def test_a_rule_for_many_operands_is_blamed_once(monkeypatch):
    x, y, z = Value(2.0, "x"), Value(3.0, "y"), Value(5.0, "z")
    assert wrong_rules(dot([x, y], [z, x])) == []
    twice = lambda node: [(k, operand, 2 * partial) for k, operand, partial in local_derivatives(node)]  # noqa: E731
    monkeypatch.setattr("tinygrad_edu.check.rules.local_derivatives", twice)
    assert [(b.row, b.partial, b.rule) for b in wrong_rules(total([x, y, z]))] == [("sum", "x_i", 2.0)]
    found = [(b.row, b.partial, b.rule) for b in wrong_rules(dot([x, y], [z, x]))]
    assert found == [("dot", "x_i", 10.0), ("dot", "y_i", 4.0)]


def test_a_right_rule_is_not_blamed_for_what_bends():
    """Of 100 x³ at 0 the differences give 100 h², which is within the tolerance."""
    assert blamed(0.0, "100 * x * x * x", "300 * x * x") == []


@pytest.mark.parametrize("rule", ["1", "1.001", "1.002", "0.99", "1.0021"])
def test_a_rule_is_blamed_at_a_kink_where_it_is_not_between_the_slopes(rule):
    found = blamed(0.0, "x + 0.002 * maximum(x, 0)", rule)
    assert found == ([] if 1 <= float(rule) <= 1.002 else [("own", "x")])


def test_each_rule_and_operand_is_blamed_once_where_it_is_wrong_first():
    with registered("own", "o", "x * y", "2 * y", "x"):
        x, y = Value(3.0, "x"), Value(5.0, "y")
        [blame] = wrong_rules(x.own(y) + y.own(x.own(y)) * x)
    assert (blame.row, blame.partial, blame.formula, blame.rule) == ("own", "x", "2 * y", 10.0)
    assert blame.numeric == pytest.approx(5.0)
    assert blame.where == "x = 3, y = 5"
    assert str(blame) == (
        "the rule of own is wrong: ∂/∂x = 2 * y gives 10 at x = 3, y = 5, differences give 5"
    )  # fmt: skip


@by_both
@pytest.mark.parametrize("sign", [1, -1])
def test_at_the_end_of_a_domain_that_is_not_0_the_slope_is_that_of_the_side_within(method, sign):
    found = slope_of(lambda x: 2 * x + math.sqrt(sign * (x - 3)) ** 3, 3.0, method)
    assert found.value == pytest.approx(2, abs=1e-2) and "math domain error" in found.edge


def diagnosis_of(report):
    [comparison] = report.comparisons
    return comparison.diagnosis


@by_both
def test_a_kink_of_the_derivative_leaves_the_slope_unsure_and_no_rule_wrong(method):
    """Of elu at 0 the second derivative jumps: the error falls with the step, and not with its square."""
    found = slope_of(lambda x: x if x > 0 else math.expm1(x), 0.0, method)
    assert abs(found.value - 1) <= 3.1 * found.estimate < 1e-3
    for x in (0.0, 1e-6, -1e-5, 1e-4):
        assert diagnosis_of(check_gradients(lambda x: x.elu(), x, method=method)) in ("ok", "step")


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("x", [0.0, 1e-9, -1e-9])
def test_the_slopes_at_a_kink_are_as_near_as_those_of_central_differences(method, x):
    """Where f bends they are off by the step, more than the tolerance of what is extrapolated."""
    for f in (lambda x: (x - x * x).relu(), lambda x: abs(x.exp() - 1), lambda x: (x.sin() + x.square()).leaky_relu()):
        assert diagnosis_of(check_gradients(f, x, method=method)) in ("kink", "ok")


def test_beside_a_kink_the_complex_step_is_believed():
    """It is exact there, while the slopes to both sides are rounded."""
    for k in range(40):
        at = 1e6 + 0.37 * k
        f = lambda x, at=at: abs(x * 0.66 - (0.66 * at + 1e-7)) + 1  # noqa: E731
        assert diagnosis_of(check_gradients(f, at, method="complex")) in ("kink", "ok")


def test_a_kink_that_rounding_would_hide_leaves_the_slope_unsure():
    found = slope_of(lambda x: 1e-3 * max(x, 0) + 1e6, 0.0, "central")
    assert found.kink is None and found.estimate > 4e-4


@pytest.mark.parametrize("x", [1e-30, -3e-25, 1e-150])
def test_the_complex_step_is_small_beside_a_small_number(x):
    for f, right in ((lambda y: y**3, 3.0), (lambda y: y.sin(), math.cos(1)), (lambda y: y.exp(), math.e)):
        found = slope(Function(lambda v, f=f: f(v * (1 / x)), [x], []), 0, "complex")
        assert found.value * x == pytest.approx(right, rel=1e-12)


@pytest.mark.parametrize("x", [5e-324, -2.2250738585e-313, 1e-310, -1e-305, 1e-300])
def test_the_complex_step_keeps_its_bits_beside_a_subnormal_number(x):
    [found] = check_gradients(lambda v: v.exp().exp(), x, method="complex").comparisons
    assert found.numeric == pytest.approx(math.e, rel=1e-13)
    [found] = check_gradients(lambda v: (v * v + 1.0).sqrt() + v.tanh(), x, method="complex").comparisons
    assert found.numeric == pytest.approx(1.0, rel=1e-13)
