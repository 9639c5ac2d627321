"""T7: one training step of a character GPT written in scalars, on a document of nine tokens, with Adam.

One layer, 16 embedding dimensions, 4 heads, context 16, 27 tokens, RMS norm without parameters, ReLU, lm_head not tied:
4,192 parameters, matrix by matrix. `document_loss` is the model, over any Value class. Ours replays the graph of this
one document, in which the tokens are settled, as they are in the graph that the baseline builds at each step; a
document of another text needs another trace.
"""

from __future__ import annotations

import math
import random
from functools import partial
from itertools import pairwise

import numpy as np

from workloads import c
from workloads.peer import READY, Peer, Run, Target, Workload, jitted, peer, replay

EMBED, HEADS, CONTEXT, TOKENS = 16, 4, 16, 27
WIDTH = EMBED // HEADS
RATE, BETA1, BETA2, EPSILON = 0.01, 0.85, 0.99, 1e-8
SHAPES = {
    "wte": (TOKENS, EMBED),
    "wpe": (CONTEXT, EMBED),
    "lm_head": (TOKENS, EMBED),
    "wq": (EMBED, EMBED),
    "wk": (EMBED, EMBED),
    "wv": (EMBED, EMBED),
    "wo": (EMBED, EMBED),
    "fc1": (4 * EMBED, EMBED),
    "fc2": (EMBED, 4 * EMBED),
}
END = TOKENS - 1  # stands before and after a document
DOCUMENT = [END, *(ord(letter) - ord("a") for letter in "isabella"), END]
POSITIONS = len(DOCUMENT) - 1
_rng = random.Random(42)
P = np.array([_rng.gauss(0, 0.08) for rows, columns in SHAPES.values() for _ in range(rows * columns)])


def split(numbers):
    """The parameters as matrices: lists of rows."""
    found, start = {}, 0
    for name, (rows, columns) in SHAPES.items():
        found[name] = [numbers[start + k * columns : start + (k + 1) * columns] for k in range(rows)]
        start += rows * columns
    return found


def total(terms):
    terms = iter(terms)
    found = next(terms)
    for term in terms:
        found = found + term
    return found


def dot(x, y):
    return total(a * b for a, b in zip(x, y, strict=True))


def linear(x, matrix):
    return [dot(row, x) for row in matrix]


def softmax(logits):
    """Not shifted by the largest: after a norm the logits are small, and a replay could not choose it anew."""
    exps = [x.exp() for x in logits]
    whole = total(exps)
    return [e / whole for e in exps]


def norm(x):
    scale = (dot(x, x) / len(x) + 1e-5) ** -0.5
    return [a * scale for a in x]


def document_loss(w, tokens):
    """The mean of -log p(next token): the matrices w hold any scalars with + * / ** exp log relu."""
    keys, values, losses = [], [], []
    for position, (token, following) in enumerate(pairwise(tokens)):
        x = norm([t + p for t, p in zip(w["wte"][token], w["wpe"][position], strict=True)])
        normed = norm(x)
        query = linear(normed, w["wq"])
        keys.append(linear(normed, w["wk"]))
        values.append(linear(normed, w["wv"]))
        mixed = []
        for head in range(0, EMBED, WIDTH):
            own = slice(head, head + WIDTH)
            weights = softmax([dot(query[own], key[own]) / WIDTH**0.5 for key in keys])
            mixed += [dot(weights, [value[k] for value in values]) for k in range(head, head + WIDTH)]
        x = [a + b for a, b in zip(x, linear(mixed, w["wo"]), strict=True)]
        hidden = [a.relu() for a in linear(norm(x), w["fc1"])]
        x = [a + b for a, b in zip(x, linear(hidden, w["fc2"]), strict=True)]
        losses.append(-softmax(linear(x, w["lm_head"]))[following].log())
    return total(losses) / len(losses)


