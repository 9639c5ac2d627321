"""The gradient checker: what it finds, and what it says."""

import functools
import itertools
import math
import random
import subprocess
import sys

import pytest

import tinygrad_edu
from tests.test_table import FLAT, PLAIN, points
from tinygrad_edu import NOT_COMPUTED, TABLE, Value, registered
from tinygrad_edu.check import Comparison, Report, assert_gradients, check_gradients
from tinygrad_edu.check.diagnosis import compare
from tinygrad_edu.check.numeric import Slope
from tinygrad_edu.engine.formulas import partials_on_floats, partials_on_values
from tinygrad_edu.nn import MLP, squared_error


def diagnoses(report):
    return [comparison.diagnosis for comparison in report.comparisons]


def noisy(x):
    return x * random.random()


WRONG = ("wrong_cube", "³", "x * x * x", "2 * x * x")


def wrong_rule(x):
    return x.wrong_cube() * 2


@pytest.mark.parametrize(
    ("f", "x", "diagnosis", "passed"),
    [
        (lambda x: x.relu(), 0.0, "kink", True),
        (lambda x: x.log(), 1e-12, "domain edge", True),
        (lambda x: x**3, 1e6, "ok", True),
        (noisy, 2.0, "not deterministic", False),
        (wrong_rule, 2.0, "wrong", False),
        (lambda x: abs(x) * 2, 0.0, "kink", True),
        (lambda x: tinygrad_edu.maximum(x, 2 * x), 0.0, "kink", True),
        (lambda x: tinygrad_edu.maximum(x.exp() - 1, 0), 0.0, "kink", True),  # flat on one side, bent on the other
        (lambda x: (x * 1e8).sin(), 1.0, "step", False),
        (lambda x: x.sqrt(), 0.0, "domain edge", True),
        (lambda x: x.asin(), 0.9999999, "domain edge", True),
        (lambda x: x.log(), 1e-300, "domain edge", True),
        (lambda x: x.sqrt() + 1e6, 1e-9, "step", False),
        (lambda x: x.step(), 1.0, "zero", False),
        (lambda x: Value(3.0) * 2, 1.0, "zero", False),
        (lambda x: x.exp(), 20.0, "ok", True),
        (lambda x: 1 / x, 0.1, "ok", True),
        (lambda x: 1 / x, 1e-3, "step", False),
    ],
)
def test_diagnoses(f, x, diagnosis, passed):
    with registered(*WRONG):
        report = check_gradients(f, x)
    assert diagnoses(report) == [diagnosis]
    assert report.passed is passed


@pytest.mark.parametrize(
    ("partial", "words"),
    [
        ("-3 * x * x", "the sign is flipped"),
        ("6 * x * x", "a factor 2 too much"),
        ("1.5 * x * x", "a factor 2 is missing"),
        ("0 * x", "the gradient is zero"),
        ("2 * x * x", "0.6667 times what it should be: a term or a factor is missing"),
    ],
)
def test_a_wrong_rule_is_named_with_a_hint(partial, words):
    with registered("cube", "³", "x * x * x", partial):
        report = check_gradients(lambda x, y: x.cube() * y.exp(), 2.0, 0.3, names=["x", "y"])
    assert diagnoses(report) == ["wrong", "ok"]
    assert not report.passed
    assert report.comparisons[0].hint == words
    assert [blame.row for blame in report.blame] == ["cube"]
    assert f"the rule of cube is wrong: ∂/∂x = {partial} gives" in str(report)
    assert "differences give 12" in str(report)


def test_the_report_says_which_input_how_far_and_how_sure():
    text = str(check_gradients(lambda x, y: x * y, 2.0, 3.0, names=["left", "right"]))
    lines = text.splitlines()
    assert lines[0].split() == ["input", "engine", "differences", "error", "of", "which", "theirs", "diagnosis"]
    assert [line.split()[0] for line in lines[1:]] == ["left", "right"]
    assert [line.split()[-1] for line in lines[1:]] == ["ok", "ok"]


def test_a_kink_with_a_gradient_outside_its_slopes_is_wrong():
    with registered("bent", "b", "maximum(x, 0)", "2"):
        report = check_gradients(lambda x: x.bent(), 0.0)
    assert diagnoses(report) == ["wrong"]
    assert report.comparisons[0].hint == ("the slope is 0 to the left and 1 to the right, the gradient is not between")


def test_a_wrong_gradient_at_the_edge_of_a_domain_is_wrong():
    for partial in ("2 / x", "1.001 / x", "0.5 / x"):
        with registered("own_log", "l", "log(x)", partial):
            assert diagnoses(check_gradients(lambda x: x.own_log(), 1e-12)) == ["wrong"]


