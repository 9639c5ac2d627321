"""Pictures, through their source, and through both renderers."""

import re
import runpy
import shutil
import subprocess
import sys
import types
import xml.dom.minidom
from importlib.metadata import PackageNotFoundError, PackagePath
from pathlib import Path

import pytest

import tinygrad_edu
from tinygrad_edu import Value
from tinygrad_edu.engine import plain
from tinygrad_edu.lesson import forward, network
from tinygrad_edu.show import draw, draw_dot, explore, frames, trace, tree
from tinygrad_edu.show.dot import bundled_executable, run
from tinygrad_edu.show.labels import html, tooltip
from tinygrad_edu.show.numbers import shown
from tinygrad_edu.show.svg import scaled
from tinygrad_edu.themes import theme

NASTY = {
    "quotes": "\"'`",
    "backslashes": "\\N \\G \\",
    "script": "<script>alert(1)</script>",
    "table": '</TD><TD HREF="javascript:alert(1)">',
    "angle": "<b>bold</b>",
    "newlines": "a\nb\r\nc",
    "long": "x" * 10_000,
    "cjk": "重み",
    "emoji": "🧠",
    "control": "\x00\x01\x1b[31m\x7f\u202e",
    "entity": "&amp;&#60;&copy;",
    "surrogate": "\ud800",
    "escapes": "\\L\\E\\H\\T\\l\\r\\\\",
    "colon": "a:b:c",
    "blank": " \n\x00",
    "empty": "",
}


@pytest.fixture(params=["system", "bundled"])
def renderer(request, monkeypatch):
    """Each renderer in turn: the system's dot where there is one, and the one from PyPI with PATH empty."""
    if request.param == "system":
        if shutil.which("dot") is None:
            pytest.skip("no system Graphviz")
    else:
        if bundled_executable() is None:
            pytest.skip("graphviz-pure has no executable for this platform")
        monkeypatch.setenv("PATH", "")
    return request.param


def example():
    a, b = Value(2.0, "a"), Value(-3.0, "b")
    root = a * a + b * 0.5
    return a, b, root


def test_each_node_shows_data_gradient_and_operation_and_each_edge_its_local_derivative():
    _, _, root = example()
    before = draw(root).source
    assert before.count("grad not computed") == 5
    root.backward()
    after = draw(root).source
    assert "not computed" not in after
    for text in (
        "data 2",
        "grad 4",
        "data −3",
        '<B><FONT POINT-SIZE="14">×</FONT></B>',
        ">+</FONT></B>",
        "<I>a</I>",
        "grad 0.5",
    ):
        assert text in after
    assert re.findall(r"<TD>×([^<]*)</TD>", after) == ["2", "2", "0.5", "1", "1"]


def test_one_edge_for_each_operand():
    a = Value(2.0, "a")
    source = draw(a * a).source
    assert len(re.findall(r"n0 -> n1", source)) == 2
    assert "id=en1_0" in source and "id=en1_1" in source


def test_contributions():
    _, _, root = example()
    root.backward()
    assert "←" not in draw(root).source
    assert re.findall(r"← ([^<]*)<", draw(root, contributions=True).source) == ["+2", "+2", "+0.5", "+1", "+1"]


def test_a_gradient_of_zero_is_not_one_that_was_never_computed():
    x, y = Value(1.0, "x"), Value(-1.0, "y")
    root = x + y.relu()
    root.backward()
    assert "grad 0<" in draw(root).source


def test_highlight():
    a, b, root = example()
    assert draw(root, highlight=a).source.count("penwidth=2.8") == 3
    assert draw(root, highlight=[b, root.parents[1], root]).source.count("penwidth=2.8") == 2
    assert draw(root).source.count("penwidth") == 0


def test_a_path_is_highlighted_edge_by_edge_in_either_direction():
    a = Value(1.0, "a")
    r = a.relu()
    y = a + r
    thick = lambda highlight: re.findall(r"(\w+ -> \w+) \[.*penwidth=2.8", draw(y, highlight=highlight).source)  # noqa: E731
    assert thick([a, r, y]) == thick([y, r, a]) == ["n0 -> n1", "n1 -> n2"]
    assert thick([a, y]) == ["n0 -> n2"]
    assert thick(a) == thick([a]) == ["n0 -> n1", "n0 -> n2", "n1 -> n2"]
    assert thick(y) == thick([]) == []


def test_a_path_that_leaves_nodes_out_is_highlighted_by_all_the_ways_between():
    mlp = network()
    passed = forward(mlp)
    w5 = mlp.layers[1].neurons[0].w[0]
    y1 = passed.a[1][0]
    whole = draw(passed.total, highlight=w5).source
    assert draw(passed.total, highlight=[passed.total, y1, w5]).source == whole
    assert whole.count("penwidth=2.8") == 7


def test_a_highlight_shows_through_boxes_and_depth():
    model = tinygrad_edu.MLP(2, [3, 2, 1], activation="tanh", seed=1)
    root = model([Value(0.5, "x1"), Value(-1.0, "x2")])
    for neuron in model.layers[0].neurons:
        assert draw(root, collapse="layers", highlight=neuron.w[0]).source.count("penwidth=2.8") == 2
    a, _, root = example()
    assert draw(root, depth=1, highlight=a).source.count("penwidth=2.8") == 3


@pytest.mark.parametrize("highlight", [Value(1.0), [Value(1.0)], ["w5"], [[Value(1.0)]], [2.0], 3, "w5"])
def test_only_values_of_the_graph_can_be_highlighted(highlight):
    with pytest.raises(ValueError, match="highlight expected Values of the graph, got "):
        draw(example()[2], highlight=highlight)


@pytest.mark.parametrize("show", [draw, tree, explore])
@pytest.mark.parametrize("digits", [0, -1, 2.5, "4"])
def test_digits_are_counted(show, digits):
    with pytest.raises(ValueError, match=f"^digits expected a whole number from 1, got {digits!r}$"):
        show(Value(1.0) * 2.0, digits=digits)


@pytest.mark.parametrize("show", [draw, tree])
def test_a_depth_is_a_whole_number(show):
    with pytest.raises(ValueError, match=r"^depth expected a whole number from 0, got '3'$"):
        show(Value(1.0) * 2.0, depth="3")


