"""A formula in a language computes what it computes on floats."""

import json
import math
import operator
import re
import shutil
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinygrad_edu import TABLE, registered
from tinygrad_edu.engine.formulas import FLOATS, compile_formula, folds, on_floats, rows_in
from tinygrad_edu.engine.languages import ATOM, JAVASCRIPT, PYTHON, UNARY, C, Text, constant, written

AT = {"x": 0.7, "y": 0.3, "x_i": 0.7, "y_i": 0.3, "out": 0.6, "sum_1": 1.25}  # a sum over all i, worked out


def cases():
    """Formula, its operands (names, and numbers for some of them), and what it gives at AT."""
    for row in TABLE.values():
        for formula in [*row.partials, *([] if row.primitive or row.many else [row.primal])]:
            formula = folds(formula)[1] if row.many else formula
            operands = [*row.operands, "out", "sum_1"]
            last, first = row.operands[-1], row.operands[0]
            for constants in [{}, *({last: v} for v in (2.0, -2.0, 0.5, 1.0, 3.0, 0.0)), {first: -2.0}, {first: 0.5}]:
                at = AT | constants
                try:
                    expected = compile_formula(operands, formula, rows_in([formula], on_floats))(
                        *[at[x] for x in operands]
                    )
                except (ValueError, ArithmeticError):
                    continue
                yield formula, {x: constants.get(x, x) for x in operands}, at, expected


CASES = list(cases())


def test_python_gives_the_same():
    scope = {name: on_floats(row) for name, row in TABLE.items() if not row.many}
    assert len(CASES) > 400
    for formula, operands, at, expected in CASES:
        text = written(formula, operands, PYTHON)
        assert math.isclose(eval(text, scope | at), expected, rel_tol=1e-13, abs_tol=1e-15), (formula, text)


@pytest.mark.skipif(not shutil.which("node"), reason="no Node to run JavaScript with")
def test_javascript_gives_the_same():
    used = {name for name in TABLE if any(f"{name}(" in formula for formula, *_ in CASES)}
    own = {"is_zero": "x == 0 ? 1 : 0", "square": "x * x", "maximum": "x > y ? x : y", "minimum": "x < y ? x : y"}
    own |= {"step": "x > 0 ? 1 : 0", "sech": "1 / Math.cosh(x)", "sigmoid": "1 / (1 + Math.exp(-x))"}
    own |= {"erfc": "0", "neg": "-x", "unit": "x / Math.hypot(x, y)", "cos_asin": "Math.sqrt((1 - x) * (1 + x))"}
    body = {
        name: own.get(name, f"Math.{name}(x, y)" if name in ("pow", "hypot", "atan2") else f"Math.{name}(x)")
        for name in used
    }
    script = "".join(f"const op_{name} = (x, y) => {text};\n" for name, text in body.items())
    asked = [(written(f, o, JAVASCRIPT), at, e) for f, o, at, e in CASES if "erfc" not in f]
    lines = ",".join(f"(({', '.join(AT)}) => {text})({','.join(str(at[k]) for k in AT)})" for text, at, _ in asked)
    script += f"console.log(JSON.stringify([{lines}]))"
    found = json.loads(subprocess.run(["node", "-e", script], capture_output=True, text=True, check=True).stdout)
    for (text, _, expected), number in zip(asked, found, strict=True):
        assert math.isclose(number, expected, rel_tol=1e-12, abs_tol=1e-14), text


def test_brackets_stand_where_they_are_needed_and_nowhere_else():
    a, b, c = Text("a"), Text("b"), Text("c")
    assert str(a * b + c) == "a * b + c"
    assert str(a * (b + c)) == "a * (b + c)"
    assert str(a - (b - c)) == "a - (b - c)"
    assert str(a - b - c) == "a - b - c"
    assert str(a / (b * c)) == "a / (b * c)"
    assert str(-(a + b)) == "-(a + b)"
    assert str(-a * b) == "-a * b"
    assert str(a * -2) == "a * -2"


def test_signs_are_written_as_a_person_would():
    a, b, c = Text("a"), Text("b"), Text("c")
    assert str(-(Text("-a", UNARY))) == "a"
    assert str(a - -b) == "a + b"
    assert str(a + -b * c) == "a - b * c"
    assert str(a + -(b + c)) == "a - (b + c)"
    assert str(a + (-b + c)) == "a + (-b + c)"
    assert str(a + -0.5) == "a - 0.5"
    assert str(a * -1 + -1 * b) == "-a - b"
    assert str((a + b) / -1) == "-(a + b)"


