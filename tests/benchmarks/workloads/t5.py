"""T5: a 64-32-10 tanh network with linear logits, cross entropy, the mean of 32 digits of 8×8 pixels.

2,410 parameters, neuron by neuron, the bias last; an example is 64 pixels and 10 one-hot targets. Half of the pixels
are zero; no peer knows that, all have them as arguments.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from workloads import c
from workloads.peer import (
    READY,
    Peer,
    Run,
    Target,
    Workload,
    blocks,
    classifier_by_hand,
    flat,
    jitted,
    matrices,
    peer,
    replay,
)

SIZES = (64, 32, 10)
COUNT = 32


def digits():
    """Pixels from 0 to 1 and one-hot targets: scikit-learn's digits or, without it, noise with as many zeros."""
    try:
        from sklearn.datasets import load_digits
    except ImportError:
        rng = np.random.default_rng(1)
        pixels = rng.integers(1, 17, (COUNT, 64)) / 16 * (rng.random((COUNT, 64)) < 0.51)
        return pixels, np.eye(10)[rng.integers(0, 10, COUNT)]
    found = load_digits()
    return found.data[:COUNT] / 16, np.eye(10)[found.target[:COUNT]]


PIXELS, TARGETS = digits()
DATA = np.hstack([PIXELS, TARGETS])


def network():
    """Ours; its weights are the start of all, divided by the root of the number of inputs."""
    from tinygrad_edu.nn import MLP

    mlp = MLP(64, [32, 10], activation="tanh", seed=1)
    for layer in mlp.layers:
        for neuron in layer.neurons:
            for w in neuron.w:
                w.data /= len(neuron.w) ** 0.5
    return mlp


P = np.array([p.data for p in network().parameters()])


def loss(mlp, pixels, targets):
    """Cross entropy of one example."""
    from tinygrad_edu.engine import TABLE

    dot, logsumexp = (TABLE[name].function for name in ("dot", "logsumexp"))
    logits = mlp(pixels)
    return logsumexp(logits) - dot(targets, logits)


def graph():
    """That of one example: its root, params and inputs."""
    from tinygrad_edu import Value

    mlp = network()
    x = [Value(number, f"x{k}") for k, number in enumerate(DATA[0].tolist(), start=1)]
    return loss(mlp, x[:64], x[64:]), mlp.parameters(), x


def ours(backend) -> Run:
    program, seconds = replay(graph, backend, lambda: (P, DATA))
    if backend == "jax":
        import jax

        p, data = map(jax.numpy.asarray, (P, DATA))
        return Run(lambda: jax.block_until_ready(program(p, data)), compiled=seconds)
    return Run(partial(program, P.copy(), DATA.copy()), compiled=seconds)


# Rows of 32 samples for the loops over samples, rows of inputs for the gradients of the weights: all along contiguous
# memory, and no sum that gcc -O3 would have to reorder.
SOURCE = """
#include <math.h>
#include <string.h>
enum { N = 32, D = 64, H = 32, O = 10 };
typedef double row[N];

// p: 2410 parameters; x: 64 rows of 32 pixels; xs: the same, a row an image; t: 10 rows of 32 targets.
void f(const double *restrict p, const row *restrict x, const double *restrict xs, const row *restrict t,
       double *restrict out) {
    static _Alignas(64) row h[H], logits[O], dh[H], largest, total, losses;
    static _Alignas(64) double hs[N][H];
    const double *p2 = p + H * (D + 1);
    double *g1 = out + 1, *g2 = g1 + H * (D + 1);
    for (int j = 0; j < H; j++) {
        const double *w = p + j * (D + 1);
        row z;
        for (int n = 0; n < N; n++) z[n] = w[D];
        for (int i = 0; i < D; i++)
            for (int n = 0; n < N; n++) z[n] += w[i] * x[i][n];
        for (int n = 0; n < N; n++) h[j][n] = tanh(z[n]);
        for (int n = 0; n < N; n++) hs[n][j] = h[j][n];
    }
    for (int n = 0; n < N; n++) largest[n] = -INFINITY, total[n] = 0, losses[n] = 0;
    for (int k = 0; k < O; k++) {
        const double *w = p2 + k * (H + 1);
        for (int n = 0; n < N; n++) logits[k][n] = w[H];
        for (int j = 0; j < H; j++)
            for (int n = 0; n < N; n++) logits[k][n] += w[j] * h[j][n];
        for (int n = 0; n < N; n++) largest[n] = logits[k][n] > largest[n] ? logits[k][n] : largest[n];
        for (int n = 0; n < N; n++) losses[n] -= t[k][n] * logits[k][n];
    }
    for (int k = 0; k < O; k++)
        for (int n = 0; n < N; n++) total[n] += logits[k][n] = exp(logits[k][n] - largest[n]);
    double value = 0;
    for (int n = 0; n < N; n++) value += losses[n] + largest[n] + log(total[n]);
    out[0] = value / N;
    for (int k = 0; k < O; k++)  // from here on, the adjoints of the logits
        for (int n = 0; n < N; n++) logits[k][n] = (logits[k][n] / total[n] - t[k][n]) / N;
    for (int k = 0; k < O; k++) {
        double sum[H] = {0}, bias = 0;
        for (int n = 0; n < N; n++) {
            for (int j = 0; j < H; j++) sum[j] += logits[k][n] * hs[n][j];
            bias += logits[k][n];
        }
        memcpy(g2 + k * (H + 1), sum, sizeof sum);
        g2[k * (H + 1) + H] = bias;
    }
    for (int j = 0; j < H; j++) {
        for (int n = 0; n < N; n++) dh[j][n] = 0;
        for (int k = 0; k < O; k++)
            for (int n = 0; n < N; n++) dh[j][n] += p2[k * (H + 1) + j] * logits[k][n];
        for (int n = 0; n < N; n++) dh[j][n] *= 1 - h[j][n] * h[j][n];
        double sum[D] = {0}, bias = 0;
        for (int n = 0; n < N; n++) {
            for (int i = 0; i < D; i++) sum[i] += dh[j][n] * xs[n * D + i];
            bias += dh[j][n];
        }
        memcpy(g1 + j * (D + 1), sum, sizeof sum);
        g1[j * (D + 1) + D] = bias;
    }
}
"""


