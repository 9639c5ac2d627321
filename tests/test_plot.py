"""Pictures of training: what is on them, in every theme, and what they refuse."""

import math
import re
import subprocess
import sys
from io import BytesIO
from types import SimpleNamespace

import pytest

from tinygrad_edu import Value, draw
from tinygrad_edu.nn import MLP, health, squared_error
from tinygrad_edu.plot import (
    animate,
    history_text,
    plot_decision_boundary,
    plot_gradients,
    plot_health,
    plot_history,
    plot_loss_landscape,
    plot_network,
)
from tinygrad_edu.plot.animation import pillow, sheet
from tinygrad_edu.plot.canvas import diverging, mixed
from tinygrad_edu.plot.landscape import bounds, coordinates, levels_of, principal
from tinygrad_edu.themes import THEMES

pytest.importorskip("matplotlib")
Image = pytest.importorskip("PIL.Image")

HISTORY = SimpleNamespace(
    losses=[1.0, 0.5, 0.01, 0.001],
    validation=[0.7, 0.2, 0.3],
    metrics={"accuracy": [0.5, 0.9, 1.0], "loss of another kind": [3.0, 2.0, 1.0]},
    gradients={"layer 1": [1e-5, 1e-6, 0.0], "layer 2": [0.1, 0.2, 0.3]},
    best=2,
    stopped="all 3 epochs are over",
)
POINTS = [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]


def network():
    made = MLP.from_weights([[[0.1, 0.2, 0.3], [0.4, 0.5, -0.6]], [[0.4, 0.3, 0.6], [0.2, -1.0, 0.3]]])
    squared_error(made([0.85, 0.25]), [0.69, 0.86]).backward()
    return made


def landscape(theme="light", **options):
    a, b = Value(1.0, "a"), Value(-1.0, "b")
    return plot_loss_landscape(lambda: a**2 + 4 * b**2 + 0.01, [a, b], resolution=7, theme=theme, **options)


PLOTS = {
    "history": lambda theme: plot_history(HISTORY, theme=theme),
    "losses": lambda theme: plot_history([2.0, 1.0], theme=theme),
    "gradients": lambda theme: plot_gradients(HISTORY, theme=theme),
    "health": lambda theme: plot_health(health(network(), [(p, [0.0, 1.0]) for p in POINTS]), theme=theme),
    "score": lambda theme: plot_decision_boundary(
        lambda x: x[0] - x[1], POINTS, [1, 0, 1, 0], resolution=9, theme=theme
    ),
    "classes": lambda theme: plot_decision_boundary(
        lambda x: [x[0], x[1], 0.5], POINTS, ["a", "b", "c", "a"], resolution=9, theme=theme
    ),
    "network": lambda theme: plot_network(network(), theme=theme),
    "gradient": lambda theme: plot_network(network(), by="gradient", theme=theme),
    "landscape": landscape,
}


def numbers(figure):
    """The pixels as numbers, three a pixel."""
    made = BytesIO()
    figure.savefig(made, dpi=40)
    return Image.open(made).convert("RGB")


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("name", PLOTS)
def test_a_plot_is_drawn_in_the_colours_of_its_theme(name, theme):
    image = numbers(PLOTS[name](theme))
    background = tuple(int(THEMES[theme].background[k : k + 2], 16) for k in (1, 3, 5))
    assert image.getpixel((0, 0)) == background
    colours = {pixel for _, pixel in image.getcolors(1 << 24)}
    assert len(colours) > 10
    if theme == "print":
        assert max(max(c) - min(c) for c in colours) < 12, "on paper everything is grey"


@pytest.mark.parametrize("name", PLOTS)
def test_an_unknown_theme_is_refused(name):
    with pytest.raises(ValueError, match="theme expected one of light, dark, print, got 'neon'"):
        PLOTS[name]("neon")


