"""Tests of the tests: every classic mistake is caught by the checker, and by the project's own properties."""

import math
import subprocess
import sys

import pytest
from hypothesis import Phase, find, given, settings

from tests import test_backward, test_calculus, test_nn
from tests.test_table import PLAIN, gradient_errors, points
from tinygrad_edu import TABLE, Value, dot
from tinygrad_edu.check import check_gradients
from tinygrad_edu.check.faults import FAULTS, fault
from tinygrad_edu.check.strategies import expressions

each = pytest.mark.parametrize("broken", FAULTS, ids=lambda broken: broken.name)

HINTS = {
    "overwritten": "times what it should be",
    "swapped operands": "",
    "gradient from above missing": "times what it should be",
    "updated too early": "times what it should be",
    "sigmoid' of the input": "times what it should be",
    "no zero_grad": "a factor 2 too much",
    "relu' everywhere 1": "the gradient should be zero",
    "softmax without cross terms": "",
    "mean instead of sum": "a factor 2 is missing",
    "kept between passes": "a second pass, halved, gives",
    "before its consumers": "times what it should be",
    "an edge of x*x lost": "times what it should be",
    "sign of a difference": "the sign is flipped",
    "tanh' of the input": "times what it should be",
}


@each
def test_the_checker_catches_it_with_the_right_diagnosis(broken):
    assert check_gradients(broken.f, *broken.at).passed
    with broken.switch():
        report = check_gradients(broken.f, *broken.at)
    wrong = [c for c in report.comparisons if c.diagnosis == "wrong"]
    assert wrong, report
    assert HINTS[broken.name] in wrong[0].hint
    assert check_gradients(broken.f, *broken.at).passed, "the fault was put back"


e, t = math.exp, math.tanh
H = t(0.35)  # of two_layers
OUT = t(1.3 * H)
P = e(0.3) / (e(0.3) + e(-0.2))
N = e(0.3)
WRONG = {
    "overwritten": [e(0.5)],
    "swapped operands": [-0.5 / 4, 1 / 2],
    "gradient from above missing": [2 * (1 - t(1) ** 2)],
    "updated too early": [(1 - OUT**2) * (1.3 - 0.1 * (1 - OUT**2) * H) * (1 - H**2) * 0.5, (1 - OUT**2) * H],
    "sigmoid' of the input": [0.3 * 0.7],
    "no zero_grad": [2 * e(0.3)],
    "relu' everywhere 1": [1.0, 1.0],
    "softmax without cross terms": [P, 0.0],
    "mean instead of sum": [0.5, 0.5],
    "kept between passes": [6 * e(0.6)],
    "before its consumers": [t(2 * math.sin(N)) * N],
    "an edge of x*x lost": [3.0 + 4.0],
    "sign of a difference": [1.0],
    "tanh' of the input": [1 - 0.7**2],
}


RIGHT = {  # the inputs, and the value there
    "overwritten": ((0.5,), 1.5 + e(0.5)),
    "swapped operands": ((0.5, 2.0), 0.25),
    "gradient from above missing": ((0.5,), 3 * t(1)),
    "updated too early": ((0.7, 1.3), OUT),
    "sigmoid' of the input": ((0.3,), 1 / (1 + e(-0.3))),
    "no zero_grad": ((0.3,), e(0.3)),
    "relu' everywhere 1": ((-0.5, 1.0), 1.0),
    "softmax without cross terms": ((0.3, -0.2), P),
    "mean instead of sum": ((1.0, 2.0), 3.0),
    "kept between passes": ((0.3,), 3 * e(0.6)),
    "before its consumers": ((0.3,), N * t(2 * math.sin(N))),
    "an edge of x*x lost": ((3.0,), 21.0),
    "sign of a difference": ((0.5,), -0.5),
    "tanh' of the input": ((0.7,), t(0.7)),
}
CHANGED = {  # the rows whose derivative is another one; elsewhere it is the walk that is
    "swapped operands": ["truediv", "sub", "pow", "mul"],
    "gradient from above missing": ["tanh", "exp", "sin"],
    "sigmoid' of the input": ["sigmoid"],
    "relu' everywhere 1": ["relu"],
    "softmax without cross terms": ["logsumexp"],
    "mean instead of sum": ["sum"],
    "an edge of x*x lost": ["mul"],
    "sign of a difference": ["neg"],
    "tanh' of the input": ["tanh"],
    "overwritten": list(TABLE),
}


