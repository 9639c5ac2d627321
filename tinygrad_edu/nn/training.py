"""Training: repeat forward, backward and step until a criterion is met."""

from __future__ import annotations

import math
from collections.abc import Callable
from reprlib import repr as short
from typing import NamedTuple

from tinygrad_edu.engine import Value, collector_paused
from tinygrad_edu.nn.optim import Optimizer


class TrainingRun(NamedTuple):
    """What a training did: the loss before each epoch's step and after the last, and why it stopped.

    >>> TrainingRun([4.0, 1.0, 0.25], "all 2 epochs are over").epochs
    2
    """

    losses: list[float]
    stopped: str

    @property
    def epochs(self) -> int:
        """The number of steps taken."""
        return len(self.losses) - 1


def training_step(loss: Callable[[], Value], optimizer: Optimizer) -> float:
    """One step of training: forward, gradients back to zero, backward, update.

    >>> from tinygrad_edu.nn.optim import SGD
    >>> w = Value(3.0)
    >>> training_step(lambda: w**2, SGD([w], lr=0.1)), round(w.data, 4)
    (9.0, 2.4)

    Arguments:
        loss: builds the graph anew and returns its root.
        optimizer: holds the parameters.

    Returns the loss before the update. Raises what `Value.backward` raises, and TypeError where `loss` returns no
    Value.
    """
    with collector_paused():
        root = evaluated(loss)
        descend(root, optimizer)
        return root.data


def evaluated(loss: Callable[[], Value]) -> Value:
    """The root of a graph built anew."""
    root = loss()
    if not isinstance(root, Value):
        raise TypeError(f"training expected the loss function to return a Value, got {short(root)}")
    return root


def descend(root: Value, optimizer: Optimizer) -> None:
    """Backward from `root`, and one update."""
    optimizer.zero_grad()
    root.backward()
    optimizer.step()


def train(
    loss: Callable[[], Value],
    optimizer: Optimizer,
    *,
    epochs: int = 1000,
    goal: float = -math.inf,
    tolerance: float = 0.0,
    on_epoch: Callable[[int, float], None] | None = None,
) -> TrainingRun:
    """Train until the loss is at most `goal`, or changes by less than `tolerance` in an epoch, or `epochs` are over.

    >>> from tinygrad_edu.nn.optim import SGD
    >>> w = Value(3.0)
    >>> run = train(lambda: w**2, SGD([w], lr=0.1), goal=1e-3)
    >>> run.epochs, run.stopped
    (21, 'the loss reached the goal, 0.001')

    Arguments:
        loss, optimizer: as for `training_step`; an epoch is one step on the whole of `loss`.
        on_epoch: called with the number of epochs done and the loss before the last update, for a progress bar.

    Returns the losses and the criterion in words. Raises ValueError for epochs below 0, and what
    `training_step` raises.
    """
    if epochs < 0:
        raise ValueError(f"train expected epochs from 0, got {epochs!r}")
    losses: list[float] = []
    for epoch in range(1, epochs + 1):
        with collector_paused():
            root = evaluated(loss)
            losses.append(root.data)
            if root.data <= goal:  # before the update, which could lead away from it
                break
            descend(root, optimizer)
        if on_epoch:
            on_epoch(epoch, losses[-1])
        if len(losses) > 1 and abs(losses[-2] - losses[-1]) < tolerance:
            return TrainingRun([*losses, loss().data], f"the loss changed by less than {tolerance:g} in an epoch")
    else:
        losses.append(evaluated(loss).data)
    if losses[-1] <= goal:
        return TrainingRun(losses, f"the loss reached the goal, {goal:g}")
    return TrainingRun(losses, f"all {epochs} epochs are over")
