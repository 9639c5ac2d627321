"""T3: one training step of micrograd's demo: 2-16-16-1, 100 samples, mean relu(1 - y s) + 1e-4 Σp², then p -= lr * g.

337 parameters, neuron by neuron, the bias last; a sample is x1, x2, y. Every peer updates parameters of its own.
"""

from __future__ import annotations

import random
from functools import partial

import numpy as np
from eager import Demo, moons

from workloads import c
from workloads.peer import READY, Peer, Run, Target, Workload, blocks, flat, jitted, matrices, peer, replay

SIZES = (2, 16, 16, 1)
RATE, PENALTY = 0.05, 1e-4
POINTS, LABELS = (np.array(part, dtype=float) for part in moons())
DATA = np.column_stack([POINTS, LABELS])


def network():
    """Ours, with the parameters that micrograd's demo starts from."""
    from tinygrad_edu.nn import MLP

    random.seed(1337)
    return MLP(2, [16, 16, 1])


P = np.array([p.data for p in network().parameters()])


def ours(backend) -> Run:
    from tinygrad_edu import Value
    from tinygrad_edu.engine import TABLE

    relu, total = (TABLE[name].function for name in ("relu", "sum"))

    def trace():
        mlp = network()
        x1, x2, y = (Value(number, label) for number, label in zip(DATA[0], ("x1", "x2", "y"), strict=True))
        penalty = PENALTY * total([p * p for p in mlp.parameters()])
        return relu(1 - y * mlp([x1, x2])) + penalty, mlp.parameters(), [x1, x2, y]

    p, data = P.copy(), DATA.copy()
    program, seconds = replay(trace, backend, lambda: (p, data))
    if backend == "jax":
        return updated_by_jax(program, data, seconds)

    def step():
        nonlocal p
        value, gradient = program(p, data)
        p -= RATE * gradient
        return value, gradient

    return Run(step, reset=partial(np.copyto, p, P), compiled=seconds)


def updated_by_jax(loss_and_gradient, data, seconds=None) -> Run:
    """The whole step in one jit."""
    import jax

    @jax.jit
    def update(p, data):
        value, gradient = loss_and_gradient(p, data)
        return value, gradient, p - RATE * gradient

    start, data = jax.numpy.asarray(P), jax.numpy.asarray(data)
    p = start

    def step():
        nonlocal p
        value, gradient, p = jax.block_until_ready(update(p, data))
        return value, gradient

    def reset():
        nonlocal p
        p = start

    return Run(step, reset=reset, compiled=seconds)


# Rows of 100 samples, so that the loops over samples run along contiguous memory. SUMS is 8 sums side by side, because
# gcc -O3 does not reorder one, or 1, as one writes it first.
SOURCE = """
#include <string.h>
enum { N = 100, H = 16 };
typedef double row[N];

static inline double dot(const double *restrict x, const double *restrict y) {
    double s[SUMS] = {0}, total = 0;
    for (int n = 0; n + SUMS <= N; n += SUMS)
        for (int k = 0; k < SUMS; k++) s[k] += x[n + k] * y[n + k];
    for (int n = N / SUMS * SUMS; n < N; n++) total += x[n] * y[n];
    for (int k = 0; k < SUMS; k++) total += s[k];
    return total;
}

static inline double sum(const double *restrict x) {
    double s[SUMS] = {0}, total = 0;
    for (int n = 0; n + SUMS <= N; n += SUMS)
        for (int k = 0; k < SUMS; k++) s[k] += x[n + k];
    for (int n = N / SUMS * SUMS; n < N; n++) total += x[n];
    for (int k = 0; k < SUMS; k++) total += s[k];
    return total;
}

static inline void forward(const double *restrict p, int nin, int nout, row *restrict x, row *restrict z, int relu) {
    for (int j = 0; j < nout; j++, p += nin + 1) {
        for (int n = 0; n < N; n++) z[j][n] = p[nin];
        for (int i = 0; i < nin; i++)
            for (int n = 0; n < N; n++) z[j][n] += p[i] * x[i][n];
        if (relu)
            for (int n = 0; n < N; n++) z[j][n] = z[j][n] > 0 ? z[j][n] : 0;
    }
}

// d holds the adjoints of the outputs z; dx becomes those of the inputs x, before their relu where they have one.
static inline void backward(const double *restrict p, double *restrict g, int nin, int nout, row *restrict x,
                            row *restrict d, row *restrict dx) {
    if (dx)
        for (int i = 0; i < nin; i++) {
            for (int n = 0; n < N; n++) dx[i][n] = 0;
            for (int j = 0; j < nout; j++)
                for (int n = 0; n < N; n++) dx[i][n] += p[j * (nin + 1) + i] * d[j][n];
            for (int n = 0; n < N; n++) dx[i][n] = x[i][n] > 0 ? dx[i][n] : 0;
        }
    for (int j = 0; j < nout; j++, g += nin + 1) {
        for (int i = 0; i < nin; i++) g[i] = dot(d[j], x[i]);
        g[nin] = sum(d[j]);
    }
}

// p: 337 parameters; data: x1, x2, y in rows of 100; out: value, then gradient.
void step(double *restrict p, const double *restrict data, double *restrict out, double rate, double penalty) {
    static _Alignas(64) row x[2], h1[H], h2[H], s[1], d[1], d1[H], d2[H], losses;
    const double *y = data + 2 * N;
    double *p1 = p, *p2 = p1 + H * 3, *p3 = p2 + H * 17, *g = out + 1;
    memcpy(x, data, sizeof x);
    forward(p1, 2, H, x, h1, 1);
    forward(p2, H, H, h1, h2, 1);
    forward(p3, H, 1, h2, s, 0);
    for (int n = 0; n < N; n++) {
        double margin = 1 - y[n] * s[0][n];
        losses[n] = margin > 0 ? margin : 0;
        d[0][n] = margin > 0 ? -y[n] / N : 0;
    }
    backward(p3, g + H * 20, H, 1, h2, d, d2);
    backward(p2, g + H * 3, H, H, h1, d2, d1);
    backward(p1, g, 2, H, x, d1, 0);
    double squares = 0;
    for (int k = 0; k < 337; k++) squares += p[k] * p[k];
    for (int k = 0; k < 337; k++) g[k] += 2 * penalty * p[k];
    out[0] = sum(losses) / N + penalty * squares;
    for (int k = 0; k < 337; k++) p[k] -= rate * g[k];
}
"""


