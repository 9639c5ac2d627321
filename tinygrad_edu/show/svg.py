"""What graphviz's SVG lacks: a title and a description in place of ids, a size that fits its page."""

from __future__ import annotations

import re
from html import escape

NARROW = 600  # points; what is less wide fits into any notebook


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
    """A picture that is as wide as its notebook, and no wider; one of less than 600 points, which fits, as it is.

    >>> scaled('<svg width="900pt" height="90pt" viewBox="0 0 900 90"></svg>')
    '<svg width="100%" style="max-width: 900pt" viewBox="0 0 900 90"></svg>'
    >>> scaled('<svg width="90pt" height="9pt"></svg>')
    '<svg width="90pt" height="9pt"></svg>'

    Notebooks show SVG as an image, which takes the width that it asks for and is cut off; only one that asks for none
    is scaled.
    """

    def start(found: re.Match[str]) -> str:
        return found[0] if float(found[1]) < NARROW else f'<svg width="100%" style="max-width: {found[1]}pt"'

    return re.sub(r'<svg width="([\d.]+)pt" height="[\d.]+pt"', start, svg, count=1)
