"""Derivatives as Values: any order, forward and reverse, without touching grad."""

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_edu
from tinygrad_edu import NOT_COMPUTED, Value, dot, grad, hessian, hvp, jacobian, jvp, vjp
from tinygrad_edu import sum as total
from tinygrad_edu.engine import check_recorded, leaves, local_derivatives, nodes, topological


def data(thing):
    return [data(part) for part in thing] if isinstance(thing, list) else thing.data


def test_grad_gives_values_and_leaves_grad_alone():
    x, y = Value(2.0), Value(3.0)
    root = x * x * y
    assert data(grad(root, [x, y])) == [12.0, 4.0]
    assert grad(root, x).data == 12.0
    assert all(v.grad is NOT_COMPUTED for v in (x, y, root))


def test_what_the_root_does_not_reach_has_the_gradient_zero():
    x, other = Value(2.0), Value(1.0)
    gradients = grad(x * x, [x, other])
    assert data(gradients) == [4.0, 0.0]
    assert all(isinstance(g, Value) for g in gradients)
    assert grad(x, x).data == 1.0
    assert grad(x.step(), x).data == 0.0


def test_a_value_in_between_can_be_differentiated_for():
    x = Value(0.5)
    z = x * 3
    y = z.tanh()
    assert math.isclose(grad(y, z).data, 1 - math.tanh(1.5) ** 2)
    assert math.isclose(grad(y, x).data, 3 * grad(y, z).data)


@pytest.mark.parametrize("order", [1, 2, 3, 4, 5])
def test_derivatives_of_any_order(order):
    x = Value(0.7)
    sine, power, exponential = x.sin(), x**4, (2 * x).exp()
    for _ in range(order):
        sine, power, exponential = (grad(v, x) for v in (sine, power, exponential))
    assert math.isclose(sine.data, math.sin(0.7 + order * math.pi / 2))
    assert math.isclose(exponential.data, 2**order * math.exp(1.4))
    expected = math.factorial(4) / math.factorial(4 - order) * 0.7 ** (4 - order) if order <= 4 else 0.0
    assert math.isclose(power.data, expected, abs_tol=1e-12)


def test_a_gradient_can_be_propagated_back_again():
    x = Value(3.0)
    grad(x**3, x).backward()
    assert x.grad == 18.0


def test_second_derivatives_of_a_power_for_its_exponent():
    x, y = Value(2.0), Value(0.0)
    (xx, xy), (yx, yy) = data(hessian(x**y, [x, y]))
    assert (xx, xy, yx) == (0.0, 0.5, 0.5)
    assert math.isclose(yy, math.log(2) ** 2)


inputs = st.lists(st.floats(-2, 2), min_size=3, max_size=3)


def function_of(x, y, z):
    return (x * y).tanh() + tinygrad_edu.dot([x, y, z], [z, x, y]).sin() * x.exp() + (z * z + 1).log()


@given(inputs)
def test_the_hessian_is_symmetric_and_hvp_is_its_product(at):
    leaves = [Value(x) for x in at]
    root = function_of(*leaves)
    matrix = data(hessian(root, leaves))
    vector = [0.5, -1.0, 2.0]
    products = data(hvp(root, leaves, vector))
    for i in range(3):
        for j in range(3):
            assert math.isclose(matrix[i][j], matrix[j][i], rel_tol=1e-9, abs_tol=1e-9)
        expected = sum(h * v for h, v in zip(matrix[i], vector, strict=True))
        assert math.isclose(products[i], expected, rel_tol=1e-9, abs_tol=1e-8)


@given(inputs)
def test_forward_and_reverse_mode_agree_on_the_jacobian(at):
    leaves = [Value(x) for x in at]
    roots = [function_of(*leaves), leaves[0] * leaves[1], function_of(*reversed(leaves))]
    matrix = data(jacobian(roots, leaves))
    for j in range(3):
        tangents = [float(i == j) for i in range(3)]
        column = data(jvp(roots, leaves, tangents))
        for i in range(3):
            assert math.isclose(column[i], matrix[i][j], rel_tol=1e-9, abs_tol=1e-9)
    weights = [1.0, -2.0, 0.5]
    row = data(vjp(roots, leaves, weights))
    for j in range(3):
        expected = sum(w * matrix[i][j] for i, w in enumerate(weights))
        assert math.isclose(row[j], expected, rel_tol=1e-9, abs_tol=1e-8)


def test_a_partial_that_is_not_needed_is_not_evaluated():
    x, y = Value(1.0), Value(0.0)
    root = x * 2 + y.sqrt()
    assert grad(root, x).data == 2.0
    with pytest.raises(ZeroDivisionError, match=r"the derivative of sqrt\(x\) is undefined at x = 0$"):
        grad(root, y)