def test_frames_are_a_folder(tmp_path):
    with pytest.raises(
        ValueError, match=r"^frames expected a folder, got '.*steps.gif'; for one file of all steps there"
    ):
        frames(example()[2], tmp_path / "steps.gif")
    assert not [*tmp_path.iterdir()]


def test_a_path_must_be_a_way():
    a, b, root = example()
    with pytest.raises(ValueError, match=r"highlight: there is no way from Value\(data=2.0.*'a'\) to Value\(.*'b'\)"):
        draw(root, highlight=[a, b, root])


def test_a_node_without_derivative_is_drawn():
    x, y = Value(0.0, "x"), Value(0.5, "y")
    root = x.sqrt() + x**y
    source = draw(root).source
    assert source.count("no derivative") == 2
    assert "<TD>×0</TD>" in source  # that of x**y for y exists
    assert tree(root).count("no derivative  x") == 2


def test_steps_and_frames_go_on_where_there_is_no_derivative(tmp_path):
    x = Value(0.0, "x")
    root = (x * 2).sqrt() + 1
    assert "no derivative" in draw(root, step=0).source
    assert draw(root, step=3).source.count("grad undefined") == 2
    last = frames(root, tmp_path, contributions=True)[-1].read_text()
    assert last.count("grad undefined") == 2 and last.count("no derivative") == 1


FROM_TORCH = r"from_torch_graph\(loss, module\) in tinygrad_edu.exchange makes Values of what PyTorch computed"


@pytest.mark.parametrize("show", [draw, tree, tinygrad_edu.count_operations, lambda root: frames(root, "unused")])
@pytest.mark.parametrize(
    ("root", "words"),
    [
        (type("Tensor", (), {"__module__": "torch"})(), rf"got .* \(Tensor\): {FROM_TORCH}"),
        (type("Mine", (type("Module", (), {"__module__": "torch.nn"}),), {})(), rf"got .* \(Mine\): {FROM_TORCH}"),
        (3.0, r"got 3\.0 \(float\): take the result of a computation with Values"),
        (None, r"got None \(NoneType\): take the result of a computation with Values"),
        ([Value(1.0)], r"got \[Value\(data=1\.0.*\] \(list\): choose one of its Values, or their sum"),
        (
            tinygrad_edu.MLP(2, [1]),
            r"got .* \(MLP\): take an output or a loss of the network, like network\(x\)",
        ),
    ],
)
def test_only_values_can_be_shown(show, root, words):
    with pytest.raises(TypeError, match=f"expected a Value to show, {words}"):
        show(root)


def test_the_names_of_the_lecture():
    a, b, root = example()
    nodes, edges = trace(root)
    assert nodes == {a, b, root, *root.parents}
    assert edges == {(a, root.parents[0]), (b, root.parents[1]), *((parent, root) for parent in root.parents)}
    assert draw_dot(root).source == draw(root).source
    assert draw_dot(root, format="png", rankdir="TB").pipe().startswith(b"\x89PNG")
    assert draw_dot(root, theme="dark", digits=2).source == draw(root, theme="dark", digits=2).source
    with pytest.raises(TypeError, match="expected a Value to show, got 3"):
        trace(3)


def test_constants_can_be_left_out():
    _, _, root = example()
    assert "shape=box" in draw(root).source
    assert "shape=box" not in draw(root, constants=False).source


def test_neurons_have_boxes():
    passed = forward(network())
    source = draw(passed.total).source
    assert [f"layer {k}, neuron {n}" in source for k in (1, 2) for n in (1, 2)] == [True] * 4
    box = source[source.index("cluster_2_1") :]
    box = box[: box.index("\n\t}")]
    for label in ("w₅", "w₆", "b₃", "z₃", "y₁"):
        assert f"<I>{label}</I>" in box
    assert "cluster" not in draw(passed.total, boxes=False).source
    assert source.count("cluster") == 4
    # Room before a box for the edges that enter it, two inputs a neuron.
    for rankdir, length in {"LR": 3, "TB": 2, "RL": 3, "BT": 2}.items():
        assert draw(passed.total, rankdir=rankdir).source.count(f"minlen={length}") == 4 * 2


def test_layers_have_boxes_around_those_of_their_neurons(renderer):
    picture = draw(forward(network()).total, boxes="layers", rankdir="TB")
    layer = picture.source[picture.source.index("cluster_2 ") :]
    layer = layer[: layer.index("\n\t}")]
    assert re.findall(r"cluster_\w+", layer) == ["cluster_2", "cluster_2_1", "cluster_2_2"]
    assert re.findall(r"label=\"?([^<\" ]+ \d)", layer) == ["layer 2", "neuron 1", "neuron 2"]
    assert re.findall(r">((?:layer|neuron) \d)<", picture.pipe(format="svg", encoding="utf-8")) == [
        f"{what} {k}" for layer in (1, 2) for what, k in (("layer", layer), ("neuron", 1), ("neuron", 2))
    ]


def collapsible():
    model = tinygrad_edu.MLP(2, [3, 2, 1], activation="tanh", seed=1)
    loss = (1 - model([Value(0.5, "x1"), Value(-1.0, "x2")])).relu()
    loss.backward()
    return loss


def test_a_layer_as_one_box():
    source = draw(collapsible(), collapse="layers").source
    for text in ("<B>layer 1</B>", "9 parameters", "3 outputs", "<B>layer 2</B>", "8 parameters", "<B>layer 3</B>"):
        assert text in source
    assert "<I>w" not in source and "cluster" not in source
    drawn = [line for line in source.splitlines() if "->" in line and "style=invis" not in line]
    assert len(drawn) == 2 + 1 + 1 + 1 + 2


def test_a_neuron_as_one_box_has_the_derivative_through_it():
    root = collapsible()
    source = draw(root, collapse=[(2, 1)]).source
    assert source.count("<B>layer 2, neuron 1</B>") == 1
    hidden = next(n for n in tinygrad_edu.engine.topological(root) if n.op.name == "tanh")
    exit_ = next(
        n
        for n in tinygrad_edu.engine.topological(root)
        if n.op.name == "tanh" and n is not hidden and hidden in n.parents[0].parents[0].parents
    )
    through = tinygrad_edu.grad(exit_, hidden).data
    assert f"<TD>×{shown(through)}</TD>" in source


def test_a_collapsed_network_of_any_size_is_drawn():
    model = tinygrad_edu.MLP(8, [64, 64, 1], seed=1)
    root = model([0.1] * 8)
    with pytest.raises(ValueError, match=r"more than max_nodes=1000 nodes: draw part of it with depth=, collapse="):
        draw(root)
    assert b"</svg>" in draw(root, collapse="layers").pipe(format="svg")


