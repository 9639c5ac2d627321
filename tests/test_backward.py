"""backward(): right gradients, at any depth, on any graph; errors that name the place."""

import contextlib
import copy
import gc
import math
import pickle
import sys
import traceback

import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_edu
from tests.test_value import live_values
from tinygrad_edu import NOT_COMPUTED, TABLE, Value, grad
from tinygrad_edu.engine import check_recorded, freeing, hessian, hvp, jvp, leaves, local_derivatives, topological, vjp
from tinygrad_edu.engine import errors as errors


def test_micrograds_readme():
    a, b = Value(-4.0), Value(2.0)
    c = a + b
    d = a * b + b**3
    c += c + 1
    c += 1 + c + (-a)
    d += d * 2 + (b + a).relu()
    d += 3 * d + (b - a).relu()
    e = c - d
    f = e**2
    g = f / 2.0
    g += 10.0 / f
    g.backward()
    assert [f"{number:.4f}" for number in (g.data, a.grad, b.grad)] == ["24.7041", "138.8338", "645.5773"]


def test_a_second_pass_doubles_the_leaves_and_nothing_else():
    x = Value(2.0)
    inner = 3 * x
    y = inner * x
    y.backward()
    assert (x.grad, inner.grad, y.grad) == (12.0, 2.0, 1.0)
    y.backward()
    assert (x.grad, inner.grad, y.grad) == (24.0, 2.0, 1.0)
    x.grad = 0.0
    y.backward()
    assert x.grad == 12.0


def test_a_shared_node_of_two_roots_starts_afresh():
    x = Value(2.0)
    shared = x * x
    (shared * 3).backward()
    (shared * 5).backward()
    assert (x.grad, shared.grad) == (32.0, 5.0)


@pytest.mark.parametrize("k", [1, 2, 7])
def test_a_node_used_k_times_counts_k_times(k):
    x = Value(3.0)
    sum([x] * k).backward()
    assert x.grad == k
    y = Value(3.0)
    tinygrad_edu.dot([y] * k, [y] * k).backward()
    assert y.grad == 6.0 * k


def test_a_leaf_and_a_root_at_once():
    x = Value(3.0)
    x.backward()
    assert x.grad == 1.0
    x.backward()
    assert x.grad == 2.0


def test_a_leaf_whose_gradient_cancels_was_computed():
    x = Value(3.0)
    (x - x).backward()
    assert x.grad == 0.0 and x.grad is not NOT_COMPUTED


def test_the_mark_of_one_pass_is_not_that_of_the_next():
    x = Value(2.0)
    inner = x * 3
    inner.step().backward()
    (inner * 5).backward()
    assert (x.grad, inner.grad) == (15.0, 5.0)


def test_a_pass_that_failed_leaves_no_mark():
    x = Value(0.0)
    inner = x * 3
    with pytest.raises(ZeroDivisionError):
        inner.sqrt().backward()
    (inner * 5).backward()
    assert (x.grad, inner.grad) == (15.0, 5.0)


def test_a_pass_visits_each_node_once():
    """A chain of doublings has 2**1000 paths."""
    x = Value(1.0)
    y = x
    for _ in range(1000):
        y = (y + y) * 0.5
    y.backward()
    assert x.grad == 1.0
    assert grad(y, x).data == jvp([y], [x], [1.0])[0].data == 1.0
    assert len(topological(y)) == 2000


def test_what_a_jump_reaches_has_the_gradient_zero():
    x, y = Value(1.0), Value(2.0)
    (x.step() + y.sign()).backward()
    assert (x.grad, y.grad) == (0.0, 0.0)
    assert x.grad is not NOT_COMPUTED and y.grad is not NOT_COMPUTED


def test_what_the_root_does_not_reach_keeps_no_gradient():
    x, y = Value(1.0), Value(2.0)
    z = y * 2
    (x * 2).backward()
    assert y.grad is NOT_COMPUTED and z.grad is NOT_COMPUTED


def chain(length):
    x = Value(1.0, "x")
    y = x
    for _ in range(length):
        y = y * 1.000001
    return x, y


def test_a_chain_of_a_million_nodes():
    x, y = chain(1_000_000)
    y.backward()
    assert math.isclose(x.grad, math.exp(1), rel_tol=1e-5)
    assert "grad=1.0" in repr(y) and copy.copy(y).parents is y.parents
    del y  # deletion must not recurse either


def test_a_deep_chain_copies_pickles_and_differentiates_again():
    x, y = chain(100_000)
    assert math.isclose(grad(y, x).data, y.data)
    assert copy.copy(y).data == y.data
    twin = copy.deepcopy(y)
    assert len(topological(twin)) == 100_000
    assert pickle.loads(pickle.dumps(y)).data == y.data


