"""A 784-100-10 tanh network, cross entropy, the mean of 32 images of 28×28 pixels.

79,510 parameters, neuron by neuron, the bias last; an example is 784 pixels, four of five of them zero, which no peer
knows, and 10 one-hot targets.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from workloads.peer import beside_hand, classifier_by_hand, values

SIZES = (784, 100, 10)
COUNT = 32


def network():
    from tinygrad_edu import MLP

    return MLP(SIZES[0], [*SIZES[1:]], activation="tanh", seed=1)


_rng = np.random.default_rng(1)
P = np.array([p.data for p in network().parameters()]) / 10
PIXELS = _rng.integers(1, 256, (COUNT, SIZES[0])) / 255 * (_rng.random((COUNT, SIZES[0])) < 0.19)
TARGETS = np.eye(SIZES[-1])[_rng.integers(0, SIZES[-1], COUNT)]


def graph():
    from tinygrad_edu import dot, logsumexp

    mlp, x, t = network(), values(PIXELS[0]), values(TARGETS[0])
    logits = mlp(x)
    return logsumexp(logits) - dot(t, logits), mlp.parameters(), [*x, *t]


hand_written_numpy = partial(classifier_by_hand, P, SIZES, PIXELS, TARGETS)


def loss(parts, x, t):
    import jax
    import jax.numpy as jnp

    w1, b1, w2, b2 = parts
    return -jnp.sum(t * jax.nn.log_softmax(jnp.tanh(x @ w1.T + b1) @ w2.T + b2)) / len(x)


WORKLOADS = [
    beside_hand("784-100-10 network, 32 images", graph, P, [PIXELS, TARGETS], hand_written_numpy, loss, SIZES),
]
