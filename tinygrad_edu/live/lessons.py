"""The lessons that the package brings, in the order of their tabs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tinygrad_edu.tasks import Part, Section, read

FOLDER = Path(__file__).with_name("texts")


def lessons() -> list[Section]:
    """All of them."""
    return [section for path in sorted(FOLDER.glob("*.md")) for section in read(path.read_bytes().decode(), path.name)]


def for_page(section: Section) -> dict[str, Any]:
    """A lesson as the page's script takes it."""
    return {"title": section.title, "parts": [*map(part_for_page, section.parts)]}


def part_for_page(part: Part) -> dict[str, Any]:
    if part.html:
        return {"html": part.html}
    if part.task is None:
        return {"code": part.code.rstrip("\n")}
    return {"code": part.code.rstrip("\n"), "task": part.task.name, "graded": part.task._asdict()}