def test_a_graph_is_taken_apart_without_recursion(monkeypatch):
    """As it is where the stack of the C program is small; what somebody else holds stays whole."""
    gc.collect()
    before = live_values()
    monkeypatch.setattr(Value, "__del__", freeing.unlink, raising=False)
    x = Value(1.0)
    y = x
    for _ in range(10_000):
        y = (y * y) + 0.0  # an operand that stands twice
    kept = y.parents[0]
    z = y * 2 + x
    assert kept.parents
    del y, z
    assert kept.op.name == "mul" and kept.parents[0].parents
    assert live_values() - before == 20_000
    below = kept.parents[0]
    del kept
    assert below.op.name == "add" and live_values() - before == 19_999
    del below
    assert live_values() - before == 1
    u = x * x + 1
    operands = u.parents
    twin = copy.copy(u)
    del u
    assert twin.parents[0].parents == (x, x)
    del twin
    assert operands[0].parents == (x, x)
    del x, operands
    with pytest.raises(TypeError):
        Value(None)
    assert live_values() == before
    monkeypatch.undo()


def everything():
    a, b = Value(0.5, "a"), Value(2.0, "b")
    y = (a * b).tanh() + a**b + tinygrad_edu.dot([a, b], [b, 1.0]) + tinygrad_edu.softmax([a, b])[0]
    y.backward()
    grad(y, [a, b]), jvp([y], [a], [1.0]), vjp([y], [a], [b]), hessian(y, [a, b]), hvp(y, [a, b], [1.0, 2.0])
    copy.copy(y), copy.deepcopy(y), pickle.loads(pickle.dumps(y)), check_recorded(y), repr(y), sorted([a, b])


def deep():
    chain(100_000)[1].backward()


def refused(attempt):
    with contextlib.suppress(Exception):
        attempt()


NO_GARBAGE = {
    "everything": everything,
    "deep": deep,
    "log(0)": lambda: refused(lambda: Value(0.0).log()),
    "derivative of sqrt(0)": lambda: refused(lambda: Value(0.0).sqrt().backward()),
    "gradient of sqrt(0)": lambda: refused(lambda: grad((x := Value(0.0)).sqrt(), x)),
    "not finite": lambda: refused(lambda: not_finite().backward()),
    "float": lambda: refused(lambda: float(Value(1.0))),
    "wrong kind": lambda: refused(lambda: Value(1.0) + None),
}


@pytest.mark.parametrize("use", NO_GARBAGE)
def test_nothing_is_left_for_the_collector(use):
    NO_GARBAGE[use]()  # compiles what is compiled on first use
    gc.collect()
    gc.disable()
    try:
        before = live_values()
        NO_GARBAGE[use]()
        assert live_values() == before
        assert gc.collect() == 0
    finally:
        gc.enable()


def test_what_keeps_values_alive_is_seen():
    """The check above must fail for a reference cycle."""
    gc.collect()
    gc.disable()
    try:
        before = live_values()
        x = Value(1.0)
        cycle = [x * 2]
        cycle.append(cycle)
        del x, cycle
        assert live_values() == before + 2
        assert gc.collect() > 0
    finally:
        gc.enable()


