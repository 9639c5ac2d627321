"""Training: forward, gradient and update, again and again, until something says stop."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from copy import copy
from functools import partial
from numbers import Real
from typing import Any

from tinygrad_edu.engine import Value, collector_paused, of_torch, plural, quoted
from tinygrad_edu.nn.checkpoints import Checkpoint, digest, settings_of
from tinygrad_edu.nn.data import Example, divided, examples_of, shape, size
from tinygrad_edu.nn.engines import Batch, DataDependent, Eager, Replay, Whole, evaluated, outputs_of
from tinygrad_edu.nn.health import ENOUGH, examined, stalled
from tinygrad_edu.nn.history import History
from tinygrad_edu.nn.initialisers import generator
from tinygrad_edu.nn.loop import Loop
from tinygrad_edu.nn.losses import LOSSES, loss_named
from tinygrad_edu.nn.metrics import accuracy
from tinygrad_edu.nn.modules import Module, neurons_of, whole_number
from tinygrad_edu.nn.optim import Adam, Optimizer
from tinygrad_edu.nn.progress import Progress

ENGINES = ("auto", "eager", "python", "numpy", "native", "jax", "torch")


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
        optimizer.zero_grad()
        root.backward()
        optimizer.step()
        return root.data


def require_optimizer(what: str, optimizer: Any) -> None:
    if not isinstance(optimizer, Optimizer):
        raise TypeError(f"{what} expected an optimiser, like SGD(network.parameters()), got {quoted(optimizer)}")


def require_stops(what: str, on_epoch: Any, **limits: Any) -> None:
    """Check what may end a training."""
    for name, limit in limits.items():
        if not isinstance(limit, Real):
            raise TypeError(f"{what} expected {name} to be a number, got {quoted(limit)}")
    if on_epoch is not None and not callable(on_epoch):
        raise TypeError(f"{what} expected on_epoch to be a function of epoch and loss, got {quoted(on_epoch)}")


def train(
    loss: Callable[[], Value],
    optimizer: Optimizer,
    *,
    epochs: int = 1000,
    goal: float = -math.inf,
    tolerance: float = 0.0,
    on_epoch: Callable[[int, float], Any] | None = None,
) -> History:
    """Train until the loss is at most `goal`, or changes by less than `tolerance` in an epoch, or `epochs` are over.

    >>> from tinygrad_edu.nn.optim import SGD
    >>> w = Value(3.0)
    >>> run = train(lambda: w**2, SGD([w], lr=0.1), goal=1e-3)
    >>> run.epochs, run.stopped
    (21, 'the loss reached the goal, 0.001')

    Arguments:
        loss, optimizer: as for `training_step`; an epoch is one step on the whole of `loss`. For batches, validation
            and speed there is `fit`.
        on_epoch: called with the number of epochs done and the loss before the last update; True stops the training.

    Returns the losses, one before each step and one after the last, and the criterion in words. Raises ValueError
    unless `epochs` is a whole number from 0, and what `training_step` raises.
    """
    whole_number("epochs of train", epochs, least=0)
    require_optimizer("train", optimizer)
    require_stops("train", on_epoch, goal=goal, tolerance=tolerance)
    engine = Whole(loss, optimizer.parameters)
    options: dict[str, Any] = {"epochs": epochs, "goal": goal, "tolerance": tolerance, "on_epoch": on_epoch}
    return Loop(engine, optimizer, History(), lambda: iter([slice(None)]), alone=True, **options).run()


class Setup:
    """The data and the loss of a `fit`, checked, and the loop that trains on them."""

    def __init__(self, network: Any, loss: Any, examples: Any, validation: Any, metrics: Any, rng: Any) -> None:
        if isinstance(network, type) or not callable(network) or not hasattr(network, "parameters"):
            raise TypeError(f"fit expected a network, like an MLP, got {quoted(network)}")
        if of_torch(network):
            raise TypeError(f"fit expected a network of Values, got {quoted(network)}: from_torch(module) makes one")
        self.loss = loss_named(loss, "fit")
        self.network, self.rng, self.parameters = network, rng, network.parameters()
        known = self.loss if self.loss in LOSSES.values() else None
        self.loss_name = getattr(self.loss, "__name__", "loss")
        ours = examples_of(examples)
        held: list[Example] = []
        if isinstance(validation, float):
            ours, held = divided(ours, validation, rng)
        elif validation is not None:
            held = examples_of(validation, "validation")
            if len(held[0].x) != len(ours[0].x):
                wanted = plural(len(ours[0].x), "input")
                raise ValueError(f"validation expected {wanted}, as the examples, got {len(held[0].x)}")
            if size(held[0].target) != size(ours[0].target):
                raise ValueError(
                    f"validation expected {shape(ours[0].target)}, as the examples, got {quoted(held[0].target)}"
                )
        answer = network(ours[0].x)
        width = len(outputs_of(answer))
        self.count, self.held = len(ours), len(held)
        self.examples = [self.suited(known, width, k, e) for k, e in enumerate([*ours, *held], start=1)]
        targets = [example.target for example in self.examples]
        scores = known in (LOSSES["hinge"], LOSSES["binary_cross_entropy_with_logits"]) or -1 in targets
        self.metrics = named_metrics(metrics, 0.0 if scores else 0.5)

    def suited(self, known: Any, width: int, k: int, example: Example) -> Example:
        """An example whose target fits one of our losses; the number of a class as a probability for each."""
        if not known:
            return example
        target = example.target
        classes = known is LOSSES["cross_entropy"]
        if classes and isinstance(target, float) and target.is_integer():
            target = int(target)
        try:
            known([0.5] * width, target)
        except (ValueError, TypeError) as error:
            part = f"example {k}" if k <= self.count else f"example {k - self.count} of the validation"
            raise type(error)(f"the target of {part}: {error}") from None
        if classes and isinstance(target, int):
            target = [float(target == j) for j in range(width)]
        return example._replace(target=target)

    def loop(
        self, engine: Any, history: History, optimizer: Optimizer, batch: int | None, checkpoint: Any, **options: Any
    ) -> Loop:
        """The loop, where a checkpoint left it if there is one."""
        n = self.count
        alone = batch is None or batch >= n

        def batches() -> Iterator[Batch]:
            if alone:
                yield slice(0, n)
                return
            order = [*range(n)]
            self.rng.shuffle(order)
            for start in range(0, n, batch):  # type: ignore[arg-type]
                yield order[start : start + batch]  # type: ignore[operator]

        whole, held = slice(0, n), slice(n, n + self.held) if self.held else None
        options |= {"whole": whole, "validation": held, "size": n, "metrics": self.metrics}
        if held or self.metrics:
            options["measured"] = held or whole
            options["targets"] = [example.target for example in (self.examples[n:] or self.examples)]
        loop = Loop(engine, optimizer, history, batches, alone, **options)
        if checkpoint is not None:
            training = {
                "parameters": [parameter.label for parameter in optimizer.parameters],
                "optimizer": type(optimizer).__name__,
                "learning rate": optimizer.rate(),
                "loss": self.loss_name,
                "batch": None if alone else batch,
                "examples": [n, self.held, digest(self.examples)],
            }
            settings = {"clip": loop.clip and float(loop.clip), **settings_of(optimizer)}
            loop.checkpoint = Checkpoint(checkpoint, training, self.rng, settings)
            loop.checkpoint.restore(loop)
        return loop

    def notes(self, history: History, lost: int) -> None:
        """What a person should know of a training that is over."""
        if lost:
            history.note(f"{lost} shards were computed here: their workers could not be reached")
        if stalled(history.losses) and isinstance(self.network, Module):
            still = history.losses[-1]
            flat = len(history.losses) > 9 and len({*history.losses}) == 1
            history.note(
                f"the loss never changed from {still:.4g}" if flat else f"the loss stands still at {still:.4g}"
            )
            if neurons_of(self.network):
                for finding in examined(self.network, self.examples[: self.count][:ENOUGH], self.loss).findings:
                    history.note(finding)
            history.note(
                "it may be a local minimum, a plateau, or the least that can be had: try another seed, more neurons, "
                "another activation, or another learning rate"
            )


def named_metrics(metrics: Any, threshold: float) -> dict[str, Callable[[Any, Any], float]]:
    """Metrics by name."""
    if isinstance(metrics, str) or not isinstance(metrics, Iterable):
        metrics = [metrics]
    if not isinstance(metrics, Mapping):
        metrics = {m if isinstance(m, str) else getattr(m, "__name__", "metric"): m for m in metrics}
    found = {}
    for name, metric in metrics.items():
        if metric == "accuracy":
            metric = partial(accuracy, threshold=threshold)
        elif not callable(metric):
            raise ValueError(f'fit expected metrics to be "accuracy" or functions, got {metric!r}')
        found[name] = metric
    return found


def fit(
    network: Any,
    loss: str | Callable[[Any, Any], Value],
    examples: Any,
    *,
    optimizer: Optimizer | None = None,
    epochs: int = 100,
    batch: int | None = None,
    validation: Any = None,
    patience: int | None = None,
    goal: float = -math.inf,
    tolerance: float = 0.0,
    gradient_tolerance: float = 0.0,
    clip: float | None = None,
    seed: Any = None,
    metrics: Any = (),
    on_epoch: Callable[[int, float], Any] | None = None,
    checkpoint: Any = None,
    executor: Any = None,
    engine: str = "auto",
    progress: bool | None = None,
    path: bool = False,
) -> History:
    """Train a network on examples, and say what happened.

    >>> from tinygrad_edu.nn import MLP, Adam
    >>> network = MLP(2, [4, 1], activation="tanh", seed=3)
    >>> xor = [([0, 0], 0), ([0, 1], 1), ([1, 0], 1), ([1, 1], 0)]
    >>> history = fit(network, "mse", xor, optimizer=Adam(network.parameters(), 0.05), epochs=500, goal=1e-3)
    >>> history.stopped, [round(network(x).data) for x, t in xor]
    ('the loss reached the goal, 0.001', [0, 1, 1, 0])

    Arguments:
        network: a `Module`, or what can be called with a list of inputs and has `parameters()`.
        loss: of one example: the name of a loss, or a function of what the network gives and of the target.
        examples: pairs (inputs, target), a tuple (inputs, targets) of two sequences, arrays or frames, or a tuple of a
            pandas frame and the name of its target column. For "cross_entropy" a target may be the number of a class.
        optimizer: `Adam` with lr=0.01 unless given; its `lr` may be a schedule.
        epochs: how often all examples are seen; with 0 the loss is only computed.
        batch: examples for an update, shuffled anew in each epoch; all of them unless given.
        validation: further examples, or a share of them such as 0.2, never trained on.
        patience: stop when the validation loss, without one the training loss, was not lower for so many epochs, and
            put the best parameters back.
        goal, tolerance, gradient_tolerance: stop at this training loss, where it changes by less in an epoch, where the
            norm of the gradient is below.
        clip: the largest norm of a gradient, see `clip_gradients`.
        seed: of the shuffling and of the validation share; without one they come from Python's `random`.
        metrics: "accuracy", or functions (answers, targets) of all validation, else training, examples to a number, by
            name in a dict or in a list.
        on_epoch: called after each epoch with its number and its loss, when the network has the parameters that it has
            then; True stops the training.
        checkpoint: a file to which the state is written as the training goes on, and from which it is taken up if it is
            there: what was killed ends as if it had not been.
        executor: of `concurrent.futures`, or Dask's `client.get_executor()`: its workers share each batch.
        engine: "auto" records the loss of one example once and replays it, natively where that is installed; where the
            graph depends on its data, and with "eager", it is built anew for every example. Or a backend of `compile`.
        progress: whether to draw a bar; on a terminal, unless given.
        path: whether to keep the parameters after each epoch.

    Returns the history. Ctrl-C and divergence end the training, and keep the history and the parameters: those it had
    learned, or the best.
    Raises ValueError for no examples, for examples that do not fit one another or the loss, for a checkpoint of another
    training and options out of range; TypeError for what is no network, loss or optimiser.
    """
    rng = generator(seed)
    if checkpoint is not None and seed is None and isinstance(validation, float):
        raise ValueError("fit expected a seed: a checkpoint is of no use where each run holds back other examples")
    setup = Setup(network, loss, examples, validation, metrics, rng)
    optimizer = optimizer or Adam(setup.parameters, 0.01)
    require_optimizer("fit", optimizer)
    whole_number("epochs of fit", epochs, least=0)
    for name, number in {"batch": batch, "patience": patience}.items():
        if number is not None:
            whole_number(f"{name} of fit", number)
    if engine not in ENGINES:
        raise ValueError(f"fit expected an engine of {', '.join(ENGINES)}, got {engine!r}")
    require_stops("fit", on_epoch, goal=goal, tolerance=tolerance, gradient_tolerance=gradient_tolerance)
    if clip is not None and not (isinstance(clip, Real) and clip > 0):
        raise ValueError(f"fit expected clip to be above 0, got {clip!r}")
    eager = Eager(network, setup.loss, optimizer.parameters, setup.examples)
    before = eager.numbers(), optimizer.steps, [copy(kept) for kept in optimizer.kept], setup.rng.getstate()
    history = History()
    chosen: Any = eager
    if engine != "eager":
        try:
            chosen = Replay(eager, engine)
        except (DataDependent, ValueError, TypeError) as error:
            if engine != "auto" and not isinstance(error, DataDependent):
                raise
            history.note(f"trained on graphs built anew, which is slower: {error}")
    if executor is not None:
        if chosen is eager:
            raise ValueError(f"fit expected a loss that can be recorded, for an executor: {'; '.join(history.notes)}")
        from tinygrad_edu.nn.shards import Sharded

        chosen = Sharded(chosen, executor)
    loop = None
    with Progress(epochs, progress) as bar:
        prepared = partial(
            setup.loop, optimizer=optimizer, batch=batch, checkpoint=checkpoint, progress=bar, epochs=epochs, goal=goal,
            tolerance=tolerance, gradient_tolerance=gradient_tolerance, patience=patience, clip=clip, on_epoch=on_epoch,
            keep_path=path,
        )  # fmt: skip
        try:
            loop = prepared(chosen, history)
            loop.run()
        except DataDependent as words:
            (numbers, optimizer.steps, optimizer.kept, state), history = before, History()
            setup.rng.setstate(state)
            eager.put(numbers)
            if loop and loop.checkpoint:  # what it has was trained on the wrong graph
                loop.checkpoint.path.unlink(missing_ok=True)
            history.note(f"began again on graphs built anew, which is slower: {words}")
            loop = prepared(eager, history)
            loop.run()
    setup.notes(history, getattr(chosen, "lost", 0))
    bar.say(history)
    return history
