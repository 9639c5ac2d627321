"""Tasks: read from Markdown, graded by a property, a wrong answer told its mistake."""

import ast
import json
import os
import re
import subprocess
import sys

import pytest
from click.testing import CliRunner

from tests import kept
from tinygrad_edu import cli
from tinygrad_edu.live import lessons
from tinygrad_edu.tasks import Verdict, grade, gradescope, grading, pytest_file, read, require_sound
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
    [
        ("cases = [1]", "expected to define expected"),
        ("def expected(x): 0", "expected to define cases"),
        ("cases = []\ndef expected(x): return 0", "expected at least one case, got none"),
        ("cases = [1]\ndef expected(x):\n    return y", "does not run: NameError in line 3: name 'y' is not defined"),
        ("cases = 1\ndef expected(x): return 0", "does not run: TypeError: 'int' object is not iterable"),
        ("cases = [1]\ndef expected(x): return 'a'", "does not run: TypeError: a number is asked for, got 'a'"),
        ("import nothing_like_it", "does not run: ModuleNotFoundError in line 1: No module named 'nothing_like_it'"),
        ("cases = [", "does not run: SyntaxError in line 1: '[' was never closed"),
        ("exit(3)", "does not run: SystemExit in line 1: 3"),
    ],
)
def test_a_check_says_what_it_lacks(check, error):
    for do in (lambda task: grade(task, SQUARE.start), require_sound):
        with pytest.raises(ValueError) as raised:
            do(SQUARE._replace(check=check))
        assert str(raised.value) == f"task 'square': its check {error}"


def test_a_graph_that_cannot_be_drawn_is_the_checks_mistake():
    broken = SQUARE._replace(check=SQUARE.check + "\ndef graph(x):\n    return 1 / 0\n")
    for do in (lambda task: grade(task, SQUARE.start), require_sound):
        with pytest.raises(
            ValueError, match=r"^task 'square': its check does not run: ZeroDivisionError in line \d+: "
        ):
            do(broken)


def test_the_answers_of_a_task_have_to_be_right():
    for task in TASKS.values():
        require_sound(task)
    wrong = SQUARE._replace(answers=(*SQUARE.answers, "def slope(x):\n    return 3 * x\n"))
    with pytest.raises(ValueError) as raised:
        require_sound(wrong)
    assert str(raised.value) == (
        "task 'square': its own answer is not right. Not yet: slope(1.0) gives 3, and right is 2."
    )


# Grading


@pytest.mark.parametrize(
    "task", [t for t in TASKS.values() if t.name != "send the gradients back"], ids=lambda t: t.name
)
def test_the_call_in_a_verdict_can_be_repeated(task):
    """It is of the function as it was asked for; only the edges of a graph are too long to be told."""
    wrong = task.mistakes[0][1] if task.mistakes else task.start
    told = grade(task, wrong).words[0]
    call, got, right = re.fullmatch(r"Not yet: (.*) gives (.*), and right is (.*)\.", told).groups()
    for answer, expected in ((wrong, got), (task.answers[0], right)):
        space = {}
        exec(answer, space)
        result = eval(call, space)
        flat = [x for row in result for x in row] if isinstance(result, list) else [result]
        assert flat == pytest.approx([float(x) for x in expected.split(", ")], rel=1e-5)


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
        ("exit()", "It does not run: SystemExit in line 1: None."),
        ("import sys\nsys.exit(0)", "It does not run: SystemExit in line 2: 0."),
        ("def slope(x):\n    exit(0)", "Not yet: slope(1.0) raises SystemExit in line 2: 0, and right is 2."),
        ("def slop(x): return 1", "It has no function slope: that is what is asked for."),
        ("def slope(x):\n    return y", "Not yet: slope(1.0) raises NameError in line 2: name 'y' is not defined"),
        ("def slope(x): return '2'", "Not yet: slope(1.0) raises TypeError: a number is asked for, got '2'"),
        ("def slope(x): return 3 * x", "Not yet: slope(1.0) gives 3, and right is 2."),
        ("def slope(x): return 2 if x == 1 else x", "Not yet: slope(-2.0) gives -2, and right is -4."),
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
    assert kept.read("mistakes.txt") == LESSONS


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
    assert "square: Not yet: slope(1.0) gives 1, and right is 2." in wrong.output
    assert json.loads((tmp_path / "r.json").read_text())["score"] == 0
    (tmp_path / "answer.py").write_text(SQUARE.answers[0])
    right = run(cli.command, ["grade", "lesson.md", "answer.py", "--task", "square"])
    assert (right.exit_code, right.output) == (0, "square: Right, on 3 of 3 cases.\n")
    (tmp_path / "wrong.md").write_text(LESSON.replace("cases = ", "cases = [missing]\ncases = "))
    for command in (["grade", "wrong.md", "answer.py"], ["live", "--lesson", "wrong.md", "-o", "page.html"]):
        with pytest.raises(ValueError, match=r"^task 'square': its check does not run: NameError in line"):
            run(cli.command, command, catch_exceptions=False)
    assert not (tmp_path / "page.html").exists()
    unknown = run(cli.command, ["grade", "lesson.md", "answer.py", "--task", "cube"])
    assert unknown.exit_code == 2
    assert "expected one of square, got 'cube'" in unknown.output