def test_a_partial_that_is_not_needed_is_not_evaluated_beside_one_that_is():
    x, y = Value(-2.0), Value(3.0)
    root = x**y
    assert grad(root, x).data == 12.0
    assert jvp([root], [x], [1.0])[0].data == 12.0
    for needed in (lambda: grad(root, [x, y]), lambda: jvp([root], [y], [1.0]), lambda: vjp([root], [y], [1.0])):
        with pytest.raises(ValueError, match=r"the derivative of x \*\* y is undefined at x = -2, y = 3$"):
            needed()


def test_gradients_record_no_trivial_products():
    x = Value(3.0)
    assert grad(x * 2 + x + 1, x).op is None
    assert grad(x * 0.0 + x.step(), x).op is None
    root = (x + 1).exp() - 2
    for derivative in (grad(root, x), jvp([root], [x], [1.0])[0]):
        assert [node.op.name for node in topological(derivative) if node not in topological(root)] == ["mul"]


def test_a_partial_of_zero_stops_an_infinite_one():
    x = Value(1e-200)
    root = (1 / x) * 0.0
    assert grad(root, x).data == jvp([root], [x], [1.0])[0].data == 0.0


def test_forward_mode_with_tangents_on_the_way():
    """What a Value in between is given adds to what comes up from its operands."""
    x = Value(3.0)
    z = x * x
    assert jvp([z * 2, z, x], [x, z], [1.0, 10.0])[0].data == 2 * (6 + 10)
    assert data(jvp([z * 2, z, x], [x, z, x], [1.0, 10.0, 1.0])) == [2 * (12 + 10), 22.0, 2.0]
    assert data(vjp([z * 2, z], [x, z], [1.0, 10.0])) == [2 * 6 + 60.0, 12.0]


def test_vectors_are_differentiated_too():
    x, w = Value(2.0), Value(5.0)
    (gradient,) = vjp([x * x], [x], [w])
    assert (gradient.data, grad(gradient, w).data, grad(gradient, x).data) == (20.0, 4.0, 10.0)
    (tangent,) = jvp([x * x], [x], [w])
    assert (tangent.data, grad(tangent, w).data, grad(tangent, x).data) == (20.0, 4.0, 10.0)


@pytest.mark.parametrize(
    ("attempt", "words"),
    [
        (lambda x: vjp([x], [x], [1.0, 2.0]), "vjp expected as many cotangents as roots, 1, got 2"),
        (lambda x: jvp([x], [x], []), "jvp expected as many tangents as wrt, 1, got 0"),
        (lambda x: jvp([x * 1e308 * 1e308], [x], [1.0]), "backward needs a finite root, this one is inf"),
        (lambda x: hvp(x * x, [x], [1.0, 2.0]), "hvp expected as many numbers in the vector as wrt, 1, got 2"),
        (lambda x: hvp(x * x, [x], 1.0), "vector expected a sequence of Values and numbers, got 1.0 (float)"),
        (lambda x: vjp([x], [x], None), "cotangents expected a sequence of Values and numbers, got None (NoneType)"),
        (lambda x: jvp([x * x], [x], [math.nan]), "expected a finite number, got nan"),
        (lambda x: grad(x * 1e308 * 1e308, x), "backward needs a finite root, this one is inf"),
    ],
)
def test_errors(attempt, words):
    with pytest.raises((ValueError, TypeError), match=re.escape(words)):
        attempt(Value(2.0))


def test_data_that_was_changed_after_the_forward_pass_is_noticed():
    x = Value(2.0, "x")
    y = x.exp() + tinygrad_edu.dot([x], [x])
    check_recorded(y)
    x.data = 3.0
    with pytest.raises(
        ValueError,
        match=r"x was changed after the result was computed: exp\(x\) was 7.38.* and is 20.08.* at x = 3;",
    ):
        check_recorded(y)


def test_what_was_never_finite_has_not_changed():
    check_recorded(Value(math.inf, finite=False) * 2)
    check_recorded(Value(math.nan, finite=False).tanh() + 1)


def test_a_gradient_is_a_value_of_its_own():
    a, b = Value(2.0, "a"), Value(3.0, "b")
    gradients = grad(a * b, [a, b])
    assert not {*gradients} & {a, b}
    for parameter, gradient in zip([a, b], gradients, strict=True):
        parameter.data -= 0.1 * gradient.data
    assert (a.data, b.data) == (1.7, 2.8)
    assert jvp([a * b], [a], [1.0])[0] is not b
    assert grad(grad(a * b, a), b).data == 1.0
    for_a, for_b = grad((a + b).tanh(), [a, b])
    assert for_a is not for_b and for_a.data == for_b.data


