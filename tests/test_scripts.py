"""Scripts for other frameworks: they run, and print the engine's value and gradients."""

import contextlib
import io
import math
import subprocess
import sys
from importlib.util import find_spec
from unittest import mock

import pytest
from hypothesis import given, settings

from tests import dual
from tinygrad_edu import TABLE, Value, registered
from tinygrad_edu.check.strategies import expressions
from tinygrad_edu.engine import leaves
from tinygrad_edu.exchange import as_script
from tinygrad_edu.exchange.scripts import FUNCTIONS
from tinygrad_edu.nn import MLP, cross_entropy, squared_error

FRAMEWORKS = ["numpy", "torch", "jax"]
STANDINS = {"torch on dual numbers": dual.torch, "jax on dual numbers": dual.jax}
installed = [
    pytest.param(f, marks=pytest.mark.skipif(find_spec(f) is None, reason=f"{f} is not installed")) for f in FRAMEWORKS
]
each_framework = pytest.mark.parametrize("framework", [*installed, *STANDINS])


def written(root, framework):
    return as_script(root, framework.split()[0])


def printed(script, framework):
    """What a script prints: the value, then the gradients."""
    patched = mock.patch.dict(sys.modules, STANDINS[framework]()) if framework in STANDINS else contextlib.nullcontext()
    with contextlib.redirect_stdout(io.StringIO()) as out, patched:
        exec(compile(script, "<script>", "exec"), {"__name__": "__main__"})
    return [float(line.rpartition(" = ")[2]) for line in out.getvalue().splitlines()]


def expected(root):
    for leaf in leaves(root):
        leaf.grad = 0.0
    root.backward()
    return [root.data, *(leaf.grad for leaf in leaves(root))]


def agrees(root, framework, tolerance=1e-10):
    numbers, right = printed(written(root, framework), framework), expected(root)
    scale = max(1e-300, *map(abs, right))
    assert numbers == pytest.approx(right, rel=tolerance, abs=tolerance * min(scale, 1e6))


def points(row):
    """Operands in the domains, at a kink, and in the tails."""
    middle = [d.low + (d.high - d.low) * (0.3 + 0.31 * k) for k, d in enumerate(row.domains)]
    yield middle
    yield [d.low + (d.high - d.low) * (0.55 + 0.2 * k) for k, d in enumerate(row.domains)]
    if row.kink:
        yield [0.0] if len(row.domains) == 1 else [1.5, 1.5]


@each_framework
@pytest.mark.parametrize("name", TABLE)
def test_an_operation_has_the_same_gradients(name, framework):
    row = TABLE[name]
    for at in points(row):
        values = [Value(x) for x in at]
        if row.many:
            groups = [[Value(0.5 + k), Value(-1.5 * k), 2.0] for k, _ in enumerate(row.domains)]
            agrees(row.function(*groups) * 1.0, framework)
        else:
            agrees(row.function(*values) * 3.0, framework)
            for k in range(len(values) if len(values) > 1 else 0):
                operands = [x if j == k else v for j, (x, v) in enumerate(zip(at, values, strict=True))]
                agrees(row.function(*operands) * 3.0, framework)


@each_framework
def test_a_network_with_a_loss(framework):
    network = MLP(2, [3, 2], activation="tanh", seed=1)
    agrees(squared_error(network([0.5, -1.0]), [1.0, 0.0]), framework)
    agrees(cross_entropy(network([0.5, -1.0]), 1), framework)


@each_framework
@given(expressions())
@settings(max_examples=25)
def test_any_expression(framework, graph):
    try:
        right = expected(graph.root)
    except (ValueError, ArithmeticError):
        return
    if all(abs(x) < 1e100 for x in right):
        agrees(graph.root, framework, 1e-9)


@each_framework
def test_an_operation_of_ones_own_is_written_by_its_formula(framework):
    with (
        registered("cube", "³", "x * x * x", "3 * x * x"),
        registered("hill", "hill", "cube(sigmoid(x)) + 2**y", "3*sigmoid(x)**3*sigmoid(-x)", "2**y * log(2)"),
        registered("squares", "sq", "sum(x_i * x_i)", "2 * x_i"),
    ):
        x, y = Value(0.3, "x"), Value(-0.7, "y")
        root = x.hill(y) + TABLE["squares"].function([x, y, 2.0])
        assert "def cube(x):" in written(root, framework)
        agrees(root, framework)


