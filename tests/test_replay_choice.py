"""Which backend `auto` takes, and what it says of it."""

import pickle

import pytest

from tests.test_replay import INSTALLED
from tinygrad_edu import MLP, Adam, Value, compile, sum
from tinygrad_edu.replay import compiler

pytestmark = pytest.mark.skipif("native" not in INSTALLED, reason="needs llvmlite")


def network(*sizes):
    """Its squared outputs, its parameters, its inputs."""
    mlp, x = MLP(sizes[0], [*sizes[1:]], activation="tanh", seed=1), [Value(0.5) for _ in range(sizes[0])]
    y = mlp(x)
    return sum([z * z for z in (y if isinstance(y, list) else [y])]), mlp.parameters(), x


def chained(*sizes):
    """A layer as it is written without `dot`, sums and products one by one."""
    nin, nout = sizes
    w, x = [[Value(0.1) for _ in range(nin)] for _ in range(nout)], [Value(0.5) for _ in range(nin)]
    z = [row[0] * x[0] for row in w]
    for k in range(1, nin):
        z = [total + row[k] * x[k] for total, row in zip(z, w, strict=True)]
    return sum([total.tanh() for total in z]), [p for row in w for p in row], x


def irregular(count):
    """A chain in which nothing is a layer."""
    w, x = [Value(0.1) for _ in range(count)], Value(0.5)
    y = x
    for k, p in enumerate(w):
        y = (y * p).sin() if k % 2 else (y + p).tanh()
    return y, w, [x]


def shared(count):
    """Many weights, each on a number of its own."""
    w, x = [Value(0.1) for _ in range(count)], [Value(0.5) for _ in range(count)]
    return sum([(a * b).tanh() for a, b in zip(w, x, strict=True)]), w, x


@pytest.mark.parametrize(
    ("graph", "backend", "share"),
    [
        (network(4, 3), "native", 0),  # fewer weights than a wide layer has
        (network(8, 8, 2), "numpy", 71),
        (chained(8, 8), "numpy", 88),
        (network(16, 2, 16, 8), "numpy", 59),
        (network(8, 6, 6, 6), "native", 0),  # many weights, and none of the layers wide
        (irregular(100), "native", 0),
        (shared(100), "native", 0),
    ],
)
def test_wide_layers_run_on_numpy_and_all_else_on_machine_code(graph, backend, share, monkeypatch):
    monkeypatch.setattr(compiler, "WIDE", 64)
    program = compile(*graph)
    assert (program.backend, program.reason) == (backend, f"layers of 64 weights or more do {share}% of the work")
    assert pickle.loads(pickle.dumps(program)).reason == program.reason
    assert compile(*graph, backend=backend).reason == ""


def test_what_is_asked_for_is_taken(monkeypatch):
    monkeypatch.setattr(compiler, "WIDE", 64)
    graph = network(8, 8, 2)
    assert compile(*graph, backend="native").backend == "native"
    program = compile(*graph, optimizer=Adam(graph[1]))
    assert (program.backend, program.reason) == ("native", "an optimiser takes its steps in machine code")
    root, params, inputs = graph
    assert compile(root, [*params, *inputs]).backend == "native"  # no inputs, one example


def test_512_neurons_of_512_inputs_are_wide():
    program = compile(*network(512, 512, 1))
    assert (program.backend, program.reason) == ("numpy", "layers of 262,144 weights or more do 100% of the work")
    assert compile(*network(256, 256, 1)).backend == "native"
