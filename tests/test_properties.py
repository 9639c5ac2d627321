"""Properties of a right engine, over random expressions: each is a test with the property as its name."""

import math
import pickle
from fractions import Fraction

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

import tinygrad_edu
from tests import test_backward, test_calculus, test_nn
from tinygrad_edu import NOT_COMPUTED, TABLE, Value, draw, grad, hessian, sigmoid, softmax
from tinygrad_edu.check.complex_step import complex_step, on_complex
from tinygrad_edu.check.faults import fault
from tinygrad_edu.check.functions import Function
from tinygrad_edu.check.strategies import expressions
from tinygrad_edu.engine import leaves, local_derivatives, topological
from tinygrad_edu.engine.formulas import compile_formula

ELSEWHERE = {  # properties whose tests stand beside what they are about
    "reverse mode is forward mode": test_backward.test_reverse_equals_forward_equals_grad,
    "reverse mode is the sum over paths": test_backward.test_reverse_equals_the_sum_over_paths,
    "a node used k times counts k times": test_backward.test_a_node_used_k_times_counts_k_times,
    "a deep chain": test_backward.test_a_deep_chain_copies_pickles_and_differentiates_again,
    "forward and reverse mode give one Jacobian": test_calculus.test_forward_and_reverse_mode_agree_on_the_jacobian,
    "zero_grad, then backward, is fresh": test_nn.test_zero_grad_then_backward_is_fresh,
    "a small step lowers the loss by lr·|g|²": (
        test_nn.test_a_small_step_lowers_the_loss_by_the_rate_times_the_squared_gradient
    ),
    "permuting hidden neurons permutes gradients": test_nn.test_permuting_hidden_neurons_permutes_the_gradients,
}

SMOOTH = ["add", "sub", "mul", "truediv", "exp", "sin", "tanh", "sigmoid", "softplus", "atan", "dot", "logsumexp"]
RATIONAL = ["add", "sub", "mul", "neg", "dot", "sum"]
finite = st.floats(-40, 40)
numbers = st.lists(st.floats(-5, 5), min_size=1, max_size=4)


def gradients(root, inputs):
    """∂root/∂input by one backward pass."""
    for value in inputs:
        value.grad = NOT_COMPUTED
    root.backward()
    return [value.grad for value in inputs]


def scales(root):
    """Σ |path products| to each node, and the largest number on the way: what rounding errors are measured with."""
    weights = {root: 1.0}
    for node in reversed(topological(root)):
        for _, parent, partial in local_derivatives(node):
            weights[parent] = weights.get(parent, 0.0) + weights[node] * abs(partial)
    return weights, max(1.0, *(abs(value.data) for value in weights))


def tolerance(root, factor=64):
    """How far two ways to one gradient may be apart: the roundings of every node, carried to the root."""
    weights, size = scales(root)
    return factor * len(weights) * 2.3e-16 * size * max(1.0, *weights.values())


@given(expressions(SMOOTH, max_nodes=8))
def test_reverse_mode_is_the_complex_step(graph):
    inputs = leaves(graph.root)
    function = Function(graph.root, inputs, ())
    for k, slope in enumerate(gradients(graph.root, inputs)):
        assert abs(slope - complex_step(function, k)) <= tolerance(graph.root), f"{graph}\ninput {k}"


def test_the_complex_step_is_not_the_table_differentiated():
    """It runs the primals, so a wrong partial shows."""
    assert abs(on_complex(TABLE["tanh"])(complex(0.5, 1e-20)).imag / 1e-20 - (1 - math.tanh(0.5) ** 2)) < 1e-15


def exactly(root, at, wrt):
    """The value and the derivative for one leaf, in fractions and in forward mode, from the definitions."""
    pairs = {leaf: (x, Fraction(leaf is wrt)) for leaf, x in at.items()}
    for node in topological(root):
        operands = [(Fraction(p), Fraction(0)) if isinstance(p, float) else pairs[p] for p in node.parents]
        (x, dx), (y, dy) = operands[0], operands[-1]
        half = len(operands) // 2
        pairs[node] = {
            "add": lambda: (x + y, dx + dy),  # noqa: B023  called at once
            "sub": lambda: (x - y, dx - dy),  # noqa: B023
            "mul": lambda: (x * y, dx * y + x * dy),  # noqa: B023
            "neg": lambda: (-x, -dx),  # noqa: B023
            "sum": lambda: (sum(v for v, _ in operands), sum(d for _, d in operands)),  # noqa: B023
            "dot": lambda: (
                sum(v * w for (v, _), (w, _) in zip(operands[:half], operands[half:], strict=True)),  # noqa: B023
                sum(
                    dv * w + v * dw
                    for (v, dv), (w, dw) in zip(operands[:half], operands[half:], strict=True)  # noqa: B023
                ),
            ),
        }[node.op.name]()
    return pairs[root]


