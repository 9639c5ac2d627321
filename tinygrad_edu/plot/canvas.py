"""What is drawn on: a Matplotlib figure in the colours of a theme, without the state of pyplot."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from io import BytesIO
from typing import Any

from tinygrad_edu.shell import install
from tinygrad_edu.themes import Theme, theme

MARKERS = "os^DvPX*<>"
DASHES = ("solid", "dashed", "dashdot", "dotted")


def matplotlib() -> dict[str, Any]:
    """What is used of Matplotlib. Raises ImportError, with the command to run, where it is not installed."""
    try:
        from matplotlib import rc_context
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.backends.backend_pdf import PdfPages
        from matplotlib.collections import LineCollection
        from matplotlib.colors import LinearSegmentedColormap
        from matplotlib.figure import Figure
        from matplotlib.ticker import FuncFormatter
    except ImportError:
        raise ImportError(f"plots need Matplotlib: {install('matplotlib')}") from None

    return {
        "FigureCanvasAgg": FigureCanvasAgg,
        "FuncFormatter": FuncFormatter,
        "LineCollection": LineCollection,
        "LinearSegmentedColormap": LinearSegmentedColormap,
        "PdfPages": PdfPages,
        "Plot": notebook_figure(Figure),
        "rc_context": rc_context,
    }


@cache
def notebook_figure(figure_class: Any) -> Any:
    """Matplotlib's Figure, shown by a notebook also where pyplot was never imported."""
    return type("Figure", (figure_class,), {"_repr_png_": png})


def svg(figure: Any) -> bytes:
    """The figure as the bytes of an SVG file, the same at each run."""
    made = BytesIO()
    with matplotlib()["rc_context"]({"svg.hashsalt": "tinygrad_edu"}):
        figure.savefig(made, format="svg", metadata={"Date": None})
    return made.getvalue()


def png(figure: Any, dpi: int = 110) -> bytes:
    """The figure as the bytes of a PNG file."""
    made = BytesIO()
    figure.savefig(made, format="png", dpi=dpi)
    return made.getvalue()


def canvas(
    theme_name: str, size: tuple[float, float] = (6.4, 4.2), rows: int = 1, columns: int = 1
) -> tuple[Any, list[Any], Theme]:
    """A figure, its axes below or beside one another, and the theme they are coloured by.

    Arguments:
        theme_name: "light", "dark" or "print".
        size: width and height in inches.
    """
    colours = theme(theme_name)
    figure = matplotlib()["Plot"](figsize=size, layout="constrained", facecolor=colours.background)
    matplotlib()["FigureCanvasAgg"](figure)
    axes = [figure.add_subplot(rows, columns, k + 1) for k in range(rows * columns)]
    for ax in axes:
        ax.set_facecolor(colours.background)
        ax.tick_params(which="both", colors=colours.line, labelcolor=colours.text)
        ax.xaxis.label.set_color(colours.text)
        ax.yaxis.label.set_color(colours.text)
        ax.title.set_color(colours.text)
        for side, spine in ax.spines.items():
            spine.set_color(colours.line)
            spine.set_visible(side in ("left", "bottom"))
    return figure, axes, colours


def legend(ax: Any, colours: Theme, **options: Any) -> None:
    """A legend in the colours of the theme."""
    ax.legend(facecolor=colours.background, edgecolor=colours.line, labelcolor=colours.text, framealpha=0.9, **options)


def colorbar(figure: Any, ax: Any, shown: Any, colours: Theme, digits: int, **options: Any) -> None:
    """A bar beside the axes that says which colour is which number, in the colours of the theme."""
    written = matplotlib()["FuncFormatter"](lambda x, place: f"{x:.{digits}g}".replace("-", "−"))  # as on the axes
    bar = figure.colorbar(shown, ax=ax, format=written, **options)
    bar.ax.tick_params(colors=colours.line, labelcolor=colours.text)
    bar.ax.yaxis.label.set_color(colours.text)
    bar.outline.set_edgecolor(colours.line)


def logarithmic(numbers: Sequence[float]) -> bool:
    """Whether numbers want a logarithmic axis: where all are positive and span more than a factor of 30.

    >>> logarithmic([0.1, 3.1]), logarithmic([0.1, 3.0]), logarithmic([0.0, 3.0])
    (True, False, False)
    """
    return len(numbers) > 0 and min(numbers) > 0 and max(numbers) / min(numbers) > 30


def diverging(colours: Theme) -> Any:
    """From what is negative over the background to what is positive; on paper from dark over white to a light grey."""
    positive = mixed(colours.data_strong, colours.background, 0.83) if colours.on_paper else colours.data_strong
    ends = (colours.grad_strong, colours.background, positive)
    return matplotlib()["LinearSegmentedColormap"].from_list("diverging", ends)


def sequential(colours: Theme) -> Any:
    """From the background to the colour of the forward pass."""
    end = colours.quiet if colours.on_paper else colours.data_strong
    return matplotlib()["LinearSegmentedColormap"].from_list("sequential", [colours.background, end])


def mixed(colour: str, other: str, share: float) -> str:
    """A colour with a share of another in it.

    >>> mixed("#000000", "#ffffff", 0.5)
    '#808080'
    """
    pairs = [(int(colour[k : k + 2], 16), int(other[k : k + 2], 16)) for k in (1, 3, 5)]
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in pairs)
