"""Labels for graphviz, in which no text of a user is ever markup."""

from __future__ import annotations

from html import escape

from tinygrad_edu.engine import LONGEST_NAME, plain
from tinygrad_edu.themes import Theme


def html(text: object) -> str:
    """Text for an HTML-like label, in which Graphviz replaces `\\N` by a name, as in any label.

    >>> print(html('<b>"&'), html("\\\\N"))
    &lt;b&gt;&quot;&amp; \\\\N
    """
    return escape(plain(text, 2 * LONGEST_NAME), quote=True).replace("\\", "\\\\")


def tooltip(text: object) -> str:
    """Text for a tooltip, where Graphviz resolves entities, and replaces `\\N` twice: `graphviz.escape` guards once.

    >>> print(tooltip("&lt;"), tooltip("\\\\N"))
    &amp;lt; \\\\N
    """
    return plain(text, 2 * LONGEST_NAME).replace("&", "&amp;").replace("\\", "\\\\")


def table(title: str, rows: list[tuple[str, str, str]], colour: str, theme: Theme, width: int = 0) -> str:
    """An HTML-like label: a title, and rows of text, text colour and background. All texts are markup already."""
    cells = f'<TR><TD BGCOLOR="{colour}" WIDTH="{width}"><FONT COLOR="{theme.text}">{title}</FONT></TD></TR>'
    for text, front, back in rows:
        cells += f'<TR><TD BGCOLOR="{back}"><FONT COLOR="{front}">{text}</FONT></TD></TR>'
    return f'<<TABLE BORDER="0" CELLBORDER="1" CELLSPACING="0" CELLPADDING="3" COLOR="{theme.line}">{cells}</TABLE>>'
