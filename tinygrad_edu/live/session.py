"""What the interpreter of a live page does with the text of its editors."""

from __future__ import annotations

import ast
import json
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from io import TextIOBase
from time import monotonic
from typing import Any

from tinygrad_edu.engine import Value, plain, topological

NAME = "<lesson>"
MOST = 20_000  # characters of output that are kept
DETAILED = 60  # operations up to which constants are drawn, too: a picture is there in 100 ms
INSIDE = "in this page are the standard library, tinygrad_edu, rich and graphviz; tinygrad_edu.live.charts draws curves"
LARGEST = 300  # boxes that are drawn; beyond, neurons and then layers are closed


class Output(TextIOBase):
    """What is printed, as far as a page can show it; told in pieces while the code runs."""

    def __init__(self, tell: Callable[[str], object]) -> None:
        self.hand_on, self.kept, self.lost, self.told = tell, 0, 0, monotonic()
        self.pieces: list[str] = []

    def write(self, text: str) -> int:
        kept = text[: MOST - self.kept]
        if kept:
            self.pieces.append(kept)
            if monotonic() - self.told > 0.1:
                self.flush()
        self.kept += len(kept)
        self.lost += len(text) - len(kept)
        return len(text)

    def flush(self) -> None:
        if self.pieces:
            self.hand_on("".join(self.pieces))
            self.pieces, self.told = [], monotonic()

    def end(self) -> None:
        if self.lost:
            self.pieces.append(f"\n… and {self.lost:,} characters more")
        self.flush()


class Session:
    """Runs the text of a page afresh each time, and knows the graph that it drew last.

    Arguments:
        tell: is given what is printed.
    """

    def __init__(self, tell: Callable[[str], object]) -> None:
        self.tell = tell
        self.root: Value | None = None
        self.by_id: dict[str, Value] = {}

    def answer(self, asked: str) -> str:
        """The answer to a question, both JSON: its `kind` is the name of one of the methods below."""
        question = json.loads(asked)
        kind = question.pop("kind")
        if kind not in ("run", "explain", "step", "grade"):
            raise ValueError(f"expected run, explain, step or grade, got {kind!r}")
        return json.dumps(getattr(self, kind)(**question))

    def run(self, text: str, theme: str = "light") -> dict[str, Any]:
        """Run a text: what the last line shows, the picture of its graph, and the error with its line."""
        self.root, self.by_id = None, {}  # the graph before is freed first
        output = Output(self.tell)
        shown: list[dict[str, str]] = []
        namespace: dict[str, Any] = {"__name__": "__main__", "display": lambda x: shown.append(form(x))}
        result: dict[str, Any] = {"shown": shown, "error": None, "picture": "", "caption": ""}
        with redirect_stdout(output), redirect_stderr(output):
            try:
                tree = ast.parse(text, NAME)
                last = evaluate(tree, namespace)
                self.root = last if isinstance(last, Value) else named_last(tree, namespace)
                if last is not None and not isinstance(last, Value):
                    shown.append(form(last))
            except BaseException as error:
                result["error"] = described(error)
        output.end()
        if self.root is not None:
            try:
                result["picture"] = self.picture(self.root, theme)
            except (ValueError, TypeError, ArithmeticError, RuntimeError) as error:
                result["caption"] = str(error)
        return result

    def picture(self, root: Value, theme: str) -> str:
        from tinygrad_edu.show import draw

        constants = len(topological(root)) <= DETAILED
        for collapse in ("", "neurons", "layers"):
            try:
                picture = draw(root, theme=theme, collapse=collapse or (), constants=constants, max_nodes=LARGEST)
                break
            except ValueError:
                if collapse == "layers":
                    raise
        self.by_id = {id: unit for unit, id in picture.drawing.scene.ids.items() if isinstance(unit, Value)}
        return str(picture.pipe(format="svg", encoding="utf-8"))

    def explain(self, id: str) -> dict[str, str]:
        """The chain rule for a box of the picture."""
        from tinygrad_edu.show import explain

        value = self.by_id.get(id)
        if self.root is None or value is None:
            return {"html": ""}
        try:
            return {"html": bare(explain(self.root, value, top=5).html())}
        except (ValueError, TypeError, ArithmeticError) as error:
            return {"html": "", "error": str(error)}

    def step(self) -> dict[str, str]:
        """The page on which the graph is stepped through."""
        from tinygrad_edu.show import explore

        if self.root is None:
            return {"error": "there is no Value to step through yet"}
        try:
            return {"html": explore(self.root).html}
        except (ValueError, TypeError, ArithmeticError) as error:
            return {"error": str(error)}

    def grade(self, task: dict[str, Any], text: str) -> dict[str, Any]:
        """The verdict on an answer to a task."""
        from tinygrad_edu.show import draw
        from tinygrad_edu.tasks import Task, grade

        verdict = grade(Task(**task), text)
        picture = draw(verdict.graph).pipe(format="svg", encoding="utf-8") if verdict.graph is not None else ""
        return {"passed": verdict.passed, "words": verdict.words, "mistake": verdict.mistake, "picture": picture}


