"""What is recorded of a graph, what is looked at when it comes from a function, and arithmetic that never raises."""

import itertools
import math
import re

import pytest

from tests.test_table import PLAIN
from tinygrad_edu import Value, compile, dot, logsumexp, registered, step
from tinygrad_edu import sum as total
from tinygrad_edu.engine import TABLE
from tinygrad_edu.replay.primitives import Ieee, on_ieee
from tinygrad_edu.replay.rolling import flows
from tinygrad_edu.replay.trace import recorded


def leaves(names="abc"):
    return [Value(1.5 + k, name) for k, name in enumerate(names)]


def operations(root, given, outputs=()):
    """Each operation of the trace: its name and operands, leaves by their labels and constants as numbers."""
    trace = recorded(root, given, [], outputs)
    names = [*(leaf.label for leaf in given), *(f"v{k}" for k, _ in enumerate(trace.operations, start=1))]

    def text(k):
        return names[k] if k >= 0 else f"{trace.constants[~k]:g}"

    lines = [f"{op.row.name} {' '.join(map(text, op.operands))}" for op in trace.operations]
    return [*lines, *(f"out {text(k)}" for k in (trace.root, *trace.outputs))]


RECORDED = {
    # A factor, divisor or exponent of 1 is left out; a square has a row of its own.
    "mul by 1": (lambda a, b, c: a * 1 + 1 * b, ["add a b", "out v1"]),
    "div by 1": (lambda a, b, c: a / 1 + 1 / b, ["truediv 1 b", "add a v1", "out v2"]),
    "pow 1": (lambda a, b, c: a**1 + 1**b, ["pow 1 b", "add a v1", "out v2"]),
    "pow 2": (lambda a, b, c: a**2 + 2**b, ["square a", "pow 2 b", "add v1 v2", "out v3"]),
    "pow 3": (lambda a, b, c: a**3, ["pow a 3", "out v1"]),
    "times 0": (lambda a, b, c: a * 0 + b, ["mul a 0", "add v1 b", "out v2"]),
    "plus 0": (lambda a, b, c: a + 0 - 0, ["add a 0", "sub v1 0", "out v2"]),
    "times -1": (lambda a, b, c: a * -1.0, ["mul a -1", "out v1"]),
    # Constants are worked out, once.
    "constants": (lambda a, b, c: a * (Value(2.0) * 3 + Value(1.0).exp() * 0), ["mul a 6", "out v1"]),
    "constant root": (lambda a, b, c: Value(2.0) * 3, ["out 6"]),
    "log of 0": (lambda a, b, c: a + Value(0.5).log() * 0, ["add a -0", "out v1"]),
    # What is the same is computed once; the order of operands makes a difference.
    "shared": (lambda a, b, c: (a * b).sin() + (a * b).sin(), ["mul a b", "sin v1", "add v2 v2", "out v3"]),
    "not shared": (lambda a, b, c: a * b + b * a, ["mul a b", "mul b a", "add v1 v2", "out v3"]),
    "over many": (lambda a, b, c: dot([a, 2.0, c], [b, a, 3.0]), ["dot a 2 c b a 3", "out v1"]),
}


@pytest.mark.parametrize("name", RECORDED)
def test_what_is_recorded(name):
    build, expected = RECORDED[name]
    given = leaves()
    root = build(*given)
    used = [leaf for leaf in given if f" {leaf.label}" in " ".join(expected)]
    assert operations(root, used) == expected


def test_what_nothing_needs_is_dropped_and_the_rest_is_counted_anew():
    a, b, _ = leaves()
    unused = a.exp() * b
    root = (a * 2 + Value(0.0) * 1).tanh()
    assert operations(root, [a], [root.exp(), a]) == [
        "mul a 2",
        "add v1 0",
        "tanh v2",
        "exp v3",
        "out v3",
        "out v4",
        "out a",
    ]
    folded = (a.sin() ** Value(1.0)) * b
    assert operations(folded, [a, b]) == ["sin a", "mul v1 b", "out v2"]
    assert unused.data > 0


