"""Text to Values: right results, or a clear error with its place, for any text."""

import math
import re
import time
import warnings

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import tinygrad_edu
from tinygrad_edu import Value
from tinygrad_edu.engine import TABLE
from tinygrad_edu.expression import ExpressionError, parse


def test_an_expression_becomes_a_graph_with_its_names_as_labels():
    expression = parse(" sigmoid(w*x + b) ")
    assert expression.names == ("w", "x", "b")
    y = expression.build({"w": 0.3, "x": 2, "b": 0.1})
    y.backward()
    assert y.data == tinygrad_edu.sigmoid(0.7)
    product = y.parents[0].parents[0]
    assert [leaf.label for leaf in product.parents] == ["w", "x"]
    assert product.parents[0].grad == pytest.approx(2 * y.data * (1 - y.data))


def test_values_given_are_the_leaves_and_each_name_is_one_leaf():
    x = Value(3.0)
    y = parse("x*x + x").build({"x": x})
    y.backward()
    assert x.grad == 7.0
    assert x.label == ""


def test_constants_stay_plain_numbers():
    assert parse("2*x").build({"x": 1.0}).parents[0] == 2.0
    assert parse("2 + 3").build().data == 5.0


@pytest.mark.parametrize(
    "text, expected",
    [
        ("2 - 3 - 4", -5.0),
        ("-2**2", -4.0),
        ("2**-1", 0.5),
        ("2**3**2", 512.0),
        ("+x / 4", 0.75),
        ("dot([x, 2], [4, x])", 18.0),
        ("sum([1, x])", 4.0),
        ("max([1, x, 2])", 3.0),
        ("min([1, x, 2])", 1.0),
        ("softmax([x, x])[1]", 0.5),
        ("log_softmax([x, x])[0]", -math.log(2)),
        ("logsumexp(softmax([x, x]))", 0.5 + math.log(2)),
        ("atan2(\n x,\t1e0)", math.atan2(3, 1)),
        ("x - 0x10", -13.0),
    ],
)
def test_results(text, expected):
    expression = parse(text)
    assert expression.build(dict.fromkeys(expression.names, 3.0)).data == pytest.approx(expected, rel=1e-14)


@pytest.mark.parametrize("name", [name for name, row in TABLE.items() if row.name not in ("dot", "sum", "logsumexp")])
def test_every_row_of_the_table_can_be_called(name):
    operands = TABLE[name].operands
    y = parse(f"{name}({', '.join(operands)})").build(dict.fromkeys(operands, 0.5))
    assert y.op.name == name


def test_a_registered_row_can_be_called():
    with tinygrad_edu.registered("cube", "³", "x * x * x", "3 * x * x"):
        assert parse("cube(x)").build({"x": 2.0}).data == 8.0
    with pytest.raises(ExpressionError, match="cube is not an operation"):
        parse("cube(x)")


ONLY = "only numbers, names, + - * / ** and operations of the table are read"


