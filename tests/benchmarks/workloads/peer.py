"""What a workload is made of: peers that do the same work, and targets for their ratios."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np


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

    Without `fast` it is the seconds that `slow` takes to trace and compile.
    """

    text: str
    slow: str
    fast: str = ""
    at_least: float | None = None
    at_most: float | None = None

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
    the graph, trace and compile it, and to load and compile what a process does once.
    """
    start = time.perf_counter()
    from tinygrad_edu.replay import compile

    root, params, inputs = trace()
    own = optimizer(params) if optimizer else None
    program = compile(root, params=params, inputs=inputs, backend=backend, optimizer=own)
    program(*first())
    return program, time.perf_counter() - start


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