# What exactly is read, made and said


WHOLE = """before

# First

Some *words* | here.

| a | b |
|---|---|
| 1 | 2 |

```python
x = 1
```

```text
kept as prose
```

## Within

```python task double it
def double(x):
```

```python answer
def double(x):
    return 2 * x
```

```python answer
def double(x):
    return x + x
```

```python check
cases = [1, 2]
```

```python check
def expected(x): return 2 * x
```

```python mistake too much
def double(x): return 3 * x
```

```python mistake
def double(x): return x
```

after

# Second

end
"""


def test_a_lesson_is_read_piece_by_piece():
    unnamed, first, second = read(WHOLE, "w.md")
    assert (unnamed.title, unnamed.parts) == ("w.md", (("<p>before</p>\n", "", None),))
    assert (second.title, second.parts) == ("Second", (("<p>end</p>\n", "", None),))
    assert first.title == "First"
    html, code, within, task, after = first.parts
    assert html.html.startswith("<p>Some <em>words</em> | here.</p>\n<table>") and "<td>2</td>" in html.html
    assert (code.html, code.code, code.task) == ("", "x = 1\n", None)
    assert within.html == '<pre><code class="language-text">kept as prose\n</code></pre>\n<h3>Within</h3>\n'
    assert after.html == "<p>after</p>\n"
    assert (task.html, task.code) == ("", "def double(x):\n")
    assert first.tasks == [task.task]
    assert task.task == (
        "double it",
        "def double(x):\n",
        ("def double(x):\n    return 2 * x\n", "def double(x):\n    return x + x\n"),
        "cases = [1, 2]\ndef expected(x): return 2 * x\n",
        (("too much", "def double(x): return 3 * x\n"), ("", "def double(x): return x\n")),
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "w.md is empty: expected Markdown with a heading, like # Slopes"),
        ("# A\n\n```python answer\n```\n", "w.md, line 3: python answer expected a python task before it"),
        ("# A\n\n```python\n1\n```\n```python check\n```\n",
         "w.md, line 6: python check expected a python task before it"),
        ("# A\n\n\n```python task\n```\n", "w.md, line 4: python task expected a name after it"),
        (
            "# A\n\n```python tsk a\n```\n",
            "w.md, line 3: expected python, or python task, answer, check or mistake, got python 'tsk'",
        ),
        ("# A\n\n```python task a\n```\n```python check\n1\n```\n",
         "w.md: task 'a' expected a python answer and a python check"),
        ("# A\n\n```python task a\n```\n```python answer\n1\n```\n",
         "w.md: task 'a' expected a python answer and a python check"),
        ("# A\n\n```python task a\n```\n\n# B\n", "w.md: task 'a' expected a python answer and a python check"),
        ("# A\n\n# B\n\n```python task b\n```\n", "w.md: task 'b' expected a python answer and a python check"),
    ],
)  # fmt: skip
def test_the_words_for_what_is_out_of_place(text, words):
    with pytest.raises(ValueError) as error:
        read(text, "w.md")
    assert str(error.value) == words