@pytest.mark.parametrize(
    "text, place, reason",
    [
        ("", "", "expected an expression, got nothing"),
        ("x + open('f')", "'", "' is not part of an expression"),
        ("1 + __import__(x)", "__import__", "__import__ is not an operation of the table"),
        ("x + y.grad", "y.grad", ONLY),
        ("x + (lambda)", "", "invalid syntax"),
        ("x ^ 2", "^", "^ is not part of an expression; a power is written **"),
        ("1 + x²", "²", "² is not part of an expression; a power is written **"),
        ("x⁷ + 1", "⁷", "⁷ is not part of an expression; a power is written **"),
        ("w·x", "·", "· is not part of an expression; a product is written with *"),
        ("w × x", "×", "× is not part of an expression; a product is written with *"),
        ("w ÷ x", "÷", "÷ is not part of an expression; a quotient is written with /"),
        ("1 − x", "−", "− is not part of an expression; a minus is written -"),
        ("w₁ * x", "₁", "₁ is not part of an expression; an index is written as in w1"),
        ("ln(x)", "ln", "ln is not an operation of the table (did you mean log?)"),
        ("1 - σ(x)", "σ", "σ is not an operation of the table (did you mean sigmoid?)"),
        ("np.tanh(x) + 1", "np.tanh(x)", f"{ONLY}; tanh is written tanh(x)"),
        ("x.log()", "x.log()", f"{ONLY}; log is written log(x)"),
        ("y = 2", "=", "= is not part of an expression; the numbers for the names are given apart"),
        ("1 + sigmod(x)", "sigmod", "sigmod is not an operation of the table (did you mean sigmoid?)"),
        ("1 + tanh", "tanh", "tanh is an operation: tanh(x)"),
        ("1 + dot", "dot", "dot is an operation: dot([a, b], [c, d])"),
        ("1 + sum", "sum", "sum is an operation: sum([a, b])"),
        ("1 + tanh(x, y)", "tanh(x, y)", "tanh expected 1 operand, got 2: tanh(x)"),
        ("1 + max(x, 0)", "max(x, 0)", "max expected 1 operand, got 2: max([a, b])"),
        ("1 + atan2(x)", "atan2(x)", "atan2 expected 2 operands, got 1: atan2(x, y)"),
        ("sum(x)", "x", "expected a list, like [a, b], got a number"),
        ("tanh([x])", "[x]", "expected a number, got a list"),
        ("[x] + 1", "[x]", "expected a number, got a list"),
        (
            "softmax([x, y])",
            "softmax([x, y])",
            "expected a number, got a list; one of its elements is softmax([a, b])[0]",
        ),
        ("λ*é + 日本.語", "日本.語", ONLY),
        ("x + True", "True", ONLY),
        ("x + 1j", "1j", ONLY),
        ("x + 1e999", "1e999", "the number is too large for a float"),
        ("x + " + "9" * 400, "9" * 400, "the number is too large for a float"),
        ("  (x + y", "(", "'(' was never closed"),
        ("x if y else 1", "x if y else 1", ONLY),
        ("x // y", "x // y", ONLY),
        ("f(x=1)", "=", "= is not part of an expression; the numbers for the names are given apart"),
        ("sum(*x)", "*x", ONLY),
        ("softmax([x, y])[z]", "softmax([x, y])[z]", ONLY),
        ("x\x00", "\x00", "'\\x00' is not part of an expression"),
    ],
)
def test_anything_else_is_refused_and_its_place_marked(text, place, reason):
    with pytest.raises(ExpressionError) as caught:
        parse(text)
    assert caught.value.reason == reason
    if place:
        assert caught.value.text[caught.value.start : caught.value.end] == place


def test_the_place_is_marked_by_a_line_of_carets():
    with pytest.raises(ValueError) as caught:
        parse("sigmoid(w*x + b.real)")
    assert str(caught.value).splitlines()[1:] == ["  sigmoid(w*x + b.real)", "                ^^^^^^"]
    with pytest.raises(ValueError) as caught:
        parse("日本 + x.y")  # two columns of a terminal each
    assert str(caught.value).splitlines()[1:] == ["  日本 + x.y", "         ^^^"]


def test_a_long_expression_is_shown_around_the_place():
    with pytest.raises(ExpressionError) as caught:
        parse("x + " * 1000 + "y.z" + " + x" * 1000)
    reason, line, carets = str(caught.value).splitlines()
    assert line[carets.index("^") : carets.rindex("^") + 1] == "y.z"
    assert len(line) < 120
    assert reason.endswith("at character 4001")


@pytest.mark.parametrize(
    "text", ["(" * 5000 + "x" + ")" * 5000, "-" * 9000 + "x", "x" + "**x" * 3000, "tanh(" * 1500 + "x" + ")" * 1500]
)
def test_deep_nesting_is_an_error(text):
    with pytest.raises(ExpressionError) as caught:
        parse(text)
    assert caught.value.reason in ("nested too deeply", f"expected at most 10,000 characters, got {len(text):,}")


