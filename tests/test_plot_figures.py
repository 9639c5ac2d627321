"""What stands on each plot, to the number: tests/plots.txt, which `python -m tests.test_plot_figures` writes anew.

Whoever changes a picture on purpose looks at it, and at how that file changes.
"""

import re
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.test_plot import PLOTS, POINTS, landscape
from tests.test_plot import network as small_network
from tinygrad_edu import Value
from tinygrad_edu.nn import MLP
from tinygrad_edu.plot import (
    plot_decision_boundary,
    plot_gradients,
    plot_health,
    plot_history,
    plot_loss_landscape,
    plot_network,
)
from tinygrad_edu.plot.canvas import png, svg

pytest.importorskip("matplotlib")
KEPT = Path(__file__).with_name("plots.txt")


def layer(k, **changes):
    row = {"layer": k, "neurons": 4, "activation": "relu", "spread": 0.5, "flat": 0.75, "dead": [2], "gradient": 0.1}
    return SimpleNamespace(**row | changes)


def without_biases():
    neuron = SimpleNamespace(w=[Value(0.5), Value(-2.0)], b=None)
    return SimpleNamespace(layers=[SimpleNamespace(neurons=[neuron])])


def bowl(x=1.0, y=-1.0):
    a, b = Value(x), Value(y)
    return lambda: a**2 + 100 * b**2 + 0.01, [a, b]


FIGURES = {
    **{f"{name}, {theme}": (lambda name=name, theme=theme: PLOTS[name](theme))
       for name in PLOTS for theme in ("light", "print")},
    "history of losses that are not all finite": lambda: plot_history([3.0, float("nan"), float("inf"), 0.05]),
    "history whose best epoch is the first": lambda: plot_history(
        SimpleNamespace(losses=[1.0, 2.0], validation=[3.0], best=1)
    ),
    "history whose best epoch is none of it": lambda: plot_history(
        SimpleNamespace(losses=[1.0], validation=[3.0], best=2)
    ),
    "history with notes and a metric": lambda: plot_history(
        SimpleNamespace(losses=[1.0, 30.5], metrics={"a": [1.0, 2.0]}, stopped="", notes=["one " * 40, "two"])
    ),
    "history with many metrics": lambda: plot_history(
        SimpleNamespace(losses=[1.0], metrics={f"m{k}": [1.0 * k] for k in range(11)}), theme="dark"
    ),
    "gradients of one layer": lambda: plot_gradients({"layer 1": [0.0, float("nan"), 0.5]}),
    "gradients of five layers on paper": lambda: plot_gradients({f"l{k}": [0.1 * k] for k in range(5)}, theme="print"),
    "health with zeros": lambda: plot_health(
        SimpleNamespace(layers=[layer(1, gradient=0.0, flat=0.0, dead=[]), layer(2, gradient=0.0, spread=0.0)],
                        findings=["a finding " * 30, "b"])
    ),
    "health without gradients": lambda: plot_health(
        SimpleNamespace(layers=[layer(1, gradient=float("nan"), flat=0.0, dead=[])], findings=[]), theme="dark"
    ),
    "boundary without targets": lambda: plot_decision_boundary(
        lambda x: 3 * x[0] - x[1], POINTS, resolution=5, names=("u", "v")
    ),
    "boundary of one class": lambda: plot_decision_boundary(lambda x: x[0] + 5, POINTS, ["a"] * 4, resolution=5),
    "boundary of scores that are the same": lambda: plot_decision_boundary(
        lambda x: 7.0, POINTS, resolution=3, threshold=7.0
    ),
    "boundary of one point": lambda: plot_decision_boundary(
        lambda x: x[0], [[2.0, 3.0]], [None], resolution=3, theme="dark"
    ),
    "boundary of two classes on paper": lambda: plot_decision_boundary(
        lambda x: x[0] - 0.5, POINTS, "abba", resolution=5, theme="print"
    ),
    "boundary of eleven classes": lambda: plot_decision_boundary(
        lambda x: [x[0] * k - k * k / 20 for k in range(11)], [[0.1 * k, 0.0] for k in range(11)], range(11),
        resolution=5,
    ),
    "boundary of classes on paper": lambda: plot_decision_boundary(
        lambda x: [x[0], x[1], 0.2], POINTS, ["a", "b", "c", None], resolution=5, theme="print"
    ),
    "landscape along a path": lambda: landscape(path=[[3.0, 1.0], [2.0, 0.0], [1.0, -1.0]]),
    "landscape of large differences": lambda: plot_loss_landscape(
        *bowl(), directions=[[1, 0], [0, 2]], resolution=5, reach=3.0
    ),
    "landscape along random directions": lambda: plot_loss_landscape(
        *bowl(0.0, 2.0), resolution=4, seed=3, theme="dark"
    ),
    "landscape of a path with directions": lambda: plot_loss_landscape(
        *bowl(), path=[[2.0, 2.0], [1.0, -1.0]], directions=[[1, 1], [0, 1]], resolution=4
    ),
    "network without biases": lambda: plot_network(without_biases()),
    "network of four outputs": lambda: plot_network(MLP(1, [3, 4], seed=1), theme="dark"),
    "network of many lines": lambda: plot_network(MLP(5, [5, 1], seed=1)),
    "network of many neurons": lambda: plot_network(MLP(1, [21, 1], seed=1), theme="print"),
    "network of twenty neurons": lambda: plot_network(MLP(1, [20, 1], seed=1)),
    "gradients of a network, dark": lambda: plot_network(small_network(), by="gradient", theme="dark"),
}  # fmt: skip


def said(x):
    """A number or numbers, in few digits; a text as it is."""
    if x is None or isinstance(x, str | bool):
        return str(x)
    if hasattr(x, "__len__"):
        return "[" + " ".join(map(said, x)) + "]"
    return f"{round(float(x), 4) + 0.0:.4g}"