@each_framework
def test_a_formula_of_ones_own_may_call_operations_on_plain_numbers(framework):
    """On an operand that is a constant, and on a number in the formula."""
    with (
        registered("log_2", "log₂", "log(x) / log(2)", "1 / x / log(2)"),
        registered("mix", "mix", "x * exp(y) + x * pow(2, 3)", "exp(y) + 8", "x * exp(y)"),
        registered("energies", "e", "sum(exp(y_i) * x_i + sqrt(4))", "exp(y_i)", "exp(y_i) * x_i"),
    ):
        x, y = Value(0.3, "x"), Value(0.7, "y")
        root = x.mix(0.5) * y.log_2() + TABLE["mix"].function(2.0, y)
        agrees(root + TABLE["energies"].function([x, 1.5], [2.0, y]), framework)


@pytest.mark.parametrize(
    ("framework", "name"), [("numpy", "np"), ("torch", "tensor"), ("jax", "jax"), ("jax", "f"), ("numpy", "print")]
)
def test_an_operation_of_ones_own_hides_nothing_that_a_script_needs(framework, name):
    with registered(name, "o", "x * x", "2 * x") as row:
        message = f"^as_script has something else called '{name}': register the operation by another name$"
        with pytest.raises(ValueError, match=message):
            as_script(row.function(Value(0.5)), framework)
        assert as_script(Value(0.5).tanh(), framework)  # where it is not used


@each_framework
def test_a_sum_too_long_for_a_line_is_a_function_of_sequences(framework):
    """Of one, and of two: each begins with the letter of its operands."""
    xs, ys = ([Value(0.01 * (k + start)) for k in range(201)] for start in (1, 100))
    root = TABLE["dot"].function(xs, ys)
    assert "def dot(x, y):\n    sum_1 = sum([x_i * y_i for x_i, y_i, in zip(x, y)])\n" in written(root, framework)
    agrees(root, framework)
    with registered("squares", "sq", "sum(x_i * x_i)", "2 * x_i"):
        root = TABLE["squares"].function(xs)
        assert "def squares(x):\n    sum_1 = sum([x_i * x_i for x_i, in zip(x)])\n" in written(root, framework)
        agrees(root, framework)


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_what_neither_the_framework_nor_a_formula_expresses_is_refused_by_name(framework, monkeypatch):
    monkeypatch.delitem(FUNCTIONS[framework], "erf")
    with pytest.raises(ValueError, match=f"^as_script: {framework} has no erf, and no formula expresses it$"):
        as_script(Value(0.5).erf(), framework)


@each_framework
def test_labels_that_a_script_needs_itself(framework):
    taken = [
        "np",
        "torch",
        "jax",
        "jnp",
        "tensor",
        "f",
        "value",
        "gradients",
        "print",
        "sum",
        "math",
        "range",
        "exp",
        "x",
        "x",
    ]
    values = [Value(1.0 + k / 10, label) for k, label in enumerate(taken)]
    root = values[0].exp()
    for v in values[1:]:
        root = root + v.maximum(1.0).sigmoid() * v
    root.label = "f"
    agrees(root, framework)
    odd = [Value(0.5, 'w"]; print(1) #'), Value(0.25, "w\n1"), Value(2.0, "λ"), Value(3.0, "class"), Value(-1.0, "1")]
    agrees(odd[0] * odd[1] + odd[2] * odd[3] + odd[4], framework)


