"""Where the page puts boxes and wires: its layout, run by Node, on graphs with sizes of their own."""

import itertools
import json
import random
import re
import shutil

import pytest

from tests.pages import node, worked_example
from tinygrad_edu.engine import nodes
from tinygrad_edu.show.page import resource

pytestmark = pytest.mark.skipif(not shutil.which("node"), reason="no Node to run JavaScript with")

# A graph of edges [tail, head]; boxes are 10 wide and 6 high but where `sizes` says otherwise.
DRAWING = """
function drawing(edges, direction, sizes = {}, gaps = { beside: 4, between: 20 }) {
  const units = new Map();
  for (const id of edges.flat()) if (!units.has(id)) units.set(id, { id, inputs: [], outputs: [] });
  const wires = edges.map(([tail, head], k) => ({ id: "e" + k, tail: units.get(tail), head: units.get(head) }));
  for (const wire of wires) { wire.tail.outputs.push(wire); wire.head.inputs.push(wire); }
  const order = [];
  const add = (unit) => {
    if (order.includes(unit)) return;
    unit.inputs.forEach((wire) => add(wire.tail));
    order.push(unit);
  };
  for (const unit of units.values()) add(unit);
  const size = ({ id }) => ({ width: sizes[id]?.[0] ?? 10, height: sizes[id]?.[1] ?? 6 });
  const { boxes, paths, width, height } = layout(order, wires, direction, size, gaps);
  const at = Object.fromEntries([...boxes].map(([u, b]) => [u.id, [b.x, b.y, b.width, b.height].map(Number)]));
  const lines = wires.map((wire) => [paths.get(wire).path, [paths.get(wire).label.x, paths.get(wire).label.y]]);
  const spots = wires.map((wire) => paths.get(wire).labels.map(({ x, y }) => [x, y]));
  return { at, lines, spots, size: [width, height] };
}
"""


def drawn(*cases):
    script = f"{resource('layout.js')}{DRAWING}"
    calls = ", ".join(f"JSON.stringify(drawing(...{json.dumps(case)}))" for case in cases)
    return [json.loads(text) for text in node(f"{script}const result = [{calls}];")]


CHAIN, SUM, TWICE = [["a", "b"], ["b", "c"]], [["a", "c"], ["b", "c"]], [["a", "c"], ["a", "c"]]
SKIP = [["a", "b"], ["b", "c"], ["a", "c"]]
DRAWINGS = {
    "a chain, in one line": (
        [CHAIN, "right"],
        {"a": [5, 3], "b": [35, 3], "c": [65, 3]},
        ["M10,3C20,3,20,3,30,3 15,3", "M40,3C50,3,50,3,60,3 45,3"],
    ),
    "a chain downwards": (
        [CHAIN, "down"],
        {"a": [5, 3], "b": [5, 29], "c": [5, 55]},
        ["M5,6C5,16,5,16,5,26 5,14", "M5,32C5,42,5,42,5,52 5,40"],
    ),
    "two operands, beside one another before the middle of their result": (
        [SUM, "right"],
        {"a": [5, 3], "b": [5, 13], "c": [35, 8]},
        ["M10,3C20,3,20,7,30,7 15,3", "M10,13C20,13,20,9,30,9 15,13"],
    ),
    "two operands downwards": (
        [SUM, "down"],
        {"a": [5, 3], "b": [19, 3], "c": [12, 29]},
        ["M5,6C5,16,10,16,10,26 6.962,14", "M19,6C19,16,14,16,14,26 17.038,14"],
    ),
    "two wires between the same boxes": (
        [TWICE, "right"],
        {"a": [5, 3], "c": [35, 3]},
        ["M10,2C20,2,20,2,30,2 15,2.07", "M10,4C20,4,20,4,30,4 15,3.93"],
    ),
    "boxes of other sizes": (
        [[[x, "z"] for x in "abcde"], "right", {"z": [20, 40], "b": [4, 6], "d": [10, 2]}],
        {"a": [5, 3], "b": [5, 13], "c": [5, 23], "d": [5, 31], "e": [5, 39], "z": [40, 21.8]},
        None,
    ),
    "a wire past a box": (
        [SKIP, "right"],
        {"a": [5, 11.004], "b": [35, 3], "c": [65, 9]},
        [
            "M10,10C20,10,20,3,30,3 15,10.074",
            "M40,3C50,3,50,8,60,8 45,3",
            "M10,12C20,12,20,15,30,15L40,15C50,15,50,10,60,10 15,11.934",
        ],
    ),
}


