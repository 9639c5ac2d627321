"""An independent oracle: the same formulas at 50 digits, differentiated by differences that are exact to 30."""

import math
import random

import pytest
from hypothesis import given

import tinygrad_edu
from tests.test_table import PLAIN, points
from tinygrad_edu import TABLE, Value, grad, logsumexp, softmax
from tinygrad_edu.check.strategies import expressions
from tinygrad_edu.engine import leaves, local_derivatives, topological
from tinygrad_edu.engine.formulas import applied, compile_formula, folds, on_floats, partials_on_floats, rows_in
from tinygrad_edu.engine.table import OPERATORS

mpmath = pytest.importorskip("mpmath")
mp = mpmath.mp.clone()
mp.dps = 50
LITERALS = {  # what the decimals in formulas stand for
    "0.7071067811865476": "(1 / sqrt(2))",
    "0.01": "(1 / hundred)",
    "0.4342944819032518": "(1 / log(ten))",
}

PRIMITIVES = {
    name: getattr(mp, name)
    for name in ["exp", "expm1", "log", "sqrt", "sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh"]
} | {
    "tanh": mp.tanh,
    "erf": mp.erf,
    "erfc": mp.erfc,
    "hypot": mp.hypot,
    "atan2": mp.atan2,
    "pow": mp.power,
    "log1p": mp.log1p,
    "abs": abs,
    "maximum": max,
    "minimum": min,
    "sign": mp.sign,
    "step": lambda x: mp.mpf(x > 0),
}

# Where float64 formulas cannot do better without arithmetic in two parts, the bound and the reason.
ULPS = {
    ("pow", 1): (10, "y - 1 is rounded, and log(x) times that error shows"),
    ("erf", 1): (16, "x*x is rounded before exp"),
    ("erfc", 1): (16, "x*x is rounded before exp"),
    ("gelu", 0): (32, "erfc multiplies the rounding of x/√2 by 2x²"),
}
SCALED = {"gelu", "silu"}  # whose derivative crosses 0: measured against the size of its terms, which is about 1


def on_mpmath(row):
    if row.primitive:
        return PRIMITIVES[row.name]
    text = row.primal
    for literal, exact in LITERALS.items():
        text = text.replace(literal, exact)
    scope = {"sqrt": mp.sqrt, "hundred": mp.mpf(100), "log": mp.log, "ten": mp.mpf(10)}
    return compile_formula(row.operands, text, rows_in([row.primal], on_mpmath) | scope)


def derivative(f, at, k):
    """The central difference at 50 digits, with a step whose error is 1e-30."""
    h = mp.mpf(10) ** -16
    up, down = ([x + s * (j == k) for j, x in enumerate(at)] for s in (h, -h))
    return (f(*up) - f(*down)) / (2 * h)


def ulps(number, exact, at_least=0.0):
    return float(abs(mp.mpf(number) - exact) / math.ulp(max(abs(float(exact)), at_least)))


@pytest.mark.parametrize("row", PLAIN, ids=lambda row: row.name)
def test_values_and_partials_are_within_units_in_the_last_place(row):
    f = on_mpmath(row)
    for at in points(row, 200):
        exact = [mp.mpf(x) for x in at]
        out = on_floats(row)(*at)
        bound, _ = ULPS.get((row.name, 0), (4, ""))
        assert ulps(out, f(*exact)) <= bound, at
        for k, partial in enumerate(partials_on_floats(row)):
            bound, _ = ULPS.get((row.name, k + 1), (4, ""))
            size = 1.0 if row.name in SCALED else 0.0
            assert ulps(partial(*at, out), derivative(f, exact, k), size) <= bound, (at, k)


def test_the_oracle_catches_a_derivative_that_is_wrong_in_the_tail():
    """1 - tanh² and σ(1 - σ) are right near 0 and lose all digits in the tail."""
    tanh = on_mpmath(TABLE["tanh"])
    assert ulps(1 - math.tanh(9.0) ** 2, derivative(tanh, [mp.mpf(9)], 0)) > 1e5
    assert ulps(1 - math.tanh(0.1) ** 2, derivative(tanh, [mp.mpf("0.1")], 0)) < 1e3


