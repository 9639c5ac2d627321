"""Labels for graphviz, in which no text of a user is ever markup."""

from __future__ import annotations

from html import escape
from typing import NamedTuple

LONGEST = 40  # characters of a name in a picture


class Theme(NamedTuple):
    """The colours of a picture."""

    background: str
    text: str
    line: str
    leaf: str
    operation: str
    data: str
    data_back: str
    grad: str
    grad_back: str
    constant: str


# fmt: off
THEMES = {
    "light": Theme("white", "#111827", "#4b5563", "#dbeafe", "#e5e7eb",
                   "#1e40af", "#eff6ff", "#b91c1c", "#fef2f2", "#f3f4f6"),
    "dark": Theme("#111827", "#f9fafb", "#9ca3af", "#1e3a8a", "#374151",
                  "#bfdbfe", "#172554", "#fecaca", "#450a0a", "#1f2937"),
    "print": Theme("white", "black", "black", "#e5e5e5", "white",
                   "black", "white", "black", "white", "white"),
}
# fmt: on


def plain(text: object) -> str:
    """One short line without control characters.

    >>> plain("two\\n  lines")
    'two lines'
    """
    line = " ".join("".join(c if c.isprintable() else " " for c in str(text)[: 4 * LONGEST]).split())
    return line if len(line) <= LONGEST else line[: LONGEST - 1] + "…"


def html(text: object) -> str:
    """Text for an HTML-like label, in which Graphviz replaces `\\N` by a name, as in any label.

    >>> print(html('<b>"&'), html("\\\\N"))
    &lt;b&gt;&quot;&amp; \\\\N
    """
    return escape(plain(text), quote=True).replace("\\", "\\\\")


def tooltip(text: object) -> str:
    """Text for a tooltip, where Graphviz resolves entities, and replaces `\\N` twice: `graphviz.escape` guards once.

    >>> print(tooltip("&lt;"), tooltip("\\\\N"))
    &amp;lt; \\\\N
    """
    return plain(text).replace("&", "&amp;").replace("\\", "\\\\")


def table(title: str, rows: list[tuple[str, str, str]], colour: str, theme: Theme, width: int = 0) -> str:
    """An HTML-like label: a title, and rows of text, text colour and background. All texts are markup already."""
    cells = f'<TR><TD BGCOLOR="{colour}" WIDTH="{width}"><FONT COLOR="{theme.text}">{title}</FONT></TD></TR>'
    for text, front, back in rows:
        cells += f'<TR><TD BGCOLOR="{back}"><FONT COLOR="{front}">{text}</FONT></TD></TR>'
    return f'<<TABLE BORDER="0" CELLBORDER="1" CELLSPACING="0" CELLPADDING="3" COLOR="{theme.line}">{cells}</TABLE>>'
