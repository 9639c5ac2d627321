"""The stage of the page: the camera, the map, the picture and the note, to the pixel."""

import math
import random
import re

import pytest

from tests.pages import SIZES, moons, sentence, worked_example
from tinygrad_edu import Value, explore
from tinygrad_edu.engine import local_derivatives, nodes, topological
from tinygrad_edu.nn import MLP

LEAST = 12 / 14  # of the scale: letters of 12 pixels


def small():
    a, b = Value(2.0, "a"), Value(-3.0, "b")
    y = a * b + 1.0
    y.label = "y"
    return y


def network():
    return MLP(2, [2, 1], activation="tanh", seed=1)


# The camera, on a stage and a picture of given sizes

MOCKED = """([width, height, w, h, x, y, scale]) => {
  stage = { width, height };
  drawn = { ...drawn, width: w, height: h };
  Object.assign(camera, { x, y, scale });
}"""


@pytest.mark.parametrize(
    ("sizes", "x", "y", "scale"),
    [
        ((1000, 656, 488, 600), 256, 44, 1),  # as high as there is room between the legend and the edge
        ((1000, 656, 976, 100), 12, 294, 1),  # as wide as there is
        ((1000, 656, 100, 100), 420, 264, 1.6),  # no larger than that
        ((640, 656, 100, 100), 240, 264, 1.6),
        ((400, 656, 100, 100), 232, 264, 1.6),  # on a phone at the right: all room on one side
        ((400, 356, 700, 700), 12, 44, LEAST),  # letters are never too small to read: it goes on beyond the stage
        ((1000, 356, 700, 700), 200, 44, LEAST),
        ((400, 856, 700, 700), 12, 144, LEAST),
        ((960, 1004, 1120, 1120), 0, 38, LEAST),  # as large as the stage to the pixel
    ],
)
def test_the_picture_is_fitted(desk_of_small, sizes, x, y, scale):
    page = desk_of_small
    page.evaluate(MOCKED, [*sizes, 0, 0, 3])
    found = page.evaluate("camera.fitted = false, fit(), [camera.x, camera.y, camera.scale, camera.fitted]")
    assert found == [pytest.approx(x), pytest.approx(y), pytest.approx(scale), True]
    transform = page.get_attribute("#world", "transform")
    assert [float(n) for n in re.findall(r"[\d.]+", transform)] == pytest.approx([x, y, scale], abs=0.051)
    assert transform.startswith("translate(") and " scale(" in transform


@pytest.mark.parametrize(
    ("before", "zoom", "after"),
    [
        ((100, 50, 1), (300, 200, 2), (-100, -100, 2)),  # what is under the pointer stays there
        ((100, 50, 1), (100, 50, 1.5), (100, 50, 1.5)),
        ((100, 50, 2), (300, 250, 10), (-100, -150, 4)),  # four times at most
        ((100, 50, 1), (100, 50, 0.1), (100, 50, LEAST)),
    ],
)
def test_zooming(desk_of_small, before, zoom, after):
    page = desk_of_small
    page.evaluate(MOCKED, [1000, 700, 600, 400, *before])
    found = page.evaluate(
        "zoom => { camera.fitted = true; zoomAt(...zoom); return [camera.x, camera.y, camera.scale, camera.fitted]; }",
        zoom,
    )
    assert found == [*map(pytest.approx, after), False]


@pytest.mark.parametrize(
    ("at", "kept"),
    [
        ((-5000, -6000), (60 - 600 * 1.5, 60 - 400 * 1.5)),
        ((5000, 6000), (1000 - 60, 700 - 60)),
        ((-839, -539), (-839, -539)),
        ((939, 639), (939, 639)),
    ],
)
def test_the_picture_never_leaves_the_stage(desk_of_small, at, kept):
    page = desk_of_small
    page.evaluate(MOCKED, [1000, 700, 600, 400, *at, 1.5])
    assert page.evaluate("apply(), [camera.x, camera.y]") == list(kept)


BOXES = """(at) => {
  drawn.boxes = new Map(at.map(([x, y, width, height], k) => [k, { x, y, width, height }]));
  window.boxesOf = (...ks) => ks;
}"""


def test_where_boxes_are_on_the_stage(desk_of_small):
    page = desk_of_small
    page.evaluate(MOCKED, [1000, 700, 600, 400, 30, 20, 2])
    page.evaluate(BOXES, [[50, 40, 20, 10], [100, 10, 40, 6]])
    assert page.evaluate("onStage([0])") == {"left": 110, "right": 150, "top": 90, "bottom": 110}
    assert page.evaluate("onStage([0, 1])") == {"left": 110, "right": 270, "top": 34, "bottom": 110}


@pytest.mark.parametrize(
    ("camera", "boxes", "kept"),
    [
        ((0, 0), [0], (0, 0)),
        ((-100, 0), [0], (16 - 90, 0)),  # as little as it takes, with a margin of 16
        ((0, -100), [0], (0, 16 - 85)),
        ((950, 0), [0], (1000 - 16 - 110, 0)),
        ((0, 650), [0], (0, 700 - 16 - 95)),
        ((-74, -69), [0], (-74, -69)),  # just in view
        ((874, 589), [0], (874, 589)),
        ((-1000, -1000), [0, 1], (16 - 90, 16 - 85)),
        ((0, 0), [2, 3], (16 - 700, 0)),  # where there is no room for both, the first of them
    ],
)
def test_boxes_are_brought_into_view(desk_of_small, camera, boxes, kept):
    page = desk_of_small
    page.evaluate(MOCKED, [1000, 700, 3000, 400, *camera, 1])
    page.evaluate(BOXES, [[100, 90, 20, 10], [500, 300, 20, 10], [750, 90, 100, 10], [2500, 90, 100, 10]])
    found = page.evaluate(
        "(boxes) => { const all = order; order = []; keepInView(boxes); order = all; return [camera.x, camera.y]; }",
        boxes,
    )
    assert found == list(kept)


def test_the_box_of_the_step_in_the_address_is_in_view(desk):
    y = Value(0.5, "a")
    for _ in range(40):
        y = y.tanh()
    page = desk.open(y, SIZES[0], "#step=2")
    box, area = page.evaluate("[onStage([steps[2].unit]), stage]")
    assert box["left"] >= 0 and box["right"] <= area["width"] and box["top"] >= 0 and box["bottom"] <= area["height"]
    assert page.evaluate("drawn.height * camera.scale") > 2 * area["height"]


def test_what_opens_is_brought_into_view(desk):
    page = desk.open(network(), {"width": 900, "height": 420}, data=[([1.0, -2.0], 0.5)])
    page.click("summary")
    page.select_option("#boxes", "layers")
    page.select_option("#detail", "2")
    page.evaluate("fit = () => Object.assign(camera, { x: -2000, y: -2000, scale: 4 })")  # far from all
    page.evaluate("openGroup('1')")
    box, area = page.evaluate("[onStage([units.find((unit) => unit.id === 'g1_1')]), stage]")
    assert box["left"] >= 0 and box["right"] <= area["width"]
    assert box["top"] >= 0 and box["bottom"] <= area["height"]


