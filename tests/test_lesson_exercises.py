"""The misconceptions that wrong answers are told by, and the exercises that are answered with them."""

import random
import re

import pytest

from tinygrad_edu import Value
from tinygrad_edu.check.faults import FAULTS, fault
from tinygrad_edu.expression import parse
from tinygrad_edu.lesson import exercises
from tinygrad_edu.lesson.exercises import COUNT, RULES_TO_WRITE, answer, choices, exercise, hint, level, numbered, rule
from tinygrad_edu.misconceptions import MISCONCEPTIONS

NAMES = {"right", "upstream", "local", "swapped", "last", "before", "count", "data", "out"}


def test_misconceptions_are_formulas_over_the_names_that_their_documentation_lists():
    for row in MISCONCEPTIONS:
        assert set(parse(row.wrong).names) <= NAMES
        assert row.hint.endswith("?")


def test_no_two_misconceptions_give_the_same_answer_and_none_the_right_one():
    numbers = random.Random(1)
    values = {name: numbers.uniform(1.5, 4) for name in sorted(NAMES)}
    answers = [values["right"]]
    for row in MISCONCEPTIONS:
        formula = parse(row.wrong)
        answers.append(formula.build({name: values[name] for name in formula.names}).data)
    assert len({round(answer, 9) for answer in answers}) == len(MISCONCEPTIONS) + 1


def test_a_mistake_has_one_name_in_both_catalogues():
    shared = {row.name for row in MISCONCEPTIONS} & {fault.name for fault in FAULTS}
    assert {"overwritten", "swapped operands", "gradient from above missing", "no zero_grad"} <= shared


def test_what_is_missing_is_the_same_in_both_catalogues():
    """Of 3 tanh(x) the factor 3, which comes from above."""
    [row] = [row for row in MISCONCEPTIONS if row.name == "gradient from above missing"]
    x = Value(0.5, "x")
    y = x.tanh()
    with fault(row.name).switch():
        (y * 3.0).backward()
    values = {"upstream": 3.0, "local": 1 - y.data**2}
    wrong = parse(row.wrong)
    assert x.grad == pytest.approx(wrong.build({name: values[name] for name in wrong.names}).data)


to_find = pytest.mark.parametrize("number", [k for k in range(1, COUNT + 1) if level(k) < 3])
to_write = pytest.mark.parametrize("number", [k for k in range(1, COUNT + 1) if level(k) == 3])


def test_there_are_three_levels_and_every_fault_is_an_exercise():
    assert [level(k) for k in range(1, COUNT + 1)] == [1] * 8 + [2] * 6 + [3] * 8
    assert {numbered(k).name for k in range(1, 15)} == {fault.name for fault in FAULTS}
    with pytest.raises(ValueError, match="there are exercises 1 to 22, got 0"):
        level(0)


def printed_with(fault, number, monkeypatch):
    """The exercise as it would be printed if another mistake had been made, without what its setting gives away."""
    seen = exercises.watched
    monkeypatch.setattr(exercises, "watched", lambda broken, on: seen(fault, on))
    text = exercise(number).partition("The mistakes")[0]
    monkeypatch.undo()
    return text


@to_find
def test_what_an_exercise_prints_has_one_explanation(number, monkeypatch):
    shown = exercise(number).partition("The mistakes")[0]
    explanations = []
    for made in FAULTS:
        if made.name in choices(number) and printed_with(made, number, monkeypatch) == shown:
            explanations.append(made.name)
    assert explanations == [numbered(number).name]


@to_find
def test_what_is_wrong_is_printed_and_the_answer_is_not(number):
    text = exercise(number)
    rows = [line.split() for line in re.findall(r"^    .* [\d∞.]+$", text, flags=re.MULTILINE)]
    assert any(row[-1] != got for row in rows for got in row[-3:-1] if "−" in got or got[0].isdigit())
    assert numbered(number).lesson not in text
    assert numbered(number).name in text.partition("to choose from")[2]


@to_find
def test_each_wrong_guess_gets_an_answer_of_its_own(number):
    answers = {}
    for guess in choices(number):
        right, words = answer(number, guess)
        assert right == (guess == numbered(number).name)
        assert words.startswith("Right: " if right else "Not that one: ")
        answers[words] = guess
    assert len(answers) == len(choices(number))