DOMAIN_ERRORS = {
    "log(p) is undefined at p = 0": (lambda: Value(0.0, "p").log(), ValueError),
    "1 / w is undefined at w = 0": (lambda: 1 / Value(0.0, "w"), ZeroDivisionError),
    "b ** (-1) is undefined at b = 0": (lambda: Value(0.0, "b") ** -1, ValueError),
    "x ** 0.3333333333333333 is undefined at x = -8": (lambda: Value(-8.0) ** (1 / 3), ValueError),
    "exp(x) overflows at x = 1000": (lambda: Value(1000.0).exp(), OverflowError),
    "sqrt(x) is undefined at x = -1": (lambda: Value(-1.0).sqrt(), ValueError),
    "asin(x) is undefined at x = 2": (lambda: Value(2.0).asin(), ValueError),
    "log(x) is undefined at x = -3": (lambda: tinygrad_edu.log(-3), ValueError),
    "logsumexp(x_i) is undefined at no operands": (lambda: tinygrad_edu.logsumexp([]), ValueError),
    "dot expected as many y as x, 1, got 2": (lambda: tinygrad_edu.dot([Value(1.0)], [1, 2]), ValueError),
    "the derivative of sqrt(s) is undefined at s = 0": (
        lambda: Value(0.0, "s").sqrt().backward(),
        ZeroDivisionError,
    ),
    "the derivative of x ** n is undefined at x = -2, n = 2": (
        lambda: (Value(-2.0) ** Value(2.0, "n")).backward(),
        ValueError,
    ),
    "the derivative of x ** (-1) overflows at x = 1e-200": (
        lambda: (Value(1e-200) ** -1).backward(),
        OverflowError,
    ),
    "the derivative of hypot(x, y) is undefined at x = 0, y = 0": (
        lambda: Value(0.0).hypot(Value(0.0)).backward(),
        ZeroDivisionError,
    ),
    "x ** y is undefined at x = -8, y = 0.5": (
        lambda: Value(-8.0, "x") ** Value(0.5, "y"),
        ValueError,
    ),
    "10 ** x overflows at x = 400": (lambda: 10 ** Value(400), OverflowError),
    "a / 0 is undefined at a = 1": (lambda: Value(1.0, "a") / 0, ZeroDivisionError),
    "logsumexp(x_i) is undefined at n = nan, x_2 = 1, x_3 = 1, x_4 = 1, x_5 = 1, x_6 = 1, x_7 = 1, x_8 = 1, …": (
        lambda: raise_undefined([Value(math.nan, "n", finite=False), *[1.0] * 9]),
        ValueError,
    ),
    "backward needs a finite root, this one is loss = nan; the first value that is not finite is inf, "
    "the result of big * 1e+200 at big = 1e+200": (lambda: not_finite().backward(), ValueError),
    "backward needs a finite root, this one is the leaf inf": (
        lambda: Value(math.inf, finite=False).backward(),
        ValueError,
    ),
    "backward needs a finite root, this one is inf; the first value that is not finite is mask = inf, a leaf": (
        lambda: (Value(math.inf, "mask", finite=False) + 1).backward(),
        ValueError,
    ),
}


def raise_undefined(operands):
    raise errors.undefined(TABLE["logsumexp"], operands, ValueError())


def not_finite():
    big = Value(1e200, "big")
    loss = big * 1e200 - big * 1e200
    loss.label = "loss"
    return loss


@pytest.mark.parametrize("words", DOMAIN_ERRORS)
def test_errors_name_the_operation_the_value_and_the_label(words):
    attempt, kind = DOMAIN_ERRORS[words]
    with pytest.raises(kind) as error:
        attempt()
    assert str(error.value) == words


def test_a_traceback_shows_the_formula():
    try:
        Value(0.0).log()
    except ValueError as error:
        text = "".join(traceback.format_exception(error))
    assert "raise undefined(LOG, (self,), error)" in text
    assert "operations.py" in text


def test_nan_is_never_hidden_by_a_comparison():
    """Each of these picks a branch, and a nan picks none."""
    for operate in (Value.relu, Value.step, Value.sign, Value.abs, Value.leaky_relu):
        out = operate(Value(math.nan, finite=False))
        assert math.isnan(out.data)
        with pytest.raises(ValueError, match="the first value that is not finite is nan, a leaf"):
            out.backward()
    for fold in (tinygrad_edu.maximum, tinygrad_edu.minimum):
        nan = Value(math.nan, finite=False)
        assert math.isnan(fold(nan, 1.0).data) and math.isnan(fold(1.0, nan).data)


CONVENTIONS = [  # operation, operands, gradients
    ("relu", [0.0], [0.0]),
    ("leaky_relu", [0.0], [0.01]),
    ("abs", [0.0], [0.0]),
    ("sign", [2.0], [0.0]),
    ("step", [2.0], [0.0]),
    ("maximum", [1.0, 1.0], [0.5, 0.5]),
    ("minimum", [1.0, 1.0], [0.5, 0.5]),
    ("pow", [0.0, 0.0], [0.0, 0.0]),
    ("pow", [0.0, 2.0], [0.0, 0.0]),
    ("pow", [0.0, 1.0], [1.0, 0.0]),
]


@pytest.mark.parametrize(("name", "at", "expected"), CONVENTIONS)
def test_conventions_at_kinks(name, at, expected):
    operands = [Value(x) for x in at]
    getattr(tinygrad_edu, name)(*operands).backward()
    assert [operand.grad for operand in operands] == expected


@pytest.mark.parametrize("fold", [tinygrad_edu.max, tinygrad_edu.min], ids=["max", "min"])
def test_ties_of_several(fold):
    operands = [Value(1.0), Value(1.0), Value(1.0)]
    fold(operands).backward()
    assert [operand.grad for operand in operands] == [0.25, 0.25, 0.5]


@pytest.mark.parametrize("row", [row for row in TABLE.values() if row.kink], ids=lambda row: row.name)
def test_each_kink_states_its_convention(row):
    assert row.at_kink
    assert "At " in row.function.__doc__