def test_constants_are_kept_once_with_their_sign():
    a, b, _ = leaves()
    root = total([a, 2.0, 0.0, -0.0, 2.0, b, 0.0])
    trace = recorded(root, [a, b], [])
    assert [repr(x) for x in trace.constants] == ["2.0", "0.0", "-0.0"]
    assert trace.operations[0].operands == (0, -1, -2, -3, -1, 1, -2)
    bad = [Value(math.nan, finite=False), Value(math.inf, finite=False)]
    trace = recorded(total([a, *bad, *bad]), [a], [])
    assert [repr(x) for x in trace.constants] == ["nan", "inf"]


def test_the_first_label_of_what_is_computed_once_is_kept():
    a, b, _ = leaves()
    first, second, third = a * b, a * b, a * b
    second.label, third.label = "second", "third"
    lines = compile(first + second + third, [a, b], backend="python").source.splitlines()
    assert lines[3:6] == ["    second = a * b", "    v1 = second + second", "    v2 = v1 + second"]


def test_what_is_needed_and_what_a_gradient_flows_through():
    a, b, c = leaves()
    trace = recorded((a * b).exp() + c * 2, [a, b, c], [])  # slots: a b c, mul, exp, mul, add
    assert trace.needed_by([4]) == [True, True, False, True, True, False, False]
    assert trace.needed_by([5]) == [False, False, True, False, False, True, False]
    assert trace.needed_by([-1, 0]) == [True] + [False] * 6
    nodes = dict(enumerate(trace.operations, start=3))
    assert flows(nodes, trace.root, [0]) == {0, 3, 4, 6}
    assert flows(nodes, trace.root, [2]) == {2, 5, 6}
    assert flows(nodes, trace.root, []) == flows(nodes, 5, [0]) == set()


@pytest.mark.parametrize(
    ("one", "other", "words"),
    [
        (lambda a, b: a * b, lambda a, b: a * b, ""),
        (lambda a, b: a * b, lambda a, b: a + b, "operation 1 is mul here and add there"),
        (lambda a, b: (a * b).sin(), lambda a, b: a * b, "operation 2 is sin here and missing there"),
        (lambda a, b: a * b, lambda a, b: (a * b).sin(), "operation 2 is missing here and sin there"),
        (lambda a, b: a / b, lambda a, b: b / a, "operation 1, truediv, has other operands"),
        (lambda a, b: a * b * 3, lambda a, b: a * b * 4, "the constant 3.0 is 4.0 there"),
        (lambda a, b: a * b + 0.0, lambda a, b: a * b + -0.0, "the constant 0.0 is -0.0 there"),
        (lambda a, b: a * b + 3, lambda a, b: a * b + 3, ""),
    ],
)
def test_where_two_traces_differ_is_told(one, other, words):
    found = [recorded(build(*given), given, []) for build in (one, other) for given in [leaves("ab")]]
    assert found[0].difference(found[1]) == words


def test_traces_with_other_roots_or_outputs_differ():
    a, b = leaves("ab")
    root, product = (a * b).sin(), a * b
    same = recorded(root, [a, b], [], [product])
    assert same.difference(recorded(root, [a, b], [], [product])) == ""
    words = "the root or an output is another operation"
    assert same.difference(recorded(root, [a, b], [], [a])) == words
    assert same.difference(recorded(root, [a, b], [], [product, product])) == words
    assert recorded(product, [a, b], [], [root]).difference(recorded(root, [a, b], [], [product])) == words


MISTAKES = {
    "compile: the root does not depend on params[1] ('b')": lambda a, b, c: compile(a * c, [a, b], [c]),
    "compile: the root does not depend on inputs[0] ('b')": lambda a, b, c: compile(a * c, [a], [b, c]),
    "compile: the root does not depend on params[0]": lambda a, b, c: compile(a * c, [Value(1.0), a, c]),
    "compile expected leaves, inputs[1] is the result of exp(x)": lambda a, b, c: compile(a * c, [a], [c, a.exp()]),
    "compile expected each leaf once, params[2] ('a') is params[0] too": lambda a, b, c: compile(a * b, [a, b, a]),
    "compile expected each leaf once, inputs[0] ('b') is params[1] too": lambda a, b, c: compile(a * b, [a, b], [b]),
}


