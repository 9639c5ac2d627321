"""What a workload is made of: peers that do the same work, and targets for their ratios."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from functools import partial
from importlib import import_module
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

CLOCK = getattr(time, os.environ.get("CLOCK", "perf_counter"))


class Run(NamedTuple):
    """One way to do the workload once. It starts from the same parameters after each `reset`."""

    call: Callable[[], Any]
    read: Callable[[Any], tuple[Any, Any]] = lambda result: result  # what `call` returned, as (value, gradient array)
    reset: Callable[[], object] = lambda: None
    share: float = 1.0  # how many times the workload one call does: 1000 for a loop in C, 0.01 for a part of a batch
    expected: tuple[float, Any] | None = None  # what it must agree with, where that is not what the others compute
    compiled: float | None = None  # seconds to trace and compile, where it does that
    note: str = ""


class Peer(NamedTuple):
    """A contender: `make` imports what it needs, compiles, and gives the run; an error says why there is none."""

    name: str
    make: Callable[[], Run]


def peer(name: str, make: Callable[..., Run], *arguments: Any) -> Peer:
    return Peer(name, partial(make, *arguments))


class Target(NamedTuple):
    """A promise of the issue: seconds of `slow` over those of `fast`, at least or at most the limit.

    Without `fast` it is the seconds that `slow` takes to trace and compile; with `spare` both are, those of `slow` less
    the seconds to spare.
    """

    text: str
    slow: str
    fast: str = ""
    at_least: float | None = None
    at_most: float | None = None
    spare: float | None = None

    def holds(self, ratio: float) -> bool:
        return ratio >= self.at_least if self.at_least is not None else ratio <= self.at_most


class Workload(NamedTuple):
    title: str
    peers: Callable[[], list[Peer]]
    targets: Sequence[Target] = ()
    reference: str = "tinygrad_edu native"  # what the ratios are taken to, hand-written C where it is missing


def replay(
    trace: Callable[[], tuple[Any, list[Any], list[Any]]],
    backend: str,
    first: Callable[[], tuple[Any, Any]],
    optimizer: Callable[[list[Any]], Any] | None = None,
) -> tuple[Any, float]:
    """Our program for the graph that `trace` gives, as (root, params, inputs).

    Also the seconds from nothing to the result of a first call, with the params and inputs that `first` gives: to build
    the graph, trace and compile it, and to load and compile what a process does once (JAX is imported before).
    """
    if backend == "jax":
        import_module("jax")  # as its peers have it
    start = CLOCK()
    from tinygrad_edu.replay import compile

    root, params, inputs = trace()
    own = optimizer(params) if optimizer else None
    program = compile(root, params=params, inputs=inputs, backend=backend, optimizer=own)
    program(*first())
    return program, CLOCK() - start


def blocks(p: Any, sizes: Sequence[int]) -> list[Any]:
    """A matrix for each layer, a row for each neuron, the bias last: views of any library's array."""
    found, start = [], 0
    for nin, nout in pairwise(sizes):
        end = start + nout * (nin + 1)
        found.append(p[start:end].reshape(nout, nin + 1))
        start = end
    return found


def matrices(p: np.ndarray, sizes: Sequence[int]) -> list[tuple[np.ndarray, np.ndarray]]:
    """Weights and biases of each layer, as arrays of their own."""
    return [(block[:, :-1].copy(), block[:, -1].copy()) for block in blocks(p, sizes)]


def flat(pairs: Sequence[tuple[Any, Any]]) -> np.ndarray:
    """The way back."""
    return np.concatenate([np.hstack([np.asarray(w), np.asarray(b)[:, None]]).ravel() for w, b in pairs])