def test_the_note_goes_with_its_boxes(desk_of_small):
    page = desk_of_small
    found = page.evaluate(
        """() => {
          go(1);
          const places = [at("note").style.translate];
          for (const place of [() => zoomAt(0, 0, 2), placeNote]) {
            place();
            places.push(at("note").style.translate);
          }
          return places;
        }"""
    )
    assert found[0] != found[1] == found[2]


def test_the_map(desk_of_small):
    page = desk_of_small
    shapes = """() => [...at("map").children].map((r) => [r.getAttribute("class"),
      ...["x", "y", "width", "height"].map((key) => Number(r.getAttribute(key)))])"""
    page.evaluate("([w, h]) => { drawn = { ...drawn, width: w, height: h }; }", [2000, 400])
    page.evaluate(
        """() => {
          const [first, ...rest] = order;
          drawn.boxes = new Map([[first, { x: 1000, y: 200, width: 400, height: 100 }],
            ...rest.map((unit) => [unit, { x: 2, y: 2, width: 4, height: 4 }])]);
          stage = { width: 1000, height: 500 };
          Object.assign(camera, { x: -500, y: -100, scale: 2 });
          drawMap();
        }"""
    )
    assert page.is_visible("#map")
    assert page.evaluate("[at('map').getAttribute('width'), at('map').getAttribute('height')]") == ["150", "30"]
    found = page.evaluate(shapes)
    scale = 150 / 2000
    assert found[0][1:] == [800 * scale, 150 * scale, 400 * scale, 100 * scale]
    assert found[1][1:] == [0, 0, 2, 2]  # to be seen at all
    assert found[-1] == ["seen", 250 * scale, 50 * scale, 500 * scale, 250 * scale]
    assert [shape[0] for shape in found[:-1]] == page.evaluate(
        "order.map((unit) => document.getElementById(unit.id).getAttribute('class'))"
    )
    page.evaluate("drawn.width = 400; drawn.height = 2000; drawMap()")
    assert page.evaluate("[at('map').getAttribute('width'), at('map').getAttribute('height')]") == ["18", "90"]
    for width, height, hidden in ((500, 250, True), (500.5, 250.5, True), (501, 250, False), (500, 251, False)):
        page.evaluate("([w, h]) => { drawn.width = w; drawn.height = h; drawMap(); }", [width, height])
        assert page.is_hidden("#map") is hidden, (width, height)


def test_the_map_leads_to_the_place_that_is_pressed(desk):
    y = Value(0.5, "a")
    for k in range(40):
        y = y * 0.9 + 0.01 * k
    page = desk.open(y, SIZES[3])
    box = page.locator("#map").bounding_box()
    page.mouse.click(box["x"] + box["width"] * 0.25, box["y"] + box["height"] * 0.5)
    middle = page.evaluate(
        "[(stage.width / 2 - camera.x) / camera.scale / drawn.width, "
        "(stage.height / 2 - camera.y) / camera.scale / drawn.height, camera.fitted]"
    )
    assert middle == [pytest.approx(0.25, abs=0.02), pytest.approx(0.5, abs=0.03), False]


WHEEL = """([deltaY, deltaMode, x, y]) => {
  const box = at("stage").getBoundingClientRect(), before = { ...camera };
  const event = new WheelEvent("wheel", { deltaY, deltaMode, clientX: box.left + x, clientY: box.top + y,
    bubbles: true, cancelable: true });
  at("picture").dispatchEvent(event);
  const under = (camera) => [(x - camera.x) / camera.scale, (y - camera.y) / camera.scale];
  const kept = under(camera).map((there, k) => Math.abs(there - under(before)[k]) < 1e-9);
  return [camera.scale / before.scale, ...kept, event.defaultPrevented];
}"""


def test_the_wheel(desk_of_small):
    page = desk_of_small
    page.evaluate("Object.assign(camera, { x: 200, y: 150, scale: 1.2 })")
    assert page.evaluate(WHEEL, [-100, 0, 300, 200]) == [pytest.approx(math.exp(0.15)), True, True, True]
    assert page.evaluate(WHEEL, [100, 0, 300, 200]) == [pytest.approx(math.exp(-0.15)), True, True, True]
    assert page.evaluate(WHEEL, [-3, 1, 320, 220]) == [pytest.approx(math.exp(0.15)), True, True, True]  # lines


def test_a_double_click(desk_of_small):
    page = desk_of_small
    twice = """(on) => { const box = at("stage").getBoundingClientRect(), before = camera.scale;
      (on === "picture" ? at(on) : document.querySelector(on)).dispatchEvent(new MouseEvent("dblclick",
        { bubbles: true, clientX: box.left + 300, clientY: box.top + 200 }));
      return camera.scale / before; }"""
    page.evaluate("fit()")
    for on in (".box", "#note", "#closer"):
        assert page.evaluate(twice, on) == 1
    fitted = page.evaluate("({ ...camera })")
    assert page.evaluate(twice, "picture") == pytest.approx(1.8)
    assert page.evaluate("camera.x") == pytest.approx(300 - 1.8 * (300 - fitted["x"]))
    assert page.evaluate("camera.y") == pytest.approx(200 - 1.8 * (200 - fitted["y"]))
    page.evaluate(twice, "picture")
    assert page.evaluate("({ ...camera })") == fitted


def test_the_buttons_that_zoom_keep_the_middle(desk_of_small):
    page = desk_of_small
    page.evaluate("fit()")
    middle = "[(stage.width / 2 - camera.x) / camera.scale, (stage.height / 2 - camera.y) / camera.scale]"
    before, scale = page.evaluate(middle), page.evaluate("camera.scale")
    page.click("#closer")
    assert page.evaluate("camera.scale") == pytest.approx(1.25 * scale)
    page.click("#further")
    page.click("#further")
    assert page.evaluate("camera.scale") == pytest.approx(0.8 * scale)
    assert page.evaluate(middle) == pytest.approx(before)


def test_dragging(desk_of_small):
    page = desk_of_small
    page.evaluate("Object.assign(camera, { x: 100, y: 80, scale: 1, fitted: true }); go(0)")
    left, top = page.evaluate("(() => { const b = at('stage').getBoundingClientRect(); return [b.left, b.top]; })()")
    page.mouse.move(left + 700, top + 300)
    page.mouse.move(left + 750, top + 300)
    assert page.evaluate("[camera.x, camera.y]") == [100, 80]  # no button is down
    page.mouse.down()
    page.mouse.move(left + 752, top + 302)  # a hand that trembles drags nothing
    assert page.evaluate("[camera.x, camera.y, camera.fitted]") == [100, 80, True]
    page.mouse.move(left + 754, top + 300)
    assert page.evaluate("[camera.x, camera.y, camera.fitted]") == [104, 80, False]
    page.mouse.move(left + 755, top + 299)  # from then on each pixel counts
    assert page.evaluate("[camera.x, camera.y]") == [105, 79]
    page.mouse.up()
    page.mouse.move(left + 600, top + 200)
    assert page.evaluate("[camera.x, camera.y]") == [105, 79]
    box = page.evaluate("(() => { const b = at('note').getBoundingClientRect(); return [b.left + 8, b.top + 8]; })()")
    page.mouse.move(*box)
    page.mouse.down()
    page.mouse.move(box[0] + 40, box[1] + 40)
    page.mouse.up()
    assert page.evaluate("[camera.x, camera.y]") == [105, 79]  # in the note text is selected


