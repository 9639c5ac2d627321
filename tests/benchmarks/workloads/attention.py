"""One head of attention, in which each of 5 positions looks at all, the mean over 32 examples of the sum of squares.

4 numbers a position. Parameters: 12 rows of 4, those of the queries, keys and values in turn.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from workloads.peer import Run, beside_hand, cut, objects, values

COUNT, POSITIONS, WIDTH = 32, 5, 4
SHAPES = ((3 * WIDTH, WIDTH),)

_rng = np.random.default_rng(1)
P = _rng.uniform(-0.5, 0.5, 3 * WIDTH * WIDTH)
X = _rng.uniform(-1, 1, (COUNT, POSITIONS, WIDTH))


def graph():
    from tinygrad_edu import dot, logsumexp, sum

    p, x = values(P), values(X[0].ravel())
    (w,) = cut(objects(p), SHAPES)
    rows = [[dot(row, now) for row in w] for now in objects(x).reshape(POSITIONS, WIDTH)]
    q, k, v = ([row[part : part + WIDTH] for row in rows] for part in (0, WIDTH, 2 * WIDTH))
    out = []
    for query in q:
        scores = [dot(query, key) / WIDTH**0.5 for key in k]
        total = logsumexp(scores)
        shares = [(score - total).exp() for score in scores]
        out += [dot(shares, column) for column in zip(*v, strict=True)]
    return sum([z * z for z in out]), p, x


def hand_written_numpy() -> Run:
    """Examples come last: products this small are quicker as sums of rows of them."""
    g = np.empty(len(P))
    (w,), (dw,) = cut(P.copy(), SHAPES), cut(g, SHAPES)
    x = X.transpose(2, 1, 0).copy()

    def call(x):
        n = x.shape[-1]
        flat = x.reshape(WIDTH, -1)
        q, k, v = (w @ flat).reshape(3, WIDTH, POSITIONS, n)
        scores = np.einsum("dtn,dsn->stn", q, k) * WIDTH**-0.5
        scores -= scores.max(0)
        shares = np.exp(scores, out=scores)
        shares /= shares.sum(0)
        out = np.einsum("stn,dsn->dtn", shares, v)
        d = 2 / n * out
        ds = np.einsum("dtn,dsn->stn", d, v)
        ds = shares * (ds - np.einsum("stn,stn->tn", shares, ds)) * WIDTH**-0.5
        dz = np.empty((3, WIDTH, POSITIONS, n))
        np.einsum("stn,dsn->dtn", ds, k, out=dz[0])
        np.einsum("stn,dtn->dsn", ds, q, out=dz[1])
        np.einsum("stn,dtn->dsn", shares, d, out=dz[2])
        np.matmul(dz.reshape(3 * WIDTH, -1), flat.T, out=dw)
        return np.vdot(out, out) / n, g

    return Run(partial(call, x))


def loss(p, x):
    import jax
    import jax.numpy as jnp

    (w,) = cut(p, SHAPES)
    q, k, v = jnp.split(x @ w.T, 3, axis=-1)
    shares = jax.nn.softmax(q @ k.swapaxes(1, 2) / WIDTH**0.5)
    return jnp.sum((shares @ v) ** 2) / len(x)


WORKLOADS = [beside_hand("attention, 5 positions", graph, P, [X], hand_written_numpy, loss)]
