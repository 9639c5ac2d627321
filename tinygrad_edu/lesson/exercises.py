"""Exercises: backward passes with a classic mistake in them, and rules to be written."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from math import isclose
from typing import NamedTuple

from tinygrad_edu.check.faults import Fault, fault, pullbacks
from tinygrad_edu.engine import UNDEFINED, Value, grad, plain, topological
from tinygrad_edu.expression import Expression, parse
from tinygrad_edu.lesson.terminal import short
from tinygrad_edu.misconceptions import MISCONCEPTIONS
from tinygrad_edu.shell import program
from tinygrad_edu.show.names import Names

RULES = (  # one operation's rule is broken
    "sign of a difference",
    "mean instead of sum",
    "swapped operands",
    "relu' everywhere 1",
    "gradient from above missing",
    "sigmoid' of the input",
    "tanh' of the input",
    "an edge of x*x lost",
)
PASSES = (  # the pass goes wrong, each rule is right
    "overwritten",
    "no zero_grad",
    "softmax without cross terms",
    "before its consumers",
    "kept between passes",
    "updated too early",
)
QUESTIONS = {mistake.name: mistake.hint for mistake in MISCONCEPTIONS} | {
    "relu' everywhere 1": "Does relu's result change when its operand is negative?",
    "an edge of x*x lost": "How often is it an operand, and of how many of these does its gradient tell?",
    "softmax without cross terms": "On which of the inputs does the denominator of a softmax depend?",
    "before its consumers": "When it handed its gradient on, had all that use it added to it?",
    "kept between passes": "Which gradients were not 0 when the second pass began?",
    "updated too early": "Does every factor hold the number of the forward pass?",
}
SETTINGS = {  # what is not to be seen in the numbers
    "no zero_grad": "The pass runs twice, as in a loop of training.",
    "kept between passes": "The pass runs twice; between, the gradients of the leaves are set to 0.",
    "updated too early": "The pass is part of a step of training, w ← w − 0.1 · grad.",
}


class Rule(NamedTuple):
    """An operation whose derivative is to be written.

    Attributes:
        value: its formula in x.
        derivative: a right answer.
        outer, inner: where it is one function inside of another, their derivatives in x.
        hints: the first for those who do not know where to begin, then one that nearly says it.
        others: wrong answers of its own, and what to say to them.
    """

    value: str
    derivative: str
    outer: str
    inner: str
    hints: tuple[str, str]
    others: tuple[tuple[str, str], ...] = ()


RULES_TO_WRITE = (
    Rule(
        "x * x",
        "2 * x",
        "",
        "",
        (
            "Both operands are x. What does each of the two edges send back?",
            "It is x from one edge and x from the other.",
        ),
        (("x", "That is one of the two edges: x * x has two, and they add up."),),
    ),
    Rule(
        "x**3",
        "3 * x**2",
        "",
        "",
        ("The exponent becomes a factor, and is then one less.", "It is 3 times a power of x."),
        (
            ("x**2", "The exponent comes down as a factor: it is missing."),
            ("3 * x**3", "The exponent that stays is one less than before."),
            ("3 * x", "The exponent that stays is 2."),
        ),
    ),
    Rule(
        "1 / x",
        "-1 / x**2",
        "",
        "",
        ("1 / x is x**(-1): the rule of powers.", "It is -1 times a power of x. As x grows, 1 / x falls."),
        (
            ("1 / x**2", "As x grows, 1 / x falls: look at the sign."),
            ("log(x)", "That is a function whose derivative is 1 / x: the other direction."),
        ),
    ),
    Rule(
        "exp(3 * x)",
        "3 * exp(3 * x)",
        "exp(3 * x)",
        "3",
        (
            "Which function is outside, and which inside of it?",
            "exp is its own derivative; the inside, 3 * x, has the derivative 3.",
        ),
        (("3 * exp(x)", "The outer derivative is taken where the inner function is: at 3 * x."),),
    ),
    Rule(
        "sin(x**2)",
        "2 * x * cos(x**2)",
        "cos(x**2)",
        "2 * x",
        ("Which function is outside, and which inside of it?", "cos at x**2, times the derivative of x**2."),
        (
            ("cos(2 * x)", "The outer derivative is taken at x**2, then multiplied by the derivative of x**2."),
            ("2 * x * cos(x)", "The outer derivative is taken where the inner function is: at x**2."),
        ),
    ),
    Rule(
        "x * exp(x)",
        "exp(x) + x * exp(x)",
        "",
        "",
        ("x is used twice, so there are two paths, and they add up.", "One path gives exp(x), the other x * exp(x)."),
        (
            ("exp(x)", "That is the path through the factor x alone; there is one through exp(x) too."),
            ("x * exp(x)", "That is the path through exp(x) alone; there is one through the factor x too."),
        ),
    ),
    Rule(
        "sigmoid(x)",
        "out * (1 - out)",
        "",
        "",
        ("The derivative can be written with the result: its name is out.", "It is out times what out lacks to 1."),
        (
            ("x * (1 - x)", "In y (1 - y) stands the output y, not the input x."),
            ("1 - out**2", "That is the derivative of tanh."),
        ),
    ),
    Rule(
        "tanh(x) ** 2",
        "2 * tanh(x) * (1 - tanh(x)**2)",
        "2 * tanh(x)",
        "1 - tanh(x)**2",
        ("The square is outside, tanh inside.", "2 tanh(x), times the derivative of tanh: 1 minus its square."),
        (("2 * tanh(x) * (1 - x**2)", "In 1 - y² stands the output y of tanh, not its input x."),),
    ),
)
COUNT = len(RULES) + len(PASSES) + len(RULES_TO_WRITE)
HINTS = 3


def level(number: int) -> int:
    """1, a broken rule; 2, a broken pass; 3, a rule to be written. Raises ValueError for a number that there is not."""
    if not 1 <= number <= COUNT:
        raise ValueError(f"there are exercises 1 to {COUNT}, got {number}")
    return 1 if number <= len(RULES) else 2 if number <= len(RULES) + len(PASSES) else 3


def numbered(number: int) -> Fault:
    """The fault of an exercise of level 1 or 2."""
    return fault((*RULES, *PASSES)[number - 1])


def rule(number: int) -> Rule:
    """The rule of an exercise of level 3."""
    return RULES_TO_WRITE[number - 1 - len(RULES) - len(PASSES)]


def choices(number: int) -> list[str]:
    return sorted(RULES if level(number) == 1 else [*RULES, *PASSES])


def exercise(number: int) -> str:
    """What is to be solved, with all that it takes to reason it out.

    >>> print(exercise(3).splitlines()[0])
    Exercise 3 of 22, level 1: one rule of this backward pass is broken. Which?
    """
    if level(number) == 3:
        return to_write(number)
    broken = numbered(number)
    what = "one rule of this backward pass is broken. Which?" if level(number) == 1 else "what goes wrong in this pass?"
    setting = SETTINGS.get(broken.name)
    seen = watched(broken, broken)
    rows = [("", "value", "gradient", *(["then"] if seen.second else []), "should be")]
    for k, node in enumerate(seen.names):
        got = [seen.first[k], *([seen.second[k]] if seen.second else [])]
        rows.append((node, *map(short, (seen.data[k], *got, seen.right[k]))))
    return "\n".join(
        [
            f"Exercise {number} of {COUNT}, level {level(number)}: {what}",
            "",
            *([setting, ""] if setting else []),
            *aligned(rows),
            "",
            f"The nodes handed their gradients on in this order: {', '.join(seen.order)}.",
            "",
            "The mistakes to choose from:",
            "",
            *(f"    {name}" for name in choices(number)),
            "",
            *how_to_answer(number, "one of them"),
        ]
    )


def to_write(number: int) -> str:
    task = rule(number)
    rows = [("x", "out"), *((short(x), short(parse(task.value).build({"x": x}).data)) for x in (0.5, 1.0, 1.01, 2.0))]
    return "\n".join(
        [
            f"Exercise {number} of {COUNT}, level 3: write the rule.",
            "",
            f"    out = {task.value}",
            "    ∂out/∂x = ?",
            "",
            *aligned(rows),
            "",
            "A formula with x, and out for the result: numbers, + - * / **, brackets, exp, log, sin, tanh, …",
            "",
            *how_to_answer(number, "2 * x"),
        ]
    )


def how_to_answer(number: int, like: str) -> list[str]:
    typed = f"{program()} exercise {number}"
    return [
        f'Answer: {typed} --answer "{like}"',
        f"Hints:  {typed} --hint 1",
        "Hint 2 says more, hint 3 is the answer.",
    ]


def aligned(rows: Sequence[tuple[str, ...]]) -> list[str]:
    """Rows as a table: names at the left, numbers at the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "    "
        + "  ".join(text.rjust(w) if k else text.ljust(w) for k, (text, w) in enumerate(zip(row, widths, strict=True)))
        for row in rows
    ]