FRAMES = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"

POINTERS = """
  (events) => {
    const area = at("stage"), { left, top } = area.getBoundingClientRect();
    area.setPointerCapture = () => {};
    for (const [kind, pointerId, x, y] of events)
      at("picture").dispatchEvent(new PointerEvent("pointer" + kind,
        { pointerId, clientX: left + x, clientY: top + y, bubbles: true }));
    delete area.setPointerCapture;
    return [camera.x, camera.y, camera.scale];
  }"""


@pytest.mark.parametrize(("scale", "x"), [(8, 110), (1, 100)], ids=["of the picture", "of the page, which it moves"])
def test_a_pointer_that_is_taken_away_drags_no_more(desk_of_small, scale, x):
    page = desk_of_small
    page.evaluate("(scale) => { Object.assign(camera, { x: 100, y: 80, scale }); apply(); }", scale)
    moved = [["down", 1, 500, 300], ["move", 1, 510, 300], ["cancel", 1, 510, 300], ["move", 1, 600, 400]]
    assert page.evaluate(POINTERS, moved) == [x, 80, scale]


def test_two_fingers_at_one_place(desk_of_small):
    page = desk_of_small
    page.evaluate("Object.assign(camera, { x: 100, y: 80, scale: 1 })")
    moved = [["down", 1, 500, 300], ["down", 2, 500, 300], ["move", 2, 500, 303], ["move", 2, 500, 304]]
    assert page.evaluate(POINTERS, moved)[2] == pytest.approx(4)  # as if they had been a pixel apart
    moved = [["move", 2, 500, 300], ["move", 2, 500, 300], ["up", 1, 500, 300], ["up", 2, 500, 300]]
    x, y, scale = page.evaluate(POINTERS, moved)
    assert math.isfinite(x) and math.isfinite(y) and scale == pytest.approx(1)


@pytest.mark.parametrize("style", ["display: none", "height: 0; border: 0", "width: 0; border: 0"])
def test_a_stage_that_is_not_shown_is_not_drawn_anew(desk_of_small, style):
    page = desk_of_small
    before = page.evaluate("({ ...stage })")
    page.evaluate("(style) => { at('stage').style.cssText = style; }", style)
    page.evaluate(FRAMES)
    assert page.evaluate("stage") == before
    page.evaluate("at('stage').style.cssText = ''")
    page.evaluate(FRAMES)


def test_a_box_that_is_reached_by_key_is_brought_into_view(desk):
    page = desk.open(small(), SIZES[3])
    page.keyboard.press("Tab")
    page.evaluate("zoomAt(0, 0, 4); Object.assign(camera, { x: -900, y: -900 }); apply()")
    before = page.evaluate("[camera.x, camera.y]")
    page.evaluate("document.getElementById('n0').focus({ preventScroll: true })")
    assert page.evaluate("[camera.x, camera.y]") != before
    box, area = page.locator("#n0").bounding_box(), page.locator("#stage").bounding_box()
    assert area["x"] <= box["x"] and area["y"] <= box["y"]
    page.evaluate("Object.assign(camera, { x: 0, y: 0 }); apply()")
    page.mouse.click(*page.evaluate("(() => { const b = at('n3').getBoundingClientRect(); return [b.x, b.y]; })()"))
    assert page.evaluate("[camera.x, camera.y]") == [0, 0]  # what is clicked is in view


@pytest.mark.parametrize(("wires", "told"), [(23, True), (24, False)])
def test_the_factors_of_the_ways_from_a_box_are_told_where_there_is_room(desk, wires, told):
    root = Value(0.5, "a")
    for _ in range(wires):
        root = root.sin()
    page = desk.open(root, SIZES[0])
    page.evaluate("at('detail').value = 1; redraw(); go(steps.length - 1); light(units[0])")
    assert page.evaluate("drawn.direction") == "down"
    active = page.evaluate("drawn.wire.get(steps[now].wire).text.textContent")
    texts = page.evaluate("wires.map((w) => drawn.wire.get(w).text.textContent)")
    assert active and (all(texts) if told else [t for t in texts if t] == [active])
    page.evaluate("light(null)")
    assert page.evaluate("wires.filter((w) => drawn.wire.get(w).text.textContent).length") == 1


def test_two_fingers_zoom_about_their_middle(desk_of_small):
    page = desk_of_small
    page.evaluate("Object.assign(camera, { x: 100, y: 80, scale: 1 }); go(0)")
    left, top = page.evaluate("(() => { const b = at('stage').getBoundingClientRect(); return [b.left, b.top]; })()")
    session = page.context.new_cdp_session(page)
    session.send("Emulation.setTouchEmulationEnabled", {"enabled": True, "maxTouchPoints": 2})

    def touch(kind, *points):
        fingers = [{"x": left + x, "y": top + y, "id": k} for k, (x, y) in enumerate(points)]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": fingers})

    touch("touchStart", (650, 300), (750, 300))
    for apart in range(5, 51, 5):
        touch("touchMove", (650 - apart, 300), (750 + apart, 300))
    page.evaluate(FRAMES)
    assert page.evaluate("camera.scale") == pytest.approx(2)
    x, y = page.evaluate("[camera.x, camera.y]")
    assert y == pytest.approx(300 - 2 * (300 - 80), abs=0.5)
    assert x == pytest.approx(700 - 2 * (700 - 100), abs=30)  # one finger after the other
    touch("touchMove", (650, 350), (850, 350))
    page.evaluate(FRAMES)
    touch("touchEnd")
    assert page.evaluate("[camera.x, camera.y]") == [pytest.approx(x + 50, abs=0.5), pytest.approx(y + 50, abs=0.5)]
    session.send("Emulation.setTouchEmulationEnabled", {"enabled": False})
    session.detach()


@pytest.mark.parametrize("zoomed", [False, True])
def test_a_finger_moves_the_page_where_the_whole_picture_is_seen_and_else_the_picture(browser, tmp_path, zoomed):
    explore(worked_example()[1], tmp_path / "page.html")
    page = browser.new_page(viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True)
    page.goto((tmp_path / "page.html").as_uri())
    page.evaluate("zoomAt(100, 100, zoomed ? 3 : 1)".replace("zoomed", str(zoomed).lower()))
    page.evaluate(FRAMES)
    before = page.evaluate("camera.y")
    session = page.context.new_cdp_session(page)
    session.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [{"x": 60, "y": 500}]})
    for k in range(1, 16):
        session.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [{"x": 60, "y": 500 - 14 * k}]})
        page.evaluate(FRAMES)
    session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    if zoomed:
        assert page.evaluate("scrollY") == 0 and page.evaluate("camera.y") < before - 100
    else:
        page.wait_for_function("scrollY > 100")
        assert page.evaluate("camera.y") == before
    page.close()


