"""T2: the 2-2-2 sigmoid network of the source document, ½Σ(t - y)², for one example and the mean of 10,000.

12 parameters, neuron by neuron, the bias last; an example is x1, x2, t1, t2. Each tensor library has the examples in
the layout it is fastest with, made beforehand.
"""

from __future__ import annotations

import math
from functools import partial

import numpy as np

from tinygrad_edu.lesson import worked_example
from tinygrad_edu.nn.losses import squared_error
from workloads import c
from workloads.peer import READY, Peer, Run, Target, Workload, blocks, flat, jitted, matrices, peer, replay
from workloads.t1 import casadi_compiled, casadi_run

SIZES = (2, 2, 2)
P = np.array([p.data for p in worked_example.network().parameters()])
ONE = np.array([*worked_example.INPUTS, *worked_example.TARGETS])
BATCH = np.random.default_rng(1).uniform(0, 1, (10_000, 4))
FEW = 100  # of the batch, for engines that would take seconds


def ours(backend, data) -> Run:
    from tinygrad_edu import Value

    def trace():
        network = worked_example.network()
        x = [Value(number, f"x{k}") for k, number in enumerate(ONE, start=1)]
        return squared_error(network(x[:2]), x[2:]), network.parameters(), x

    p, x = (P.tolist(), data.tolist()) if backend == "python" else (P.copy(), data.copy())
    program, seconds = replay(trace, backend, lambda: (p, x))
    if backend == "jax":
        import jax

        p, x = map(jax.numpy.asarray, (p, x))
        return Run(lambda: jax.block_until_ready(program(p, x)), compiled=seconds)
    return Run(partial(program, p, x), compiled=seconds)


def straight_line(p, x):
    """Value and gradient of one example, derived by hand."""
    exp = math.exp
    w1, w2, b1, w3, w4, b2, w5, w6, b3, w7, w8, b4 = p
    x1, x2, t1, t2 = x
    h1 = 1.0 / (1.0 + exp(-(w1 * x1 + w2 * x2 + b1)))
    h2 = 1.0 / (1.0 + exp(-(w3 * x1 + w4 * x2 + b2)))
    y1 = 1.0 / (1.0 + exp(-(w5 * h1 + w6 * h2 + b3)))
    y2 = 1.0 / (1.0 + exp(-(w7 * h1 + w8 * h2 + b4)))
    e1 = y1 - t1
    e2 = y2 - t2
    d3 = e1 * y1 * (1.0 - y1)
    d4 = e2 * y2 * (1.0 - y2)
    d1 = (d3 * w5 + d4 * w7) * h1 * (1.0 - h1)
    d2 = (d3 * w6 + d4 * w8) * h2 * (1.0 - h2)
    value = 0.5 * (e1 * e1 + e2 * e2)
    return value, (d1 * x1, d1 * x2, d1, d2 * x1, d2 * x2, d2, d3 * h1, d3 * h2, d3, d4 * h1, d4 * h2, d4)


def hand_written_python() -> Run:
    return Run(partial(straight_line, P.tolist(), ONE.tolist()))


def hand_written_numba(data) -> Run:
    """One function of the calling convention of the others, for a batch."""
    import numba

    gradient = numba.njit(straight_line)

    @numba.njit("Tuple((float64, float64[::1]))(float64[::1], float64[:, ::1])")
    def f(params, inputs):
        p = (
            *(params[0], params[1], params[2], params[3], params[4], params[5]),
            *(params[6], params[7], params[8], params[9], params[10], params[11]),
        )
        count = len(inputs)
        total = 0.0
        g0 = g1 = g2 = g3 = g4 = g5 = g6 = g7 = g8 = g9 = g10 = g11 = 0.0
        for k in range(count):
            value, g = gradient(p, (inputs[k, 0], inputs[k, 1], inputs[k, 2], inputs[k, 3]))
            total += value
            g0, g1, g2, g3, g4, g5 = g0 + g[0], g1 + g[1], g2 + g[2], g3 + g[3], g4 + g[4], g5 + g[5]
            g6, g7, g8, g9, g10, g11 = g6 + g[6], g7 + g[7], g8 + g[8], g9 + g[9], g10 + g[10], g11 + g[11]
        result = np.empty(12)
        for k, g in enumerate((g0, g1, g2, g3, g4, g5, g6, g7, g8, g9, g10, g11)):
            result[k] = g / count
        return total / count, result

    return Run(partial(f, P.copy(), np.atleast_2d(data).copy()))


