"""What a Value is: construction, arithmetic with other numbers, comparison, text, copies."""

import copy
import gc
import math
import pickle
from fractions import Fraction

import pytest

import tinygrad_edu
from tinygrad_edu import NOT_COMPUTED, Value


def test_a_new_value():
    v = Value(2, label="v")
    assert (v.data, v.grad, v.label, v.op, v.parents) == (2.0, 0.0, "v", None, ())
    assert type(v.data) is float
    assert v.grad is NOT_COMPUTED


def is_accepted_everywhere(number):
    expected = float(number)
    v = Value(2.0)
    assert Value(number).data == expected
    for result, plain in [
        (v + number, 2 + expected),
        (number + v, 2 + expected),
        (v - number, 2 - expected),
        (number - v, expected - 2),
        (v * number, 2 * expected),
        (number * v, expected * 2),
        (v / number, 2 / expected),
        (number / v, expected / 2),
        (v**number, 2**expected),
        (number**v, expected**2),
        (v.maximum(number), max(2, expected)),
        (tinygrad_edu.dot([v, number], [number, v]), 4 * expected),
    ]:
        assert isinstance(result, Value)
        assert type(result.data) is float
        assert result.data == plain
        assert all(type(parent) in (Value, float) for parent in result.parents)
    return True


@pytest.mark.parametrize("number", [3, True, 3.0, Fraction(3, 1)], ids=lambda n: type(n).__name__)
def test_real_numbers_are_accepted_everywhere(number):
    assert is_accepted_everywhere(number)


def is_refused(wrong, words):
    """Whether each way to use what is no number is refused, by words where a Value is made of it."""
    v = Value(1.0)
    for use in (Value, lambda w: v + w, lambda w: w + v, lambda w: v**w, lambda w: tinygrad_edu.dot([v], [w])):
        with pytest.raises(TypeError) as error:
            use(wrong)
        if use is Value and str(error.value) != words:
            return False
    return True


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (None, "expected a real number, got None (NoneType)"),
        ("3", "expected a real number, got '3' (str)"),
        (1j, "expected a real number, got 1j (complex)"),
        ([1.0], "expected a real number, got [1.0] (list): take its elements one by one"),
        (object, "expected a real number, got <class 'object'> (type)"),
    ],
)
def test_anything_else_is_refused_by_what_it_is(wrong, words):
    assert is_refused(wrong, words)


@pytest.mark.parametrize("wrong", [math.nan, math.inf, -math.inf])
def test_nan_and_infinities_are_refused_unless_asked_for(wrong):
    with pytest.raises(
        ValueError, match=r"expected a finite number, got (nan|inf|-inf) \(a Value takes it with finite=False\)"
    ):
        Value(wrong)
    with pytest.raises(ValueError, match="expected a finite number"):
        Value(1.0) * wrong
    assert str(Value(wrong, finite=False).data) == str(float(wrong))


def test_a_number_too_large_for_a_float_is_refused():
    for large in (10**400, 10**5000):
        with pytest.raises(ValueError, match=r"an int of \d+ bits is too large for a float"):
            Value(large)
    assert Value(2**60).data == 2.0**60


def test_operators():
    a, b = Value(3.0), Value(2.0)
    results = [a + b, a - b, a * b, a / b, a**b, -a, +a, abs(-a), 2**b, sum([a, b]), max([a, b]), min([a, b])]
    assert [v.data for v in results] == [5, 1, 6, 1.5, 9, -3, 3, 3, 4, 5, 3, 2]
    assert +a is a
    assert max([a, b]) is a


def test_order_compares_data_and_equality_identity():
    a, b = Value(1.0), Value(2.0)
    assert a < b and a <= b and b > a and b >= a and a < 1.5
    same = Value(1.0)
    assert a <= same and a >= same and a <= 1 and a <= 1.0 and not a < same and not a > same
    assert a != Value(1.0) and a != 1.0 and a == a
    assert len({a, b, Value(1.0)}) == 3
    assert sorted([b, a]) == [a, b]
    with pytest.raises(TypeError):
        a < "x"  # noqa: B015