def hand_written_c(sums=8, flags=c.PLAIN) -> Run:
    p, data, out = P.copy(), np.ascontiguousarray(DATA.T), np.empty(338)
    call = c.call(SOURCE, "step", p, data, out, RATE, PENALTY, flags=(*flags, f"-DSUMS={sums}"))
    return Run(call, lambda _: (out[0], out[1:]), partial(np.copyto, p, P))


def hand_written_numba() -> Run:
    """The loops of the C, in Numba, which reorders sums where it is told that it may."""
    import numba

    @numba.njit(fastmath=True)
    def forward(p, x, z, relu):
        nin, nout = len(x), len(z)
        for j in range(nout):
            at = j * (nin + 1)
            row = z[j]
            row[:] = p[at + nin]
            for i in range(nin):
                w = p[at + i]
                for n in range(len(row)):
                    row[n] += w * x[i, n]
            if relu:
                for n in range(len(row)):
                    row[n] = max(row[n], 0.0)

    @numba.njit(fastmath=True)
    def weights(g, x, d):
        nin, nout = len(x), len(d)
        for j in range(nout):
            at = j * (nin + 1)
            for i in range(nin):
                total = 0.0
                for n in range(d.shape[1]):
                    total += d[j, n] * x[i, n]
                g[at + i] = total
            total = 0.0
            for n in range(d.shape[1]):
                total += d[j, n]
            g[at + nin] = total

    @numba.njit(fastmath=True)
    def inputs(p, x, d, dx):
        nin, nout = len(x), len(d)
        for i in range(nin):
            row = dx[i]
            row[:] = 0.0
            for j in range(nout):
                w = p[j * (nin + 1) + i]
                for n in range(len(row)):
                    row[n] += w * d[j, n]
            for n in range(len(row)):
                row[n] = row[n] if x[i, n] > 0.0 else 0.0

    @numba.njit(fastmath=True)
    def step(p, data, rate, penalty):
        count = data.shape[1]
        x, y = data[:2], data[2]
        h1, h2, s = np.empty((16, count)), np.empty((16, count)), np.empty((1, count))
        d1, d2, d = np.empty((16, count)), np.empty((16, count)), np.empty((1, count))
        g = np.empty(337)
        forward(p[:48], x, h1, True)
        forward(p[48:320], h1, h2, True)
        forward(p[320:], h2, s, False)
        value = 0.0
        for n in range(count):
            margin = 1.0 - y[n] * s[0, n]
            value += max(margin, 0.0)
            d[0, n] = -y[n] / count if margin > 0.0 else 0.0
        weights(g[320:], h2, d)
        inputs(p[320:], h2, d, d2)
        weights(g[48:320], h1, d2)
        inputs(p[48:320], h1, d2, d1)
        weights(g[:48], x, d1)
        squares = 0.0
        for k in range(337):
            squares += p[k] * p[k]
            g[k] += 2.0 * penalty * p[k]
            p[k] -= rate * g[k]
        return value / count + penalty * squares, g

    p, data = P.copy(), np.ascontiguousarray(DATA.T)
    return Run(partial(step, p, data, RATE, PENALTY), reset=partial(np.copyto, p, P))


