"""One row at run time gives an operation whole; a wrong row is refused with the formula and the reason."""

import gc
import linecache
import math
import pickle
import weakref

import pytest

import tinygrad_edu
from tests.forks import needs_fork, status_of_child
from tests.test_table import gradient_errors, points
from tinygrad_edu import TABLE, Domain, Value, grad, register, registered, unregister
from tinygrad_edu.engine.numbers import PRIMITIVES
from tinygrad_edu.engine.registry import LOCK

HARDSWISH = (
    "hardswish",
    "hswish",
    "x * minimum(maximum(x + 3, 0), 6) / 6",
    "(minimum(maximum(x + 3, 0), 6) + x * (step(x + 3) - step(x - 3))) / 6",
)


def test_one_row_gives_everything():
    with registered(*HARDSWISH, kink="(x - 3) * (x + 3)", at_kink="one of the slopes") as row:
        v = Value(1.0)
        y = v.hardswish()
        y.backward()
        assert math.isclose(y.data, 2 / 3)
        assert math.isclose(v.grad, 5 / 6)
        assert math.isclose(grad(grad(v.hardswish(), v), v).data, 1 / 3)
        assert math.isclose(tinygrad_edu.hardswish(1), 2 / 3)
        assert y.op.symbol == "hswish"
        assert "hardswish" in dir(tinygrad_edu)
        assert not gradient_errors(row, points(row))
        assert "hswish" in tinygrad_edu.draw(y).source
        assert tinygrad_edu.nn.MLP(2, [2, 1], activation="hardswish")([1.0, 2.0]).op.name == "add"
    assert "hardswish" not in TABLE
    assert not hasattr(Value, "hardswish")
    assert not hasattr(tinygrad_edu, "hardswish")


def test_values_keep_their_derivatives_when_the_row_is_gone():
    with registered("own_sigmoid", "s", "1 / (1 + exp(-x))", "out * own_sigmoid(-x)"):
        v = Value(0.5)
        y = v.own_sigmoid()
    y.backward()
    assert math.isclose(v.grad, y.data * (1 - y.data))
    assert math.isclose(grad(y, v).data, v.grad)


def test_a_row_named_like_an_operator_is_not_one_unless_python_has_it():
    with registered("power3", "³", "x**3", "3 * x**2"):
        v = Value(-2.0)
        y = v.power3()
        y.backward()
        assert (y.data, v.grad, grad(grad(v.power3(), v), v).data) == (-8.0, 12.0, -12.0)


def test_a_power_in_a_formula_stays_among_the_real_numbers():
    with registered("root", "√", "x**0.5", "0.5 * x**-0.5"):
        with pytest.raises(ValueError, match=r"root\(x\) is undefined at x = -1$"):
            Value(-1.0).root()
        v = Value(4.0)
        v.root().backward()
        assert v.grad == 0.25
    with registered("norm", "‖", "sqrt(sum(x_i**2))", "x_i / out"):
        values = [Value(3.0), Value(4.0)]
        norm = tinygrad_edu.norm(values)
        norm.backward()
        assert (norm.data, [v.grad for v in values]) == (5.0, [0.6, 0.8])


def test_one_name_can_be_two_operations_after_each_other():
    a, b = Value(1.0), Value(1.0)
    with registered("mine", "o", "x * 3", "3"):
        first = a.mine()
    with registered("mine", "o", "x * 5", "5"):
        second = b.mine() + first
    second.backward()
    assert (second.data, a.grad, b.grad) == (8.0, 3.0, 5.0)


def test_an_error_inside_the_block_takes_the_row_back():
    with pytest.raises(KeyError), registered("mine", "o", "x", "1"):
        raise KeyError
    assert "mine" not in TABLE and not hasattr(Value, "mine")


@pytest.mark.parametrize("name", ["mod", "matmul", "floordiv", "eq", "lt", "bool", "hash"])
def test_a_row_named_like_a_special_method_leaves_that_alone(name):
    before = getattr(Value, f"__{name}__", None)
    with registered(name, "m", "2 * x", "2"):
        assert getattr(Value(2.0), name)().data == 4.0
        assert getattr(Value, f"__{name}__", None) == before


