"""Tasks: read from Markdown, graded by a property, a wrong answer told its mistake."""

import ast
import json
import os
import subprocess
import sys

import pytest
from click.testing import CliRunner

from tinygrad_edu import cli
from tinygrad_edu.live import lessons
from tinygrad_edu.tasks import Verdict, grade, gradescope, pytest_file, read
from tinygrad_edu.tasks.slips import LESSONS, slips

TASKS = {task.name: task for section in lessons() for task in section.tasks}
each = pytest.mark.parametrize("task", TASKS.values(), ids=TASKS)

LESSON = """# Squares

```python
x = 1
```

```python task square
def slope(x):
    return 0.0
```

```python answer
def slope(x):
    return 2 * x
```

```python check
from tinygrad_edu import Value, grad

cases = [1.0, 0.0, -2.0]

def graph(x):
    leaf = Value(x, "x")
    return leaf * leaf

def expected(x):
    leaf = Value(x, "x")
    return grad(leaf * leaf, leaf)
```
"""
[SQUARE] = read(LESSON)[0].tasks


# Reading


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("", "the lesson is empty: expected Markdown with a heading"),
        ("# A\n\n```python answer\n```\n", "line 3: python answer expected a python task before it"),
        ("# A\n\n```python task\n```\n", "line 3: python task expected a name after it"),
        (
            "# A\n\n```python tsk a\n```\n",
            "line 3: expected python, or python task, answer, .* got python",
        ),
        ("# A\n\n```python task a\n```\n", "task 'a' expected a python answer and a python check"),
    ],
)
def test_a_text_that_is_no_lesson_is_refused_with_its_line(text, error):
    with pytest.raises(ValueError, match=error):
        read(text)


def test_markup_in_prose_is_text():
    [section] = read("# A\n\n<script>alert(1)</script>\n")
    assert "<script" not in section.parts[0].html


@pytest.mark.parametrize(
    ("check", "error"),
    [("cases = [1]", "expected to define expected"), ("def expected(x): 0", "expected to define cases")],
)
def test_a_check_says_what_it_lacks(check, error):
    with pytest.raises(ValueError, match=error):
        grade(SQUARE._replace(check=check), SQUARE.start)


# Grading


@each
def test_right_answers_are_right_and_the_start_is_not(task):
    for answer in task.answers:
        assert grade(task, answer).passed
    verdict = grade(task, task.start)
    assert not verdict.passed
    assert verdict.words[0].startswith("Not yet: ")


@each
def test_the_mistakes_of_a_task_are_named(task):
    for name, wrong in task.mistakes:
        verdict = grade(task, wrong)
        assert (verdict.passed, verdict.mistake) == (False, name)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ("def slope(x) return 1", "It does not run: SyntaxError in line 1: expected ':'."),
        ("x = 1 / 0", "It does not run: ZeroDivisionError in line 1: division by zero."),
        ("def slop(x): return 1", "It has no function slope: that is what is asked for."),
        ("def slope(x):\n    return y", "Not yet: slope(1.0) raises NameError in line 2: name 'y' is not defined"),
        ("def slope(x): return '2'", "Not yet: slope(1.0) raises TypeError: a number is asked for, got '2'"),
        ("def slope(x): return 3 * x", "Not yet: slope(1.0) gives 3, and the property wants 2."),
        ("def slope(x): return 2 if x == 1 else x", "Not yet: slope(-2.0) gives -2, and the property wants -4."),
    ],
)
def test_what_is_said_of_a_wrong_answer(answer, words):
    verdict = grade(SQUARE, answer)
    assert not verdict.passed
    assert verdict.words[0].startswith(words)


def test_a_mistake_is_named_however_it_is_written():
    verdict = grade(
        SQUARE, "def slope(x):\n    total = 0\n    for factor in (x,):\n        total += factor\n    return total"
    )
    assert verdict.mistake == "the square's 2"
    assert verdict.graph.grad == 1.0
    assert "the derivative of x² is 2x" in str(verdict)


# Wrong answers by the hundred, in other words than the grader's


class Commuted(ast.NodeTransformer):
    def visit_BinOp(self, node):
        self.generic_visit(node)
        if isinstance(node.op, ast.Mult | ast.Add):
            node.left, node.right = node.right, node.left
        return node


