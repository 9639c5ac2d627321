"""What graphviz's SVG lacks: a title and a description in place of ids, a size that fits its page, and frames."""

from __future__ import annotations

import re
from html import escape


def described(svg: str, title: str, description: str) -> str:
    """A picture that says what it shows, to a screen reader and under the pointer.

    >>> described('<?xml version="1.0"?><svg width="9pt"><!-- n0 --><g><title>n0</title></g></svg>', "a + b", "A sum.")
    '<?xml version="1.0"?><svg width="9pt"><title>a + b</title><desc>A sum.</desc><g></g></svg>'

    Arguments:
        svg: as graphviz writes it, whose titles and comments are ids.
        title, description: text of any kind.
    """
    bare = re.sub(r"<title>.*?</title>\n?|<!--.*?-->\n?", "", svg, flags=re.DOTALL)
    head = f"<title>{escape(title)}</title><desc>{escape(description)}</desc>"
    return re.sub(r"<svg[^>]*>", lambda start: start[0] + head, bare, count=1)


def scaled(svg: str) -> str:
    """A picture that becomes smaller where there is less room, as in a notebook.

    >>> scaled('<svg width="900pt" height="90pt"></svg>')
    '<svg style="max-width: 100%; height: auto" width="900pt" height="90pt"></svg>'
    """
    return svg.replace("<svg ", '<svg style="max-width: 100%; height: auto" ', 1)
