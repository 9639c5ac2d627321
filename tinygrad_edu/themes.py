"""The colours of pictures, pages and plots: one set for a screen by day, one for the night, one for paper."""

from __future__ import annotations

from typing import NamedTuple

from tinygrad_edu.plain import quoted


class Theme(NamedTuple):
    """What each colour is for; each is a name or #rrggbb.

    Attributes:
        background, text, line: of the whole.
        leaf, operation, constant: behind what a box is.
        data, data_back: numbers of the forward pass, and what is positive.
        grad, grad_back: numbers of the backward pass, and what is negative.
    """

    background: str
    text: str
    line: str
    leaf: str
    operation: str
    constant: str
    data: str
    data_back: str
    grad: str
    grad_back: str


# fmt: off
THEMES = {
    "light": Theme("#ffffff", "#111827", "#4b5563", "#dbeafe", "#e5e7eb", "#f3f4f6",
                   "#1e40af", "#eff6ff", "#b91c1c", "#fef2f2"),
    "dark":  Theme("#111827", "#f9fafb", "#9ca3af", "#1e3a8a", "#374151", "#1f2937",
                   "#bfdbfe", "#172554", "#fecaca", "#450a0a"),
    "print": Theme("#ffffff", "#000000", "#000000", "#e5e5e5", "#ffffff", "#ffffff",
                   "#000000", "#ffffff", "#000000", "#ffffff"),
}
# fmt: on


def theme(name: str) -> Theme:
    """A theme by its name.

    >>> theme("print").grad
    '#000000'

    Raises ValueError for a name that there is not.
    """
    if name not in THEMES:
        raise ValueError(f"theme expected one of {', '.join(THEMES)}, got {quoted(name)}")
    return THEMES[name]