@pytest.mark.parametrize(
    ("collapse", "words"),
    [
        ("all", 'collapse expected "neurons", "layers", or (layer, neuron) pairs, got \'all\''),
        (5, 'collapse expected "neurons", "layers", or (layer, neuron) pairs, got 5'),
        ([7], "collapse: the graph has no layer 7"),
        ([(1, 9)], "collapse: the graph has no layer 1, neuron 9"),
    ],
)
def test_what_cannot_be_collapsed(collapse, words):
    with pytest.raises(ValueError) as error:
        draw(collapsible(), collapse=collapse)
    assert str(error.value) == words


def test_depth():
    _, _, root = example()
    source = draw(root, depth=1).source
    assert source.count("…") == 3  # a, a and b
    assert "<I>a</I>" not in source
    assert draw(root, depth=10**9).source == draw(root).source
    with pytest.raises(ValueError, match="depth expected a whole number from 0, got -1"):
        draw(root, depth=-1)


def test_steps_of_the_backward_pass_and_frames(tmp_path):
    _, _, root = example()
    assert draw(root, step=0).source.count("not computed") == 4
    assert draw(root, step=2).source.count("not computed") == 2
    done = draw(root, step=99).source
    assert "not computed" not in done and "grad 4" in done
    assert draw(root, step=1).source.count("penwidth=2.8") == 1
    assert root.grad is tinygrad_edu.NOT_COMPUTED
    with pytest.raises(ValueError, match="step expected a whole number from 0, got -1"):
        draw(root, step=-1)
    written = frames(root, tmp_path / "slides", theme="dark")
    assert [path.name for path in written] == [f"frame-{k:03}.svg" for k in range(6)]
    assert all(path.read_text().count("</svg>") == 1 for path in written)


def test_frames_have_one_size_and_show_a_contribution_only_when_it_was_added(renderer, tmp_path):
    a, b = Value(2.0, "a"), Value(-3.0, "b")
    root = ((a * a + b * 0.5) * 1e-5).tanh()
    pictures = [path.read_text() for path in frames(root, tmp_path, contributions=True, digits=6)]
    assert len({re.search("viewBox=[^>]*", picture).group() for picture in pictures}) == 1
    assert all(xml.dom.minidom.parseString(picture).documentElement.tagName == "svg" for picture in pictures)
    assert len({re.sub("<text.*?</text>|<[^>]*stroke[^>]*>|<polygon[^>]*>", "", p) for p in pictures}) == 1
    assert len({tuple(re.findall('points="[^"]*"| d="[^"]*"', p)) for p in pictures}) == 1
    sources = [draw(root, step=k, contributions=True).source for k in range(len(pictures))]
    assert [source.count('COLOR="transparent"') for source in sources] == [7, 6, 5, 4, 3, 2, 1, 0]
    root.backward()
    for k, picture in enumerate(pictures):
        drawn = draw(root, step=k, contributions=True, digits=6).pipe(format="svg", encoding="utf-8")
        for what in (
            "<text[^>]*>([^<]*)",
            'fill="(#b91c1c|#1e40af)"[^>]*>←',
            'fill="([^"]*)"[^>]*>×',
            '<polygon fill="([^"]*)"',
            'xlink:title="(.*?)"',
        ):
            assert sorted(re.findall(what, picture)) == sorted(re.findall(what, drawn))
        widths = [sorted(map(float, re.findall('stroke-width="(.*?)"', svg))) for svg in (picture, drawn)]
        assert [width for width in widths[0] if width != 1] == [width for width in widths[1] if width != 1]
    assert re.findall("←[^<]*", sources[-1]) == re.findall("←[^<]*", draw(root, contributions=True).source)


def test_frames_have_as_many_digits_as_their_number_and_a_width_to_hold_any_gradient(monkeypatch, tmp_path):
    drawn = []

    def each(picture, last):
        drawn.append((re.search(r'WIDTH="(\d+)"', picture.source)[1], last))
        yield from ("<svg></svg>", "<svg></svg>")

    monkeypatch.setattr(sys.modules["tinygrad_edu.show.frames"], "each", each)
    few, many = Value(1.0) * 2.0, tinygrad_edu.sum([Value(1.0) for _ in range(999)])
    for root, digits, options in ((many, 3, {}), (many * Value(1.0), 4, {"max_nodes": 2000}), (few, 3, {"digits": 12}),
                                  (few, 3, {"cell_width": 50})):  # fmt: skip
        written = frames(root, tmp_path, **options)
        assert [path.name for path in written] == [f"frame-{'0' * digits}.svg", f"frame-{'0' * (digits - 1)}1.svg"]
    assert drawn == [("119", 999), ("119", 1001), ("168", 1), ("50", 1)]


def test_drawings_of_steps_have_their_boxes_in_one_place(renderer):
    w, x = Value(0.3, "w"), Value(2.0, "x")
    y = (w * x).tanh() * w
    svgs = [draw(y, step=k).pipe(format="svg", encoding="utf-8") for k in range(6)]
    boxes = [re.sub("(?s)<g id=.e.*?</g>", "", svg) for svg in svgs]
    assert len({tuple(re.findall(r'<polygon[^>]*points="([^"]*)"', svg)) for svg in boxes}) == 1
    assert "grad not computed" in svgs[0] and "grad not computed" not in svgs[-1]


def test_frames_on_paper_are_dashed_where_pictures_are(renderer, tmp_path):
    a, b = Value(2.0, "a"), Value(-3.0, "b")
    root = (a * a - b * a).tanh() - a * b
    options = {"contributions": True, "theme": "print"}
    found = [path.read_text().count("stroke-dasharray") for path in frames(root, tmp_path, **options)]
    drawn = [draw(root, step=k, **options).pipe(format="svg", encoding="utf-8") for k in range(len(found))]
    assert found == [svg.count("stroke-dasharray") for svg in drawn]
    assert max(found) > 0 and 0 in found