def evaluated(graph, moved=None, by=0):
    """The root of a graph at 50 digits, with one leaf moved."""
    at = {leaf: mp.mpf(leaf.data) + (by if leaf is moved else 0) for leaf in leaves(graph.root)}
    for node in topological(graph.root):
        operands = [mp.mpf(p) if isinstance(p, float) else at[p] for p in node.parents]
        if not node.op.many:
            at[node] = on_mpmath(node.op)(*operands)
            continue
        width = len(operands) // len(node.op.operands)
        groups = [operands[k * width : (k + 1) * width] for k in range(len(node.op.operands))]
        found, rest = folds(node.op.primal)
        scope = {}
        for name, fold, term in found:
            each = compile_formula(node.op.operands, term, rows_in([term], on_mpmath) | scope)
            scope[name] = {"sum": sum, "max": max}[fold]([each(*x) for x in zip(*groups, strict=True)])
        at[node] = compile_formula((), rest, rows_in([rest], on_mpmath) | scope)()
    return at[graph.root]


def conditioning(root):
    """Σ |path products| from the root to each node: how much of its own rounding reaches the root."""
    weight = {root: 1.0}
    for node in reversed(topological(root)):
        for _, parent, partial in local_derivatives(node):
            weight[parent] = weight.get(parent, 0.0) + weight.get(node, 0.0) * abs(partial)
    return weight


@given(expressions())
def test_random_graphs_are_within_the_bound_of_their_own_conditioning(graph):
    root = graph.root
    if not root.parents:
        return
    root.backward()
    nodes = len(topological(root))
    weight = conditioning(root)
    # To 1e-40, for the oracle itself has 50 digits.
    roundings = sum(weight[value] * abs(value.data) for value in weight)
    assert abs(root.data - evaluated(graph)) <= 32 * 2.3e-16 * roundings + 1e-40, (
        f"{graph}\n{root.data} {evaluated(graph)}"
    )
    size = max(1.0, *(abs(v.data) for v in weight), *weight.values())
    for leaf in leaves(root):
        h = mp.mpf(10) ** -16
        exact = (evaluated(graph, leaf, h) - evaluated(graph, leaf, -h)) / (2 * h)
        # A node's rounding moves its own local derivatives too, by as much as second derivatives are large: below 16.
        bound = 16 * nodes * 2.3e-16 * size * max(1.0, weight[leaf])
        assert abs(leaf.grad - exact) <= bound, f"{graph}\n{leaf.label}: {leaf.grad} {exact}"


