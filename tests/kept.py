"""Texts that a reader sees, kept whole in a file: what changes them shows there, line by line."""

from pathlib import Path

MARK = "=" * 8 + " "


def read(name: str) -> dict[str, str]:
    """The texts of a file by their names."""
    content = Path(__file__).with_name(name).read_text(encoding="utf-8")
    blocks = content.split("\n" + MARK)
    return dict(block.removeprefix(MARK).split("\n", 1) for block in blocks if block)


def write(name: str, texts: dict[str, str]) -> None:
    made = "\n".join(f"{MARK}{key}\n{text}" for key, text in texts.items())
    Path(__file__).with_name(name).write_text(made, encoding="utf-8")