def test_contributions_have_colour_by_sign_and_width_by_size():
    x = Value(1.0, "x")
    y = x * 4 - x
    y.backward()
    source = draw(y, contributions=True).source
    lines = {line.split(" [")[0].strip(): line for line in source.splitlines() if "->" in line and "×" in line}
    for edge, colour, width, text in (("n0 -> n2", "#b91c1c", 2.52, "← −1"), ("n0 -> n1", "#1e40af", 3.0, "← +4")):
        assert lines[edge].count(colour) == 2  # the line and the label
        assert text in lines[edge] and f"penwidth={width:.2f}" in lines[edge]
    assert "dashed" not in source
    assert draw(y, contributions=True, theme="print").source.count("style=dashed") == 1


@pytest.mark.parametrize("size, width", [(1, 3.0), (0.1, 2.2), (0.01, 1.4), (1e-3, 0.6), (1e-9, 0.6), (0.0, 0.6)])
def test_the_width_follows_the_order_of_magnitude(size, width):
    x, y = Value(1.0), Value(1.0)
    root = x * 1.0 + y * size
    root.backward()
    [line] = [line for line in draw(root, contributions=True).source.splitlines() if "id=en3_0" in line]
    assert f"penwidth={width:.2f}" in line


def test_a_gradient_from_before_is_marked():
    w = Value(2.0, "w")
    (w * 3).backward()
    root = w * w
    assert "from before" in draw(root).source  # before backward() already
    root.backward()
    assert ">4 + 3 from before<" in draw(root).source
    assert "grad 7 (4 + 3 from before)" in tree(root)
    assert "from" not in draw(root, step=2).source  # a pass of its own
    w.grad = 0.0  # set back, with the rest of the graph as it is
    assert "from before" not in draw(root).source
    root.backward()
    assert "from before" not in draw(root).source
    root.backward()
    assert ">4 + 4 from before<" in draw(root).source


def test_the_rounding_of_terms_that_cancel_is_not_taken_for_something_from_before():
    x = Value(1.0, "x")
    y = x * 0.1 + x * 0.2 - x * 0.3
    y.backward()
    assert x.grad == 5.551115123125783e-17  # and 2.8e-17 exactly
    assert "from" not in draw(y).source


@pytest.mark.parametrize(("off", "marked"), [(2e-9, True), (-2e-9, True), (0.5e-9, False), (-0.5e-9, False)])
def test_a_billionth_of_a_gradient_is_rounding_and_what_is_more_is_from_before(off, marked):
    x = Value(2.0, "x")
    y = x * 3.0 - x * 1.0
    y.backward()
    x.grad += 4.0 * off  # of the sizes of the terms, 3 and 1
    assert ("from before" in tree(y)) is marked


def test_a_gradient_of_another_root_is_marked_and_one_that_is_on_its_way_is_not():
    w = Value(2.0, "w")
    h = w * 3
    first, second = h * 2, h * 5
    first.backward()
    second.backward()
    assert ">2 + 3 from elsewhere<" in draw(first).source
    inner = h + 1
    third = inner * inner
    third.backward()
    inner.grad += 5
    assert f"grad {shown(inner.grad)} (14 + 5 from elsewhere)" in tree(third)
    fresh = Value(2.0, "w")
    h = fresh * fresh
    root = h + fresh
    root.grad, h.grad, fresh.grad = 1.0, 1.0, 1.0  # by hand, the two edges of h still to come
    assert "from" not in draw(root).source


def test_a_leaf_below_a_root_with_another_gradient_than_its_own_has_the_rest_from_elsewhere():
    x = Value(2.0, "x")
    root = x * x
    root.backward()
    root.grad, x.grad = 3.0, 15.0  # as if something that was made from the root had handed it 3, and x more
    assert "grad 15 (12 + 3 from elsewhere)" in tree(root)
    x.grad = 5.0
    assert "grad 5 (12 − 7 from elsewhere)" in tree(root)


@pytest.mark.parametrize("uses", [3, 10, 11])
def test_a_gradient_that_was_set_back_or_holds_some_of_its_terms_is_on_its_way(uses):
    """Up to ten of them are tried; of more only a 0 is one."""
    x = Value(1.0, "x")
    root = tinygrad_edu.sum([x * (1.0 + k / 8) for k in range(uses)])
    root.backward()
    x.grad = 0.0
    assert "from" not in tree(root)
    x.grad = 1.0 + 1.125
    assert ("from" in tree(root)) is (uses == 11)
    x.grad = 0.3
    assert "from before" in tree(root)


def test_a_network_that_is_the_root_itself_is_closed_too():
    root = tinygrad_edu.MLP(1, [2, 1], seed=1)([0.5])
    source = draw(root, collapse="layers").source
    assert re.findall("<B>(.*?)</B>", source) == ["layer 1", "layer 2"]
    assert "2 outputs" in source and f"data {shown(root.data)}<" in source


def test_of_what_cannot_be_closed_the_first_is_named():
    for collapse in ([(1, 9), 7], [7, (1, 9)]):
        with pytest.raises(ValueError, match="the graph has no layer 1, neuron 9"):
            draw(collapsible(), collapse=collapse)


def test_a_contribution_that_is_infinite_is_as_wide_as_can_be():
    x, y = Value(1e200, "x"), Value(1.0, "y")
    root = (x * y) * 1.0
    root.backward()
    root.parents[0].grad = 1e200  # so that 1e200 · 1e200 reaches y
    lines = draw(root, contributions=True).source.splitlines()
    first, infinite, last = (
        next(line for line in lines if f"id={edge}" in line) for edge in ("en2_0", "en2_1", "en3_0")
    )
    assert "← +∞" in infinite and "penwidth=3.00" in infinite
    assert "← +1e200" in first and "penwidth=3.00" in first  # the largest that is a number
    assert "← +1<" in last and "penwidth=0.60" in last


def test_what_is_too_long_for_a_label_is_cut_at_eighty_letters():
    for escaped in (html, tooltip):
        assert escaped("a" * 80) == "a" * 80
        assert escaped("a" * 81) == "a" * 79 + "…"


def test_a_box_counts_its_outputs_once_for_all_examples():
    model = tinygrad_edu.MLP(2, [16, 16, 1], seed=1)
    loss = sum([model([k / 10, 1.0]) for k in range(3)])
    source = draw(loss, collapse="layers").source
    assert source.count("16 outputs, 3 examples") == 2
    assert source.count("1 output, 3 examples") == 1
    assert "48 outputs" not in source
    assert draw(collapsible(), collapse="layers").source.count("3 outputs<") == 1
    loss = sum([model([k / 10, 1.0]) for k in range(2)])
    assert draw(loss, collapse="layers").source.count("16 outputs, 2 examples") == 2