@each
def test_each_mistake_is_made_where_it_says_and_only_there(broken):
    at, value = RIGHT[broken.name]
    assert broken.at == at
    assert broken.f(*map(Value, at)).data == pytest.approx(value, rel=1e-15)
    right, backward = {name: row.pullback for name, row in TABLE.items()}, Value.backward
    with pytest.raises(ZeroDivisionError), broken.switch():  # and put back whatever happens
        changed = {name for name, row in TABLE.items() if row.pullback is not right[name]}
        assert changed == {*CHANGED.get(broken.name, ())}
        assert (Value.backward is not backward) is (broken.name not in CHANGED)
        raise ZeroDivisionError
    assert {name: row.pullback for name, row in TABLE.items()} == right
    assert Value.backward is backward


@each
def test_a_mistake_is_made_where_an_operand_is_a_plain_number_too(broken):
    """Constants have no gradient: nothing breaks, and nothing is handed to them."""
    x = Value(0.5, "x")
    with broken.switch():
        root = (2 * x - 1) ** 2 + 3 / x + x.maximum(0.25) + dot([x, 2.0], [3.0, x]) + (4 - x).tanh() * 2
        root.backward()
    assert math.isfinite(x.grad) and root.grad >= 1.0


@each
def test_each_mistake_gives_the_gradient_that_it_would_in_earnest(broken):
    with broken.switch():
        inputs = [Value(x) for x in broken.at]
        broken.f(*inputs).backward()
        assert [x.grad for x in inputs] == pytest.approx(WRONG[broken.name], rel=1e-12)
        assert [x.data for x in inputs] == list(broken.at)


def test_what_a_node_hands_on_is_wrong_and_what_it_has_is_right():
    x = Value(0.5)
    h = (x * 2).tanh()
    with fault("gradient from above missing").switch():
        (h * 3).backward()
    assert h.grad == 3.0
    assert x.grad == pytest.approx(2 * (1 - t(1) ** 2))


def test_an_update_that_comes_too_early_is_by_all_of_the_gradient_so_far():
    a, w = Value(1.0), Value(1.0)
    with fault("updated too early").switch():
        (a * w * w * w).backward()
    once = 1 - 0.1 * 1  # after the last product, which hands on 1 to w
    twice = once - 0.1 * (1 + once)  # after the one before, which adds what w was by then
    assert a.grad == pytest.approx(once * twice * twice)
    assert w.grad == pytest.approx(1 + once + once * twice)
    assert (a.data, w.data) == (1.0, 1.0)


def test_swapped_operands_need_two():
    x = Value(3.0)
    with fault("swapped operands").switch():
        (x * 5 - 1).backward()
    assert x.grad == 5.0


def test_what_is_kept_between_passes_counts_again():
    x = Value(0.3)
    with fault("kept between passes").switch():
        root = (x * 2).exp() * 3
        for passes in (1, 2, 3):
            root.backward()
            # The root has the gradient 1, 2, 3, …; each pass hands all of it down again.
            assert root.grad == passes
    assert x.grad > 3 * 6 * e(0.6)


def test_gradients_that_are_not_set_back_are_doubled_at_the_leaves_of_any_graph():
    def graph():
        x, y = Value(0.3), Value(-0.7)
        return [x, y], ((x * y).exp() * 3 + x).tanh() * y

    right, root = graph()
    root.backward()
    with fault("no zero_grad").switch():
        twice, root = graph()
        root.backward()
    assert [x.grad for x in twice] == pytest.approx([2 * x.grad for x in right], rel=1e-14)