class Scalar:
    """The baseline: a scalar that keeps its operands and the derivatives for them; no closures, no recursion."""

    __slots__ = ("data", "grad", "_children", "_local_grads")

    def __init__(self, data, children=(), local_grads=()):
        self.data, self.grad, self._children, self._local_grads = data, 0.0, children, local_grads

    def __add__(self, other):
        if isinstance(other, Scalar):
            return Scalar(self.data + other.data, (self, other), (1.0, 1.0))
        return Scalar(self.data + other, (self,), (1.0,))

    def __mul__(self, other):
        if isinstance(other, Scalar):
            return Scalar(self.data * other.data, (self, other), (other.data, self.data))
        return Scalar(self.data * other, (self,), (other,))

    def __truediv__(self, other):
        return self * (other**-1 if isinstance(other, Scalar) else 1 / other)

    def __neg__(self):
        return self * -1.0

    def __pow__(self, power):
        return Scalar(self.data**power, (self,), (power * self.data ** (power - 1),))

    def exp(self):
        out = math.exp(self.data)
        return Scalar(out, (self,), (out,))

    def log(self):
        return Scalar(math.log(self.data), (self,), (1 / self.data,))

    def relu(self):
        return Scalar(max(self.data, 0.0), (self,), (float(self.data > 0),))

    def tape(self):
        """All nodes below this one, each after its operands."""
        found, seen, stack = [], set(), [(self, False)]
        while stack:
            node, ready = stack.pop()
            if ready:
                found.append(node)
            elif node not in seen:
                seen.add(node)
                stack.append((node, True))
                for child in node._children:
                    if child not in seen:
                        stack.append((child, False))
        return found

    def backward(self):
        self.grad = 1.0
        for node in reversed(self.tape()):
            grad = node.grad
            for child, local in zip(node._children, node._local_grads, strict=True):
                child.grad += local * grad


def ours(backend) -> Run:
    """The program's parameters are those that the document reaches; of other tokens and positions the gradient is 0."""
    from tinygrad_edu import Adam, Value
    from tinygrad_edu.engine import leaves, topological

    everything = [Value(number) for number in P.tolist()]
    reached, nodes = None, 0

    def trace():
        nonlocal reached, nodes
        root = document_loss(split(everything), DOCUMENT)
        found = {*leaves(root)}
        reached = np.array([k for k, leaf in enumerate(everything) if leaf in found])
        nodes = len(topological(root))
        return root, [everything[k] for k in reached], []

    nothing, before = np.empty(0), 0.0
    make = partial(Adam, lr=RATE, betas=(BETA1, BETA2), eps=EPSILON)
    program, seconds = replay(trace, backend, lambda: (P[reached], nothing), make)

    def read(value):
        """The value, and the gradient that Adam's first moment was moved by."""
        nonlocal before
        moment, g = np.array(program.optimizer.kept[0]), np.zeros(len(P))
        g[reached] = (moment - BETA1 * before) / (1 - BETA1)
        before = moment
        return value, g

    def reset():
        nonlocal before
        before, zeros = 0.0, np.zeros(len(reached))
        program.state = {"params": P[reached], "steps": 0, "kept": [zeros, zeros]}

    note = f"{nodes:,} operations and {len(reached):,} parameters"
    if backend == "jax":
        run = updated_by_jax(program.function, P[reached], nothing)
        return run._replace(read=lambda found: (found[0], scattered(found[1], reached)), compiled=seconds, note=note)
    return Run(lambda: program.step(nothing), read, reset, compiled=seconds, note=note)


def baseline() -> Run:
    """The step as such a program has it: Adam in a loop, too."""
    leaves = [Scalar(number) for number in P.tolist()]
    w = split(leaves)
    m, v, steps = [0.0] * len(leaves), [0.0] * len(leaves), 0

    def step():
        nonlocal steps
        loss = document_loss(w, DOCUMENT)
        loss.backward()
        steps += 1
        gradient = [leaf.grad for leaf in leaves]
        for k, leaf in enumerate(leaves):
            g = leaf.grad
            m[k] = BETA1 * m[k] + (1 - BETA1) * g
            v[k] = BETA2 * v[k] + (1 - BETA2) * g * g
            leaf.data -= RATE * (m[k] / (1 - BETA1**steps)) / ((v[k] / (1 - BETA2**steps)) ** 0.5 + EPSILON)
            leaf.grad = 0.0
        return loss.data, gradient

    def reset():
        nonlocal steps
        steps = 0
        for k, (leaf, number) in enumerate(zip(leaves, P.tolist(), strict=True)):
            leaf.data, leaf.grad, m[k], v[k] = number, 0.0, 0.0, 0.0

    nodes = document_loss(w, DOCUMENT).tape()
    operations = sum(1 for node in nodes if node._children)
    return Run(step, reset=reset, note=f"{operations:,} operations; {len(nodes):,} nodes with the leaves")


