"""The colours of pictures, pages and plots: one set for a screen by day, one for the night, one for paper."""

from __future__ import annotations

from typing import NamedTuple

from tinygrad_edu.engine import quoted


class Theme(NamedTuple):
    """What each colour is for; each is #rrggbb.

    Attributes:
        background, text, line: of the whole.
        leaf, operation, constant: behind what a box is.
        data, data_back: numbers of the forward pass, and what is positive.
        grad, grad_back: numbers of the backward pass, and what is negative.
        data_strong, grad_strong: of lines and maps: blue and orange, which the three common deficiencies tell apart.
        accent, edge, hair, quiet: of a page: what acts, the edges of boxes and of panels, quiet words.
        series: of classes and of lines side by side, told apart by those who see few colours, too; on paper by shade.
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
    data_strong: str
    grad_strong: str
    accent: str
    edge: str
    hair: str
    quiet: str
    series: tuple[str, ...]

    @property
    def on_paper(self) -> bool:
        """Whether colours say nothing, so that shades and dashes have to."""
        return self.data == self.grad


# fmt: off
THEMES = {
    "light": Theme("#ffffff", "#111827", "#4b5563", "#dbeafe", "#e5e7eb", "#f3f4f6",
                   "#1e40af", "#eff6ff", "#b91c1c", "#fef2f2", "#2563eb", "#c2410c",
                   "#1d4ed8", "#9ca3af", "#d1d5db", "#4b5563",
                   ("#1e40af", "#b91c1c", "#047857", "#b45309", "#6d28d9",
                    "#0e7490", "#be185d", "#4d7c0f", "#44403c", "#0369a1")),
    "dark":  Theme("#111827", "#f9fafb", "#9ca3af", "#1e3a8a", "#374151", "#1f2937",
                   "#bfdbfe", "#172554", "#fecaca", "#450a0a", "#60a5fa", "#fb923c",
                   "#93c5fd", "#6b7280", "#374151", "#d1d5db",
                   ("#7aa2f7", "#f7768e", "#34d399", "#fbbf24", "#c4b5fd",
                    "#22d3ee", "#f9a8d4", "#bef264", "#d6d3d1", "#38bdf8")),
    "print": Theme("#ffffff", "#000000", "#000000", "#e5e5e5", "#ffffff", "#ffffff",
                   "#000000", "#ffffff", "#000000", "#ffffff", "#000000", "#6b6b6b",
                   "#000000", "#000000", "#737373", "#404040",
                   ("#000000", "#8a8a8a", "#4d4d4d", "#b3b3b3", "#262626",
                    "#737373", "#a3a3a3", "#404040", "#999999", "#5e5e5e")),
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