def test_text():
    v = Value(0.123456, "w5")
    assert repr(v) == "Value(data=0.123456, grad=not computed, label='w5')"
    (v * 1).backward()
    assert repr(v) == "Value(data=0.123456, grad=1.0, label='w5')"
    assert repr(Value(2)) == "Value(data=2.0, grad=not computed)"
    assert f"{v:.4f}" == "0.1235"
    assert f"{v}" == str(v) == repr(v)
    assert f"{v:>8.1e}" == " 1.2e-01"
    with pytest.raises(ValueError, match="Unknown format code 'q' for object of type 'float'"):
        format(v, "q")
    assert (
        Value(1.0, "<b>")._repr_html_()
        == "<code>Value(data=1.0, grad=not computed, label=&#x27;&lt;b&gt;&#x27;)</code>"
    )


@pytest.mark.parametrize("lose", [float, math.tanh, math.sqrt, int, complex, round], ids=lambda f: f.__name__)
def test_what_would_lose_the_gradient_is_refused(lose):
    with pytest.raises(TypeError):
        lose(Value(0.5))
    with pytest.raises(TypeError, match=r"tinygrad_edu\.tanh\(value\); for the plain number take value\.data"):
        math.tanh(Value(0.5))


def test_functions_and_methods_say_what_they_do():
    assert "tanh(x)" in Value.tanh.__doc__ and "∂/∂x = 1 - out**2" in tinygrad_edu.tanh.__doc__
    assert "At x = 0 the derivative is 0." in Value.relu.__doc__
    assert Value.tanh.__name__ == tinygrad_edu.tanh.__name__ == "tanh"


def test_micrograds_names():
    a, b = Value(2.0), Value(3.0)
    assert (a * b)._prev == {a, b}
    assert (a * b)._op == "×"
    assert a._prev == set() and a._op == ""


def test_an_unknown_attribute_is_an_attribute_error():
    with pytest.raises(AttributeError):
        Value(1.0).no_such_thing  # noqa: B018
    with pytest.raises(AttributeError):
        Value(1.0).typo = 3
    with pytest.raises(AttributeError, match="module 'tinygrad_edu' has no attribute 'no_such_thing'"):
        tinygrad_edu.no_such_thing  # noqa: B018


def test_detach_cuts_the_gradient():
    x = Value(2.0, "x")
    y = x * x.detach()
    y.backward()
    assert (x.grad, x.detach().label) == (2.0, "x")
    assert (x * 2).detach().parents == ()
    assert Value(math.inf, finite=False).detach().data == math.inf


def example():
    a, b = Value(2.0, "a"), Value(-3.0, "b")
    c = a * b + a.tanh()
    c.label = "c"
    return a, b, c


@pytest.mark.parametrize(
    "duplicate", [copy.deepcopy, lambda v: pickle.loads(pickle.dumps(v))], ids=["deepcopy", "pickle"]
)
def test_a_copy_is_whole_in_itself(duplicate):
    a, _, c = example()
    twin = duplicate(c)
    twin.backward()
    assert (twin.data, twin.label, twin.op) == (c.data, "c", c.op)
    assert c.grad is NOT_COMPUTED and a.grad is NOT_COMPUTED
    c.backward()
    by_label = {leaf.label: leaf.grad for leaf in tinygrad_edu.engine.leaves(twin)}
    assert by_label["a"] == a.grad


def test_a_copy_keeps_whether_a_gradient_was_computed():
    for duplicate in (copy.copy, copy.deepcopy, lambda v: pickle.loads(pickle.dumps(v))):
        assert duplicate(Value(1.0)).grad is NOT_COMPUTED
    _, _, c = example()
    c.backward()
    assert pickle.loads(pickle.dumps(c)).grad == 1.0


def test_deepcopy_shares_what_was_shared():
    a, _, c = example()
    leaf, root = copy.deepcopy([a, c])
    assert leaf in {node for node in tinygrad_edu.engine.leaves(root)}


def test_pickling_a_leaf_with_its_root_keeps_them_together():
    a, _, c = example()
    leaf, root = pickle.loads(pickle.dumps((a, c)))
    root.backward()
    assert leaf.grad != 0.0


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_pickle_keeps_everything_in_every_protocol(protocol):
    _, _, c = example()
    c.backward()
    twin = pickle.loads(pickle.dumps(c, protocol))
    content = [(n.op, n.data, n.grad, n.label) for n in tinygrad_edu.engine.topological(c)]
    assert [(n.op, n.data, n.grad, n.label) for n in tinygrad_edu.engine.topological(twin)] == content
    numbers = [[p if isinstance(p, float) else p.data for p in n.parents] for n in (c, twin)]
    assert numbers[0] == numbers[1]