@pytest.mark.parametrize(
    ("formula", "operands", "text"),
    [
        ("y * x", {"x": "a", "y": 1.0}, "a"),
        ("1 / x", {"x": 4.0}, "0.25"),
        ("log(x)", {"x": 0.0}, "log(0)"),
        ("x**(y - 1)", {"x": "a", "y": 3.0}, "a * a"),
        ("exp(minimum(x, 0))", {"x": "a"}, "exp(minimum(a, 0))"),
        ("-x", {"x": -0.0}, "0"),
        ("x", {"x": -0.0}, "-0.0"),
        ("2 * (x + 1)", {"x": "a"}, "2 * (a + 1)"),
    ],
)
def test_what_is_constant_is_worked_out(formula, operands, text):
    assert written(formula, operands, PYTHON) == text


def test_c_spells_the_absolute_value_its_own_way():
    assert written("abs(x)", {"x": "a"}, C) == "fabs(a)"


def test_a_registered_row_is_written_by_its_name():
    with registered("mix", "mix", "x * exp(-y)", "exp(-y)", "-x * exp(-y)"):
        assert written("mix(x, 2) + 1", {"x": "a"}, PYTHON) == "mix(a, 2) + 1"


def test_numbers_read_back_as_they_were():
    for number in (0.1, 1e300, -2.0, 2.0**53, 1e-5, math.inf, 3.0):
        assert float(str(constant(number))) == number


def test_the_rows_that_floats_have_their_own_way_are_the_formulas():
    from tinygrad_edu.engine.formulas import PRIMITIVES, bind

    plain = bind(PRIMITIVES, "float")
    for name in FLOATS.keys() - PRIMITIVES.keys():
        for x in (-700.0, -40.0, -1.0, -1e-9, -0.0, 0.0, 1e-9, 0.3, 1.0, 20.0, 700.0):
            if (name == "log10" and x <= 0) or (name == "cos_asin" and abs(x) > 1):
                continue
            at = (x, 0.3)[: len(TABLE[name].operands)]
            assert math.isclose(FLOATS[name](*at), plain(TABLE[name])(*at), rel_tol=1e-14, abs_tol=0.0), (name, x)


def test_a_constant_stands_in_brackets_where_its_sign_would_be_misread():
    assert [constant(x).within(ATOM) for x in (-2.0, 2.0, -0.0, 0.0)] == ["(-2)", "2", "(-0.0)", "0"]


AS_WRITTEN = """
    a + b: a + b | a + 0: a + 0 | 0 + a: 0 + a | a * 0: a * 0 | a * 1: a | 1 * a: a | a / 1: a | a / -1: -a
    1 / a: 1 / a | a - -0.5: a + 0.5
    -1 * a: -a | a * -1: -a | a - 0: a - 0 | 0 - a: 0 - a | 2 - a: 2 - a | a - -2: a + 2 | a + -2: a - 2
    -(-a): a | -(a * b): -(a * b) | -a * -b: -a * -b | a + -(b + c): a - (b + c) | a - -a / b: a + a / b
    (a + b) / (a - b): (a + b) / (a - b) | a / (b / c): a / (b / c) | a * (b / c): a * (b / c) | a * b / c: a * b / c
    a / b * c: a / b * c | -(a - b): -(a - b) | a / -b: a / -b | a * -2: a * -2 | -2 * a: -2 * a | -2 / a: -2 / a
    2 / a: 2 / a | a - (b - c): a - (b - c) | a - b - c: a - b - c | a + (b - c): a + (b - c) | a - (b + 2): a - (b + 2)
    (2 + 3) * a: 5 * a | a * (2 - 3): -a | 2 * 3 - a: 6 - a | a - 2 * 3: a - 6 | -(-2) * a: 2 * a | 6 / 4 * a: 1.5 * a
"""
EACH = [pair.strip().rsplit(": ", 1) for line in AS_WRITTEN.strip().splitlines() for pair in line.split("|")]


@pytest.mark.parametrize(("expression", "text"), EACH, ids=[expression for expression, _ in EACH])
def test_arithmetic_on_text_reads_as_a_person_writes(expression, text):
    assert repr(eval(expression, {name: Text(name) for name in "abc"})) == text


