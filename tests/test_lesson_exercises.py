"""The misconceptions that wrong answers are told by, and the exercises that are answered with them."""

import random

from tinygrad_edu.check.faults import FAULTS
from tinygrad_edu.expression import parse
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
    assert {"overwritten", "swapped operands", "inner derivative missing", "no zero_grad"} <= shared
