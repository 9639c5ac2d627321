"""Convolutions with shared weights, one layer, ReLU, a linear unit behind it, the mean square of 32 errors.

In one dimension 4 kernels of 3 over 16 places; in two dimensions 4 kernels of 3×3 over 6×6 pixels. The parameters are
the kernels, their biases, then the weights of the linear unit, map by map.
"""

from __future__ import annotations

from functools import partial
from itertools import product

import numpy as np

from workloads.peer import Run, beside_hand, cut, objects, values

COUNT, KERNELS = 32, 4


class Shape:
    """A convolution of any dimension: `size` along each axis of the inputs and of a kernel."""

    def __init__(self, size, width):
        self.size, self.width = size, width
        self.out = tuple(n - k + 1 for n, k in zip(size, width, strict=True))
        self.weights, self.places = int(np.prod(width)), int(np.prod(self.out))
        self.shapes = (KERNELS, self.weights), (KERNELS,), (KERNELS, self.places)
        rng = np.random.default_rng(1)
        self.p = rng.uniform(-0.5, 0.5, sum(map(np.prod, self.shapes)))
        self.x, self.y = rng.uniform(-1, 1, (COUNT, *size)), rng.uniform(-1, 1, COUNT)

    def windows(self, x):
        """For each weight of a kernel the inputs that it meets: slices of x."""
        for at in product(*map(range, self.width)):
            yield x[tuple(slice(k, k + n) for k, n in zip(at, self.out, strict=True))]

    def graph(self):
        from tinygrad_edu import dot

        p, x, y = values(self.p), values(self.x[0].ravel()), *values(self.y[:1])
        kernels, biases, v = cut(objects(p), self.shapes)
        windows = np.array([*self.windows(objects(x).reshape(self.size))]).reshape(self.weights, -1).T
        maps = [(dot(w, window) + b).relu() for w, b in zip(kernels, biases, strict=True) for window in windows]
        return (dot(v.ravel(), maps) - y) ** 2, p, [*x, y]

    def hand_written_numpy(self) -> Run:
        """Examples along the last axis, so that whole rows are gathered and one product does for all places."""
        g = np.empty(len(self.p))
        (kernels, biases, v), (dk, db, dv) = cut(self.p.copy(), self.shapes), cut(g, self.shapes)
        x, y = self.x.reshape(COUNT, -1).T.copy(), self.y.copy()
        met = np.array([*self.windows(np.arange(len(x)).reshape(self.size))]).reshape(self.weights, -1)

        def call(x, y):
            n = len(y)
            windows = x[met].reshape(self.weights, -1)
            z = kernels @ windows
            z += biases[:, None]
            h = np.maximum(z, 0).reshape(-1, n)
            error = v.ravel() @ h - y
            d = 2 / n * error
            np.matmul(h, d, out=dv.reshape(-1))
            dz = np.multiply.outer(v.ravel(), d).reshape(z.shape)
            dz *= z > 0
            np.matmul(dz, windows.T, out=dk)
            np.sum(dz, axis=1, out=db)
            return error @ error / n, g

        return Run(partial(call, x, y))

    def loss(self, p, x, y):
        import jax
        import jax.numpy as jnp

        kernels, biases, v = cut(p, self.shapes)
        maps = jax.lax.conv(x[:, None], kernels.reshape(KERNELS, 1, *self.width), (1,) * len(self.size), "VALID")
        h = jnp.maximum(maps.reshape(len(x), KERNELS, -1) + biases[:, None], 0)
        return jnp.mean((jnp.tensordot(h, v, 2) - y) ** 2)


LINE, IMAGE = Shape((16,), (3,)), Shape((6, 6), (3, 3))


def workload(title, shape):
    return beside_hand(title, shape.graph, shape.p, [shape.x, shape.y], shape.hand_written_numpy, shape.loss)


WORKLOADS = [
    workload("1-D convolution, 16 places, 4 kernels of 3", LINE),
    workload("2-D convolution, 6×6 places, 4 kernels of 3×3", IMAGE),
]