def hand_written_c(flags=c.PLAIN) -> Run:
    out = np.empty(1 + len(P))
    call = c.call(SOURCE, "f", P.copy(), PIXELS.T.copy(), PIXELS.copy(), TARGETS.T.copy(), out, flags=flags)
    return Run(call, lambda _: (out[0], out[1:]))


hand_written_numpy = partial(classifier_by_hand, P, SIZES, PIXELS, TARGETS)


def jax_tensors() -> Run:
    import jax
    import jax.numpy as jnp

    def loss(p, x, t):
        m1, m2 = blocks(p, SIZES)
        logits = jnp.tanh(x @ m1[:, :-1].T + m1[:, -1]) @ m2[:, :-1].T + m2[:, -1]
        return -jnp.sum(t * jax.nn.log_softmax(logits)) / len(x)

    return jitted(jax.value_and_grad(loss), P, PIXELS, TARGETS)


def pytorch() -> Run:
    import torch
    from torch.nn.functional import cross_entropy, linear

    leaves = [torch.tensor(part, requires_grad=True) for pair in matrices(P, SIZES) for part in pair]
    w1, b1, w2, b2 = leaves
    x, t = torch.tensor(PIXELS), torch.tensor(TARGETS.argmax(1))

    def call():
        value = cross_entropy(linear(torch.tanh(linear(x, w1, b1)), w2, b2), t)
        return value, torch.autograd.grad(value, leaves)

    return Run(call, lambda result: (result[0].item(), flat(list(zip(*[iter(result[1])] * 2, strict=True)))))


def eager() -> Run:
    """Our own engine, without replay."""
    mlp = network()
    leaves, rows = mlp.parameters(), DATA.tolist()

    def call():
        mlp.zero_grad()
        total = sum(loss(mlp, row[:64], row[64:]) for row in rows) / len(rows)
        total.backward()
        return total.data, [leaf.grad for leaf in leaves]

    return Run(call)


def peers() -> list[Peer]:
    return [
        peer("tinygrad_edu native", ours, "native"),
        peer("tinygrad_edu numpy", ours, "numpy"),
        peer("tinygrad_edu jax", ours, "jax"),
        peer("hand-written C", hand_written_c),
        peer("hand-written C, -ffast-math", hand_written_c, c.VECTOR_MATHS),
        peer("hand-written NumPy", hand_written_numpy),
        peer("jax.jit on tensors", jax_tensors),
        peer("PyTorch", pytorch),
        peer("tinygrad_edu eager", eager),
    ]


WORKLOADS = [
    Workload(
        "T5 64-32-10 network, 32 digits",
        peers,
        [
            Target("native faster than jax.jit on tensors", "jax.jit on tensors", "tinygrad_edu native", at_least=1),
            Target("numpy at most 2 × NumPy by hand", "tinygrad_edu numpy", "hand-written NumPy", at_most=2),
            Target("jax at most 1.15 × jax.jit", "tinygrad_edu jax", "jax.jit on tensors", at_most=1.15),
            READY,
        ],
    )
]