@pytest.mark.parametrize("words", MISTAKES)
def test_leaves_that_cannot_be_meant(words):
    with pytest.raises(ValueError) as error:
        MISTAKES[words](*leaves())
    assert str(error.value) == words


# A function instead of a graph


def looks_of(f, numbers, params=()):
    """The numbers that a function and its params were looked at with."""
    seen = []

    def watched(*given):
        seen.append(([x.data for x in given], [p.data for p in params]))
        return f(*given)

    before = [p.data for p in params]
    try:
        compile(watched, [*params], numbers, backend="python")
        words = ""
    except ValueError as error:
        words = str(error)
    assert [p.data for p in params] == before
    return seen, words


def test_a_function_is_looked_at_across_zero_both_ways_and_no_more():
    w = Value(2.0, "w")
    seen, words = looks_of(lambda x, y: w * x + y, [1.0, -0.5], [w])
    assert words == ""
    assert seen == [
        ([1.0, -0.5], [2.0]),
        ([-1.375, 0.125], [2.0]), ([1.0, -0.5], [-2.375]),
        ([-0.625, 0.875], [2.0]), ([1.0, -0.5], [-1.625]),
    ]  # fmt: skip


def test_a_function_that_fails_there_is_looked_at_ever_nearer():
    w = Value(2.0, "w")
    seen, words = looks_of(lambda x: w * x.log(), [1.0], [w])
    assert words == ""
    assert [x for (x,), p in seen if p == [2.0] and x != 1.0] == [-1.375, -0.625, 0.8125]
    assert [p for x, (p,) in seen if p != 2.0] == [-2.375, -1.625]
    seen, words = looks_of(lambda x: (x - 0.99).log() * w, [1.0], [w])
    assert [x for (x,), p in seen if p == [2.0] and x != 1.0] == [-1.375, -0.625, 0.8125, 1.0078125]


def test_a_function_that_fails_wherever_it_is_looked_at_says_so():
    calls = []

    def f(x):
        calls.append(x.data)
        if len(calls) > 1:
            raise KeyError("only once")
        return x * 2

    with pytest.raises(KeyError, match="only once"):
        compile(f, [], [1.0], backend="python")
    assert calls == [1.0, -1.375, 1.0, -0.625, 1.0, 0.8125, 1.0, 1.0078125, 1.0, 1.0]


def test_another_graph_is_told_with_the_numbers_that_make_it():
    w = Value(2.0, "w")
    ending = " A Python if on a Value, or its data used as a number, is fixed when the graph is recorded."
    _, words = looks_of(lambda x: w * x if x > 0 else w + x, [1.0], [w])
    assert words == (
        "compile: the function builds another graph for the inputs [-1.375] than for [1.0]: operation 1 is mul here "
        f"and add there.{ending}"
    )
    _, words = looks_of(lambda x: w * x if w > -2 else w + x, [1.0], [w])
    assert words == (
        "compile: the function builds another graph for the params [-2.375] than for [2.0]: operation 1 is mul here "
        f"and add there.{ending}"
    )
    _, words = looks_of(lambda x: w * x.log() * round(10 * x.data), [1.0], [w])
    assert words == (
        "compile: the function builds another graph for the inputs [0.8125] than for [1.0]: the constant 10.0 is 8.0 "
        f"there.{ending}"
    )


def test_inputs_of_a_function_keep_their_labels_and_outputs():
    seen = []

    def f(x, y):
        seen.append((x.label, y.label))
        return x * y, (z for z in [x, x * y])

    program = compile(f, [], [Value(2.0, "first"), 3.0], backend="python")
    assert {*seen} == {("first", "")}
    assert program.forward([], [4.0, 5.0]) == [4.0, 20.0]
    assert "first, v1 = inputs" in program.source


# Arithmetic that follows NumPy

