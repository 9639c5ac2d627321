"""Every operation, written in every way, on every kind of operand: what it records, hands back and refuses."""

import itertools
import math
import operator
from fractions import Fraction

import pytest

import tinygrad_edu
from tests.test_table import PLAIN, named, points
from tinygrad_edu import NOT_COMPUTED, TABLE, Value
from tinygrad_edu.engine.errors import UNDEFINED, undefined
from tinygrad_edu.engine.formulas import on_floats, partials_on_floats
from tinygrad_edu.engine.table import OPERATORS

SIGNS = {"add": "add", "sub": "sub", "mul": "mul", "truediv": "truediv", "pow": "pow"}
UNARY = [row for row in PLAIN if len(row.operands) == 1]
BINARY = [row for row in PLAIN if len(row.operands) == 2]
each = pytest.mark.parametrize("row", PLAIN, ids=named)
of_two = pytest.mark.parametrize("row", BINARY, ids=named)
of_many = pytest.mark.parametrize("name", ["dot", "sum", "logsumexp"])


def ways(row, operands):
    """The operation on these operands: as an operator, as a method, as a function."""
    yield row.function
    yield getattr(tinygrad_edu, row.name)
    if row.name in SIGNS:
        yield getattr(operator, SIGNS[row.name])
    elif isinstance(operands[0], Value):
        yield getattr(Value, row.name)
        if row.name in ("neg", "abs"):
            yield getattr(operator, row.name)


def kinds(at):
    """These numbers as Values, and beside a Value as constants of each kind; the constants as floats, too."""
    values = [Value(x, label, finite=False) for x, label in zip(at, "ab", strict=False)]
    yield values, values
    if len(at) == 2:
        for k in (k for k in (0, 1) if math.isfinite(at[k])):
            for kind in (float, Fraction, *([int, bool] if at[k] in (0, 1) else [int] if at[k] == int(at[k]) else [])):
                mixed, parents = list(values), list(values)
                mixed[k], parents[k] = kind(at[k]), float(at[k])
                yield mixed, parents


def places(row):
    yield from points(row, 4)
    if len(row.operands) == 2:
        yield from ([3.0, 2.0], [1.0, 4.0])


@each
def test_a_result_remembers_what_it_was_made_from(row):
    for at in places(row):
        for operands, parents in kinds(at):
            for way in ways(row, operands):
                node = way(*operands)
                assert type(node) is Value
                assert node.op is row
                assert type(node.parents) is tuple and len(node.parents) == len(at)
                for found, expected in zip(node.parents, parents, strict=True):
                    assert found is expected or (type(found) is float and found == expected)
                assert node.data == pytest.approx(on_floats(row)(*at), rel=1e-14) and type(node.data) is float
                assert node.label == "" and node.grad is NOT_COMPUTED


@each
def test_numbers_alone_give_a_number(row):
    for at in places(row):
        for kind in (float, Fraction):
            found = row.function(*map(kind, at))
            assert type(found) is float and found == pytest.approx(on_floats(row)(*at), rel=1e-14)


@of_two
def test_one_value_may_be_both_operands(row):
    x = Value(0.5)
    node = row.function(x, x)
    assert node.parents[0] is node.parents[1] is x
    node.grad = 3.0
    row.pullback(node)
    first, second = (partial(0.5, 0.5, node.data) for partial in partials_on_floats(row))
    assert x.grad == pytest.approx(3 * (first + second), rel=1e-14)


@each
@pytest.mark.parametrize("g", [1.0, -2.5, 0.0])
def test_a_pullback_adds_the_gradient_from_above_times_the_partial(row, g):
    """To what is there; a constant beside a Value has none."""
    for at in places(row):
        for operands, _ in kinds(at):
            node = row.function(*operands)
            node.grad = g
            for x in operands:
                if isinstance(x, Value):
                    x.grad = 8.0
            row.pullback(node)
            assert node.grad == g
            for x, partial in zip(operands, partials_on_floats(row), strict=True):
                if isinstance(x, Value):
                    assert x.grad == pytest.approx(8.0 + g * partial(*at, node.data), rel=1e-13, abs=1e-13)