@pytest.mark.parametrize(("width", "height"), [(740, 360), (640, 360), (844, 390), (1280, 720), (360, 740)])
def test_next_is_in_sight_without_scrolling(desk, width, height):
    page = desk.open(worked_example()[1], {"width": width, "height": height})
    box = page.locator("#next").bounding_box()
    assert box["y"] + box["height"] <= height


def test_on_a_phone_the_paths_of_a_box_stand_below_the_picture(desk):
    page = desk.open(worked_example()[1], {"width": 360, "height": 740})
    page.evaluate("go(0)")
    places = "(ids) => ids.map((id) => at(id).closest('section').getBoundingClientRect().top)"
    picture, paths, training = page.evaluate(places, ["stage", "paths", "curve"])
    assert picture < paths < training


def test_a_stage_of_another_size_is_drawn_anew(desk):
    page = desk.open(small(), SIZES[3])
    page.evaluate("zoomAt(0, 0, 2)")
    for width, height in ((800, 1000), (1920, 1080), (1800, 1080), (1800, 900)):  # one of the two is enough
        page.set_viewport_size({"width": width, "height": height})
        page.evaluate(FRAMES)
        assert page.evaluate("[stage.width, stage.height]") == page.evaluate(
            "[at('stage').clientWidth, at('stage').clientHeight]"
        )
        assert page.evaluate("camera.fitted")


# Which detail is drawn, and in which direction


@pytest.mark.parametrize("size", SIZES[::2], ids=lambda size: str(size["width"]))
def test_the_richest_picture_that_can_be_read_is_drawn(desk, size):
    network = MLP(2, [16, 16, 1], activation="tanh", seed=1)
    for root, options in ((small(), {}), (worked_example()[1], {}), (network, {"data": moons(4)})):
        page = desk.open(root, size, **options)
        scale = """(detail) => {
          const scales = ["right", "down"].map((direction) =>
            fitting(layout(order, wires, direction, (unit) => sizeOf(unit, detail), gapsOf(detail))));
          return scales[1] > scales[0] ? ["down", scales[1]] : ["right", scales[0]]; }"""
        detail, direction = page.evaluate("[drawn.detail, drawn.direction]")
        found = [page.evaluate(scale, k) for k in range(3)]
        assert direction == found[detail][0]
        readable = [k for k in range(3) if found[k][1] >= LEAST and (k < 2 or page.evaluate("wires.length") < 100)]
        assert detail == max(readable, default=0)
        for choice in (0, 1, 2):
            page.evaluate("(choice) => { at('detail').value = choice; redraw(); }", str(choice))
            assert page.evaluate("[drawn.detail, drawn.direction]") == [choice, found[choice][0]]


def test_numbers_stand_in_a_picture_that_is_moved_in_one_direction_only(desk):
    root = Value(0.5, "a")
    for _ in range(60):
        root = root.sin()
    page = desk.open(root, SIZES[3])
    assert page.evaluate("[viewIn(0).scale < LEAST / TEXT, drawn.detail]") == [True, 1]
    wide = [Value(k / 30, f"w{k}") for k in range(30)]
    y = wide[0]
    for w in wide:
        y = y * w + w.sin()
    page = desk.open(y, {"width": 360, "height": 500})
    both = "[fittingWidth(viewIn(1).laidOut.width), fittingHeight(viewIn(1).laidOut.height)]"
    assert max(page.evaluate(both)) < LEAST
    assert page.evaluate("drawn.detail") == 0


def test_the_gaps_of_a_picture(desk_of_small):
    gaps = "[0, 1, 2].map((detail) => Object.values(gapsOf(detail)))"
    assert desk_of_small.evaluate(gaps) == [[9, 26], [12, 30], [14, 66]]
    many = f"(n) => {{ const all = wires; wires = {{ length: n }}; const found = {gaps}; wires = all; return found; }}"
    assert desk_of_small.evaluate(many, 99) == [[9, 26], [12, 30], [14, 66]]
    assert desk_of_small.evaluate(many, 100) == [[8, 84]] * 3


def test_the_sizes_of_boxes(desk):
    a, long = Value(2.0, "a"), Value(1.0, "a_name_of_many_letters")
    page = desk.open((a * long + 0.5).exp())
    found = page.evaluate(
        """units.map((unit) => {
          const name = shortName(unit.name), symbol = symbolOf(unit);
          const title = textWidth(name, "italic") + (symbol ? textWidth(symbol, "bold") + 7 : 0);
          const number = textWidth("−0.005555");
          return { name, least: [Math.max(38, Math.ceil(title) + 14), 28],
            full: [Math.max(Math.ceil(number) + 12, Math.ceil(title) + 16), 62],
            sizes: [0, 1, 2].map((detail) => Object.values(sizeOf(unit, detail))), title }; })"""
    )
    assert [unit["name"] for unit in found][:2] == ["a", "a_name_of_m…"]
    label = page.locator("label[for=slider1]")
    assert [label.inner_text(), label.get_attribute("title")] == ["a_name_of_m…", "a_name_of_many_letters"]
    for unit in found:
        assert unit["sizes"] == [unit["least"], unit["full"], unit["full"]]
    assert page.evaluate("['abcdefghijkl', 'abcdefghijklm'].map(shortName)") == ["abcdefghijkl", "abcdefghijk…"]
    assert page.evaluate("textWidth('mmm', 'bold') > textWidth('mmm')")
    assert page.evaluate("measure.font") in ("14px Helvetica, Arial, sans-serif",)


def test_the_signs_of_operations(desk):
    a = Value(2.0, "a")
    root = a**2 + a**10 + a**0 + a**-1 + a**0.5 + a * a + (-a)
    page = desk.open(root)
    assert page.evaluate("units.map((unit) => [nodes[unit.node].op ?? '', symbolOf(unit)])") == [
        [node["op"], {2: "x²", 10: "x¹⁰", 0: "x⁰"}.get(node["power"], node["symbol"])]
        for node in page.evaluate(
            "nodes.map((n) => ({ op: n.op ?? '', symbol: n.symbol ?? '', "
            "power: n.op === 'pow' ? n.constants[1] : null }))"
        )
    ]


# A box, a wire, and what is written on them