def test_deep_nesting_that_is_read_is_built_without_recursion():
    x = Value(0.5)
    y = parse("x" + " + x" * 800).build({"x": x})
    y.backward()
    assert x.grad == 801.0


def test_names_without_values_and_values_without_names():
    with pytest.raises(ValueError, match="b has no value: expected one for each of w, x, b"):
        parse("w*x + b").build({"w": 1, "x": 2})
    product = "wx has no value: expected one for each of wx; a product is written with *"
    with pytest.raises(ValueError, match=re.escape(product)):
        parse("wx").build({"w": 1, "x": 2})
    for values in ({}, {"w": 1}, {"wx2": 1}):
        with pytest.raises(ValueError, match=r"wx has no value: expected one for each of wx$"):
            parse("wx").build(values)
    with pytest.raises(ValueError, match=re.escape("v is not in 'w*x', which has w, x")):
        parse("w*x").build({"w": 1, "x": 2, "v": 3})
    with pytest.raises(ValueError, match="from 0 to 1, got 2"):
        parse("softmax([x, 1])[2]").build({"x": 1})
    with pytest.raises(ValueError, match=re.escape("log(x) is undefined at x = -1")):
        parse("log(x)").build({"x": -1})


WORDS = re.findall(
    r"\S+", "x y ( ) [ ] , + - * / ** 1 1e308 0.5 . tanh exp dot softmax [0] lambda if for not = ' # ² e _"
)
WORDS += [" ", "\n", "\\", "9" * 300]


@given(st.one_of(st.text(), st.lists(st.sampled_from(WORDS), max_size=60).map("".join)))
@example("{" * 200)
@example("tanh(" * 190 + "x")
@example("[x for x in " * 90)
@example("9**9**9**9**9")
@example("x" * 100_000)
@example("\ud800")
def test_any_text_gives_a_number_or_a_clear_error_within_a_second(text):
    start = time.process_time()
    try:
        expression = parse(text)
    except ExpressionError as error:
        reason, line, carets = str(error).split("\n")
        assert reason and line.startswith("  ") and set(carets) == {" ", "^"}
    else:
        try:
            assert isinstance(expression.build(dict.fromkeys(expression.names, 0.5)), Value)
        except (ValueError, ArithmeticError) as error:
            assert str(error)
    assert time.process_time() - start < 1


FUNCTIONS = {"tanh": math.tanh, "cos": math.cos, "atan2": math.atan2, "hypot": math.hypot}


@given(
    st.recursive(
        st.sampled_from(["x", "y", "1", "0.25", "3e-2"]),
        lambda inner: st.one_of(
            st.tuples(inner, st.sampled_from([" + ", "-", "*", "- -"]), inner).map("".join),
            inner.map("({})".format),
            inner.map("-{}".format),
            inner.map("cos({})".format),
            st.tuples(inner, inner).map(lambda two: "atan2({}, {})".format(*two)),
        ),
        max_leaves=20,
    )
)
def test_a_correct_expression_gives_what_python_gives(text):
    expression = parse(text)
    values = {"x": 0.75, "y": -1.5}
    got = expression.build({name: values[name] for name in expression.names}).data
    assert got == eval(text, FUNCTIONS | values)


