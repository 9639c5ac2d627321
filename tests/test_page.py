"""The interactive page, driven in a real headless Chromium."""

import json

import pytest

import tinygrad_edu
from tests.pages import SIZES, close, moons, sentence, wait, worked_example, worst_case, worst_cases
from tests.test_picture import NASTY
from tinygrad_edu import Value, registered
from tinygrad_edu.engine import leaves, local_derivatives, nodes, topological
from tinygrad_edu.lesson import forward
from tinygrad_edu.nn import MLP
from tinygrad_edu.show import explore
from tinygrad_edu.show.names import pretty
from tinygrad_edu.show.numbers import shown


def texts(page, k):
    """The data and the gradient in a box."""
    return page.evaluate(
        f"['data', 'grad'].map(c => document.querySelector('#n{k} text.' + c)).map(t => t && t.textContent)"
    )


def check_against_engine(page, root):
    """The page has the engine's numbers, at full precision, and shows them in its boxes."""
    for node in nodes(root):
        node.grad = 0.0
    root.backward()
    place = {node: k for k, node in enumerate(nodes(root))}
    data, grad, partials = page.evaluate("[[...v], [...grad], d]")
    for node, k in place.items():
        assert close(data[k], node.data), k
        assert close(grad[k], node.grad), k
        assert texts(page, k) in ([shown(node.data), shown(node.grad)], [None, None])  # the latter where names only fit
    for node in topological(root):
        for i, _, partial in local_derivatives(node):
            assert close(partials[place[node]][i], partial)


