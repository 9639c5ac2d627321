"""Networks of any shape on recovered arrays: convolutions, attention, recurrence, beside the program line by line."""

import itertools
import random

import pytest

from tests.test_replay import INSTALLED, close
from tinygrad_edu import Value, compile, dot, relu, softmax, tanh
from tinygrad_edu import sum as total
from tinygrad_edu.engine import leaves

pytest.importorskip("numpy")


class Draw(random.Random):
    """Numbers as Values."""

    def values(self, n):
        return [Value(self.uniform(-1, 1)) for _ in range(n)]

    def matrix(self, rows, columns):
        return [self.values(columns) for _ in range(rows)]


def flat(rows):
    return [*itertools.chain(*rows)]


def convolved(draw, x, channels, width, step, apart):
    """A layer of convolutions: its rows, and its params; by position or by channel, with a bias or without."""
    w, bias = [draw.matrix(len(x), width) for _ in range(channels)], draw.values(channels)
    places = (len(x[0]) - (width - 1) * apart - 1) // step + 1
    pairs = [(o, p) for o in range(channels) for p in range(places)]
    activation, biased = draw.choice([relu, tanh, lambda z: z * z]), draw.random() < 0.7
    found = {}
    for o, p in pairs if draw.random() < 0.5 else sorted(pairs, key=lambda pair: pair[1]):
        weights = [w[o][c][j] for c in range(len(x)) for j in range(width)]
        z = dot(weights, [x[c][p * step + j * apart] for c in range(len(x)) for j in range(width)])
        found[o, p] = activation(z + bias[o] if biased else z)
    return [[found[o, p] for p in range(places)] for o in range(channels)], [*flat(flat(w)), *bias]


def convolutions(draw):
    """One layer, or two."""
    width, step, apart = draw.randint(1, 3), draw.randint(1, 2), draw.randint(1, 2)
    x = draw.matrix(draw.randint(1, 3), 6 + draw.randint(0, 2))
    hidden, params = convolved(draw, x, draw.randint(1, 3), width, step, apart)
    if draw.random() < 0.6:
        hidden, more = convolved(draw, hidden, draw.randint(1, 3), draw.randint(1, min(2, len(hidden[0]))), 1, 1)
        params += more
    last = draw.values(len(flat(hidden)))
    return dot(last, flat(hidden)), [*params, *last], flat(x)


def attention(draw):
    """Each place looks at all, or at those before it."""
    places, width = draw.randint(2, 4), draw.randint(2, 3)
    x, weights, causal = draw.matrix(places, width), [draw.matrix(width, width) for _ in range(3)], draw.random() < 0.5
    q, k, v = ([[dot(row, place) for row in w] for place in x] for w in weights)
    found = []
    for i in range(places):
        seen = range(i + 1 if causal else places)
        shares = softmax([dot(q[i], k[j]) for j in seen])
        found += [dot(shares, [v[j][c] for j in seen]) for c in range(width)]
    return total([y * y for y in found]), flat(flat(weights)), flat(x)


def recurrent(draw):
    """From zeros, or from a state of params."""
    steps, width, size = draw.randint(2, 4), draw.randint(1, 3), draw.randint(2, 3)
    w, u, bias, x = draw.matrix(size, width), draw.matrix(size, size), draw.values(size), draw.matrix(steps, width)
    start, together = draw.values(size), draw.random() < 0.5
    h = start if draw.random() < 0.5 else [0.0] * size
    for now in x:
        h = [
            tanh(dot(w[i] + u[i], now + h) + bias[i] if together else dot(w[i], now) + dot(u[i], h) + bias[i])
            for i in range(size)
        ]
    return total([y * y for y in h]), [*flat(w), *flat(u), *bias, *start], flat(x)


@pytest.mark.parametrize("make", [convolutions, attention, recurrent])
@pytest.mark.parametrize("seed", range(30))
def test_networks_of_any_shape_agree(make, seed):
    """For the value, the gradient, the gradients for inputs; of one example, of many, reduced or each by itself."""
    draw = Draw(seed)
    root, *sides = make(draw)
    used = {*leaves(root)}
    params, inputs = ([leaf for leaf in side if leaf in used] for side in (sides if seed % 4 else sides[::-1]))
    data, batch = [p.data for p in params], [[i.data for i in inputs], [draw.uniform(-1, 1) for _ in inputs]]
    arrays, lines = (
        compile(root, params, inputs, also=inputs, reduce=("mean", None)[seed % 3 == 1], backend=name)
        for name in ("numpy", "python")
    )
    arrays.irregular = False  # also where it is too small to be worth it
    for examples in (batch, batch[0]):
        for mine, other in zip(arrays(data, examples), lines(data, examples), strict=True):
            close(mine, other)


@pytest.mark.parametrize("backend", [name for name in ("native", "torch", "jax") if name in INSTALLED])
@pytest.mark.parametrize("make", [convolutions, attention, recurrent])
@pytest.mark.parametrize("seed", [100, 101])
def test_networks_of_any_shape_agree_on_every_backend(make, seed, backend):
    draw = Draw(seed)
    root, *sides = make(draw)
    params, inputs = ([leaf for leaf in side if leaf in {*leaves(root)}] for side in sides)
    data, batch = [p.data for p in params], [[i.data for i in inputs], [draw.uniform(-1, 1) for _ in inputs]]
    programs = [compile(root, params, inputs, also=inputs, backend=name) for name in (backend, "python")]
    for mine, other in zip(*(program(data, batch) for program in programs), strict=True):
        close(mine, other)
