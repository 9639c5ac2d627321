"""Programs as one function in C: gcc has nothing to say against them, and they give the numbers of the program."""

import ctypes
import itertools
import math
import shutil
import subprocess

import pytest

from tinygrad_edu import MLP, Value, compile, dot, logsumexp, relu, sum
from tinygrad_edu.engine import TABLE, registered

pytestmark = pytest.mark.skipif(not shutil.which("gcc"), reason="needs gcc")
FLAGS = ["-std=c11", "-Wall", "-Werror", "-O3"]


@pytest.fixture
def built(tmp_path):
    """A program's function in C, called with lists."""
    count = itertools.count()

    def build(program):
        library = f"{next(count)}.so"  # a path is loaded once
        (tmp_path / "program.c").write_text(program.c(), encoding="utf-8")
        command = ["gcc", *FLAGS, "-shared", "-fPIC", "-o", library, "program.c", "-lm"]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        function = ctypes.CDLL(str(tmp_path / library)).program
        function.restype = ctypes.c_double

        def call(params, inputs):
            arrays = [(ctypes.c_double * max(1, len(x)))(*x) for x in (params, inputs, params, program.also)]
            value = function(*arrays[: 3 + bool(program.also)])
            also = [arrays[3][: len(program.also)]] if program.also else []
            return value, arrays[2][: len(params)], *also

        return call

    return build


def agree(mine, its):
    for a, b in zip(mine, its, strict=True):
        assert a == pytest.approx(b, rel=1e-12, abs=1e-14, nan_ok=True)


def every_row():
    """A sum over all rows, each at a point of its domains, shared between params and inputs."""
    w = [Value(0.3, "w"), Value(0.7, "double")]
    x = [Value(0.6, "θ"), Value(0.2, "y1")]
    terms = []
    for row in TABLE.values():
        if row.many:
            terms.append(row.function(*[w[:2], x[::-1]][: len(row.operands)]))
        else:
            terms.append(row.function(*[w[k] * x[k] for k in range(len(row.operands))]))
    return sum([term * x[1] for term in terms]), w, x


def test_every_row_gives_the_numbers_of_the_program(built):
    root, params, inputs = every_row()
    program = compile(root, params, inputs, also=inputs, backend="python")
    call = built(program)
    for moved in (1.0, 0.9, 1.05):
        numbers = [p.data * moved for p in params], [x.data * moved for x in inputs]
        agree(call(*numbers), program(*numbers))


def test_a_network_without_inputs_named_and_with_dead_code(built):
    network = MLP(2, [3, 1], activation="sigmoid", seed=1)
    x = [Value(0.5), Value(-1.0)]
    unused = relu(x[0])
    assert unused.data
    program = compile(network(x), network.parameters(), x, backend="python")
    numbers = [p.data for p in network.parameters()], [2.0, -0.25]
    agree(built(program)(*numbers), program(*numbers))
    constant = compile(network(x), network.parameters(), [], backend="python")
    agree(built(constant)(numbers[0], []), constant(numbers[0]))


@pytest.mark.parametrize("dialect", [["-std=c11"], [], ["-std=gnu2x"]], ids=["c11", "default", "newest"])
def test_labels_may_be_words_and_macros_of_c(dialect, tmp_path):
    words = "int asm typeof bool true nullptr constexpr alignas thread_local unix linux M_PI M_SQRT1_2 HUGE_VAL FP_NAN"
    leaves = [Value(1.0 + k, word) for k, word in enumerate([*words.split(), "fabs", "exp", "y1", "gamma"])]
    program = compile(sum([p * p.exp() + abs(p) for p in leaves]), leaves, backend="python")
    (tmp_path / "program.c").write_text(program.c(), encoding="utf-8")
    command = ["gcc", "-Wall", "-Werror", *dialect, "-c", "program.c"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_short_labels_are_names_and_words_have_something_behind():
    leaves = [Value(1.0 + k, label) for k, label in enumerate(("w", "x1", "h0[2]", "rate", "λ"))]
    text = compile(sum([p * p for p in leaves]), leaves, backend="python").c()
    for k, name in enumerate(("w", "x1", "h0_2", "rate_", "v1")):
        assert f"const double {name} = params[{k}];" in text


@pytest.mark.parametrize("at", [0.0, -1.0, math.inf, math.nan, 1e200])
def test_what_is_not_finite_is_as_in_the_program(built, at):
    w, x = Value(0.5), Value(1.0)
    root = logsumexp([w * x, x]) + dot([w, w], [x, -x]) + (w / x) + x.maximum(w) + w.step()
    program = compile(root, [w], [x], backend="python")
    agree(built(program)([0.5], [at]), program([0.5], [at]))


def test_constants_that_are_not_finite(built):
    w = Value(0.5)
    root = w * Value(math.inf, finite=False) + Value(-math.inf, finite=False).maximum(w)
    program = compile(root, [w], [], backend="python")
    agree(built(program)([0.5], []), program([0.5]))


def test_the_derivatives_for_inputs_come_in_a_fourth_argument():
    w, x = Value(0.5, "w"), Value(2.0, "x")
    assert compile(w * x, [w], [x], also=[x], backend="python").c().splitlines() == [
        "#include <math.h>",
        "",
        "double program(const double *params, const double *inputs, double *gradient, double *also)",
        "{",
        "    const double w = params[0];",
        "    const double x = inputs[0];",
        "    const double v1 = w * x;",
        "    gradient[0] = x;",
        "    also[0] = w;",
        "    return v1;",
        "}",
    ]


def test_an_operation_of_ones_own_may_be_called_as_one_of_the_library(built):
    with registered("cbrt", "³", "x * x * x", "3 * square(x)"):
        w = Value(2.0, "w")
        program = compile(w.cbrt() + 1, [w], [], backend="python")
        assert "static double own_cbrt(double x) { return x * x * x; }" in program.c()
        agree(built(program)([2.0], []), program([2.0]))