def classifier_by_hand(p: np.ndarray, sizes: Sequence[int], pixels: np.ndarray, targets: np.ndarray) -> Run:
    """A network of two layers, tanh and then softmax, in NumPy: mean cross entropy and its gradient.

    A column of ones beside the inputs of each layer makes the biases part of the products.
    """
    m1, m2 = blocks(p.copy(), sizes)
    pixels, targets = np.column_stack([pixels, np.ones(len(pixels))]), targets.copy()
    g, h = np.empty(len(p)), np.ones((len(pixels), sizes[1] + 1))
    g1, g2 = blocks(g, sizes)

    def call(x, t):
        np.tanh(x @ m1.T, out=h[:, :-1])
        logits = h @ m2.T
        logits -= logits.max(1, keepdims=True)
        exps = np.exp(logits)
        total = exps.sum(1, keepdims=True)
        value = (np.log(total).sum() - np.vdot(t, logits)) / len(x)
        d2 = (exps / total - t) / len(x)
        d1 = (d2 @ m2[:, :-1]) * (1 - h[:, :-1] ** 2)
        np.matmul(d2.T, h, out=g2)
        np.matmul(d1.T, x, out=g1)
        return value, g

    return Run(partial(call, pixels, targets))


def values(numbers: Sequence[float]) -> list[Any]:
    """Our Values of these numbers."""
    from tinygrad_edu import Value

    return [Value(float(number)) for number in numbers]


def objects(values: Sequence[Any]) -> np.ndarray:
    """An array of Values, to be cut and shaped."""
    found = np.empty(len(values), object)
    found[:] = values
    return found


def cut(p: Any, shapes: Sequence[tuple[int, ...]]) -> list[Any]:
    """Parts of these shapes, one behind another: views of any library's array."""
    found, start = [], 0
    for shape in shapes:
        end = start + int(np.prod(shape))
        found.append(p[start:end].reshape(shape))
        start = end
    return found


def jitted(f: Callable[..., Any], *arrays: Any) -> Run:
    """A function of JAX's arrays, or lists of them; also the seconds until its first result."""
    import jax

    start = CLOCK()
    compiled, given = jax.jit(f), jax.tree.map(jax.numpy.asarray, arrays)
    jax.block_until_ready(compiled(*given))
    return Run(lambda: jax.block_until_ready(compiled(*given)), compiled=CLOCK() - start)


OURS = {backend: f"tinygrad_edu {backend}" for backend in ("native", "numpy", "jax")}
BY_HAND = "hand-written NumPy"
JAX = "jax.jit on tensors"
READY = Target("jax ready in 2 × jax.jit + 0.5 s", OURS["jax"], JAX, at_most=2, spare=0.5)


def beside_hand(
    title: str,
    graph: Callable[[], tuple[Any, list[Any], list[Any]]],
    p: np.ndarray,
    arguments: Sequence[np.ndarray],
    by_hand: Callable[[], Run],
    loss: Callable[..., Any],
    sizes: Sequence[int] = (),
) -> Workload:
    """A graph on our backends beside NumPy and JAX written by hand.

    Arguments:
        graph: gives the graph of one example, as (root, params, inputs).
        p: the params' numbers.
        arguments: arrays of the examples; those of an example, one array after another, are its inputs.
        by_hand: the run in NumPy.
        loss: the mean on JAX, a function of p and these arrays.
        sizes: those of a network so large that JAX is quicker with weights and biases as arrays of their own.
    """
    data = np.hstack([part.reshape(len(part), -1) for part in arguments])

    def ours(backend: str) -> Run:
        program, seconds = replay(graph, backend, lambda: (p, data))
        if backend != "jax":
            return Run(partial(program, p.copy(), data.copy()), compiled=seconds)
        import jax

        given = [*map(jax.numpy.asarray, (p, data))]
        return Run(lambda: jax.block_until_ready(program(*given)), compiled=seconds)

    def on_jax() -> Run:
        import jax

        f = jax.value_and_grad(loss)
        if not sizes:
            return jitted(f, p, *arguments)
        run = jitted(f, [part for pair in matrices(p, sizes) for part in pair], *arguments)
        return run._replace(read=lambda found: (found[0], flat([*zip(found[1][::2], found[1][1::2], strict=True)])))

    peers = [*(peer(name, ours, backend) for backend, name in OURS.items()), peer(BY_HAND, by_hand), peer(JAX, on_jax)]
    targets = [
        Target("numpy at most 1.7 × NumPy by hand", OURS["numpy"], BY_HAND, at_most=1.7),
        Target("jax at most 1.15 × jax.jit", OURS["jax"], JAX, at_most=1.15),
        READY,
    ]
    return Workload(title, lambda: peers, targets, BY_HAND)