# Sixteen positions side by side, those after the document's last all zero, so that loops over positions are loops over
# whole vectors; gradients of the weights along the rows of the weights. The matrix loops sum in two of gcc's vectors of
# eight: with plain loops over arrays, which gcc keeps in memory, the step takes four times as long.
SOURCE = """
#include <math.h>
#include <string.h>
enum { E = 16, HEADS = 4, W = E / HEADS, T = 16, V = 27, F = 64 };
typedef double lanes[T];
typedef double v8 __attribute__((vector_size(64), aligned(8), may_alias));
enum { WTE = 0, WPE = WTE + V * E, LM = WPE + T * E, WQ = LM + V * E, WK = WQ + E * E, WV = WK + E * E,
       WO = WV + E * E, FC1 = WO + E * E, FC2 = FC1 + F * E, P = FC2 + E * F };

static inline double dot(const double *x, const double *y) {
    double s[8], total = 0;
    for (int k = 0; k < 8; k++) s[k] = x[k] * y[k] + x[k + 8] * y[k + 8];
    for (int k = 0; k < 8; k++) total += s[k];
    return total;
}

static inline __attribute__((always_inline)) void linear(const double *restrict w, int nin, int nout,
                                                         lanes *restrict x, lanes *restrict y) {
    for (int j = 0; j < nout; j++) {
        v8 s = {0}, r = {0};
        for (int i = 0; i < nin; i++) {
            s += w[j * nin + i] * *(v8 *)x[i];
            r += w[j * nin + i] * *(v8 *)(x[i] + 8);
        }
        *(v8 *)y[j] = s, *(v8 *)(y[j] + 8) = r;
    }
}

// dy: adjoints of the outputs; g: gradient of w; dx += adjoints of the inputs.
static inline __attribute__((always_inline)) void back_linear(const double *restrict w, double *restrict g, int nin,
                                                              int nout, int count, lanes *restrict x,
                                                              lanes *restrict dy, lanes *restrict dx) {
    double xs[T][F];
    for (int i = 0; i < nin; i++)
        for (int n = 0; n < count; n++) xs[n][i] = x[i][n];
    for (int j = 0; j < nout; j++) {
        for (int b = 0; b < nin; b += 16) {
            v8 s = {0}, r = {0};
            for (int n = 0; n < count; n++) {
                s += dy[j][n] * *(v8 *)(xs[n] + b);
                r += dy[j][n] * *(v8 *)(xs[n] + b + 8);
            }
            *(v8 *)(g + j * nin + b) = s, *(v8 *)(g + j * nin + b + 8) = r;
        }
    }
    for (int i = 0; i < nin; i++) {
        v8 s = *(v8 *)dx[i], r = *(v8 *)(dx[i] + 8);
        for (int j = 0; j < nout; j++) {
            s += w[j * nin + i] * *(v8 *)dy[j];
            r += w[j * nin + i] * *(v8 *)(dy[j] + 8);
        }
        *(v8 *)dx[i] = s, *(v8 *)(dx[i] + 8) = r;
    }
}

static inline void norm(lanes *restrict x, lanes *restrict y, double *restrict scale) {
    lanes squares = {0};
    for (int i = 0; i < E; i++)
        for (int n = 0; n < T; n++) squares[n] += x[i][n] * x[i][n];
    for (int n = 0; n < T; n++) scale[n] = 1 / sqrt(squares[n] / E + 1e-5);
    for (int i = 0; i < E; i++)
        for (int n = 0; n < T; n++) y[i][n] = x[i][n] * scale[n];
}

static inline void back_norm(lanes *restrict x, lanes *restrict dy, const double *restrict scale,
                             lanes *restrict dx) {
    lanes inner = {0};
    for (int i = 0; i < E; i++)
        for (int n = 0; n < T; n++) inner[n] += dy[i][n] * x[i][n];
    for (int n = 0; n < T; n++) inner[n] *= scale[n] * scale[n] * scale[n] / E;
    for (int i = 0; i < E; i++)
        for (int n = 0; n < T; n++) dx[i][n] += dy[i][n] * scale[n] - x[i][n] * inner[n];
}

// tokens: count + 1 of them; p, m, v: parameters and moments; out: value, then gradient; steps: before this one.
void step(const int *restrict tokens, int count, double *restrict p, double *restrict m, double *restrict v,
          double *restrict out, long *restrict steps, double rate, double beta1, double beta2, double epsilon) {
    static _Alignas(64) lanes x0[E], x1[E], n1[E], q[E], k[E], u[E], a[HEADS][T], mixed[E], o[E], x2[E], n2[E], h[F],
        f[E], x3[E], logits[V], dx[E], d[E], dm[E], dq[E], dk[E], du[E], dh[F], s0, s1, s2;
    double *g = out + 1, value = 0, half = 1 / sqrt(W);
    memset(g, 0, LM * sizeof(double));
    memset(x0, 0, sizeof x0);
    for (int n = 0; n < count; n++)
        for (int i = 0; i < E; i++) x0[i][n] = p[WTE + tokens[n] * E + i] + p[WPE + n * E + i];
    norm(x0, x1, s0);
    norm(x1, n1, s1);
    linear(p + WQ, E, E, n1, q);
    linear(p + WK, E, E, n1, k);
    linear(p + WV, E, E, n1, u);
    for (int b = 0; b < HEADS; b++) {
        lanes total = {0};
        for (int t = 0; t < count; t++) {
            lanes s = {0};
            for (int i = b * W; i < b * W + W; i++)
                for (int n = 0; n < T; n++) s[n] += q[i][n] * k[i][t];
            for (int n = 0; n < T; n++) a[b][t][n] = 0;
            for (int n = t; n < count; n++) a[b][t][n] = exp(s[n] * half);
            for (int n = 0; n < T; n++) total[n] += a[b][t][n];
        }
        for (int n = count; n < T; n++) total[n] = 1;
        for (int n = 0; n < T; n++) total[n] = 1 / total[n];
        for (int i = b * W; i < b * W + W; i++) memset(mixed[i], 0, sizeof(lanes));
        for (int t = 0; t < count; t++) {
            for (int n = 0; n < T; n++) a[b][t][n] *= total[n];
            for (int i = b * W; i < b * W + W; i++)
                for (int n = 0; n < T; n++) mixed[i][n] += a[b][t][n] * u[i][t];
        }
    }
    linear(p + WO, E, E, mixed, o);
    for (int i = 0; i < E; i++)
        for (int n = 0; n < T; n++) x2[i][n] = x1[i][n] + o[i][n];
    norm(x2, n2, s2);
    linear(p + FC1, E, F, n2, h);
    for (int i = 0; i < F; i++)
        for (int n = 0; n < T; n++) h[i][n] = h[i][n] > 0 ? h[i][n] : 0;
    linear(p + FC2, F, E, h, f);
    for (int i = 0; i < E; i++)
        for (int n = 0; n < T; n++) x3[i][n] = x2[i][n] + f[i][n];
    linear(p + LM, E, V, x3, logits);
    for (int n = 0; n < count; n++) value -= logits[tokens[n + 1]][n];
    lanes total = {0};
    for (int j = 0; j < V; j++) {
        for (int n = 0; n < count; n++) logits[j][n] = exp(logits[j][n]);
        for (int n = count; n < T; n++) logits[j][n] = 0;
        for (int n = 0; n < T; n++) total[n] += logits[j][n];
    }
    for (int n = 0; n < count; n++) value += log(total[n]);
    out[0] = value / count;

    for (int n = 0; n < T; n++) total[n] = n < count ? 1 / (total[n] * count) : 0;
    for (int j = 0; j < V; j++)  // from here on, the adjoints of the logits
        for (int n = 0; n < T; n++) logits[j][n] *= total[n];
    for (int n = 0; n < count; n++) logits[tokens[n + 1]][n] -= 1.0 / count;
    memset(dx, 0, sizeof dx);
    back_linear(p + LM, g + LM, E, V, count, x3, logits, dx);
    memset(dh, 0, sizeof dh);
    back_linear(p + FC2, g + FC2, F, E, count, h, dx, dh);
    for (int i = 0; i < F; i++)
        for (int n = 0; n < T; n++) dh[i][n] = h[i][n] > 0 ? dh[i][n] : 0;
    memset(d, 0, sizeof d);
    back_linear(p + FC1, g + FC1, E, F, count, n2, dh, d);
    back_norm(x2, d, s2, dx);
    memset(dm, 0, sizeof dm);
    back_linear(p + WO, g + WO, E, E, count, mixed, dx, dm);
    memset(dq, 0, sizeof dq);
    memset(dk, 0, sizeof dk);
    memset(du, 0, sizeof du);
    for (int b = 0; b < HEADS; b++) {
        lanes da[T], inner = {0};
        for (int t = 0; t < count; t++) {
            memset(da[t], 0, sizeof(lanes));
            for (int i = b * W; i < b * W + W; i++) {
                for (int n = 0; n < T; n++) da[t][n] += dm[i][n] * u[i][t];
                du[i][t] = dot(a[b][t], dm[i]);
            }
            for (int n = 0; n < T; n++) inner[n] += a[b][t][n] * da[t][n];
        }
        for (int t = 0; t < count; t++) {
            for (int n = 0; n < T; n++) da[t][n] = half * a[b][t][n] * (da[t][n] - inner[n]);
            for (int i = b * W; i < b * W + W; i++) {
                for (int n = 0; n < T; n++) dq[i][n] += da[t][n] * k[i][t];
                dk[i][t] = dot(da[t], q[i]);
            }
        }
    }
    memset(d, 0, sizeof d);
    back_linear(p + WQ, g + WQ, E, E, count, n1, dq, d);
    back_linear(p + WK, g + WK, E, E, count, n1, dk, d);
    back_linear(p + WV, g + WV, E, E, count, n1, du, d);
    back_norm(x1, d, s1, dx);
    memset(d, 0, sizeof d);
    back_norm(x0, dx, s0, d);
    for (int n = 0; n < count; n++)
        for (int i = 0; i < E; i++) {
            g[WTE + tokens[n] * E + i] += d[i][n];
            g[WPE + n * E + i] += d[i][n];
        }

    ++*steps;
    double first = rate / (1 - pow(beta1, *steps)), second = 1 / (1 - pow(beta2, *steps));
    for (int i = 0; i < P; i++) {
        m[i] = beta1 * m[i] + (1 - beta1) * g[i];
        v[i] = beta2 * v[i] + (1 - beta2) * g[i] * g[i];
        p[i] -= first * m[i] / (sqrt(v[i] * second) + epsilon);
    }
}
"""
NO_ERRNO = (*c.PLAIN, "-fno-math-errno")  # else gcc keeps each square root to itself, in case it has to set errno


