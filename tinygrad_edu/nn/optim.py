"""Optimisers, which change parameters by their gradients, and learning-rate schedules, which are plain functions."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from numbers import Real
from reprlib import repr as short
from typing import Any

from tinygrad_edu.engine import Value
from tinygrad_edu.nn.modules import at_least_one


class Optimizer:
    """What all optimisers share: the parameters, the learning rate, the number of steps taken.

    `lr` is a number, or a function of the number of steps taken so far.
    """

    def __init__(self, parameters: Iterable[Value], lr: float | Callable[[int], float], weight_decay: float) -> None:
        name = type(self).__name__
        if not isinstance(parameters, Iterable):
            raise TypeError(f"{name} expected Values, like network.parameters(), got {short(parameters)}")
        self.parameters = list(dict.fromkeys(parameters))  # one that is given twice is changed once
        if not self.parameters:
            raise ValueError(f"{name} expected parameters, got none")
        for parameter in self.parameters:
            if not isinstance(parameter, Value):
                raise TypeError(f"{name} expected Values, like network.parameters(), got {short(parameter)}")
            if parameter.parents:
                raise ValueError(f"{name} expected leaves, got the result of {parameter.op.title}, {parameter!r}")
        not_negative(self, "weight_decay", weight_decay)
        if not callable(lr):
            not_negative(self, "lr", lr)
        self.lr, self.weight_decay, self.steps = lr, weight_decay, 0

    def zero_grad(self) -> None:
        """Set every gradient back to 0.0."""
        for parameter in self.parameters:
            parameter.grad = 0.0

    def step(self) -> None:
        """Change every parameter once."""
        lr = self.lr
        if callable(lr):
            lr = lr(self.steps)
            not_negative(self, f"lr({self.steps})", lr)
        self.steps += 1
        self.update(lr)

    def update(self, lr: float) -> None:
        raise NotImplementedError


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
        self.momentum = momentum
        self.velocity = [0.0] * len(self.parameters)

    def update(self, lr: float) -> None:
        for k, p in enumerate(self.parameters):
            self.velocity[k] = self.momentum * self.velocity[k] + p.grad + self.weight_decay * p.data
            p.data -= lr * self.velocity[k]


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
        if not all(0 <= beta < 1 for beta in betas):
            raise ValueError(f"{type(self).__name__} expected betas from 0 to below 1, got {betas!r}")
        self.betas, self.eps = betas, eps
        self.mean = [0.0] * len(self.parameters)
        self.square = [0.0] * len(self.parameters)

    def update(self, lr: float) -> None:
        beta1, beta2 = self.betas
        correct1, correct2 = 1 - beta1**self.steps, 1 - beta2**self.steps
        for k, p in enumerate(self.parameters):
            decay = self.weight_decay * p.data
            g = p.grad if self.decoupled else p.grad + decay
            self.mean[k] = beta1 * self.mean[k] + (1 - beta1) * g
            self.square[k] = beta2 * self.square[k] + (1 - beta2) * g * g
            step = self.mean[k] / correct1 / (math.sqrt(self.square[k] / correct2) + self.eps)
            p.data -= lr * (step + decay if self.decoupled else step)


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


def constant(lr: float) -> Callable[[int], float]:
    """A schedule that stays at `lr`, to start from with `warmup`.

    >>> schedule = warmup(constant(0.1), steps=4)
    >>> schedule(0), schedule(3), schedule(100)
    (0.025, 0.1, 0.1)
    """
    return lambda step: lr


def step_decay(lr: float, factor: float, every: int) -> Callable[[int], float]:
    """A schedule that multiplies the learning rate by `factor` after each `every` steps.

    >>> schedule = step_decay(0.1, 0.5, every=10)
    >>> schedule(9), schedule(10)
    (0.1, 0.05)

    Raises ValueError for `every` below 1.
    """
    at_least_one("steps of step_decay", every)
    return lambda step: lr * factor ** (step // every)


def cosine_decay(lr: float, steps: int) -> Callable[[int], float]:
    """A schedule that falls from `lr` to 0 in `steps` steps along half a cosine. (Loshchilov and Hutter 2017.)

    >>> schedule = cosine_decay(0.1, steps=100)
    >>> schedule(0), round(schedule(50), 4), schedule(100)
    (0.1, 0.05, 0.0)

    Raises ValueError for `steps` below 1.
    """
    at_least_one("steps of cosine_decay", steps)
    return lambda step: 0.5 * lr * (1 + math.cos(math.pi * min(step, steps) / steps))


def warmup(schedule: Callable[[int], float], steps: int) -> Callable[[int], float]:
    """A schedule that rises in `steps` equal steps to where another one starts, and then follows that.

    >>> schedule = warmup(cosine_decay(0.1, steps=100), steps=4)
    >>> schedule(0), schedule(3), schedule(4)
    (0.025, 0.1, 0.1)

    Raises ValueError for `steps` below 1.
    """
    at_least_one("steps of warmup", steps)
    return lambda step: schedule(0) * (step + 1) / steps if step < steps else schedule(step - steps)


def not_negative(optimizer: Optimizer, name: str, number: float) -> None:
    if not (isinstance(number, Real) and 0 <= number < math.inf):
        raise ValueError(f"{type(optimizer).__name__} expected {name} to be a number from 0, got {number!r}")