def test_a_row_of_two_operands_and_one_over_many():
    with registered("mix", "mix", "x * exp(y)", "exp(y)", "out"):
        a, b = Value(2.0), Value(0.5)
        a.mix(b).backward()
        assert math.isclose(b.grad, 2 * math.exp(0.5))
        assert a.mix(1).parents == (a, 1.0)
    with registered("squares", "Σ²", "sum(x_i * x_i)", "2 * x_i"):
        values = [Value(1.0), Value(2.0)]
        total = tinygrad_edu.squares([*values, 3])
        total.backward()
        assert (total.data, [v.grad for v in values]) == (14.0, [2.0, 4.0])
        assert grad(grad(tinygrad_edu.squares(values), values[0]), values[0]).data == 2.0


def test_a_row_may_have_a_name_that_a_value_only_says_something_of():
    with registered("mean", "m", "sum(x_i) / sum(is_zero(x_i - x_i))", "1 / sum(is_zero(x_i - x_i))"):
        assert tinygrad_edu.mean([Value(1.0), 2.0]).data == 1.5
    with registered("size", "s", "abs(x)", "sign(x)"):
        assert Value(-2.0).size().data == 2.0
    with pytest.raises(AttributeError, match="a Value has no size"):
        Value(-2.0).size()


def test_a_row_keeps_the_rows_that_its_formulas_named():
    """Also when they are taken back, and their names are others'."""
    with registered("inner", "i", "x * x * 3", "6 * x"), registered("outer", "o", "inner(x) + 1", "6 * x"):
        v = Value(0.5, "v")
        y = v.outer() * 2
    with registered("inner", "i", "x * x * 5", "10 * x"):
        assert tinygrad_edu.check_gradients(y, v, method="complex").passed
        assert grad(grad(y, v), v).data == 12.0


def test_a_pickle_is_not_taken_for_another_operation_of_its_name():
    with registered("mine", "m", "x * x", "2 * x"):
        pickled = pickle.dumps(Value(3.0).mine())
        assert pickle.loads(pickled).op is TABLE["mine"]
    words = "uses the operation 'mine', which is not registered, or as another one"
    with registered("mine", "m", "x * x * x", "3 * x * x"), pytest.raises(LookupError, match=words):
        pickle.loads(pickled)
    with registered("mine", "m", "x * x", "2 * x"):
        assert pickle.loads(pickled).data == 9.0


def test_sums_inside_of_sums_in_a_partial():
    """f = Σ (x_i - Σ x_j)², by every way to its gradient, and its second derivatives."""
    partial = "2 * (x_i - sum(x_i)) - 2 * sum(x_i - sum(x_i))"
    with registered("spread", "s", "sum(square(x_i - sum(x_i)))", partial) as row:
        a, b = Value(2.0), Value(3.0)
        root = row.function([a, b, 4.0])
        root.backward()
        assert (root.data, a.grad, b.grad) == (110.0, 22.0, 24.0)
        assert [g.data for g in grad(root, [a, b])] == [22.0, 24.0]
        assert [[h.data for h in line] for line in tinygrad_edu.hessian(root, [a, b])] == [[4.0, 2.0], [2.0, 4.0]]


def test_an_operation_over_pairs():
    """Each partial beside constants on either side, and beside none."""
    with registered("weighed", "w", "sum(x_i * y_i * y_i)", "y_i * y_i", "2 * x_i * y_i"):
        a, b, c, d = (Value(x) for x in (2.0, -3.0, 0.5, 4.0))
        root = tinygrad_edu.weighed([a, 5.0, b, 7.0], [c, d, 2.0, 3.0])
        root.backward()
        assert root.data == 2 * 0.25 + 5 * 16 - 3 * 4 + 7 * 9
        assert [v.grad for v in (a, b, c, d)] == [0.25, 4.0, 2.0, 40.0]
        assert [g.data for g in grad(root, [a, b, c, d])] == [0.25, 4.0, 2.0, 40.0]
        assert tinygrad_edu.weighed([1.0, 2.0], [3.0, 4.0]) == 41.0
        with pytest.raises(ValueError, match=r"^weighed expected as many y as x, 1, got 2$"):
            tinygrad_edu.weighed([a], [b, c])


@pytest.mark.parametrize(
    "columns",
    [{"primal": "inner(x)"}, {"partial": "inner(1)"}, {"shown": "inner(1)"}, {"kink": "inner(x)", "at_kink": "2"}],
)
def test_a_row_that_another_names_in_any_column_stays(columns):
    inner = register("inner", "i", "2 * x", "2")
    given = {"primal": "2 * x", "partial": "2"} | columns
    outer = register("outer", "o", given.pop("primal"), given.pop("partial"), **given)
    try:
        with pytest.raises(ValueError, match=r"^inner is used by outer$"):
            unregister(inner)
    finally:
        unregister(outer)
        unregister(inner)