SOURCE = """
#include <math.h>
static inline double sigmoid(double z) { return 1 / (1 + exp(-z)); }

void f(const double *restrict p, const double *restrict x, double *restrict out, int count) {
    double e = 0, g0 = 0, g1 = 0, g2 = 0, g3 = 0, g4 = 0, g5 = 0, g6 = 0, g7 = 0, g8 = 0, g9 = 0, g10 = 0, g11 = 0;
    for (int k = 0; k < count; k++) {
        double x1 = x[4 * k], x2 = x[4 * k + 1];
        double h1 = sigmoid(p[0] * x1 + p[1] * x2 + p[2]), h2 = sigmoid(p[3] * x1 + p[4] * x2 + p[5]);
        double y1 = sigmoid(p[6] * h1 + p[7] * h2 + p[8]), y2 = sigmoid(p[9] * h1 + p[10] * h2 + p[11]);
        double e1 = y1 - x[4 * k + 2], e2 = y2 - x[4 * k + 3];
        double d3 = e1 * y1 * (1 - y1), d4 = e2 * y2 * (1 - y2);
        double d1 = (d3 * p[6] + d4 * p[9]) * h1 * (1 - h1), d2 = (d3 * p[7] + d4 * p[10]) * h2 * (1 - h2);
        e += 0.5 * (e1 * e1 + e2 * e2);
        g0 += d1 * x1; g1 += d1 * x2; g2 += d1;
        g3 += d2 * x1; g4 += d2 * x2; g5 += d2;
        g6 += d3 * h1; g7 += d3 * h2; g8 += d3;
        g9 += d4 * h1; g10 += d4 * h2; g11 += d4;
    }
    double found[13] = {e, g0, g1, g2, g3, g4, g5, g6, g7, g8, g9, g10, g11};
    for (int k = 0; k < 13; k++) out[k] = found[k] / count;
}

void loop(const double *p, const double *x, double *out, int times) {
    for (int k = 0; k < times; k++) {
        f(p, x, out, 1);
        __asm__ volatile("" : : "r"(p), "r"(x), "r"(out) : "memory");  // each call reads and writes memory anew
    }
}
"""


def hand_written_c(name, data, times, flags=c.PLAIN) -> Run:
    """`f` on the whole batch, or `loop` on one example."""
    p, x, out = P.copy(), data.copy(), np.empty(13)
    call = c.call(SOURCE, name, p, x, out, times, flags=flags)
    return Run(call, lambda _: (out[0], out[1:]), share=times if name == "loop" else 1)


def hand_written_numpy() -> Run:
    """One row a feature, so that each operation runs along contiguous memory."""
    inputs, targets = (np.ascontiguousarray(part.T) for part in (BATCH[:, :2], BATCH[:, 2:]))
    (w1, b1), (w2, b2) = matrices(P, SIZES)
    b1, b2 = b1[:, None], b2[:, None]

    def call(x, t):
        h = 1 / (1 + np.exp(-(w1 @ x + b1)))
        y = 1 / (1 + np.exp(-(w2 @ h + b2)))
        error = y - t
        d2 = error * y * (1 - y)
        d1 = (w2.T @ d2) * h * (1 - h)
        count = x.shape[1]
        gradient = (d1 @ x.T / count, d1.sum(1) / count), (d2 @ h.T / count, d2.sum(1) / count)
        return 0.5 * np.vdot(error, error) / count, gradient

    return Run(partial(call, inputs, targets), lambda result: (result[0], flat(result[1])))


def jax_tensors(data) -> Run:
    """Parameters in one vector: JAX takes 20 µs to hand over a list of weights and biases."""
    import jax
    import jax.numpy as jnp

    def loss(p, x, t):
        for block in blocks(p, SIZES):
            x = jax.nn.sigmoid(block[:, :-1] @ x + block[:, -1:])
        return 0.5 * jnp.sum((x - t) ** 2) / x.shape[1]

    inputs, targets = (part.T.copy() for part in np.split(np.atleast_2d(data), 2, axis=1))
    return jitted(jax.value_and_grad(loss), P, inputs, targets)


def pytorch(data) -> Run:
    import torch

    layers = [[torch.tensor(part, requires_grad=True) for part in pair] for pair in matrices(P, SIZES)]
    leaves = [part for pair in layers for part in pair]
    inputs, targets = (torch.tensor(part) for part in np.split(np.atleast_2d(data), 2, axis=1))

    def call():
        x = inputs
        for w, b in layers:
            x = torch.sigmoid(torch.nn.functional.linear(x, w, b))
        value = 0.5 * torch.sum((x - targets) ** 2) / len(x)
        return value, torch.autograd.grad(value, leaves)

    return Run(call, lambda result: (result[0].item(), flat(list(zip(result[1][::2], result[1][1::2], strict=True)))))


def casadi(generated, data) -> Run:
    """One example as a function of scalars, mapped over the batch with the gradient summed."""
    import casadi as ca

    p, x = ca.SX.sym("p", 12), ca.SX.sym("x", 4)

    def layer(p, x):
        return [1 / (1 + ca.exp(-(p[k] * x[0] + p[k + 1] * x[1] + p[k + 2]))) for k in (0, 3)]

    y = layer(p[6:], layer(p[:6], x))
    value = 0.5 * ((y[0] - x[2]) ** 2 + (y[1] - x[3]) ** 2)
    f = ca.Function("one", [p, x], [value, ca.gradient(value, p)])
    count = len(np.atleast_2d(data))
    if count > 1:
        mapped = f.map("mapped", "serial", count, [0], [0, 1])  # one p for all; both results summed
        p, x = ca.MX.sym("p", 12), ca.MX.sym("x", 4, count)
        total, gradient = mapped(p, x)
        f = ca.Function("f", [p, x], [total / count, gradient / count])
    return casadi_run(casadi_compiled(f, generated), P.copy(), data.copy())