W40, W30 = "w*" * 20, "*w" * 15


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("w + * x", "invalid syntax, at character 5\n  w + * x\n      ^"),
        ("  w + * x", "invalid syntax, at character 7\n    w + * x\n        ^"),
        ("w +", "invalid syntax, at character 4\n  w +\n     ^"),
        (" w +", "invalid syntax, at character 5\n   w +\n      ^"),
        ("2w + 1", "invalid decimal literal; a product is written with *, at character 1\n  2w + 1\n  ^"),
        ("(w) x", "invalid syntax; a product is written with *, at character 5\n  (w) x\n      ^"),
        ("tanh w", "invalid syntax; tanh is written tanh(x), at character 6\n  tanh w\n       ^"),
        ("2 * max w", "invalid syntax; max is written max([a, b]), at character 9\n  2 * max w\n          ^"),
        ("w w", "invalid syntax; a product is written with *, at character 3\n  w w\n    ^"),
        ("-w w", "invalid syntax; a product is written with *, at character 4\n  -w w\n     ^"),
        ("w .5", "invalid syntax, at character 3\n  w .5\n    ^"),
        (f"{W40}§{W30}", f"§ is not part of an expression, at character 41\n  {W40}§{W30}\n  {' ' * 40}^"),
        (f"w{W40}§{W30}*", f"§ is not part of an expression, at character 42\n  …{W40}§{W30}…\n  {' ' * 41}^"),
        (f"{'w' * 20} // {'x' * 16}", f"{ONLY}, at character 1\n  {'w' * 20} // {'x' * 16}\n  {'^' * 40}"),
        (f"{'w' * 20} // {'x' * 17}", f"{ONLY}, at character 1\n  {'w' * 20} // {'x' * 16}…\n  {'^' * 40}"),
        (f"{'w' * 20} // {'x' * 47}", f"{ONLY}, at character 1\n  {'w' * 20} // {'x' * 16}…\n  {'^' * 40}"),
        (f"({'w' * 20} // {'x' * 17}) * w", f"{ONLY}, at character 2\n  ({'w' * 20} // {'x' * 16}…\n   {'^' * 40}"),
        ("w\x1b+ 1", "'\\x1b' is not part of an expression, at character 2\n  w�+ 1\n   ^"),
        ("日本 § w", "§ is not part of an expression, at character 4\n  日本 § w\n       ^"),  # each takes two columns
        ("(" * 300 + "w" + ")" * 300, f"nested too deeply, at character 1\n  {'(' * 40}…\n  {'^' * 40}"),
        ("1" * 5000, f"a number is too large, at character 1\n  {'1' * 40}…\n  {'^' * 40}"),
    ],
)
def test_the_place_of_a_mistake_is_marked(text, message):
    with pytest.raises(ExpressionError) as raised:
        parse(text)
    assert str(raised.value) == message


def test_a_number_that_overflows_is_one_that_backward_refuses():
    root = parse("1e200 * 1e200").build()
    assert root.data == float("inf")
    with pytest.raises(ValueError, match="finite"):
        root.backward()


def test_a_text_as_long_as_is_read():
    assert parse("x" + " " * 9_999).names == ("x",)


def test_an_expression_shows_its_text():
    expression = parse(" w*w *\nx ")
    assert (expression.text, expression.names) == ("w*w *\nx", ("w", "x"))
    assert repr(expression) == r"parse('w*w *\nx')"


def test_a_text_that_is_too_long_is_marked_where_it_should_have_ended():
    with pytest.raises(ExpressionError) as raised:
        parse("w*" * 500_000)
    error = raised.value
    excerpt = f"…{'w*' * 36}…"
    assert str(error) == (
        f"expected at most 10,000 characters, got 1,000,000, at character 10001\n  {excerpt[:41]}w{excerpt[42:72]}…"
        f"\n  {' ' * 41}^"
    )
    assert (error.start, error.end) == (10_000, 10_001)
    assert len(error.text) < 10_100


@pytest.mark.parametrize("name", ["max", "min", "softmax", "log_softmax"])
def test_a_composed_operation_is_no_variable(name):
    with pytest.raises(ExpressionError, match=f"{name} is an operation: {name}\\("):
        parse(f"{name} + 1")


def test_a_style_that_python_warns_of_is_none_of_the_users():
    messages = []
    for action in ("ignore", "error"):
        with warnings.catch_warnings():
            warnings.simplefilter(action)
            with pytest.raises(ExpressionError) as raised:
                parse("1if w else 2")  # Python warns of a number that a keyword follows
            messages.append(str(raised.value))
    assert messages[0] == messages[1]


def test_blanks_before_an_expression_move_the_mark():
    for blanks in (0, 1, 5):
        with pytest.raises(ExpressionError) as raised:
            parse(" " * blanks + "w + foo(x)")
        assert (raised.value.start, raised.value.end) == (blanks + 4, blanks + 7)