@pytest.mark.parametrize("kind", ["light", "dark"])
def test_the_frame_of_a_neuron_has_the_colour_of_lines(kind):
    source = draw(collapsible(), theme=kind).source
    frame = f'color="{theme(kind).line}" label="layer 1, neuron 1" style=rounded'
    assert frame in source


def test_signs_that_are_hard_to_see_are_written_otherwise():
    source = draw(tinygrad_edu.dot([Value(1.0), 2.0], [3.0, Value(1.0)]) - 1).source
    assert "<B>dot</B>" in source and ">−</FONT></B>" in source
    assert not re.search("<B>[-·]", source)


def test_a_picture_says_what_it_shows(renderer):
    a, b = Value(2.0, "a"), Value(3.0, "<b>")
    root = a * b
    svg = draw(root).pipe(format="svg", encoding="utf-8")
    document = xml.dom.minidom.parseString(svg)
    [title], [description] = document.getElementsByTagName("title"), document.getElementsByTagName("desc")
    assert title.parentNode.tagName == "svg"
    assert title.firstChild.data == "The graph of f"
    assert description.firstChild.data == "f = 6, by 1 operation from a, <b>; gradients are not computed yet."
    root.backward()
    assert "gradients are computed." in draw(root).pipe(format="svg", encoding="utf-8")
    many = sum([Value(1.0) for _ in range(20)])
    twelve = ", ".join(f"x{number}" for number in ["₁", "₂", "₃", "₄", "₅", "₆", "₇", "₈", "₉", "₁₀", "₁₁", "₁₂"])
    assert (
        draw(many).description == f"f = 20, by 20 operations from {twelve} and 8 more; gradients are not computed yet."
    )
    assert draw(sum([Value(1.0) for _ in range(12)])).description.split(" from ")[1].split(";")[0] == twelve


@pytest.mark.parametrize(("width", "scales"), [("599.9", False), ("600", True), ("600.00", True)])
def test_a_picture_of_six_hundred_points_is_wide(width, scales):
    svg = f'<svg width="{width}pt" height="90pt"></svg>'
    assert scaled(svg) == (f'<svg width="100%" style="max-width: {width}pt"></svg>' if scales else svg)


def test_a_notebook_scales_a_picture_to_its_width():
    def size(svg):
        return re.search("<svg ([^>]*?)\\s*viewBox", svg)[1]

    wide, narrow = draw(forward(network()).total), draw(example()[2])
    assert re.fullmatch(r'width="100%" style="max-width: \d+pt"', size(wide._repr_mimebundle_()["image/svg+xml"]))
    for svg in (narrow._repr_mimebundle_()["image/svg+xml"], wide.pipe(format="svg", encoding="utf-8")):
        assert re.fullmatch(r'width="\d+pt" height="\d+pt"', size(svg))


@pytest.mark.parametrize("rankdir", ["LR", "TB"])
def test_neurons_and_weights_stand_in_their_order(rankdir, renderer):
    svg = draw(forward(network()).total, rankdir=rankdir).pipe(format="svg", encoding="utf-8")
    place = {text: (float(x), float(y)) for x, y, text in re.findall(r'x="([^"]*)" y="([^"]*)"[^>]*>([^<]*)', svg)}
    across = 0 if rankdir == "TB" else 1
    for pair in (("w₁", "w₂"), ("w₃", "w₄"), ("w₅", "w₆"), ("w₇", "w₈"), ("x₁", "x₂"), ("z₁", "z₂"), ("y₁", "y₂")):
        assert place[pair[0]][across] < place[pair[1]][across], pair


@pytest.mark.parametrize("rankdir", ["LR", "TB"])
@pytest.mark.parametrize("seed", range(3))
def test_inputs_and_closed_neurons_stand_in_their_order(rankdir, seed, renderer):
    x = [Value(k / 2, f"x{k}") for k in (1, 2, 3)]
    root = tinygrad_edu.MLP(3, [4, 1], activation="tanh", seed=seed)(x) - Value(1.0, "t")
    svg = draw(root, rankdir=rankdir, collapse="neurons").pipe(format="svg", encoding="utf-8")
    place = {text: (float(x), float(y)) for x, y, text in re.findall(r'x="([^"]*)" y="([^"]*)"[^>]*>([^<]*)', svg)}
    across = 0 if rankdir == "TB" else 1
    for names in ([f"x{k}" for k in "₁₂₃"], [f"layer 1, neuron {k}" for k in (1, 2, 3, 4)]):
        assert [*names] == sorted(names, key=lambda name: place[name][across])


def test_neurons_stand_in_their_order_whichever_is_used_first():
    layer = network().layers[0]
    first, second = layer([Value(0.1), Value(0.2)])
    for root in (first - second, -second + first):
        source = draw(root).source
        assert re.findall("o1_[12] -> o1_[12]", source) == ["o1_1 -> o1_2"]


def test_text_for_a_terminal():
    a, _, root = example()
    root.label = "r"
    root.backward()
    assert tree(root).splitlines() == [
        "+ r  data 2.5  grad 1",
        "├─ ×1  × v₁  data 4  grad 1",
        "│  ├─ ×2  a  data 2  grad 4",
        "│  └─ ×2  a  (above)",
        "└─ ×1  × v₂  data −1.5  grad 1",
        "   ├─ ×0.5  b  data −3  grad 0.5",
        "   └─ 0.5",
    ]
    assert tree(root, depth=1).splitlines() == [
        "+ r  data 2.5  grad 1",
        "├─ ×1  × v₁  data 4  grad 1",
        "│  └─ …",
        "└─ ×1  × v₂  data −1.5  grad 1",
        "   └─ …",
    ]
    assert tree(a) == "a  data 2  grad 4"
    y = Value(1.0)
    for _ in range(5000):
        y = y * 1.0
    assert tree(y, depth=3).count("\n") == 7


def test_a_tree_of_a_large_graph_is_cut():
    x = y = Value(1.0, "x")
    for _ in range(10_000):
        y = y * 1.0
    deep = tree(y).splitlines()
    assert deep[60].endswith("× v₉₉₄₀  data 1  grad not computed")
    assert deep[61].endswith("└─ …")
    assert len(deep) == 122 and max(map(len, deep)) < 250
    wide = tree(tinygrad_edu.sum([x * 1.0 for _ in range(2000)])).splitlines()
    assert len(wide) == 501
    assert wide[-1] == "… and more: the graph has 2,002 nodes; depth= shows the top of it"
    assert len(tree(y, max_lines=10).splitlines()) == 11
    assert tree(y, depth=100) == tree(y)