@pytest.mark.parametrize("method", ["central", "richardson", "complex"])
def test_a_kink_is_one_by_every_method_and_a_smooth_formula_in_pieces_is_none(method):
    assert diagnoses(check_gradients(lambda x: x.relu(), 0.0, method=method)) == ["kink"]
    for f in (lambda x: x.softplus(), lambda x: x.sigmoid(), lambda x: x.silu()):
        assert diagnoses(check_gradients(f, 0.0, method=method)) == ["ok"]


def test_zeros_alone_do_not_pass_but_one_zero_among_others_does():
    report = check_gradients(lambda x: x.step(), 1.0)
    assert not report.passed
    assert "every derivative is zero: the comparison shows nothing" in str(report)
    assert check_gradients(lambda x, y: x.step() + y, 1.0, 1.0).passed


@pytest.mark.parametrize("method", ["central", "richardson", "complex"])
@pytest.mark.parametrize("row", [row for row in PLAIN if row.name not in FLAT], ids=lambda row: row.name)
def test_every_row_passes_by_every_method(row, method):
    f = getattr(tinygrad_edu, row.name)
    for at in points(row, 3):
        at = [abs(x) for x in at] if row.name == "relu" else at  # elsewhere there is nothing to compare
        if method == "complex" and row.name in ("erf", "erfc", "gelu", "atan2"):
            with pytest.raises(ValueError, match="has no complex form: use another method"):
                check_gradients(f, *at, method=method)
        else:
            report = check_gradients(f, *at, method=method)
            assert report.passed, report


@pytest.mark.parametrize("method", ["central", "richardson", "complex"])
@pytest.mark.parametrize("row", [row for row in PLAIN if row.name not in FLAT], ids=lambda row: row.name)
def test_every_row_is_caught_when_it_is_wrong(row, method, monkeypatch):
    if method == "complex" and row.name in ("erf", "erfc", "gelu", "atan2"):
        return
    if row.name in ("maximum", "minimum"):
        return  # one of their derivatives is always 0; the test of the table has them
    f = getattr(tinygrad_edu, row.name)
    # At a point where there is something to be wrong about.
    at = next(p for p in points(row) if all(abs(d(*p, row.function(*p))) > 1e-3 for d in partials_on_floats(row)))
    row.function(*map(Value, at)).backward()  # its pullback is compiled by now
    right = row.pullback

    def wrong(node):
        before = [p.grad for p in node.parents]
        right(node)
        for parent, old in zip(node.parents, before, strict=True):
            parent.grad = old + 1.002 * (parent.grad - old)

    monkeypatch.setattr(row, "pullback", wrong)
    report = check_gradients(f, *at, method=method)
    assert "wrong" in diagnoses(report), report


def test_a_rule_that_is_wrong_only_for_higher_order_is_caught(monkeypatch):
    """grad() and forward mode compile the partials anew: they are compared with backward()."""
    tanh = TABLE["tanh"]
    right = partials_on_values(tanh)
    wrong = tuple(lambda *at, partial=partial: partial(*at) * 1.002 for partial in right)
    monkeypatch.setattr(
        "tinygrad_edu.engine.derivatives.partials_on_values",
        lambda row: wrong if row is tanh else partials_on_values(row),
    )
    report = check_gradients(lambda x: x.tanh(), 0.5)
    assert diagnoses(report) == ["wrong"]
    assert report.comparisons[0].hint.startswith("grad() gives 0.788")


@pytest.mark.parametrize(
    "f",
    [lambda x, y: x**3 * y.log(), lambda x, y: (x * y).sigmoid(), lambda x, y: tinygrad_edu.logsumexp([x, y, x * y])],
)
def test_second_order(f):
    report = check_gradients(f, 2.0, 3.0, names=["x", "y"], order=2)
    assert report.passed, report
    assert [c.name for c in report.comparisons] == ["x, x", "x, y", "y, x", "y, y"]


def test_what_is_not_deterministic_is_named_with_its_gradient():
    [comparison] = check_gradients(lambda x: x * 3 + next(numbers), 2.0, names=["w"]).comparisons
    assert comparison[:5] == ("w", 3.0, math.inf, math.inf, math.inf)
    assert comparison.hint == "called again with the same inputs, f gives another value"


numbers = iter(range(1000))


def test_second_order_at_an_edge_at_a_jump_and_where_it_is_wrong():
    assert diagnoses(check_gradients(lambda x: x.log(), 1e-9, order=2)) == ["domain edge"]
    assert diagnoses(check_gradients(lambda x: x.sqrt(), 0.0, order=2)) == ["domain edge"]
    assert diagnoses(check_gradients(lambda x: x * x.relu(), 0.0, order=2)) == ["kink"]
    assert "wrong" not in diagnoses(check_gradients(lambda x: x.relu(), 0.0, order=2))
    report = check_gradients(lambda x: x.log(), 1e-300, order=2)
    assert (diagnoses(report), report.comparisons[0].hint) == (["wrong"], "the gradient is -inf")
    with registered("cube", "³", "x * x * x", "3.01 * x * x"):
        assert diagnoses(check_gradients(lambda x: x.cube(), 2.0)) == ["wrong"]
    assert diagnoses(check_gradients(noisy, 2.0, order=2)) == ["not deterministic"]


