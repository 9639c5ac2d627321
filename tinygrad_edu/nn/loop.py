"""The loop that `train` and `fit` share: epochs of batches, what is written down, and what ends them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

from tinygrad_edu.engine import UNDEFINED, collector_paused
from tinygrad_edu.nn.checkpoints import Checkpoint
from tinygrad_edu.nn.engines import Batch
from tinygrad_edu.nn.history import History
from tinygrad_edu.nn.optim import Optimizer
from tinygrad_edu.nn.progress import Progress

GROWN = 12  # epochs of a growing loss in a row, after which a loss that is far from its lowest has diverged
FAR = 100


class Diverged(Exception):
    """What went bad first."""


@dataclass(eq=False, repr=False)
class Loop:
    """What `train` and `fit` share: epochs of batches, and what ends them.

    Arguments:
        engine: computes losses and gradients.
        optimizer: moves the parameters.
        history: where it is written down.
        batches: gives the batches of the next epoch.
        alone: whether an epoch is one batch of all examples.
        epochs, goal, tolerance, gradient_tolerance, patience, clip, on_epoch, keep_path: as for `fit`.
        whole, validation, measured: the examples to train on, to validate on, and those that the metrics are of.
        metrics, targets: functions of answers and targets, and the targets of what is measured.
        size: the number of examples.
    """

    engine: Any
    optimizer: Optimizer
    history: History
    batches: Callable[[], Iterator[Batch]]
    alone: bool
    epochs: int
    goal: float = -math.inf
    tolerance: float = 0.0
    gradient_tolerance: float = 0.0
    patience: int | None = None
    clip: float | None = None
    on_epoch: Callable[[int, float], Any] | None = None
    keep_path: bool = False
    whole: Batch = field(default_factory=lambda: slice(None))
    validation: Batch = None
    measured: Batch = None
    metrics: Mapping[str, Callable[[Any, Any], float]] = field(default_factory=dict)
    targets: Sequence[Any] = ()
    size: int = 1
    checkpoint: Checkpoint | None = None
    progress: Progress | None = None

    def __post_init__(self) -> None:
        self.numbers = self.engine.numbers()
        self.best, self.lowest, self.batch = self.numbers, math.inf, 0
        self.layers = layers_of(self.optimizer.parameters)

    def run(self) -> History:
        history, started = self.history, perf_counter() - self.history.seconds
        history.engine = self.engine.name
        if history.stopped:  # a checkpoint said so
            self.engine.put(self.numbers)
            return history
        if self.keep_path and not history.path:
            history.path.append([*map(float, self.numbers)])
        if self.progress:
            self.progress.before = len(history.losses)
        try:
            while not history.stopped:
                done = len(history.losses)
                if done >= self.epochs:
                    history.stopped = self.over
                    break
                self.epoch(done + 1)
                history.seconds = perf_counter() - started
                if self.checkpoint and not history.stopped:
                    self.checkpoint.offer(self)
        except KeyboardInterrupt:
            history.interrupted = True
            history.stopped = f"interrupted in epoch {len(history.losses) + 1}: what was learned until then is kept"
        except Diverged as words:
            self.numbers = self.best
            history.stopped = f"diverged {words}. The parameters after {history.best} epochs are back"
        finally:
            self.engine.put(self.numbers)
            with collector_paused():
                self.finish()
            history.seconds = perf_counter() - started
        if self.checkpoint:
            self.checkpoint.save(self)
        return history

    def finish(self) -> None:
        """The loss of the parameters that are kept."""
        history = self.history
        if not history.stopped:  # an error is on its way
            return
        try:
            loss, _ = self.engine.forward(self.numbers, self.whole)
        except UNDEFINED:
            loss = math.nan
        history.losses.append(loss)
        if self.alone and not history.validation and loss < self.lowest:
            history.best = history.epochs
        if loss <= self.goal and history.stopped == self.over:
            history.stopped = self.reached
        if self.progress:
            self.progress.show(history, history.epochs, last=True)

    def epoch(self, number: int) -> None:
        """One pass over all examples."""
        history, optimizer, started = self.history, self.optimizer, self.numbers
        losses, weights, norm = [], [], math.inf
        for count, batch in enumerate(self.batches(), start=1):
            self.batch, error = count, None
            try:
                loss, gradient = self.engine.gradient(self.numbers, batch)
                norm = norm_of(gradient)
            except (*UNDEFINED, ArithmeticError) as failure:
                error = failure
            if error and number == self.batch == 1:
                raise error
            if error or not math.isfinite(loss) or not math.isfinite(norm):
                raise Diverged(self.why(number, self.engine.failed(error, self.numbers, batch)))
            losses.append(loss)
            weights.append(len(batch) if isinstance(batch, list) else 1)
            if self.alone and loss <= self.goal:  # before the update, which could lead away from it
                history.stopped = self.reached
                return
            rate = optimizer.rate()
            clipped = gradient if self.clip is None or norm <= self.clip else scaled(gradient, self.clip / norm)
            self.numbers = self.engine.moved(optimizer, self.numbers, clipped)
        loss = sum(map(float.__mul__, losses, map(float, weights))) / sum(weights)
        history.losses.append(loss)
        history.rates.append(rate)
        for name, places in self.layers.items():
            history.gradients.setdefault(name, []).append(norm_of([gradient[k] for k in places]))
        if self.keep_path:
            history.path.append([*map(float, self.numbers)])
        self.measure()
        self.compare(number, started)
        if self.on_epoch:
            self.engine.put(self.numbers)  # what it looks at is the network as it is now
        if self.on_epoch and self.on_epoch(number, loss):
            history.stopped = f"on_epoch said so after epoch {number}"
        elif loss <= self.goal:
            history.stopped = self.reached
        elif len(history.losses) > 1 and abs(history.losses[-2] - loss) < self.tolerance:
            history.stopped = f"the loss changed by less than {self.tolerance:g} in an epoch"
        elif norm < self.gradient_tolerance:
            history.stopped = f"the norm of the gradient fell below {self.gradient_tolerance:g}"
        elif self.patience is not None and number - history.best >= self.patience + self.early:
            self.numbers = self.best
            history.stopped = (
                f"no better for {self.patience} epochs: the parameters after {history.best} epochs are back"
            )
        if history.stopped or number == self.epochs:
            self.engine.check(self.numbers, range(0, self.size, max(1, self.size // 8)))
        elif number & (number - 1) == 0:  # ever more seldom
            self.engine.check(self.numbers, [number % self.size])
        if self.progress:
            self.progress.show(history, number)

    @property
    def over(self) -> str:
        return f"all {self.epochs} epochs are over"

    @property
    def reached(self) -> str:
        return f"the loss reached the goal, {self.goal:g}"

    @property
    def early(self) -> bool:
        """Whether the loss of an epoch is that of the parameters it began with."""
        return self.alone and self.validation is None

    def measure(self) -> None:
        """Look at the validation set, and at the metrics."""
        if self.measured is None:
            return
        try:
            loss, answers = self.engine.forward(self.numbers, self.measured)
        except UNDEFINED:
            loss, answers = math.inf, []
        if self.validation is not None:
            self.history.validation.append(loss)
        for name, metric in self.metrics.items():
            found = float(metric(answers, self.targets)) if answers else math.nan
            self.history.metrics.setdefault(name, []).append(found)

    def compare(self, number: int, started: Any) -> None:
        """Keep the best parameters, and notice a loss that runs away."""
        history = self.history
        watched = history.losses if self.validation is None else history.validation
        if watched[-1] < self.lowest:
            self.lowest = watched[-1]
            self.best, history.best = (started, number - 1) if self.early else (self.numbers, number)
        grown = growing(history.losses)
        if grown >= GROWN and history.losses[-1] > FAR * max(min(history.losses), 1e-300):
            raise Diverged(self.why(number, f"the loss is {history.losses[-1]:.3g}"))

    def why(self, number: int, first: str) -> str:
        """Where and how the training diverged, and what to try."""
        grown, rate = growing(self.history.losses), self.optimizer.rate()
        before = f"the loss grew for {grown} epochs: " if grown > 1 else ""
        return (
            f"in epoch {number}, batch {self.batch}: {first or 'the gradient is not finite'}; {before}"
            f"the learning rate {rate:g} is probably too large, try {rate / 10:g}"
        )


def growing(losses: Sequence[float]) -> int:
    """For how many epochs at the end the loss grew."""
    count = 0
    while count + 1 < len(losses) and losses[-count - 1] > losses[-count - 2]:
        count += 1
    return count


def norm_of(gradient: Any) -> float:
    """√Σ g², of a list or an array."""
    if isinstance(gradient, list):
        return math.hypot(*gradient)
    if 1e-150 < float(abs(gradient).max()) < 1e150:
        return math.sqrt(float(gradient @ gradient))
    return math.hypot(*gradient.tolist())  # squares would overflow, or be 0


def scaled(gradient: Any, factor: float) -> Any:
    return [g * factor for g in gradient] if isinstance(gradient, list) else gradient * factor


def layers_of(parameters: Sequence[Any]) -> dict[str, list[int]]:
    """Which parameters belong to each layer."""
    found: dict[str, list[int]] = {}
    for k, parameter in enumerate(parameters):
        place = getattr(parameter, "place", None)
        found.setdefault(f"layer {place.layer}" if place else "others", []).append(k)
    return found