SPECIAL = [
    *(math.nan, math.inf, -math.inf, 0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 2.0, -2.0, 3.0, -3.0, 1 / 3, -2.5, 1e308, -1e308),
    *(1e-320, 800.0, -800.0, 2.0**53, -(2.0**53) - 2),
]
THEIRS = {
    "asin": "arcsin", "acos": "arccos", "atan": "arctan", "atan2": "arctan2", "pow": "float_power", "neg": "negative",
    "add": "add", "sub": "subtract", "mul": "multiply", "truediv": "true_divide",
}  # fmt: skip
COMPOSED = "step is_zero erf erfc gelu relu leaky_relu linear softplus silu elu sigmoid sech cos_asin unit"
KNOWN = [row for row in PLAIN if row.name not in COMPOSED.split()]


@pytest.mark.parametrize("row", KNOWN, ids=lambda row: row.name)
def test_arithmetic_that_never_raises_is_numpys(row):
    np = pytest.importorskip("numpy")
    theirs = getattr(np, THEIRS.get(row.name, row.name))
    for at in itertools.product(SPECIAL, repeat=len(row.operands)):
        with np.errstate(all="ignore"):
            expected = float(theirs(*map(np.float64, at)))
        found = on_ieee(row)(*map(Ieee, at))
        assert float(found) == pytest.approx(expected, rel=1e-14, abs=0.0, nan_ok=True), (row.name, at)
        if expected == 0 and row.name in (
            "mul",
            "truediv",
            "neg",
            "sinh",
            "asin",
            "atan",
            "tan",
            "sin",
            "expm1",
            "tanh",
        ):
            assert math.copysign(1.0, found) == math.copysign(1.0, expected), (row.name, at)


@pytest.mark.parametrize("name", ["log", "truediv", "pow", "exp", "sqrt", "mul", "sigmoid", "unit"])
def test_a_program_answers_for_any_floats(name):
    row = TABLE[name]
    given = [Value(0.5) for _ in row.operands]
    program = compile(row.function(*given), [], given, also=given, backend="python")
    for at in itertools.product(SPECIAL, repeat=len(given)):
        value, _, slopes = program([], list(at))
        assert type(value) is float and all(isinstance(slope, float | int) for slope in slopes)
        assert value == pytest.approx(float(on_ieee(row)(*map(Ieee, at))), rel=1e-14, nan_ok=True)


def test_numbers_that_follow_ieee_stay_so():
    for a, b in itertools.product((1.5, -0.0, math.inf), (2, 0.0, -3.0)):
        x, y = Ieee(a), Ieee(b)
        for found in (x + b, a + y, x - b, a - y, x * b, a * y, x / b, a / y, -x, abs(x)):
            assert type(found) is Ieee
        assert [repr(float(z)) for z in (a - y, a + y, a * y)] == [repr(float(z)) for z in (a - b, a + b, a * b)]
    assert [1 / Ieee(0.0), 1 / Ieee(-0.0), -1 / Ieee(0.0), Ieee(-2.0) / -0.0] == [
        math.inf,
        -math.inf,
        -math.inf,
        math.inf,
    ]
    assert math.isnan(0 / Ieee(0.0)) and math.isnan(Ieee(math.nan) / 0) and 6 / Ieee(4.0) == 1.5


# What is written


def test_a_long_sum_is_cut_into_lines_and_a_longer_one_left_to_a_function():
    a, b, _ = leaves()
    short = compile(total([a] * 199 + [b]), [a, b], backend="python")
    assert f"v1 = {' + '.join(['a'] * 199 + ['b'])}\n" in short.source
    long = compile(total([a] * 200 + [b]), [a, b], backend="python")
    assert f"v1 = sum([{', '.join(['a'] * 200 + ['b'])}])\n" in long.source
    for program, n in ((short, 199), (long, 200)):
        assert program([2.0, 0.5]) == (2.0 * n + 0.5, [n, 1])
    x, others = Value(0.25, "x"), [Value(0.5 * k) for k in range(450)]
    root = x * 1.5
    for other in others:  # each a use of x, whose gradient is summed 200 terms a line
        root = root + x * other
    program = compile(root, [x], others, backend="python")
    lines = [line for line in program.source.splitlines() if line.startswith("    d_x =")]
    assert [line.count(" + ") for line in lines] == [199, 200, 51]
    value = 1.5 + sum(0.5 * k for k in range(450))
    assert program([1.0], [0.5 * k for k in range(450)]) == (value, [value])


