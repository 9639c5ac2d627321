"""Programs as people read them: the arrays of networks that are well known, and their numbers on every backend.

The texts are in array_programs.txt. After a change that makes them better: `python -m tests.test_replay_texts`.
"""

import math
from pathlib import Path

import pytest

from tests.test_replay import INSTALLED, close, eager
from tinygrad_edu import Value, compile, dot, logsumexp, relu, softmax, take, tanh
from tinygrad_edu import sum as total
from tinygrad_edu.nn import MLP, mse, squared_error

np = pytest.importorskip("numpy")
FILE = Path(__file__).with_name("array_programs.txt")


def numbers(name, n):
    """n Values with names and numbers that differ."""
    return [Value(0.1 * (k + 1) * (-1) ** k, f"{name}{k + 1}") for k in range(n)]


def network():
    net, x, t = MLP(2, [3, 2], activation="tanh", seed=1), numbers("x", 2), numbers("t", 2)
    return squared_error(net(x), t), net.parameters(), x + t, {"outputs": net(x)}


def classes():
    net, x, t = MLP(2, [3], activation=None, seed=1), numbers("x", 2), numbers("t", 3)
    z = net(x)
    return logsumexp(z) - dot(t, z), net.parameters(), x + t, {}


def shared_bias():
    net, x = MLP(3, [4, 1], activation="relu", bias="shared", seed=1), numbers("x", 3)
    return net(x), net.parameters(), x, {"also": x[:2]}


def penalty():
    net, x = MLP(2, [2, 1], activation="sigmoid", bias=False, seed=1), numbers("x", 2)
    return mse(net(x), [1.0]) + 0.01 * total([p * p for p in net.parameters()]), net.parameters(), x, {"also": x}


def convolution():
    w, x = numbers("w", 3), numbers("x", 6)
    return total([relu(dot(w, x[k : k + 3])) for k in range(4)]), w, x, {}


def dilated():
    w, x = numbers("w", 3), numbers("x", 8)
    return total([relu(dot(w, x[k : k + 5 : 2])) for k in range(4)]), w, x, {"also": x}


def recurrent():
    w, u, x, h = numbers("w", 4), numbers("u", 4), numbers("x", 6), numbers("h", 2)
    for step in range(3):
        inner = [(w[2 * i : 2 * i + 2], u[2 * i : 2 * i + 2]) for i in range(2)]
        h = [tanh(dot(a, h) + dot(b, x[2 * step : 2 * step + 2])) for a, b in inner]
    return total([y * y for y in h]), w + u, x, {}


def attention():
    q, k, v = ([numbers(f"{name}{i}", 2) for i in range(3)] for name in "qkv")
    found = []
    for i in range(3):
        shares = softmax([dot(q[i], k[j]) * 0.5 for j in range(3)])
        found += [dot(shares, [v[j][c] for j in range(3)]) for c in range(2)]
    return total([y * y for y in found]), [y for row in q + k + v for y in row], [], {}


def causal():
    """A position looks at those before it and at itself: sums of different lengths, padded and masked."""
    w, x = [numbers(f"{name}", 4) for name in "qkv"], [numbers(f"x{t}", 2) for t in range(4)]
    q, k, v = ([[dot(m[:2], row), dot(m[2:], row)] for row in x] for m in w)
    found = []
    for t in range(4):
        e = [dot(q[t], k[s]).exp() for s in range(t + 1)]
        shares = [y / total(e) for y in e]
        found += [dot(shares, [row[c] for row in v[: t + 1]]) for c in range(2)]
    return total([y * y for y in found]), [p for row in w for p in row], [y for row in x for y in row], {}


def quadratic():
    x = numbers("x", 4)
    return dot(x, [dot([4.0 * i + j + 1 for j in range(4)], x) for i in range(4)]), x, [], {}


def element_by_element():
    a, b = numbers("a", 5), numbers("b", 5)
    return total([(x * y).sin() / (1 + x.exp()) - y.maximum(x) for x, y in zip(a, b, strict=True)]), a, b, {"also": b}


def strides():
    w, x = numbers("w", 6), numbers("x", 6)
    return dot(w[::2], x[::2]) * dot(w[1::2], x[::-2]), w, x, {}


def embedding():
    table, place, w = [numbers(f"e{i}", 3) for i in range(4)], Value(2.0, "place"), numbers("w", 3)
    return dot(take(table, place), w).tanh(), [y for row in table for y in row] + w, [place], {}


MODELS = [
    network, classes, shared_bias, penalty, convolution, dilated, recurrent, attention, causal, quadratic,
    element_by_element, strides, embedding,
]  # fmt: skip
each = pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)