def test_a_box_as_it_is_drawn(desk):
    page = desk.open(small(), SIZES[3])
    page.click("#last")
    width = page.evaluate("sizeOf(unitOf[root], 2).width")
    x, y = page.evaluate("[drawn.boxes.get(unitOf[root]).x, drawn.boxes.get(unitOf[root]).y]")
    w = f"{width / 2:g}"
    assert page.evaluate("document.getElementById(unitOf[root].id).outerHTML") == (
        f'<g id="n3" class="box operation reached has-grad" transform="translate({x:g},{y:g})" tabindex="0" '
        'role="button" aria-label="y, add of v₁, 1, data −5, grad 1" aria-pressed="false">'
        f'<rect x="-{w}" y="-31" width="{width}" height="62" rx="5" class="back"></rect>'
        '<text x="0" y="-14" class="title"><tspan class="symbol">+</tspan> <tspan class="name">y</tspan></text>'
        f'<line x1="-{w}" x2="{w}" y1="-8" y2="-8" class="rule"></line>'
        '<text x="0" y="5" class="data">−5</text><text x="0" y="23" class="grad">1</text></g>'
    )
    assert page.evaluate(
        """wires.every((w) => { const { text } = drawn.wire.get(w), { x, y } = drawn.paths.get(w).label;
          return text.getAttribute("x") === String(x) && text.getAttribute("y") === String(y + 4); })"""
    )
    page.select_option("#detail", "0")
    width = page.evaluate("sizeOf(unitOf[0], 0).width")
    assert re.sub(r' (transform|id)="[^"]*"', "", page.evaluate("document.getElementById('n0').outerHTML")) == (
        '<g class="box parameter reached has-grad" tabindex="0" role="button" '
        'aria-label="a, leaf, moved by descent, data 2, grad −3" aria-pressed="false">'
        f'<rect x="-{width / 2:g}" y="-14" width="{width}" height="28" rx="5" class="back"></rect>'
        '<text x="0" y="5" class="title"><tspan class="name">a</tspan></text></g>'
    )


def test_closed_boxes_as_they_are_drawn(desk):
    page = desk.open(network(), SIZES[3], data=[([1.0, -2.0], 0.5)])
    boxes = "[...document.querySelectorAll('.box.closed')].map((b) => [b.id, b.getAttribute('aria-label'), "
    boxes += "b.getAttribute('aria-expanded'), b.querySelector('rect').getAttribute('rx')])"
    page.select_option("#boxes", "layers")
    assert page.evaluate(boxes) == [
        ["g1", "layer 1, closed, 2 outputs. Press to open.", "false", "12"],
        ["g2", "y, layer 2, closed, data not computed yet, grad not computed yet. Press to open.", "false", "12"],
    ]
    page.click("#last")
    data, grad = page.evaluate(
        "[shown(v[unitOf[root].main] && v[units.find(u => u.id === 'g2').main]), "
        "shown(grad[units.find(u => u.id === 'g2').main])]"
    )
    assert page.evaluate(boxes)[1][1] == f"y, layer 2, closed, data {data}, grad {grad}. Press to open."
    assert page.evaluate("document.querySelector('#g1 .data').textContent") == "2 outputs"
    assert page.evaluate("document.querySelector('#g1 .grad').textContent") == ""
    page.focus("#g1")
    page.keyboard.press(" ")
    assert page.evaluate("document.activeElement.id") == "g1_1"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id !== 'g1_1' && document.activeElement.matches('.box')")
    assert page.evaluate("[...closed]") == ["1.2", "2.1", "2"]
    page.keyboard.press("a")
    assert page.evaluate("[...closed]") == ["1.2", "2.1", "2"]
    prevented = "(key) => !drawn.unit.get(units[0]).group.dispatchEvent(new KeyboardEvent('keydown', "
    prevented += "{ key, cancelable: true }))"  # a space would scroll
    assert [page.evaluate(prevented, key) for key in (" ", "Enter", "a", "Tab")] == [True, True, False, False]


def local(root):
    place = {node: k for k, node in enumerate(nodes(root))}
    for node in place:
        node.grad = 0.0
    root.backward()
    return {
        f"en{place[node]}_{j}": partial
        for node in topological(root)
        for j, (_, _, partial) in enumerate(local_derivatives(node))
    }, {
        f"en{place[node]}_{j}": node.grad * partial
        for node in topological(root)
        for j, (_, _, partial) in enumerate(local_derivatives(node))
    }


def test_the_width_and_colour_of_a_wire_are_its_contribution(desk):
    from tinygrad_edu.show.numbers import shown

    _, root = worked_example()
    page = desk.open(root)
    wires = "Object.fromEntries([...document.querySelectorAll('.wire')].map((w) => [w.id, [w.style.strokeWidth, "
    wires += "w.classList.contains('positive'), w.classList.contains('negative')]]))"
    assert {tuple(x) for x in page.evaluate(wires).values()} == {("", False, False)}
    page.click("#last")
    factors, contributions = local(root)
    largest = max(map(abs, contributions.values()))
    expected = {
        key: [f"{1 + 3.5 * abs(x) / largest:.1f}".removesuffix(".0"), x > 0, x < 0] for key, x in contributions.items()
    }
    expected[page.evaluate("steps[now].wire.id")][0] = ""  # it is as wide as the style says
    assert page.evaluate(wires) == expected
    texts = page.evaluate("wires.map((w) => [w.id, drawn.wire.get(w).text.textContent])")
    if page.evaluate("drawn.detail") == 2:
        assert dict(texts) == {key: "×" + shown(x, 3) for key, x in factors.items()}
    page.select_option("#lines", "plain")
    assert {tuple(x) for x in page.evaluate(wires).values()} == {("", False, False)}


def test_lines_of_a_closed_network_are_its_weights_and_their_gradients(desk):
    page = desk.open(network(), SIZES[3], data=[([1.0, -2.0], 0.5)])
    page.select_option("#boxes", "neurons")
    for choice, numbers in (("weights", "v"), ("gradients", "grad")):
        page.select_option("#lines", choice)
        found = page.evaluate(
            f"""wires.map((w) => {{ const weight = name(weightOf(w) ?? root), line = drawn.wire.get(w).line;
              const number = weightOf(w) === null ? null : {numbers}[weightOf(w)];
              return [w.tail.name + " " + w.head.name, weight, number,
                line.style.strokeWidth, ...["positive", "negative"].map((c) => line.classList.contains(c))]; }})"""
        )
        named = {path: weight for path, weight, *_ in found}
        assert {key: named[key] for key in ("x₁ h₁", "x₂ h₁", "x₁ h₂", "x₂ h₂", "h₁ y", "h₂ y")} == {
            "x₁ h₁": "w₁",
            "x₂ h₁": "w₂",
            "x₁ h₂": "w₃",
            "x₂ h₂": "w₄",
            "h₁ y": "w₅",
            "h₂ y": "w₆",
        }
        largest = max(abs(x) for _, _, x, *_ in found if x is not None)
        for _, _, x, width, positive, negative in found:
            if x is None:
                assert (width, positive, negative) == ("", False, False)
            else:
                assert float(width) == pytest.approx(1 + 3.5 * abs(x) / largest, abs=0.051)
                assert (positive, negative) == (x > 0, x < 0)