@pytest.mark.parametrize("size", SIZES, ids=lambda size: str(size["width"]))
def test_at_each_step_the_active_box_is_in_view_and_can_be_read(size, visit):
    _, root = worked_example()
    page = visit(root, viewport=size)
    assert worst_cases(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize("size", SIZES, ids=lambda size: str(size["width"]))
def test_the_result_is_in_view_at_first(size, visit):
    _, root = worked_example()
    for page in (visit(root, viewport=size), visit(MLP(2, [16, 16, 1], seed=1), viewport=size, data=moons(10))):
        last = page.evaluate("unitOf[root].id")
        box, area = page.locator(f"#{last}").bounding_box(), page.locator("#stage").bounding_box()
        assert area["y"] <= box["y"]
        assert box["y"] + box["height"] <= min(area["y"] + area["height"], size["height"])
        assert area["x"] <= box["x"] and box["x"] + box["width"] <= area["x"] + area["width"]


@pytest.mark.parametrize("size", SIZES, ids=lambda size: str(size["width"]))
def test_the_note_hides_neither_what_it_speaks_of_nor_the_result(size, visit):
    """Where there is room, as at every size but that of a zoomed laptop, it hides no box at all."""
    hidden = """() => {
      const note = at("note").getBoundingClientRect();
      const over = (box) => Math.min(note.right, box.right) - Math.max(note.left, box.left) > 2 &&
        Math.min(note.bottom, box.bottom) - Math.max(note.top, box.top) > 2;
      return [...document.querySelectorAll(".box")].filter((box) => over(box.getBoundingClientRect()))
        .map((box) => box.matches(".now, .from") || box.id === unitOf[root].id);
    }"""
    for page in (visit(worked_example()[1], viewport=size), visit((Value(0.3, "w") * 2.0).sigmoid(), viewport=size)):
        for step, found in enumerate(page.evaluate(f"steps.map((_, step) => {{ go(step); return ({hidden})(); }})")):
            assert True not in found, step
            assert found == [] or size["width"] == 853, step


def test_stepping_to_the_end_gives_the_engines_gradients(visit):
    _, root = worked_example()
    page = visit(root)
    count = int(page.get_attribute("#step", "max"))
    assert texts(page, 0) == ["0.2", ""]  # calm: nothing stands where nothing is known
    assert texts(page, 20) == ["", ""]
    for _ in range(count):
        page.click("#next")
    assert page.is_disabled("#next")
    check_against_engine(page, root)


def test_each_step_has_its_sentence_forwards_and_back(visit):
    x = Value(3.0, "x")
    y = x * x
    y.label = "y"
    page = visit(y + x, params=[x])
    sentences = []
    for _ in range(int(page.get_attribute("#step", "max"))):
        page.keyboard.press("ArrowRight")
        sentences.append(sentence(page))
    assert sentences == [
        "y = x^2 | = 3^2 = 9",
        "f = y + x | = 9 + 3 = 12",
        "∂f/∂f = 1 | Here the backward pass starts.",
        "∂f/∂y += ∂f/∂f × ∂f/∂y | = 1 × 1 = 1",
        "∂f/∂x += ∂f/∂f × ∂f/∂x | = 1 × 1 = 1",
        "∂f/∂x += ∂f/∂y × ∂y/∂x | ∂y/∂x = x = 3 | = 1 × 3 = 3 | 1 + 3 = 4 | Another way joins: gradients add up.",
        "∂f/∂x += ∂f/∂y × ∂y/∂x | ∂y/∂x = x = 3 | = 1 × 3 = 3 | 4 + 3 = 7 | Another way joins: gradients add up.",
    ]
    assert texts(page, 0) == ["3", "7"]
    page.keyboard.press("ArrowLeft")
    assert sentence(page) == sentences[-2]
    assert texts(page, 0) == ["3", "4"]
    page.keyboard.press("Home")
    assert texts(page, 0) == ["3", ""]
    page.keyboard.press("End")
    assert sentence(page) == sentences[-1]


def test_formulas_are_written_as_a_textbook_has_them(visit):
    _, root = worked_example()
    page = visit(root)
    said = []
    for step in range(page.evaluate("steps.length")):
        page.evaluate(f"go({step})")
        said += sentence(page).split(" | ")
    assert "Error₁ = (0.6905 − y₁)^2" not in said  # each node by its own operands
    assert "Error₁ = v₄^2" in said
    assert "= (−0.04277)^2 = 0.001829" in said
    assert "∂y₁/∂z₃ = y₁ · (1 − y₁) = 0.7333 · (1 − 0.7333) = 0.1956" in said


def test_a_changed_number_gives_the_engines_loss_and_gradients(visit):
    mlp, root = worked_example()
    page = visit(root)
    page.click("#last")
    k = [leaf.label for leaf in leaves(root)].index("w5")
    page.evaluate(
        "([k, x]) => { const s = document.getElementById('slider' + k); s.value = x;"
        "s.dispatchEvent(new Event('input')); }",
        [k, "-0.45"],
    )
    moved = float(page.evaluate(f"v[{k}]"))
    assert abs(moved + 0.45) < 1e-12
    mlp.layers[1].neurons[0].w[0].data = moved
    check_against_engine(page, forward(mlp).total)


def test_the_paths_follow_a_changed_number(visit):
    w = Value(0.3, "w")
    page = visit((w * 2.0).sigmoid())
    page.focus("#n0")
    page.keyboard.press("Enter")
    before = page.inner_text("#paths")
    page.fill("#number0", "3")
    page.keyboard.press("Tab")
    assert page.inner_text("#paths") != before
    assert shown(page.evaluate("grad[0]")) in page.inner_text("#paths")


def test_gradient_descent_steps_are_the_engines(visit):
    from tinygrad_edu.nn import SGD, training_step

    mlp, root = worked_example()
    page = visit(root)
    optimizer = SGD(mlp.parameters(), lr=0.1)
    page.click("#descend-ten")
    for _ in range(10):
        training_step(lambda: forward(mlp).total, optimizer)
    last = forward(mlp).total
    assert f"{last.data:.7f}" == "0.0085332"
    check_against_engine(page, last)
    assert page.inner_text("#loss") == shown(last.data)
    page.click("#reset")
    assert page.inner_text("#loss") == "0.009893"


def test_a_thousand_steps_agree_with_the_engine(visit):
    from tinygrad_edu.nn import SGD, train

    mlp, root = worked_example()
    page = visit(root)
    train(lambda: forward(mlp).total, SGD(mlp.parameters(), lr=0.1), epochs=1000)
    page.evaluate("train(1000)")
    data = page.evaluate("[...v]")
    assert all(close(data[k], node.data, 1e-10) for k, node in enumerate(nodes(forward(mlp).total)))


def test_training_on_data_is_the_engines(visit):
    from tinygrad_edu.nn import SGD, squared_error, training_step

    examples = moons(12)
    mlp = MLP(2, [4, 3, 1], activation="tanh", seed=2)
    page = visit(mlp, data=examples, loss=squared_error)
    page.evaluate("train(100)")
    optimizer = SGD(mlp.parameters(), lr=0.1)

    def loss():
        return sum((squared_error(mlp(x), t) for x, t in examples), start=Value(0.0)) / len(examples)

    for _ in range(100):
        training_step(loss, optimizer)
    names, data = page.evaluate("[nodes.map(n => n.name), [...v]]")
    found = dict(zip(names, data, strict=True))
    for parameter in mlp.parameters():
        assert close(found[pretty(parameter.label)], parameter.data), parameter.label
    assert close(page.evaluate("loss()"), loss().data)


def test_an_example_is_chosen_and_its_graph_shown(visit):
    examples = moons(6)
    page = visit(MLP(2, [3, 1], activation="tanh", seed=1), data=examples)
    page.click("#example-next")
    names, data = page.evaluate("[nodes.map(n => n.name), [...v]]")
    found = dict(zip(names, data, strict=True))
    assert [found["x₁"], found["x₂"]] == examples[1][0]
    assert found["t"] == examples[1][1]
    box = page.locator("#heat").bounding_box()
    page.mouse.click(box["x"] + 2, box["y"] + 2)
    assert page.evaluate("example") in range(6)


def test_a_step_that_makes_the_loss_grow_says_why(visit):
    w = Value(3.0, "w")
    page = visit(w * w)
    page.fill("#rate", "1.5")
    page.click("#descend")
    assert page.inner_text("#warning") == (
        "The loss grew, from 9 to 36: the learning rate 1.5 is too large, the step went past the minimum."
    )
    page.fill("#rate", "0.1")
    page.click("#descend")
    assert page.inner_text("#warning") == ""


def test_the_history_is_gone_back_in(visit):
    w = Value(3.0, "w")
    page = visit(w * w)
    page.click("#descend-ten")
    page.evaluate("const s = document.getElementById('scrub'); s.value = 4; s.dispatchEvent(new Event('input'))")
    assert page.inner_text("#taken") == "after 4 steps"
    assert close(page.evaluate("v[0]"), 3 * 0.8**4)


def test_a_long_training_keeps_its_history_small(visit):
    w = Value(3.0, "w")
    page = visit(w * w, learning_rate=1e-4)
    page.evaluate("train(30000)")
    assert page.evaluate("history.length") <= 500
    assert page.evaluate("[history[0].step, history[history.length - 1].step]") == [0, 30000]


def test_training_plays_and_pauses(visit):
    page = visit(MLP(2, [4, 1], activation="tanh", seed=1), data=moons(10))
    page.click("#play-training")
    wait(page, "taken > 3")
    assert page.get_attribute("#play-training", "aria-pressed") == "true"
    page.click("#play-training")
    taken = page.evaluate("taken")
    page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    assert page.evaluate("taken") == taken


def test_params_says_what_descent_moves(visit):
    a, b, x = Value(1.0, "a"), Value(2.0, "b"), Value(3.0, "x")
    moved = "nodes.filter((n, k) => moving.has(k)).map(n => n.name)"
    assert visit(a * x + b).evaluate(moved) == ["a", "b"]
    assert visit(a * x + b, params=[x]).evaluate(moved) == ["x"]
    page = visit(a * x + b, inputs=[b])
    assert page.evaluate(moved) == ["a"]
    assert "x, b are held" in page.inner_text("#held")
    page.click("#moves1")
    assert page.evaluate(moved) == ["a", "x"]


def test_one_value_need_not_be_a_list(visit):
    a, b, x = Value(1.0, "a"), Value(2.0, "b"), Value(3.0, "x")
    moved = "nodes.filter((n, k) => moving.has(k)).map(n => n.name)"
    assert visit(a * x + b, params=x).evaluate(moved) == ["x"]
    assert visit(a * x + b, inputs=b).evaluate(moved) == ["a"]


@pytest.mark.parametrize("name", ["params", "inputs"])
def test_only_leaves_are_moved_or_held(name):
    a = Value(1.0, "a")
    with pytest.raises(ValueError, match=f"{name} expected leaves of the graph, got Value"):
        explore(a * 2.0, **{name: [Value(1.0)]})
    with pytest.raises(ValueError, match=f"{name} expected leaves of the graph, got 3"):
        explore(a * 2.0, **{name: 3})


@pytest.mark.parametrize("rate", ["a", None, float("nan"), float("inf")])
def test_a_learning_rate_is_a_number(rate):
    with pytest.raises(ValueError, match=f"^learning_rate expected a finite number, got {rate!r}$"):
        explore(Value(1.0) * 2.0, learning_rate=rate)


@pytest.mark.parametrize("name", ["page.pdf", "page.svg", "page"])
def test_a_page_is_written_to_a_file_that_a_browser_opens_as_one(name, tmp_path):
    with pytest.raises(ValueError, match=rf"^explore expected a file of .html, .htm, got '.*{name}'$"):
        explore(Value(1.0) * 2.0, tmp_path / name)
    assert not [*tmp_path.iterdir()]


def test_a_page_says_where_it_is(tmp_path):
    root = Value(1.0) * 2.0
    assert repr(explore(root, tmp_path / "page.html")) == f"<interactive page; open {tmp_path}/page.html in a browser>"
    assert repr(explore(root)) == '<interactive page; explore(root, "page.html") writes it to a file>'


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ([], "data expected at least one example, got none"),
        ([(1.0, 2.0), (1.0,)], r"example 2 expected inputs and targets, numbers each, got \(1.0,\)"),
        ([([1, 2], 1), ([1], 1)], "example 2 has 1 input and 1 target, "),
    ],
)
def test_data_that_do_not_fit_are_refused(data, message):
    with pytest.raises(ValueError, match=message):
        explore(MLP(2, [1], seed=1), data=data)