def test_the_same_graph_gives_the_same_file_and_drawing_changes_nothing():
    def once():
        passed = forward(network())
        passed.total.backward()
        return passed.total

    root = once()
    state = [(v.data, v.grad) for v in tinygrad_edu.engine.topological(root)]
    assert draw(root).source == draw(root).source == draw(once()).source
    assert [(v.data, v.grad) for v in tinygrad_edu.engine.topological(root)] == state


@pytest.mark.parametrize("theme", ["light", "dark", "print"])
@pytest.mark.parametrize("rankdir", ["LR", "TB"])
def test_themes_and_directions_render(theme, rankdir):
    assert b"</svg>" in draw(example()[2], theme=theme, rankdir=rankdir, contributions=True).pipe(format="svg")


@pytest.mark.parametrize("name", NASTY)
def test_labels_are_never_markup(name, renderer):
    label = NASTY[name]
    v = Value(1.0, label)
    w = v * 2
    w.label = label
    svg = draw(w).pipe(format="svg").decode()
    for tag in re.findall(r"<(\w+)", svg):
        assert tag in {"svg", "g", "title", "desc", "polygon", "text", "path", "a", "ellipse", "xml", "polyline"}
    assert not re.search(
        r"href|javascript:(?!alert\(1\)&)", re.sub(r'xlink:title="[^"]*"|xmlns:xlink="[^"]*"', "", svg)
    )
    assert len(svg) < 20_000
    root = xml.dom.minidom.parseString(svg)
    texts = [text.firstChild.data for text in root.getElementsByTagName("text") if text.getAttribute("font-style")]
    tooltips = [a.getAttribute("xlink:title") for a in root.getElementsByTagName("a")]
    expected = [plain(label), f"{plain(label)}⁽²⁾"] if plain(label) else ["x", "f"]
    assert texts == tooltips == expected  # letter by letter, with nothing replaced


def test_formats(renderer, tmp_path):
    picture = draw(example()[2])
    assert picture.pipe(format="svg").startswith(b"<?xml")
    assert picture.pipe(format="png").startswith(b"\x89PNG")
    assert picture.pipe(format="svg", encoding="utf-8").startswith("<?xml")
    for written in (
        picture.render(str(tmp_path / "one"), format="png"),
        picture.render(outfile=str(tmp_path / "two.svg")),
        picture.render("three", directory=str(tmp_path), format="svg", cleanup=True),
    ):
        assert Path(written).stat().st_size > 500
    assert {path.name for path in tmp_path.iterdir()} == {"one.gv", "one.png", "two.gv", "two.svg", "three.svg"}
    assert "image/svg+xml" in picture._repr_mimebundle_()
    assert b"<svg" in Path(picture.render(directory=str(tmp_path))).read_bytes()  # SVG if nothing is said
    assert picture.pipe(format="dot", encoding="utf-8").startswith("digraph")
    assert picture.pipe(format="svg", engine="neato") != picture.pipe(format="svg")
    assert Path(picture.render(outfile=str(tmp_path / "four.png"))).read_bytes().startswith(b"\x89PNG")
    by_neato = Path(picture.render(str(tmp_path / "five"), engine="neato")).read_text()
    assert by_neato == picture.pipe(format="svg", engine="neato", encoding="utf-8")
    for name in ("six.png", "seven.SVG"):  # one that ends like a picture is that of the picture
        assert picture.render(name, directory=str(tmp_path)) == str(tmp_path / name)
    assert (tmp_path / "six.png").read_bytes().startswith(b"\x89PNG") and b"<svg" in (
        tmp_path / "seven.SVG"
    ).read_bytes()
    assert (tmp_path / "six.gv").exists() and not (tmp_path / "six.png.svg").exists()
    assert picture.render(str(tmp_path / "eight.gv"), format="png") == str(tmp_path / "eight.gv.png")
    with pytest.raises(ValueError, match=r"outfile .*one.gv is the file of the source: save\(\) writes that"):
        picture.render(outfile=str(tmp_path / "one.gv"))


def test_a_picture_is_drawn_in_its_own_format_by_its_own_engine(renderer, tmp_path):
    picture = draw(example()[2])
    by_dot = picture.pipe(format="svg")
    picture.engine = "neato"
    assert picture.pipe(format="svg") == picture.pipe(format="svg", engine="neato") != by_dot
    picture.format = "png"
    assert picture.pipe().startswith(b"\x89PNG")
    assert Path(picture.render(str(tmp_path / "one"))).suffix == ".png"


def test_a_picture_is_shown_where_it_was_written(monkeypatch, tmp_path):
    monkeypatch.setattr("tinygrad_edu.show.dot.run", lambda source, format, engine: b"<svg></svg>")
    seen = []
    monkeypatch.setattr("graphviz.view", lambda path, quiet: seen.append((path, quiet)))
    picture = draw(example()[2])
    path = picture.render("one", directory=str(tmp_path), view=True)
    assert path == str(tmp_path / "one.svg")
    picture.render("one", directory=str(tmp_path), quiet_view=True)
    picture.render("one", directory=str(tmp_path))
    assert seen == [(path, False), (path, True)]
    assert picture.render(outfile="two.svg", directory=str(tmp_path)) == str(tmp_path / "two.svg")
    assert {file.name for file in tmp_path.iterdir()} == {"one.gv", "one.svg", "two.gv", "two.svg"}


@pytest.mark.parametrize(
    ("files", "found"),
    [
        (["graphviz_pure/bin/graphviz-pure"], "graphviz-pure"),
        (["graphviz_pure/graphviz-pure.txt", "Scripts/graphviz-pure.exe"], "graphviz-pure.exe"),
        (["graphviz_pure/__init__.py", "bin/graphviz"], None),
        (None, None),
    ],
)
def test_the_executable_is_found_among_the_files_of_its_package(files, found, monkeypatch):
    paths = None if files is None else [PackagePath(file) for file in files]
    for path in paths or ():
        path.dist = types.SimpleNamespace(locate_file=lambda file: Path("/there", file))
    monkeypatch.setattr("importlib.metadata.distribution", lambda name: types.SimpleNamespace(files=paths))
    executable = bundled_executable()
    assert executable is None if found is None else Path(executable).name == found