@pytest.mark.parametrize(("count", "dense"), [(99, False), (100, True)])
def test_from_a_hundred_lines_on_they_are_thin_and_without_numbers(desk, count, dense):
    root = Value(0.1, "a")
    for _ in range(count):
        root = root.sin()
    page = desk.open(root)
    page.select_option("#detail", "2")
    page.click("#last")
    assert page.evaluate("[wires.length, at('picture').classList.contains('dense')]") == [count, dense]
    widths = page.evaluate("wires.map((w) => Number(drawn.wire.get(w).line.style.strokeWidth))")
    assert max(widths) == (2.7 if dense else 4.5)
    others = page.evaluate(
        "order.length + ['legend', 'zoom', 'map'].filter((id) => !at(id).hasAttribute('hidden')).length"
    )
    assert page.evaluate("obstacles([]).length") == others + (0 if dense else count)
    page.evaluate("at('detail').value = 'auto'; stage = { width: 20000, height: 9000 }")  # room for all
    assert page.evaluate("bestView().detail") == (1 if dense else 2)


@pytest.mark.parametrize("count", [60, 120])
def test_the_line_of_the_step_can_be_seen_whatever_it_carries(desk, count):
    root = Value(0.9, "a")
    for _ in range(count):
        root = (root * 0.5).tanh()
    page = desk.open(root, SIZES[3])
    page.click("#last")
    style = "getComputedStyle(drawn.wire.get(steps[now].wire).line)"
    assert page.evaluate(f"[{style}.strokeWidth, {style}.opacity]") == ["4px", "1"]


def test_a_click_on_a_line_shows_its_weight(desk):
    page = desk.open(network(), SIZES[3], data=[([1.0, -2.0], 0.5)])
    page.select_option("#boxes", "neurons")
    click = "([tail, head]) => { const w = wires.find((w) => w.tail.name === tail && w.head.name === head);"
    click += "drawn.wire.get(w).line.dispatchEvent(new MouseEvent('click')); return pinned; }"
    assert page.evaluate(click, ["x₁", "h₁"]) == 0  # w₁, the first node of all
    assert page.evaluate(click, ["y", "v₄"]) == 0  # it carries none: what is kept stays so
    assert page.evaluate(click, ["x₁", "h₁"]) is None


def test_a_line_that_stands_for_several_is_lit_where_one_of_them_is_on_the_way(desk):
    page = desk.open(network(), SIZES[3], data=[([1.0, -2.0], 0.5)])
    page.select_option("#boxes", "layers")
    page.evaluate("lit = nodes.findIndex((n) => n.name === 'h₁'); paintPicture()")
    lit = page.evaluate("wires.filter((w) => drawn.wire.get(w).line.classList.contains('lit')).map((w) => w.tail.name)")
    assert lit[0] == "layer 1" and "x₁" not in lit


def test_many_lines_are_thin(desk):
    page = desk.open(MLP(2, [10, 10, 1], seed=1), data=moons(2))
    found = page.evaluate(
        "wires.map((w) => [weightOf(w) === null ? null : v[weightOf(w)], drawn.wire.get(w).line.style.strokeWidth])"
    )
    largest = max(abs(x) for x, _ in found if x is not None)
    assert len(found) >= 100
    for x, width in found:
        assert width == "" if x is None else float(width) == pytest.approx(0.3 + 2.4 * abs(x) / largest, abs=0.051)
    assert page.evaluate("at('picture').classList.contains('dense')")


def test_the_factor_through_a_closed_neuron(desk):
    page = desk.open(network(), SIZES[4], data=[([1.0, -2.0], 0.5)])
    page.select_option("#boxes", "neurons")
    page.select_option("#detail", "2")
    page.click("#last")
    found = page.evaluate(
        """(() => { const w = wires.find((w) => w.tail.name === "h₁" && w.head.name === "y");
          const y = w.head.main, h = w.tail.main, text = drawn.wire.get(w).text.textContent;
          return [factorOn(w), grad[h] / grad[y], text]; })()"""
    )
    assert found[0] == pytest.approx(found[1])
    assert found[2].startswith("×")
    page.evaluate("grad.fill(0)")
    assert page.evaluate("wires.filter((w) => w.head.node === null).map(factorOn)") == [None] * 6  # 0/0
    page.select_option("#boxes", "layers")
    assert page.evaluate("wires.filter((w) => w.head.id === 'g1').map(factorOn)") == [None, None]
    assert page.evaluate("wires.filter((w) => w.head.id === 'g2').map(factorOn)") == [None]  # two operands in one line
    page.evaluate("compute(); paintPicture()")
    labelled = page.evaluate("wires.map((w) => drawn.wire.get(w).text.textContent !== '')")
    assert labelled[0] is False and any(labelled)  # what is not labelled, the note may hide
    assert page.evaluate("obstacles([]).length - order.length") == sum(labelled) + 2


# The note


def test_the_spots_where_a_note_may_stand(desk_of_small):
    page = desk_of_small
    page.evaluate("stage = { width: 1000, height: 600 }")
    found = page.evaluate("spots({ left: 300, right: 400, top: 200, bottom: 250 }, 80, 40)")
    assert found[:12] == [
        [310, 264], [310, 146],  # below and above, in the middle, at the left, at the right
        [300, 264], [300, 146],
        [320, 264], [320, 146],
        [414, 205], [206, 205],  # right and left of it
        [414, 200], [206, 200],
        [414, 210], [206, 210],
    ]  # fmt: skip
    assert found[12:] == [[8 + a / 16 * 904, pytest.approx(8 + b / 20 * 544)] for a in range(17) for b in range(21)]
    close = page.evaluate("spots({ left: 0, right: 990, top: 0, bottom: 590 }, 80, 40)")
    assert all(8 <= x <= 912 and 8 <= y <= 552 for x, y in close)
    wide = page.evaluate("spots({ left: 300, right: 400, top: 200, bottom: 250 }, 2000, 4000)")
    assert {tuple(spot) for spot in wide} == {(8, 8)}  # its beginning is in view


PLACED = """([near, boxes, asked, wide, step]) => {
  const [about, hidden] = [onStage, obstacles];
  const box = ([left, right, top, bottom]) => ({ left, right, top, bottom });
  stage = { width: wide, height: 600 };
  go(step);
  onStage = () => box(near);
  obstacles = () => boxes.map(([weight, ...at]) => ({ ...box(at), weight }));
  Object.assign(at("note").style, { width: "200px", height: "80px" });
  asking = asked;
  placeNote();
  asking = null;
  [onStage, obstacles] = [about, hidden];
  const { translate, maxWidth } = at("note").style;
  Object.assign(at("note").style, { width: "", height: "" });
  return [translate, maxWidth, [200, 165, 140].map((width) => spots(box(near), Math.min(width, wide - 16), 80))];
}"""