@pytest.mark.parametrize("framework", installed)
def test_a_script_runs_by_itself(framework, tmp_path):
    x = Value(0.5, "x")
    y = (x * 3 - 1).tanh()
    y.label = "y"
    path = tmp_path / "script.py"
    path.write_text(as_script(y, framework), encoding="utf-8")
    done = subprocess.run([sys.executable, path], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    [value, gradient] = done.stdout.splitlines()
    assert value.startswith("y = 0.4621") and gradient.startswith("dy/dx = 2.359")


def test_a_leaf_alone_a_long_sum_and_a_deep_graph():
    agrees(Value(3.0, "w"), "numpy")
    values = [Value(k / 100) for k in range(500)]
    agrees(TABLE["sum"].function(values) * values[3], "numpy")
    x = root = Value(0.5)
    for _ in range(3000):
        root = root * 0.999 + x
    agrees(root, "numpy")


def test_what_it_refuses():
    x = Value(2.0, "x")
    with pytest.raises(ValueError, match=r"^as_script expected a framework of numpy, torch, jax, got 'keras'"):
        as_script(x * 2, "keras")
    with pytest.raises(TypeError, match=r"as_script expected a Value, got .*MLP.*: take an output or a loss"):
        as_script(MLP(2, [1]), "numpy")
    y = x * 2
    x.data = 5.0
    with pytest.raises(ValueError, match="x"):
        as_script(y, "numpy")


def test_a_wrong_rule_of_the_table_shows():
    """The frameworks differentiate themselves: so the comparison can fail."""
    if find_spec("torch") is None:
        pytest.skip("torch is not installed")
    with registered("wrong", "w", "x * x", "x"):
        root = Value(2.0).wrong() * 1.0
        assert printed(as_script(root, "torch"), "torch")[1] == 4.0
        assert math.isclose(expected(root)[1], 2.0)


def test_a_script_reads_like_one_that_a_person_wrote():
    x, taken = Value(0.5, "x"), Value(2.0, "np")
    inner = x * taken
    inner.label = "sum"
    assert (
        as_script((inner + 1).erf(), "numpy")
        == """\
import math

import numpy as np

erf = math.erf
exp = np.exp

x = 0.5
np_1 = 2.0
# forward
sum_1 = x * np_1
v1 = sum_1 + 1
v2 = erf(v1)
# backward: d_x is the derivative of v2 for x
d_v1 = 1.1283791670955126 * exp(-v1 * v1)
d_sum_1 = d_v1
d_x = d_sum_1 * np_1
d_np_1 = d_sum_1 * x

print("v2 =", v2)
print("dv2/dx =", d_x)
print("dv2/dnp_1 =", d_np_1)
"""
    )
    assert as_script(x.erf(), "jax").splitlines()[:12] == [
        "import jax",
        "import jax.numpy as jnp",
        "",
        'jax.config.update("jax_enable_x64", True)',
        "",
        "erf = jax.scipy.special.erf",
        "",
        "",
        "def f(x):",
        "    v1 = erf(x)",
        "    return v1",
        "",
    ]
    lines = as_script(x.erf(), "torch").splitlines()
    assert "erf = torch.erf" in lines and {"# forward", "v1.backward()", "# backward"} <= {*lines}


def test_a_script_defines_what_it_calls_and_no_more():
    x, y = Value(0.5, "x"), Value(2.0, "y")
    torch, jax = as_script(x.erf() * y, "torch"), as_script(x.erf() * y, "jax")
    assert "def tensor" not in torch and "def tensor" in as_script(x.maximum(1.0), "torch") + as_script(
        TABLE["logsumexp"].function([x, y]), "torch"
    )
    assert "def tensor" not in jax and "def tensor" not in as_script(x.maximum(1.0), "numpy")
    assert all(
        f"{name} = torch.{name}" in as_script(TABLE[name].function(x), "torch") for name in ("exp", "asin", "erf")
    )
    with registered("tensor", "t", "x * x + 1", "2 * x"):
        assert "torch" not in as_script(x.tensor(), "numpy")
    with registered("f", "f", "x * x + 1", "2 * x"):
        assert "def f(x):\n    return x * x + 1\n" in as_script(x.f(), "numpy")
        assert as_script(x.f(), "numpy").count("def f(") == 1
    assert jax.count("\n\n\ndef f(x, y):") == 1
    with registered("f", "f", "x * x + 1", "2 * x"):  # the name that the function has in a script for JAX
        assert as_script(x.exp(), "jax").count("def f(") == 1


def test_a_script_writes_operations_as_calls_each_defined_once():
    x = Value(0.5, "x")
    with registered("cube", "³", "x * x * x", "3 * x * x"):
        assert (
            as_script(x.cube().maximum(0.25).relu(), "numpy")
            == """\
import numpy as np

maximum = np.maximum
sign = np.sign


def cube(x):
    return x * x * x


def relu(x):
    return maximum(x, 0)


def step(x):
    return np.heaviside(x, 0.0)


x = 0.5
# forward
v1 = cube(x)
v2 = maximum(v1, 0.25)
v3 = relu(v2)
# backward: d_x is the derivative of v3 for x
d_v2 = step(v2)
d_v1 = d_v2 * (0.5 * (1 + sign(v1 - 0.25)))
d_x = d_v1 * (3 * x * x)

print("v3 =", v3)
print("dv3/dx =", d_x)
"""
        )
    assert "def abs(x):\n    return jnp.sign(x) * x\n" in as_script(abs(x), "jax")  # whose own has the slope 1 at 0
    assert "def abs" not in as_script(abs(x), "torch") + as_script(abs(x), "numpy")