def hand_written_c(flags=NO_ERRNO) -> Run:
    import ctypes

    p, m, v, out = P.copy(), np.zeros(len(P)), np.zeros(len(P)), np.empty(1 + len(P))
    tokens, steps = (ctypes.c_int * len(DOCUMENT))(*DOCUMENT), ctypes.c_long(0)

    def reset():
        np.copyto(p, P)
        m[:] = v[:] = 0
        steps.value = 0

    count = ctypes.byref(steps)
    adam = RATE, BETA1, BETA2, EPSILON
    call = c.call(SOURCE, "step", tokens, POSITIONS, p, m, v, out, count, *adam, flags=flags)
    return Run(call, lambda _: (out[0], out[1:]), reset)


def jax_tensors() -> Run:
    """The parameters in one vector."""
    import jax
    import jax.numpy as jnp

    def norm(x):
        return x * (jnp.mean(x * x, axis=1, keepdims=True) + 1e-5) ** -0.5

    def loss(p, tokens):
        w, start = {}, 0
        for name, (rows, columns) in SHAPES.items():
            w[name] = p[start : start + rows * columns].reshape(rows, columns)
            start += rows * columns
        count = len(tokens) - 1
        x = norm(w["wte"][tokens[:-1]] + w["wpe"][:count])
        normed = norm(x)
        q, k, v = ((normed @ w[name].T).reshape(count, HEADS, WIDTH) for name in ("wq", "wk", "wv"))
        scores = jnp.einsum("nhw,thw->hnt", q, k) / WIDTH**0.5
        scores = jnp.where(jnp.tril(jnp.ones((count, count), bool)), scores, -jnp.inf)
        x = x + jnp.einsum("hnt,thw->nhw", jax.nn.softmax(scores), v).reshape(count, EMBED) @ w["wo"].T
        x = x + jnp.maximum(norm(x) @ w["fc1"].T, 0) @ w["fc2"].T
        logits = jax.nn.log_softmax(x @ w["lm_head"].T)
        return -jnp.mean(logits[jnp.arange(count), tokens[1:]])

    f, tokens = jax.value_and_grad(loss), np.array(DOCUMENT)
    seconds = jitted(f, P, tokens).compiled
    return updated_by_jax(f, P, tokens)._replace(compiled=seconds)


