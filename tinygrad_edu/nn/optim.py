"""Optimisers, which change parameters by their gradients, and learning-rate schedules, which are plain functions."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from numbers import Real
from typing import Any

from tinygrad_edu.engine import NOT_COMPUTED, Value, plural, quoted, title
from tinygrad_edu.nn.modules import whole_number


class Optimizer:
    """What all optimisers share: the parameters, the learning rate, the number of steps taken.

    `lr` is a number, or a function of the number of steps taken so far and of nothing else: how often it is called is
    not said. An optimiser of one's own has a `rule`, and says in `memory` how many numbers it keeps for each parameter
    from one step to the next; they start at 0.

    >>> class Lion(Optimizer):
    ...     memory = 1
    ...     def rule(self, p, g, lr, mean):
    ...         sign = (mean > 0) * 1.0 - (mean < 0) * 1.0
    ...         return p - lr * sign, 0.99 * mean + 0.01 * g
    >>> w = Value(3.0)
    >>> optimizer = Lion([w], lr=0.1)
    >>> for _ in range(2):
    ...     optimizer.zero_grad()
    ...     (w**2).backward()
    ...     optimizer.step()
    >>> round(w.data, 4)
    2.9
    """

    memory = 0

    def __init__(
        self, parameters: Iterable[Value], lr: float | Callable[[int], float], weight_decay: float = 0.0
    ) -> None:
        name = type(self).__name__
        if not isinstance(parameters, Iterable):
            raise TypeError(f"{name} expected Values, like network.parameters(), got {quoted(parameters)}")
        parameters = [*parameters]
        if not parameters:
            raise ValueError(f"{name} expected parameters, got none")
        for parameter in parameters:
            if not isinstance(parameter, Value):
                raise TypeError(f"{name} expected Values, like network.parameters(), got {quoted(parameter)}")
            if parameter.parents:
                raise ValueError(f"{name} expected leaves, got the result of {title(parameter.op)}, {parameter!r}")
        self.parameters = [*dict.fromkeys(parameters)]  # one that is given twice is changed once
        not_negative(self, "weight_decay", weight_decay)
        if not callable(lr):
            not_negative(self, "lr", lr)
        self.lr, self.weight_decay, self.steps = lr, float(weight_decay), 0
        self.kept: list[Any] = [[0.0] * len(self.parameters) for _ in range(self.memory)]

    def __repr__(self) -> str:
        lr = "a schedule" if callable(self.lr) else repr(self.lr)
        texts = [f"lr={lr}", *(f"{name}={value!r}" for name, value in self.hyperparameters().items())]
        return f"{type(self).__name__}({', '.join([plural(len(self.parameters), 'parameter'), *texts])})"

    def hyperparameters(self) -> dict[str, Any]:
        """What it was made with by name, besides the parameters and the learning rate, and as it is now."""
        return {name: value for name, value in vars(self).items() if name not in ("parameters", "lr", "steps", "kept")}

    def zero_grad(self) -> None:
        """Set every gradient back: it reads 0.0, and is not computed."""
        for parameter in self.parameters:
            parameter.zero_grad()

    def step(self) -> None:
        """Change every parameter once.

        Raises ValueError where no parameter has a gradient, TypeError where `data` was set to what is no float; then
        nothing is changed.
        """
        name = type(self).__name__
        for parameter in self.parameters:
            if type(parameter.data) is not float:
                called = f"the data of {parameter.label!r}" if parameter.label else "the data of a parameter"
                kind = type(parameter.data).__name__
                raise TypeError(f"{name}.step expected {called} to be a float, got {quoted(parameter.data)} ({kind})")
        if all(parameter.grad is NOT_COMPUTED for parameter in self.parameters):
            raise ValueError(
                f"{name}.step: no parameter has a gradient; call loss.backward() first, on a loss that depends on them"
            )
        moved = self.moved([p.data for p in self.parameters], [p.grad for p in self.parameters])
        for parameter, data in zip(self.parameters, moved, strict=True):
            if hasattr(parameter, "before"):  # so that it can be said what changed under a graph
                parameter.before = parameter.data
            parameter.data = data

    def rate(self) -> float:
        """The learning rate of the next step. Raises ValueError where a schedule gives no number from 0."""
        lr = self.lr
        if callable(lr):
            not_negative(self, f"lr({self.steps})", lr := lr(self.steps))
        return float(lr)  # a scalar of NumPy's, as from logspace, would make such of the parameters

    def moved(self, numbers: Any, gradients: Any) -> Any:
        """Where one step leads from the numbers of the parameters: lists of floats, or NumPy arrays, all at once."""
        lr = self.rate()
        self.steps += 1
        try:
            numbers, *self.kept = self.by_rule(numbers, gradients, lr)
        except BaseException:
            self.steps -= 1  # so that nothing is changed
            raise
        return numbers

    def by_rule(self, numbers: Any, gradients: Any, lr: float) -> Any:
        """The changed parameters, and what is kept for them."""
        name = f"{type(self).__name__}.rule"
        if not isinstance(numbers, list):
            try:
                found = self.rule(numbers, gradients, lr, *(numbers * 0 + kept for kept in self.kept))
            except (TypeError, ValueError) as error:  # an `if`, a function of `math`
                raise type(error)(f"{name}, on an array of all parameters: {error}") from error
            self.require_tuple(found)
            return found
        old = [[*map(float, kept)] for kept in self.kept]  # arrays, where a program made the last step
        rows = []
        for p, g, *kept in zip(numbers, gradients, *old, strict=True):
            try:
                rows.append(self.rule(p, g, lr, *kept))
            except ArithmeticError as error:  # that of Adam without eps divides by 0 where the gradient was always 0
                raise type(error)(f"{name}, on a parameter of {p!r} with the gradient {g!r}: {error}") from error
        self.require_tuple(rows[0])
        return ([*column] for column in zip(*rows, strict=True))

    def require_tuple(self, found: Any) -> None:
        """Raise TypeError for what a rule should not return."""
        if not isinstance(found, (tuple, list)) or len(found) != 1 + self.memory:
            kept = f" and {self.memory} to keep" * (self.memory > 0)
            raise TypeError(
                f"{type(self).__name__}.rule expected a tuple of the changed parameter{kept}, got {quoted(found)}"
            )

    def rule(self, p: Any, g: Any, lr: float, *kept: Any) -> tuple[Any, ...]:
        """The changed parameter, then what is kept for the next step; on a float or on an array of them."""
        raise NotImplementedError(f"{type(self).__name__} expected a rule(p, g, lr, …) of its own")


class SGD(Optimizer):
    """Gradient descent: p ← p - lr · v, with v ← momentum · v + (∂loss/∂p + weight_decay · p).

    >>> w = Value(3.0)
    >>> (w**2).backward()
    >>> SGD([w], lr=0.1).step()
    >>> round(w.data, 4)
    2.4

    Arguments:
        parameters: the Values to change.
        lr: the learning rate, a number or a function of the steps taken.
        momentum: how much of the last change is kept; 0 for none.
        weight_decay: the pull towards 0.

    Raises ValueError for a negative number, for no parameters and for a Value that an operation made.
    """

    memory = 1

    def __init__(
        self,
        parameters: Iterable[Value],
        lr: float | Callable[[int], float] = 0.01,
        *,
        momentum: float = 0.0,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(parameters, lr, weight_decay)
        not_negative(self, "momentum", momentum)
        self.momentum = float(momentum)

    def rule(self, p: Any, g: Any, lr: float, *kept: Any) -> tuple[Any, ...]:
        v = self.momentum * kept[0] + g + self.weight_decay * p
        return p - lr * v, v


class Adam(Optimizer):
    """Adam: p ← p - lr · m̂ / (√v̂ + eps), with m and v running means of the gradient and of its square.

    m̂ = m / (1 - β₁ᵗ) and v̂ = v / (1 - β₂ᵗ) correct their start at 0. Weight decay is added to the gradient.

    >>> w = Value(3.0)
    >>> (w**2).backward()
    >>> Adam([w], lr=0.1).step()
    >>> round(w.data, 4)
    2.9

    Arguments: as for `SGD`; betas: the shares of the old means; eps: keeps the division finite.
    Raises ValueError for a negative number, for betas outside [0, 1) and for no parameters. (Kingma and Ba 2015.)
    """

    memory = 2
    decoupled = False

    def __init__(
        self,
        parameters: Iterable[Value],
        lr: float | Callable[[int], float] = 0.001,
        *,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(parameters, lr, weight_decay)
        not_negative(self, "eps", eps)
        if not (isinstance(betas, Sequence) and len(betas) == 2 and all(map(is_share, betas))):
            raise ValueError(f"{type(self).__name__} expected two betas from 0 to below 1, got {betas!r}")
        self.betas, self.eps = (float(betas[0]), float(betas[1])), float(eps)

    def rule(self, p: Any, g: Any, lr: float, *kept: Any) -> tuple[Any, ...]:
        (mean, square), (beta1, beta2) = kept, self.betas
        decay = self.weight_decay * p
        if not self.decoupled:
            g = g + decay
        mean = beta1 * mean + (1 - beta1) * g
        square = beta2 * square + (1 - beta2) * g * g
        step = mean / (1 - beta1**self.steps) / ((square / (1 - beta2**self.steps)) ** 0.5 + self.eps)
        return p - lr * (step + decay if self.decoupled else step), mean, square


class AdamW(Adam):
    """Adam with decoupled weight decay: p ← p - lr · (m̂ / (√v̂ + eps) + weight_decay · p).

    Arguments and errors as for `Adam`; weight_decay is 0.01 unless given. (Loshchilov and Hutter 2019.)

    >>> w = Value(3.0)
    >>> (w**2).backward()
    >>> AdamW([w], lr=0.1).step()
    >>> round(w.data, 4)
    2.897
    """

    decoupled = True

    def __init__(self, parameters: Iterable[Value], lr: float | Callable[[int], float] = 0.001, **options: Any) -> None:
        super().__init__(parameters, lr, **{"weight_decay": 0.01} | options)


def step_decay(lr: float, factor: float, every: int) -> Callable[[int], float]:
    """A schedule that multiplies the learning rate by `factor` after each `every` steps.

    >>> schedule = step_decay(0.1, 0.5, every=10)
    >>> schedule(9), schedule(10)
    (0.1, 0.05)

    Raises ValueError for `every` below 1.
    """
    whole_number("steps of step_decay", every)
    return partial(_step_decay, lr, factor, every)


def cosine_decay(lr: float, steps: int) -> Callable[[int], float]:
    """A schedule that falls from `lr` to 0 in `steps` steps along half a cosine. (Loshchilov and Hutter 2017.)

    >>> schedule = cosine_decay(0.1, steps=100)
    >>> schedule(0), round(schedule(50), 4), schedule(100)
    (0.1, 0.05, 0.0)

    Raises ValueError for `steps` below 1.
    """
    whole_number("steps of cosine_decay", steps)
    return partial(_cosine_decay, lr, steps)


def warmup(schedule: float | Callable[[int], float], steps: int) -> Callable[[int], float]:
    """A schedule that rises in `steps` equal steps to a learning rate, or to where another schedule starts.

    Then it stays there, or follows the other one.

    >>> schedule = warmup(0.1, steps=4)
    >>> schedule(0), schedule(3), schedule(100)
    (0.025, 0.1, 0.1)
    >>> schedule = warmup(cosine_decay(0.1, steps=100), steps=4)
    >>> schedule(0), schedule(3), schedule(4), round(schedule(54), 4)
    (0.025, 0.1, 0.1, 0.05)

    Raises ValueError for `steps` below 1, TypeError for what is neither a number nor a function.
    """
    if not (isinstance(schedule, Real) or callable(schedule)):
        raise TypeError(f"warmup expected a learning rate or a schedule, got {quoted(schedule)}")
    whole_number("steps of warmup", steps)
    return partial(_warmup, schedule, steps)


# What schedules do at a step; functions of the module, so that an optimiser with a schedule can be pickled.


def _step_decay(lr: float, factor: float, every: int, step: int) -> float:
    return lr * factor ** (step // every)


def _cosine_decay(lr: float, steps: int, step: int) -> float:
    return 0.5 * lr * (1 + math.cos(math.pi * min(step, steps) / steps))


def _warmup(schedule: float | Callable[[int], float], steps: int, step: int) -> float:
    after = schedule(max(0, step - steps)) if callable(schedule) else schedule
    return after * (step + 1) / steps if step < steps else after


def clip_gradients(parameters: Iterable[Value], largest: float) -> float:
    """Scale all gradients down together, so that their norm √Σ g² is at most `largest`.

    >>> w = Value(3.0)
    >>> (w**2).backward()
    >>> clip_gradients([w], 1.0), w.grad
    (6.0, 1.0)

    Returns the norm before. Raises ValueError unless `largest` is above 0. (Pascanu et al. 2013.)
    """
    if not largest > 0:
        raise ValueError(f"clip_gradients expected a largest norm above 0, got {largest!r}")
    if not isinstance(parameters, Iterable):
        raise TypeError(f"clip_gradients expected Values, like network.parameters(), got {quoted(parameters)}")
    parameters = [*dict.fromkeys(parameters)]  # one that is given twice counts once
    norm = math.hypot(*(parameter.grad for parameter in parameters))
    if not math.isfinite(norm):
        raise ValueError(f"clip_gradients expected gradients of a finite norm, got {norm}")
    if norm > largest:
        for parameter in parameters:
            parameter.grad *= largest / norm
    return norm


def is_share(number: Any) -> bool:
    return isinstance(number, Real) and 0 <= float(number) < 1


def not_negative(optimizer: Optimizer, name: str, number: float) -> None:
    if not (isinstance(number, Real) and 0 <= number < math.inf):
        raise ValueError(f"{type(optimizer).__name__} expected {name} to be a number from 0, got {number!r}")
