"""NumPy's numbers and arrays, given to Values, networks and losses."""

import math

import pytest

from tests.test_nn import THETA, X
from tests.test_value import is_accepted_everywhere, is_refused
from tinygrad_edu import MLP, Value, compile
from tinygrad_edu.nn import SGD, Adam, AdamW, cross_entropy, mse

np = pytest.importorskip("numpy")


@pytest.mark.parametrize("make", ["float64", "float32", "longdouble", "int64", "uint8", "array"])
def test_numbers_are_accepted_everywhere(make):
    assert is_accepted_everywhere(getattr(np, make)(3))
    assert is_accepted_everywhere(np.bool_(True))


def test_arrays_and_complex_numbers_are_refused_as_one_number():
    assert is_refused(
        np.array([1.0, 2.0]), "expected a real number, got array([1., 2.]) (ndarray): take its elements one by one"
    )
    assert is_refused(np.complex128(1j), "expected a real number, got 1j (complex)")


def test_its_nan_is_refused():
    with pytest.raises(ValueError, match="expected a finite number, got nan"):
        Value(np.float64("nan"))


def test_its_numbers_compare_with_data():
    a = Value(1.0)
    assert not a > np.int64(1) and np.int64(2) > a


def test_numpys_functions_are_refused():
    with pytest.raises(TypeError):
        np.tanh(Value(0.5))


def test_numpys_arrays_of_values_work():
    w, x = np.array([Value(1.0), Value(2.0)]), np.array([3.0, 4.0])
    assert (w * x).sum().data == 11.0
    assert (x @ w).data == np.dot(w, x).data == 11.0
    assert np.mean(w).data == 1.5
    np.exp(w * 2).sum().backward()  # NumPy calls the method of each
    assert [v.grad for v in w] == [2 * math.exp(2), 2 * math.exp(4)]


def test_inputs_weights_and_targets_may_be_arrays():
    network = MLP.from_weights(map(np.array, THETA))
    assert network.to_weights() == THETA
    assert [y.data for y in network(np.array(X))] == [y.data for y in network(X)]
    z = [Value(1.0), Value(2.0), Value(-1.0)]
    for target in (np.int64(1), np.array(1)):
        assert cross_entropy(z, target).data == cross_entropy(z, 1).data
    assert cross_entropy(z, np.array([0.25, 0.75, 0.0])).data == cross_entropy(z, [0.25, 0.75, 0.0]).data
    assert mse(z[0], np.array(3.0)).data == mse(z[:1], np.array([3.0])).data == 4.0


def test_step_notices_data_that_is_no_float():
    w = Value(1.0, "w")
    (w * w).backward()
    w.data = np.float32(0.5)
    with pytest.raises(TypeError, match=r"^SGD\.step expected the data of 'w' to be a float, got "):
        SGD([w], lr=0.1).step()


def test_a_step_on_arrays_is_the_step_on_floats():
    numbers, gradients = [0.5, -1.0, 2.0], [0.1, 0.0, -3.0]
    for make in (
        lambda w: SGD(w, 0.1, momentum=0.9, weight_decay=0.01),
        lambda w: Adam(w, lambda step: 0.1, weight_decay=0.01),
        AdamW,
    ):
        lists, arrays = (make([*map(Value, numbers)]) for _ in range(2))
        here, there = numbers, np.array(numbers)
        for _ in range(5):
            here, there = lists.moved(here, gradients), arrays.moved(there, np.array(gradients))
        assert there == pytest.approx(here, rel=1e-14)
        assert [k.tolist() for k in arrays.kept] == [pytest.approx(k, rel=1e-14) for k in lists.kept]


def test_what_is_masked_is_no_number():
    for masked in (np.ma.masked, np.ma.array(3.0, mask=True)):
        for attempt in (
            lambda x: Value(x),
            lambda x: Value(1.0) + x,
            lambda x: Value(1.0).hypot(x),
        ):
            with pytest.raises(ValueError, match="expected a number, got one that is masked"):
                attempt(masked)
    assert Value(np.ma.array(3.0)).data == 3.0


@pytest.mark.parametrize("backend", ["numpy", "native"])
def test_programs_refuse_arrays_that_are_masked(backend):
    if backend == "native":
        pytest.importorskip("llvmlite")
    w, x = Value(2.0), Value(3.0)
    program = compile(w * x, [w], [x], backend=backend)
    masked = np.ma.array([[1.0], [2.0], [3.0]], mask=[[False], [True], [True]])
    with pytest.raises(ValueError, match="the program expected numbers in inputs, 2 of them are masked"):
        program([2.0], masked)
    with pytest.raises(ValueError, match="the program expected numbers in inputs, 2 of them are masked"):
        program([2.0], [*masked])
    with pytest.raises(ValueError, match="the program expected numbers in params, 1 of them are masked"):
        program(np.ma.array([2.0], mask=True), [3.0])
    assert program([2.0], np.ma.array([[1.0], [3.0]]))[0] == 4.0


@pytest.mark.parametrize("other", [np.float64(2.0), np.int64(2)])
def test_numpys_numbers_compare_with_a_value_by_identity(other):
    a = Value(2.0)
    assert np.equal(a, a) is True and np.not_equal(a, a) is False
    assert np.equal(a, other) is False and np.not_equal(a, other) is True
    assert (other == a, other != a, a == other, a != other) == (False, True, False, True)


def test_a_network_given_a_batch_says_that_it_takes_one_example_at_a_time():
    batch = np.array([[1.0, 2.0], [3.0, 4.0]])  # as many rows as inputs
    with pytest.raises(
        TypeError, match=r"^layer 1 expected 2 numbers, got array\(\[1\., 2\.\]\) as the first: a network"
    ):
        MLP.from_weights(THETA)(batch)
    assert [len(MLP.from_weights(THETA)(x)) for x in batch] == [2, 2]