@pytest.mark.parametrize("name", DRAWINGS)
def test_small_graphs(name):
    case, boxes, lines = DRAWINGS[name]
    [found] = drawn(case)
    sizes = case[2] if len(case) > 2 else {}
    assert {key: [round(x, 3) for x in box[:2]] for key, box in found["at"].items()} == boxes
    assert all(box[2:] == list(sizes.get(key, (10, 6))) for key, box in found["at"].items())
    if lines:
        assert [f"{path} {round(x, 3):g},{round(y, 3):g}" for path, (x, y) in found["lines"]] == lines


def random_graph(seed, count=14):
    """Each box of one to three that come before it; as in the graph of a loss, the last one ends it."""
    rng = random.Random(seed)
    edges = [[rng.randrange(max(0, k - 6), k), k] for k in range(2, count) for _ in range(rng.randint(1, 3))]
    used = {tail for tail, _ in edges}
    edges += [[k, count] for k in range(count) if k not in used]
    return [[f"u{tail}", f"u{head}"] for tail, head in edges]


def points(path):
    """The corners of a wire, from its tail to its head: each curve and each line ends in one."""
    numbers = [[float(x) for x in re.findall(r"-?\d+", part)] for part in re.findall(r"[MCL][^MCL]*", path)]
    return [part[-2:] for part in numbers]


GRAPHS = [random_graph(seed) for seed in range(30)]
SIZES = {f"u{k}": [10 + 3 * (k % 4), 6 + 2 * (k % 3)] for k in range(15)}


@pytest.fixture(scope="module")
def pictures():
    return drawn(*[[edges, "right", SIZES] for edges in GRAPHS])


def columns(picture):
    """The boxes of each rank, from the first to the last."""
    found = {}
    for key, (x, y, width, height) in picture["at"].items():
        found.setdefault(x, []).append((y, width, height, key))
    return [sorted(found[x]) for x in sorted(found)]


def test_each_box_stands_one_rank_before_the_first_that_uses_it(pictures):
    for edges, picture in zip(GRAPHS, pictures, strict=True):
        rank = {key: r for r, column in enumerate(columns(picture)) for *_, key in column}
        for key in picture["at"]:
            users = [rank[head] for tail, head in edges if tail == key]
            assert rank[key] == (min(users) - 1 if users else len(columns(picture)) - 1)


def test_boxes_do_not_meet_and_the_ranks_have_room_between_them(pictures):
    for picture in pictures:
        right = 0
        for column in columns(picture):
            for (y, _, height, _), (below, _, other, _) in itertools.pairwise(column):
                assert below - y >= (height + other) / 2 + 4 - 1e-9
            x = picture["at"][column[0][3]][0]
            widest = max(width for _, width, _, _ in column)
            assert x - widest / 2 == pytest.approx(right)
            right = x + widest / 2 + 20
        assert picture["size"][0] == pytest.approx(right - 20)
        passing = [y for path, _ in picture["lines"] for _, y in points(path)[1:-1]]
        tops = [y - h / 2 for _, y, _, h in picture["at"].values()] + [y - 5 for y in passing]
        ends = [y + h / 2 for _, y, _, h in picture["at"].values()] + [y + 5 for y in passing]
        assert min(tops) == pytest.approx(0, abs=0.51)
        assert max(ends) == pytest.approx(picture["size"][1], abs=0.51)