def test_pdf_with_graphviz_itself():
    if shutil.which("dot") is None:
        pytest.skip("no system Graphviz")
    assert draw(example()[2]).pipe(format="pdf").startswith(b"%PDF")


def test_pdf_needs_graphviz_itself(monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(RuntimeError, match="PDF needs Graphviz itself, with `dot` on PATH"):
        draw(example()[2]).pipe(format="pdf")


def test_without_any_graphviz_the_error_names_the_command_and_the_source_is_written(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr("tinygrad_edu.show.dot.bundled_executable", lambda: None)
    with pytest.raises(RuntimeError, match=r"run .* -m pip install graphviz-pure, or install Graphviz"):
        draw(example()[2]).render(str(tmp_path / "graph.gv"), format="svg")
    assert "digraph" in (tmp_path / "graph.gv").read_text()


def test_a_failing_renderer_is_an_error_and_leaves_no_half_picture(renderer, tmp_path):
    picture = draw(example()[2])
    picture.node("broken", "<<TABLE>>")
    with pytest.raises(RuntimeError, match="drawing failed: "):
        picture.render(str(tmp_path / "graph.gv"))
    assert [path.name for path in tmp_path.iterdir()] == ["graph.gv"]


def test_the_systems_graphviz_draws_where_there_is_one(monkeypatch):
    asked = []

    def answer(command, **options):
        asked.append((command, options["input"]))
        return subprocess.CompletedProcess(command, 0, b"<svg", b"")

    monkeypatch.setattr("subprocess.run", answer)
    monkeypatch.setattr("tinygrad_edu.show.dot.bundled_executable", lambda: "/there/graphviz-pure")
    for system in ("/usr/bin/dot", None):
        monkeypatch.setattr("shutil.which", lambda name, system=system: system if name == "dot" else "/no/" + name)
        assert run("digraph {ö}", "svg", "neato") == b"<svg"
    given = ["-Kneato", "-Tsvg"], "digraph {ö}".encode()
    assert asked == [(["/usr/bin/dot", *given[0]], given[1]), (["/there/graphviz-pure", *given[0]], given[1])]


def test_a_renderer_that_takes_too_long_or_crashes(renderer, monkeypatch):
    picture = draw(example()[2])
    monkeypatch.setattr("tinygrad_edu.show.dot.TIMEOUT", 0)
    with pytest.raises(RuntimeError, match="drawing took more than 0 seconds: draw less of the graph, with depth="):
        picture.pipe()
    crash = subprocess.CompletedProcess([], -11, b"<svg", b"")
    monkeypatch.setattr("subprocess.run", lambda *_, **__: crash)
    with pytest.raises(RuntimeError, match=r"crashed \(signal 11\): draw less of the graph"):
        picture.pipe()


def test_large_graphs():
    x = Value(1.0)
    y = x
    for _ in range(200):
        y = y * 1.01
    source = draw(y).source
    assert "data" not in source and "nslimit" in source
    for _ in range(900):
        y = y * 1.01
    with pytest.raises(ValueError, match="the graph has more than max_nodes=1000 nodes: draw part of it with depth="):
        draw(y)
    assert draw(y, depth=10).source.count("->") == 22  # 10 operations with their constants, and what is below


def test_a_hundred_and_fifty_boxes_have_their_numbers():
    for count in (150, 151):
        x = Value(1.0, "x")
        source = draw(tinygrad_edu.sum([x, *(Value(1.0) for _ in range(count - 2))])).source
        assert ("data 1<" in source, "nslimit" in source) == (count == 150, count == 151)


def test_a_large_network_has_no_edges_that_keep_an_order():
    for sizes, kept in (([2, 1], True), ([16, 16, 1], False)):
        source = draw(tinygrad_edu.MLP(2, sizes, seed=1)([0.5, 1.0])).source
        assert ("style=invis" in source) is kept


def test_the_node_at_max_nodes_is_drawn():
    x = Value(1.0, "x")
    root = (x * 2.0).exp()
    assert draw(root, max_nodes=3).source.count("data") == 3
    with pytest.raises(ValueError, match="the graph has more than max_nodes=2 nodes: draw part of it"):
        draw(root, max_nodes=2)
    assert draw(root, max_nodes=2, depth=1).source.count("data") == 2
    mlp = tinygrad_edu.MLP(1, [2, 1], seed=1)
    assert draw(mlp([1.0]), collapse="layers", max_nodes=2).source.count("parameters") == 2
    with pytest.raises(ValueError, match="the graph has 2 boxes, more than max_nodes=1: draw part of it"):
        draw(mlp([1.0]), collapse="layers", max_nodes=1)


@pytest.mark.parametrize(
    ("option", "words"),
    [("theme", "light, dark, print"), ("rankdir", "LR, TB, RL, BT"), ("boxes", "True, False, layers")],
)
def test_unknown_options(option, words):
    with pytest.raises(ValueError, match=f"{option} expected one of {words}, got 'x'"):
        draw(example()[2], **{option: "x"})


@pytest.mark.parametrize("data", ["2", Value(2.0), 2, True, None])
@pytest.mark.parametrize("place", ["leaf", "between", "root"])
@pytest.mark.parametrize("show", [draw, tree, lambda root: tinygrad_edu.explain(root, root.parents[0].parents[0])])
def test_data_that_are_no_float_are_named(data, place, show):
    x = Value(2.0, "leaf")
    h = x * 1.0
    root = h * 1.0
    h.label, root.label = "between", "root"
    {"leaf": x, "between": h, "root": root}[place].data = data
    with pytest.raises(TypeError, match=rf"the data of '{place}' must be a float, got .* \({type(data).__name__}\)"):
        show(root)


def test_changed_data_are_noticed():
    a, _, root = example()
    a.data = 5.0
    for show in (draw, tree):
        with pytest.raises(ValueError, match="compute the result again"):
            show(root)


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0.0, "0"),
        (-0.0, "0"),
        (1.0, "1"),
        (-0.0381, "−0.0381"),
        (0.195571, "0.1956"),
        (0.001, "0.001"),
        (0.0009, "9e−4"),
        (12345.6, "12346"),
        (1.2345678e7, "1.235e7"),
        (10000.0, "10000"),
        (123456.7, "123457"),
        (999949.0, "999949"),
        (999950.0, "1e6"),
        (1e300, "1e300"),
        (0.28125, "0.2813"),
        (9999.6, "10000"),
        (0.00099996, "0.001"),
        (float("inf"), "∞"),
        (float("-inf"), "−∞"),
        (float("nan"), "nan"),
    ],
)
def test_numbers_for_people(number, text):
    assert shown(number) == text