def test_what_no_gradient_comes_through_to_has_the_gradient_0_in_c():
    a, b, _ = leaves()
    assert "    gradient[0] = 0;\n    gradient[1] = v1;\n" in compile(step(a) * b, [a, b], backend="python").c()


def test_sums_in_a_derivative_are_computed_once_under_names_of_their_own():
    a, b, _ = leaves()
    taken = Value(0.5, "sum_1_v1")
    root = logsumexp([a, b, 2.0]) * taken
    program = compile(root, [a, b, taken], backend="python")
    assert program.source.count("sum_1_v1_ = exp(a - v1) + exp(b - v1) + exp(2 - v1)\n") == 1
    root.backward()
    assert program([a.data, b.data, 0.5])[1] == pytest.approx([a.grad, b.grad, taken.grad], rel=1e-14)
    with registered("own", "o", "sum(x_i * x_i)", "2 * x_i / sum(x_i * x_i)", shown="x_i"):
        many = [Value(0.5 + k) for k in range(250)]
        program = compile(TABLE["own"].function(many), many, backend="python")
        squares = sum((0.5 + k) ** 2 for k in range(250))
        found = program([x.data for x in many])
        assert found == (pytest.approx(squares), pytest.approx([2 * (0.5 + k) / squares for k in range(250)]))
        assert len(re.findall(r"= sum\(\[", program.source)) >= 1


def test_programs_of_python_take_one_kind_of_number_after_another():
    from fractions import Fraction

    a, x, _ = leaves()
    program = compile(a * x + step(x) * 2, [a], [x], outputs=[a * x], backend="python")
    half = Fraction(1, 2)
    for _ in range(2):
        assert program([3.0], [2.0]) == (8.0, [2.0])
        assert program([half], [Fraction(1, 3)]) == (half * Fraction(1, 3) + 2, [Fraction(1, 3)])
        assert program([3], [2]) == (8.0, [2.0]) and type(program([3], [2])[1][0]) is float
        assert program([half], [[half], [Fraction(1, 4)]]) == (Fraction(3, 16) + 2, [Fraction(3, 8)])
        assert program.forward([half], [half]) == [Fraction(1, 4)]
        assert program.forward([2.0], [[half], [1.0]]) == [[1.0], [2.0]]
        assert program([True], [2.0]) == (4.0, [2.0])


def test_values_alone_and_columns():
    a, x, _ = leaves()
    for reduce, expected in (("mean", 5.0), ("sum", 10.0), (None, [4.0, 6.0])):
        program = compile(a * x, [a], [x], reduce=reduce, backend="python")
        assert program.value([2.0], [[2.0], [3.0]]) == expected
        assert program.value([2.0], [3.0]) == 6.0 and type(program.value([2.0], [3.0])) is float
        assert program.hvp([2.0], [3.0], [1.0]) == [0.0]
    square = compile(a * a * x, [a], [x], backend="python")
    assert square.hessian([2.0], [3.0]) == [[6.0]]
    assert square.hessian([2.0], [[3.0], [5.0]]) == [[8.0]]
    assert square.hvp([2.0], [[3.0], [5.0]], [0.5]) == [4.0]
    summed = compile(a * a * x, [a], [x], reduce="sum", backend="python")
    assert summed.hessian([2.0], [[3.0], [5.0]]) == [[16.0]]
    assert compile(x * 2.0, [], [x], backend="python").hessian([], [1.0]) == []
    apart = compile(a * a * x, [a], [x], reduce=None, backend="python")
    assert apart.hessian([2.0], [3.0]) == [[6.0]]
    with pytest.raises(
        ValueError, match=r"^hessian expected one example, or a program that reduces a batch \(mean, sum\)$"
    ):
        apart.hessian([2.0], [[3.0], [5.0]])


def test_a_power_of_two_with_the_first_param_for_its_exponent_is_no_square():
    w = Value(3.0, "w")
    assert recorded(2.0**w, [w], []).operations[0].row.name == "pow"