def hand_written_numpy() -> Run:
    """A column of ones beside the inputs of each layer makes the biases part of the products."""
    p, g = P.copy(), np.empty(337)
    m1, m2, m3 = blocks(p, SIZES)
    g1, g2, g3 = blocks(g, SIZES)
    points, labels = np.column_stack([POINTS, np.ones(len(POINTS))]), LABELS.copy()
    h1, h2 = np.ones((len(points), 17)), np.ones((len(points), 17))

    def step(x, y):
        np.maximum(x @ m1.T, 0, out=h1[:, :-1])
        np.maximum(h1 @ m2.T, 0, out=h2[:, :-1])
        margin = 1 - y * (h2 @ m3[0])
        value = np.maximum(margin, 0).sum() / len(y) + PENALTY * (p @ p)
        d3 = (margin > 0) * (y / -len(y))
        d2 = np.multiply.outer(d3, m3[0, :-1]) * (h2[:, :-1] > 0)
        d1 = (d2 @ m2[:, :-1]) * (h1[:, :-1] > 0)
        np.matmul(d1.T, x, out=g1)
        np.matmul(d2.T, h1, out=g2)
        np.matmul(d3, h2, out=g3[0])
        np.add(g, 2 * PENALTY * p, out=g)
        np.subtract(p, RATE * g, out=p)
        return value, g

    return Run(partial(step, points, labels), reset=partial(np.copyto, p, P))


def jax_tensors() -> Run:
    """Parameters in one vector, as a list of weights and biases costs 20 µs more a call."""
    import jax
    import jax.numpy as jnp

    def loss(p, data):
        x, y = data[:, :2], data[:, 2]
        for k, block in enumerate(blocks(p, SIZES)):
            x = x @ block[:, :-1].T + block[:, -1]
            x = jnp.maximum(x, 0) if k < 2 else x
        return jnp.mean(jnp.maximum(1 - y * x[:, 0], 0)) + PENALTY * jnp.sum(p * p)

    f = jax.value_and_grad(loss)
    return updated_by_jax(f, DATA, jitted(f, P, DATA).compiled)


def pytorch() -> Run:
    import torch
    from torch.nn.functional import linear

    start = [torch.tensor(part) for pair in matrices(P, SIZES) for part in pair]
    leaves = [part.clone().requires_grad_() for part in start]
    w1, b1, w2, b2, w3, b3 = leaves
    points, labels = torch.tensor(POINTS), torch.tensor(LABELS)

    def step():
        h = torch.relu(linear(torch.relu(linear(points, w1, b1)), w2, b2))
        losses = torch.relu(1 - labels * linear(h, w3, b3)[:, 0])
        value = losses.mean() + PENALTY * sum((p * p).sum() for p in leaves)
        gradient = torch.autograd.grad(value, leaves)
        with torch.no_grad():
            for p, g in zip(leaves, gradient, strict=True):
                p.sub_(g, alpha=RATE)
        return value, gradient

    def reset():
        with torch.no_grad():
            for p, s in zip(leaves, start, strict=True):
                p.copy_(s)

    return Run(step, lambda result: (result[0].item(), flat(list(zip(*[iter(result[1])] * 2, strict=True)))), reset)


def eager(engine, nn) -> Run:
    """The demo's own code, on micrograd or on ours without replay."""
    demo = Demo(engine, nn)
    leaves = demo.model.parameters()

    def reset():
        for leaf, number in zip(leaves, P.tolist(), strict=True):
            leaf.data = number

    return Run(demo.step, lambda value: (value, [leaf.grad for leaf in leaves]), reset)


def on_micrograd() -> Run:
    import micrograd.engine
    import micrograd.nn

    return eager(micrograd.engine, micrograd.nn)


def on_ours() -> Run:
    import tinygrad_edu.engine
    import tinygrad_edu.nn

    return eager(tinygrad_edu.engine, tinygrad_edu.nn)


def peers() -> list[Peer]:
    return [
        peer("tinygrad_edu native", ours, "native"),
        peer("tinygrad_edu numpy", ours, "numpy"),
        peer("tinygrad_edu jax", ours, "jax"),
        peer("hand-written C", hand_written_c),
        peer("hand-written C, -ffast-math", hand_written_c, 1, c.VECTOR_MATHS),
        peer("hand-written C, running sums", hand_written_c, 1),
        peer("hand-written Numba", hand_written_numba),
        peer("hand-written NumPy", hand_written_numpy),
        peer("jax.jit on tensors", jax_tensors),
        peer("PyTorch", pytorch),
        peer("tinygrad_edu eager", on_ours),
        peer("micrograd", on_micrograd),
    ]


NATIVE = "tinygrad_edu native"
WORKLOADS = [
    Workload(
        "T3 micrograd's demo, one step",
        peers,
        [
            Target("native at most 1.5 × C", NATIVE, "hand-written C", at_most=1.5),
            Target("the same, C with running sums", NATIVE, "hand-written C, running sums", at_most=1.5),
            Target("native 3 × faster than jax.jit on tensors", "jax.jit on tensors", NATIVE, at_least=3),
            Target("native 3 × faster than NumPy", "hand-written NumPy", NATIVE, at_least=3),
            Target("numpy at most 1.7 × NumPy by hand", "tinygrad_edu numpy", "hand-written NumPy", at_most=1.7),
            Target("jax at most 1.15 × jax.jit", "tinygrad_edu jax", "jax.jit on tensors", at_most=1.15),
            READY,
            Target("native 30,000 × faster than micrograd", "micrograd", NATIVE, at_least=30_000),
            Target("trace, compile, first step, under a second", NATIVE, at_most=1),
        ],
    )
]