def test_what_is_said_calls_the_inputs_by_their_names():
    speed = Value(2.0, "speed")
    with registered(*WRONG):
        for f, inputs in ((wrong_rule, [2.0]), (lambda: wrong_rule(speed), [speed]), (wrong_rule(speed), [speed])):
            [blame] = check_gradients(f, *inputs, names=["speed"]).blame
            assert blame.where == "speed = 2"
    speed.data = 0.0
    for f, inputs in ((Value.sqrt, [0.0]), (lambda: speed.sqrt(), [speed]), (speed.sqrt(), [speed])):
        [comparison] = check_gradients(f, *inputs, names=["speed"]).comparisons
        assert "sqrt(speed)" in comparison.hint


def test_second_order_looks_no_further_than_first_order():
    """A kink of the gradient at a ten-thousandth is out of its sight."""
    for x, right in ((1e-4, 2.0), (-1e-4, 0.0)):
        [comparison] = check_gradients(lambda x: x * x.relu(), x, order=2).comparisons
        assert comparison.numeric == pytest.approx(right)


def test_a_network_with_a_loss_and_a_root_with_its_leaves():
    network = MLP(2, [2, 1], activation="tanh", seed=1)
    before = [p.data for p in network.parameters()]

    def loss():
        return squared_error(network([1.0, 2.0]), [1.0])

    for f in (loss, loss()):
        report = check_gradients(f, *network.parameters())
        assert report.passed, report
        assert [c.name for c in report.comparisons][:3] == ["w1", "w2", "b1"]
    assert [p.data for p in network.parameters()] == before


@pytest.mark.parametrize("order", [1, 2])
def test_what_is_undefined_for_one_input_is_told_of_it_alone(order):
    report = check_gradients(lambda x, y: x.sqrt() + y * y, 0.0, 3.0, order=order, names=["x", "y"])
    found = [(c.name, c.diagnosis) for c in report.comparisons]
    edge = "domain edge"
    assert found == [("x", edge), ("y", edge)] if order == 1 else [("x", edge), ("y, x", "zero"), ("y, y", "ok")]
    c = report.comparisons[0]
    assert math.isnan(c.engine) and math.isnan(c.numeric) and c.error == c.estimate == math.inf
    assert "sqrt" in c.hint


def test_second_order_of_what_is_not_deterministic_is_named():
    [first, second] = check_gradients(lambda x, y: noisy(x) + y, 2.0, 1.0, names=["u", "v"], order=2).comparisons
    assert (first.name, second.name) == ("u", "v")
    assert math.isnan(first.engine) and first[2:6] == (math.inf, math.inf, math.inf, "not deterministic")


@pytest.mark.parametrize("order", [1, 2])
def test_two_values_in_turn_are_not_deterministic_either(order):
    turns = itertools.count()
    report = check_gradients(lambda x: x * x + next(turns) % 2, 2.0, order=order)
    assert diagnoses(report) == ["not deterministic"]


@pytest.mark.parametrize("size", [1e-3, 1.0, -1.0, 2.0, 1e3, -1e6])
@pytest.mark.parametrize("way", ["backward", "second", "forward"])
def test_ways_to_differentiate_that_differ_by_a_billionth_are_wrong(size, way, monkeypatch):
    row = TABLE["tanh"]
    Value(0.0).tanh().backward()
    right, passes = row.pullback, []

    def pullback(node, by):
        passes.append(node)
        by = by if way == "backward" else 2 * by if len(passes) == 2 else 0.0
        node.parents[0].grad += node.grad * (1 + by)

    def off(by):
        passes.clear()
        with monkeypatch.context() as m:
            if way == "forward":
                wrong = jvp_off(by * size)
                m.setattr("tinygrad_edu.check.differences.jvp", wrong)
            else:
                m.setattr(row, "pullback", lambda node: pullback(node, by))
            [comparison] = check_gradients(lambda x: size * x.tanh(), 0.0).comparisons
        return comparison

    scale = max(1.0, 1 / abs(size))
    assert right is row.pullback
    for sign in (1, -1):
        assert off(sign * 0.9e-9 * scale).diagnosis == "ok"
        found = off(sign * 1.1e-9 * scale)
        words = {"backward": "grad()", "second": "a second pass, halved,", "forward": "forward mode"}[way]
        assert (found.diagnosis, found.hint) == ("wrong", f"{words} gives {found.hint.split()[-1]}")
        number = {"backward": size, "second": size, "forward": size * (1 + sign * 1.1e-9 * scale)}[way]
        assert float(found.hint.split()[-1]) == pytest.approx(number, rel=1e-8, abs=3e-9)