def test_powers():
    assert (Value(0.0) ** 0).data == 1.0
    x = Value(-2.0)
    y = x**2
    y.backward()
    assert (y.data, x.grad) == (4.0, -4.0)
    x = Value(0.0)
    derivative = x**2
    values = []
    for _ in range(5):
        derivative = grad(derivative, x)
        values.append(derivative.data)
    assert values == [0.0, 2.0, 0.0, 0.0, 0.0]
    x = Value(-2.0)
    assert grad(grad(x**2, x), x).data == 2.0
    slope = grad(x**2, x)
    slope.backward()
    assert x.grad == 2.0


@pytest.mark.parametrize("x", [-1e308, -1000.0, -40.0, 0.0, 40.0, 1000.0, 1e308])
@pytest.mark.parametrize("name", ["sigmoid", "tanh", "softplus", "relu", "silu", "gelu", "erf", "atan"])
def test_stable_for_any_finite_input(name, x):
    v = Value(x)
    out = getattr(v, name)()
    out.backward()
    assert math.isfinite(out.data) and math.isfinite(v.grad)
    both = [Value(x), Value(-x)]
    tinygrad_edu.logsumexp(both).backward()
    assert math.isclose(both[0].grad + both[1].grad, 1.0)


def test_large_operands_do_not_overflow_on_the_way():
    x, y = Value(1e200), Value(1e200)
    x.atan2(y).backward()
    assert math.isclose(x.grad, 5e-201) and math.isclose(y.grad, -5e-201)
    x, y = Value(3e200), Value(4e200)
    x.hypot(y).backward()
    assert math.isclose(x.grad, 0.6) and math.isclose(y.grad, 0.8)


@pytest.mark.parametrize("x", [-1e308, -1000.0, 0.0, 1000.0, 1e308])
@pytest.mark.parametrize("name", ["sigmoid", "tanh", "softplus", "silu", "gelu", "erf", "atan"])
def test_second_derivatives_are_stable_for_any_finite_input(name, x):
    v = Value(x)
    assert math.isfinite(grad(grad(getattr(v, name)(), v), v).data)


@pytest.mark.parametrize(
    ("name", "x", "derivative"),
    [
        ("softplus", -40.0, 4.248354255291589e-18),
        ("sigmoid", -700.0, 9.859676543759770e-305),
        ("tanh", -20.0, 1.6993417021166355e-17),
        ("erfc", 10.0, -4.1976562e-44),
        ("sigmoid", 40.0, 4.248354255291589e-18),
        ("tanh", 20.0, 1.6993417021166355e-17),
        ("sigmoid", -40.0, 4.248354255291589e-18),
    ],
)
def test_derivatives_are_right_in_the_tails(name, x, derivative):
    v = Value(x)
    getattr(v, name)().backward()
    assert math.isclose(v.grad, derivative, rel_tol=1e-7 if name == "erfc" else 1e-14)


# Random graphs: smooth operations that keep numbers small, applied to nodes made before, so that nodes are shared.
UNARY = ["tanh", "sigmoid", "sin", "softplus", "atan", "neg", "erf"]
BINARY = ["add", "sub", "mul", "maximum", "hypot1"]
steps = st.lists(
    st.tuples(st.sampled_from(UNARY + BINARY), st.integers(0, 100), st.integers(0, 100)), min_size=1, max_size=25
)
starts = st.lists(st.floats(-2, 2), min_size=1, max_size=4)


def build(starts, steps):
    """The graph on Values, or the same numbers on floats."""
    nodes = list(starts)
    for name, i, j in steps:
        x, y = nodes[i % len(nodes)], nodes[j % len(nodes)]
        if name == "hypot1":
            nodes.append(tinygrad_edu.sqrt(x * x + y * y + 1))
        elif name == "mul":
            nodes.append(tinygrad_edu.tanh(x) * tinygrad_edu.tanh(y))
        elif name in UNARY:
            nodes.append(getattr(tinygrad_edu, name)(x))
        else:
            nodes.append(getattr(tinygrad_edu, name)(x, y))
    return sum(nodes[-3:])


def random_graph(starts, steps):
    leaves_ = [Value(x) for x in starts]
    return leaves_, build(leaves_, steps)


def kinks_are_far(root):
    return all(abs(n.parents[0].data - n.parents[1].data) > 1e-3 for n in topological(root) if n.op.name == "maximum")