def test_what_is_differentiated_must_be_values():
    x = Value(1.0)
    assert data(grad(x * 2, (v for v in [x]))) == [2.0]
    for attempt, words in [
        (lambda: grad(x * 2, [1.0]), "wrt expected Values, got 1.0"),
        (lambda: grad(3.0, x), r"root expected a Value, got 3.0 \(float\)$"),
        (
            lambda: grad([x * 2], x),
            r"root expected a Value, got \[.*\] \(list\): choose one of its Values, or their sum",
        ),
        (lambda: hessian((x, x), [x]), r"root expected a Value, got \(.*\) \(tuple\): choose one of its Values"),
        (
            lambda: grad(lambda v: v, x),
            r"root expected a Value, got .* \(function\): call it with Values, and give the",
        ),
        (lambda: hessian(x * 2, x), "wrt expected a sequence of Values, got Value"),
        (lambda: jvp(x, [x], [1.0]), "roots expected a sequence of Values, got Value"),
    ]:
        with pytest.raises(TypeError, match=words):
            attempt()


def test_softmax_keeps_its_digits_for_large_inputs():
    for shift in (0.0, 1e8, 1e16):
        x = [Value(shift), Value(shift)]
        probabilities = tinygrad_edu.softmax(x)
        assert [p.data for p in probabilities] == [0.5, 0.5]
        assert data(grad(probabilities[0], x)) == [0.25, -0.25]


def test_nothing_and_one_thing_over_many_operands():
    assert [type(f([])) for f in (tinygrad_edu.sum, lambda v: tinygrad_edu.dot(v, v))] == [float, float]
    assert type(tinygrad_edu.max([3])) is float
    with pytest.raises(ValueError, match="max expected at least one value, got none"):
        tinygrad_edu.max([])
    with pytest.raises(TypeError, match="expected a real number, got 'a'"):
        tinygrad_edu.min(["a"])


def test_softmax():
    x = [Value(1.0), Value(2.0), Value(3.0)]
    probabilities = tinygrad_edu.softmax(x)
    assert math.isclose(sum(p.data for p in probabilities), 1.0)
    gradients = grad(probabilities[0], x)
    assert math.isclose(sum(g.data for g in gradients), 0.0, abs_tol=1e-15)
    shifted = tinygrad_edu.softmax([v + 100 for v in x])
    assert all(math.isclose(p.data, q.data) for p, q in zip(probabilities, shifted, strict=True))
    assert tinygrad_edu.max(x).data == 3.0 and tinygrad_edu.min(x).data == 1.0
    tied = [Value(1.0), Value(1.0)]
    tinygrad_edu.max(tied).backward()
    assert [v.grad for v in tied] == [0.5, 0.5]


def test_a_derivative_that_overflows_is_infinite_as_in_a_backward_pass():
    x = Value(0.0)
    root = x * 1e200 * 1e200
    root.backward()
    assert grad(root, x).data == x.grad == math.inf


def test_leaves_come_in_the_order_of_their_first_use():
    a, b, c, d = (Value(float(k), name) for k, name in enumerate("abcd", start=1))
    assert leaves(b * a + c * b) == [b, a, c]
    assert leaves(dot([c, 2.0, a], [b, d, 1.0])) == [c, a, b, d]
    assert leaves(c * c, a + b, c) == [c, a, b]
    assert leaves(d) == [d] and leaves(a * b, d) == [a, b, d]
    assert [node.label or node.op.name for node in nodes((b + a) * c)] == ["b", "a", "c", "add", "mul"]


def test_edges_of_an_operation_over_many():
    a, b = Value(2.0, "a"), Value(3.0, "b")
    node = dot([a, 5.0, b, a], [b, a, 7.0, a])
    assert local_derivatives(node) == [
        (0, a, 3.0),  # d/dx_i is y_i, and the other way round; the constants 5 and 7 have no edge
        (2, b, 7.0),
        (3, a, 2.0),
        (4, b, 2.0),
        (5, a, 5.0),
        (7, a, 2.0),
    ]
    node.backward()
    assert (a.grad, b.grad) == (3.0 + 2.0 + 5.0 + 2.0, 7.0 + 2.0)
    assert [d.data for d in grad(dot([a, 5.0, b, a], [b, a, 7.0, a]), [a, b])] == [12.0, 9.0]
    assert [(k, v) for k, v, _ in local_derivatives(total([a, 1.0, b, a]))] == [(0, a), (2, b), (3, a)]