PROPERTIES = [
    test_backward.test_micrograds_readme,
    test_backward.test_a_second_pass_doubles_the_leaves_and_nothing_else,
    lambda: test_backward.test_a_node_used_k_times_counts_k_times(7),
    test_backward.test_powers,
    test_backward.test_reverse_equals_forward_equals_grad,
    test_backward.test_random_graphs_equal_differences,
    test_calculus.test_softmax,
    test_nn.test_the_worked_examples_gradients,
    test_nn.test_zero_grad_then_backward_is_fresh,
]


def rows_are_right():
    for row in PLAIN:
        assert not gradient_errors(row, points(row, 8))


def sums_are_right():
    from tests.test_table import test_operations_over_many_operands_equal_differences as equal_differences

    for name in ("dot", "sum", "logsumexp"):
        equal_differences(name)


@each
def test_the_suite_catches_it(broken):
    with broken.switch():
        assert any(fails(check) for check in (rows_are_right, sums_are_right, *PROPERTIES))


def fails(check):
    try:
        check()
    except Exception:
        return True
    return False


@pytest.mark.parametrize("check", [*PROPERTIES, rows_are_right, sums_are_right])
def test_the_suite_passes_without_a_fault(check):
    check()


def test_a_fault_stays_on_in_a_fresh_process():
    """Where no pullback is compiled yet, the first backward pass compiles them."""
    code = """if True:
        from tinygrad_edu import TABLE, Value, dot
        from tinygrad_edu.check.faults import fault
        with fault("an edge of x*x lost").switch():
            for _ in range(2):
                x = Value(3.0)
                (x * x).backward()
                print(x.grad)
        x = Value(3.0)
        (x * x).backward()
        print(x.grad)
    """
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["3.0", "3.0", "6.0"]


@each
def test_a_random_expression_catches_it(broken):
    """Most faults show in some small random graph."""
    if broken.name in ("no zero_grad", "kept between passes"):
        return  # not about one graph and one pass

    def wrong(graph):
        leaves = [leaf for leaf in graph.leaves if leaf.parents == () and graph.root.parents]
        used = [leaf for leaf in leaves if leaf in test_backward.leaves(graph.root)]
        return bool(used) and any(c.diagnosis == "wrong" for c in check_gradients(graph.root, *used).comparisons)

    made_of = {  # what a fault is about is rare among all operations
        "relu' everywhere 1": ["relu", "mul", "sub"],
        "softmax without cross terms": ["logsumexp", "mul", "exp"],
        "an edge of x*x lost": ["mul", "add"],
        "mean instead of sum": ["sum", "mul"],
        "sign of a difference": ["neg", "mul"],
        "before its consumers": ["mul", "add"],
    }
    graphs = expressions(made_of.get(broken.name, ()), max_nodes=6)
    quick = settings(max_examples=400, deadline=None, derandomize=True, database=None, phases=[Phase.generate])
    with broken.switch():
        assert find(graphs, wrong, settings=quick)


def test_there_are_at_least_twelve_each_with_a_lesson():
    assert len(FAULTS) >= 12
    assert len({broken.name for broken in FAULTS}) == len(FAULTS)
    assert all(broken.lesson and math.isfinite(broken.at[0]) for broken in FAULTS)
    with pytest.raises(ValueError, match="there is no fault 'x'; there are overwritten, "):
        fault("x")


def test_the_lesson_of_a_sign_is_of_the_operation_that_lacks_it():
    broken = fault("sign of a difference")
    with broken.switch():
        assert check_gradients(lambda x, y: x - y, 0.5, 2.0).passed
        assert not check_gradients(lambda x: -x, 0.5).passed
    assert broken.lesson == "the derivative of -x for x is -1: the sign is missing"


@given(expressions())
@settings(max_examples=20)
def test_without_a_fault_nothing_is_wrong(graph):
    used = [leaf for leaf in graph.leaves if graph.root.parents and leaf in test_backward.leaves(graph.root)]
    if used:
        assert not any(c.diagnosis == "wrong" for c in check_gradients(graph.root, *used).comparisons)