WRONG = {
    "hs: primal = 'x * (': not a formula ('(' was never closed)": ("hs", "h", "x * (", "1"),
    "hs: primal = 'x * foo(x)': foo is not an operation of the table": ("hs", "h", "x * foo(x)", "1"),
    "hs: primal = 'x * z': z is not in scope; in scope are x, y and rows": ("hs", "h", "x * z", "1"),
    "hs: 'x * y' has the operands x and y, but there is one partial": ("hs", "h", "x * y", "y"),
    "hs: 2 partials, but 'x' does not use y": ("hs", "h", "x", "1", "1"),
    "hs: expected each partial as a formula in text, got ()": ("hs", "h", "x"),
    "hs: expected each partial as a formula in text, got (1,)": ("hs", "h", "x", 1),
    "hs: primal = 'x if x else 1': x if x else 1 is not allowed: a formula has numbers, + - * / ** and rows": (
        "hs",
        "h",
        "x if x else 1",
        "1",
    ),
    "hs: primal = 'x.data': x.data is not allowed: a formula has numbers, + - * / ** and rows": (
        "hs",
        "h",
        "x.data",
        "1",
    ),
    "hs: primal = 'exp(x, x)': exp takes 1 operand, got 2": ("hs", "h", "exp(x, x)", "1"),
    "hs: primal = 'maximum(x)': maximum takes 2 operands, got 1": ("hs", "h", "maximum(x)", "1"),
    "hs: primal = 'exp()': exp takes 1 operand, got 0": ("hs", "h", "exp()", "1"),
    "hs: primal = 'x * 1j': 1j is not allowed: a formula has numbers, + - * / ** and rows": ("hs", "h", "x * 1j", "1"),
    "hs: ∂/∂x = 'True': True is not allowed: a formula has numbers, + - * / ** and rows": ("hs", "h", "x", "True"),
    "hs: ∂/∂x = '': not a formula (invalid syntax)": ("hs", "h", "x", ""),
    "hs: primal = 'x * out': out is not in scope; in scope are x, y and rows": ("hs", "h", "x * out", "out"),
    "hs: ∂/∂x = 'x // 2': x // 2 is not allowed: a formula has numbers, + - * / ** and rows": (
        "hs",
        "h",
        "x",
        "x // 2",
    ),
    "hs: ∂/∂x = 'exp(x=x)': exp(x=x) is not allowed: a formula has numbers, + - * / ** and rows": (
        "hs",
        "h",
        "x",
        "exp(x=x)",
    ),
    "hs: expected one partial an operand, for x or for x and y, and as many shown forms; got 3 and 3": (
        "hs",
        "h",
        "x * y",
        "1",
        "1",
        "1",
    ),
    "hs: ∂/∂x_i = 'sum(y_i)': sum takes many operands, a formula has operations of one or two": (
        "hs",
        "h",
        "sum(x_i * y_i)",
        "sum(y_i)",
        "x_i",
    ),
    "hs: primal = \"__import__('os')\": __import__ is not an operation of the table": (
        "hs",
        "h",
        "__import__('os')",
        "1",
    ),
    "hs: primal = 'dot(x, x)': dot takes many operands, a formula has operations of one or two": (
        "hs",
        "h",
        "dot(x, x)",
        "1",
    ),
    "hs: 'hs(x)' refers to itself": ("hs", "h", "hs(x)", "1"),
    "hs: expected a formula for the primal, got 'hs(x)', which only names itself": ("hs", "h", "", "1"),
    "hs: ∂/∂x = 'y': y is not in scope; in scope are out, x and rows": ("hs", "h", "x", "y"),
    "hs: primal = 'x_i': x_i stands outside of sum(…) and max(…)": ("hs", "h", "x_i", "1"),
    "hs: ∂/∂x = '1  # one': a formula is one line of plain text without a comment": ("hs", "h", "x", "1  # one"),
    "hs: expected the primal as a formula in text, got None": ("hs", "h", None, "1"),
    "'softmax' cannot name an operation: the word is reserved": ("softmax", "s", "x", "1"),
    "'x_i' cannot name an operation: the word is reserved": ("x_i", "s", "x", "1"),
    "the name 'tanh' is taken by <row tanh: tanh(x)>": ("tanh", "t", "x", "1"),
    "the name 'backward' is taken by Value": ("backward", "b", "x", "1"),
    "the name 'data' is taken by Value": ("data", "d", "x", "1"),
    "'lambda' cannot name an operation: the word is reserved": ("lambda", "l", "x", "1"),
    "'Hs' cannot name an operation: expected a lower-case Python name": ("Hs", "h", "x", "1"),
    "'a b' cannot name an operation: expected a lower-case Python name": ("a b", "h", "x", "1"),
}


