"""Text of a user's, made fit to print: on one line, without control characters, not too long."""

from __future__ import annotations

from reprlib import Repr

LONGEST_NAME = 40  # characters of a name


class Short(Repr):
    """Cuts what is long in the middle, but no Value."""

    def repr_Value(self, value: object, level: int) -> str:
        return repr(value)


def plain(text: object, longest: int = LONGEST_NAME) -> str:
    """One short line without control characters.

    >>> plain("two\\n  lines"), plain("x" * 100, longest=5), plain("\\x1b[31mred")
    ('two lines', 'xxxx…', '[31mred')

    What Unicode calls not printable goes: control and format characters, which move a terminal's cursor or turn the
    reading direction, private letters and halves of surrogate pairs.
    """
    line = " ".join("".join(c if c.isprintable() else " " for c in str(text)[: 4 * longest]).split())
    return line if len(line) <= longest else line[: longest - 1] + "…"


def printable(text: str) -> str:
    """The text with � for each character that is not printable, one for one, so that a mark under it stays in place.

    >>> printable("a\\x1b[31mb\\n")
    'a�[31mb�'
    """
    return "".join(c if c.isprintable() else "�" for c in text)


def plural(count: int, noun: str) -> str:
    """A number of things.

    >>> plural(1, "input"), plural(2, "input"), plural(1000, "node")
    ('1 input', '2 inputs', '1,000 nodes')
    """
    return f"{count:,} {noun}{'s' * (count != 1)}"


def quoted(value: object) -> str:
    """A value as an error quotes it: its `repr`, on one line, without control characters, cut in the middle.

    >>> quoted("two\\nlines"), quoted([0.5] * 100_000)
    ("'two\\\\nlines'", '[0.5, 0.5, 0.5, 0.5, 0.5, 0.5, ...]')
    """
    return plain(Short().repr(value), 80)