def test_no_plot_touches_pyplot():
    code = (
        "import sys; from tinygrad_edu.plot import plot_history; f = plot_history([1.0, 0.5]);"
        "print('matplotlib.pyplot' in sys.modules, f._repr_png_()[:4] == bytes([137]) + b'PNG')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "True"]


def test_a_history_shows_loss_validation_best_epoch_metrics_and_why_it_stopped():
    top, bottom = plot_history(HISTORY).axes
    assert [line.get_label() for line in top.lines] == ["training", "validation", "best, epoch 2"]
    assert list(top.lines[0].get_xdata()) == [0, 1, 2, 3]
    assert list(top.lines[1].get_xdata()) == [1, 2, 3]
    assert list(top.lines[2].get_xydata()[0]) == [2, 0.2]
    assert top.get_yscale() == "log"
    assert top.get_title(loc="left") == "all 3 epochs are over"
    assert [line.get_label() for line in bottom.lines] == ["accuracy", "loss of another kind"]
    assert plot_history([2.0, 1.0]).axes[0].get_yscale() == "linear"
    assert plot_history([2.0, float("inf")]).axes[0].get_yscale() == "linear"


def test_gradients_of_the_layers_on_a_logarithmic_axis():
    [ax] = plot_gradients(HISTORY).axes
    assert ax.get_yscale() == "log"
    assert [line.get_label() for line in ax.lines] == ["layer 1", "layer 2"]
    first = list(ax.lines[0].get_ydata())
    assert first[:2] == [1e-5, 1e-6] and first[2] != first[2], "0 has no place on the axis"
    [ax] = plot_gradients({"layer 1": [math.inf, 1.0]}).axes
    assert math.isnan(ax.lines[0].get_ydata()[0]), "nor has infinity"
    for nothing in ({}, {"layer 1": []}, SimpleNamespace(gradients={}), 3):
        with pytest.raises(ValueError, match="plot_gradients expected a history with gradients"):
            plot_gradients(nothing)


def test_health_as_a_picture_has_each_layer_and_what_is_wrong():
    made = MLP(2, [3, 2, 1], seed=1)
    for neuron in made.layers[0].neurons:
        neuron.b.data = -9.0
    report = health(made, [(p, 1.0) for p in POINTS], loss=squared_error)
    figure = plot_health(report)
    shares, spread, gradient = figure.axes
    assert [label.get_text() for label in shares.get_yticklabels()] == ["1: 3 relu", "2: 2 relu", "3: 1 linear"]
    assert [bar.get_width() for bar in shares.patches][3:] == [len(row.dead) / row.neurons for row in report.layers]
    assert "layer 1: its 3 neurons are dead" in figure.get_suptitle()
    assert spread.get_xlabel() == "spread of the outputs"
    for ax in (spread, gradient):
        assert list(ax.get_yticks()) == list(shares.get_yticks()) == [0, -1, -2]
        assert [label.get_text() for label in ax.get_yticklabels()] == [""] * 3, "the layers are named once"
    assert [x == x for x in gradient.lines[0].get_xdata()] == [row.gradient > 0 for row in report.layers]
    for nothing in (HISTORY, SimpleNamespace(layers=[]), made):
        with pytest.raises(ValueError, match="plot_health expected the report of health"):
            plot_health(nothing)


def test_a_history_shows_its_notes():
    noted = SimpleNamespace(losses=[1.0, 1.0], stopped="all 1 epochs are over", notes=["the loss never changed from 1"])
    assert plot_history(noted).axes[0].get_title(loc="left").splitlines() == [noted.stopped, *noted.notes]
    assert history_text(noted).splitlines()[-2:] == [noted.stopped, "note: the loss never changed from 1"]


def contour_lines(ax):
    """Where the line at the threshold runs."""
    for collection in ax.collections:
        levels = getattr(collection, "levels", None)
        if levels is not None and len(levels) == 1:
            return levels[0], [tuple(v) for path in collection.get_paths() for v in path.vertices]
    return None, []


def test_the_boundary_of_a_score_is_where_it_passes_the_threshold():
    ax = plot_decision_boundary(lambda x: x[0] - x[1], POINTS, [1, 0, 1, 0], resolution=9).axes[0]
    level, line = contour_lines(ax)
    assert level == 0.0 and all(abs(x - y) < 1e-9 for x, y in line)
    ax = plot_decision_boundary(lambda x: Value(x[0]).sigmoid(), POINTS, resolution=9).axes[0]
    level, line = contour_lines(ax)
    assert level == 0.5 and all(abs(x) < 0.01 for x, _ in line)
    steps = plot_decision_boundary(lambda x: float(x[0] > 0.4), POINTS, resolution=9)  # of exactly 0 and 1
    assert contour_lines(steps.axes[0])[0] == 0.5
    ax = plot_decision_boundary(lambda x: x[0], POINTS, threshold=0.25, resolution=9).axes[0]
    assert contour_lines(ax)[0] == 0.25


@pytest.mark.parametrize("count", [10, 11])
def test_up_to_ten_classes_have_a_legend(count):
    points = [[float(k), 0.0] for k in range(count)]
    figure = plot_decision_boundary(lambda x: x[0], points, [*range(count)], resolution=3)
    assert (figure.axes[0].get_legend() is not None) is (count == 10)


def test_points_are_marked_by_class():
    ax = plot_decision_boundary(
        lambda x: [Value(x[0]), Value(x[1])], POINTS, ["cat", "dog", "cat", "dog"], resolution=9
    ).axes[0]
    assert [line.get_label() for line in ax.lines] == ["cat", "dog"]
    assert [len(line.get_xdata()) for line in ax.lines] == [2, 2]
    assert len({line.get_marker() for line in ax.lines}) == 2


@pytest.mark.parametrize("sign", [1, -1])
def test_the_class_of_higher_scores_has_the_colour_of_what_is_positive(sign):
    figure = plot_decision_boundary(lambda x: sign * (x[1] - 0.5), POINTS, ["a", "b", "a", "b"], resolution=9)
    colours = {line.get_label(): line.get_color() for line in figure.axes[0].lines}
    assert colours[{1: "b", -1: "a"}[sign]] == THEMES["light"].data
    assert colours[{1: "a", -1: "b"}[sign]] == THEMES["light"].grad


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("classes", [(0, 1), (-1, 1), (-2.5, -1.0), (0, 1.0), (False, True)])
def test_a_class_that_is_a_number_keeps_its_colour_whatever_the_network_says(sign, classes):
    figure = plot_decision_boundary(lambda x: sign * (x[1] - 0.5), POINTS, [*classes, *classes], resolution=9)
    assert [line.get_color() for line in figure.axes[0].lines] == [THEMES["light"].data, THEMES["light"].grad]
    low, high = (f"{c:g}".replace("-", "−") if c is not bool(c) else str(c) for c in classes)
    assert [line.get_label() for line in figure.axes[0].lines] == [high, low]


@pytest.mark.parametrize("sign", [1, -1])
def test_three_classes_of_one_score_are_in_their_order(sign):
    points = [[0.0, 0.0], [1.0, 0.0], [2.0, 0.0]]
    figure = plot_decision_boundary(lambda x: sign * x[0], points, ["a", "b", "c"], resolution=3)
    assert [line.get_label() for line in figure.axes[0].lines] == ["a", "b", "c"]
    figure.canvas.draw()
    assert figure.canvas.buffer_rgba().nbytes > 0  # it can be looked at as any figure


@pytest.mark.parametrize(
    ("points", "targets", "message"),
    [
        ([], None, "expected points, got none"),
        ([[1.0, 2.0], [1.0]], None, "expected points of 2 numbers, point 1 has 1"),
        ([[1.0, 2.0]], [1, 2], "expected 1 target, got 2"),
    ],
)
def test_points_that_cannot_be_drawn(points, targets, message):
    with pytest.raises(ValueError, match=message):
        plot_decision_boundary(lambda x: x[0], points, targets)


LEARNED = "of examples (inputs, target) give inputs and targets in two lists"
WRONG_KINDS = {
    "a plot of a training expected its history, or its losses, got 3": lambda: plot_history(3),
    "a plot of a training expected its history, or its losses, got 'a'": lambda: history_text("a"),
    "plot_decision_boundary expected points, pairs of numbers, got 3": lambda: plot_decision_boundary(abs, 3),
    f"plot_decision_boundary expected points, pairs of numbers, got ([1, 2], 0) as point 0; {LEARNED}": lambda: (
        plot_decision_boundary(abs, [([1, 2], 0)])
    ),
    f"plot_decision_boundary expected points, pairs of numbers, got 2 as point 1; {LEARNED}": lambda: (
        plot_decision_boundary(abs, [(1, 2), 2])
    ),
    "plot_loss_landscape expected loss as a function without arguments, got 0.5": lambda: plot_loss_landscape(0.5, []),
    "plot_loss_landscape expected parameters, like network.parameters(), got 3": lambda: plot_loss_landscape(float, 3),
    "plot_loss_landscape expected path, like history.path, got 3": lambda: plot_loss_landscape(float, [], path=3),
    "animate expected figures or drawings in a list, got int": lambda: animate(3, "a.gif"),
}


@pytest.mark.parametrize("words", WRONG_KINDS)
def test_a_wrong_kind_is_named(words):
    with pytest.raises(TypeError) as error:
        WRONG_KINDS[words]()
    assert str(error.value) == words


def test_what_is_no_training_is_quoted():
    with pytest.raises(ValueError, match=r"or a norm an epoch for each layer, got \[1.0\]$"):
        plot_gradients([1.0])
    with pytest.raises(ValueError, match=r"^plot_health expected the report of health, with layers, got 3$"):
        plot_health(3)


@pytest.mark.parametrize("theme", ["light", "dark", "print"])
def test_colour_bars_have_the_minus_of_the_axes(theme):
    figure = plot_decision_boundary(lambda x: 4 * (x[0] - x[1]), [[-1, 1], [1, -1]], theme=theme, resolution=5)
    figure.canvas.draw()
    plane, bar = ([text.get_text() for text in ax.get_yticklabels()] for ax in figure.axes)
    assert any("−" in text for text in plane) and any("−" in text for text in bar)
    assert not any("-" in text for text in (*plane, *bar))


def test_a_network_shows_each_weight_by_width_sign_and_number():
    made = network()
    [ax] = plot_network(made).axes
    lines = ax.collections[0]
    weights = [w.data for layer in made.layers for neuron in layer.neurons for w in neuron.w]
    widths = [width - 0.4 for width in lines.get_linewidths()]
    assert [w / max(widths) for w in widths] == pytest.approx([abs(w) for w in weights])
    texts = {text.get_text() for text in ax.texts}
    assert {"−0.6", "+0.6", "$h_{2}$", "$y_{1}$", "$x_{1}$", "b +0.1"} <= texts
    gradient = {text.get_text() for text in plot_network(made, by="gradient").axes[0].texts}
    assert f"{made.layers[0].neurons[0].w[0].grad:+.3g}".replace("-", "−") in gradient
    large = plot_network(MLP(2, [30, 1], seed=1)).axes[0]
    assert not large.texts, "numbers would lie on one another"


def test_a_network_without_what_is_asked_for():
    with pytest.raises(ValueError, match=r"expected gradients: call backward\(\) first"):
        plot_network(MLP(2, [1], seed=1), by="gradient")
    with pytest.raises(ValueError, match='expected by="weight" or "gradient", got \'bias\''):
        plot_network(network(), by="bias")
    with pytest.raises(TypeError, match="expected a network with layers, like MLP, got int"):
        plot_network(3)


def test_a_landscape_puts_the_parameters_back_and_covers_the_path():
    a, b = Value(1.0), Value(2.0)
    path = [[3.0, 2.0], [2.0, 2.0], [1.0, 2.0]]
    ax = plot_loss_landscape(lambda: a * a + b * b, [a, b], path=path, resolution=5).axes[0]
    assert (a.data, b.data) == (1.0, 2.0)
    track = ax.lines[0].get_xydata()
    assert abs(abs(track[0][0]) - 2.0) < 1e-12 and abs(track[0][1]) < 1e-12, "along the first direction"
    assert ax.get_xlim()[0] <= min(track[:, 0]) and max(track[:, 0]) <= ax.get_xlim()[1]
    assert ax.get_xlabel() == "direction 1, along the path"


def test_a_landscape_is_the_loss():
    seen = []
    a, b = Value(0.0), Value(0.0)

    def loss():
        seen.append((a.data, b.data))
        return a.data + 10 * b.data

    plot_loss_landscape(loss, [a, b], directions=[[1, 0], [0, 1]], reach=2.0, resolution=3)
    assert sorted(seen) == sorted((x, y) for x in (-2.0, 0.0, 2.0) for y in (-2.0, 0.0, 2.0))


def test_where_the_loss_is_not_defined_the_plane_is_blank_and_the_parameters_come_back():
    a, b = Value(0.5), Value(0.0)
    plot_loss_landscape(lambda: a.log() + b, [a, b], directions=[[1, 0], [0, 1]], resolution=5)
    assert a.data == 0.5
    with pytest.raises(RuntimeError):
        plot_loss_landscape(lambda: (_ for _ in ()).throw(RuntimeError("stop")), [a, b])
    assert a.data == 0.5
    for options, message in (
        ({"directions": [[1.0]]}, "expected directions of 2 numbers, got 1"),
        ({"directions": [[1.0, 0.0]]}, "expected 2 directions, got 1"),
        ({"path": [[1.0]]}, "expected path of 2 numbers, got 1"),
    ):
        with pytest.raises(ValueError, match=message):
            plot_loss_landscape(lambda: a * b, [a, b], **options)


def test_a_straight_path_and_one_that_never_moved():
    assert len(landscape(path=[[3.0, -1.0], [1.0, -1.0]]).axes) == 2
    assert len(landscape(path=[[1.0, -1.0], [1.0, -1.0]]).axes) == 2
    assert len(landscape(path=[[1.0, -1.0]]).axes) == 2


def steps():
    return [plot_history([1.0, 0.5][: k + 1]) for k in range(2)]


def test_an_animation_in_every_format(tmp_path):
    gif = animate(steps(), tmp_path / "a.gif", captions=["one", "two"], seconds=0.5)
    durations = []
    with Image.open(gif) as image:
        for k in range(image.n_frames):
            image.seek(k)
            durations.append(image.info["duration"])
        assert image.info["loop"] == 0  # for ever
    assert durations == [500, 1500]
    captions = ["∂E/∂w < 0", "</script>"]
    page = animate(steps(), tmp_path / "a.html", captions=captions, seconds=0.5).read_text(encoding="utf-8")
    assert "show(at + 1), 500)" in page
    assert page.count("data:image/png;base64,") == 3 and "http" not in page.replace("http-equiv", "")
    assert page.count("</script>") == 2 and "∂E/∂w &lt; 0" in page
    assert animate(steps(), tmp_path / "a.pdf").read_bytes().count(b"/Type /Page ") == 2
    assert animate(steps(), tmp_path / "a.png").name == "a-01.png"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a-01.png", "a-02.png", "a.gif", "a.html", "a.pdf"]


def test_an_animation_takes_what_can_be_drawn(tmp_path):
    class Drawing:
        caption = "step 1"

        def pipe(self, format):
            assert format == "png"
            return plot_history([1.0])._repr_png_()

    assert "step 1" in animate([Drawing()], tmp_path / "a.html").read_text(encoding="utf-8")
    with pytest.raises(TypeError, match="animate expected figures or drawings, got int"):
        animate([3], tmp_path / "b.gif")
    assert not (tmp_path / "b.gif").exists()


def test_the_frames_of_a_backward_pass_have_their_step_as_a_formula(tmp_path):
    w, x = Value(0.5, "w"), Value(2.0, "x")
    y = (w * x).tanh()
    y.label = "y"
    frames = [draw(y, step=k) for k in range(4)]
    assert [frame.caption for frame in frames] == [
        "∂y/∂y = 1",
        "∂y/∂v₁ += ∂y/∂y · ∂y/∂v₁ = 1 × 0.42 = 0.42",
        "∂y/∂w += ∂y/∂v₁ · ∂v₁/∂w = 0.42 × 2 = 0.8399",
        "∂y/∂x += ∂y/∂v₁ · ∂v₁/∂x = 0.42 × 0.5 = 0.21",
    ]
    assert draw(y).caption == ""
    assert draw(y, step=2, digits=7).caption == "∂y/∂w += ∂y/∂v₁ · ∂v₁/∂w = 0.4199743 × 2 = 0.8399487"
    assert draw(y, step=9).caption == frames[-1].caption
    page = animate(frames, tmp_path / "backward.html").read_text(encoding="utf-8")
    assert "0.42 × 2 = 0.8399" in page


@pytest.mark.parametrize(
    ("pictures", "name", "options", "message"),
    [
        ([], "a.gif", {}, "expected at least one picture, got none"),
        ([1], "a.mp4", {}, r"expected a file of .gif, .html, .pdf, .png, got '.*a.mp4'"),
        ([1, 2], "a.gif", {"captions": ["one"]}, "expected 2 captions, got 1"),
        ([1], "a.gif", {"seconds": 0}, "expected seconds above 0, got 0"),
    ],
)
def test_an_animation_that_cannot_be(pictures, name, options, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        animate(pictures, tmp_path / name, **options)


def test_a_history_as_text():
    text = history_text(HISTORY, width=40, height=3).splitlines()
    assert text[0].startswith("    1 ┤█") and text[2].startswith("0.001 ┤")
    assert text[3].endswith("log scale")
    assert text[4:] == ["best validation 0.2 in epoch 2", "all 3 epochs are over"]
    assert all(len(line) <= 40 for line in text[:3])
    assert "┤▁▁▁" in history_text([1.0], height=1)
    assert history_text([float("nan")]) == "no finite loss among 1"
    assert "█" in history_text([1.0, float("inf")], height=1), "what is not finite is as high as can be"
    with pytest.raises(ValueError, match="expected at least one loss, got none"):
        history_text([])


def test_labels_of_users_are_plain():
    history = SimpleNamespace(losses=[1.0], metrics={"\x1b[31mred": [1.0]}, stopped="a\nb")
    top, bottom = plot_history(history).axes
    assert (top.get_title(loc="left"), bottom.get_ylabel()) == ("a b", "[31mred")
    assert history_text(history).endswith("\na b")


def test_without_pillow_the_error_names_the_command(monkeypatch):
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(ImportError, match=r"^animations need Pillow: .* -m pip install pillow$"):
        pillow()


def test_without_matplotlib_the_error_names_the_command():
    code = (
        "import sys; sys.modules['matplotlib'] = None\n"
        "from tinygrad_edu.plot import plot_history\n"
        "try: plot_history([1.0])\nexcept ImportError as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("plots need Matplotlib: ") and "-m pip install matplotlib" in done.stdout


def test_metrics_are_drawn_over_the_epochs_on_a_grid():
    top, bottom = plot_history(HISTORY).axes
    assert [list(line.get_xdata()) for line in bottom.lines] == [[1, 2, 3], [1, 2, 3]]
    assert [list(line.get_ydata()) for line in bottom.lines] == [[0.5, 0.9, 1.0], [3.0, 2.0, 1.0]]
    for ax in (top, bottom, *plot_gradients(HISTORY).axes):
        lines = ax.get_xgridlines() + ax.get_ygridlines()
        assert all(line.get_visible() and line.get_linewidth() < 1 for line in lines)  # behind what is drawn on it


def test_what_is_said_is_wrapped_in_the_order_of_its_words():
    words = " ".join(f"word{k}" for k in range(40))
    title = plot_history(SimpleNamespace(losses=[1.0], stopped=words)).axes[0].get_title(loc="left")
    lines = title.splitlines()
    assert len(lines) > 1 and all(len(line) <= 82 for line in lines)
    assert words.startswith(" ".join(lines).rstrip("…").rstrip())


def test_what_is_said_does_not_leave_the_figure_and_epochs_stand_below_one_another():
    note = "it may be a local minimum, a plateau, or the least that can be had: try another seed, more neurons, another"
    figure = plot_history(SimpleNamespace(losses=[3.0, 0.1, 0.01], metrics={"accuracy": [0.5, 1.0]}, notes=[note]))
    figure.canvas.draw()
    top, bottom = figure.axes
    assert top._left_title.get_window_extent().x1 < figure.bbox.x1
    assert top.get_xlim() == bottom.get_xlim()


def test_borders_between_three_classes_are_drawn():
    ax = plot_decision_boundary(lambda x: [x[0], x[1], 0.5], POINTS, ["a", "b", "c", "a"], resolution=9).axes[0]
    borders = [c for c in ax.collections if getattr(c, "levels", None) is not None and list(c.levels) == [0.0]]
    assert len(borders) == 3
    assert {tuple(map(float, c.get_edgecolor()[0][:3])) for c in borders if len(c.get_edgecolor())} != set()


def test_the_heights_of_a_score_reach_as_far_as_the_scores():
    def levels(f, **options):
        ax = plot_decision_boundary(f, POINTS, resolution=9, **options).axes[0]
        [found] = [c.levels for c in ax.collections if getattr(c, "levels", None) is not None and len(c.levels) == 21]
        return found[0], found[-1]

    assert levels(lambda x: Value(x[0]).sigmoid()) == pytest.approx((0.0, 1.0))
    low, high = levels(lambda x: Value(x[0]).sigmoid(), threshold=0.5)
    assert (low, high) != pytest.approx((0.0, 1.0)) and low + high == pytest.approx(1.0)
    low, high = levels(lambda x: 10 * x[0])
    assert low == -high and high == pytest.approx(10 * 1.12, rel=0.01)


def test_principal_directions_are_those_of_the_largest_moves():
    first, second = principal([[0.001, 0.0, 0.0], [0.0, 3.0, 0.0], [0.0, 0.0, 1.0], [0.0, -3.0, 0.0]])
    assert [abs(x) for x in first] == pytest.approx([0.0, 1.0, 0.0], abs=1e-9)
    assert [abs(x) for x in second] == pytest.approx([0.0, 0.0, 1.0], abs=1e-9)


def test_the_place_of_a_move_in_a_plane_whose_axes_lean():
    assert coordinates([3.0, 2.0, 0.0], [[2.0, 0.0, 0.0], [1.0, 1.0, 0.0]]) == pytest.approx((0.5, 2.0))
    assert coordinates([3.0, 2.0, 7.0], [[0.0, 4.0, 0.0], [3.0, 0.0, 0.0]]) == pytest.approx((0.5, 1.0))
    assert coordinates([1.0, 1.0], [[1.0, 0.0], [2.0, 0.0]]) == (0.0, 0.0), "which span no plane"


def test_heights_are_logarithmic_where_they_span_more_than_a_factor_of_thirty():
    assert levels_of([1.0, 30.0]) == ([1 + 29 * k / 14 for k in range(15)], False)
    levels, logarithmic = levels_of([1.0, 31.0])
    assert logarithmic and levels[0] == 1.0 and levels[14] == pytest.approx(31.0)
    assert levels[1] / levels[0] == pytest.approx(levels[14] / levels[13])
    assert levels_of([0.0, 50.0])[1] is False
    assert levels_of([2.0, 2.0])[0][-1] == 3.0


def test_the_path_is_a_line_from_its_start_to_where_the_parameters_are():
    a, b = Value(1.0), Value(2.0)
    path = [[3.0, 2.5], [2.0, 2.0], [1.0, 2.0]]
    ax = plot_loss_landscape(lambda: a * a + b * b, [a, b], path=path, resolution=4).axes[0]
    line, start, end = ax.lines
    assert (len(line.get_xdata()), line.get_linestyle(), line.get_marker()) == (3, "-", ".")
    assert start.get_xydata().tolist() == [line.get_xydata()[0].tolist()]
    assert end.get_xydata().tolist() == [[0.0, 0.0]] and end.get_marker() == "*"


def test_a_figure_is_as_high_as_its_largest_layer_or_as_its_layers_are_many():
    assert plot_network(MLP(2, [8, 1], seed=1)).get_size_inches().tolist() == pytest.approx([6.2, 6.4])
    assert plot_network(MLP(2, [30, 1], seed=1)).get_size_inches()[1] == 9.0
    heights = [
        plot_health(health(MLP(2, [3] * n, seed=1, activation="tanh"), [([0.5, 1.0], 1.0)])).get_size_inches()[1]
        for n in (2, 4)
    ]
    assert heights[1] - heights[0] == pytest.approx(2 * 0.42, abs=0.35), "and by what is said above"


def test_weights_of_zero_have_no_width():
    made = MLP(2, [1], seed=1)
    for parameter in made.parameters():
        parameter.data = 0.0
    [ax] = plot_network(made).axes
    assert ax.get_title() == "width: |w|, at most 1; orange: negative"
    assert set(ax.collections[0].get_linewidths()) == {0.4}
    assert {text.get_zorder() for text in ax.texts if text.get_text() == "+0"} == {2}, "above the lines"
    colours = THEMES["light"]
    pale = mixed(colours.background, colours.data_strong, 0.25)
    assert [round(255 * part) for part in ax.collections[0].get_colors()[0][:3]] == [*bytes.fromhex(pale[1:])]
    [ax] = plot_network(made, theme="print").axes
    assert {pattern for _, pattern in ax.collections[0].get_linestyles()} == {None}, (
        "no dashes, as for what is negative"
    )


def test_one_metric_needs_no_legend():
    one, two = {"accuracy": [0.5, 1.0]}, {"accuracy": [0.5, 1.0], "loss": [1.0, 0.5]}
    for metrics, legends in ((one, False), (two, True)):
        ax = plot_history(SimpleNamespace(losses=[1.0, 0.5], metrics=metrics)).axes[1]
        assert (ax.get_legend() is not None) is legends
        assert ax.get_ylabel() == ("metrics" if legends else "accuracy")


@pytest.mark.parametrize(("theme", "first", "last"), [("light", 1, 0), ("dark", 1, 0), ("print", 0, 3)])
def test_layers_go_from_one_colour_to_another(theme, first, last):
    norms = {f"layer {k}": [0.1, 0.2] for k in (1, 2, 3)}
    lines = plot_gradients(norms, theme=theme).axes[0].lines
    series = THEMES[theme].series
    assert [line.get_color() for line in lines] == [
        series[first],
        mixed(series[first], series[last], 0.5),
        series[last],
    ]


@pytest.mark.parametrize("theme", THEMES)
def test_the_ends_of_a_map_from_negative_to_positive(theme):
    colours = THEMES[theme]
    negative, middle, positive = (diverging(colours)(at) for at in (0.0, 0.5, 1.0))
    assert sum(middle) > sum(negative) if theme != "dark" else sum(middle) < sum(negative)
    as_hex = "#{:02x}{:02x}{:02x}".format(*(round(255 * x) for x in positive[:3]))
    wanted = mixed(colours.data_strong, colours.background, 0.83) if theme == "print" else colours.data_strong
    assert as_hex == wanted


def test_the_region_of_a_class_is_where_its_score_is_the_highest():
    image = pytest.importorskip("PIL.Image")
    figure = plot_decision_boundary(lambda x: [x[0], 1 - x[0], -5.0], POINTS, ["a", "b", "a", "b"], resolution=9)
    ax, made = figure.axes[0], BytesIO()
    figure.savefig(made, format="png", dpi=100)
    pixels = image.open(made).convert("RGB")

    def colour(x, y):
        across, up = ax.transData.transform((x, y)) * 100 / figure.dpi
        return pixels.getpixel((round(across), pixels.height - round(up)))

    shades = [mixed(THEMES["light"].background, THEMES["light"].series[k], 0.15) for k in (0, 1)]
    for x, shade in ((0.9, shades[0]), (0.1, shades[1])):
        assert "#{:02x}{:02x}{:02x}".format(*colour(x, 0.3)) == shade
    [border] = [c for c in ax.collections if list(getattr(c, "levels", [])) == [0.0]][:1]
    assert border.get_linewidth() == 1.0


def test_the_line_of_the_boundary_is_thin_enough_to_see_what_it_parts():
    ax = plot_decision_boundary(lambda x: x[0] - 0.5, POINTS, resolution=9).axes[0]
    [line] = [c for c in ax.collections if list(getattr(c, "levels", [])) == [0.0]]
    assert float(line.get_linewidth()[0] if hasattr(line.get_linewidth(), "__len__") else line.get_linewidth()) == 1.6


def test_a_sheet_of_an_animation_has_the_caption_in_its_margin_and_no_axes():
    image = pytest.importorskip("PIL.Image").new("RGB", (200, 100), "red")
    figure = sheet(image, "a caption", (200, 100), True, "light")
    [ax], [text] = figure.axes, figure.texts
    bottom = ax.get_position().y0
    assert not ax.axison
    assert 0 < text.get_position()[1] < bottom < 1
    assert text.get_position() == (0.5, pytest.approx(bottom / 2))
    assert text.get_fontsize() == 11
    assert ax.get_position(original=True).bounds == pytest.approx((0, 1 / 3, 1, 2 / 3)), "above it the picture has all"
    assert sheet(image, "", (200, 100), False, "light").axes[0].get_position(original=True).bounds == (0, 0, 1, 1)


def test_all_frames_are_as_large_as_the_largest_picture_and_half_an_inch_higher_where_one_has_a_caption(tmp_path):
    wide, high = plot_history([1.0]), plot_history([1.0])
    wide.set_size_inches(6, 2)
    high.set_size_inches(2, 5)  # both are drawn with 110 dots an inch

    def frames(pictures, **options):
        first = animate(pictures, tmp_path / "a.png", **options)
        return [Image.open(BytesIO(path.read_bytes())).convert("RGB") for path in sorted(first.parent.glob("a-*.png"))]

    for captions, size in (([], (660, 550)), (["one", ""], (660, 600)), (["", "two"], (660, 600))):
        made = frames([wide, high], captions=captions)
        assert [image.size for image in made] == [size] * 2
        margins = [image.crop((0, 555, 660, 600)).getcolors() for image in made]
        assert [len(colours) > 1 for colours in margins] == [bool(text) for text in captions or ("", "")]
    high.set_size_inches(2, 2)
    assert frames([high])[0].size == (220, 220)
    assert frames([high], captions=["words need four inches"])[0].size == (400, 270)


def test_a_page_of_pictures_can_be_stepped_through_to_the_last(tmp_path):
    page = animate(steps(), tmp_path / "a.html", captions=["<one>", "two"], theme="dark").read_text(encoding="utf-8")
    assert 'min="0" max="1" value="0"' in page
    assert '<p id="caption" aria-live="polite">&lt;one&gt;</p>' in page
    first, again, second = re.findall(r"data:image/png;base64,[^\"]*", page)
    assert first == again != second
    dark = THEMES["dark"]
    assert f"body {{ background: {dark.background}; color: {dark.text};" in page
    assert f"1px solid {dark.line};" in page
    assert "show(at + 1), 1000)" in page, "a second each"


def test_classes_may_be_of_several_types_and_points_without_one_are_left_out():
    points = [[0.0, k / 5] for k in range(6)]
    ax = plot_decision_boundary(lambda x: [x[0], x[1]], points, ["b", 10, None, "a", 9, 2.5], resolution=3).axes[0]
    assert [line.get_label() for line in ax.lines] == ["2.5", "9", "10", "a", "b"]
    assert [list(line.get_ydata()) for line in ax.lines] == [[1.0], [0.8], [0.2], [0.6], [0.0]]


@pytest.mark.parametrize("path", [[[4.0, 6.0]], [[-2.0, -2.0], [1.0, 2.0]], [[4.0, 6.0], [2.5, 4.0], [1.0, 2.0]]])
def test_a_straight_path_of_any_length_lies_along_the_first_direction(path):
    a, b = Value(1.0), Value(2.0)
    ax = plot_loss_landscape(lambda: a * a + b * b, [a, b], path=path, resolution=3).axes[0]
    along = [abs(x) for x in ax.lines[0].get_xdata()]
    assert along == pytest.approx([((x - 1) ** 2 + (y - 2) ** 2) ** 0.5 for x, y in path])
    assert list(ax.lines[0].get_ydata()) == pytest.approx([0.0] * len(path), abs=1e-12)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("direction 1, along the path", "direction 2, across it")


def test_the_plane_covers_the_path_and_its_middle_with_a_quarter_of_its_diagonal_around():
    assert bounds([], 1.5) == ([-1.5, -1.5], [1.5, 1.5])
    assert bounds([(-1.0, -2.0), (2.0, 2.0)], 9.0) == ([-2.25, -3.25], [3.25, 3.25])
    assert bounds([(3.0, 4.0)], 9.0) == ([-1.25, -1.25], [4.25, 5.25])
    assert bounds([(-3.0, -4.0)], 9.0) == ([-4.25, -5.25], [1.25, 1.25])
    assert bounds([(0.0, 0.0)], 2.0) == ([-2.0, -2.0], [2.0, 2.0])


def test_each_line_of_a_legend_has_the_colour_and_the_style_of_its_curve():
    many = SimpleNamespace(gradients={f"layer {k}": [0.1, 0.2] for k in (1, 2, 3)})
    figures = [plot_history(HISTORY), *(plot_gradients(many, theme=theme) for theme in ("light", "print"))]
    for ax in [ax for figure in figures for ax in figure.axes]:
        curves = {line.get_label(): line for line in ax.lines}
        legend = ax.get_legend()
        assert {text.get_text() for text in legend.get_texts()} == curves.keys()
        for handle, text in zip(legend.legend_handles, legend.get_texts(), strict=True):
            curve = curves[text.get_text()]
            assert (handle.get_color(), handle.get_linestyle()) == (curve.get_color(), curve.get_linestyle())
    assert [text.get_text() for text in legend.get_texts()] == ["layer 3", "layer 2", "layer 1"], "the last one on top"


def test_the_labels_of_an_axis_stand_apart_and_epochs_are_whole():
    """Within a decade a logarithmic axis labels 2, 3, 4, 6 of it, which overlap in a narrow one."""
    layers = [
        SimpleNamespace(layer=k, neurons=2, activation="relu", spread=0.1 * k, flat=0, dead=[], gradient=0.3 + 0.1 * k)
        for k in (1, 2, 3)
    ]
    for ax in plot_health(SimpleNamespace(layers=layers, findings=[])).axes[1:]:
        low, high = ax.get_xlim()
        assert low <= 0.1 and high >= 0.7 and all(math.log10(x).is_integer() for x in (low, high))
        assert ax.xaxis.get_minor_formatter()(0.2) == ""
    for count in (2, 9, 26):
        for figure in (plot_history([1.0] * count), plot_gradients({"layer 1": [0.1] * count})):
            assert all(place % 1 == 0 for place in figure.axes[0].get_xticks())


@pytest.mark.parametrize("kind", [int, float])
def test_classes_are_named_as_numbers_are_written(kind):
    points = [[0, 0], [0, 1], [1, 0], [1, 1]]
    figure = plot_decision_boundary(network(), points, [kind(x) for x in (-1, 1, 1, -1)], resolution=3)
    assert {text.get_text() for text in figure.axes[0].get_legend().get_texts()} == {"−1", "1"}


def test_hidden_neurons_are_counted_through_all_layers_as_their_labels_are():
    names = [text.get_text() for text in plot_network(MLP(2, [3, 2, 2, 1], seed=1)).axes[0].texts]
    names = [name for name in names if name[0] not in "b+−"]
    assert names == ["$x_{1}$", "$x_{2}$", *(f"$h_{{{k}}}$" for k in range(1, 8)), "y"]
    names = [text.get_text() for text in plot_network(MLP(1, [1, 2], seed=1)).axes[0].texts]
    assert [name for name in names if name[0] not in "b+−"] == ["x", "$h_{1}$", "$y_{1}$", "$y_{2}$"]


def test_the_page_of_an_animation_is_stepped_played_and_sought(browser, tmp_path):
    losses = [plot_history([1.0, 0.5, 0.25][: k + 1]) for k in range(3)]
    page, said = browser.new_page(), []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(animate(losses, tmp_path / "a.html", captions=["one", "", "<three>"], seconds=0.01).as_uri())
    pictures = page.evaluate("JSON.parse(document.getElementById('data').textContent)[0]")
    assert len({*pictures}) == 3
    seen = (
        "(({ picture, caption, step, at, play }) => [picture.src, picture.alt, caption.textContent, step.textContent, "
        "at.value, play.textContent, play.getAttribute('aria-pressed')])(Object.fromEntries(['picture', 'caption', "
        "'step', 'at', 'play'].map((id) => [id, document.getElementById(id)])))"
    )
    words = [["one", "one"], ["Step 2", ""], ["<three>", "<three>"]]

    def shows(k):
        return page.evaluate(seen) == [pictures[k], *words[k], str(k + 1), str(k), "Play", "false"]

    assert shows(0)
    for button, k in (("next", 1), ("next", 2), ("next", 0), ("back", 2), ("back", 1)):
        page.evaluate(f"document.getElementById('{button}').click()")
        assert shows(k)
    press = "document.getElementById('{}').dispatchEvent(new KeyboardEvent('keydown', {{ key: '{}', bubbles: true }}))"
    for place, key, k in (
        ("play", "ArrowRight", 2),
        ("play", "ArrowLeft", 1),
        ("play", "x", 1),
        ("at", "ArrowLeft", 1),
    ):
        page.evaluate(press.format(place, key))
        assert shows(k), "the slider has keys of its own"
    page.evaluate("(at => { at.value = 2; at.dispatchEvent(new Event('input')); })(document.getElementById('at'))")
    assert shows(2)
    play = "document.getElementById('play').click()"
    steps = page.evaluate(
        f"""new Promise((done, fail) => {{
          const seen = [], step = document.getElementById("step");
          setTimeout(() => fail(new Error(seen)), 10000);
          const watch = new MutationObserver(() => seen.push(step.textContent) === 5 && done(seen));
          watch.observe(step, {{ childList: true }});
          {play};
        }})"""
    )
    assert steps == ["1", "2", "3", "1", "2"], "round and round"
    assert page.evaluate(seen)[5:] == ["Pause", "true"]
    page.evaluate(play)
    still = page.evaluate(f"new Promise((done) => {{ const k = {seen}; setTimeout(() => done(k), 50); }})")
    assert still == page.evaluate(seen) and still[5:] == ["Play", "false"]
    page.evaluate(play)
    page.evaluate("document.getElementById('next').click()")
    assert page.evaluate(seen)[5:] == ["Play", "false"], "a step ends it"
    page.close()
    assert said == []


def test_losses_of_which_none_is_finite_are_on_a_linear_axis():
    assert plot_history([math.nan, math.inf]).axes[0].get_yscale() == "linear"


@pytest.mark.parametrize("losses", [[50.0, 0.0], [50.0, -1.0], [-1.0, -50.0], [30.0, 1.0]])
def test_losses_that_reach_zero_or_span_little_are_on_a_linear_axis(losses):
    assert "log scale" not in history_text(losses)
    assert plot_history(losses).axes[0].get_yscale() == "linear"
    assert plot_history(SimpleNamespace(losses=losses[:1], validation=losses[1:])).axes[0].get_yscale() == "linear"
    assert "log scale" in history_text([31.0, 1.0])
    assert plot_history(SimpleNamespace(losses=[31.0], validation=[1.0])).axes[0].get_yscale() == "log"


def test_what_a_history_says_has_room_for_two_lines_and_a_note_for_four():
    history = SimpleNamespace(losses=[1.0], stopped="s" * 200, notes=["n" * 200])
    stopped, note = history_text(history, width=20).splitlines()[-2:]
    assert (stopped, note) == ("s" * 39 + "…", f"note: {'n' * 79}…")


def test_a_loss_that_is_not_finite_is_as_high_as_there_is_room():
    rows = history_text([100.0, -math.inf, math.nan, 1.0], width=10, height=1).splitlines()
    assert rows[0] == "100 ┤███▁"
    assert "log scale" in rows[1]


def test_a_history_as_text_in_hardly_any_columns():
    first = [history_text([1.0, 9.0, 5.0], width=width, height=1).splitlines()[0] for width in (1, 4, 5, 6, 7)]
    assert first == ["9 ┤▁", "9 ┤▁", "9 ┤▁", "9 ┤▁▅", "9 ┤▁█▅"], "from the first loss to the last"


@pytest.mark.parametrize(("best", "validation", "said"), [(1, [], False), (0, [3.0], False), (1, [3.0], True)])
def test_the_best_epoch_is_told_where_there_is_one(best, validation, said):
    history = SimpleNamespace(losses=[1.0, 2.0], best=best, validation=validation)
    assert ("best validation 3 in epoch 1" in history_text(history)) is said
    assert (len(plot_history(history).axes[0].lines) == 3) is said
