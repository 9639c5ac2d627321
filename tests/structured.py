"""Graphs with the structure of networks: dense layers, convolutions, attention, recurrences, norms, in random order."""

from __future__ import annotations

import random
from collections.abc import Sequence

from tinygrad_edu import Value, dot, exp, logsumexp, relu, sigmoid, sin, softmax, tanh
from tinygrad_edu import sum as total

Rows = list[list[Value]]  # the numbers of each position


class Network:
    """A loss over random layers, from a seed.

    Attributes:
        root, params, inputs: the graph of one example; `outputs` are the numbers of its last layer.
        layers: the names of its layers, for reports.
    """

    kinds: Sequence[str]  # of layers

    def __init__(self, seed: int, n_layers: int = 4) -> None:
        self.rng = rng = random.Random(seed)
        self.params: list[Value] = []
        positions, width = rng.randint(1, 5), rng.randint(1, 4)
        self.inputs = self.numbers(positions * width, "x")
        if rng.random() < 0.5:  # columns of the data, not rows
            x: Rows = [self.inputs[k::positions] for k in range(positions)]
        else:
            x = [self.inputs[k * width : (k + 1) * width] for k in range(positions)]
        self.layers, earlier = list[str](), [x]
        for _ in range(rng.randint(1, n_layers)):
            name = rng.choice(self.kinds)
            made = getattr(self, name)(x, earlier)
            if made and sum(map(len, made)) <= 60:
                self.layers.append(name)
                x = made
                earlier.append(x)
        flat = [z for row in x for z in row]
        ends = {
            "squares": lambda: total([z * z for z in flat]),
            "chain": lambda: sum((z * z for z in flat[1:]), flat[0]),
            "cross entropy": lambda: logsumexp(flat) - flat[rng.randrange(len(flat))],
            "linear": lambda: dot(self.weights(len(flat)), flat) + total([p * p for p in self.params]) * 0.01,
            "mean of rows": lambda: total([relu(total(row)) for row in x]) / len(x),
        }
        self.layers.append(rng.choice([*ends]))
        self.root = ends[self.layers[-1]]()
        self.outputs = flat
        used = reached(self.root)
        self.params = [p for p in self.params if p in used]
        self.inputs = [p for p in self.inputs if p in used]

    def numbers(self, n: int, name: str = "") -> list[Value]:
        return [Value(self.rng.uniform(-1, 1), name and f"{name}{k}") for k in range(n)]

    def weights(self, n: int) -> list[Value]:
        found = self.numbers(n)
        self.params += found
        return found

    def matrix(self, rows: int, columns: int) -> Rows:
        """Weights row by row, or column by column, or each row with its bias behind."""
        kind = self.rng.choice(["rows", "columns", "bias"])
        if kind == "columns":
            flat = self.weights(rows * columns)
            return [flat[k::rows] for k in range(rows)]
        return [self.weights(columns + (kind == "bias"))[:columns] for _ in range(rows)]

    def activation(self):
        return self.rng.choice([tanh, relu, sigmoid, sin, lambda z: z, lambda z: z * z, lambda z: 2 * z + 1])

    # Layers: each takes the rows and all earlier ones.

    def dense(self, x: Rows, earlier: Sequence[Rows]) -> Rows:
        w, f = self.matrix(self.rng.randint(1, 4), len(x[0])), self.activation()
        bias = self.weights(len(w)) if self.rng.random() < 0.7 else [0.0] * len(w)
        return [[f(dot(v, row) + b) for v, b in zip(w, bias, strict=True)] for row in x]

    def scalars(self, x: Rows, earlier: Sequence[Rows]) -> Rows:
        """A dense layer as it is written without `dot`."""
        w, f = self.matrix(self.rng.randint(1, 4), len(x[0])), self.activation()
        return [[f(sum(a * b for a, b in zip(v, row, strict=True))) for v in w] for row in x]

    def convolution(self, x: Rows, earlier: Sequence[Rows]) -> Rows:
        """Shared kernels: place by place, or channel by channel; with a stride, holes, a bias or without."""
        k, stride, step, channels = (self.rng.randint(1, n) for n in (3, 2, 2, 3))
        kernels, f = [self.matrix(k, len(x[0])) for _ in range(channels)], self.activation()
        bias = self.weights(channels) if self.rng.random() < 0.5 else [0.0] * channels
        starts = range(0, len(x) - (k - 1) * step, stride)
        pairs = [(start, c) for start in starts for c in range(channels)]
        found = {}
        for start, c in pairs if self.rng.random() < 0.5 else sorted(pairs, key=lambda pair: pair[1]):
            window = [z for j in range(k) for z in x[start + j * step]]
            found[start, c] = f(dot([w for row in kernels[c] for w in row], window) + bias[c])
        return [[found[start, c] for c in range(channels)] for start in starts]

    def depthwise(self, x: Rows, earlier: Sequence[Rows]) -> Rows:
        k = self.rng.randint(1, min(3, len(x)))
        kernels = self.matrix(len(x[0]), k)
        columns = [*zip(*x, strict=True)]
        starts = range(len(x) - k + 1)
        return [
            [dot(w, column[start : start + k]) for w, column in zip(kernels, columns, strict=True)] for start in starts
        ]

    def attention(self, x: Rows, earlier: Sequence[Rows]) -> Rows:
        heads, width = self.rng.randint(1, 2), self.rng.randint(1, 2)
        q, k, v = (
            [[dot(w, row) for w in m] for row in x] for m in (self.matrix(heads * width, len(x[0])) for _ in "qkv")
        )
        causal, found = self.rng.random() < 0.5, []
        for t in range(len(x)):
            row = []
            for own in (slice(h * width, (h + 1) * width) for h in range(heads)):
                seen = range(t + 1 if causal else len(x))
                scores = [dot(q[t][own], k[s][own]) * 0.5 for s in seen]
                e = [exp(s) for s in scores]
                shares = softmax(scores) if self.rng.random() < 0.5 else [a / total(e) for a in e]
                row += [dot(shares, [v[s][i] for s in seen]) for i in range(own.start, own.stop)]
            found.append(row)
        return found

    def recurrence(self, x: Rows, earlier: Sequence[Rows]) -> Rows:
        width = self.rng.randint(1, 3)
        w, u = self.matrix(width, len(x[0])), self.matrix(width, width)
        h, found = [Value(0.1)] * width, []
        for row in x:
            h = [tanh(dot(a, row) + dot(b, h)) for a, b in zip(w, u, strict=True)]
            found.append(h)
        return found if self.rng.random() < 0.5 else [h]

    def norm(self, x: Rows, earlier: Sequence[Rows]) -> Rows:
        def scaled(row):
            scale = (dot(row, row) / len(row) + 1e-2) ** -0.5
            return [z * scale for z in row]

        return [scaled(row) for row in x]

    def residual(self, x: Rows, earlier: Sequence[Rows]) -> Rows | None:
        alike = [y for y in earlier if (len(y), len(y[0])) == (len(x), len(x[0]))]
        other, times = self.rng.choice(alike), self.rng.random() < 0.5
        return [[a * b if times else a + b for a, b in zip(r, s, strict=True)] for r, s in zip(x, other, strict=True)]

    def turned(self, x: Rows, earlier: Sequence[Rows]) -> Rows:
        return [[*column] for column in zip(*x, strict=True)]

    def chosen(self, x: Rows, earlier: Sequence[Rows]) -> Rows:
        """Rows in any order, some twice, some not at all."""
        return [self.rng.choice(x) for _ in range(self.rng.randint(1, 5))]

    def embedding(self, x: Rows, earlier: Sequence[Rows]) -> Rows:
        table = self.matrix(3, len(x[0]))
        return [[a + b for a, b in zip(row, self.rng.choice(table), strict=True)] for row in x]

    def scaled(self, x: Rows, earlier: Sequence[Rows]) -> Rows:
        w, f = self.weights(len(x[0])), self.activation()
        return [[f(a * b) for a, b in zip(row, w, strict=True)] for row in x]

    def pooled(self, x: Rows, earlier: Sequence[Rows]) -> Rows:
        return [[(a + b) * 0.5 for a, b in zip(r, s, strict=True)] for r, s in zip(x, x[1:] + x[:1], strict=True)]

    def shares(self, x: Rows, earlier: Sequence[Rows]) -> Rows:
        return [softmax(row) for row in x]