class Seen(NamedTuple):
    """What a broken pass does to a graph, node by node: inputs first, then in the order of the forward pass.

    Attributes:
        names: each with its operation.
        data, right: the values and the right gradients.
        first, second: the gradients after the pass, and after another one where it gives others.
        order: in which the nodes handed their gradients on.
    """

    names: list[str]
    data: list[float]
    right: list[float]
    first: list[float]
    second: list[float]
    order: list[str]

    @property
    def shows(self) -> bool:
        """Whether anything is wrong."""
        passes = [self.first, *([self.second] if self.second else [])]
        return not all(same(got, self.right) for got in passes)


def same(a: list[float], b: list[float]) -> bool:
    return all(isclose(x, y, rel_tol=1e-9, abs_tol=1e-12) for x, y in zip(a, b, strict=True))


def watched(broken: Fault, on: Fault) -> Seen:
    """What one mistake does to the graph of another."""
    inputs = [Value(x, f"x{k}" if len(on.at) > 1 else "x") for k, x in enumerate(on.at, start=1)]
    root = on.f(*inputs)
    listed = [*inputs, *topological(root)]
    names = Names(root, *inputs)
    right = [grad(root, node).data for node in listed]
    twice = broken.name == "no zero_grad"  # a right pass, once more without setting back
    order: list[Value] = []

    def noted(pullback: object, node: Value) -> None:
        order.append(node)
        pullback(node)  # type: ignore[operator]

    passes: list[list[float]] = []
    with nullcontext() if twice else broken.switch(), pullbacks(noted):
        for _ in range(2):
            root.backward()
            passes.append([node.grad for node in listed])
            if not twice:
                for leaf in inputs:
                    leaf.grad = 0.0
    first, second = passes
    written = [names.code(node) + (f" = {operation(node, names)}" if node.op else "") for node in listed]
    handed_on = [names.code(node) for node in dict.fromkeys(order)]
    return Seen(written, [n.data for n in listed], right, first, [] if same(first, second) else second, handed_on)