@each
def test_after_a_pullback_a_gradient_is_computed_also_where_it_is_zero(row):
    for at in places(row):
        operands = [Value(x) for x in at]
        node = row.function(*operands)
        node.grad = 0.0
        row.pullback(node)
        assert all(x.grad is not NOT_COMPUTED for x in operands)


CRITICAL = [0.0, -1.0, 2.0, -2.0, 0.5, -0.5, 1e308, -1e308, 1e-320, math.inf]


def undefined_at(row):
    for at in itertools.product(CRITICAL, repeat=len(row.operands)):
        try:
            on_floats(row)(*at)
        except UNDEFINED as error:
            yield at, error


@each
def test_where_there_is_no_value_the_operation_and_its_operands_are_named(row):
    found = [*undefined_at(row)]
    for at, error in found[:12]:
        for operands, parents in kinds(at):
            for way in ways(row, operands):
                with pytest.raises(type(error)) as raised:
                    way(*operands)
                assert type(raised.value) is type(error)
                assert str(raised.value) == str(undefined(row, parents, error))
                assert raised.value.__suppress_context__ and raised.value.__cause__ is None
        if all(map(math.isfinite, at)):
            with pytest.raises(type(error), match=r" (is undefined|overflows)"):
                row.function(*at)


def test_operations_with_a_value_everywhere_are_these():
    total = [row.name for row in PLAIN if not [*undefined_at(row)]]
    assert total == [
        "add", "sub", "mul", "neg", "square", "atan", "sech", "tanh", "erf", "erfc", "sigmoid", "softplus", "relu",
        "leaky_relu", "elu", "gelu", "silu", "linear", "abs", "sign", "step", "is_zero", "maximum", "minimum", "hypot",
        "atan2",
    ]  # fmt: skip


class Foreign:
    """Knows what to do with a Value, as an array or another package's number does."""

    def __getattr__(self, name):
        raise AttributeError(name)


for name in SIGNS:
    setattr(Foreign, f"__r{name}__", lambda self, value, name=name: ("theirs", name, value))


@pytest.mark.parametrize("name", SIGNS)
def test_an_operator_leaves_what_it_does_not_know_to_the_other_class(name):
    operate, x = getattr(operator, SIGNS[name]), Value(2.0)
    assert operate(x, Foreign()) == ("theirs", name, x)
    for stranger in ("a", None, {1.0}, object(), 1j):
        sign = {"pow": r"\*\* or pow\(\)"}.get(name, "\\" + OPERATORS[name])
        for operands in ((x, stranger), (stranger, x)):
            with pytest.raises(
                TypeError, match=rf"^(unsupported operand type\(s\) for {sign}|can only concatenate|can't multiply)"
            ):
                operate(*operands)
    for xs, text in (([1.0], r"\[1\.0\] \(list\)"), ((1.0, 2.0), r"\(1\.0, 2\.0\) \(tuple\)")):
        for operands in ((x, xs), (xs, x)):
            with pytest.raises(
                TypeError, match=rf"^an operator takes Values and numbers, got {text}: take its elements one by one"
            ):
                operate(*operands)


@of_two
@pytest.mark.parametrize("wrong", [math.nan, math.inf, -math.inf])
def test_a_constant_is_finite(row, wrong):
    x = Value(2.0)
    words = rf"^expected a finite number, got {wrong} \(a Value takes it with finite=False\)$"
    for operands in ([x, wrong], [wrong, x]):
        for way in ways(row, operands):
            with pytest.raises(ValueError, match=words):
                way(*operands)


@pytest.mark.parametrize("row", [row for row in BINARY if row.name not in SIGNS], ids=named)
@pytest.mark.parametrize("wrong", ["a", None, [1.0], 1j])
def test_a_method_refuses_what_is_no_number(row, wrong):
    x = Value(2.0)
    for operands in ([x, wrong], [wrong, x]):
        for way in ways(row, operands):
            words = r"\((str|NoneType|complex|list(?=\): take its elements one by one$))\)"
            with pytest.raises(TypeError, match=rf"^expected a real number, got .* {words}"):
                way(*operands)


# Operations over many operands


def many(name, left, right=()):
    """The operands in the order of `parents`, and the operation on them."""
    row = TABLE[name]
    return ([*left, *right], row.function(left, right)) if name == "dot" else ([*left], row.function(left))