def test_a_copy_keeps_sharing_and_the_order_of_operands():
    x = Value(3.0)
    y = x - 1
    root = (y / x) - y * y
    for duplicate in (copy.deepcopy, lambda v: pickle.loads(pickle.dumps(v))):
        twin = duplicate(root)
        assert len(tinygrad_edu.engine.topological(twin)) == 4
        assert len(tinygrad_edu.engine.leaves(twin)) == 1
        (leaf,) = tinygrad_edu.engine.leaves(twin)
        assert leaf is not x and tinygrad_edu.grad(twin, leaf).data == tinygrad_edu.grad(root, x).data


def test_a_shallow_copy_has_the_same_operands():
    _, _, c = example()
    assert copy.copy(c).parents == c.parents
    assert copy.copy(c) != c


def test_a_pickle_of_an_operation_that_is_not_registered_says_so():
    with tinygrad_edu.registered("thrice", "3·", "3 * x", "3"):
        stored = pickle.dumps(Value(1.0).thrice())
        assert pickle.loads(stored).data == 3.0
    with pytest.raises(LookupError, match="the pickle uses the operation 'thrice', which is not registered"):
        pickle.loads(stored)


def test_a_subclass_is_a_value():
    class Named(Value):
        __slots__ = ("place",)

    v = Named(3.0)
    v.place = 7
    y = v * v + 1
    y.backward()
    assert (y.data, v.grad, copy.deepcopy(v).place, pickle_free(v)) == (10.0, 6.0, 7, 7)


def pickle_free(v):
    return copy.copy(v).place


class Noted(Value):
    """Without slots, and with a constructor of its own."""

    def __init__(self, note, data):
        super().__init__(data)
        self.note = note


def test_a_subclass_with_attributes_copies_and_pickles():
    v = Noted("n", 2.0)
    for twin in (copy.copy(v), copy.deepcopy(v), pickle.loads(pickle.dumps(v))):
        assert (twin.note, twin.data, type(twin)) == ("n", 2.0, Noted)
        assert twin.grad is NOT_COMPUTED
    root = pickle.loads(pickle.dumps(v * 2))
    assert root.parents[0].note == copy.deepcopy(v * 2).parents[0].note == "n"


def live_values():
    return sum(isinstance(thing, Value) for thing in gc.get_objects())


def test_a_graph_is_freed_by_reference_counting_alone():
    gc.collect()
    gc.disable()
    try:
        before = live_values()
        _, _, c = example()
        c.backward()
        second = tinygrad_edu.grad(c, c.parents[0])
        assert live_values() > before
        del _, c, second
        assert live_values() == before
        assert gc.collect() == 0
    finally:
        gc.enable()


def test_a_copy_takes_from_the_memo_what_stands_there():
    a, b, c = example()
    other, memo = Value(5.0, "other"), {}
    memo[id(a)] = other
    twin = copy.deepcopy(c, memo)
    assert {leaf.label for leaf in tinygrad_edu.engine.leaves(twin)} == {"other", "b"}
    assert memo[id(c)] is twin and memo[id(b)] is not b and memo[id(b)].data == b.data
    assert all(id(node) in memo for node in tinygrad_edu.engine.nodes(c))
    assert copy.deepcopy(c, memo) is twin
    assert copy.copy(c).parents == c.parents and copy.copy(c) is not c


def test_a_copy_of_constants_and_of_an_operand_twice():
    a = Value(2.0, "a")
    root = tinygrad_edu.dot([a, 3.0, a], [a, a, -0.0])
    for twin in (copy.deepcopy(root), pickle.loads(pickle.dumps(root))):
        [leaf] = tinygrad_edu.engine.leaves(twin)
        assert [p is leaf for p in twin.parents] == [p is a for p in root.parents]
        assert [repr(p) for p in twin.parents if type(p) is float] == ["3.0", "-0.0"]
        twin.backward()
        assert leaf.grad == 2 * 2.0 + 3.0 - 0.0