def operation(node: Value, names: Names) -> str:
    return node.op.written([names.code(p) if isinstance(p, Value) else f"{p:g}" for p in node.parents])


def hint(number: int, which: int) -> str:
    """The first hint says where to look, the second asks the question that leads to the answer, the third answers it.

    >>> print(hint(3, 2))
    For which of the two operands is it?
    """
    if level(number) == 3:
        return rule(number).hints[which - 1] if which < HINTS else f"∂out/∂x = {rule(number).derivative}"
    broken = numbered(number)
    if which == 1:
        seen = watched(broken, broken)
        got = seen.first if not same(seen.first, seen.right) else seen.second
        wrong = [k for k, (a, b) in enumerate(zip(got, seen.right, strict=True)) if not isclose(a, b, rel_tol=1e-9)]
        first = seen.names[wrong[-1]]
        return f"From the root down, the first gradient that is wrong is that of {first}: {short(got[wrong[-1]])}."
    return QUESTIONS[broken.name] if which == 2 else f"{broken.name}: {broken.lesson}."


def answer(number: int, given: str) -> tuple[bool, str]:
    """Whether the answer is right, and what to say.

    Raises ValueError for a mistake that is not among those to choose from, and for a formula that cannot be read.
    """
    if level(number) == 3:
        return formula_answer(rule(number), given)
    broken = numbered(number)
    if given not in choices(number):
        raise ValueError(f"{plain(given)!r} is not one of the mistakes to choose from: {', '.join(choices(number))}")
    if given == broken.name:
        return True, f"Right: {broken.lesson}."
    other, lesson = watched(fault(given), broken), sentence(fault(given).lesson)
    if not other.shows:
        return False, f"Not that one: it leaves all gradients of this graph right. {lesson}"
    name, got, would = next(differing(watched(broken, broken), other))
    return False, f"Not that one: with it {name} would get {short(would)}, and here it gets {short(got)}. {lesson}"