quarters = st.lists(st.integers(-8, 8), min_size=1, max_size=3)
steps = st.lists(st.tuples(st.sampled_from(RATIONAL), st.integers(0, 40), st.integers(0, 40)), min_size=1, max_size=8)


@given(quarters, steps)
def test_rational_graphs_are_exact(start, operations):
    """Sums and products of quarters fit into a float: not one bit may be wrong."""
    nodes = inputs = [Value(k / 4) for k in start]
    for name, i, j in operations:
        x, y = nodes[i % len(nodes)], nodes[j % len(nodes)]
        if abs(x.data * y.data) < 2**10:
            operands = [[x, y, x], [y, y, 0.5]] if name == "dot" else [[x, y, 1.5]] if name == "sum" else [x, y]
            nodes = [*nodes, getattr(tinygrad_edu, name)(*operands[: len(TABLE[name].operands)])]
    root = nodes[-1]
    for leaf, slope in zip(inputs, gradients(root, inputs), strict=True):
        value, derivative = exactly(root, {v: Fraction(v.data) for v in inputs}, leaf)
        assert Fraction(root.data) == value
        assert Fraction(slope) == derivative


@given(st.fractions(-3, 3, max_denominator=60), st.fractions(Fraction(1, 5), 3, max_denominator=60))
def test_the_formulas_of_rational_rows_hold_in_fractions(x, y):
    """Formulas take any number. (x + y) is differentiated for x by moving it, exactly: rows are at most quadratic."""
    h = Fraction(1, 7)
    for name in ("add", "sub", "mul", "truediv"):
        row = TABLE[name]
        f = compile_formula(row.operands, row.primal, {})
        d_x, d_y = (compile_formula((*row.operands, "out"), partial, {}) for partial in row.partials)
        assert d_x(x, y, f(x, y)) == (f(x + h, y) - f(x - h, y)) / (2 * h)
        slope = (f(x, y + h / 10) - f(x, y - h / 10)) / (2 * h / 10)
        if name == "truediv":  # (1/(y+h) - 1/(y-h)) / 2h = -1/(y² - h²)
            slope *= (y * y - (h / 10) ** 2) / (y * y)
        assert d_y(x, y, f(x, y)) == slope


@given(expressions(SMOOTH, max_nodes=6), st.floats(-3, 3), st.floats(-3, 3), st.integers(0, 9))
def test_differentiation_is_linear(graph, a, b, k):
    f, g = graph.root, graph.nodes[k % len(graph.nodes)]
    both = a * f + b * g
    for leaf in graph.leaves:
        expected = a * grad(f, leaf).data + b * grad(g, leaf).data
        assert abs(grad(both, leaf).data - expected) <= tolerance(both)


@given(finite)
def test_sigmoid_of_the_negative_is_the_rest_to_one(x):
    v, w = Value(x), Value(-x)
    here, there = sigmoid(v), sigmoid(w)
    assert abs(here.data + there.data - 1) <= 2.3e-16
    here.backward(), there.backward()
    assert math.isclose(v.grad, w.grad, rel_tol=1e-15)
    assert v.grad > 0


@given(numbers, st.floats(-100, 100))
def test_softmax_ignores_a_shift_and_its_gradients_sum_to_zero(at, shift):
    for k in range(len(at)):
        inputs = [Value(x) for x in at]
        plain, shifted = softmax(inputs), softmax([v + shift for v in inputs])
        assert all(math.isclose(p.data, q.data, rel_tol=1e-12) for p, q in zip(plain, shifted, strict=True))
        assert math.isclose(sum(p.data for p in plain), 1.0, rel_tol=1e-14)
        slopes = gradients(plain[k], inputs)
        assert abs(sum(slopes)) <= 1e-15
        assert slopes[k] > 0 or len(at) == 1
        assert all(slope < 0 for i, slope in enumerate(slopes) if i != k)