def hand_written_numpy() -> Run:
    """Matrices as views of one vector, and of the gradient; the passes written out."""
    p, g = P.copy(), np.zeros(len(P))
    w, d, start = {}, {}, 0
    for name, (rows, columns) in SHAPES.items():
        end = start + rows * columns
        w[name], d[name] = (numbers[start:end].reshape(rows, columns) for numbers in (p, g))
        start = end
    qkv, d_qkv = (numbers[len(p) - 12 * 256 : len(p) - 9 * 256].reshape(48, 16) for numbers in (p, g))
    tokens = np.array(DOCUMENT)
    count = POSITIONS
    here, following, rows = tokens[:-1], tokens[1:], np.arange(count)
    later = np.triu(np.ones((count, count), bool), 1)
    m, v2, steps = np.zeros(len(P)), np.zeros(len(P)), 0

    def update():
        nonlocal steps
        steps += 1
        np.multiply(m, BETA1, out=m)
        np.add(m, (1 - BETA1) * g, out=m)
        np.multiply(v2, BETA2, out=v2)
        np.add(v2, (1 - BETA2) * (g * g), out=v2)
        rate = RATE / (1 - BETA1**steps)
        np.subtract(p, rate * m / (np.sqrt(v2 / (1 - BETA2**steps)) + EPSILON), out=p)

    def norm(x):
        scale = ((x * x).sum(1, keepdims=True) / EMBED + 1e-5) ** -0.5
        return x * scale, scale

    def back_norm(dy, y, scale):
        return scale * (dy - y * ((dy * y).sum(1, keepdims=True) / EMBED))

    def step():
        x0, s0 = norm(w["wte"][here] + w["wpe"][:count])
        x1, s1 = norm(x0)
        q, k, v = (x1 @ qkv.T).reshape(count, 3, HEADS, WIDTH).transpose(1, 2, 0, 3)
        scores = q @ k.swapaxes(1, 2) / WIDTH**0.5
        scores[:, later] = -np.inf
        e = np.exp(scores)
        a = e / e.sum(2, keepdims=True)
        mixed = (a @ v).transpose(1, 0, 2).reshape(count, EMBED)
        x2 = x0 + mixed @ w["wo"].T
        x3, s3 = norm(x2)
        hidden = np.maximum(x3 @ w["fc1"].T, 0)
        x4 = x2 + hidden @ w["fc2"].T
        e = np.exp(x4 @ w["lm_head"].T)
        e /= e.sum(1, keepdims=True)
        value = -np.log(e[rows, following]).sum() / count

        e[rows, following] -= 1
        e /= count
        np.matmul(e.T, x4, out=d["lm_head"])
        d4 = e @ w["lm_head"]
        np.matmul(d4.T, hidden, out=d["fc2"])
        dh = (d4 @ w["fc2"]) * (hidden > 0)
        np.matmul(dh.T, x3, out=d["fc1"])
        d2 = d4 + back_norm(dh @ w["fc1"], x3, s3)
        np.matmul(d2.T, mixed, out=d["wo"])
        dm = (d2 @ w["wo"]).reshape(count, HEADS, WIDTH).transpose(1, 0, 2)
        da = dm @ v.swapaxes(1, 2)
        ds = a * (da - (da * a).sum(2, keepdims=True)) / WIDTH**0.5
        parts = ds @ k, ds.swapaxes(1, 2) @ q, a.swapaxes(1, 2) @ dm
        dz = np.stack([part.transpose(1, 0, 2) for part in parts], 1).reshape(count, 3 * EMBED)
        np.matmul(dz.T, x1, out=d_qkv)
        d0 = back_norm(d2 + back_norm(dz @ qkv, x1, s1), x0, s0)
        d["wpe"][:count] = d0
        d["wte"][:] = 0
        np.add.at(d["wte"], here, d0)
        update()
        return value, g

    def reset():
        nonlocal steps
        np.copyto(p, P)
        m[:], v2[:], steps = 0, 0, 0

    return Run(step, reset=reset)


