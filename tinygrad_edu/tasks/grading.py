"""The verdict on an answer: it agrees with the property of its task on every case, or where it does not, and why."""

from __future__ import annotations

import ast
import io
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, redirect_stdout
from math import isclose
from traceback import walk_tb
from types import FrameType
from typing import Any, NamedTuple

from tinygrad_edu.engine import Value, number, plain, quoted
from tinygrad_edu.show import tree
from tinygrad_edu.tasks.slips import LESSONS, slips
from tinygrad_edu.tasks.task import Task

NAME = "<answer>"
TOLERANCE = 1e-6
STEPS = 5_000_000  # of the interpreter that an answer may take, over all cases


class Endless(BaseException):
    """An answer goes on and on. No Exception, or an `except Exception` in its loop would catch it."""


FAILURES = (Exception, SystemExit, Endless)  # exit() in an answer must not end the grader, least of all with status 0


class Verdict(NamedTuple):
    """What is said of an answer.

    Attributes:
        passed: whether it is right.
        words: sentences for its writer.
        mistake: the name of the mistake; empty where there is none or it has no name.
        graph: the smallest graph that it fails on.
    """

    passed: bool
    words: tuple[str, ...]
    mistake: str = ""
    graph: Value | None = None

    def __str__(self) -> str:
        return "\n".join([*self.words, *([] if self.graph is None else [tree(self.graph)])])


def grade(task: Task, text: str) -> Verdict:
    """Compare an answer with its task's property, case by case, the smallest first.

    Arguments:
        task: what it answers.
        text: the Python that a reader wrote; it is run.

    Raises ValueError for a task that is none: whose answer defines no function, whose check does not run, or lacks
    `expected` or cases.
    """
    function = wanted(task)
    check, cases, right = prepared(task)
    watch = Watch()
    try:
        with redirect_stdout(io.StringIO()), watch:
            given = namespace_of(text)
    except FAILURES as error:
        return Verdict(False, (f"It does not run: {said(error)}.",))
    if not callable(given.get(function)):
        return Verdict(False, (f"It has no function {function}: that is what is asked for.",))
    got = [outcome(check, given[function], case, watch) for case in cases]
    failing = [k for k in range(len(cases)) if not same(got[k], right[k])]
    if not failing:
        return Verdict(True, (f"Right, on {len(cases)} of {len(cases)} cases.",))
    first = failing[0]
    call = f"{function}({', '.join(map(quoted, cases[first]))})"
    what = f"raises {got[first]}" if isinstance(got[first], str) else f"gives {written(got[first])}"
    words = [f"Not yet: {call} {what}, and right is {written(right[first])}."]
    runs = any(not isinstance(one, str) for one in got)  # what never runs betrays nothing
    mistake = next((name for name, wrong in known(task) if runs and alike(wrong, check, function, cases, got)), "")
    if mistake:
        lesson = f": {LESSONS[mistake]}" if mistake in LESSONS else "."
        words.append(f"This is the mistake “{mistake}”{lesson}")
    graph = drawn(task, check, cases[first])
    if graph is not None:
        words.append("The smallest graph that it fails on, with the right gradients:")
        graph.backward()
    return Verdict(False, tuple(words), mistake, graph)


def require_sound(task: Task) -> None:
    """Raise ValueError, with what is wrong, unless a task grades: its check runs, and its own answers are right."""
    for answer in task.answers:
        verdict = grade(task, answer)
        if not verdict.passed:
            raise ValueError(f"task {quoted(task.name)}: its own answer is not right. {verdict.words[0]}")
    check, cases, _ = prepared(task)
    drawn(task, check, cases[0])


def prepared(task: Task) -> tuple[dict[str, Any], list[tuple[Any, ...]], list[list[float]]]:
    """What the check of a task defines, its cases as arguments, and what is right for each."""
    what = f"task {quoted(task.name)}: its check expected"
    with of_the_check(task):
        check = namespace_of(task.check)
    if lacking := [name for name in ("cases", "expected") if name not in check]:
        raise ValueError(f"{what} to define {' and '.join(lacking)}")
    with of_the_check(task):
        cases = [case if isinstance(case, tuple) else (case,) for case in check["cases"]]
    if not cases:
        raise ValueError(f"{what} at least one case, got none")
    with of_the_check(task):
        return check, cases, [flat(check["expected"](*case)) for case in cases]


def drawn(task: Task, check: dict[str, Any], case: tuple[Any, ...]) -> Value | None:
    """The graph of a case, where the check has one."""
    with of_the_check(task):
        return check["graph"](*case) if "graph" in check else None


