"""Pages of random graphs, stepped to the end; pages in notebooks and frames; pages that train for long."""

import html
import math

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.pages import close, moons
from tinygrad_edu import TABLE, Value
from tinygrad_edu.engine import nodes, registered
from tinygrad_edu.nn import MLP
from tinygrad_edu.show import explore
from tinygrad_edu.show.numbers import shown

ROWS = [row for row in TABLE.values() if len(row.operands) <= 2]


@st.composite
def graphs(draw):
    """A root over a few leaves, by operations that accept them; it may overflow or be at a kink."""
    numbers = st.sampled_from([0.0, 1.0, -2.0, 0.5, 3.25, 1e200, -1e-3])
    values = [Value(draw(numbers), f"a{k}") for k in range(draw(st.integers(1, 3)))]
    for _ in range(draw(st.integers(1, 8))):
        row = draw(st.sampled_from(ROWS))
        operand = st.sampled_from(values)
        if row.many:
            width = draw(st.integers(1, 3))
            operands = [[draw(operand) for _ in range(width)] for _ in row.operands]
        else:
            operands = [draw(st.one_of(operand, numbers)) for _ in row.operands]
            if not any(isinstance(x, Value) for x in operands):
                operands[0] = draw(operand)
        try:
            made = row.function(*operands)
        except (ValueError, ArithmeticError):
            continue
        values.append(made)
    return values[-1]


@given(graphs())
@settings(max_examples=300, suppress_health_check=list(HealthCheck), deadline=None)
def test_random_graphs_are_stepped_to_the_end(desk, root):
    page = desk.open(root, {"width": 900, "height": 700})
    page.evaluate("steps.forEach((_, step) => go(step))")
    assert desk.said == []
    data, grad = page.evaluate("[[...v].map(String), [...grad].map(String)]")
    graph = nodes(root)
    for k, node in enumerate(graph):
        found = float(data[k].replace("Infinity", "inf"))
        assert (math.isnan(found) and math.isnan(node.data)) or close(found, node.data, 1e-9)
        node.grad = 0.0
    try:
        root.backward()
    except (ValueError, ArithmeticError):
        return  # not finite, or an edge without a derivative: the page says so
    for k, node in enumerate(graph):
        found = float(grad[k].replace("Infinity", "inf"))
        if math.isfinite(node.grad) and math.isfinite(found):
            assert close(found, node.grad, 1e-9), (k, shown(found), shown(node.grad))


def test_rows_added_at_run_time_are_in_the_page(visit):
    with registered("swish", "swish", "x * sigmoid(x)", "sigmoid(x) * (1 + x * sigmoid(-x))") as row:
        root = row.function(Value(0.5, "a"))
        page = visit(root)
        assert close(page.evaluate("v[1]"), root.data)


# Frames


def test_a_frame_that_is_shown_later_is_laid_out_then(browser, tmp_path):
    made = explore((Value(0.3, "w") * 2.0).sigmoid())
    around = tmp_path / "around.html"
    around.write_text(f"<div id='hidden' style='display: none'>{made._repr_html_()}</div>", encoding="utf-8")
    page = browser.new_page(viewport={"width": 900, "height": 700})
    said = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(around.as_uri())
    assert page.frames[1].evaluate("stage") == {"width": 800, "height": 480}
    page.evaluate("document.getElementById('hidden').style.display = ''")
    inner = page.frames[1]
    inner.click("#last")
    boxes = [inner.locator(f"#n{k}").bounding_box() for k in range(3)]
    assert len({round(box["x"]) for box in boxes}) == 3  # not piled up at an edge
    frame = page.locator("iframe").bounding_box()
    assert all(frame["x"] <= box["x"] and box["x"] + box["width"] <= frame["x"] + frame["width"] for box in boxes)
    page.evaluate("new Promise(done => setTimeout(done, 100))")
    height = page.locator("iframe").bounding_box()["height"]
    assert abs(height - inner.evaluate("document.body.scrollHeight")) < 40
    assert said == []
    page.close()


def test_labels_do_not_leave_the_frame():
    made = explore(Value(1.0, '"></iframe><script>alert(1)</script>') * 2)._repr_html_()
    inner = made[made.index('srcdoc="') + 8 :].split('"', 1)[0]
    assert "<" not in inner
    assert "<!DOCTYPE html>" in html.unescape(inner)


# Long trainings


def test_a_long_training_does_not_grow_in_memory(visit):
    page = visit(MLP(2, [4, 1], activation="tanh", seed=1), data=moons(8), learning_rate=0.01)
    session = page.context.new_cdp_session(page)
    session.send("HeapProfiler.enable")

    def used(steps):
        page.evaluate(f"for (let j = 0; j < {steps}; j++) {{ stepDown(); if (j % 100 === 0) recompute(); }}")
        session.send("HeapProfiler.collectGarbage")
        return session.send("Runtime.getHeapUsage")["usedSize"]

    used(1500)  # the history is full
    before = used(10)
    assert used(6000) < before + 300_000