@pytest.mark.parametrize(
    ("apart", "pairs"),
    [
        (([[1, 2], [3, 4]], [1, 0]), [([1, 2], 1), ([3, 4], 0)]),
        (([[1, 2], [3, 4], [5, 6]], [[1], [0], [2]]), [([1, 2], [1]), ([3, 4], [0]), ([5, 6], [2])]),
        ((([1, 2], 1), ([3, 4], 0)), [([1, 2], 1), ([3, 4], 0)]),  # two examples
        ((([1, 2], [1]), ([3, 4], [0])), [([1, 2], [1]), ([3, 4], [0])]),
    ],
)
def test_inputs_and_targets_may_be_given_apart(apart, pairs):
    network = MLP(2, [1], seed=1)
    assert explore(network, data=apart).html == explore(network, data=pairs).html


def test_data_are_many():
    with pytest.raises(TypeError, match=r"^data expected examples, pairs of inputs and targets, got 3$"):
        explore(MLP(2, [1], seed=1), data=3)


def test_a_loss_needs_data():
    with pytest.raises(ValueError, match="explore expected data= with loss="):
        explore(Value(1.0) * 2, loss=lambda y, t: y)


def test_pointing_at_a_weight_lists_its_paths(visit):
    _, root = worked_example()
    page = visit(root)
    names = [leaf.label for leaf in leaves(root)]
    page.focus(f"#n{names.index('w1')}")
    assert page.locator("#paths li").count() == 2
    assert "the sum over 2 paths" in page.inner_text("#paths")
    page.focus(f"#n{names.index('w5')}")
    assert "0.004897" in page.inner_text("#paths")
    assert page.locator(".wire.lit").count() == 7