class Named(ast.NodeTransformer):
    def visit_Return(self, node):
        result = [ast.Name("result", context) for context in (ast.Store(), ast.Load())]
        return [ast.Assign([result[0]], node.value), ast.Return(result[1])]


RENAMED = {"z", "out", "first", "second", "up", "down"}


class Renamed(ast.NodeTransformer):
    def visit_Name(self, node):
        return ast.Name(f"{node.id}_" if node.id in RENAMED else node.id, node.ctx)

    def visit_arg(self, node):
        return ast.arg(f"{node.arg}_" if node.arg in RENAMED else node.arg)


def rewritten(source):
    """The same function in other words."""
    yield source
    for way in (Commuted, Named, Renamed):
        yield ast.unparse(ast.fix_missing_locations(way().visit(ast.parse(source))))


def wrong_answers():
    """(task, which of its answers was made wrong, text, the names that the mistake goes by)."""
    for task in TASKS.values():
        own = {name for name, _ in task.mistakes}
        for k, answer in enumerate(task.answers):
            made = {}
            for name, wrong in slips(answer):
                verdict = grade(task, wrong)
                if not verdict.passed and "raises" not in verdict.words[0]:
                    made.setdefault(tuple(verdict.words[:1]), []).append((name, wrong))
            for alike in made.values():
                for _, wrong in alike:
                    for text in {*rewritten(wrong)} - {wrong}:
                        yield task, k, text, own | {name for name, _ in alike}


def test_wrong_answers_are_named_and_none_is_passed():
    rightly, all_of_them = 0, 0
    for task, _, text, names in wrong_answers():
        verdict = grade(task, text)
        assert not verdict.passed, text
        rightly += verdict.mistake in names
        all_of_them += 1
    assert all_of_them >= 200
    assert rightly >= 0.95 * all_of_them, f"{rightly} of {all_of_them}"


def test_most_are_named_by_a_grader_that_does_not_know_the_answer_they_were_made_from():
    named, all_of_them = 0, 0
    for task, k, text, _ in wrong_answers():
        named += bool(grade(task._replace(answers=(task.answers[1 - k],)), text).mistake)
        all_of_them += 1
    assert named >= 0.8 * all_of_them, f"{named} of {all_of_them}"


def test_right_answers_in_other_words_are_not_refused():
    for task in TASKS.values():
        for answer in task.answers:
            for text in rewritten(answer):
                assert grade(task, text).passed, text


def test_every_slip_has_a_lesson():
    named = {name for task in TASKS.values() for answer in task.answers for name, _ in slips(answer)}
    assert named <= LESSONS.keys()


# For other graders


def test_the_result_is_gradescopes():
    result = json.loads(gradescope({"a": Verdict(True, ("Right.",)), "b": Verdict(False, ("Not yet.", "So."))}))
    assert result["score"] == 1
    assert result["tests"][1] == {"name": "b", "score": 0, "max_score": 1, "output": "Not yet.\nSo."}


@pytest.mark.parametrize(("answer", "status"), [(SQUARE.answers[0], 0), (SQUARE.start, 1)])
def test_the_file_for_pytest_grades(tmp_path, answer, status):
    (tmp_path / "answer.py").write_text(answer)
    (tmp_path / "test_answer.py").write_text(pytest_file([SQUARE], "answer.py"))
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_answer.py"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == status
    assert "Not yet: slope(1.0) gives 0" in done.stdout or not status


def test_in_a_terminal(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "lesson.md").write_text(LESSON)
    (tmp_path / "answer.py").write_text("def slope(x):\n    return x\n")
    run = CliRunner().invoke
    wrong = run(cli.command, ["grade", "lesson.md", "answer.py", "--json", "r.json", "--pytest", "test_answer.py"])
    assert wrong.exit_code == 1
    assert "square: Not yet: slope(1.0) gives 1, and the property wants 2." in wrong.output
    assert json.loads((tmp_path / "r.json").read_text())["score"] == 0
    (tmp_path / "answer.py").write_text(SQUARE.answers[0])
    right = run(cli.command, ["grade", "lesson.md", "answer.py", "--task", "square"])
    assert (right.exit_code, right.output) == (0, "square: Right, on 3 of 3 cases.\n")
    unknown = run(cli.command, ["grade", "lesson.md", "answer.py", "--task", "cube"])
    assert unknown.exit_code == 2
    assert "expected one of square, got 'cube'" in unknown.output