def expected(name, numbers):
    if name == "dot":
        half = len(numbers) // 2
        return math.fsum(a * b for a, b in zip(numbers[:half], numbers[half:], strict=True))
    return math.fsum(numbers) if name == "sum" else math.log(math.fsum(map(math.exp, numbers)))


def slopes(name, numbers):
    half = len(numbers) // 2
    if name == "dot":
        return [*numbers[half:], *numbers[:half]]
    return [1.0] * len(numbers) if name == "sum" else [math.exp(x - expected(name, numbers)) for x in numbers]


NUMBERS = [0.5, -1.25, 2.0, 3.0, 0.75, -0.5]


@of_many
@pytest.mark.parametrize("constants", [(), (0,), (5,), (1, 2), (0, 3), (0, 1, 2), (1, 3, 4, 5), (0, 1, 3, 4, 5)])
def test_many_operands_are_remembered_in_order_and_get_their_gradients(name, constants):
    given = [x if k in constants else Value(x) for k, x in enumerate(NUMBERS)]
    operands, node = many(name, given[:3], given[3:]) if name == "dot" else many(name, given)
    assert type(node) is Value and node.op is TABLE[name]
    assert (node.label, node.grad) == ("", 0.0) and node.grad is NOT_COMPUTED
    assert type(node.parents) is tuple
    assert all(
        found is x or (type(found) is float and found == x) for found, x in zip(node.parents, operands, strict=True)
    )
    assert node.data == pytest.approx(expected(name, NUMBERS), rel=1e-14)
    node.grad = -2.0
    for x in operands:
        if isinstance(x, Value):
            x.grad = 4.0
    node.op.pullback(node)
    for x, slope in zip(operands, slopes(name, NUMBERS), strict=True):
        if isinstance(x, Value):
            assert x.grad == pytest.approx(4.0 - 2.0 * slope, rel=1e-13)


@of_many
def test_numbers_alone_of_any_kind_give_a_number(name):
    for kind in (float, Fraction):
        numbers = [kind(x) for x in NUMBERS]
        _, found = many(name, numbers[:3], numbers[3:]) if name == "dot" else many(name, numbers)
        assert type(found) is float and found == pytest.approx(expected(name, NUMBERS), rel=1e-14)


@of_many
def test_many_operands_come_from_any_iterable(name):
    values = [Value(x) for x in NUMBERS]
    row = TABLE[name]
    for kind in (iter, tuple, list, lambda xs: dict.fromkeys(xs), lambda xs: (x for x in xs)):
        groups = [kind(values[:3]), kind(values[3:])][: len(row.operands)]
        node = row.function(*groups)
        assert [*map(id, node.parents)] == [*map(id, values[: 3 * len(groups)])]


@of_many
@pytest.mark.parametrize("wrong", ["a", None, [1.0], 1j, math.nan, math.inf])
def test_each_of_many_is_a_finite_number(name, wrong):
    kind = ValueError if isinstance(wrong, float) else TypeError
    row = TABLE[name]
    for group in range(len(row.operands)):
        groups = [[Value(1.0), 2.0] for _ in row.operands]
        groups[group][1] = wrong
        with pytest.raises(kind, match=r"^expected a (finite|real) number, got "):
            row.function(*groups)


def test_of_none_there_is_a_sum_and_no_largest():
    assert (tinygrad_edu.sum([]), tinygrad_edu.dot([], [])) == (0.0, 0.0)
    with pytest.raises(ValueError, match=r"^logsumexp\(x_i\) is undefined at no operands$"):
        tinygrad_edu.logsumexp([])


@pytest.mark.parametrize(("left", "right"), [(1, 2), (3, 0), (0, 1), (2, 1)])
def test_pairs_need_as_many_on_either_side(left, right):
    with pytest.raises(ValueError, match=f"^dot expected as many y as x, {left}, got {right}$"):
        tinygrad_edu.dot([Value(1.0)] * left, [2.0] * right)


@of_many
def test_infinite_operands_that_were_asked_for_are_carried_on(name):
    big = Value(math.inf, finite=False)
    node = TABLE[name].function(*[[big, 1.0]] * len(TABLE[name].operands)) if name != "logsumexp" else None
    assert node is None or node.data == math.inf