@pytest.mark.parametrize("words", WRONG)
def test_a_wrong_row_is_refused_with_formula_and_reason(words):
    before = dict(TABLE)
    with pytest.raises(ValueError) as error:
        register(*WRONG[words])
    assert str(error.value) == words
    assert before == TABLE


def test_a_wrong_domain_is_refused():
    with pytest.raises(ValueError, match="expected a Domain for each operand"):
        register("hs", "h", "x", "1", x=(0, 1))
    with registered("hs", "h", "x", "1", x=Domain(0, 1)) as row:
        assert 0.5 in row.domains[0] and 2 not in row.domains[0]


def test_taking_back():
    with pytest.raises(ValueError, match="tanh is not an operation that was registered"):
        unregister(TABLE["tanh"])
    inner = register("inner", "i", "2 * x", "2")
    outer = register("outer", "o", "inner(x) + 1", "2")
    with pytest.raises(ValueError, match="inner is used by outer"):
        unregister(inner)
    unregister(outer)
    unregister(inner)
    with pytest.raises(ValueError, match="inner is not an operation that was registered"):
        unregister(inner)


def test_a_row_that_is_wrong_about_its_derivative_is_caught():
    with registered("cube", "³", "x * x * x", "2 * x * x") as row:
        assert gradient_errors(row, points(row))


def test_no_row_can_hide_a_name_of_the_package():
    for word in (word for word in dir(tinygrad_edu) if word.islower() and not word.startswith("_")):
        with pytest.raises(ValueError):
            register(word, "w", "x", "1")


def test_values_of_rows_that_use_each_other_outlive_them():
    inner = register("inner", "i", "2 * x", "2")
    outer = register("outer", "o", "inner(x) + 1", "2")
    v = Value(1.0, "v")
    y = v.outer()
    unregister(outer)
    unregister(inner)
    y.backward()
    assert v.grad == grad(y, v).data == 2.0
    tinygrad_edu.engine.check_recorded(y)
    assert "∂" in tinygrad_edu.explain(y, v).text()


@pytest.mark.parametrize("wrong", [(1, 0), (math.nan, 1), (-0.05, 0.05, 0.1), (0, 0), (1, 1)])
def test_an_empty_domain_is_refused(wrong):
    with pytest.raises(ValueError, match="a Domain expected low < high and room beside the margin"):
        Domain(*wrong)


def test_each_primitive_is_a_row():
    assert {row.name for row in TABLE.values() if row.primitive} == set(PRIMITIVES)


@pytest.mark.parametrize("length", [199, 200, 201])
def test_a_formula_is_shown_in_full_up_to_two_hundred_characters(length):
    formula = ("x +" + " " * 300 + "z")[: length - 1] + "z"
    with pytest.raises(ValueError) as error:
        register("hs", "h", formula, "1")
    assert (repr(formula) in str(error.value)) is (length <= 200)
    assert str(error.value).endswith(": z is not in scope; in scope are x, y and rows")


NEVER = [
    (("ﬁ", "f", "x * 2", "2"), "'ﬁ' cannot name an operation: Python reads it as 'fi'"),
    (("ª", "f", "x * 2", "2"), "'ª' cannot name an operation: Python reads it as 'a'"),
    ((5, "f", "x * 2", "2"), "5 cannot name an operation: expected a lower-case Python name"),
    (("cube", "³", "x * 2\r", "2"), "primal = 'x * 2\\r': a formula is one line of plain text without a comment"),
    (("cube", "³", "x *\x0c 2", "2"), "a formula is one line of plain text without a comment"),
    (("cube", "³", "x * 2", "2\r\n"), "∂/∂x = '2\\r\\n': a formula is one line of plain text"),
    (("cube", "³", "ｘ * 2", "2"), "a formula is one line of plain text without a comment"),
    (("cube", "\x1b[31m", "x * 2", "2"), "expected the symbol as a line of text without quotes, got '\\x1b[31m'"),
    (("cube", None, "x * 2", "2"), "expected the symbol as a line of text without quotes, got None"),
    (("cube", "³", "**".join("x" * 2000), "2"), "a formula has at most 100 operations inside of each other"),
    (("cube", "³", "x * 2", "-" * 99 + "x"), "a formula has at most 100 operations inside of each other"),
    (("cube", "³", "-" * 3000 + "x", "2"), "a formula has at most 100 operations inside of each other"),
    (("cube", "³", "+".join("x" * 50_000), "2"), "a formula has at most 10,000 characters, this one 99,999"),
]


