"""What people who come from elsewhere write: micrograd's names work, and slips are told what to write."""

import copy
import math
import pickle

import pytest

import tinygrad_edu
from tinygrad_edu import NOT_COMPUTED, TABLE, Value, dot, grad, register, tanh
from tinygrad_edu.engine import check_recorded, topological


def neuron():
    """The neuron of the lecture on micrograd, with its numbers."""
    x1, x2 = Value(2.0, "x1"), Value(0.0, "x2")
    w1, w2 = Value(-3.0, "w1"), Value(1.0, "w2")
    b = Value(6.8813735870195432, "b")
    x1w1, x2w2 = x1 * w1, x2 * w2
    both = x1w1 + x2w2
    n = both + b
    return (x1, x2, w1, w2, b), (x1w1, x2w2, both, n, n.tanh())


def test_the_lectures_manual_backward_pass_gives_the_gradients_of_backward():
    leaves, (x1w1, x2w2, both, n, o) = neuron()
    o.grad = 1.0
    for node in (o, n, leaves[4], both, x2w2, x1w1):
        node._backward()
    assert [round(leaf.grad, 6) for leaf in leaves] == [-1.5, 0.5, 1.0, 0.0, 0.5]
    again, nodes = neuron()
    nodes[-1].backward()
    assert [leaf.grad for leaf in leaves] == [leaf.grad for leaf in again]


def test_the_pass_of_the_lecture_as_a_loop():
    leaves, (*_, o) = neuron()
    o.grad = 1.0
    for node in reversed(topological(o)):
        node._backward()
    assert leaves[0].grad == pytest.approx(-1.5)


def test_micrograds_names():
    a, b = Value(2.0), Value(3.0)
    node = a * b
    assert (node._prev, node._children, node._op, a._children) == ({a, b}, (a, b), "×", ())
    assert (a * 5)._children == (a,)
    a.grad = 7.0
    a.zero_grad()
    assert a.grad == 0.0


@pytest.mark.parametrize(
    ("name", "x", "y"),
    [
        ("square", 3.0, 9.0),
        ("reciprocal", 4.0, 0.25),
        ("log10", 1000.0, 3.0),
        ("elu", -1.0, math.expm1(-1.0)),
        ("linear", 2.0, 2.0),
        ("sech", 0.0, 1.0),
    ],
)
def test_rows_that_others_have(name, x, y):
    assert getattr(Value(x), name)().data == getattr(tinygrad_edu, name)(x) == y


REGISTER = 'an operation of your own is one row: register("cube", "³", "x*x*x", "3*x*x"), then value.cube()'


def numpy():
    return pytest.importorskip("numpy")


def assign(name, value):
    return lambda v: setattr(v, name, value)