@contextmanager
def of_the_check(task: Task) -> Iterator[None]:
    """What is wrong with a check is told as that, with its line, and not taken for the answer's."""
    try:
        yield
    except FAILURES as error:
        raise ValueError(f"task {quoted(task.name)}: its check does not run: {said(error)}") from None


def wanted(task: Task) -> str:
    """The name of the function that is asked for: the last that the first answer defines."""
    defined = [node.name for node in ast.parse(task.answers[0]).body if isinstance(node, ast.FunctionDef)]
    if not defined:
        raise ValueError(f"task {quoted(task.name)}: its answer expected to define a function")
    return defined[-1]


def namespace_of(text: str) -> dict[str, Any]:
    made: dict[str, Any] = {"__name__": NAME}
    exec(compile(text, NAME, "exec"), made)
    return made


def known(task: Task) -> Iterator[tuple[str, str]]:
    """Wrong answers by their mistakes: the task's own first, then those made from its right answers."""
    yield from task.mistakes
    for answer in task.answers:
        yield from slips(answer)


def alike(wrong: str, check: dict[str, Any], function: str, cases: list[Any], got: list[Any]) -> bool:
    """Whether a wrong answer does on every case what this one did."""
    try:
        other = namespace_of(wrong)[function]
    except Exception:
        return False
    watch = Watch()
    return all(same(outcome(check, other, case, watch), one) for case, one in zip(cases, got, strict=True))


class Watch:
    """Ends an answer that has taken so many steps in its own lines, as it may have a loop without an end."""

    def __init__(self) -> None:
        self.left = STEPS

    def __enter__(self) -> None:
        self.before = sys.gettrace()
        sys.settrace(self.called)

    def __exit__(self, *_: object) -> None:
        sys.settrace(self.before)

    def called(self, frame: FrameType, event: str, _: Any) -> Any:
        if frame.f_code.co_filename != NAME:
            return None
        frame.f_trace_opcodes = True  # what a loop of one line does is no new line, before Python 3.12
        return self.counted

    def counted(self, frame: FrameType, event: str, _: Any) -> Any:
        self.left -= 1
        if self.left < 0:
            raise Endless(f"still at work after {STEPS:,} steps")
        return self.counted


def outcome(check: dict[str, Any], function: Any, case: tuple[Any, ...], watch: Watch) -> list[float] | str:
    """The numbers that an answer gives, or the name of the error that it raises."""
    try:
        with redirect_stdout(io.StringIO()), watch:
            return flat(check["observe"](function, *case) if "observe" in check else function(*case))
    except FAILURES as error:
        return said(error)


def said(error: BaseException) -> str:
    line = line_in(NAME, error)
    words = str(error.msg if isinstance(error, SyntaxError) else error)
    return plain(f"{type(error).__name__}{f' in line {line}' if line else ''}{': ' * bool(words)}{words}", 200)


def line_in(name: str, error: BaseException) -> int | None:
    """The line at which an error came up in a text that was compiled under a name; None where it was not there."""
    if isinstance(error, SyntaxError) and error.filename == name:
        return error.lineno
    lines = [line for frame, line in walk_tb(error.__traceback__) if frame.f_code.co_filename == name]
    return lines[-1] if lines else None


def flat(result: Any) -> list[float]:
    """The numbers in a result, in order. Raises TypeError for what is none."""
    if isinstance(result, dict):
        return [one for key in sorted(result) for one in flat(result[key])]
    if isinstance(result, Value):
        return [result.data]
    if isinstance(result, Iterable) and not isinstance(result, str) and getattr(result, "shape", None) != ():
        return [one for part in result for one in flat(part)]
    try:
        return [number(result, finite=False)]
    except (TypeError, ValueError):
        raise TypeError(f"a number is asked for, got {quoted(result)}") from None


def same(a: list[float] | str, b: list[float] | str) -> bool:
    """Whether numbers agree, or errors are of one kind."""
    match a, b:
        case str(), str():
            return a.split(" ")[0] == b.split(" ")[0]
        case list(), list():
            return len(a) == len(b) and all(
                isclose(x, y, rel_tol=TOLERANCE, abs_tol=TOLERANCE) for x, y in zip(a, b, strict=True)
            )
    return False


def written(numbers: list[float] | str) -> str:
    return numbers if isinstance(numbers, str) else ", ".join(f"{number:.6g}" for number in numbers) or "nothing"
