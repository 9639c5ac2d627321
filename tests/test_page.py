"""The interactive page, driven in a real headless Chromium."""

import json
import re
import shutil

import pytest

import tinygrad_edu
from tests.test_picture import NASTY
from tinygrad_edu import Value
from tinygrad_edu.engine import leaves, topological
from tinygrad_edu.lesson import forward, network
from tinygrad_edu.show import explore
from tinygrad_edu.show.numbers import shown

CHROMIUM = shutil.which("chromium")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]


@pytest.fixture(scope="module")
def browser():
    playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright")
    if CHROMIUM is None:
        pytest.skip("needs Chromium: apt-get install chromium")
    with playwright.sync_playwright() as p:
        browser = p.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def visit(browser, tmp_path):
    """Open the page of a root; at the end it has said nothing on the console and asked for its file only."""
    pages = []

    def visit(root, **options):
        file = tmp_path / "page.html"
        explore(root, file, **options)
        page = browser.new_page()
        said, asked = [], []
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("request", lambda request: asked.append(request.url))
        page.goto(file.as_uri())
        pages.append((page, said, asked, file.as_uri()))
        return page

    yield visit
    for page, said, asked, own in pages:
        assert said == []
        assert asked == [own]
        page.close()


def worked_example():
    mlp = network()
    return mlp, forward(mlp).total


def box(page, k):
    return page.evaluate(f"[...document.querySelectorAll('#n{k} text')].map(t => t.textContent)")


def check_against_engine(page, root):
    """Every box and edge of the picture at the end of the backward pass has the engine's numbers."""
    root.backward()
    nodes = [*leaves(root), *topological(root)]
    for k, node in enumerate(nodes):
        assert box(page, k)[-2:] == [f"data {shown(node.data)}", f"grad {shown(node.grad)}"]
    place = {node: k for k, node in enumerate(nodes)}
    for node in topological(root):
        for i, _, partial in tinygrad_edu.engine.local_derivatives(node):
            text = page.evaluate(f"document.querySelector('#en{place[node]}_{i} text').textContent")
            assert text == f"×{shown(partial)}"


def test_stepping_to_the_end_gives_the_engines_gradients(visit):
    _, root = worked_example()
    page = visit(root)
    steps = int(page.get_attribute("#step", "max"))
    assert box(page, 0)[-1] == "grad not computed"
    for _ in range(steps):
        page.click("#next")
    assert page.is_disabled("#next")
    check_against_engine(page, root)


def test_each_step_has_its_sentence_forwards_and_back(visit):
    x = Value(3.0, "x")
    y = x * x
    y.label = "y"
    page = visit(y + x)
    sentences = []
    for _ in range(int(page.get_attribute("#step", "max"))):
        page.keyboard.press("ArrowRight")
        sentences.append(page.inner_text("#sentence"))
    assert sentences == [
        "y = x × x = 9",
        "+2 = y + x = 12",
        "∂+2/∂+2 = 1: the backward pass starts here.",
        "∂+2/∂y += ∂+2/∂+2 × ∂+2/∂y = 1 × 1 = 1",
        "∂+2/∂x += ∂+2/∂+2 × ∂+2/∂x = 1 × 1 = 1",
        "∂+2/∂x += ∂+2/∂y × ∂y/∂x = 1 × 3 = 3 (1 before, 4 now)",
        "∂+2/∂x += ∂+2/∂y × ∂y/∂x = 1 × 3 = 3 (4 before, 7 now)",
    ]
    assert box(page, 0)[-1] == "grad 7"
    page.keyboard.press("ArrowLeft")
    assert page.inner_text("#sentence") == sentences[-2]
    assert box(page, 0)[-1] == "grad 4"
    page.keyboard.press("Home")
    assert box(page, 0)[-1] == "grad not computed"
    page.keyboard.press("End")
    assert page.inner_text("#sentence") == sentences[-1]


def test_a_changed_number_gives_the_engines_loss_and_gradients(visit):
    mlp, root = worked_example()
    page = visit(root)
    page.click("#last")
    names = [leaf.label for leaf in leaves(root)]
    k = names.index("w5")
    page.evaluate(
        "([k, x]) => { const s = document.getElementById('slider' + k); s.value = x;"
        "s.dispatchEvent(new Event('input')); }",
        [k, "-0.45"],
    )
    moved = float(page.evaluate(f"v[{k}]"))
    assert abs(moved + 0.45) < 1e-12
    mlp.layers[1].neurons[0].w[0].data = moved
    check_against_engine(page, forward(mlp).total)


