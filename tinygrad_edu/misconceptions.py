"""Classic wrong answers to "what is this derivative?", so that each can be answered by the mistake it betrays."""

from __future__ import annotations

from typing import NamedTuple


class Misconception(NamedTuple):
    """One mistake, on a step of the backward pass or in a rule.

    Attributes:
        name: in a few words.
        wrong: what those answer who make it: numbers, the names below, + - * / ** and brackets.
        hint: a question that leads away from it.
        lesson: what is wrong about it, and what would be right.
        operations: those in whose derivative it is made, by their names in the table; without any, in every one.

    The names in `wrong`, of which a question has some: `right`, the answer; `upstream`, the gradient that comes from
    above (of an outer function: its derivative at the inner one); `local`, the derivative on the edge (of the inner
    function: its derivative); `swapped`, the one on the other operand's edge; `last`, the contribution that came last;
    `before`, the gradient that a pass before has left; `count`, the number of operands; `data`, the operand's value;
    `out`, the result's value.
    """

    name: str
    wrong: str
    hint: str
    lesson: str
    operations: tuple[str, ...] = ()


# fmt: off
MISCONCEPTIONS = [  # where two give the same number, the first is what is said
    Misconception("sign of a difference", "-right",
        "Let the operand grow a little: does the result grow or fall?",
        "the sign is flipped"),
    Misconception("overwritten", "last",
        "In how many places is it used?",
        "gradients add up (+=): each use sends a contribution, and only the last one is counted here"),
    Misconception("no zero_grad", "right + before",
        "What stood in grad before this pass?",
        "the gradient of the pass before is still in it: set it to 0 before a new pass"),
    Misconception("inner derivative missing", "upstream",
        "The outer function is one factor. What is inside of it?",
        "the local derivative is missing: the chain rule multiplies what comes from above by it"),
    Misconception("gradient from above missing", "local",
        "By how much does the root change when the result does?",
        "the local derivative alone: the chain rule multiplies it by the gradient from above"),
    Misconception("swapped operands", "upstream * swapped",
        "For which of the two operands is it?",
        "that is the derivative for the other operand"),
    Misconception("added instead of multiplied", "upstream + local",
        "Along one path, do factors add or multiply?",
        "along a path the factors multiply; only paths that meet add up"),
    Misconception("the square's 2", "right / 2",
        "What does the exponent become when a power is differentiated?",
        "a factor 2 is missing: the derivative of x² is 2x", ("pow", "square")),
    Misconception("counted twice", "right * 2",
        "Is there a ½ before it, or one use fewer than you think?",
        "a factor 2 too much"),
    Misconception("mean instead of sum", "right / count",
        "By how much does a sum grow when one of its terms grows by 1?",
        "a sum passes its gradient on whole, a mean 1/n of it"),
    Misconception("sigmoid' of the input", "upstream * data * (1 - data)",
        "Is y in y (1 - y) what goes in, or what comes out?",
        "σ' is y (1 - y) with the output y, not x (1 - x) with the input", ("sigmoid",)),
    Misconception("tanh' of the input", "upstream * (1 - data ** 2)",
        "Is y in 1 - y² what goes in, or what comes out?",
        "tanh' is 1 - y² with the output y, not 1 - x² with the input", ("tanh",)),
    Misconception("the value, not its derivative", "out",
        "Is the question how large it is, or how it changes?",
        "that is the value of the result; its derivative is asked for"),
    Misconception("the operand, not its derivative", "data",
        "Is the question how large it is, or how the result changes with it?",
        "that is the value of the operand; a derivative for it is asked for"),
]
# fmt: on