def test_paths_are_capped_in_a_graph_with_millions_of_them(visit):
    x = Value(0.9, "a")
    y = x
    for _ in range(35):
        y = y * 0.5 + y * 0.49
    page = visit(y)
    page.focus("#n0")
    assert page.inner_text("#paths").endswith("the sum over 3.436e10 paths")


def test_every_operation_of_the_table(desk):
    made = []
    for row in tinygrad_edu.TABLE.values():
        values = [Value((d.low + 3 * d.high) / 4 if d.low > -3 else 0.7 + k) for k, d in enumerate(row.domains)]
        made.append(row.function(*[[v, v * 0.5] for v in values]) if row.many else row.function(*values))
    for some in (made[::2], made[1::2]):  # a page takes so many nodes
        root = tinygrad_edu.dot(some, [0.1 * k for k in range(len(some))])
        page = desk.open(root)
        page.click("#last")
        check_against_engine(page, root)


def test_a_number_outside_the_domain_reads_nan_and_descent_waits(visit):
    a = Value(1.0, "a")
    page = visit(a.log())
    page.fill("#number0", "-1")
    page.keyboard.press("Tab")
    page.click("#last")
    assert texts(page, 1)[0] == "nan"
    page.click("#descend")
    assert page.evaluate("v[0]") == -1
    assert "not finite" in page.inner_text("#warning")


def test_a_value_that_overflows(visit):
    page = visit(Value(1e200, "a") * Value(1e200, "b"))
    page.click("#last")
    assert texts(page, 2)[0] == "∞"
    page.evaluate("go(backwardBegins())")
    assert sentence(page) == "f = ∞ | What is not finite has no gradient: backward() refuses it."


def test_a_minus_before_a_constant_in_a_partial(visit):
    root = tinygrad_edu.TABLE["atan2"].function(-2.0, Value(1.0, "y"))
    page = visit(root)
    page.click("#last")
    check_against_engine(page, root)