def hue(colour):
    from matplotlib.colors import to_hex

    found = to_hex(colour, keep_alpha=True)
    return found[:7] if found.endswith("ff") else found


def lines_of(figure):
    """Everything on a figure that its makers have chosen, a line each."""
    title = figure.get_suptitle() if hasattr(figure, "get_suptitle") else ""
    yield f"figure {said(figure.get_size_inches())} {hue(figure.get_facecolor())} {title!r}"
    for text in figure.texts:
        yield f"  {written(text)}"
    for ax in figure.axes:
        yield f"  axes x {ax.get_xscale()} {said(ax.get_xlim())} y {ax.get_yscale()} {said(ax.get_ylim())} {ax.axison}"
        for name, label in (("x", ax.xaxis.label), ("y", ax.yaxis.label), ("title", ax.title)):
            yield f"    {name} {label.get_text()!r} {hue(label.get_color())}"
        left = ax._left_title
        yield f"    left {left.get_text()!r} {hue(left.get_color())} {said(left.get_fontsize())}"
        yield f"    face {hue(ax.get_facecolor())} spines " + " ".join(
            f"{side} {hue(spine.get_edgecolor())} {spine.get_visible()}" for side, spine in ax.spines.items()
        )
        for axis in (ax.xaxis, ax.yaxis):
            ticks = axis.get_tick_params()
            chosen = [
                f"{key} {hue(ticks[key]) if 'color' in key else said(ticks[key])}"
                for key in sorted(ticks)
                if "color" in key or "grid" in key
            ]
            yield f"    ticks {' '.join(chosen)} {[t.get_text() for t in axis.get_ticklabels()] if ax.patches else ''}"
        for line in ax.lines:
            yield (
                f"    line {said(line.get_xdata())} {said(line.get_ydata())} {hue(line.get_color())} "
                f"{said(line.get_linewidth())} {line.get_linestyle()} {line.get_marker()} "
                f"{said(line.get_markersize())} {hue(line.get_markeredgecolor())} {line.get_label()!r} "
                f"{said(line.get_zorder())}"
            )
        for bar in ax.patches if ax.containers else ():
            place = [bar.get_x(), bar.get_y(), bar.get_width(), bar.get_height()]
            yield f"    bar {said(place)} {hue(bar.get_facecolor())} {bar.get_label()!r}"
        for drawn in ax.collections:
            yield f"    {type(drawn).__name__} {collected(drawn)}"
        for text in ax.texts:
            yield f"    {written(text)}"
        legend = ax.get_legend()
        if legend is not None:
            frame = legend.get_frame()
            yield (
                f"    legend {[text.get_text() for text in legend.get_texts()]} "
                f"{[said(text.get_fontsize()) + hue(text.get_color()) for text in legend.get_texts()[:1]]} "
                f"{legend._loc} {hue(frame.get_facecolor())} {hue(frame.get_edgecolor())} {said(frame.get_alpha())}"
            )


def collected(drawn):
    parts = []
    if getattr(drawn, "levels", None) is not None:
        parts += [said(drawn.levels), str(getattr(drawn, "extend", "")), type(drawn.norm).__name__]
        parts += [hue(drawn.get_cmap()(share)) for share in (0.0, 0.25, 0.5, 1.0)] if drawn.filled else []
        parts += [said(drawn.zmin), said(drawn.zmax), str(len(drawn.get_paths()))]
    else:
        parts += [said([point for path in drawn.get_paths() for point in path.vertices.ravel()][:64])]
        parts += [hue(colour) for colour in drawn.get_facecolor()[:3]]
        parts += [said(drawn.get_offsets().ravel())]
    parts += [hue(colour) for colour in drawn.get_edgecolor()[:20]]
    parts += [
        said(drawn.get_linewidth()),
        re.sub(r"np\.float64\(([^)]*)\)", r"\1", str(drawn.get_linestyle()))[:400],
        said(drawn.get_alpha()),
        said(drawn.get_zorder()),
    ]
    parts += [said(drawn.get_sizes())] if hasattr(drawn, "get_sizes") else []
    return " ".join(parts)


def written(text):
    box = text.get_bbox_patch()
    around = f" {hue(box.get_facecolor())} {hue(box.get_edgecolor())}" if box else ""
    return (
        f"text {said(text.get_position())} {text.get_text()!r} {hue(text.get_color())} {said(text.get_fontsize())} "
        f"{text.get_ha()} {text.get_va()} {said(text.get_zorder())}{around}"
    )


def described(name):
    return [line.rstrip() for line in lines_of(FIGURES[name]())]


def kept():
    blocks = KEPT.read_text(encoding="utf-8").strip().split("\n\n")
    return {block.split("\n")[0].removeprefix("# "): block.split("\n")[1:] for block in blocks}


@pytest.fixture(scope="module")
def before():
    return kept()


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_is_what_it_was(name, before):
    assert described(name) == before[name]


def test_a_figure_has_as_many_pixels_as_is_asked_for():
    image = pytest.importorskip("PIL.Image")
    figure = plot_history([2.0, 1.0])  # 6.4 by 4 inches
    assert image.open(BytesIO(png(figure))).size == image.open(BytesIO(figure._repr_png_())).size == (704, 440)
    assert image.open(BytesIO(png(figure, 50))).size == (320, 200)
    assert svg(figure) == svg(figure) and b"<dc:date>" not in svg(figure)
    assert svg(figure).startswith(b"<?xml") and svg(figure).rstrip().endswith(b"</svg>")


if __name__ == "__main__":
    KEPT.write_text(
        "\n\n".join("\n".join([f"# {name}", *described(name)]) for name in FIGURES) + "\n", encoding="utf-8"
    )