def jvp_off(by):
    return lambda roots, leaves, tangents: [tinygrad_edu.jvp(roots, leaves, tangents)[0] + by]


def test_another_way_that_gives_no_number_is_wrong(monkeypatch):
    nothing = Value(math.nan, finite=False)
    monkeypatch.setattr("tinygrad_edu.check.differences.jvp", lambda *_: [nothing])
    [comparison] = check_gradients(lambda x: x.tanh(), 0.5).comparisons
    assert (comparison.diagnosis, comparison.hint) == ("wrong", "forward mode gives nan")


def test_a_report_is_a_table_with_columns_that_line_up():
    with registered(*WRONG):
        report = check_gradients(
            lambda x, y, z: x.wrong_cube() + y.step() * z, 2.0, 1.0, 0.25, names=["x", "a longer name", "z"]
        )
    x, y, z = (f"{c.error:.1e}  {c.estimate:.1e}        " for c in report.comparisons)
    assert str(report).splitlines() == [
        "input          engine  differences  error    of which theirs  diagnosis",
        f"x              8       12           {x}  wrong: {report.comparisons[0].hint}",
        f"a longer name  0       0            {y}  zero",
        f"z              1       1            {z}  ok",
        "the rule of wrong_cube is wrong: ∂/∂x = 2 * x * x gives 8 at x = 2, differences give 12",
    ]


INEXACT = "differences are too inexact here to say"
RATIO = "times what it should be: a term or a factor is missing"
SLOPES = "the slope is 1 to the left and 3 to the right"
AWAY = f"{SLOPES}, the gradient is not between"


@pytest.mark.parametrize(
    ("engine", "value", "estimate", "more", "diagnosis", "words"),
    [
        (2.0, 2.25, 0.0, {}, "ok", ""),  # a tolerance of 1/4
        (2.0, 1.75, 0.0, {}, "ok", ""),
        (0.0, 0.25, 0.0, {}, "zero", ""),
        (-0.0, -0.25, 0.0, {}, "zero", ""),
        (0.25, 0.0, 0.0, {}, "ok", ""),
        (2.0, 2.5, 0.0625, {}, "step", INEXACT),
        (2.0, 1.375, 0.0625, {}, "step", INEXACT),
        (2.0, 1.375, 0.0624, {}, "wrong", f"1.455 {RATIO}"),
        (2.0, math.nan, 0.0, {}, "step", INEXACT),
        (2.0, math.inf, 0.0, {}, "step", INEXACT),
        (math.nan, 2.0, 9.0, {}, "wrong", "the gradient is nan"),
        (math.inf, 2.0, 9.0, {"edge": "e"}, "wrong", "the gradient is inf"),
        (-math.inf, 2.0, 9.0, {"kink": (1.0, 3.0)}, "wrong", "the gradient is -inf"),
        (2.0, 2.0, 0.25, {"edge": "e"}, "domain edge", "e"),
        (2.0, 2.0, 0.26, {"edge": "e"}, "step", f"{INEXACT}: e"),
        (2.0, 2.0, math.nan, {"edge": "e"}, "step", f"{INEXACT}: e"),
        (2.0, math.nan, math.inf, {"edge": "e"}, "step", f"{INEXACT}: e"),
        (1024.0, 1024.0, 1.0, {"edge": "e"}, "domain edge", "e"),  # a thousandth of the slope
        (-1024.0, -1024.0, 1.03, {"edge": "e"}, "step", f"{INEXACT}: e"),
        (2.0, 3.5, 0.125, {"edge": "e"}, "domain edge", "e"),  # the tolerance, and ten times the estimate
        (2.0, 3.625, 0.125, {"edge": "e"}, "wrong", f"0.5517 {RATIO}"),
        (0.75, 2.0, 0.0, {"kink": (1.0, 3.0)}, "kink", SLOPES),
        (3.25, 2.0, 0.0, {"kink": (1.0, 3.0)}, "kink", SLOPES),
        (0.74, 2.0, 9.0, {"kink": (1.0, 3.0)}, "wrong", AWAY),
        (3.26, 2.0, 9.0, {"kink": (1.0, 3.0)}, "wrong", AWAY),
        (2.0, 2.0, 0.0, {"kink": (3.0, 1.0)}, "kink", "the slope is 3 to the left and 1 to the right"),
        (0.0, 0.5, 0.0, {}, "wrong", "the gradient is zero"),
        (0.5, 0.25, 0.0, {}, "ok", ""),
        (0.5, -0.25, 0.0, {}, "wrong", "the gradient should be zero"),
        (0.75, 0.25, 0.0, {}, "wrong", "the gradient should be zero"),
        (0.75, 0.26, 0.0, {}, "wrong", f"2.885 {RATIO}"),
        *((-2 * (1 + e), 2.0, 0.0, {}, "wrong", "the sign is flipped") for e in (0.0, 0.9e-4, -0.9e-4)),
        *((4 * (1 + e), 2.0, 0.0, {}, "wrong", "a factor 2 too much") for e in (0.0, 0.9e-4, -0.9e-4)),
        *((1 + e, 2.0, 0.0, {}, "wrong", "a factor 2 is missing") for e in (0.0, 0.9e-4, -0.9e-4)),
        (-2 * (1 - 1.1e-4), 2.0, 0.0, {}, "wrong", f"-0.9999 {RATIO}"),
        (-2 * (1 + 1.1e-4), 2.0, 0.0, {}, "wrong", f"-1 {RATIO}"),
        (4 * (1 + 1.1e-4), 2.0, 0.0, {}, "wrong", f"2 {RATIO}"),
        (4 * (1 - 1.1e-4), 2.0, 0.0, {}, "wrong", f"2 {RATIO}"),
        (1 + 1.1e-4, 2.0, 0.0, {}, "wrong", f"0.5001 {RATIO}"),
        (1 - 1.1e-4, 2.0, 0.0, {}, "wrong", f"0.4999 {RATIO}"),
    ],
)
def test_what_two_numbers_say_of_one_another(engine, value, estimate, more, diagnosis, words):
    comparison = compare("x", engine, Slope(value, estimate, **more), 0.25)
    assert (comparison.name, comparison.diagnosis, comparison.hint) == ("x", diagnosis, words)
    assert [*comparison[1:5]] == pytest.approx([engine, value, abs(engine - value), estimate], nan_ok=True)