def test_an_edge_without_a_derivative(visit):
    page = visit((Value(0.0, "x") * 2).sqrt())
    page.click("#last")
    assert [texts(page, k) for k in range(3)] == [["0", "none"], ["0", "none"], ["0", "1"]]
    assert [t for t in page.locator(".factor").all_text_contents()] == ["×2", "none"]
    page.evaluate("go(backwardBegins() + 1)")
    assert sentence(page).endswith("f has no derivative here.")


def test_gradients_left_over_are_spoken_of(visit):
    a = Value(2.0, "a")
    root = a * a
    root.backward()
    assert "still hold gradients" not in sentence(visit(root))
    root.backward()
    page = visit(root)
    assert "still hold gradients" in sentence(page)
    page.click("#last")
    assert texts(page, 0) == ["2", "4"]


@pytest.mark.parametrize("name", NASTY)
def test_labels_are_never_markup(name, visit):
    v = Value(1.0, NASTY[name])
    page = visit(v * v, title=NASTY[name])
    assert page.evaluate("document.querySelectorAll('script').length") == 2
    assert page.evaluate("document.querySelectorAll('b, i, a[href], img, iframe').length") == 0
    page.click("#last")
    page.focus("#n0")
    assert page.evaluate("document.querySelectorAll('b, i, a[href], img, iframe').length") == 0
    assert page.evaluate("pictureAsSvg().includes('<b>')") is False


def test_a_large_network_starts_closed_and_opens(visit):
    page = visit(MLP(2, [16, 16, 1], activation="tanh", seed=1), data=moons(4))
    before = page.locator(".box").count()
    assert before == 2 + 33 + 4
    page.click("#g1_3")
    assert page.locator(".box").count() == before - 1 + 6  # two weights, the sum, the bias, z and h
    page.evaluate("go(steps.length - 1)")
    assert worst_case(page) is None
    page.select_option("#boxes", "layers")
    assert page.locator(".box").count() == 2 + 3 + 4
    page.click("#g2")
    assert page.locator(".box").count() == 2 + 2 + 16 + 4
    page.evaluate("go(steps.length - 1)")
    end = page.evaluate("[...known().gradients].every(([k, g]) => Math.abs(g - grad[k]) < 1e-12)")
    assert end


def test_closed_boxes_hand_back_the_gradients_of_open_ones(visit):
    page = visit(MLP(2, [3, 2, 1], activation="tanh", seed=1), data=moons(4))
    for level in ("nodes", "neurons", "layers"):
        page.select_option("#boxes", level)
        page.evaluate("go(steps.length - 1)")
        assert page.evaluate("[...known().gradients].length") > 3
        assert page.evaluate("[...known().gradients].every(([k, g]) => Math.abs(g - grad[k]) < 1e-12)")


def test_a_network_that_feeds_itself_is_shown_node_by_node(visit):
    mlp = MLP(1, [2, 1], activation="tanh", seed=1)
    h = Value(0.3, "x0")
    for _ in range(6):
        h = mlp([h])
    page = visit(h)
    page.click("#last")
    check_against_engine(page, h)


def test_the_address_leads_back_to_the_step(visit):
    _, root = worked_example()
    page = visit(root)
    page.evaluate("go(7)")
    page.fill("#number0", "0.5")
    page.keyboard.press("Tab")
    address = page.evaluate("location.hash")
    again = visit(root, address=address)
    assert again.evaluate("[now, v[0]]") == [7, 0.5]
    assert "step=7" in address
    wrong = visit(root, address="#step=1e9&v0=x&node=-5&v99=1")
    assert wrong.evaluate("[now === steps.length - 1, pinned, v[0]]") == [True, 0, 0.2]


def test_the_picture_is_saved_as_svg_and_png(visit, tmp_path):
    _, root = worked_example()
    page = visit(root)
    page.click("#last")
    for button, start in (("#save-svg", b"<svg"), ("#save-png", b"\x89PNG")):
        with page.expect_download() as download:
            page.click(button)
        file = tmp_path / "saved"
        download.value.save_as(file)
        assert file.read_bytes().startswith(start)
        assert len(file.read_bytes()) > 5000
    svg = page.evaluate("pictureAsSvg()")
    assert "var(--" not in svg and "−0.004909" in svg


def test_the_wheel_and_a_double_click_zoom(visit):
    _, root = worked_example()
    page = visit(root, viewport=SIZES[3])
    scale = page.evaluate("camera.scale")
    page.mouse.move(400, 300)
    page.mouse.wheel(0, -600)
    wait(page, f"camera.scale > {scale * 1.5}")
    assert page.is_visible("#map")
    page.click("#fit")
    assert page.evaluate("camera.scale") == scale
    assert page.is_hidden("#map")