def test_a_wrong_guess_is_told_what_it_would_have_led_to():
    right, words = answer(8, "relu' everywhere 1")
    assert words.startswith("Not that one: it leaves all gradients of this graph right. Relu passes nothing back")
    right, words = answer(9, "an edge of x*x lost")
    assert not right and "leaves all gradients of this graph right" in words
    right, words = answer(9, "no zero_grad")
    assert words.startswith(
        "Not that one: with it x would get 4.649, and here it gets 1.649. The gradients of the pass"
    )


@pytest.mark.parametrize("number", range(1, COUNT + 1))
def test_hints_end_with_the_answer(number):
    hints = [hint(number, which) for which in (1, 2, 3)]
    assert len({*hints}) == 3
    if level(number) < 3:
        assert numbered(number).name in hints[2]
        assert numbered(number).name not in hints[0] + hints[1]
        assert hints[1].endswith("?")
    else:
        assert rule(number).derivative in hints[2]
        assert rule(number).derivative not in hints[0] + hints[1]


@to_write
def test_any_right_formula_is_accepted_and_its_likeliest_mistakes_answered(number):
    task = rule(number)
    assert answer(number, task.derivative) == (True, f"Right: ∂out/∂x = {task.derivative}.")
    assert answer(number, f"({task.derivative} + 0) * 4 / 2 - ({task.derivative})")[0]
    for wrong, words in task.others:
        assert answer(number, wrong) == (False, f"Not yet. {words}")
    right, words = answer(number, f"-({task.derivative})")
    if number != 17:  # where it is a mistake of its own
        assert (right, words) == (
            False,
            "Not yet. The sign is flipped. Let the operand grow a little: does the result grow or fall?",
        )


@pytest.mark.parametrize("task", RULES_TO_WRITE, ids=lambda task: task.value)
def test_the_parts_of_a_composed_rule_multiply_to_it(task):
    if task.outer:
        for x in (0.4, 1.1):
            values = exercises.scope(task, x)
            assert values["upstream"] * values["local"] == pytest.approx(values["right"], rel=1e-12)


@pytest.mark.parametrize(
    ("number", "given", "words"),
    [
        (18, "exp(3*x)", "The local derivative is missing: the chain rule multiplies what comes from above by it."),
        (18, "3", "The local derivative alone: the chain rule multiplies it by the gradient from above."),
        (18, "3 + exp(3*x)", "Along a path the factors multiply; only paths that meet add up."),
        (15, "x", "That is one of the two edges"),
        (15, "out", "That is the value of the result; its derivative is asked for."),
        (16, "x", "That is the value of the operand; a derivative for it is asked for."),
        (22, "tanh(x) * (1 - tanh(x)**2)", "A factor 2 is missing: the derivative of x² is 2x."),
        (15, "7 * x + 1", "at x = 0."),
        (15, "1 - x", "at x = 0.946 it gives 0.054. A small step there changes out 1.892 times as much."),
        (17, "x / 0", "at x = 1.184 it has no value, x / 0 is undefined at x = 1.184."),
        (15, "log(x - 5)", "it has no value"),
        (15, "1 / (x - x)", "it has no value, 1 / x is undefined at x = 0."),
        (15, "exp(1000)", "it has no value, exp(x) overflows at x = 1000."),
    ],
)
def test_a_wrong_formula_is_told_the_mistake_it_betrays(number, given, words):
    right, said = answer(number, given)
    assert not right
    assert words in said


def test_what_is_no_formula_is_refused():
    with pytest.raises(ValueError, match="expected a formula in x and out, got one in y"):
        answer(15, "2 * y")
    with pytest.raises(ValueError, match="only numbers, names"):
        answer(15, "x if x else 1")
    with pytest.raises(ValueError, match="'x' is not one of the mistakes to choose from"):
        answer(1, "x")


def test_mistakes_are_told_apart_by_the_second_pass_too():
    once = exercises.Seen(["a = 1"], [1.0], [1.0], [1.0], [], ["a"])
    twice = once._replace(second=[2.0])
    assert [*exercises.differing(once, once)] == []
    assert [*exercises.differing(once, twice)] == [("a", 1.0, 2.0)]
    assert [*exercises.differing(twice, once)] == [("a", 2.0, 1.0)]
    assert [*exercises.differing(twice, twice)] == []
