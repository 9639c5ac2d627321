"""Losses: how far predictions are from targets, as one Value.

Predictions are a Value or a sequence of them, targets a number or as many numbers (or Values).
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Sequence
from typing import Any

from tinygrad_edu.engine import Value, data_of, of_torch, quoted
from tinygrad_edu.engine.operations import abs as absolute
from tinygrad_edu.engine.operations import dot, log, log1p, logsumexp, maximum, minimum, relu, softplus
from tinygrad_edu.engine.operations import sum as total

Numbers = Any  # a Value or number, or a sequence of them


def squared_error(predictions: Numbers, targets: Numbers) -> Any:
    """Half the sum of the squared errors, Σ ½ (t_i - y_i)², as textbooks write it: its derivative is y_i - t_i.

    >>> round(squared_error([0.7333, 0.7317], [0.6905, 0.8657]), 6)
    0.009894

    Raises ValueError where the lengths differ.
    """
    errors = differences("squared_error", predictions, targets)
    return 0.5 * dot(errors, errors)


def mse(predictions: Numbers, targets: Numbers) -> Any:
    """The mean squared error, Σ (y_i - t_i)² / n.

    >>> mse([1.0, 2.0], [0.0, 0.0])
    2.5

    Raises ValueError where the lengths differ.
    """
    errors = differences("mse", predictions, targets)
    return dot(errors, errors) / len(errors)


def mae(predictions: Numbers, targets: Numbers) -> Any:
    """The mean absolute error, Σ |y_i - t_i| / n.

    >>> mae([1.0, 2.0], [0.0, 0.0])
    1.5

    Raises ValueError where the lengths differ.
    """
    errors = differences("mae", predictions, targets)
    return total([absolute(error) for error in errors]) / len(errors)


def huber(predictions: Numbers, targets: Numbers, delta: float = 1.0) -> Any:
    """The mean of ½ e² for errors up to delta, and of delta (|e| - ½ delta) beyond, which one outlier cannot dominate.

    >>> huber([0.5, 3.0], [0.0, 0.0])
    1.3125

    Raises ValueError where the lengths differ and for a delta that is not positive. (Huber 1964.)
    """
    if not delta > 0:
        raise ValueError(f"huber expected a positive delta, got {delta!r}")
    terms = [huber_of(error, delta) for error in differences("huber", predictions, targets)]
    return total(terms) / len(terms)


def huber_of(error: Any, delta: float) -> Any:
    """The Huber loss of one error, all cases at once: c (e - ½ c), with c the error cut off at delta."""
    inner = maximum(minimum(error, delta), -delta)
    return inner * (error - 0.5 * inner)


def hinge(scores: Numbers, targets: Numbers) -> Any:
    """The max-margin loss, Σ relu(1 - t_i y_i) / n, for targets -1 and 1.

    >>> hinge([0.5, -2.0], [1, -1])
    0.25

    Raises ValueError where the lengths differ and for other targets.
    """
    pairs = paired("hinge", scores, targets)
    for _, target in pairs:
        if data_of(target) not in (-1, 1):
            raise ValueError(f"hinge expected the targets -1 and 1, got {data_of(target)!r}")
    return total([relu(1 - target * score) for score, target in pairs]) / len(pairs)


def binary_cross_entropy(probabilities: Numbers, targets: Numbers) -> Any:
    """The mean of -t log p - (1 - t) log(1 - p), from probabilities.

    A term whose factor is 0 is left out, so p = 1 is right for t = 1. A probability of 0 or 1 that is wrong would
    cost infinitely much and is refused: train on logits instead, with `binary_cross_entropy_with_logits`.

    >>> round(binary_cross_entropy([0.9, 0.2], [1, 0]), 4)
    0.1643

    Raises ValueError where the lengths differ, for a probability or target outside [0, 1], and where the loss would be
    infinite.
    """
    pairs = paired("binary_cross_entropy", probabilities, targets)
    terms = []
    for p, target in pairs:
        check_probability("binary_cross_entropy", "probabilities", p)
        check_probability("binary_cross_entropy", "targets", target)
        for factor, q, of, x in ((target, data_of(p), log, p), (1 - target, 1 - data_of(p), log1p, -p)):
            if data_of(factor) == 0 and (q <= 0 or not isinstance(factor, Value)):
                continue
            if q <= 0:
                raise ValueError(
                    f"binary_cross_entropy is infinite for the probability {data_of(p)!r} and the target "
                    f"{data_of(target)!r}: train on logits, with binary_cross_entropy_with_logits"
                )
            terms.append(-factor * of(x))  # log1p(-p) has the digits of a small p
    return total(terms) / len(pairs)


def binary_cross_entropy_with_logits(logits: Numbers, targets: Numbers) -> Any:
    """The binary cross entropy from logits z, p = sigmoid(z): the mean of t softplus(-z) + (1 - t) softplus(z).

    It keeps its digits for any finite z.

    >>> round(binary_cross_entropy_with_logits([2.0, -1000.0], [1, 0]), 4)
    0.0635

    Raises ValueError where the lengths differ and for a target outside [0, 1].
    """
    terms = []
    for z, target in paired("binary_cross_entropy_with_logits", logits, targets):
        check_probability("binary_cross_entropy_with_logits", "targets", target)
        terms.append(cross_entropy_of_logit(z, target))
    return total(terms) / len(terms)


def cross_entropy_of_logit(z: Any, target: Any) -> Any:
    """The binary cross entropy of one logit, with its digits where softplus(z) - t z would cancel."""
    return target * softplus(-z) + (1 - target) * softplus(z)


def cross_entropy(logits: Sequence[Value | float], target: int | Sequence[Value | float]) -> Any:
    """The cross entropy of one example, -Σ t_i log softmax(z)_i = log Σ exp(z_j - Σ t_i z_i).

    For a class it is stable for any z whose differences are finite; for probabilities it is as exact as Σ t_i z_i. The
    gradient is as exact as z_j - Σ t_i z_i: to 1e-10 where the true class is a million behind the others.

    >>> round(cross_entropy([1.0, 2.0, 3.0], 2), 4)
    0.4076

    Arguments:
        logits: one a class.
        target: the number of the class, from 0, or a probability for each.

    Raises ValueError for a class that does not exist, where the lengths differ and for probabilities that do not sum to
    1, TypeError for another target.
    """
    if not is_sequence(target):
        scores = listed("cross_entropy", "logits", logits)
        if not hasattr(target, "__index__"):
            raise TypeError(f"cross_entropy expected a class or a probability for each, got {quoted(target)}")
        k = operator.index(target)
        if not 0 <= k < len(scores):
            raise ValueError(f"cross_entropy expected a class from 0 to {len(scores) - 1}, got {target!r}")
        true = scores[k]
    else:
        pairs = paired("cross_entropy", logits, target)
        scores, shares = [score for score, _ in pairs], [share for _, share in pairs]
        for share in shares:
            check_probability("cross_entropy", "targets", share)
        if not math.isclose(whole := math.fsum(map(data_of, shares)), 1.0, rel_tol=1e-6):
            raise ValueError(
                f"cross_entropy expected probabilities that sum to 1, got {quoted([*map(data_of, shares)])}, {whole:g}"
            )
        true = dot(shares, scores)
    if isinstance(true, Value) or any(isinstance(score, Value) for score in scores):
        return logsumexp([score - true for score in scores])
    return logsumexp([Value(score) - true for score in scores]).data


LOSSES: dict[str, Callable[[Any, Any], Value]] = {
    loss.__name__: loss
    for loss in (
        squared_error,
        mse,
        mae,
        huber,
        hinge,
        binary_cross_entropy,
        binary_cross_entropy_with_logits,
        cross_entropy,
    )
}


def loss_named(loss: Any, what: str) -> Callable[[Any, Any], Value]:
    """A loss by its name, or a function of one's own as it is; `what` expects it, for errors."""
    if isinstance(loss, str) and loss not in LOSSES:
        raise ValueError(f"{what} expected a loss of {', '.join(LOSSES)}, or a function, got {loss!r}")
    if not (isinstance(loss, str) or callable(loss)):
        raise TypeError(f"{what} expected the name of a loss or a function of answer and target, got {quoted(loss)}")
    if of_torch(loss):
        raise TypeError(f"{what} expected a loss of {', '.join(LOSSES)}, or a function of Values, got {quoted(loss)}")
    return LOSSES[loss] if isinstance(loss, str) else loss