def updated_by_jax(loss_and_gradient, start, data) -> Run:
    """The whole step in one jit."""
    import jax
    import jax.numpy as jnp

    @jax.jit
    def update(p, m, v, steps, data):
        value, g = loss_and_gradient(p, data)
        m = BETA1 * m + (1 - BETA1) * g
        v = BETA2 * v + (1 - BETA2) * g * g
        p = p - RATE * (m / (1 - BETA1**steps)) / (jnp.sqrt(v / (1 - BETA2**steps)) + EPSILON)
        return value, g, (p, m, v, steps + 1)

    first = jnp.asarray(start), jnp.zeros(len(start)), jnp.zeros(len(start)), jnp.asarray(1.0)
    state, data = first, jnp.asarray(data)

    def step():
        nonlocal state
        value, gradient, state = jax.block_until_ready(update(*state, data))
        return value, gradient

    def reset():
        nonlocal state
        state = first

    return Run(step, reset=reset)


def scattered(numbers, places):
    g = np.zeros(len(P))
    g[places] = np.asarray(numbers)
    return g


def peers() -> list[Peer]:
    return [
        peer("tinygrad_edu native", ours, "native"),
        peer("tinygrad_edu python", ours, "python"),
        peer("tinygrad_edu numpy", ours, "numpy"),
        peer("tinygrad_edu jax", ours, "jax"),
        peer("hand-written C", hand_written_c),
        peer("hand-written NumPy", hand_written_numpy),
        peer("hand-written C, -ffast-math", hand_written_c, c.VECTOR_MATHS),
        peer("jax.jit on tensors", jax_tensors),
        peer("scalar class in plain Python", baseline),
    ]


NATIVE, BASELINE = "tinygrad_edu native", "scalar class in plain Python"
WORKLOADS = [
    Workload(
        "T7 character GPT, one step",
        peers,
        [
            Target("native 1,000 × faster than the class", BASELINE, NATIVE, at_least=1000),
            Target("numpy at most 1.7 × NumPy by hand", "tinygrad_edu numpy", "hand-written NumPy", at_most=1.7),
            Target("jax at most 1.15 × jax.jit", "tinygrad_edu jax", "jax.jit on tensors", at_most=1.15),
            READY,
            Target("numpy ready in 0.6 s", "tinygrad_edu numpy", at_most=0.6),
            Target("the aim: 4,600 ×, as C programs", BASELINE, NATIVE, at_least=4600),
            Target("at most 2 × hand-written C", NATIVE, "hand-written C", at_most=2),
        ],
    )
]