def test_gradient_descent_steps_are_the_engines(visit):
    from tinygrad_edu.nn import SGD, training_step

    mlp, root = worked_example()
    page = visit(root)
    optimizer = SGD(mlp.parameters(), lr=0.1)
    for _ in range(10):
        page.click("#descend")
        training_step(lambda: forward(mlp).total, optimizer)
    mlp.zero_grad()
    last = forward(mlp).total
    assert f"{last.data:.7f}" == "0.0085332"
    check_against_engine(page, last)
    page.click("#reset")
    assert box(page, len(leaves(root)) + len(topological(root)) - 1)[-2] == "data 0.009893"


def test_pointing_at_a_weight_lists_its_paths(visit):
    _, root = worked_example()
    page = visit(root)
    names = [leaf.label for leaf in leaves(root)]
    page.focus(f"#n{names.index('w1')}")
    text = page.inner_text("#paths")
    assert len(re.findall("→.*:", text)) == 2
    assert text.rstrip().endswith("∂E/∂w1 = −0.004909, the sum over 2 paths")
    page.focus(f"#n{names.index('w5')}")
    assert "∂E/∂w5 = 0.004897" in page.inner_text("#paths")
    assert page.evaluate("document.querySelectorAll('.edge.lit').length") == 7


def test_paths_are_capped_in_a_graph_with_millions_of_them(visit):
    x = Value(0.9, "x")
    y = x
    for _ in range(35):
        y = y * 0.5 + y * 0.49
    page = visit(y)
    page.focus("#n0")
    assert page.inner_text("#paths").endswith("the sum over these and more paths")


def test_every_operation_of_the_table(visit):
    for row in tinygrad_edu.TABLE.values():
        values = [
            Value((d.low + 3 * d.high) / 4 if d.low > -3 else 0.7 + k, f"x{k}") for k, d in enumerate(row.domains)
        ]
        operation = getattr(tinygrad_edu, row.name)
        root = operation(*[[v, v * 0.5] for v in values]) if row.many else operation(*values)
        page = visit(root)
        page.click("#last")
        check_against_engine(page, root)


def test_a_number_outside_the_domain_reads_nan_and_descent_waits(visit):
    x = Value(1.0, "x")
    page = visit(x.log())
    page.fill("#number0", "-1")
    page.keyboard.press("Tab")
    page.click("#last")
    assert box(page, 1)[-2] == "data nan"
    assert page.is_disabled("#descend")


@pytest.mark.parametrize("name", NASTY)
def test_labels_are_never_markup(name, visit):
    v = Value(1.0, NASTY[name])
    page = visit(v * v, title=NASTY[name])
    assert page.evaluate("document.querySelectorAll('script').length") == 2
    assert page.evaluate("document.querySelectorAll('b, i, a[href], img, iframe').length") == 0
    page.click("#last")
    page.focus("#n0")
    assert "<" not in page.evaluate("document.getElementById('paths').innerHTML.replace(/<\\/?p[^>]*>/g, '')")


def test_every_control_has_a_name(visit):
    _, root = worked_example()
    page = visit(root)
    unnamed = page.evaluate(
        "[...document.querySelectorAll('button, input, .node')].filter(e => !(e.getAttribute('aria-label') || "
        "e.textContent.trim() || (e.labels && e.labels.length))).length"
    )
    assert unnamed == 0
    assert page.evaluate("document.querySelectorAll('title').length") == 1


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_can_read_it(visit, scheme):
    _, root = worked_example()
    page = visit(root)
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": 375, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 375
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert background == ("rgb(255, 255, 255)" if scheme == "light" else "rgb(17, 24, 39)")


def test_numbers_are_written_as_in_python(visit):
    page = visit(Value(1.0) * 2)
    numbers = [s * m * 10.0**e for s in (1, -1) for e in range(-12, 13) for m in (1, 1.25, 9.9994, 9.9996, 3.14159)]
    numbers += [0.0, 0.28125, -0.28125, 1000.5, 2500.5, -12345.5, 123456.5, 0.00099996, 99999.5]
    assert json.loads(page.evaluate("n => JSON.stringify(n.map(shown))", numbers)) == [shown(n) for n in numbers]


def test_the_file_is_small_and_the_same_each_time(tmp_path):
    pages = []
    for _ in range(2):
        pages.append(explore(worked_example()[1]).html)
    assert pages[0] == pages[1]
    assert len(pages[0]) < 150_000


def test_a_notebook_shows_the_page_in_a_sandbox():
    shown_ = explore(Value(1.0, "x") * 2)._repr_html_()
    assert shown_.startswith("<iframe srcdoc=") and 'sandbox="allow-scripts"' in shown_


def test_a_large_graph_is_refused():
    x = Value(1.0)
    y = sum([x * k for k in range(100)])
    with pytest.raises(ValueError, match="the graph has 201 nodes, more than the 150 that a page can show"):
        explore(y)