class Computed(Network):
    """Further layers: weights that are computed from others, sums of different lengths, gates, distances."""

    def computed(self, n: int) -> list[Value]:
        """Numbers that are the same for all examples, and no params."""
        f = self.rng.choice([exp, tanh, sigmoid, lambda w: w * w, lambda w: w])
        return [f(w) for w in self.weights(n)]

    def prefixes(self, x: Rows, earlier: Sequence[Rows]) -> Rows:
        w, f = self.computed(len(x[0])), self.activation()
        return [[f(dot(w[:k], row[:k])) for k in range(1, len(row) + 1)] for row in x]

    def suffixes(self, x: Rows, earlier: Sequence[Rows]) -> Rows:
        """Each position sees itself and what comes after it."""
        w, f = self.computed(len(x)), self.activation()
        columns = [*zip(*x, strict=True)]
        return [[f(dot(w[: len(x) - k], column[k:])) for column in columns] for k in range(len(x))]

    def windows(self, x: Rows, earlier: Sequence[Rows]) -> Rows:
        """Sums of parts of the rows, of any lengths, of weights or of numbers of another row."""
        made, n = [], len(x[0])
        for _ in range(self.rng.randint(1, 4)):
            start = self.rng.randrange(n)
            end = self.rng.randint(start + 1, n)
            beside = self.computed(n) if self.rng.random() < 0.5 else self.rng.choice(x)
            made.append([dot(beside[start:end], row[start:end]) for row in x])
        return [[*column] for column in zip(*made, strict=True)]

    def ragged(self, x: Rows, earlier: Sequence[Rows]) -> Rows:
        w = [self.computed(len(x[0])) for _ in x]
        lengths = [self.rng.randint(1, len(row)) for row in x]
        return [[total(row[:n]), dot(v[:n], row[:n])] for v, row, n in zip(w, x, lengths, strict=True)]

    def made(self, x: Rows, earlier: Sequence[Rows]) -> Rows:
        """A dense layer whose weights are a product of two matrices, or the numbers of a layer without inputs."""
        rank, n = self.rng.randint(1, 2), self.rng.randint(1, 3)
        left, right, f = self.matrix(n, rank), self.matrix(len(x[0]), rank), self.activation()
        w = [[f(dot(a, b)) for b in right] for a in left]
        return [[dot(v, row) for v in w] for row in x]

    def gates(self, x: Rows, earlier: Sequence[Rows]) -> Rows:
        width = self.rng.randint(1, 2)
        wz, wh = self.matrix(width, len(x[0]) + width), self.matrix(width, len(x[0]) + width)
        h, found = [Value(0.0)] * width, []
        for row in x:
            z = [sigmoid(dot(w, row + h)) for w in wz]
            new = [tanh(dot(w, row + h)) for w in wh]
            h = [(1 - a) * b + a * c for a, b, c in zip(z, h, new, strict=True)]
            found.append(h)
        return found

    def running(self, x: Rows, earlier: Sequence[Rows]) -> Rows:
        """Sums of all positions so far."""
        found = [x[0]]
        for row in x[1:]:
            found.append([a + b for a, b in zip(found[-1], row, strict=True)])
        return found

    def distances(self, x: Rows, earlier: Sequence[Rows]) -> Rows:
        points = self.rng.choice([x, self.matrix(2, len(x[0]))])
        return [[total([(a - b) ** 2 for a, b in zip(row, p, strict=True)]) for p in points] for row in x]

    def triangle(self, x: Rows, earlier: Sequence[Rows]) -> Rows:
        """Products of each position with all before it, in one long row."""
        found = [dot(x[a], x[b]) for a in range(len(x)) for b in range(a + 1)]
        return [found] if self.rng.random() < 0.5 else [[z] for z in found]


def layers(kind: type[Network]) -> list[str]:
    return [name for name, made in vars(kind).items() if "earlier" in getattr(made, "__annotations__", ())]


Network.kinds = layers(Network)
Computed.kinds = [*Network.kinds, *layers(Computed) * 2]


def reached(root: Value) -> set[Value]:
    from tinygrad_edu.engine import leaves

    return {*leaves(root)}
