"""How good answers are, in a number that people read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def accuracy(answers: Sequence[Sequence[float]], targets: Sequence[Any], threshold: float = 0.5) -> float:
    """The share of right answers: the largest of several is the class; one is a yes where it is above the threshold.

    >>> accuracy([[0.9], [0.2]], [1, 1])
    0.5
    >>> accuracy([[0.1, 3.0], [2.0, 1.0]], [1, [1.0, 0.0]])
    1.0

    Arguments:
        answers: what the network gave, a list for each example.
        targets: the class, a number for each class, or yes and no as 1 and 0, or as 1 and -1.
        threshold: 0.5 for probabilities, 0 for logits and scores.
    """
    right = 0
    for answer, target in zip(answers, targets, strict=True):
        if len(answer) > 1:
            right += largest(answer) == (largest(target) if isinstance(target, list) else target)
        else:
            wanted = target[0] if isinstance(target, list) else target
            right += (answer[0] > threshold) == (wanted > 0.5)
    return right / len(targets)


def largest(numbers: Sequence[float]) -> int:
    return max(range(len(numbers)), key=numbers.__getitem__)