def test_wires_leave_and_enter_boxes_and_cross_none(pictures):
    for edges, picture in zip(GRAPHS, pictures, strict=True):
        for (tail, head), (path, label) in zip(edges, picture["lines"], strict=True):
            corners = points(path)
            (x0, y0, w0, h0), (x1, y1, w1, h1) = picture["at"][tail], picture["at"][head]
            assert corners[0][0] == pytest.approx(x0 + w0 / 2, abs=0.51)
            assert corners[-1][0] == pytest.approx(x1 - w1 / 2, abs=0.51)
            assert abs(corners[0][1] - y0) <= 0.31 * h0 + 0.51
            assert abs(corners[-1][1] - y1) <= 0.31 * h1 + 0.51
            assert label[0] == pytest.approx(x0 + w0 / 2 + 5)
            assert [letter for letter in path if letter.isalpha()] == (
                ["M", "C"] + ["L", "C"] * (len(corners) // 2 - 1)
            )
            for (xa, ya), (xb, yb) in zip(corners[1::2], corners[2::2], strict=False):  # past the boxes of a rank
                assert ya == yb and xa < xb
                for key, (x, y, _, h) in picture["at"].items():
                    if xa <= x <= xb:
                        assert abs(y - ya) >= h / 2 + 4 - 0.51, (path, key)


def test_wires_come_and_go_in_the_order_of_their_other_ends(pictures):
    for edges, picture in zip(GRAPHS, pictures, strict=True):
        for side in (0, 1):
            ends = {}
            for edge, (path, _) in zip(edges, picture["lines"], strict=True):
                corners = points(path)
                ends.setdefault(edge[side], []).append(
                    (corners[0][1], corners[1][1]) if side == 0 else (corners[-1][1], corners[-2][1])
                )
            for wires in ends.values():
                assert all(other <= below + 2 for (_, other), (_, below) in itertools.pairwise(sorted(wires)))


def crossed(picture):
    """How often wires cross, by the order of their corners in each gap between two ranks."""
    pieces = {
        (tuple(corners[j]), tuple(corners[j + 1]))
        for path, _ in picture["lines"]
        for corners in [points(path)]
        for j in range(0, len(corners) - 1, 2)
    }
    count = 0
    for (a, b), (c, d) in itertools.combinations(sorted(pieces), 2):
        if a[0] < d[0] and c[0] < b[0] and (a[1] - c[1]) * (b[1] - d[1]) < 0:
            count += 1
    return count


def test_few_wires_cross(pictures):
    tree = [[f"t{k}", f"t{(k - 1) // 3}"] for k in range(1, 40)]
    assert [crossed(picture) for picture in drawn([tree, "right"])] == [0]
    assert sum(map(crossed, pictures)) <= 196


def test_operands_stand_in_their_order():
    rng = random.Random(3)
    trees = [[[f"t{k}", f"t{rng.randrange(k)}"] for k in range(1, 16)] for _ in range(20)]
    for tree in trees:
        rng.shuffle(tree)
    for tree, picture in zip(trees, drawn(*[[tree, "right"] for tree in trees]), strict=True):
        for head in {head for _, head in tree}:
            places = [picture["at"][tail][1] for tail, other in tree if other == head]
            assert places == sorted(places)


def test_down_is_right_turned(pictures):
    turned = drawn(*[[edges, "down", {key: size[::-1] for key, size in SIZES.items()}] for edges in GRAPHS])
    for picture, other in zip(pictures, turned, strict=True):
        assert other["size"] == picture["size"][::-1]
        assert {key: [y, x, h, w] for key, (x, y, w, h) in other["at"].items()} == picture["at"]
        for (path, _), (across, _) in zip(picture["lines"], other["lines"], strict=True):
            assert [point[::-1] for point in points(across)] == points(path)


def test_boxes_stand_as_near_to_where_they_would_be_as_the_others_let_them():
    """The least squares with an order and gaps, by the formula for isotonic regression: max of min of means."""
    rng = random.Random(5)
    cases = []
    for _ in range(60):
        count = rng.randint(1, 7)
        rank = [{"tall": rng.choice([2, 6, 11]), "bend": rng.random() < 0.4} for _ in range(count)]
        cases.append([rank, [rng.randint(-20, 20) for _ in range(count)]])
    result = node(
        f"{resource('layout.js')}const cases = {json.dumps(cases)};\n"
        "for (const [rank, wanted] of cases) spread(rank, wanted, (item) => item.tall, 4);\n"
        "const result = cases.map(([rank]) => rank.map((item) => item.y));"
    )
    for (rank, wanted), found in zip(cases, result, strict=True):
        offsets = [0.0]
        for one, two in itertools.pairwise(rank):
            offsets.append(offsets[-1] + (one["tall"] + two["tall"]) / 2 + 4)
        free = [w - o for w, o in zip(wanted, offsets, strict=True)]
        weights = [3 if item["bend"] else 1 for item in rank]

        def mean(a, b, free=free, weights=weights):
            return sum(f * w for f, w in zip(free[a:b], weights[a:b], strict=True)) / sum(weights[a:b])

        count = len(rank)
        expected = [
            max(min(mean(a, b) for b in range(j + 1, count + 1)) for a in range(j + 1)) + offsets[j]
            for j in range(count)
        ]
        assert [float(y) for y in found] == pytest.approx(expected)


@pytest.mark.parametrize(("between", "places"), [(50, 2), (51, 4)])
def test_where_a_label_can_stand(between, places):
    """On the curve, the best place first: lines of text, if there is room for four; then aside, in the picture."""
    gaps = {"beside": 60, "between": between}
    right, down = drawn([SUM, "right", {}, gaps], [SUM, "down", {}, gaps])
    assert right["spots"] == [[label] for _, label in right["lines"]]
    shares = [(0.4, 0.36), (0.6, 0.64), (0.22, 0.1), (0.78, 0.9)][:places]
    found, [width, _] = [], down["size"]
    for spots, (path, label) in zip(down["spots"], down["lines"], strict=True):
        (x0, _), (x1, _) = points(path)[0], points(path)[-1]
        assert spots[0] == label
        on_it = [(x0 + (x1 - x0) * across, 6 + between * along) for along, across in shares]
        beside = [(x + aside, y) for aside in (-20, 20) for x, y in on_it if 20 < x + aside < width - 20]
        assert [tuple(spot) for spot in spots] == [pytest.approx(spot, abs=1) for spot in on_it + beside]
        found.append(len(beside))
    assert max(found) > 0


# Where its boxes stand, the middle of each: a picture in a lecture's notes stays what it was.
WORKED_EXAMPLE = {
    "w1": [5, 3], "w2": [5, 13], "x1": [5, 23], "x2": [5, 33], "v14": [35, 17], "b1": [35, 27],
    "z1": [65, 24.7], "h1": [95, 29.7], "w3": [5, 43], "w4": [5, 53], "v17": [35, 37], "b2": [35, 47],
    "z2": [65, 41.3], "h2": [95, 39.7], "w5": [95, 9.7], "w6": [95, 19.7], "v20": [125, 24.1], "b3": [125, 34.1],
    "z3": [155, 31.3], "y1": [185, 34.7], "v23": [215, 37.5], "Error1": [245, 39.8], "v25": [275, 41.7],
    "w7": [95, 49.7],
    "w8": [95, 59.7], "v26": [125, 44.1], "b4": [125, 54.1], "z4": [155, 50.3], "y2": [185, 51.7], "v29": [215, 52.2],
    "Error2": [245, 52.2], "v31": [275, 51.7], "E": [305, 46.7],
}  # fmt: skip


def test_the_picture_of_the_worked_example():
    graph = nodes(worked_example()[1])
    name = {value: value.label or f"v{k}" for k, value in enumerate(graph)}
    edges = [[name[p], name[value]] for value in graph for p in value.parents if p in name]
    [found] = drawn([edges, "right"])
    assert {key: [round(x, 1) for x in box[:2]] for key, box in found["at"].items()} == WORKED_EXAMPLE
    assert found["size"] == pytest.approx([310, 62.73], abs=0.01)
