"""Verdicts for other graders: a result as JSON, a file for pytest."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from tinygrad_edu.tasks.grading import Verdict
from tinygrad_edu.tasks.task import Task


def gradescope(verdicts: Mapping[str, Verdict]) -> str:
    """Verdicts by task as the results.json that Otter and Gradescope take: a point each.

    >>> print(gradescope({"slope": Verdict(True, ("Right.",))}))
    {"score": 1, "tests": [{"name": "slope", "score": 1, "max_score": 1, "output": "Right."}]}
    """
    tests = [
        {"name": name, "score": int(verdict.passed), "max_score": 1, "output": str(verdict)}
        for name, verdict in verdicts.items()
    ]
    return json.dumps(
        {"score": sum(verdict.passed for verdict in verdicts.values()), "tests": tests}, ensure_ascii=False
    )


def pytest_file(tasks: Sequence[Task], answer: str) -> str:
    """A file of tests, one a task, which pytest runs and nbgrader and Otter run through it.

    Arguments:
        tasks: they are in the file, so that it needs no other.
        answer: the path of what is graded, from the folder of the file; the environment variable ANSWER goes before.
    """
    listed = ",\n".join(f"    {tuple(task)!r}" for task in tasks)
    return f'''"""Grades {answer} by properties; needs tinygrad_edu and pytest."""

import os
from pathlib import Path

import pytest

from tinygrad_edu.tasks import Task, grade

TASKS = [
{listed},
]


@pytest.mark.parametrize("task", TASKS, ids=[name for name, *_ in TASKS])
def test_task(task):
    answer = Path(os.environ.get("ANSWER") or Path(__file__).with_name({answer!r}))
    verdict = grade(Task(*task), answer.read_text(encoding="utf-8"))
    assert verdict.passed, str(verdict)
'''