def made(model, backend="numpy", reduce="mean"):
    root, params, inputs, options = model()
    return compile(root, params, inputs, backend=backend, reduce=reduce, **options)


def written(model):
    program = made(model)
    where_arrays_stay = program.jax().partition("def program")
    return f"# {model.__name__}\n{program.arrays}\n# on JAX\n{''.join(where_arrays_stay[1:])}\n"


def texts():
    return "\n".join(written(model) for model in MODELS)


@each
def test_a_program_reads_as_it_did(model):
    assert written(model) in FILE.read_text(encoding="utf-8"), "better? python -m tests.test_replay_texts"


@each
@pytest.mark.parametrize("backend", [name for name in INSTALLED if name not in ("jax", "torch")])
def test_its_numbers_are_those_of_the_engine(model, backend):
    root, params, inputs, options = model()
    data, example = [p.data for p in params], [x.data for x in inputs]
    if model is embedding:
        batch = [[2.0], [0.0], [3.0], [2.0]]
    else:
        batch = [example, *([x * (1 + 0.1 * (k - i)) + 0.01 * i for i, x in enumerate(example)] for k in range(3))]
    batch = batch if inputs else [[]]
    expected = eager(root, params, inputs, data, batch)
    values, gradients = np.array([v for v, _ in expected]), np.array([g for _, g in expected])
    also = [inputs.index(x) + len(params) for x in options.get("also", [])]
    for reduce in ("mean", None) if backend != "native" else ("mean",):
        program = compile(root, params, inputs, backend=backend, reduce=reduce, **options)
        for n in {1, len(batch)}:
            value, gradient, *rest = program(data, batch[:n]) if inputs else program(data)
            shared = gradients[:n, : len(params)]
            alone = not inputs
            close(value, values[0] if alone else values[:n].mean() if reduce else values[:n])
            close(gradient, shared[0] if alone else shared.mean(axis=0) if reduce else shared)
            for found in rest:
                close(found, gradients[:n, also])


CUTS = {
    "numpy": {"numpy_arrays.LEAST": 3, "numpy_arrays.NUMBERS_IN_CACHE": 1},
    "native": {"native.program.WORTH_A_THREAD": 2000},
}


@pytest.mark.parametrize("model", [network, penalty, element_by_element, convolution], ids=lambda m: m.__name__)
@pytest.mark.parametrize("backend", [name for name in CUTS if name in INSTALLED])
@pytest.mark.parametrize("reduce", ["mean", "sum", None])
def test_wherever_a_batch_is_cut_it_comes_to_the_same(model, backend, reduce, monkeypatch):
    """Into blocks, or into parts for threads: for the value, the gradients, those of inputs, and the outputs."""
    for place, number in CUTS[backend].items():
        monkeypatch.setattr(f"tinygrad_edu.replay.{place}", number)
    root, params, inputs, _ = model()
    program, by_lines = (
        compile(root, params, inputs, backend=name, reduce=reduce, outputs=[root, inputs[0]], also=inputs[1:])
        for name in (backend, "python")
    )
    data = [p.data for p in params]
    for n in (1, 3, 4, 100) if backend == "numpy" else (1, 33, 200):
        batch = np.random.default_rng(n).uniform(-1, 1, (n, len(inputs)))
        for mine, other in zip(program(data, batch), by_lines(data, batch.tolist()), strict=True):
            close(mine, other, 1e-11)
        close(program.forward(data, batch), by_lines.forward(data, batch.tolist()))
        close(program.value(data, batch), by_lines.value(data, batch.tolist()), 1e-11)


@pytest.mark.parametrize("backend", [name for name in INSTALLED])
def test_what_all_examples_share_counts_once_for_each_in_a_sum(backend):
    w, x = numbers("w", 9), Value(0.5, "x")
    program = compile(total([p * p for p in w]), w, [x], reduce="sum", allow_unused=True, backend=backend)
    value, gradient = program([p.data for p in w], [[1.0], [2.0], [3.0]])
    close(value, 3 * sum(p.data**2 for p in w))
    close(gradient, [6 * p.data for p in w])


@pytest.mark.parametrize("backend", [name for name in INSTALLED if name in ("jax", "torch")])
def test_on_jax_and_torch_an_irregular_graph_is_arrays_too(backend, monkeypatch):
    w, x = numbers("w", 2), numbers("x", 1)
    program = compile((w[0] * x[0]).sin() / (x[0] + w[1]), w, x, backend=backend)
    monkeypatch.setattr(type(program), "by_columns", None)
    assert program([0.5, 0.2], [[0.5]])[0] == pytest.approx(math.sin(0.25) / 0.7)


if __name__ == "__main__":
    FILE.write_text(texts(), encoding="utf-8")