@pytest.mark.parametrize(
    ("diagnoses", "passed"),
    [
        (["ok"], True),
        (["kink", "zero"], True),
        (["zero", "domain edge"], True),
        (["zero"], False),
        (["zero", "zero"], False),
        (["ok", "step"], False),
        (["wrong", "ok"], False),
        (["not deterministic"], False),
        ([], False),
    ],
)
def test_what_passes(diagnoses, passed):
    report = Report([Comparison("x", 0.0, 0.0, 0.0, 0.0, diagnosis) for diagnosis in diagnoses], [])
    assert report.passed is passed
    assert ("every derivative is zero" in str(report)) is ({*diagnoses} <= {"zero"})


def test_assert_gradients_raises_with_the_report():
    assert_gradients(lambda x: x.tanh(), 0.5)
    with registered(*WRONG), pytest.raises(AssertionError, match="the rule of wrong_cube is wrong"):
        assert_gradients(wrong_rule, 2.0)


def test_assert_gradients_fails_where_python_skips_assert_statements():
    code = """if True:
        from tinygrad_edu import registered
        from tinygrad_edu.check import assert_gradients
        with registered("wrong_cube", "³", "x * x * x", "2 * x * x"):
            try:
                assert_gradients(lambda x: x.wrong_cube(), 2.0)
            except AssertionError:
                print("caught")
    """
    done = subprocess.run([sys.executable, "-O", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "caught\n"


def test_no_label_moves_a_cursor_or_fills_the_screen():
    x, y = Value(2.0, "\x1b[31mred\u202e\r\n"), Value(3.0, "a" * 200_000)
    report = check_gradients(x * y, x, y)
    lines = str(report).splitlines()
    assert [line.split()[0] for line in lines[1:]] == ["[31mred", "a" * 39 + "…"]
    assert all(line.isprintable() and len(line) < 140 for line in lines)
    assert all(c.isprintable() for c in str(check_gradients(x.log(), x, order=2)).replace("\n", ""))


def test_a_report_shows_itself_in_a_notebook():
    report = check_gradients(lambda x: x * x, 1.0)
    assert repr(report) == str(report)
    assert "x1" in repr(report)


def test_a_value_for_a_function_with_arguments_is_its_number():
    x, y = Value(2.0, "x"), Value(3.0)
    report = check_gradients(lambda x, y: x * y, x, y)
    assert [(c.name, c.engine, c.diagnosis) for c in report.comparisons] == [("x", 3.0, "ok"), ("x2", 2.0, "ok")]
    assert check_gradients(lambda *xs: tinygrad_edu.dot(xs, xs), x, y).passed
    assert check_gradients(Value.exp, x).comparisons[0].engine == pytest.approx(math.exp(2))
    assert check_gradients(lambda x, /: x * x, x).comparisons[0].engine == 4.0
    assert diagnoses(check_gradients(lambda: Value(3.0), x)) == ["zero"]  # what it gives is no matter of x
    assert check_gradients(functools.partial(tinygrad_edu.maximum, 1.0), x).passed
    assert check_gradients(lambda step=1: x * y * step, x, y).passed  # uses them as they are
    assert (x.grad, y.grad) == (0.0, 0.0)


def test_a_function_in_c_that_says_nothing_of_itself_takes_arguments():
    report = check_gradients(max, Value(1.0, "a"), Value(2.0, "b"))  # as Python compares Values
    assert [(c.name, c.engine, c.diagnosis) for c in report.comparisons] == [("a", 0.0, "zero"), ("b", 1.0, "ok")]


@pytest.mark.parametrize(
    ("attempt", "words"),
    [
        (lambda: check_gradients(lambda x, y: x, 1.0, 2.0, names=["x"]), "names expected one an input, 2, got 1"),
        (lambda: check_gradients(lambda: Value(1.0)), "expected inputs to differentiate for, got none"),
        (
            lambda: check_gradients(lambda x: x, 1.0, method="magic"),
            "method expected one of central, richardson, complex",
        ),
        (lambda: check_gradients(lambda x: x, 1.0, order=3), "order expected 1 or 2, got 3"),
        (lambda: check_gradients(Value(1.0) * 2, Value(2.0)), "the root does not depend on Value"),
    ],
)
def test_mistakes(attempt, words):
    with pytest.raises(ValueError, match=words):
        attempt()
    with pytest.raises(TypeError, match=r"^a root expected the Values to differentiate for, one by one, got 1\.0$"):
        check_gradients(Value(1.0) * 2, 1.0)
    with pytest.raises(TypeError, match="inputs expected all numbers or all Values, got both"):
        check_gradients(lambda x, y: x, 1.0, Value(2.0))
    w = Value(2.0)
    for function, inputs, got in (
        (lambda x: x.data * 3, [2.0], "6.0"),
        (lambda x: [x], [2.0], r"\[Value"),
        (lambda: 1.0, [w], "1.0"),
    ):
        with pytest.raises(TypeError, match=f"^check_gradients expected the function to return a Value, got {got}"):
            check_gradients(function, *inputs)


ATOL = {"central": 1e-8, "richardson": 1e-11, "complex": 1e-15}
RTOL = {"central": 1e-6, "richardson": 1e-9, "complex": 1e-12}


@pytest.mark.parametrize(
    ("method", "x", "offset", "scale"),
    [
        ("central", 0.5, 0.0, 1.0),
        ("central", 1.0, 1e3, 1001.0),
        ("central", 1.0, -1e3, 999.0),
        ("central", 100.0, 0.0, 1.0),
        ("central", -100.0, 1e6, 9999.0),
        ("richardson", 0.5, 0.0, 1.0),
        ("complex", 0.5, 0.0, 1.0),
        ("complex", 100.0, 900.0, 10.0),
    ],
)
def test_the_tolerance_is_the_one_that_is_documented(method, x, offset, scale):
    """atol max(1, |f|) / max(1, |x|) + rtol max(|a|, |n|), here for a derivative of 1."""
    tolerance = ATOL[method] * scale + RTOL[method]
    for error, diagnosis in ((0.995, "ok"), (1.005, "wrong")):
        for sign in (1, -1):
            with registered("same", "s", "x + 0", f"1 + {sign * error * tolerance!r}"):
                report = check_gradients(lambda x: x.same() + offset, x, method=method)
            assert diagnoses(report) == [diagnosis], report


@pytest.mark.parametrize(
    ("x", "slope", "factor"),
    [
        *((0.5, 0.5, 1.0), (1.0, 1e3, 1.0), (-1.0, -1e3, 1.0), (100.0, 1.0, 1.0), (-100.0, -1e5, 1.0)),
        *((0.5, 0.5, 1e-3), (1.5, 1.5, 1e-3), (-3.0, 0.1, -1e-3), (0.5, -5e3, 1e3), (1.5, 0.0, -1e3)),
    ],
)
@pytest.mark.parametrize("rtol", [None, 1e-4, 0.1])
def test_the_tolerance_for_second_order_is_the_one_that_is_documented(x, slope, factor, rtol):
    """atol max(1, |f'|) / max(1, |x|) + rtol max(|a|, |n|): differences are taken of the gradient."""
    relative = rtol or 1e-6
    below = 1e-8 * max(1, abs(slope)) / max(1, abs(x)) / abs(factor) + relative
    above = below / (1 - relative)  # there the engine's is the larger one
    linear = slope - factor * x
    for error, diagnosis in (
        (0.98 * above, "ok"),
        (1.02 * above, "wrong"),
        (-0.98 * below, "ok"),
        (-1.02 * below, "wrong"),
    ):
        same = registered("same", "s", "x + 0", f"1 + {error!r}")
        with same, registered("parabola", "p", "x * x / 2", "same(x)"):  # right once, and not twice
            report = check_gradients(lambda x: factor * x.parabola() + linear * x, x, order=2, rtol=rtol)
        assert diagnoses(report) == [diagnosis], report


@pytest.mark.parametrize(("partial", "diagnosis"), [(1.105, "ok"), (1.12, "wrong"), (0.905, "ok"), (0.895, "wrong")])
def test_the_relative_tolerance_can_be_chosen_and_is_of_the_larger_one(partial, diagnosis):
    with registered("same", "s", "x + 0", repr(partial)):
        assert diagnoses(check_gradients(lambda x: x.same(), 2.0, rtol=0.1)) == [diagnosis]


@pytest.mark.parametrize("order", [1, 2])
def test_a_relative_tolerance_of_0_leaves_the_absolute_one(order):
    same = registered("same", "s", "x + 0", "1 + 5e-7")
    with same, registered("parabola", "p", "x * x / 2", "same(x)"):  # right once, and not twice
        f = Value.same if order == 1 else Value.parabola
        assert diagnoses(check_gradients(f, 1.0, order=order)) == ["ok"]
        assert diagnoses(check_gradients(f, 1.0, order=order, rtol=0)) == ["wrong"]


@pytest.mark.parametrize(
    ("partial", "diagnosis"), [("1 + 9e-7", "kink"), ("1 + 12e-7", "wrong"), ("-4e-7", "kink"), ("-6e-7", "wrong")]
)
def test_a_gradient_at_a_kink_may_be_off_its_slopes_by_the_tolerance(partial, diagnosis):
    with registered("bent", "b", "maximum(x, 0)", partial):
        assert diagnoses(check_gradients(lambda x: x.bent(), 0.0)) == [diagnosis]


@pytest.mark.parametrize(
    ("value", "partial", "x", "slope"),
    [
        ("x**2.5 + 3*x", "2.5*x**1.5 + 3", 0.0, 3.0),  # f is there to the right only
        ("(1 - x)**2.5 - 2*x", "-2.5*(1 - x)**1.5 - 2", 1.0, -2.0),  # to the left only
    ],
)
def test_at_the_very_edge_of_a_domain_the_slope_is_one_sided(value, partial, x, slope):
    for factor, diagnosis in (("", "domain edge"), ("1.001 * ", "wrong")):
        with registered("ending", "e", value, f"{factor}({partial})"):
            report = check_gradients(lambda x: x.ending(), x)
            assert diagnoses(report) == [diagnosis]
            assert report.comparisons[0].numeric == pytest.approx(slope, rel=1e-5)


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("partial", ["x / (x - x)", "log(-x)", "exp(1000 * x)"])
def test_a_derivative_that_fails_where_f_is_smooth_is_wrong(partial, order):
    with registered("own", "o", "x * x", partial):
        report = check_gradients(lambda x, y: x.own() * y, 2.0, 3.0, names=["x", "y"], order=order)
    first = report.comparisons[0]
    assert (first.name, first.diagnosis, report.passed, report.blame) == ("x", "wrong", False, [])
    assert first.hint.startswith("the derivative of own(x) ") and first.hint.endswith(" at x = 2, where f is smooth")


@pytest.mark.parametrize(
    ("g", "y", "diagnosis"),
    [
        (lambda y: y.relu(), 0.0, "domain edge"),
        (lambda y: y.log(), 1e-12, "domain edge"),
        (lambda y: (y * 1e8).sin(), 1.0, "domain edge"),
        (lambda y: y * y, 1.0, "wrong"),
    ],
)
def test_a_derivative_that_fails_is_at_an_edge_where_f_is_not_smooth_for_every_input(g, y, diagnosis):
    with registered("own", "o", "x * x", "x / (x - x)"):
        report = check_gradients(lambda x, y: x.own() + g(y), 2.0, y)
    assert diagnoses(report) == [diagnosis] * 2
    assert all(("where f is smooth" in c.hint) is (diagnosis == "wrong") for c in report.comparisons)


def test_where_f_is_in_one_point_only_differences_cannot_say():
    with registered("point", "p", "(-(x - 1)**2)**1.5", "0 * x"):
        report = check_gradients(lambda x: x.point() + x, 1.0)
    assert diagnoses(report) == ["step"]
    assert report.comparisons[0].hint.startswith("differences are too inexact here to say: ")
    assert not report.passed


def test_the_blame_is_found_beside_an_edge_and_a_kink():
    """Operands that cannot be moved, and kinks, are passed over."""
    with registered("scaled_root", "r", "sqrt(x) * y", "y * 0.5 / sqrt(x)", "2 * sqrt(x)"):
        report = check_gradients(lambda x, y: x.scaled_root(y), 1e-12, 2.0)
        assert [(blame.row, blame.partial) for blame in report.blame] == [("scaled_root", "y")]
        report = check_gradients(lambda x, y, z: x.scaled_root(y) + z.relu(), 1.0, 2.0, 0.0)
        assert [(blame.row, blame.partial) for blame in report.blame] == [("scaled_root", "y")]
        assert report.blame[0].numeric == pytest.approx(1.0)
        assert report.blame[0].rule == 2.0


def test_the_tolerance_grows_with_the_value_and_shrinks_with_the_scale_of_x():
    with registered("slightly", "s", "x * x * x", "3.01 * x * x"):
        assert diagnoses(check_gradients(lambda x: x.slightly(), 1e6)) == ["wrong"]
    assert diagnoses(check_gradients(lambda x: x + 1e6, 1.0)) == ["ok"]


def test_the_whole_table_has_been_covered():
    assert {row.name for row in TABLE.values() if not row.many} == {row.name for row in PLAIN}
    assert math.isfinite(check_gradients(lambda x: tinygrad_edu.dot([x, x], [x, 2]), 1.0).comparisons[0].error)


def test_second_derivatives_go_on_behind_one_that_does_not_exist():
    report = check_gradients(lambda x, y: x.sqrt() + y * y, 0.0, 1.0, order=2)
    assert [(c.name, c.diagnosis) for c in report.comparisons] == [
        ("x1", "domain edge"), ("x2, x1", "domain edge"), ("x2, x2", "ok"),
    ]  # fmt: skip


@pytest.mark.parametrize("method", ["central", "richardson", "complex"])
@pytest.mark.parametrize("scale", [1e-150, 1e-30, 1e-12, 1e-10, -1e-9])
def test_a_wrong_rule_of_a_small_function_is_found(scale, method):
    """Its derivatives are below the absolute tolerance, which is for the rounding of numbers near 1."""
    with registered("wrong_square", "w", "x * x", "1.5 * x"):
        assert diagnoses(check_gradients(lambda x: x.wrong_square() * scale, 1.3, method=method)) == ["wrong"]
    assert diagnoses(check_gradients(lambda x: x.sin() * x * scale, 1.3, method=method)) == ["ok"]


@pytest.mark.parametrize("scale", [1e-150, 1e-30, 1e-12, -1e-9])
def test_a_wrong_second_derivative_of_a_small_function_is_found(scale):
    with registered("same", "s", "x + 0", "1.5"), registered("parabola", "p", "x * x / 2", "same(x)"):
        assert diagnoses(check_gradients(lambda x: x.parabola() * scale, 1.3, order=2)) == ["wrong"]
    assert diagnoses(check_gradients(lambda x: x.sin() * x * scale, 1.3, order=2)) == ["ok"]


def test_what_rounding_hides_is_not_called_wrong():
    """A right rule, and a slope that differences cannot tell from 0."""
    assert diagnoses(check_gradients(lambda x: x.tanh(), -16.0)) == ["ok"]
    assert diagnoses(check_gradients(lambda x: (1 + 1e-12 * x) - 1, 0.3)) == ["ok"]  # f is small, and not what it is of
    assert diagnoses(check_gradients(lambda x: x**3, 1e-9)) == ["ok"]  # the step is longer than x


@pytest.mark.parametrize("method", ["central", "richardson"])
def test_what_is_small_may_be_rounded_by_what_is_large_a_step_away(method):
    """At the least of a square nothing counts that is rounded there; a step away it does."""
    for error in (1e-12, 3e-14, -1e-13):
        at = 1765.3187922261245
        report = check_gradients(lambda x: (x - at + error) ** 2, at, method=method)  # noqa: B023
        assert diagnoses(report) in (["ok"], ["zero"]), report


def test_a_slope_that_the_complex_step_brings_to_0_is_not_called_wrong():
    assert diagnoses(check_gradients(lambda x: x.softplus(), -712.0, method="complex")) == ["ok"]
    assert diagnoses(check_gradients(lambda x: 1e-6 * x / x + 1e-6 * x, 3e-7, method="complex")) == ["ok"]


@pytest.mark.parametrize("order", [1, 2])
def test_other_leaves_keep_their_gradients(order):
    a, b, c = Value(2.0, "a"), Value(3.0, "b"), Value(5.0, "c")
    root = a * b * b + c
    b.grad = 7.0
    for f, at in ((root, a), (lambda: a * b * b + c, a), (lambda x: x * b * b + c, 2.0)):
        assert check_gradients(f, at, order=order).passed or order == 2
        assert (a.grad, b.grad) == (0.0, 7.0) and c.grad is NOT_COMPUTED
    assert check_gradients(lambda x: 1e-9 * x * b, 2.0).passed and b.grad == 7.0