SLIPS = {
    "a Value has no item: the number is value.data": lambda v: v.item(),
    "a Value has no numpy: the number is value.data": lambda v: v.numpy(),
    "a Value has no value: the number is value.data": lambda v: v.value,
    "a Value has no gradient: the gradient is value.grad": lambda v: v.gradient,
    "a Value has no requires_grad: every leaf gets a gradient; for one without take value.data, or value.detach()": (
        lambda v: v.requires_grad
    ),
    "a Value has no shape: it is one number; an array is a list of Values": lambda v: v.shape,
    "a Value has no size: it is one number; an array is a list of Values": lambda v: v.size(),
    "a Value has no mean: it is one number; the mean of a list is tinygrad_edu.sum(xs) / len(xs)": lambda v: v.mean(),
    "a Value has no pow: write value ** exponent": lambda v: v.pow(2),
    "a Value has no clone: value.detach() is a leaf with the same data, copy.copy(value) the same node once more": (
        lambda v: v.clone()
    ),
    "a Value has no copy: value.detach() is a leaf with the same data, copy.copy(value) the same node once more": (
        lambda v: v.copy()
    ),
    "there is no Tensor: a number is a Value, an array is a list of Values": lambda v: tinygrad_edu.Tensor,
    "there is no Linear: write Layer(nin, nout, activation=None)": lambda v: tinygrad_edu.Linear,
    "there is no mean: the mean of a list is tinygrad_edu.sum(xs) / len(xs)": lambda v: tinygrad_edu.mean,
    "MLP has no forward: call it, network(x)": lambda v: tinygrad_edu.MLP(1, [1]).forward([v]),
    "MLP has no train: write fit(network, loss, examples)": lambda v: tinygrad_edu.MLP(1, [1]).train(),
    "Layer has no state_dict: save(network, path) keeps it, named_parameters() has the parameters by their names": (
        lambda v: tinygrad_edu.Layer(1, 1).state_dict()
    ),
    "'MLP' object has no attribute 'foo'": lambda v: tinygrad_edu.MLP(1, [1]).foo,
    "unregister expected a row, as register gives it, got 'tanh'": lambda v: tinygrad_edu.unregister("tanh"),
    "take expected a list, take([a, b], index), got 3 (int)": lambda v: tinygrad_edu.take(3, 0),
    "clip_gradients expected Values, like network.parameters(), got 3": lambda v: tinygrad_edu.nn.clip_gradients(3, 1),
    "there is no no_grad: take value.data, or value.detach(), through which no gradient flows": (
        lambda v: tinygrad_edu.no_grad
    ),
    "a Value has no grad_fn: the operation is value.op, the operands are value.parents": lambda v: v.grad_fn,
    "a Value has no children: the operands are value.parents": lambda v: v.children,
    f"a Value's _backward follows from its operation and cannot be set: {REGISTER}": assign("_backward", lambda: None),
    f"Value(data, children, op) records nothing: {REGISTER}": lambda v: Value(1.0, (v,), "cube"),
    "Value expected a label in text, got 3 (int)": lambda v: Value(1.0, 3),
    "Value expected a number and its label, got one thing more, 'x'": lambda v: Value(1.0, "w", "x"),
    "a Value is neither true nor false: compare the data, value.data != 0, or ask whether it is None": bool,
    "np.exp takes no Value: write tinygrad_edu.exp(value)": lambda v: numpy().exp(v),
    "np.multiply takes no array and a Value: write [x * value for x in array]": lambda v: numpy().ones(2) * v,
    "np.maximum takes no array and a Value: write [maximum(x, value) for x in array]": (
        lambda v: numpy().maximum(numpy().ones(2), v)
    ),
    "np.maximum takes no Value: write tinygrad_edu.maximum(value, other)": lambda v: numpy().maximum(v, 1.0),
    "np.floor takes no Value: take value.data, or the operations of tinygrad_edu": lambda v: numpy().floor(v),
    "max expected one list, max([a, b]); for two there is maximum(a, b)": lambda v: tinygrad_edu.max(v, v),
    "min expected one list, min([a, b]); for two there is minimum(a, b)": lambda v: tinygrad_edu.min(v, 1.0),
    "float(value) would lose the gradient: for math.exp(value) and its like call the function of the same name in "
    "tinygrad_edu, tinygrad_edu.exp(value); for the plain number take value.data": lambda v: math.exp(v),
    "softmax expected one list, softmax([a, b])": lambda v: tinygrad_edu.softmax(v, v),
    "log_softmax expected one list, log_softmax([a, b])": lambda v: tinygrad_edu.log_softmax(v),
    "dot expected two lists, dot([a, b], [c, d]), got 3.0 (float)": lambda v: tinygrad_edu.dot([v], 3.0),
    "dot expected two lists, dot([a, b], [c, d]), got None (NoneType)": lambda v: tinygrad_edu.dot(None, [v]),
    "sum expected one list, sum([a, b]), got 5 (int)": lambda v: tinygrad_edu.sum(5),
    "logsumexp expected one list, logsumexp([a, b]), got 0.5 (float)": lambda v: tinygrad_edu.logsumexp(0.5),
    "log_softmax expected at least one value, got none": lambda v: tinygrad_edu.log_softmax([]),
    "softmax expected at least one value, got none": lambda v: tinygrad_edu.softmax([]),
    "1 / v is undefined at v = 0": lambda v: 1 / v,
    "v / 0 is undefined at v = 0": lambda v: v / 0,
    "log(v) is undefined at v = 0": lambda v: v.log(),
}


@pytest.mark.parametrize("words", SLIPS)
def test_a_slip_is_told_what_to_write(words):
    with pytest.raises((AttributeError, TypeError, ValueError, ZeroDivisionError)) as error:
        SLIPS[words](Value(0.0, "v"))
    assert str(error.value) == words


@pytest.mark.parametrize("zero", [0.0, -0.0])
def test_a_value_without_a_label_beside_constants_is_x(zero):
    with pytest.raises(ZeroDivisionError, match=r"^1 / x is undefined at x = -?0$"):
        1 / Value(zero)
    with pytest.raises(ZeroDivisionError, match=r"^x / y is undefined at x = 1, y = -?0$"):
        Value(1.0) / Value(zero)