@pytest.mark.parametrize(("columns", "words"), NEVER, ids=lambda case: repr(case)[:20])
def test_what_is_refused_leaves_nothing_behind(columns, words):
    before = dict(TABLE), dir(Value), dir(tinygrad_edu)
    with pytest.raises(ValueError) as raised:
        register(*columns)
    assert words in str(raised.value)
    assert len(str(raised.value)) < 500
    assert (dict(TABLE), dir(Value), dir(tinygrad_edu)) == before


@pytest.mark.parametrize("column", ["at_kink", "accuracy"])
def test_no_text_of_a_row_ends_the_docstring_that_it_stands_in(column):
    for text in ('''"""+1/0+"""''', "\\", "two\nlines", 5, "a" * 201):
        with pytest.raises(ValueError, match=f"expected the {column} as a line of text without quotes"):
            register("cube", "³", "x * x * x", "3 * x * x", kink="x", **{column: text})
    assert "cube" not in TABLE


def test_a_row_that_cannot_be_compiled_leaves_nothing_behind(monkeypatch):
    def fail(row):
        raise KeyboardInterrupt

    monkeypatch.setattr("tinygrad_edu.engine.registry.compiled", fail)
    with pytest.raises(KeyboardInterrupt):
        register(*HARDSWISH)
    assert "hardswish" not in TABLE


def test_a_row_that_is_taken_back_is_freed_with_all_that_was_made_of_it():
    gone = []
    for _ in range(3):
        with registered("own_cube", "³", "x * x * x", "3 * out / x + 0 * own_cube(x)") as row:
            v = Value(2.0)
            y = v.own_cube()
            y.backward()
            grad(grad(v.own_cube(), v), v)
        gone.append(weakref.ref(row))
        del row, v, y
    gc.collect()
    assert [made() for made in gone] == [None] * 3
    assert not [name for name in linecache.cache if "own_cube" in name]


def test_threads_may_register_at_once():
    from concurrent.futures import ThreadPoolExecutor

    def attempt(k):
        try:
            return register("contested", "c", f"{k} * x", f"{k}")
        except ValueError as error:
            assert "the name 'contested' is taken" in str(error)

    with ThreadPoolExecutor(8) as pool:
        [row] = [row for row in pool.map(attempt, range(2, 40)) if row]
    try:
        v = Value(1.0)
        v.contested().backward()
        assert row.partials == (f"{v.grad:g}",)
    finally:
        unregister(row)


def test_a_quotient_beside_operations_that_never_fail_tells_where_it_is_undefined():
    with registered("ratio", "ratio", "maximum(x, 0) / y", "step(x) / y", "-out / y"):
        for first in (Value(1.0, "a"), 1.0):
            with pytest.raises(ZeroDivisionError, match=r"^ratio\(.*\) is undefined at .*b = 0"):
                TABLE["ratio"].function(first, Value(0.0, "b"))


def test_only_signs_have_a_second_name():
    names = {name for name in dir(Value) if name.startswith("__") and name.strip("_") in TABLE}
    assert names == {f"__{name}__" for name in ("add", "sub", "mul", "truediv", "pow", "neg", "abs")}


@needs_fork
def test_a_process_forked_while_a_thread_registers_can_register():
    def is_right():
        with registered("cube", "³", "x * x * x", "3 * x * x"):
            return Value(2.0).cube().data == 8.0

    assert status_of_child(LOCK, is_right) == 0


@pytest.mark.parametrize(
    ("columns", "more", "words"),
    [
        (("x * y", "y", 3), {}, "expected each partial as a formula in text, got ('y', 3)"),
        (("maximum(x, 0)", "step(x)"), {"kink": "nope(x)"}, "kink = 'nope(x)': nope is not an operation of the table"),
    ],
)
def test_one_wrong_column_is_enough(columns, more, words):
    with pytest.raises(ValueError) as raised:
        register("mine", "mine", *columns, **more)
    assert words in str(raised.value)
    assert "mine" not in TABLE