@given(starts, steps)
def test_random_graphs_equal_differences(starts, steps):
    inputs, root = random_graph(starts, steps)
    if not root.parents or not kinks_are_far(root):
        return
    root.backward()
    for k, leaf in enumerate(inputs):
        h = 6e-6
        up, down = starts[k] + h, starts[k] - h
        numeric = (
            build([*starts[:k], up, *starts[k + 1 :]], steps) - build([*starts[:k], down, *starts[k + 1 :]], steps)
        ) / (up - down)
        assert abs(leaf.grad - numeric) <= 1e-8 * max(1, abs(root.data)) + 1e-6 * max(abs(leaf.grad), abs(numeric))


@given(starts, steps)
def test_reverse_equals_forward_equals_grad(starts, steps):
    inputs, root = random_graph(starts, steps)
    root.backward()
    for leaf, reverse in zip(inputs, grad(root, inputs), strict=True):
        assert math.isclose(reverse.data, leaf.grad, rel_tol=1e-12, abs_tol=1e-13)
        forward = jvp([root], [leaf], [1.0])[0].data
        assert math.isclose(forward, leaf.grad, rel_tol=1e-9, abs_tol=1e-12)


def sum_over_paths(root, leaf):
    total, stack = 0.0, [(root, 1.0)]
    while stack:
        node, product = stack.pop()
        if node is leaf:
            total += product
        stack += [(parent, product * partial) for _, parent, partial in local_derivatives(node)]
    return total


@given(starts, st.lists(st.tuples(st.sampled_from(UNARY + BINARY), st.integers(0, 9), st.integers(0, 9)), max_size=7))
def test_reverse_equals_the_sum_over_paths(starts, steps):
    inputs, root = random_graph(starts, steps)
    root.backward()
    for leaf in inputs:
        assert math.isclose(leaf.grad, sum_over_paths(root, leaf), rel_tol=1e-9, abs_tol=1e-12)


def test_topological_order_has_each_node_once_after_its_operands():
    inputs, root = random_graph([0.5, 1.5], [("add", 0, 1), ("mul", 2, 2), ("tanh", 3, 0), ("add", 2, 4)])
    tape = topological(root)
    assert len(set(tape)) == len(tape)
    place = {node: k for k, node in enumerate(tape)}
    assert all(place[p] < place[n] for n in tape for p in n.parents if p in place)
    assert set(leaves(root)) == set(inputs)


class Interrupted(BaseException):
    """As a signal may raise it at any line."""


@pytest.mark.parametrize("after", range(1, 40, 2))
def test_an_interrupt_at_any_line_of_a_pass_leaves_the_leaves_as_they_were(after):
    x, w = Value(2.0), Value(3.0)
    x.grad, w.grad = 5.0, 7.0
    root = x * w + x.sin()
    lines = 0

    def trace(frame, event, argument):
        nonlocal lines
        if frame.f_code.co_name not in ("backward", "cleared") and "pullback" not in frame.f_code.co_name:
            return None
        lines += event == "line"
        if lines == after:
            raise Interrupted
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        root.backward()
    except Interrupted:
        assert (x.grad, w.grad) == (5.0, 7.0)
    finally:
        sys.settrace(before)
    assert lines >= after
    x.grad = w.grad = 0.0
    root.backward()
    assert (x.grad, w.grad) == (w.data + math.cos(2.0), 2.0)


@pytest.mark.parametrize("name", ["unit", "atan2", "hypot", "pow"])
def test_a_plain_number_first_is_told_as_any_other(name):
    function, zero = TABLE[name].function, Value(0.0, "b")
    if name == "unit":
        with pytest.raises(ZeroDivisionError, match=r"unit\(0.0, b\) is undefined at b = 0|unit\(.*b = 0"):
            function(0.0, zero)
    elif name == "pow":
        with pytest.raises((ValueError, ZeroDivisionError), match="b = -1"):
            function(0.0, Value(-1.0, "b"))
    else:
        assert function(0.0, zero).data == 0.0


def test_a_label_is_short_and_plain_in_every_error():
    def wrong(x, y):
        x.data = 2
        x.backward()

    for fails in (
        lambda x, y: tinygrad_edu.log(x * 0),
        lambda x, y: (x * 0).sqrt().backward(),
        lambda x, y: (x * 1e308 * 1e308).backward(),
        lambda x, y: tinygrad_edu.compile(x, [x, y]),
        lambda x, y: tinygrad_edu.compile(x, [x, x]),
        wrong,
    ):
        with pytest.raises((ValueError, TypeError, ArithmeticError)) as error:
            fails(*[Value(2.0, "\x1b[31mred\u202e" + "x" * 100_000) for _ in range(2)])
        assert str(error.value).isprintable() and len(str(error.value)) < 300