def test_what_other_packages_set_cannot_be_set():
    with pytest.raises(AttributeError, match="a Value has no requires_grad: every leaf gets a gradient"):
        Value(1.0).requires_grad = True


def test_a_gradient_set_back_is_not_computed():
    v = Value(1.0)
    (v * v).backward()
    v.zero_grad()
    assert v.grad is NOT_COMPUTED
    with pytest.raises(ValueError, match="no parameter has a gradient"):
        tinygrad_edu.SGD([v]).step()


def test_what_a_module_has_not_is_not_there():
    network = tinygrad_edu.MLP(1, [1])
    assert not any(hasattr(network, name) for name in ("forward", "predict", "fit", "train", "weights"))
    network.train = True  # a name like any other
    assert network.train and copy.deepcopy(network).train


def test_what_a_value_has_not_is_not_there():
    for name in ("item", "numpy", "value", "gradient", "requires_grad", "shape", "size", "mean", "pow"):
        assert not hasattr(Value(1.0), name)


def test_numpys_numbers_leave_the_arithmetic_to_values():
    np = numpy()
    v = Value(3.0)
    results = [np.float64(2) * v, v * np.float64(2), np.float32(2) ** v, np.int64(2) - v, np.float64(2) / v]
    assert [r.data for r in results] == [6.0, 6.0, 8.0, -1.0, 2 / 3]
    assert np.float64(2) < v and not np.float64(4) < v
    assert all(isinstance(r, Value) for r in results)


class Length:
    """A class that knows how to be multiplied by a Value."""

    def __radd__(self, other):
        return "radd"

    def __rmul__(self, other):
        return "rmul"

    def __rpow__(self, other):
        return "rpow"


def test_an_operator_asks_the_other_class():
    v = Value(2.0)
    assert (v + Length(), v * Length(), v ** Length()) == ("radd", "rmul", "rpow")
    with pytest.raises(TypeError, match=r"unsupported operand type\(s\) for \*: 'Value' and 'NoneType'"):
        v * None


def test_numpys_functions_of_two_numbers_are_operations_too():
    np = numpy()
    v = Value(3.0)
    assert (np.add(v, 1).data, np.multiply(2, v).data) == (4.0, 6.0)
    assert (v == np.float64(3)) is False and (v != np.float64(3)) is True and v not in [np.float64(3)]
    for name, ours in (("absolute", "abs"), ("arctan", "atan")):
        with pytest.raises(TypeError, match=rf"np.{name} takes no Value: write tinygrad_edu.{ours}\(value\)"):
            getattr(np, name)(v)
    total = np.array(1.0)
    with pytest.raises(TypeError, match=r"np\.add takes no Value"):
        total += v


def interrupted(node):
    raise KeyboardInterrupt


def broken(node):
    raise TypeError("no such operand")


@pytest.mark.parametrize(("failure", "kind"), [(interrupted, KeyboardInterrupt), (broken, TypeError)])
def test_an_interrupt_and_a_defect_leave_the_leaves_as_they_were(failure, kind, monkeypatch):
    x = Value(2.0)
    (x * 3).backward()
    inner = x.exp()
    monkeypatch.setattr(TABLE["exp"], "pullback", failure)
    with pytest.raises(kind):
        (x * 5 + inner).backward()
    assert x.grad == 3.0


def test_a_gradient_set_to_none_is_none_yet():
    x = Value(2.0)
    x.grad = None
    (x * 3).backward()
    assert x.grad == 3.0
    y = Value(1.0)
    y.grad = None
    y.backward()
    assert y.grad == 1.0


def test_by_hand_a_derivative_that_is_not_there_is_named():
    node = Value(0.0, "s").sqrt()
    node.grad = 1.0
    with pytest.raises(ZeroDivisionError, match=r"the derivative of sqrt\(s\) is undefined at s = 0"):
        node._backward()


def test_by_hand_in_topological_order_is_backward():
    def graph():
        a, b = Value(0.3), Value(-0.7)
        return (a, b), (a * b).sin() * (a + b).exp() + a.tanh() * b + (a - b).sigmoid() * a

    leaves, root = graph()
    root.backward()
    again, other = graph()
    other.grad = 1.0
    for node in reversed(topological(other)):
        node._backward()
    assert [v.grad for v in leaves] == pytest.approx([v.grad for v in again], rel=1e-14)


def test_a_copy_of_a_subclass_shares_nothing_that_changes():
    class Named(Value):
        pass

    v = Named(1.0)
    v.notes = ["first"]
    root = v * 2
    assert copy.deepcopy(root).parents[0].notes is not v.notes
    assert copy.deepcopy(root).parents[0].notes == ["first"]