def test_in_a_close_view_each_step_brings_its_box_into_view(visit):
    _, root = worked_example()
    page = visit(root, viewport=SIZES[3])
    page.evaluate("zoomAt(0, 0, 3)")
    assert worst_cases(page) == []


def test_numbers_are_written_as_in_python(visit):
    page = visit(Value(1.0) * 2)
    numbers = [s * m * 10.0**e for s in (1, -1) for e in range(-12, 13) for m in (1, 1.25, 9.9994, 9.9996, 3.14159)]
    numbers += [0.0, 0.28125, -0.28125, 1000.5, 2500.5, -12345.5, 123456.5, 0.00099996, 99999.5]
    assert json.loads(page.evaluate("n => JSON.stringify(n.map(x => shown(x)))", numbers)) == [
        shown(n) for n in numbers
    ]


def test_the_file_is_small_and_the_same_each_time(tmp_path):
    pages = [explore(worked_example()[1]).html for _ in range(2)]
    assert pages[0] == pages[1]
    assert len(pages[0].encode()) < 200_000


def test_a_notebook_shows_the_page_in_a_sandbox():
    shown_ = explore(Value(1.0, "x") * 2)._repr_html_()
    assert shown_.startswith("<iframe srcdoc=") and 'sandbox="allow-scripts allow-downloads"' in shown_


def test_a_large_graph_is_refused():
    x = Value(1.0)
    y = sum([x * k for k in range(200)])
    with pytest.raises(ValueError, match="the graph has 401 nodes outside of neurons, more than the 250"):
        explore(y)
    with pytest.raises(
        ValueError, match=r"than the 800 that a page can show: explore a node within it, or draw a part"
    ):
        explore(MLP(900, [1], seed=1)([0.1] * 900))


def test_an_operation_that_was_taken_back_is_refused():
    """Also where another one has its name by now: the page would compute with that one's formula."""
    with registered("cube", "³", "x * x * x", "3 * x * x"):
        y = Value(2.0, "x").cube()
        assert "op_cube" in explore(y).html
    refused = pytest.raises(
        ValueError, match="the graph has the operation 'cube', which was taken back since it was used"
    )
    with refused:
        explore(y * 2.0)
    with registered("cube", "³", "x * x * x + 1", "3 * x * x"), refused:
        explore(y * 2.0)


def test_a_line_of_a_closed_network_opens_its_weights_chain_rule(visit):
    page = visit(MLP(2, [16, 16, 1], activation="tanh", seed=1), data=moons(4))
    page.evaluate("drawn.wire.get(wires.find(w => w.head.name === 'h₃')).line.dispatchEvent(new MouseEvent('click'))")
    assert page.evaluate("name(pinned)") == "w₅"
    assert "the sum over 32 paths" in page.inner_text("#paths")
    assert page.locator("#paths li").count() == 12
    assert "… and 20 more" in page.inner_text("#paths")


def test_two_fingers_zoom(visit):
    _, root = worked_example()
    page = visit(root, viewport=SIZES[0])
    scale = page.evaluate("camera.scale")
    session = page.context.new_cdp_session(page)
    session.send("Emulation.setTouchEmulationEnabled", {"enabled": True, "maxTouchPoints": 2})

    def touch(kind, *points):
        fingers = [{"x": x, "y": y, "id": k} for k, (x, y) in enumerate(points)]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": fingers})

    touch("touchStart", (150, 300), (190, 300))
    for apart in range(10, 100, 10):
        touch("touchMove", (150 - apart, 300), (190 + apart, 300))
    touch("touchEnd")
    assert page.evaluate("camera.scale") > 2 * scale


def test_a_deep_graph_larger_than_the_window(visit):
    weights = [Value(0.1 * k, f"p{k}") for k in range(10)]
    y = Value(0.5, "a")
    for k in range(100):
        y = y * weights[k % 10] + weights[(k * 7) % 10]
    page = visit(y, viewport=SIZES[3])
    assert page.is_visible("#map")
    assert worst_cases(page, every=37) == []


@pytest.mark.parametrize("choice", ["0", "1", "2"])
def test_the_detail_can_be_chosen(choice, visit):
    _, root = worked_example()
    page = visit(root, viewport=SIZES[3])
    page.select_option("#detail", choice)
    assert page.evaluate("drawn.detail") == int(choice)
    page.click("#last")
    assert worst_case(page) is None


# What the page is given


def known(root, **options):
    html = explore(root, **options).html
    return json.loads(html.split('<script id="trace" type="application/json">')[1].split("</script>")[0]), html