@pytest.mark.parametrize("name", ["dot", "sum", "logsumexp"])
def test_operations_over_many(name):
    row = TABLE[name]
    numbers = [0.3, -1.7, 2.2, 0.1][: 4 if len(row.operands) == 2 else 3]
    out = applied(row, numbers)
    groups = [numbers[: len(numbers) // len(row.operands)], numbers[len(numbers) // len(row.operands) :]]
    exact = {
        "dot": sum(mp.mpf(x) * mp.mpf(y) for x, y in zip(*groups, strict=False)),
        "sum": sum(map(mp.mpf, numbers)),
        "logsumexp": mp.log(sum(mp.exp(mp.mpf(x)) for x in numbers)),
    }[name]
    assert ulps(out, exact, 1.0) <= 4


DEFINITIONS = {  # of the rows that formulas make, as books write them; the formulas are what is stable in floats
    "square": lambda x: x**2,
    "reciprocal": lambda x: 1 / x,
    "log10": mp.log10,
    "sech": mp.sech,
    "elu": lambda x: x if x > 0 else mp.exp(x) - 1,
    "linear": lambda x: x,
    "is_zero": lambda x: mp.mpf(x == 0),
    "sigmoid": lambda x: 1 / (1 + mp.exp(-x)),
    "softplus": lambda x: mp.log(1 + mp.exp(x)),
    "relu": lambda x: x if x > 0 else mp.mpf(0),
    "leaky_relu": lambda x: x if x > 0 else x / 100,
    "gelu": lambda x: x * mp.ncdf(x),
    "silu": lambda x: x / (1 + mp.exp(-x)),
    "cos_asin": lambda x: mp.cos(mp.asin(x)),
    "unit": lambda x, y: mp.cos(mp.atan2(y, x)),
}


COMPOSED = [row for row in PLAIN if not row.primitive and row.name not in OPERATORS]


@pytest.mark.parametrize("row", COMPOSED, ids=lambda row: row.name)
def test_formulas_are_their_definitions(row):
    for at in points(row, 50):
        exact = [mp.mpf(x) for x in at]
        assert mp.almosteq(on_mpmath(row)(*exact), DEFINITIONS[row.name](*exact), rel_eps=mp.mpf(10) ** -30)


@pytest.mark.parametrize("x", [0.0, 1e-310, -1e-310, 5e-324, 1e-300, 2.0, -2.0, 1e300, -1e300])
def test_a_zeroth_power_has_a_derivative_of_zero_in_every_order(x):
    x = Value(x)
    first = grad(x**0, x)
    (x**0).backward()
    assert (x.grad, first.data, grad(first, x).data, (Value(0.0) ** 0).data) == (0.0, 0.0, 0.0, 1.0)
    power = Value(0.0)
    root = Value(3.0) ** power
    assert grad(grad(root, root.parents[0]), power).data == pytest.approx(1 / 3)  # ∂²/∂x∂y is 1/x where y is 0


# Second derivatives, as books write them, exact at 50 digits: (row, in which operands, formula).
SECOND = [
    ("hypot", (0, 0), lambda x, y: y**2 / mp.hypot(x, y) ** 3),
    ("hypot", (0, 1), lambda x, y: -x * y / mp.hypot(x, y) ** 3),
    ("hypot", (1, 1), lambda x, y: x**2 / mp.hypot(x, y) ** 3),
    ("atan2", (0, 0), lambda x, y: -2 * x * y / mp.hypot(x, y) ** 4),
    ("atan2", (1, 1), lambda x, y: 2 * x * y / mp.hypot(x, y) ** 4),
    ("unit", (0, 0), lambda x, y: -3 * x * y**2 / mp.hypot(x, y) ** 5),
    ("unit", (0, 1), lambda x, y: y * (2 * x**2 - y**2) / mp.hypot(x, y) ** 5),
    ("asin", (0, 0), lambda x: x / ((1 - x) * (1 + x)) ** mp.mpf("1.5")),
    ("acos", (0, 0), lambda x: -x / ((1 - x) * (1 + x)) ** mp.mpf("1.5")),
    ("tanh", (0, 0), lambda x: -2 * mp.tanh(x) * mp.sech(x) ** 2),
]
PAIRS = [(3.0, 4.0), (1e10, 1.0), (1.0, -1e10), (-1e-60, 1e-61), (1e60, 7e59), (1e-20, 1.0), (2e8, 3.0)]
SINGLE = [1e-300, -1e-17, 1e-9, 0.3, -0.7, 1 - 1e-10, 0.999]


@pytest.mark.parametrize(("name", "which", "exact"), SECOND, ids=lambda case: str(case) if case != SECOND else "")
def test_second_derivatives_keep_their_digits_far_from_1(name, which, exact):
    row = TABLE[name]
    for at in PAIRS if len(row.operands) == 2 else [(x,) for x in SINGLE]:
        operands = [Value(x) for x in at]
        second = grad(grad(row.function(*operands), operands[which[0]]), operands[which[1]]).data
        assert ulps(second, exact(*map(mp.mpf, at))) <= 16, (at, second)


@pytest.mark.parametrize(
    ("name", "k", "low", "high", "bound"),
    [
        ("erf", 1, -26, 26, lambda x: 4 + x * x),
        ("erfc", 1, -26, 26, lambda x: 4 + x * x),
        ("gelu", 0, -37, 0, lambda x: 4 + 2 * x * x),
        ("gelu", 1, -37, -2, lambda x: 4 + 2 * x * x),  # it crosses 0 at -0.75
        ("gelu", 0, 0, 37, lambda x: 4),
        ("silu", 0, -700, 700, lambda x: 5),
        ("silu", 1, -700, -2, lambda x: 5),
        ("tanh", 1, -300, 300, lambda x: 5),
    ],
)
def test_in_the_tails_the_accuracy_is_what_the_row_says(name, k, low, high, bound):
    row, rng = TABLE[name], random.Random(1)
    for _ in range(300):
        x = rng.uniform(low, high)
        out = on_floats(row)(x)
        if k == 0:
            number, exact = out, on_mpmath(row)(mp.mpf(x))
        else:
            number, exact = partials_on_floats(row)[0](x, out), EXACT[name](mp.mpf(x))
        assert ulps(number, exact) <= bound(x), x
    assert row.accuracy or max(bound(low), bound(high)) <= 5


SIZES = [0.0, -30.0, 300.0, 1e6, -1e9, 1e12, 1e15, 1e16, -1e17, 1e300]


def exact_logsumexp(numbers):
    with mp.workdps(400):
        largest = mp.mpf(max(numbers))
        weights = [mp.exp(mp.mpf(x) - largest) for x in numbers]
        return largest + mp.log(mp.fsum(weights)), [weight / mp.fsum(weights) for weight in weights]


@pytest.mark.parametrize("backend", ["eager", "higher order", "python", "numpy", "native", "native, many examples"])
@pytest.mark.parametrize("shift", SIZES)
def test_the_gradient_of_logsumexp_is_right_at_any_size(shift, backend):
    numbers = [shift + x for x in (0.5, -1.25, 3.0, 3.0, -2.0, 0.25, 1.0, 2.0, -3.0)]
    xs = [Value(number) for number in numbers]
    root = logsumexp(xs)
    if backend == "eager":
        root.backward()
        found = [x.grad for x in xs]
    elif backend == "higher order":
        found = [d.data for d in grad(root, xs)]
    elif backend == "native, many examples":
        pytest.importorskip("llvmlite")
        w = Value(1.0)
        program = tinygrad_edu.compile(logsumexp([w * x for x in xs]), params=[w], inputs=xs, backend="native", also=xs)
        found = program([1.0], [numbers] * 11)[2][5]
    else:
        pytest.importorskip({"native": "llvmlite", "numpy": "numpy"}.get(backend, "sys"))
        found = tinygrad_edu.compile(root, params=xs, backend=backend)(numbers, [])[1]
    for x, one, exact in zip(numbers, found, exact_logsumexp(numbers)[1], strict=True):
        assert ulps(float(one), exact) <= 6 + (max(numbers) - x)
    assert "4 + (max(x_i) - x_i) ulp" in TABLE["logsumexp"].accuracy


@pytest.mark.parametrize(
    "numbers", [[4.6e-10, -20.0], [-20.0, 1e-12, -35.0], [0.0, -36.0], [-700.0, 0.0], [1e-300, -709.0]]
)
def test_logsumexp_near_0_keeps_its_digits(numbers):
    found = [logsumexp(numbers), logsumexp([Value(x) for x in numbers]).data]
    found.append(tinygrad_edu.compile(logsumexp([Value(x) for x in numbers]), params=[], backend="python")([], [])[0])
    assert all(ulps(one, exact_logsumexp(numbers)[0]) <= 4 + max(numbers) - min(numbers) for one in found)


@pytest.mark.parametrize("shift", [0.0, -30.0, 300.0, 1e6, -1e9, 1e12])
def test_softmax_is_right_at_any_size(shift):
    xs = [Value(shift + x) for x in (0.5, -1.25, 3.0)]
    weights = [mp.exp(mp.mpf(x.data) - mp.mpf(shift)) for x in xs]
    exact = [w / sum(weights) for w in weights]
    assert all(ulps(p.data, e) <= 16 for p, e in zip(softmax(xs), exact, strict=True))  # which shifts them


EXACT = {
    "erf": lambda x: 2 / mp.sqrt(mp.pi) * mp.exp(-x * x),
    "erfc": lambda x: -2 / mp.sqrt(mp.pi) * mp.exp(-x * x),
    "gelu": lambda x: mp.ncdf(x) + x * mp.npdf(x),
    "silu": lambda x: (1 + mp.exp(-x) + x * mp.exp(-x)) / (1 + mp.exp(-x)) ** 2,
    "tanh": lambda x: mp.sech(x) ** 2,
}


def test_the_largest_powers_whose_derivative_is_right():
    x = Value(-1.0)
    (x ** (2.0**53 - 1)).backward()
    assert x.grad == 2.0**53 - 1
    assert TABLE["pow"].accuracy == "∂/∂x is off by 10 ulp, and wholly where y - 1 rounds to y"