SLIPS = {
    "return a, b": ["swapped operands: return (b, a)"],
    "return a, b, c": [],
    "return a": ["sign of a difference: return -a", "counted twice: return 2 * a", "the square's 2: return a / 2"],
    "return f(a)": ["sign of a difference: return -f(a)", "counted twice: return 2 * f(a)",
                    "the square's 2: return f(a) / 2"],
    "return 1": [],
    "x = -a": ["sign of a difference: x = a"],
    "x += a": ["overwritten: x = a"],
    "x -= a": [],
    "x = a if t else b": ["the kink ignored: x = a", "the wrong side of a kink: x = b if t else a"],
    "x = a * b": ["a factor left out: x = b", "a factor left out: x = a", "added instead of multiplied: x = a + b"],
    "x = 2 * b": ["the square's 2: x = b", "a factor left out: x = 2", "added instead of multiplied: x = 2 + b"],
    "x = 3 * b": ["a factor left out: x = b", "a factor left out: x = 3", "added instead of multiplied: x = 3 + b"],
    "x = a * above": ["a factor left out: x = above",
                      "gradient from above missing: x = a", "added instead of multiplied: x = a + above"],
    "x = a + b": ["a path left out: x = a", "a path left out: x = b", "sign of a difference: x = a - b"],
    "x = a - b": ["sign of a difference: x = a + b"],
    "x = 1 - out ** 2": ["sign of a difference: x = 1 + out ** 2",
                         "tanh' of the input: x = 1 - z ** 2", "a power too low: x = 1 - out"],
    "x = 1 - z ** 2": ["sign of a difference: x = 1 + z ** 2", "a power too low: x = 1 - z"],
    "x = a - out ** 2": ["sign of a difference: x = a + out ** 2", "a power too low: x = a - out"],
    "x = a / b": ["swapped operands: x = b / a", "a factor left out: x = a"],
    "x = a ** 3": ["a power too low: x = a"],
    "x = a ** b": [],
}  # fmt: skip


@pytest.mark.parametrize("line", SLIPS)
def test_the_mistakes_that_can_be_made_in_a_line(line):
    made = [f"{name}: {wrong.splitlines()[1].strip()}" for name, wrong in slips(f"def f():\n    {line}")]
    assert made == SLIPS[line]


def test_a_mistake_is_made_where_it_stands():
    made = [wrong.splitlines()[1:] for name, wrong in slips("def f():\n    x = a * b\n    return a * b")]
    assert ["    x = a * b", "    return b"] in made and ["    x = b", "    return a * b"] in made


def checked(answer, expected="x * 2", more="", cases="[1.0, -3.0]", **changes):
    check = f"cases = {cases}\ndef expected(*case):\n    x = case[0]\n    return {expected}\n{more}"
    return grade(SQUARE._replace(check=check, answers=("def slope(x):\n    return x * 2",), **changes), answer)