@pytest.mark.parametrize(
    ("number", "digits", "text"),
    [
        (1234.0, 2, "1234"), (9949.0, 2, "9949"), (9950.0, 2, "1e4"), (12345.0, 2, "1.2e4"), (99.4, 2, "99"),
        (0.125, 2, "0.13"), (0.375, 1, "0.4"), (1234567.0, 7, "1234567"), (0.12345678, 7, "0.1234568"),
    ],
)  # fmt: skip
def test_numbers_in_as_many_digits_as_are_asked_for(number, digits, text):
    assert shown(number, digits) == text
    assert shown(-number, digits) == f"−{text}"


def test_drawing_imports_graphviz_only_when_asked():
    code = "import sys, tinygrad_edu.show; sys.exit('graphviz' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


MAKE = runpy.run_path(str(Path(__file__).parents[1] / "docs/images/make.py"))


@pytest.mark.parametrize("make", MAKE["PICTURES"], ids=lambda make: make.__name__)
def test_the_pictures_of_the_documentation_are_current(make, renderer):
    def words(svg):  # where they stand depends on the renderer
        return sorted(re.findall("<text[^>]*>([^<]*)", svg)), svg.count('stroke-width="2.8"'), svg.count("<path")

    if make.__name__.endswith("_arrays"):
        pytest.importorskip("numpy")
    kept = Path(MAKE["HERE"], f"{make.__name__}.svg").read_text(encoding="utf-8")
    assert words(kept) == words(make().pipe(format="svg", encoding="utf-8"))


def test_a_program_is_drawn_as_a_graph_of_arrays():
    pytest.importorskip("numpy")
    network = tinygrad_edu.MLP(2, [3, 1], activation="tanh", seed=1)
    x = [Value(0.5, "x1"), Value(-0.3, "x2")]
    program = tinygrad_edu.compile(network(x) ** 2, network.parameters(), x)
    picture = draw(program, rankdir="TB", theme="dark")
    for said in (
        "<B>w</B>  13",
        "<B>X</B>  2 × N",
        "<B>z1</B>  3 × N",
        "z1 = W1 @ X + w[2:9:3][:, None]",
        "d_tanh1 = ",
    ):
        assert said in picture.source, said
    named = [node.name for node in program.array_graph()]
    assert named == ["w", "X", "z1", "tanh1", "z2", "mul1", "program"]
    # Each line of the source stands in it once, but the number of examples, the comment and the frame.
    told = sorted(line for node in program.array_graph()[:-1] for line in (*node.value, *node.gradient))
    source = [line.strip() for line in program.arrays.splitlines()[1:-1]]
    assert told == sorted(line for line in source if not line.startswith(("N =", "#")))


def test_a_program_without_inputs_has_no_box_of_them():
    pytest.importorskip("numpy")
    w = [Value(0.1 * k) for k in range(4)]
    program = tinygrad_edu.compile(tinygrad_edu.dot(w, w), w)
    assert "X" in {node.name for node in program.array_graph()}
    source = draw(program).source
    assert "<B>w</B>" in source and "<B>X</B>" not in source


def test_arrays_have_colours_by_what_they_are_and_edges_from_operand_to_result():
    x = types.SimpleNamespace(name="x", shape="2 × N", value=(), gradient=(), operands=())
    y = types.SimpleNamespace(
        name="y", shape="", value=["y = x < 1", "y *= 2"], gradient=["d_x = d_y"], operands=["x", "x"]
    )
    picture = draw(types.SimpleNamespace(array_graph=lambda: [x, y]))
    colours = theme("light")
    first, second = re.findall(r"(?m)^\tn\d \[label=.*$", picture.source)
    title = f'<TD BGCOLOR="{colours.leaf}" WIDTH="0"><FONT COLOR="{colours.text}"><B>x</B>  2 × N</FONT></TD>'
    assert title in first and first.count("<TD") == 1
    rows = re.findall(r'<TD BGCOLOR="(.*?)".*?><FONT COLOR="(.*?)">(.*?)</FONT>', second)
    assert rows == [
        (colours.operation, colours.text, "<B>y</B>"),
        (colours.data_back, colours.data, "y = x &lt; 1"),
        (colours.data_back, colours.data, "y *= 2"),
        (colours.grad_back, colours.grad, "d_x = d_y"),
    ]
    assert re.findall(r"n\d -> n\d", picture.source) == ["n0 -> n1"] * 2
    assert (picture.title, picture.description) == ("A program on arrays", "y = x < 1; y *= 2")


def test_where_the_package_is_not_installed_there_is_no_executable(monkeypatch):
    def none(name):
        raise PackageNotFoundError(name)

    monkeypatch.setattr("importlib.metadata.distribution", none)
    assert bundled_executable() is None


# Pictures in WebAssembly


def in_a_browser(monkeypatch, **names):
    monkeypatch.setattr(sys, "platform", "emscripten")
    monkeypatch.setitem(sys.modules, "js", types.SimpleNamespace(**names))


def test_in_webassembly_the_page_draws(monkeypatch):
    in_a_browser(monkeypatch, tinygradEduGraphviz=lambda source, format, engine: f"{format} of {source} by {engine}")
    assert run("digraph {}", "svg") == b"svg of digraph {} by dot"
    with pytest.raises(RuntimeError, match="in a browser there is SVG, not PNG"):
        run("digraph {}", "png")
    with pytest.raises(RuntimeError, match="in a browser there is SVG, not PDF"):
        run("digraph {}", "pdf")


def test_what_fails_in_the_page_is_told(monkeypatch):
    def broken(source, format, engine):
        raise ZeroDivisionError("syntax error in line 1")

    in_a_browser(monkeypatch, tinygradEduGraphviz=broken)
    with pytest.raises(RuntimeError, match=r"^drawing failed: syntax error in line 1$"):
        run("digraph {}", "svg")


def test_a_page_without_graphviz_says_both_ways(monkeypatch):
    in_a_browser(monkeypatch)
    with pytest.raises(RuntimeError, match=r"npm's @hpcc-js/wasm-graphviz.*graphviz-pure"):
        run("digraph {}", "svg")
