"""What is composed of rows: the largest, softmax, the place of an index; and what is said of data that changed."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_edu
from tinygrad_edu import Value, grad, log_softmax, one_hot, softmax, take
from tinygrad_edu.engine import check_recorded
from tinygrad_edu.engine.staleness import told_apart
from tinygrad_edu.nn import MLP, SGD

floats = st.lists(st.floats(-50, 50), min_size=1, max_size=5)


def numbers(values):
    return [value.data if isinstance(value, Value) else value for value in values]


@given(floats)
def test_softmax_by_its_definition(xs):
    total = math.fsum(math.exp(x - max(xs)) for x in xs)
    shares = [math.exp(x - max(xs)) / total for x in xs]
    logs = [x - max(xs) - math.log(total) for x in xs]
    values = [Value(x) for x in xs]
    for given_as in (xs, values, [values[0], *xs[1:]]):
        kind = float if given_as is xs else Value
        for found, expected in ((softmax(given_as), shares), (log_softmax(given_as), logs)):
            assert {type(x) for x in found} == {kind}
            assert numbers(found) == pytest.approx(expected, rel=1e-12, abs=1e-12)
    for k, of in enumerate((softmax(values), log_softmax(values))):
        for i, y in enumerate(of):
            slopes = [(j == i) - s for j, s in enumerate(shares)]
            expected = [s * (1 if k else shares[i]) for s in slopes]
            assert numbers(grad(y, values)) == pytest.approx(expected, rel=1e-9, abs=1e-12)


@given(floats)
def test_the_largest_and_the_smallest(xs):
    values = [Value(x) for x in xs]
    for ours, theirs in ((tinygrad_edu.max, max), (tinygrad_edu.min, min)):
        assert ours(xs) == theirs(xs) and type(ours(xs)) is float
        root = ours(values)
        assert root.data == theirs(xs)
        found = numbers(grad(root, values))
        assert math.fsum(found) == 1.0
        assert all(not slope or x == theirs(xs) for x, slope in zip(xs, found, strict=True))
        assert ours([values[0], *xs[1:]]).data == theirs(xs) if len(xs) > 1 else True


@pytest.mark.parametrize("size", [1, 2, 5])
def test_one_hot_has_a_one_in_one_place(size):
    for k in range(size):
        expected = [0.0] * size
        expected[k] = 1.0
        for index in (k, float(k)):
            assert one_hot(index, size) == expected
            assert [type(x) for x in one_hot(index, size)] == [float] * size
        found = one_hot(Value(float(k)), size)
        assert numbers(found) == expected and all(isinstance(x, Value) for x in found)
        xs = [float(10 * j) for j in range(size)]
        values = [Value(x) for x in xs]
        rows = [[x, Value(x.data + 1)] for x in values]
        assert take(xs, k) == take(xs, float(k)) == xs[k]
        assert take(values, k) is values[k] and take(rows, k) is rows[k]
        chosen = take(values, Value(float(k)))
        assert chosen.parents[:size] == tuple(values)
        assert chosen.data == xs[k]
        assert numbers(grad(chosen, values)) == expected
        assert numbers(take(rows, Value(float(k)))) == [xs[k], xs[k] + 1]
        assert take(xs, Value(float(k))).data == xs[k]


@pytest.mark.parametrize("index", [3, -1, 0.5, 3.0, -0.5, 2.5, Value(3.0), Value(-1.0), Value(0.5)])
def test_an_index_without_a_place_is_refused(index):
    for name, choose in (("one_hot", lambda: one_hot(index, 3)), ("take", lambda: take([1.0, 2.0, 3.0], index))):
        with pytest.raises(ValueError) as error:
            choose()
        assert str(error.value) == f"{name} expected an index from 0 to 2, a whole number, got {index!r}"
    with pytest.raises(ValueError, match=r"^take expected rows of one length, got \[1, 2\]$"):
        take([[1.0], [1.0, 2.0]], Value(0.0))
    with pytest.raises(TypeError, match=r"^expected a real number, got 'a' \(str\)$"):
        one_hot("a", 3)


# Data that changed since the forward pass


def said(root):
    with pytest.raises(ValueError) as error:
        check_recorded(root)
    return str(error.value)


def test_the_operand_that_changed_is_named():
    x, y = Value(2.0, "x"), Value(3.0, "y")
    product = x * y
    product.label = "p"
    root = product + 1.0
    check_recorded(root)
    y.data = 4.0
    assert said(root) == (
        "x or y was changed after the result was computed: x * y was 6 and is 8 at x = 2, y = 4; "
        "compute the result again"
    )
    root.label = "loss"
    assert said(root) == (
        "x or y was changed after loss was computed: x * y was 6 and is 8 at x = 2, y = 4; compute loss again"
    )
    y.data = 3.0
    check_recorded(root)
    product.data = 7.0  # what is first on the way is told
    assert said(root) == (
        "x or y was changed after loss was computed: x * y was 7 and is 6 at x = 2, y = 3; compute loss again"
    )
    product.data = 6.0
    root.data = 8.0
    assert said(root) == (
        "a value in between was changed after loss was computed: p + 1 was 8 and is 7 at p = 6; compute loss again"
    )


def test_one_leaf_is_named_once_and_constants_are_not():
    x = Value(2.0)
    root = (x * x) * 3.0
    x.data = 2.5
    assert said(root) == (
        "x or y was changed after the result was computed: x * y was 4 and is 6.25 at x = 2.5, y = 2.5; "
        "compute the result again"
    )
    a = Value(2.0, "a")
    root = a * a
    a.data = -1.0
    assert said(root).startswith("a was changed after the result was computed: a * a was 4 and is 1 at a = -1;")


def test_what_a_step_moved_is_told_with_before_and_after():
    network = MLP(1, [1], activation=None, seed=1)
    w, b = network.parameters()
    w.data, b.data = 0.25, 0.5
    x = Value(2.0, "x")
    loss = (network([x]) - 3.0) ** 2
    loss.label = "loss"
    loss.backward()
    SGD([w, b], lr=0.125).step()
    assert said(loss) == "w1 (0.25 → 1.25) was changed after loss was computed; compute loss again"
    w.data, w.before = 0.25, 0.25
    assert said(loss) == "b1 (0.5 → 1) was changed after loss was computed; compute loss again"
    deep = w * x + b * x
    w.data, b.data = 3.0, 4.0  # by hand: what was before is not what it was computed with
    w.before, b.before = 9.0, 9.0
    assert said(deep).startswith("w1 or x was changed after the result was computed: w1 * x was 0.5 and is 6 at ")
    product = w * b
    w.before, b.before, w.data, b.data = 3.0, 4.0, 1.0, 2.0
    assert said(product) == (
        "w1 (3 → 1) and b1 (4 → 2) were changed after the result was computed; compute the result again"
    )
    square = w * w
    w.before, w.data = 1.0, 5.0
    assert said(square) == "w1 (1 → 5) was changed after the result was computed; compute the result again"


@pytest.mark.parametrize(
    ("x", "y", "texts"),
    [
        (0.2, 0.20234567, ("0.2", "0.2023")),
        (1.0, 1.0000012, ("1", "1.000001")),
        (1.0, 2.0, ("1", "2")),
        (1234.4, 1234.44, ("1234.4", "1234.44")),
        (1234.4, 1235.4, ("1234", "1235")),
        (1.0, 1.0 + 2**-52, ("1", "1.0000000000000002")),
        (-0.5, 0.5, ("-0.5", "0.5")),
        (3.0, 3.0, ("3.0", "3.0")),
    ],
)
def test_two_numbers_have_as_many_digits_as_tell_them_apart(x, y, texts):
    assert told_apart(x, y) == texts


def test_data_that_is_no_float_is_refused_wherever_it_stands():
    x = Value(2.0, "x")
    root = x * 3 + 1
    x.data = 2
    with pytest.raises(TypeError, match=r"^the data of 'x' must be a float, got 2 \(int\)$"):
        check_recorded(root)
    x.data, root.data = 2.0, "7"
    with pytest.raises(TypeError, match=r"^the data of a Value must be a float, got '7' \(str\)$"):
        check_recorded(root)
    check_recorded(Value(1.0))
