"""Programs as texts to paste."""

import importlib.util
import math
import random

import pytest

from tests.test_replay import close
from tinygrad_edu import nn
from tinygrad_edu.engine import TABLE, Value
from tinygrad_edu.replay import compile

np = pytest.importorskip("numpy")
LIBRARIES = ["numpy", "jax", "torch"]


def graphs():
    """A network, a causal attention, and every row that is not over many."""
    network = nn.MLP(2, [4, 3], activation="tanh", seed=1)
    x = [Value(0.3), Value(-0.2)]
    yield TABLE["logsumexp"].function(network(x)), network.parameters(), x
    rng = random.Random(0)
    w, x = [Value(rng.uniform(-1, 1)) for _ in range(12)], [Value(rng.uniform(-1, 1)) for _ in range(8)]
    dot, total = TABLE["dot"].function, TABLE["sum"].function
    rows = [[dot(w[2 * k : 2 * k + 2], x[2 * t : 2 * t + 2]) for k in range(6)] for t in range(4)]
    mixed = []
    for t in range(4):
        e = [dot(rows[t][:2], rows[s][2:4]).exp() for s in range(t + 1)]
        mixed += [dot(e, [rows[s][k] for s in range(t + 1)]) / total(e) for k in (4, 5)]
    yield total([m * m for m in mixed]), w, x
    w, x = [Value(0.3), Value(0.6)], [Value(0.5)]
    terms = [
        row.function(*(w[: len(row.operands)] if len(row.operands) == 2 else [w[0] * x[0]]))
        for row in TABLE.values()
        if not row.many
    ]
    yield total([term * x[0] for term in terms]), w, x


@pytest.mark.parametrize("library", LIBRARIES)
def test_the_text_computes_what_the_program_computes(library):
    if importlib.util.find_spec(library) is None:
        pytest.skip(f"needs {library}")
    for root, params, inputs in graphs():
        program = compile(root, params, inputs, also=inputs, backend="numpy")
        w = np.array([p.data for p in params])
        batch = np.array([[x.data * factor for x in inputs] for factor in (1.0, 0.9, 1.1)])
        names = {}
        exec(getattr(program, library)(), names)
        arguments = w, batch.T.copy()
        if library == "torch":
            arguments = map(names["np"].from_numpy, arguments)
        value, gradient, by_input = names["program"](*arguments)
        expected = program(w, batch)
        close(value, expected[0])
        close(np.asarray(gradient), expected[1])
        close(np.asarray(by_input).T, expected[2])


@pytest.mark.parametrize("library", LIBRARIES)
def test_constants_that_are_not_finite_are_written_in_the_words_of_the_library(library):
    if importlib.util.find_spec(library) is None:
        pytest.skip(f"needs {library}")
    w = Value(0.3)
    root = TABLE["logsumexp"].function([1.0, 0.25, Value(-math.inf, finite=False), w, w * 2.0])
    program, names = compile(root, [w], backend="numpy"), {}
    exec(getattr(program, library)(), names)
    arguments = np.array([0.3]), np.zeros((0, 1))
    value, gradient = names["program"](*(map(names["np"].from_numpy, arguments) if library == "torch" else arguments))
    expected = program([0.3])
    close(value, expected[0])
    close(np.asarray(gradient), expected[1])


def test_constants_have_64_bits_in_every_library():
    w, dot = [Value(0.5), Value(1.5)], TABLE["dot"].function
    program = compile(dot(w, [0.1, 0.3]), w, backend="python")
    assert "k1 = np.tensor([0.1, 0.3], dtype=np.float64)" in program.torch()
    assert "k1 = np.array([0.1, 0.3])" in program.numpy()
    assert 'jax.config.update("jax_enable_x64", True)' in program.jax()
