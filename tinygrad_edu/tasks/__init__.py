"""Lessons with tasks in Markdown: read, graded by properties, handed on to other graders."""

from tinygrad_edu.tasks.grading import Verdict, grade, line_in, require_sound
from tinygrad_edu.tasks.results import gradescope, pytest_file
from tinygrad_edu.tasks.task import Part, Section, Task, read

__all__ = [
    "Part",
    "Section",
    "Task",
    "Verdict",
    "grade",
    "gradescope",
    "line_in",
    "pytest_file",
    "read",
    "require_sound",
]