def best(near, boxes, spots, asked, wide):
    """The place and width of a note of 200 × 80 that hides the least, weighted, is near and not narrow."""
    found = None
    for narrower, most in enumerate((440, 250, 200, 165, 140)):
        if found and (found[1] == 0 or most > wide or (asked and most < 250)):
            break
        width = min(200, most, wide - 16)
        for x, y in spots[{165: 1, 140: 2}.get(most, 0)]:
            hides = 0
            for weight, left, right, top, bottom in boxes:
                across = min(x + width, right + 6) - max(x, left - 6)
                along = min(y + 80, bottom + 6) - max(y, top - 6)
                hides += weight * across * along if min(across, along) > 0 else 0
            away = math.hypot(max(0, near[0] - x - width, x - near[1]), max(0, near[2] - y - 80, y - near[3]))
            centre = math.hypot(x + width / 2 - (near[0] + near[1]) / 2, y + 40 - (near[2] + near[3]) / 2)
            cost = hides + 12 * away + 2 * centre + 600 * narrower
            if not found or cost < found[0]:
                found = (cost, hides, x, y, min(most, wide - 16))
    return found


def test_the_note_stands_where_it_hides_the_least_near_its_boxes(desk_of_small):
    rng = random.Random(4)
    near, own = [450, 550, 200, 250], (400, 450, 550, 200, 250)
    cases = [[], [(20, 0, 1000, 260, 600)], [(400, 0, 500, 0, 600), (20, 500, 1000, 0, 600)]]
    for _ in range(25):
        corners = [(rng.randint(0, 900), rng.randint(0, 500)) for _ in range(rng.randint(2, 14))]
        walls = [
            (rng.choice([4, 20, 100]), x, x + 100 * rng.randint(1, 5), y, y + 90 * rng.randint(1, 4))
            for x, y in corners
        ]
        cases.append(walls)
    widths = set()
    for k, walls in enumerate(cases):
        boxes, asked, wide = [own, *walls], k % 4 == 3, (1000, 1000, 1000, 190, 250)[k % 5]
        at_start = k % 6 == 5  # when it speaks of no box
        about = [8, 8, 44, 44] if at_start else near
        place, width, spots = desk_of_small.evaluate(PLACED, [about, boxes, asked, wide, 0 if at_start else 1])
        _, _, x, y, most = best(about, boxes, spots, asked, wide)
        assert place == f"{math.floor(x + 0.5)}px {math.floor(y + 0.5)}px"
        assert width == f"{most}px"
        widths.add(most)
    assert len(widths) >= 2  # narrower where that hides less
    for near in ([532, 687, 219, 396], [443, 491, 260, 331]):  # below, and at the right: by a pixel nearer than another
        boxes = [(400, *near)]
        place, _, spots = desk_of_small.evaluate(PLACED, [near, boxes, False, 1000, 1])
        _, _, x, y, _ = best(near, boxes, spots, False, 1000)
        assert place == f"{math.floor(x + 0.5)}px {math.floor(y + 0.5)}px"


LABELS = """[...document.querySelectorAll(".factor")].filter((text) => text.textContent).map((text) => {
  const { left, right, top, bottom } = text.getBoundingClientRect();
  return [text.textContent, left, right, top, bottom, text.classList.contains("now")]; })"""


@pytest.mark.parametrize(("width", "fewest"), [(800, 26), (360, 10)])
def test_what_is_written_on_the_wires_does_not_overlap(desk, width, fewest):
    y = MLP(3, [4, 4, 2], activation="tanh", seed=1)([Value(0.3, "x1"), Value(0.7, "x2"), Value(-0.2, "x3")])
    page = desk.open(y[0] * y[1], {"width": width, "height": 1000})
    page.evaluate("at('detail').value = '2', at('detail').dispatchEvent(new Event('change'))")  # on a phone in a menu
    for step in ("go(steps.length - 1)", "light(order[0])", "go(steps.length - 5)"):
        page.evaluate(step)
        labels = page.evaluate(LABELS)
        assert len(labels) >= fewest and [now for *_, now in labels].count(True) == 1
        for j, (_, left, right, top, bottom, _) in enumerate(labels):
            for _, x0, x1, y0, y1, _ in labels[:j]:
                across, along = min(right, x1) - max(left, x0), min(bottom, y1) - max(top, y0)
                assert across <= 0 or along <= (bottom - top) / 3, "letters are lower than their lines"


@pytest.mark.parametrize("leaf", ["x₁", "x₂"])
def test_on_a_phone_every_factor_is_told_where_four_lines_meet(desk, leaf):
    page = desk.open(worked_example()[1], {"width": 360, "height": 740})
    assert page.evaluate("drawn.direction") == "down"
    page.evaluate("(leaf) => { go(steps.length - 1); light(order.find((u) => u.name === leaf)); }", leaf)
    texts = page.evaluate("[...wiresAbove(lit)].map((wire) => drawn.wire.get(wire).text.textContent)")
    assert len(texts) == 14 and all(texts)


LABELLED = """([direction, texts, given]) => {
  const before = [drawn, textWidth];
  textWidth = (text, style) => (style === "bold" ? 6 * text.length : 0);
  const spots = ([x, y]) => ({ x, y });
  drawn = { direction, paths: new Map(given.map((places, k) => [k, { labels: places.map(spots) }])) };
  const labels = given.map((_, wire) => ({ wire, text: svg("text", {}, texts[wire]) }));
  placeLabels(labels);
  const found = labels.map(({ wire, text }) => [text.textContent, ...["x", "y"].map((key) => text.getAttribute(key)),
    drawn.paths.get(wire).label ?? null]);
  [drawn, textWidth] = before;
  return found;
}"""


@pytest.mark.parametrize(("direction", "beside"), [("right", 128), ("down", 122)])  # from its beginning, its middle
def test_each_label_stands_where_it_overlaps_none_before_it(desk_of_small, direction, beside):
    """It is 4 pixels wider than its letters, of 6, and 12 high; one without a place is left out."""
    places = [
        [[100, 50], [0, 0]],
        [[127, 50], [128, 50]],  # to the right of the first
        [[73, 50], [72, 50]],
        [[100, 61], [100, 62]],  # below it
        [[100, 39], [100, 38]],
        [[100, 50], [128, 61]],
        [[300, 50], [0, 0]],
        [[100, 200]],
        [[beside - 1, 200], [beside, 200]],
    ]
    texts = ["abcd"] * 8 + ["ab"]
    found = desk_of_small.evaluate(LABELLED, [direction, texts, places])
    chosen = [(100, 50), (128, 50), (72, 50), (100, 62), (100, 38), None, (300, 50), (100, 200), (beside, 200)]
    for text, spot, label in zip(texts, chosen, found, strict=True):
        x, y = spot or (None, None)
        assert label == (["", None, None, None] if spot is None else [text, str(x), str(y + 4), {"x": x, "y": y}])