@pytest.mark.parametrize(
    ("result", "expected", "right"),
    [
        ("2.0 * x", "x * 2", True),
        ("2 * x * (1 + 9e-7)", "x * 2", True),
        ("2 * x * (1 + 2e-6)", "x * 2", False),
        ("9e-7", "0.0", True),
        ("2e-6", "0.0", False),
        ("[x, 2 * x]", "(x, x * 2)", True),
        ("[x]", "(x, x)", False),
        ("[x, x, x]", "(x, x)", False),
        ("{'b': 2, 'a': x}", "[x, 2]", True),
        ("[[x], {'k': (1, True)}]", "[x, 1, 1]", True),
        ("__import__('tinygrad_edu').Value(x)", "x", True),
        ("__import__('fractions').Fraction(x) * 2", "x * 2", True),
        ("[]", "[]", True),
        ("[]", "0.0", False),
        ("x > 0", "float(x > 0)", True),
        ("[float('inf'), x]", "[float('inf'), x]", True),
        ("float('inf')", "float('nan')", False),
    ],
)
def test_results_are_compared_number_by_number(result, expected, right):
    assert checked(f"def slope(x): return {result}", expected).passed is right


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ("def slope(x): return x / 3", "Not yet: slope(1.0) gives 0.333333, and right is 2."),
        ("def slope(x): return [x, 5]", "Not yet: slope(1.0) gives 1, 5, and right is 2."),
        ("def slope(x): return []", "Not yet: slope(1.0) gives nothing, and right is 2."),
        ("def slope(x): return float('inf')", "Not yet: slope(1.0) gives inf, and right is 2."),
        (
            "def slope(x): return 'x'",
            "Not yet: slope(1.0) raises TypeError: a number is asked for, got 'x', and right is",
        ),
        (
            "def slope(x): return None",
            "Not yet: slope(1.0) raises TypeError: a number is asked for, got None, and right is",
        ),
        ("def slope(x): return 2 if x > 0 else x", "Not yet: slope(-3.0) gives -3, and right is -6."),
        ("slope = 3", "It has no function slope: that is what is asked for."),
        ("def f(:", "It does not run: SyntaxError in line 1: invalid syntax."),
        ("\n\nraise KeyError", "It does not run: KeyError in line 3."),
        ("\n\nexec('f(')", "It does not run: SyntaxError in line 3: "),
        ("import math\ndef slope(x): return math.sqrt(-1)", "Not yet: slope(1.0) raises ValueError in line 2: "),
        ("def slope(x):\n    print('x')\n    return 2 * x", "Right, on 2 of 2 cases."),
    ],
)
def test_the_words_of_a_verdict(answer, words, capsys):
    verdict = checked(answer)
    assert verdict.words[0].startswith(words)
    assert str(verdict) == "\n".join(verdict.words)
    assert capsys.readouterr().out == ""  # what an answer prints is not the verdict


SLOPE = "def slope(x):\n"


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (f"{SLOPE}    while True: pass", "Not yet: slope(1.0) raises Endless in line 2"),
        (f"{SLOPE}    while x:\n        x = x - 0.3\n    return x", "Not yet: slope(1.0) raises Endless in line"),
        (f"{SLOPE}    while True:\n        yield x", "Not yet: slope(1.0) raises Endless in line"),
        (
            f"{SLOPE}    while x:\n        try:\n            x = x - 0.3\n        except Exception:\n            x = 5",
            "Not yet: slope(1.0) raises Endless in line",
        ),
        ("n = 1\nwhile n:\n    n = n + 1\ndef slope(x): return 2 * x", "It does not run: Endless in line"),
    ],
)
def test_an_answer_without_an_end_is_ended(answer, words, monkeypatch):
    monkeypatch.setattr(grading, "STEPS", 20_000)
    before = sys.gettrace()
    said = checked(answer).words[0]
    assert said.startswith(words)
    assert ": still at work after 20,000 steps" in said
    assert sys.gettrace() is before  # that of a debugger, or of what measures coverage


def test_steps_are_counted_over_all_cases_of_one_answer(monkeypatch):
    answer = f"{SLOPE}    for _ in range(3000):\n        pass\n    return 2 * x"
    slope, watch = grading.namespace_of(answer)["slope"], grading.Watch()
    for x in (1.0, -3.0):
        with watch:
            slope(x)
    taken = grading.STEPS - watch.left  # how many a line has is the interpreter's to say
    monkeypatch.setattr(grading, "STEPS", 2 * taken)
    assert checked(answer).passed
    monkeypatch.setattr(grading, "STEPS", taken - 1000)
    assert "slope(-3.0) raises Endless" in checked(answer).words[0]


def test_a_long_error_is_cut():
    assert len(checked("def slope(x): raise ValueError('x' * 5000)").words[0]) < 300


