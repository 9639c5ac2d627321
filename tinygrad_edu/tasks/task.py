"""Lessons and their tasks as Markdown: prose, fenced Python that runs, and what grades an answer."""

from __future__ import annotations

from typing import NamedTuple

from tinygrad_edu.engine import quoted

HIDDEN = ("answer", "check", "mistake")  # the words after ```python of what a reader does not see


class Task(NamedTuple):
    """A function to be written, and what it is graded by.

    Attributes:
        name: what the reader reads.
        start: the code to begin with.
        answers: right ones, the first of which the mistakes are made from.
        check: Python that defines `cases`, arguments of the function, the smallest first; `expected(*case)`, which the
            answer has to agree with; and it may define `observe(answer, *case)`, what of the answer is compared, and
            `graph(*case)`, the Value that shows the case.
        mistakes: wrong answers by the name of the mistake.
    """

    name: str
    start: str
    answers: tuple[str, ...]
    check: str
    mistakes: tuple[tuple[str, str], ...] = ()


class Part(NamedTuple):
    """A piece of a lesson: prose as HTML, or code, or a task, whose code is what it begins with."""

    html: str = ""
    code: str = ""
    task: Task | None = None


class Section(NamedTuple):
    """A lesson: what stands under one heading of the first level."""

    title: str
    parts: tuple[Part, ...]

    @property
    def tasks(self) -> list[Task]:
        return [part.task for part in self.parts if part.task]


def read(text: str, name: str = "the lesson") -> list[Section]:
    """The lessons in a Markdown text.

    A heading of the first level begins a lesson. Fenced blocks are ```python, which runs; ```python task NAME, what an
    answer begins with; and after it, unseen, one or more ```python answer, one ```python check, and any number of
    ```python mistake NAME.

    >>> [lesson] = read("# Slopes\\n\\nA *slope*.\\n\\n```python\\nx = 1\\n```\\n")
    >>> lesson.title, [part.code or part.html for part in lesson.parts]
    ('Slopes', ['<p>A <em>slope</em>.</p>\\n', 'x = 1\\n'])

    Raises ValueError, with the line, for a block that is out of place, and for a text without a lesson.
    """
    import markdown_it

    markdown = markdown_it.MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = markdown.parse(text)
    for token in tokens:
        if token.type.startswith("heading") and token.tag in ("h2", "h3", "h4", "h5"):  # the title of a lesson is an h2
            token.tag = f"h{int(token.tag[1]) + 1}"
    sections: list[Section] = []
    parts: list[Part] = []
    prose: list[markdown_it.token.Token] = []

    def end_prose() -> None:
        if prose:
            parts.append(Part(html=str(markdown.renderer.render(prose, markdown.options, {}))))
            prose.clear()

    def end_section() -> None:
        end_prose()
        if sections:
            sections[-1] = sections[-1]._replace(parts=tuple(parts))
        elif parts:
            sections.append(Section(name, tuple(parts)))
        parts.clear()
        for task in sections[-1].tasks if sections else ():
            if not (task.answers and task.check):
                raise ValueError(f"{name}: task {quoted(task.name)} expected a python answer and a python check")

    k = 0
    while k < len(tokens):
        token = tokens[k]
        if token.type == "heading_open" and token.tag == "h1":
            end_section()
            sections.append(Section(tokens[k + 1].content, ()))
            k += 3
            continue
        language, _, rest = token.info.strip().partition(" ") if token.type == "fence" else ("", "", "")
        if language != "python":
            prose.append(token)
        else:
            kind, _, title = rest.strip().partition(" ")
            line = token.map[0] + 1 if token.map else 1
            end_prose()
            if kind in HIDDEN:
                if not parts or parts[-1].task is None:
                    raise ValueError(f"{name}, line {line}: python {kind} expected a python task before it")
                parts[-1] = parts[-1]._replace(task=extended(parts[-1].task, kind, title, token.content))
            elif kind == "task":
                if not title:
                    raise ValueError(f"{name}, line {line}: python task expected a name after it")
                parts.append(Part(code=token.content, task=Task(title, token.content, (), "")))
            elif kind:
                raise ValueError(
                    f"{name}, line {line}: expected python, or python task, answer, check or mistake, "
                    f"got python {quoted(kind)}"
                )
            else:
                parts.append(Part(code=token.content))
        k += 1
    end_section()
    if not sections:
        raise ValueError(f"{name} is empty: expected Markdown with a heading, like # Slopes")
    return sections


def extended(task: Task, kind: str, title: str, content: str) -> Task:
    if kind == "answer":
        return task._replace(answers=(*task.answers, content))
    if kind == "check":
        return task._replace(check=task.check + content)
    return task._replace(mistakes=(*task.mistakes, (title, content)))