def micrograd(data) -> Run:
    """micrograd has no exp, so the sigmoid is added as its author adds tanh in his lecture: one node with a closure."""
    from micrograd.engine import Value

    def sigmoid(z):
        s = 1 / (1 + math.exp(-z.data))
        out = Value(s, (z,), "σ")

        def _backward():
            z.grad += s * (1 - s) * out.grad

        out._backward = _backward
        return out

    rows = np.atleast_2d(data)[:FEW].tolist()
    numbers = P.tolist()

    def call():
        p = [Value(number) for number in numbers]
        total = 0
        for x1, x2, t1, t2 in rows:
            h1, h2 = (sigmoid(p[k] * x1 + p[k + 1] * x2 + p[k + 2]) for k in (0, 3))
            y1, y2 = (sigmoid(p[k] * h1 + p[k + 1] * h2 + p[k + 2]) for k in (6, 9))
            total = total + 0.5 * ((y1 - t1) ** 2 + (y2 - t2) ** 2)
        total = total * (1 / len(rows))
        total.backward()
        return total.data, [leaf.grad for leaf in p]

    return partial_batch(call, data)


def eager(data) -> Run:
    """Our own engine, without replay."""
    network = worked_example.network()
    rows = np.atleast_2d(data)[:FEW].tolist()

    def call():
        network.zero_grad()
        total = sum(squared_error(network(row[:2]), row[2:]) for row in rows) / len(rows)
        total.backward()
        return total.data, [p.grad for p in network.parameters()]

    return partial_batch(call, data)


def partial_batch(call, data) -> Run:
    """A run on the first examples of the batch, scaled; it is checked on those."""
    count = len(np.atleast_2d(data))
    if count <= FEW:
        return Run(call)
    found = [straight_line(P.tolist(), row) for row in data[:FEW].tolist()]
    expected = sum(value for value, _ in found) / FEW, np.mean([gradient for _, gradient in found], axis=0)
    return Run(call, share=FEW / count, expected=expected, note=f"timed on {FEW} examples and scaled")


def peers_of_one() -> list[Peer]:
    return [
        peer("tinygrad_edu native", ours, "native", ONE),
        peer("tinygrad_edu python", ours, "python", ONE),
        peer("hand-written C, in a loop in C", hand_written_c, "loop", ONE, 10_000),
        peer("hand-written Numba", hand_written_numba, ONE),
        peer("hand-written Python", hand_written_python),
        peer("CasADi, generated C", casadi, True, ONE),
        peer("CasADi, virtual machine", casadi, False, ONE),
        peer("jax.jit on tensors", jax_tensors, ONE),
        peer("PyTorch", pytorch, ONE),
        peer("tinygrad_edu eager", eager, ONE),
        peer("micrograd", micrograd, ONE),
    ]


def peers() -> list[Peer]:
    return [
        peer("tinygrad_edu native", ours, "native", BATCH),
        peer("tinygrad_edu numpy", ours, "numpy", BATCH),
        peer("tinygrad_edu jax", ours, "jax", BATCH),
        peer("hand-written C", hand_written_c, "f", BATCH, len(BATCH)),
        peer("hand-written C, -ffast-math", hand_written_c, "f", BATCH, len(BATCH), c.VECTOR_MATHS),
        peer("hand-written Numba", hand_written_numba, BATCH),
        peer("hand-written NumPy", hand_written_numpy),
        peer("jax.jit on tensors", jax_tensors, BATCH),
        peer("PyTorch", pytorch, BATCH),
        peer("CasADi, generated C", casadi, True, BATCH),
        peer("CasADi, virtual machine", casadi, False, BATCH),
        peer("tinygrad_edu eager", eager, BATCH),
        peer("micrograd", micrograd, BATCH),
    ]


WORKLOADS = [
    Workload("T2 2-2-2 network, one example", peers_of_one),
    Workload(
        "T2 2-2-2 network, 10,000 examples",
        peers,
        [
            Target("native faster than jax.jit on tensors", "jax.jit on tensors", "tinygrad_edu native", at_least=1),
            Target("native at most 1.5 × C", "tinygrad_edu native", "hand-written C", at_most=1.5),
            Target("numpy at most 2 × NumPy by hand", "tinygrad_edu numpy", "hand-written NumPy", at_most=2),
            Target("jax at most 1.4 × jax.jit", "tinygrad_edu jax", "jax.jit on tensors", at_most=1.4),
            READY,
        ],
    ),
]