def test_what_a_page_knows_of_a_graph():
    a, x = Value(2.0, "a"), Value(-1.5, "x1")
    y = a * x + 0.25
    y.label = "y"
    trace, html = known(y, digits=3, title="T <1>", learning_rate=2)
    assert trace["nodes"] == [
        {"name": "a", "data": 2.0, "parents": [], "role": "parameter"},
        {"name": "x₁", "data": -1.5, "parents": [], "role": "held"},
        {
            "name": "v₁", "data": -3.0, "parents": [0, 1], "op": "mul", "symbol": "×", "constants": [None, None],
            "formula": ["*", "0", "1"], "partials": ["1", "0"],
        },
        {
            "name": "y", "data": -2.75, "parents": [2, None], "op": "add", "symbol": "+", "constants": [None, 0.25],
            "formula": ["+", "2", 0.25], "partials": [1, None],
        },
    ]  # fmt: skip
    assert (trace["digits"], trace["held"], trace["leftover"]) == (3, "named like inputs or targets", False)
    assert trace["misconceptions"][0].keys() == {"name", "wrong", "hint", "lesson", "operations"}
    assert "data" not in trace
    assert "<title>T &lt;1&gt;</title>" in html and "<h1>T &lt;1&gt;</h1>" in html
    assert 'id="rate" type="number" min="0" step="any" value="2.0"' in html
    assert '<span class="what">y</span>' in html


@pytest.mark.parametrize(
    ("name", "held"),
    [("x", True), ("X2", True), ("xs", True), ("t", True), ("targets_1,2", True), ("labels", True), ("input3", True),
     ("w", False), ("xy", False), ("tx", False), ("max", False), ("", False)],
)  # fmt: skip
def test_leaves_named_like_inputs_and_targets_are_held(name, held):
    trace, _ = known(Value(1.0, name) * 2)
    assert trace["nodes"][0]["role"] == ("held" if held else "parameter")


def test_who_says_what_is_held():
    a, b = Value(1.0, "a"), Value(2.0, "b")
    for options, roles, reason in (
        ({"params": [b]}, ["held", "parameter"], "params= does not name them"),
        ({"params": []}, ["held", "held"], "params= does not name them"),
        ({"inputs": [a]}, ["held", "parameter"], "named like inputs or targets"),
        ({"params": [a, b], "inputs": [a]}, ["held", "parameter"], "params= does not name them"),
    ):
        trace, _ = known(a * b, **options)
        assert ([node["role"] for node in trace["nodes"][:2]], trace["held"]) == (roles, reason)
    mlp = MLP(1, [1], seed=1)
    trace, _ = known(mlp([Value(3.0, "own")]))
    assert trace["held"] == "not among the parameters of the network"
    assert {node["name"]: node["role"] for node in trace["nodes"] if "role" in node} == {
        "w₁": "parameter", "b₁": "parameter", "own": "held"}  # fmt: skip
    a.grad = 0.0
    assert known(a * b)[0]["leftover"] is False
    a.grad = -1.0
    assert known(a * b)[0]["leftover"] is True


def test_only_gradients_of_another_pass_are_left_over():
    w, x = Value(0.3, "w"), Value(2.0, "x")
    y = w * x
    E = (y - 1.0) ** 2

    def leftover(root):
        return known(root)[0]["leftover"]

    E.backward()
    assert (leftover(E), leftover(y)) == (False, True)
    y.backward()
    assert (leftover(E), leftover(y)) == (True, True)
    w.grad = x.grad = 0.0
    y.backward()
    assert (leftover(y), w.grad) == (False, 2.0)
    w.grad = x.grad = y.grad = 0.0
    assert leftover(y) is False