def test_the_mistakes_of_a_task_go_before_those_that_are_made():
    answer = "def slope(x): return x + x + x + x"
    assert checked(answer).mistake == "counted twice"
    assert checked(answer).words[1] == f"This is the mistake “counted twice”: {LESSONS['counted twice']}"
    own = checked(answer, mistakes=(("twice too much", "def slope(x): return 4 * x"),))
    assert (own.mistake, own.words[1]) == ("twice too much", "This is the mistake “twice too much”.")
    assert checked("def slope(x): return 4 * x if x > 0 else 5").mistake == ""  # on every case
    assert checked("def slope(x): return 1 / 0").mistake == ""
    assert len(checked("def slope(x): return 1 / 0").words) == 1
    broken = checked(answer, mistakes=(("broken", "def slope(x: return"), ("other", "def slop(x): return 4 * x")))
    assert broken.mistake == "counted twice"


def test_a_mistake_that_raises_on_some_cases_is_named_but_none_that_never_runs():
    mistakes = (("too near", "def slope(x): return 1 / (x - 1)"), ("never", "def slope(x): return x.y"))
    for answer, mistake in {
        "def slope(x):\n    x = x - 1\n    return 1 / x": "too near",  # whatever the line
        "def slope(x):\n    return 1 / (x - 1) if x < 0 else x.y": "",  # another error
        "def slope(x):\n    return 1 / (x - 1) if x < 0 else [0] * 38": "",
        "def slope(x):\n    return 5 if x < 0 else 1 / 0": "",
        "def slope(x):\n    return x.y": "",
    }.items():
        assert checked(answer, mistakes=mistakes).mistake == mistake


def test_what_is_observed_and_the_graph_that_is_shown():
    more = "def observe(answer, x): return [answer(x), answer(2 * x)]\n"
    assert checked("def slope(x): return 2 * x", "[2 * x, 4 * x]", more).passed
    assert (
        checked("def slope(x): return 2 * abs(x)", "[2 * x, 4 * x]", more).words[0].startswith("Not yet: slope(-3.0)")
    )
    more = "from tinygrad_edu import Value\ndef graph(a, b): return Value(a) * Value(b)\n"
    verdict = checked("def slope(a, b): return b * 3", "case[1]", more, cases="[(1.0, 0.0), (2.0, 5.0)]")
    assert verdict.words[0].startswith("Not yet: slope(2.0, 5.0) gives 15, and")
    assert verdict.words[-1] == "The smallest graph that it fails on, with the right gradients:"
    assert [p.grad for p in verdict.graph.parents] == [5.0, 2.0]
    assert str(verdict).splitlines()[-3:] == [  # a text shows it, too
        "× f  data 10  grad 1",
        "├─ ×5  x₁  data 2  grad 5",
        "└─ ×2  x₂  data 5  grad 2",
    ]
    assert checked("def slope(x): return 0").graph is None
    assert checked("def slope(x): return 2 * x", more="def graph(x): return 1 / 0\n").graph is None  # it is right


def test_the_function_is_the_last_that_the_answer_defines():
    task = SQUARE._replace(answers=("def helper(x): return x\ndef slope(x): return 2 * helper(x)",))
    assert grade(task, "def slope(x): return 2 * x").passed
    with pytest.raises(ValueError, match="task 'square': its answer expected to define a function"):
        grade(SQUARE._replace(answers=("x = 1",)), "")
    for check, lacking in (("", "cases and expected"), ("cases = []", "expected"), ("expected = 1", "cases")):
        with pytest.raises(ValueError) as error:
            grade(SQUARE._replace(check=check), "")
        assert str(error.value) == f"task 'square': its check expected to define {lacking}"


def test_a_result_for_gradescope_counts_and_keeps_letters():
    verdicts = {"ä": Verdict(True, ("Right.",)), "b": Verdict(True, ("x",)), "c": Verdict(False, ("y", "z"), "m")}
    made = gradescope(verdicts)
    assert json.loads(made) == {
        "score": 2,
        "tests": [
            {"name": "ä", "score": 1, "max_score": 1, "output": "Right."},
            {"name": "b", "score": 1, "max_score": 1, "output": "x"},
            {"name": "c", "score": 0, "max_score": 1, "output": "y\nz"},
        ],
    }
    assert '"ä"' in made