def sentence(text: str) -> str:
    first = text[0].upper() if text[0].isascii() else text[0]  # σ stays: Σ is a sum
    return f"{first}{text[1:]}."


def differing(seen: Seen, other: Seen) -> Iterator[tuple[str, float, float]]:
    """The nodes that another mistake gives other gradients, from the root down."""
    for mine, theirs in ((seen.first, other.first), (seen.second or seen.first, other.second or other.first)):
        for name, got, would in zip(reversed(seen.names), reversed(mine), reversed(theirs), strict=True):
            if not isclose(got, would, rel_tol=1e-9, abs_tol=1e-12):
                yield name.partition(" = ")[0], got, would


def formula_answer(task: Rule, given: str) -> tuple[bool, str]:
    """Compare a formula with the derivative at some points; where it is wrong, say which mistake it betrays."""
    written = parse(given)
    if unknown := [name for name in written.names if name not in ("x", "out")]:
        raise ValueError(f"expected a formula in x and out, got one in {unknown[0]}")
    points = [round(random.Random(f"{k} {task.value}").uniform(0.3, 1.4), 3) for k in range(6)]  # as they are told
    scopes = [scope(task, x) for x in points]
    try:
        got = [at(written, values) for values in scopes]
    except UNDEFINED as error:
        return False, f"That is not the derivative: at x = {short(points[0])} it has no value, {error}."
    if same(got, [values["right"] for values in scopes]):
        return True, f"Right: ∂out/∂x = {given.strip()}."
    for wrong, words in (*task.others, *((m.wrong, f"{sentence(m.lesson)} {m.hint}") for m in MISCONCEPTIONS)):
        formula = parse(wrong)
        if all(name in scopes[0] for name in formula.names) and same(got, [at(formula, values) for values in scopes]):
            return False, f"Not yet. {words}"
    x, right = short(points[0]), short(scopes[0]["right"])
    return False, f"Not yet: at x = {x} it gives {short(got[0])}. A small step there changes out {right} times as much."


def scope(task: Rule, x: float) -> dict[str, float]:
    """What the formulas of wrong answers may name, at one point."""
    leaf = Value(x, "x")
    out = parse(task.value).build({"x": leaf})
    found = {"x": x, "data": x, "out": out.data, "right": grad(out, leaf).data}
    if task.outer:
        outer, inner = (parse(text).build({"x": x} if "x" in text else {}).data for text in (task.outer, task.inner))
        found |= {"upstream": outer, "local": inner}
    return found


def at(formula: Expression, values: dict[str, float]) -> float:
    return formula.build({name: values[name] for name in formula.names}).data