def test_what_a_page_knows_of_data():
    trace, html = known(MLP(2, [2, 2], activation="tanh", seed=1), data=[([1, 2], [3, -4]), ((5.5, 6), (7, 8))])
    names = [node["name"] for node in trace["nodes"]]
    data = trace["data"]
    assert [names[k] for k in data["leaves"]] == ["x₁", "x₂", "t₁", "t₂"]
    assert [names[k] for k in data["inputs"]] == ["x₁", "x₂"]
    assert [names[k] for k in data["outputs"]] == ["y₁", "y₂"]
    assert all(trace["nodes"][k]["parents"] for k in data["network"]) and data["network"] == sorted(data["network"])
    assert set(data["outputs"]) <= set(data["network"]) and len(trace["nodes"]) - 1 not in data["network"]
    assert (data["low"], data["high"]) == (-4.0, 8.0)
    assert data["examples"] == [[1, 2, 3, -4], [5.5, 6, 7, 8]]
    assert {node["role"] for node in trace["nodes"] if node["name"] in ("x₁", "x₂", "t₁", "t₂")} == {"held"}
    assert '<span class="what">mean E</span>' in html
    one, _ = known(MLP(1, [1], seed=1), data=[(1, 3), (2, 3)])
    assert (one["data"]["low"], one["data"]["high"]) == (3.0, 4.0)
    assert [one["nodes"][k]["name"] for k in one["data"]["leaves"]] == ["x", "t"]
    unused, _ = known(lambda x: x[0] * Value(2.0, "w"), data=[([1, 9], 0)])
    assert unused["data"]["inputs"][1] is None
    constant, _ = known(lambda x: [x[0] * Value(2.0, "w"), 3.0], data=[([1], [0, 0])])
    assert constant["data"]["outputs"][1] is None


def test_a_loss_of_ones_own():
    def own(y, t):
        return (y - t) ** 2

    def of_many(y, t):
        assert len(y) == len(t) == 2
        loss = y[0] * t[0] + y[1] * t[1]
        loss.label = "mine"
        return loss

    _, html = known(MLP(1, [1], seed=1), data=[(1, 3)], loss=own)
    assert '<span class="what">mean E</span>' in html
    _, html = known(MLP(1, [2], seed=1), data=[(1, [3, 4])], loss=of_many)
    assert '<span class="what">mean mine</span>' in html


@pytest.mark.parametrize(
    ("network", "options", "error", "message"),
    [
        (3, {"data": [(1, 2)]}, TypeError, "explore expected a network with data=, got 3"),
        (lambda x: x[0], {"data": [1]}, ValueError, "example 1 expected inputs and targets, numbers each, got 1"),
        (lambda x: x[0], {"data": [(1, 2), (1, "a")]}, ValueError,
         "example 2 expected inputs and targets, numbers each, got (1, 'a')"),
        (lambda x: x[0], {"data": [(1, 2), (1, [2, 3])]}, ValueError,
         "example 2 has 1 input and 2 targets, the first has other numbers of them"),
        (lambda x: x, {"data": [([1, 2], 3)]}, ValueError,
         "loss has to take the targets as Values, so that the page can change them: the network has 2 outputs, "
         "the examples 1 target"),
        (lambda x: x[0] * 2, {"data": [(1, 2)], "loss": "mse"}, TypeError,
         "loss expected a function of outputs and targets, like mse, got 'mse'"),
        (lambda x: x[0] * 2, {"data": [(1, 2)], "loss": lambda y, t: 3.0}, TypeError,
         "loss expected to return a Value, got 3.0"),
        (lambda x: x[0] * 2, {"data": [(1, 2)], "loss": lambda y, t: y * int(t)}, ValueError,
         "loss has to take the targets as Values, so that the page can change them: "),
    ],
)  # fmt: skip
def test_what_explore_refuses(network, options, error, message):
    with pytest.raises(error) as raised:
        explore(network, **options)
    assert str(raised.value).startswith(message) and (str(raised.value) == message or message.endswith(": "))


def test_sizes_of_graphs_that_fit():
    x = Value(1.0, "a")
    y = x
    for _ in range(249):
        y = y * 1.5
    assert explore(y).html
    with pytest.raises(ValueError, match="the graph has 251 nodes outside of neurons, more than the 250 that a page"):
        explore(y * 2)
    inputs = [Value(0.1, f"x{k}") for k in range(100)]
    assert explore(MLP(100, [3, 3], seed=1)(inputs)[0]).html
    with pytest.raises(ValueError, match=r"the graph has 1\d\d\d nodes, more than the 800 that a page can show"):
        explore(MLP(100, [10], seed=1)(inputs)[0] + MLP(100, [10], seed=2)(inputs)[0] + sum(MLP(100, [10])(inputs)))


def test_the_frame_in_a_notebook_grows_with_its_page():
    made = explore(Value(1.0, "x") * 2)._repr_html_()
    assert made.endswith(
        '" sandbox="allow-scripts allow-downloads" title="The chain rule, step by step" '
        'style="width: 100%; height: 900px; border: 0"></iframe><script>window.addEventListener("message", (event) => '
        "{ const height = event.data && event.data.tinygradEdu; if (height > 0) for (const frame of "
        'document.querySelectorAll("iframe")) if (frame.contentWindow === event.source) '
        'frame.style.height = height + "px"; });</script>'
    )