@given(expressions(["mul", "sin", "tanh", "sigmoid", "dot", "logsumexp", "exp"], max_nodes=4))
def test_the_hessian_is_symmetric(graph):
    matrix = hessian(graph.root, graph.leaves)
    size = max(1.0, *(abs(entry.data) for row in matrix for entry in row), tolerance(graph.root) / 1e-14)
    for i in range(len(matrix)):
        for j in range(i):
            assert abs(matrix[i][j].data - matrix[j][i].data) <= 1e-13 * size


@given(expressions())
def test_backward_twice_doubles_the_leaves_and_nothing_else(graph):
    inputs, inner = leaves(graph.root), topological(graph.root)
    if not inner:
        return
    once = gradients(graph.root, inputs)
    between = [node.grad for node in inner]
    graph.root.backward()
    for value, slope in zip(inputs, once, strict=True):
        assert abs(value.grad - 2 * slope) <= tolerance(graph.root)
    assert [node.grad for node in inner] == between


@given(expressions())
def test_gradients_set_to_zero_start_afresh(graph):
    inputs = leaves(graph.root)
    graph.root.backward()
    once = [value.grad for value in inputs]
    for value in inputs:
        value.grad = 0.0
    graph.root.backward()
    assert [value.grad for value in inputs] == once


@given(expressions())
def test_what_is_not_reached_keeps_no_gradient(graph):
    graph.root.backward()
    reached = {graph.root, *leaves(graph.root), *topological(graph.root)}
    assert all((node.grad is NOT_COMPUTED) != (node in reached) for node in graph.nodes)


@given(expressions(max_nodes=6))
def test_drawing_changes_nothing(graph):
    graph.root.backward()
    before = pickle.dumps(graph.nodes)
    assert draw(graph.root).source == draw(graph.root).source
    assert pickle.dumps(graph.nodes) == before


@given(expressions())
def test_there_is_one_edge_for_each_operand(graph):
    for node in topological(graph.root):
        slots = [(k, p) for k, p in enumerate(node.parents) if isinstance(p, Value)]
        assert [(k, p) for k, p, _ in local_derivatives(node)] == slots


@given(expressions())
def test_a_graph_that_is_saved_and_loaded_is_the_same(graph):
    twin = pickle.loads(pickle.dumps(graph.root))
    assert twin.data == graph.root.data
    assert [leaf.label for leaf in leaves(twin)] == [leaf.label for leaf in leaves(graph.root)]
    assert gradients(twin, leaves(twin)) == gradients(graph.root, leaves(graph.root))


SIGMOID = (test_sigmoid_of_the_negative_is_the_rest_to_one, finite)
SOFTMAX = (test_softmax_ignores_a_shift_and_its_gradients_sum_to_zero, numbers, st.floats(-100, 100))
COMPLEX = (test_reverse_mode_is_the_complex_step, expressions(SMOOTH, max_nodes=8))
EXACT = (test_rational_graphs_are_exact, quarters, steps)
TWICE = (test_backward_twice_doubles_the_leaves_and_nothing_else, expressions())

CATCHES = {  # faults, each with a property that fails under it and knows nothing of it, and what that is given
    "overwritten": EXACT,
    "swapped operands": COMPLEX,
    "gradient from above missing": COMPLEX,
    "updated too early": COMPLEX,
    "sigmoid' of the input": SIGMOID,
    "no zero_grad": EXACT,
    "softmax without cross terms": SOFTMAX,
    "mean instead of sum": EXACT,
    "kept between passes": TWICE,
    "before its consumers": EXACT,
    "an edge of x*x lost": EXACT,
    "sign of a difference": EXACT,
    "tanh' of the input": COMPLEX,
}


@pytest.mark.parametrize("name", CATCHES)
def test_a_property_fails_under_a_fault(name):
    test, *strategies = CATCHES[name]
    few = settings(max_examples=300, phases=[Phase.generate], derandomize=True, database=None, deadline=None)
    check = settings(few, report_multiple_bugs=False)(given(*strategies)(test.hypothesis.inner_test))
    check()
    with fault(name).switch(), pytest.raises(AssertionError):
        check()