def evaluate(tree: ast.Module, namespace: dict[str, Any]) -> Any:
    """Run all of it; what the last statement gives, where that is an expression, as in a notebook."""
    last = tree.body[-1] if tree.body else None
    if not isinstance(last, ast.Expr):
        exec(compile(tree, NAME, "exec"), namespace)
        return None
    exec(compile(ast.Module(tree.body[:-1], []), NAME, "exec"), namespace)
    return eval(compile(ast.Expression(last.value), NAME, "eval"), namespace)


def named_last(tree: ast.Module, namespace: dict[str, Any]) -> Value | None:
    """The result of operations that the text names last: `y` in `y.backward(); print(w.grad)`."""
    for statement in reversed(tree.body):
        if isinstance(statement, ast.FunctionDef | ast.ClassDef):
            continue
        for node in reversed([*ast.walk(statement)]):
            found = namespace.get(node.id) if isinstance(node, ast.Name) else None
            if isinstance(found, Value) and found.parents:
                return found
    return None


def form(shown: Any) -> dict[str, str]:
    """What a notebook would make of it: a picture, or markup, or else its text."""
    if callable(getattr(shown, "html", None)):  # an explanation
        return {"kind": "html", "content": bare(shown.html())}
    for method, kind in (("_repr_image_svg_xml", "svg"), ("_repr_svg_", "svg"), ("_repr_html_", "html")):
        if hasattr(shown, method):
            page = getattr(shown, "html", None)
            if isinstance(page, str) and page.startswith("<!DOCTYPE"):
                return {"kind": "page", "content": page}
            content = getattr(shown, method)()
            return {"kind": kind, "content": bare(content) if kind == "html" else content}
    return {"kind": "text", "content": repr(shown)[:MOST]}


def bare(markup: str) -> str:
    """Markup without style attributes, which the page's security policy refuses."""
    import re

    return re.sub(r' style="[^"]*"', "", markup)


def described(error: BaseException) -> dict[str, Any]:
    """An error for a reader of the lesson: its words, and the line of the text where it came up."""
    from tinygrad_edu.tasks import line_in

    if isinstance(error, SystemExit):
        return {"line": None, "text": "the code asked the interpreter to end"}
    words = error.msg if isinstance(error, SyntaxError) and error.filename == NAME else plain(error, 400)
    if isinstance(error, ModuleNotFoundError) or (isinstance(error, ImportError) and error.name is None):
        words = f"{words.partition(': ')[0]}; {INSIDE}"  # without how it is installed elsewhere
    if isinstance(error, EOFError):
        words = "input() can ask nobody here: write the value into the text"
    return {"line": line_in(NAME, error), "text": f"{type(error).__name__}{': ' * bool(words)}{words}"}