WITHOUT_CALLS = {
    "abs(x)": "abs(a)",
    "abs(x) + 1": "abs(a) + 1",
    "is_zero(abs(x) + 1)": "0",  # what is at least 1 is not 0, and above it
    "is_zero(1 + abs(x))": "0",
    "is_zero(abs(x) + abs(y) + 1)": "0",
    "step(abs(x) + 1)": "1",
    "step(abs(x))": "step(abs(a))",  # at 0 it is another number
    "is_zero(abs(x))": "is_zero(abs(a))",
    "is_zero(x + 1)": "is_zero(a + 1)",
    "step(x)": "step(a)",
    "is_zero(abs(x) - 1)": "is_zero(abs(a) - 1)",
    "step(abs(x) * y)": "step(abs(a) * b)",
    "step(exp(x) + 1)": "step(exp(a) + 1)",
    "pow(x, 1)": "a",
    "pow(x, 2)": "a * a",
    "pow(x, 3)": "a * a * a",
    "pow(x, 4)": "pow(a, 4)",
    "pow(x, 0.5)": "pow(a, 0.5)",
    "pow(x + 0, 2)": "a * a",  # as x + 0 is x, but for the sign of a zero
    "pow(x + 0, 3)": "a * a * a",
    "pow(x + 0, 1)": "a",
    "pow(x + 0, -1.5)": "pow(a, -1.5)",
    "pow(x + 0, 4)": "pow(a, 4)",
    "pow(x + 0, -3)": "pow(a + 0, -3)",  # infinite at a zero, with its sign
    "pow(x + 0, y)": "pow(a + 0, b)",
    "pow(x + 1, 1)": "a + 1",
    "pow(x + 1, 2)": "pow(a + 1, 2)",
    "pow(x - 0, 2)": "pow(a - 0, 2)",
    "pow(exp(x), 2)": "pow(exp(a), 2)",  # which would be computed twice
    "square(x)": "a * a",
    "square(x + 1)": "square(a + 1)",
    "square(exp(x))": "square(exp(a))",
    "pow(2, x)": "pow(2, a)",
    "maximum(x, 2)": "maximum(a, 2)",
    "hypot(3, 4) * x": "5 * a",
    "exp(1000)": "exp(1000)",
    "pow(-8, 0.5)": "pow(-8, 0.5)",
}


@pytest.mark.parametrize("formula", WITHOUT_CALLS)
def test_a_call_is_written_where_one_is_needed(formula):
    assert written(formula, {"x": "a", "y": "b"}, PYTHON) == WITHOUT_CALLS[formula]
    theirs = {"abs": "fabs"}
    in_c = re.sub(r"\w+(?=\()", lambda name: theirs.get(name[0], name[0]), WITHOUT_CALLS[formula])
    assert written(formula, {"x": "a", "y": "b"}, C) == in_c
    prefixed = re.sub(r"(\w+)(?=\()", r"op_\1", WITHOUT_CALLS[formula])
    assert written(formula, {"x": "a", "y": "b"}, JAVASCRIPT) == prefixed


def test_numbers_as_text():
    numbers = (0.0, -0.0, 1.0, -1.0, 2.0**53, 2.0**53 - 1, -(2.0**53) + 1, 1e300, 0.1, math.inf, -math.inf, 3)
    assert [str(constant(x)) for x in numbers] == [
        *("0", "-0.0", "1", "-1", "9007199254740992.0", "9007199254740991", "-9007199254740991", "1e+300", "0.1"),
        *("inf", "-inf", "3"),
    ]
    assert [constant(x).binds for x in (0.0, 2.5, 1e300, -1.0, -0.0, -math.inf)] == [ATOM] * 3 + [UNARY] * 3
    assert [constant(x).number for x in (2, -0.5)] == [2.0, -0.5]
    assert str(constant(math.nan)) == "nan"


@given(st.recursive(
    st.sampled_from("abc") | st.sampled_from([-2.0, -1.0, -0.5, 0.0, 1.0, 2.0, 3.0]),
    lambda inner: st.tuples(st.sampled_from("+-*/"), inner, inner) | st.tuples(st.just("-"), inner),
    max_leaves=12,
))  # fmt: skip
def test_arithmetic_on_text_computes_what_it_says(tree):
    at = {"a": 0.75, "b": -1.5, "c": 3.25}

    def run(node, values):
        if isinstance(node, tuple):
            operands = [run(part, values) for part in node[1:]]
            operate = {"+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv}[node[0]]
            return operate(*operands) if len(operands) == 2 else -operands[0]
        return values[node] if isinstance(node, str) else values[""](node)

    try:
        expected = run(tree, at | {"": float})
    except ZeroDivisionError:
        return
    text = run(tree, {name: Text(name) for name in at} | {"": constant})
    assert eval(str(text), dict(at)) == pytest.approx(expected, rel=1e-12, abs=1e-12, nan_ok=True)
    if text.number is not None:
        assert text.number == pytest.approx(expected, rel=1e-12, abs=1e-12)