def test_a_row_that_was_taken_back_copies_to_itself():
    with tinygrad_edu.registered("twice", "2·", "2 * x", "2") as row:
        v = Value(3.0).twice()
    assert copy.deepcopy(row) is row and copy.deepcopy(v).op is row


def test_a_row_that_another_shows_cannot_be_taken_back():
    inner = register("inner", "i", "2 * x", "2")
    outer = register("outer", "o", "x * x", "2 * x", shown="inner(x)")
    with pytest.raises(ValueError, match="inner is used by outer"):
        tinygrad_edu.unregister(inner)
    tinygrad_edu.unregister(outer)
    tinygrad_edu.unregister(inner)


@pytest.mark.parametrize("literal", ["1e400", "9" * 400])
def test_a_number_in_a_formula_is_finite(literal):
    with pytest.raises(ValueError, match="a number in a formula is finite, below 1e308"):
        register("huge", "h", f"x * {literal}", literal)


def test_cotangents_and_tangents_are_numbers():
    x = Value(2.0)
    y = x * x
    with pytest.raises(TypeError, match="cotangents: expected a real number, got 'a'"):
        tinygrad_edu.vjp([y], [x], ["a"])
    with pytest.raises(ValueError, match="tangents: expected a finite number, got nan"):
        tinygrad_edu.jvp([y], [x], [math.nan])
    assert tinygrad_edu.vjp([y], [x], (k for k in [2.0]))[0].data == 8.0


def test_negative_operands_stand_in_brackets():
    assert TABLE["pow"].written(["-2", "x"]) == "(-2) ** x"
    assert TABLE["neg"].written(["-2"]) == "-(-2)"
    assert TABLE["mul"].written(["a", "-b"]) == "a * (-b)"
    assert TABLE["exp"].written(["-2"]) == "exp(-2)"


def test_a_failed_backward_leaves_the_leaves_as_they_were():
    x, y = Value(0.0, "x"), Value(3.0, "y")
    (x * y).backward()
    before = x.grad, y.grad
    root = x * y + x.sqrt() * y + y
    for _ in range(2):
        with pytest.raises(ZeroDivisionError, match=r"the derivative of sqrt\(x\) is undefined at x = 0"):
            root.backward()
        assert (x.grad, y.grad) == before
    z = Value(0.0)
    with pytest.raises(ZeroDivisionError):
        (z * 2 + z.sqrt()).backward()
    assert z.grad is NOT_COMPUTED


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (Value(1.0), "the data of 'x' must be a float, got Value(data=1.0, grad=not computed) (Value)"),
        (3, "the data of 'x' must be a float, got 3 (int)"),
        (lambda: numpy().float64(3), "the data of 'x' must be a float, got np.float64(3.0) (float64)"),
        (10**40, "the data of 'x' must be a float, got 100000000000000000...0000000000000000000 (int)"),
    ],
)
def test_data_that_are_no_float_are_refused_by_a_pass(data, words):
    x = Value(2.0, "x")
    x.data = data() if callable(data) else data
    y = x * x
    for attempt in (y.backward, lambda: grad(y, x)):
        with pytest.raises(TypeError) as error:
            attempt()
        assert str(error.value) == words
    assert x.grad is NOT_COMPUTED


def test_check_recorded_takes_no_nan_for_a_change():
    x = Value(1e308)
    y = dot([x, x], [10.0, -10.0])
    assert math.isnan(y.data)
    check_recorded(y)


def test_what_was_changed_is_named():
    w1, x = Value(0.2, "w1"), Value(0.85, "x")
    e = (w1 * x).sigmoid()
    e.label = "E"
    w1.data = 0.25
    with pytest.raises(ValueError) as error:
        check_recorded(e)
    assert str(error.value) == (
        "w1 or x was changed after E was computed: w1 * x was 0.17 and is 0.2125 at w1 = 0.25, x = 0.85; "
        "compute E again"
    )