def paired(loss: str, predictions: Numbers, targets: Numbers) -> list[tuple[Any, Any]]:
    """Each prediction with its target."""
    left, right = listed(loss, "predictions", predictions), listed(loss, "targets", targets)
    if len(left) != len(right):
        raise ValueError(f"{loss} expected as many targets as predictions, {len(left)}, got {len(right)}")
    return list(zip(left, right, strict=True))


def listed(loss: str, what: str, numbers: Numbers) -> list[Any]:
    """One number or many, as a list."""
    many = list(numbers) if is_sequence(numbers) else [numbers]
    if not many:
        raise ValueError(f"{loss} expected {what}, got none")
    for one in many:
        if is_sequence(one):
            raise TypeError(
                f"{loss} expected {what} that are numbers or Values, got {quoted(one)}: call it once for each example"
            )
    return many


def is_sequence(numbers: Any) -> bool:
    return hasattr(numbers, "__iter__") and getattr(numbers, "shape", None) != ()  # not NumPy's array of no dimension


def differences(loss: str, predictions: Numbers, targets: Numbers) -> list[Any]:
    """y_i - t_i for each pair."""
    return [prediction - target for prediction, target in paired(loss, predictions, targets)]


def check_probability(loss: str, what: str, number: Any) -> None:
    if not 0 <= data_of(number) <= 1:
        logits = (
            f"; for logits, which may be any number, there is {loss}_with_logits" if what == "probabilities" else ""
        )
        raise ValueError(f"{loss} expected {what} from 0 to 1, got {data_of(number)!r}{logits}")