def test_the_label_of_the_step_has_the_first_choice_of_places_then_those_that_are_lit(desk):
    page = desk.open(worked_example()[1])
    page.select_option("#detail", "2")
    page.evaluate("go(steps.length - 1); light(unitOf[nodes.findIndex((n) => n.name === 'w₁')])")
    found = page.evaluate(
        """() => {
          const all = placeLabels, found = [];
          placeLabels = (labels) => found.push(...labels.map(({ wire, first }) => [first, wire === steps[now].wire,
            wiresAbove(lit).has(wire)]));
          paintPicture();
          placeLabels = all;
          return found;
        }"""
    )
    assert found == sorted(found, key=lambda label: -label[0])
    assert [first for first, *_ in found] == [2 if now else int(lit) for _, now, lit in found]
    assert {first for first, *_ in found} == {0, 1, 2}


@pytest.mark.parametrize("width", [360, 1280])
def test_six_digits_fit_in_the_field_of_a_number(desk, width):
    page = desk.open(network()([Value(2.0, "x1"), Value(-0.000731272, "x2")]), {"width": width, "height": 900})
    found = page.evaluate(
        "[...document.querySelectorAll('.leaf [type=number]')].map((e) => [e.value, e.scrollWidth - e.clientWidth])"
    )
    assert ["-0.000731272", 0] in found and {beyond for _, beyond in found} == {0}


BEYOND = """steps.map((_, step) => step).filter((step) => {
  go(step);
  return at("sentence").scrollWidth > at("sentence").clientWidth;
})"""


def test_a_long_name_is_cut_in_a_formula_as_in_its_box_and_stays_in_the_note(desk):
    a, b = Value(0.3, "learning rate of the first layer"), Value(0.5, "target")
    root = a.tanh() - b
    root.label = "mean squared error over the batch"
    page = desk.open(root, {"width": 360, "height": 740})
    page.evaluate("go(steps.length - 1)")
    assert "∂mean square…/∂learning ra…" in page.evaluate("explained(steps[steps.length - 1]).map(plain).join()")
    assert page.evaluate(BEYOND) == []


def test_formulas_stay_in_a_narrow_note(desk):
    assert desk.open(worked_example()[1], {"width": 390, "height": 844}).evaluate(BEYOND) == []


def test_the_letters_of_a_formula_come_from_one_font(desk):
    """The italic h has no place among the other italic letters in Unicode, and may be missing in their font."""
    page = desk.open(worked_example()[1])
    page.evaluate("go(40); pin(0)")
    assert "h₂" in sentence(page)
    session = page.context.new_cdp_session(page)
    session.send("DOM.enable")
    session.send("CSS.enable")
    top = session.send("DOM.getDocument")["root"]["nodeId"]
    letters = session.send("DOM.querySelectorAll", {"nodeId": top, "selector": "mi"})["nodeIds"]
    found = [session.send("CSS.getPlatformFontsForNode", {"nodeId": letter})["fonts"] for letter in letters]
    assert len(letters) > 10 and len({font["familyName"] for fonts in found for font in fonts}) == 1


def test_what_a_note_should_not_hide(desk):
    page = desk.open(small(), SIZES[3])
    page.select_option("#detail", "2")
    page.click("#last")
    found = page.evaluate("obstacles([units[0]])")
    boxes = page.evaluate("order.map((unit) => ({ ...onStage([unit]), weight: 20 }))")
    about = page.evaluate("[order.indexOf(units[0]), order.indexOf(unitOf[root])]")
    for k in about:
        boxes[k]["weight"] = 400
    assert found[: len(boxes)] == boxes
    labels = page.evaluate(
        """wires.map((wire) => {
          const { x, y } = drawn.paths.get(wire).label, half = drawn.direction === "right" ? 0 : 24;
          const left = camera.x + (x - half) * camera.scale, top = camera.y + (y - 9) * camera.scale;
          return { left, right: left + 48 * camera.scale, top, bottom: top + 18 * camera.scale,
            weight: wire === steps[now].wire ? 100 : 4 }; })"""
    )
    assert found[len(boxes) : len(boxes) + len(labels)] == labels
    assert [label["weight"] for label in labels].count(100) == 1
    around = page.locator("#stage").bounding_box()
    for name, obstacle in zip(("legend", "zoom"), found[len(boxes) + len(labels) :], strict=True):
        box = page.locator(f"#{name}").bounding_box()
        border = page.evaluate("at('stage').clientLeft")
        assert obstacle["weight"] == 30
        assert obstacle["left"] == pytest.approx(box["x"] - around["x"] - border)
        assert obstacle["top"] == pytest.approx(box["y"] - around["y"] - border)
        assert obstacle["right"] - obstacle["left"] == pytest.approx(box["width"])
        assert obstacle["bottom"] - obstacle["top"] == pytest.approx(box["height"])
    page.evaluate("go(0)")
    assert len(page.evaluate("obstacles([])")) == len(boxes) + 2  # nothing is written on the wires yet
    page.evaluate("zoomAt(0, 0, 4)")
    assert len(page.evaluate("obstacles([])")) == len(boxes) + 3  # the map


@pytest.fixture
def desk_of_small(tab):
    """A page that each test may spoil: what it has drawn is as at first again at the end."""
    if tab.page.title() != "small":
        tab.open(small(), SIZES[3], title="small")
        tab.page.evaluate("window.first = { camera: { ...camera }, stage, drawn }")
    tab.said.clear()
    yield tab.page
    tab.page.evaluate("stage = first.stage; drawn = first.drawn; Object.assign(camera, first.camera); go(0)")
    assert tab.said == []


ON_PAPER = """() => {
  document.body.style.width = "720px";  // of A4; in one go, so that nothing is laid out anew, as a browser prints
  window.dispatchEvent(new Event("beforeprint"));
  const place = (element) => element.getBoundingClientRect().toJSON(),
    places = (selector) => [...document.querySelectorAll(selector)].map(place);
  const hidden = places("#legend, #held, #zoom, #paths, .transport").every(({ width }) => width === 0);
  return { stage: place(at("stage")), boxes: places("#picture .box"), note: place(at("sentence")), hidden };
}"""


@pytest.mark.parametrize("size", [(1280, 720), (360, 740)], ids=["desktop", "phone"])
def test_on_paper_stands_the_whole_picture_and_below_it_what_the_note_says(visit, size):
    page = visit(worked_example()[1], {"width": size[0], "height": size[1]})
    page.evaluate("go(steps.length - 2); zoomAt(100, 100, 1.5)")
    page.emulate_media(media="print")
    found = page.evaluate(ON_PAPER)
    stage, boxes, note = found["stage"], found["boxes"], found["note"]
    assert stage["width"] > 650 and found["hidden"]
    for box in (*boxes, note):
        assert stage["left"] <= box["left"] and box["right"] <= stage["right"]
        assert stage["top"] <= box["top"] and box["bottom"] <= stage["bottom"]
    assert note["top"] >= max(box["bottom"] for box in boxes)
    page.evaluate("window.dispatchEvent(new Event('afterprint'))")
    assert page.evaluate("[at('picture').hasAttribute('viewBox'), at('picture').style.maxWidth]") == [False, ""]