def test_what_a_step_moved_is_named_with_what_it_was():
    network = tinygrad_edu.MLP.from_weights([[[0.2, 0.5, 0.1]]])
    x = Value(0.85, "x1"), Value(0.25, "x2")
    e = (network(x) - 1) ** 2
    e.label = "E"
    e.backward()
    optimizer = tinygrad_edu.SGD(network.parameters(), lr=0.1)
    optimizer.step()
    with pytest.raises(ValueError) as error:
        tinygrad_edu.explain(e, x[0])
    assert str(error.value) == (
        "w1 (0.5 → 0.5131) and w2 (0.1 → 0.1039) were changed after E was computed; compute E again"
    )
    optimizer.step()  # what it was before the first of two steps is not known
    with pytest.raises(ValueError, match=r"^w1 or w2 or x1 or x2 was changed after E was computed: "):
        tinygrad_edu.explain(e, x[0])
    one = network.parameters()[0] * 2
    one.backward()
    optimizer.step()
    with pytest.raises(ValueError, match=r"^w1 \(0\.\d+ → 0\.\d+\) was changed after the result was computed; compute"):
        tinygrad_edu.draw(one)


@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
def test_softmax_can_be_recorded_and_replayed_elsewhere(name):
    a, b = Value(1e12, "a"), Value(2.0, "b")
    program = tinygrad_edu.compile(getattr(tinygrad_edu, name)([a, b])[0], [a, b], backend="python")
    x, y = Value(1.0), Value(2.0)
    now = getattr(tinygrad_edu, name)([x, y])[0]
    now.backward()
    value, gradient = program([1.0, 2.0])
    assert value == pytest.approx(now.data, rel=1e-14)
    assert gradient == pytest.approx([x.grad, y.grad], rel=1e-12)


def test_softmax_takes_any_finite_numbers():
    assert tinygrad_edu.softmax([1e308, -1e308]) == [1.0, 0.0]
    assert [v.data for v in tinygrad_edu.softmax([Value(1e308), Value(-1e308)])] == [1.0, 0.0]
    values = [Value(1e12 + 1), Value(1e12)]
    first = tinygrad_edu.softmax(values)[0]
    first.backward()
    assert first.data == pytest.approx(1 / (1 + math.exp(-1)), rel=1e-12)
    assert values[0].grad == pytest.approx(-values[1].grad, rel=1e-9)


def test_a_star_import_brings_the_operations_and_takes_nothing_of_pythons_away():
    import builtins

    scope = {}
    exec("from tinygrad_edu import *", scope)
    assert not [name for name in tinygrad_edu.__all__ if hasattr(builtins, name)]
    assert scope["tanh"] is tinygrad_edu.tanh and scope["SGD"] is tinygrad_edu.nn.SGD
    for name in ("max", "min", "sum", "abs", "pow", "compile"):
        assert name not in scope or scope[name] is getattr(builtins, name)
        assert callable(getattr(tinygrad_edu, name))


def test_dir_lists_what_is_public():
    listed = dir(tinygrad_edu)
    assert not {"LAZY", "Any", "import_module", "TYPE_CHECKING", "_LAZY", "operations"} & {*listed}
    assert {"tanh", "MLP", "SGD", "Adam", "train", "Value", "max"} <= {*listed}


def test_rows_are_pickled_and_copied_by_name():
    row = TABLE["tanh"]
    assert pickle.loads(pickle.dumps(row)) is copy.deepcopy(row) is copy.copy(row) is row


def test_no_attribute_of_ones_own_but_in_a_subclass():
    with pytest.raises(AttributeError, match="'Value' object has no attribute 'layer'"):
        Value(1.0).layer = 3

    class Mine(Value):
        pass

    v = Mine(2.0)
    v.layer = 3
    (v * v).backward()
    assert (v.layer, v.grad) == (3, 4.0)


@pytest.mark.parametrize("row", [("undefined", "u", "2 * x", "2"), ("not_computed", "u", "2 * x", "2")])
def test_a_row_cannot_have_a_name_that_the_written_code_needs(row):
    with pytest.raises(ValueError, match="cannot name an operation: the word is reserved"):
        register(*row)


@pytest.mark.parametrize("name", ["g", "left", "node", "operand", "error", "math", "numbers", "floats"])
def test_rows_may_have_the_names_of_what_the_written_code_uses(name):
    row = register(name, "n", "2 * x", "2")
    user = register("user", "u", f"{name}(x) + 1", f"2 * {name}(1)")
    try:
        v = Value(3.0)
        y = v.user() + getattr(v, name)()
        y.backward()
        assert (y.data, v.grad) == (13.0, 6.0)
    finally:
        tinygrad_edu.unregister(user)
        tinygrad_edu.unregister(row)


def test_functions_take_their_operands_by_name():
    assert tanh(x=0.0) == 0.0
    assert Value(1.0).maximum(other=2.0).data == tinygrad_edu.maximum(x=1.0, y=Value(2.0)).data == 2.0
