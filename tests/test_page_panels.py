"""The panels and controls of the page: steps, training, data, paths, numbers, what is kept and saved."""

import math
import re
import zlib

import pytest

from tests.pages import SIZES, close, moons, sentence, worked_example
from tinygrad_edu import Value, dot
from tinygrad_edu.engine import nodes
from tinygrad_edu.nn import MLP
from tinygrad_edu.show.numbers import shown

EXAMPLES = [([1.0, -2.0], 0.5), ([0.5, 3.0], -1.0), ([-1.5, 0.25], 1.0)]


def square():
    w = Value(3.0, "w")
    return w * w


def network():
    return MLP(2, [2, 1], activation="tanh", seed=1)


def labelled(value, label):
    value.label = label
    return value


# Steps


def test_the_keys_and_buttons_of_the_steps(desk):
    page = desk.open(square(), SIZES[3])
    last = page.evaluate("steps.length - 1")
    assert page.get_attribute("#step", "max") == str(last) == "4"
    seen = []
    for key in ("ArrowLeft", "ArrowRight", "ArrowRight", "ArrowLeft", "End", "ArrowRight", "Home", "x"):
        page.keyboard.press(key)
        seen.append(page.evaluate("now"))
    assert seen == [0, 1, 2, 1, last, last, 0, 0]
    state = "[now, ...['first', 'back', 'next', 'last'].map((id) => at(id).disabled), at('count').textContent]"
    for button, expected in (
        ("next", [1, False, False, False, False, "1 / 4"]),
        ("last", [4, False, False, True, True, "4 / 4"]),
        ("back", [3, False, False, False, False, "3 / 4"]),
        ("first", [0, True, True, False, False, "0 / 4"]),
    ):
        page.click(f"#{button}")
        assert page.evaluate(state) == expected
    for modifier in ("Control", "Alt", "Meta"):
        page.evaluate(
            "(key) => document.body.dispatchEvent(new KeyboardEvent('keydown', "
            "{ key: 'ArrowRight', [key + 'Key']: true, bubbles: true }))",
            {"Control": "ctrl"}.get(modifier, modifier.lower()),
        )
    for field in ("number0", "theme"):
        page.focus(f"#{field}")
        page.keyboard.press("ArrowRight")
    assert page.evaluate("now") == 0  # keys of the browser, and of a field
    page.evaluate("document.activeElement.blur()")
    prevented = (
        "(key) => !document.body.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true }))"
    )
    assert [page.evaluate(prevented, key) for key in ("End", "Tab")] == [True, False]
    page.evaluate("at('step').value = 2; at('step').dispatchEvent(new Event('input'))")
    assert page.evaluate("[now, at('step').value, at('step').getAttribute('aria-valuetext')]") == [
        2,
        "2",
        "step 2: ∂f/∂f = 1 Here the backward pass starts.",
    ]


def test_the_first_sentence(desk):
    page = desk.open(square(), SIZES[3])
    assert sentence(page) == ("The leaves are given. Forward: one operation at a time. Then backward, from f.")
    assert len(page.get_attribute("#step", "aria-valuetext")) == len("step 0: ") + len(sentence(page))


def sentences(page):
    return page.evaluate("steps.map((_, step) => (go(step), [...at('sentence').children].map(plain).join(' | ')))")


def test_the_sentences_of_closed_neurons(desk):
    page = desk.open(network(), data=EXAMPLES)
    page.select_option("#boxes", "neurons")
    number = dict(page.evaluate("units.filter((u) => u.main !== null).map((u) => [u.name, shown(v[u.main])])"))
    said = sentences(page)
    assert said[1:3] == [f"h{k} = {number['h' + k]} | 3 parameters act inside." for k in "₁₂"]
    assert said[3] == f"y = {number['y']} | 3 parameters act inside."
    through = [line for line in said if line.startswith("∂E/∂h₁ +=")]
    upper, term, factor = page.evaluate(
        "(() => { const [y, h] = ['y', 'h₁'].map((n) => nodes.findIndex((m) => m.name === n));"
        "return [grad[y], grad[h], grad[h] / grad[y]]; })()"
    )
    bracketed = f"({shown(factor)})" if factor < 0 else shown(factor)
    assert through == [f"∂E/∂h₁ += ∂E/∂y × ∂y/∂h₁ | = {shown(upper)} × {bracketed} = {shown(term)}"]
    x = [line for line in said if line.startswith("∂E/∂x₁ +=")]
    assert len(x) == 2 and x[1].endswith("Another way joins: gradients add up.")


def test_the_sentences_of_closed_layers(desk):
    page = desk.open(network(), data=EXAMPLES)
    page.select_option("#boxes", "layers")
    said = sentences(page)
    assert said[1] == "layer 1: its 2 outputs are computed."
    assert "layer 2 hands its gradient back" not in "".join(said)
    assert [line for line in said if "hands" in line] == [
        "y hands its gradient back to 2 outputs of layer 1: each gets the sum over all ways through it."
    ]
    grads = dict(page.evaluate("nodes.map((n, k) => [n.name, shown(grad[k])])"))
    assert said[-2:] == [
        f"∂E/∂{x} += {grads[x]} | The sum over all outputs of layer 1."
        for x in page.evaluate("steps.slice(-2).map((step) => name(step.terms[0].parent))")
    ]


def test_a_local_derivative_is_told_where_it_is_no_number_of_its_own(desk):
    a, b = Value(2.0, "a"), Value(-3.0, "b")
    z = labelled(a * b, "z")
    page = desk.open(labelled(z - b.exp() * 2.0, "L"))
    said = sentences(page)
    assert "∂L/∂z += ∂L/∂L × ∂L/∂z | = 1 × 1 = 1" in said
    assert "∂L/∂a += ∂L/∂z × ∂z/∂a | ∂z/∂a = b = −3 | = 1 × (−3) = −3" in said
    assert "∂L/∂b += ∂L/∂v₁ × ∂v₁/∂b | ∂v₁/∂b = v₁ = 0.04979 | = −2 × 0.04979 = −0.09957" in said
    assert said[-1] == (
        "∂L/∂b += ∂L/∂z × ∂z/∂b | ∂z/∂b = a = 2 | = 1 × 2 = 2 | −0.09957 + 2 = 1.9 | "
        "Another way joins: gradients add up."
    )
    spoken = f"step {len(said) - 1}: {said[-1].replace(' | ', ' ')[:120]}"  # not more than can be listened to
    assert page.get_attribute("#step", "aria-valuetext") == spoken


def test_an_equation_breaks_before_its_signs(desk):
    page = desk.open(square(), SIZES[3])
    pieces = "(parts) => equation(...parts.map((p) => /^[a-z0-9]/.test(p) ? math('mi', p) : mo(p))).childNodes"
    found = page.evaluate(
        f"(parts) => [...({pieces})(parts)].map((n) => n.localName + ':' + n.textContent)",
        ["a", "=", "b", "×", "c", "−", "d", "+", "e"],
    )
    assert found == ["math:a", "wbr:", "math:=b", "wbr:", "math:×c−d", "wbr:", "math:+e"]
    assert page.evaluate("equation(mo('='), math('mi', 'x')).className") == "equation"


# Units: nodes, neurons, layers


def test_wires_lead_from_the_unit_of_an_operand_to_that_of_its_result(desk):
    page = desk.open(network(), data=EXAMPLES)
    paths = "wires.map((w) => [w.tail.name, w.head.name, w.edges.length])"
    page.select_option("#boxes", "nodes")
    edges = page.evaluate("nodes.flatMap((n) => n.parents.filter((p) => p !== null).map((p) => [name(p), n.name, 1]))")
    assert sorted(page.evaluate(paths)) == sorted(edges)
    page.select_option("#boxes", "neurons")
    found = page.evaluate(paths)
    assert sorted(f for f in found if f[1] in ("h₁", "h₂", "y")) == [
        ["h₁", "y", 1],
        ["h₂", "y", 1],
        ["x₁", "h₁", 1],
        ["x₁", "h₂", 1],
        ["x₂", "h₁", 1],
        ["x₂", "h₂", 1],
    ]
    page.select_option("#boxes", "layers")
    found = page.evaluate(paths)
    assert sorted(f for f in found if f[1] in ("layer 1", "y")) == [
        ["layer 1", "y", 2],
        ["x₁", "layer 1", 2],
        ["x₂", "layer 1", 2],
    ]
    assert page.evaluate("units.map((u) => u.id).filter((id) => id[0] === 'g')") == ["g1", "g2"]
    assert page.evaluate("new Set(wires.map((w) => w.id)).size === wires.length")
    assert page.evaluate("order.every((u) => u.inputs.every((w) => order.indexOf(w.tail) < order.indexOf(u)))")


def test_a_box_is_opened_and_closed_and_its_step_is_found_again(desk):
    page = desk.open(network(), data=EXAMPLES)
    page.select_option("#boxes", "neurons")
    page.evaluate("go(steps.findIndex((s) => s.kind === 'forward' && s.unit.name === 'y'))")
    page.select_option("#boxes", "nodes")
    assert page.evaluate("[steps[now].kind, steps[now].unit.name]") == ["forward", "y"]
    assert page.evaluate("Number(at('step').max) === steps.length - 1")
    page.evaluate("go(0)")
    page.select_option("#boxes", "neurons")
    assert page.evaluate("now") == 0
    page.evaluate("pin(nodes.findIndex((n) => n.name === 'h₁'))")
    assert page.locator("#paths button").count() == 0  # it is closed
    page.evaluate("openGroup('1.1')")
    page.evaluate("lit = pinned = nodes.findIndex((n) => n.name === 'h₁'); showPaths()")
    assert page.inner_text("#paths button") == "Close neuron 1 of layer 1"
    page.click("#paths button")
    assert page.evaluate("closed.has('1.1')")
    assert page.evaluate("[groupTitle('3'), groupTitle('3.2')]") == ["layer 3", "neuron 2 of layer 3"]
    page.evaluate("go(2)")
    page.select_option("#boxes", "layers")
    page.select_option("#boxes", "nodes")
    assert page.evaluate("[closed.size, order.length === nodes.length]") == [0, True]
    page.evaluate("go(steps.length - 1)")
    page.select_option("#boxes", "layers")
    assert page.evaluate("now === steps.length - 1")
    page.evaluate("go(1); openGroup('1')")  # which has two outputs: no box in it takes its step over
    assert page.evaluate("[now, steps[1].kind]") == [1, "forward"]


def test_the_order_of_the_steps(desk):
    page = desk.open(worked_example()[1])
    kinds = page.evaluate("steps.map((s) => s.kind)")
    count = page.evaluate("tape.length")
    assert kinds[: count + 2] == ["start", *["forward"] * count, "root"]
    assert set(kinds[count + 2 :]) == {"backward"}
    assert page.evaluate("backwardBegins()") == count + 1
    heads = page.evaluate("steps.filter((s) => s.kind === 'backward').map((s) => s.unit.node)")
    forward = page.evaluate("steps.filter((s) => s.kind === 'forward').map((s) => s.unit.node)")
    assert list(dict.fromkeys(heads)) == forward[::-1]
    for step in range(len(kinds)):  # what is known after it
        reached, passed, gradients = (
            page.evaluate(
                f"(() => {{ const k = known({step}); return [k.reached.size, k.passed.size, k.gradients.size]; }})()"
            )
            if step in (0, 1, count, count + 1, count + 2, len(kinds) - 1)
            else (None, None, None)
        )
        if reached is not None:
            leaves = page.evaluate("leaves.length")
            assert reached == leaves + min(step, count)
            assert passed == max(0, step - count - 1)
            assert (gradients == 0) is (step <= count)


# Paths


def paths(page, k):
    page.evaluate("(k) => { pinned = null; lit = k; showPaths(); }", k)
    return page.evaluate(
        "[...at('paths').querySelectorAll('h3, .places, .badge, .equation, p')]"
        ".filter((e) => !e.closest('h3, p') || e.matches('h3, p')).map((e) => plain2(e))".replace(
            "plain2(e)", "e.matches('h3, p') ? [...e.childNodes].map(plain).join('') : plain(e)"
        )
    )


def test_the_paths_of_a_box(desk):
    x = Value(3.0, "x")
    y = labelled(x * x, "y")
    page = desk.open(labelled(y * -2.0 + x, "f"))
    assert paths(page, 0) == [
        "∂f/∂x",
        "f → v₁ → y → x", "1 × (−2) × 3 = −6",
        "f → v₁ → y → x", "1 × (−2) × 3 = −6",
        "f → x", "1 = 1",
        "∂f/∂x = −11 the sum over 3 paths",
    ]  # fmt: skip
    assert paths(page, page.evaluate("root")) == ["∂f/∂f", "f", "∂f/∂f = 1"]
    y = labelled(Value(2.0, "a") * Value(5.0, "b"), "y")
    page = desk.open(labelled(y + y * 3.0, "f"))
    assert paths(page, 0)[1:4] == ["f → v₁ → y → a", "largest", "1 × 3 × 5 = 15"]
    page.evaluate("pin(0)")
    assert page.inner_text("#paths h3 .badge") == "kept"
    assert page.evaluate("[pinned, document.getElementById('n0').getAttribute('aria-pressed')]") == [0, "true"]
    page.evaluate("light(null)")
    assert page.evaluate("lit") == 0
    page.evaluate("pin(0)")
    assert page.evaluate("[pinned, lit]") == [None, 0]
    page.evaluate("light(null)")
    assert page.inner_text("#paths") == (
        "Point at a box, tap it, or move to it with Tab, to see its paths. Enter or a tap keeps it."
    )


def test_many_paths_are_counted_and_the_largest_are_listed(desk):
    x = Value(1.0, "x")
    y = sum([x * (0.1 * k) for k in range(1, 15)])
    page = desk.open(y)
    found = paths(page, 0)
    assert page.locator("#paths li").count() == 12
    assert found[2] == "largest" and found.count("largest") == 1
    products = [float(text.rpartition("= ")[2]) for text in found if text.startswith("1 × ") or " × " in text]
    assert products[:12] == pytest.approx([0.1 * k for k in range(14, 2, -1)])
    assert found[-2:] == ["… and 2 more", "∂f/∂x = 10.5 the sum over 14 paths"]
    y = x
    for k in range(9):
        y = 0.5 * y + (2 + 0.1 * k) * y
    found = paths(desk.open(y), 0)  # 512, of which the first 400 are walked, and the last is the largest
    assert "largest" not in found and found[-2] == "… and 500 more, among which may be larger ones"
    y = x
    for _ in range(21):
        y = y + y
    page = desk.open(y)
    assert paths(page, 0)[-2:] == [
        "… and 2.097e6 more, among which may be larger ones",
        "∂f/∂x = 2.097 · 10^6 the sum over 2.097e6 paths",
    ]


def test_paths_of_one_size_stand_in_the_order_of_the_operands(desk):
    x = Value(2.0, "x")
    page = desk.open(labelled(labelled(x + x, "p") + labelled(x * 1.0, "q"), "f"))
    assert paths(page, 0)[1::2][:3] == ["f → p → x", "f → p → x", "f → q → x"]


def test_so_many_paths_are_walked(desk):
    y = Value(1.0, "x")
    for _ in range(12):
        y = y + y
    assert desk.open(y).evaluate("[pathsTo(0).paths.length, pathsTo(0).count]") == [400, 4096]
    y = Value(0.5, "x")
    for _ in range(100):
        y = y.tanh()
    for _ in range(9):
        y = y + y
    page = desk.open(y)
    found = page.evaluate("pathsTo(0).paths.length")
    assert 20_000 / 111 < found < 20_000 / 99  # each path has that many nodes
    counted = """(count) => {
      const all = pathsTo;
      pathsTo = (k) => ({ ...all(k), count });
      light(units[0]);
      pathsTo = all;
    }"""
    for count, in_all, more in (
        (13, "13", "1"),
        (1_000_000, "1000000", "999988"),
        (1_000_012, "1e6", "1000000"),
        (1_000_013, "1e6", "1e6"),
    ):
        page.evaluate(counted, count)
        assert page.inner_text("#paths .sum").endswith(f"the sum over {in_all} paths")
        assert page.inner_text("#paths > .hint") == f"… and {more} more, among which may be larger ones"


def test_boxes_and_wires_above_what_is_pointed_at_are_lit(desk):
    x, w = Value(3.0, "x"), Value(2.0, "w")
    z = labelled(w * x, "z")
    page = desk.open(labelled(z + w.exp() * 2.0, "f"))
    page.evaluate("light(units[0])")
    lit = "wires.filter((w) => drawn.wire.get(w).line.classList.contains('lit')).map((w) => w.tail.name + w.head.name)"
    above = page.evaluate(lit)
    assert "wz" in above or "xz" in above
    by_name = page.evaluate(
        "(() => { light(units.find((u) => u.name === 'x')); const found = " + lit + "; light(null); return found; })()"
    )
    assert by_name == ["xz", "zf"]
    assert page.evaluate(lit) == []


# Training


def test_the_curve_of_the_loss(desk):
    page = desk.open(square(), SIZES[3])
    shapes = """(losses) => {
      history = losses.map((loss, step) => ({ step, loss, data: [] }));
      taken = 1;
      drawCurve();
      return [...at("curve").children].map(
        (e) => [e.localName, ...[...e.attributes].map((a) => a.value), e.textContent]);
    }"""
    assert page.evaluate(shapes, [4, 2, 1]) == [
        ["line", "4", "314", "90", "90", "axis", ""],
        ["polyline", "4.0,18.0 159.0,53.0 314.0,70.5", "curve", ""],
        ["circle", "159", "53", "4.5", "dot", ""],
        ["text", "4", "12", "4"],
        ["text", "314", "106", "end", "2 steps"],
    ]
    assert page.evaluate(shapes, [-4, -2])[1][1] == "4.0,88.0 314.0,18.0"  # from the least where it is negative
    found = page.evaluate(shapes, [100, 10, 1])
    assert found[1][1] == "4.0,18.0 159.0,53.0 314.0,88.0"  # by orders of size where it falls far
    assert [found[3][3], found[4][4]] == ["100 (log scale)", "2 steps"]
    assert page.evaluate(shapes, [30, 1])[3][3] == "30"
    assert page.evaluate(shapes, [31, 1])[3][3] == "31 (log scale)"
    assert page.evaluate(shapes, [30, 0])[3][3] == "30"
    assert page.evaluate(shapes, [5, 5])[1][1] == "4.0,18.0 314.0,18.0"
    assert page.evaluate(shapes, [0, 0])[1][1] == "4.0,88.0 314.0,88.0"
    assert [e[0] for e in page.evaluate(shapes, [5])] == ["line", "text", "text"]
    assert page.evaluate(shapes, [5])[-1][-1] == "1 step"
    nothing_finite = page.evaluate(f"({shapes})([NaN, Infinity])")
    assert [e[0] for e in nothing_finite] == ["line", "text", "text"] and nothing_finite[1][-1] == ""


def test_steps_are_counted_kept_and_taken_back(desk):
    page = desk.open(square(), SIZES[3])
    state = "[taken, v[0], at('taken').textContent, at('loss').textContent, "
    state += "...['max', 'value', 'disabled'].map((key) => at('scrub')[key])]"
    assert page.evaluate(state) == [0, 3, "after 0 steps", "9", "0", "0", True]
    page.click("#descend")
    assert page.evaluate(state) == [1, pytest.approx(2.4), "after 1 step", "5.76", "1", "1", False]
    assert page.evaluate("now === steps.length - 1")
    page.click("#descend-ten")
    assert page.evaluate("[taken, history.length, at('scrub').getAttribute('aria-valuetext')]") == [11, 12, "step 11"]
    page.evaluate("at('scrub').value = 1; at('scrub').dispatchEvent(new Event('input'))")
    assert page.evaluate(state)[:6] == [1, pytest.approx(2.4), "after 1 step", "5.76", "11", "1"]
    assert page.evaluate("history.map((e) => e.step)") == list(range(12))
    page.click("#reset")
    assert page.evaluate(state) == [0, 3, "after 0 steps", "9", "0", "0", True]
    assert page.evaluate("[playing, said, history.length]") == [False, "", 1]


def test_a_training_taken_up_from_an_earlier_step_leaves_what_came_after(desk):
    page = desk.open(square(), SIZES[3])
    page.click("#descend-ten")
    page.evaluate("at('scrub').value = 3; at('scrub').dispatchEvent(new Event('input'))")
    assert page.evaluate("history.length") == 11  # looking back takes nothing away
    page.click("#descend")
    assert page.evaluate("history.map((e) => e.step)") == [0, 1, 2, 3, 4]
    assert page.evaluate("[taken, at('scrub').value, at('scrub').max]") == [4, "4", "4"]
    assert page.get_attribute("#curve circle", "cx") == "314"  # the right end


def test_a_long_history_keeps_every_second_state_and_the_last(desk):
    page = desk.open(square(), SIZES[3], learning_rate=1e-6)
    page.evaluate("train(499)")
    assert page.evaluate("[history.length, history[499].step]") == [500, 499]
    page.evaluate("train(1)")
    assert page.evaluate("history.map((e) => e.step)") == list(range(0, 501, 2))
    page.evaluate("history.splice(1, 1); train(250)")
    assert page.evaluate("[history.length, history[0].step, history[history.length - 1].step]") == [500, 0, 750]
    page.evaluate("train(1)")
    assert page.evaluate("[history.length, history[history.length - 1].step]") == [251, 751]


@pytest.mark.parametrize(
    ("rate", "value", "refused"),
    [("0.1", "nan", "A number is"), ("", "3", "The rate is"), ("1e999", "3", "The rate is"), ("-0.1", "3", "")],
)
def test_a_step_is_taken_where_all_is_finite(desk, rate, value, refused):
    page = desk.open(square(), SIZES[3])
    page.evaluate("(x) => { v[0] = x === 'nan' ? NaN : Number(x); }", value)
    page.evaluate("(rate) => { at('rate').type = 'text'; at('rate').value = rate; }", rate)
    said = {
        "A number is": "A number is not finite: there is no step to take. Reset, or choose other numbers.",
        "The rate is": "The learning rate is no number: there is no step to take.",
        "": "The loss grew, from 9 to 12.96: the learning rate −0.1 is too large, the step went past the minimum.",
    }
    assert page.evaluate("[stepDown(), taken, said]") == [not refused, int(not refused), said[refused]]


def test_where_nothing_is_ticked_no_step_is_taken(desk):
    page = desk.open(square(), SIZES[3])
    page.uncheck("#moves0")
    page.click("#descend")
    assert page.inner_text("#warning") == "No number is ticked: there is none that descent may move."
    assert page.evaluate("[taken, v[0]]") == [0, 3]
    page.check("#moves0")
    page.click("#descend")
    assert page.evaluate("[taken, said]") == [1, ""]


@pytest.mark.parametrize(
    ("root", "number"),
    [
        (lambda a: a * a.exp() / a.exp(), 800.0),
        (lambda a: a * 1e200, 1e200),
        (lambda a: a.sqrt() + Value(1.0, "b"), 0.0),
    ],
    ids=["neither", "the gradient alone is finite", "the loss alone is finite"],
)
def test_no_step_is_taken_where_the_loss_or_its_gradient_is_not_finite(desk, root, number):
    page = desk.open(root(Value(1.0, "a")), SIZES[3])
    page.evaluate("(x) => { v[0] = x; }", number)
    assert page.evaluate("[stepDown(), v[0], taken]") == [False, number, 0]
    assert page.evaluate("said").startswith("A number is not finite")


def test_a_step_from_the_minimum_is_not_blamed(desk):
    page = desk.open(square(), SIZES[3])
    assert page.evaluate("v[0] = 0, [stepDown(), said, taken]") == [True, "", 1]


def test_on_a_busy_machine_there_is_less_to_draw_and_to_compute_in_a_frame(desk):
    page = desk.open(square(), SIZES[3])
    found = page.evaluate(
        """(() => {
          const frames = [], strains = [];
          let time = performance.now();
          window.requestAnimationFrame = (frame) => frames.push(frame);
          play(true);
          for (const wait of [...Array(20).fill(30), ...Array(80).fill(29)]) {
            frames.pop()((time += wait));
            strains.push(strain);
          }
          play(false);
          return strains;
        })()"""
    )
    assert found[19] == 6 and found[-1] == 1
    assert found[1] == pytest.approx(1.2 * found[0]) and found[20] == pytest.approx(0.97 * 6)


def test_training_plays_at_its_speed_and_stops(desk):
    page = desk.open(square(), SIZES[3], learning_rate=1e-6)
    page.evaluate("at('speed').value = 6")
    start = page.evaluate(
        "new Promise((done) => { play(true); const t = performance.now();"
        "setTimeout(() => done([taken, performance.now() - t, now === steps.length - 1]), 400); })"
    )
    assert start[2]
    assert 0 < start[0] <= 2**6 * start[1] / 1000 + 2
    assert page.inner_text("#play-training") == "Pause"
    assert page.evaluate(
        "[at('picture').classList.contains('playing'), at('play-training').getAttribute('aria-pressed')]"
    ) == [True, "true"]
    page.click("#play-training")
    assert page.inner_text("#play-training") == "Train"
    assert page.evaluate("[playing, at('picture').classList.contains('playing')]") == [False, False]
    page.evaluate("v[0] = 1e200; play(true)")
    page.evaluate("new Promise((done) => setTimeout(done, 100))")
    assert page.evaluate("[playing, said !== '']") == [False, True]


# Data


def test_examples_are_chosen(desk):
    mlp = network()
    page = desk.open(mlp, SIZES[3], data=EXAMPLES)
    state = "[example, at('example').value, ...['x₂', 't'].map((x) => v[nodes.findIndex((n) => n.name === x)])]"
    assert page.evaluate(state) == [0, "1", -2, 0.5]
    assert page.inner_text("#examples") == "of 3"
    assert page.get_attribute("#example", "max") == "3"
    assert page.evaluate("[at('data').hidden, document.documentElement.classList.contains('with-data')]") == [
        False,
        True,
    ]
    for button, expected in (("next", 1), ("next", 2), ("next", 0), ("back", 2), ("back", 1)):
        page.click(f"#example-{button}")
        assert page.evaluate(state) == [expected, str(expected + 1), EXAMPLES[expected][0][1], EXAMPLES[expected][1]]
    for typed, expected in (("3", 2), ("99", 2), ("0", 0), ("-4", 0), ("2", 1), ("", 0)):
        page.evaluate("(n) => { at('example').value = n; at('example').dispatchEvent(new Event('change')); }", typed)
        assert page.evaluate(state)[:2] == [expected, str(expected + 1)], typed
    y = mlp([Value(x) for x in EXAMPLES[0][0]])
    assert close(page.evaluate("v[nodes.findIndex((n) => n.name === 'y')]"), y.data)
    losses = [0.5 * (mlp(x).data - t) ** 2 for x, t in EXAMPLES]
    assert page.inner_text("#loss") == shown(sum(losses) / 3)


def test_a_point_of_the_map_chooses_the_nearest_example(desk):
    page = desk.open(network(), data=EXAMPLES)
    (x0, x1), (y0, y1) = page.evaluate("reachOfInputs")
    assert (x0, x1) == (pytest.approx(-1.5 - 0.12 * 2.5), pytest.approx(1.0 + 0.12 * 2.5))
    assert (y0, y1) == (pytest.approx(-2 - 0.12 * 5), pytest.approx(3 + 0.12 * 5))
    box = page.evaluate(
        "(() => { at('heat').scrollIntoView(); const b = at('heat').getBoundingClientRect();"
        "return [b.left, b.top, b.width, b.height]; })()"
    )
    for k in (1, 2, 0):
        (x, y), _ = EXAMPLES[k]
        place = [(x - x0) / (x1 - x0) * box[2], (1 - (y - y0) / (y1 - y0)) * box[3]]
        assert page.evaluate("([k, w, h]) => onMap(examples[k], w, h)", [k, box[2], box[3]]) == pytest.approx(place)
        page.evaluate(
            "([x, y]) => at('heat').dispatchEvent(new MouseEvent('click', { clientX: x, clientY: y }))",
            [box[0] + place[0] + 3, box[1] + place[1] - 3],
        )
        assert page.evaluate("example") == k
    assert page.get_attribute("#heat", "aria-label") == (
        "What the network answers for each pair of inputs, with the examples. Example 1 of 3 is marked."
    )


@pytest.mark.parametrize("high", [1.0, 0.05])
def test_the_colours_of_the_map_are_the_networks_answers(desk, high):
    """Beyond the lowest and highest target they are no stronger."""
    mlp, low = network(), -high
    page = desk.open(mlp, data=[(x, max(low, min(high, t))) for x, t in EXAMPLES])
    colours = page.evaluate(
        "['--data-strong', '--grad-strong', '--background'].map((name) => getComputedStyle(document.documentElement)"
        ".getPropertyValue(name).trim().match(/[0-9a-f]{2}/gi).map((c) => parseInt(c, 16)))"
    )
    (x0, x1), (y0, y1) = page.evaluate("reachOfInputs")
    image = page.evaluate("[...drawHeat.small.getContext('2d').getImageData(0, 0, 40, 40).data]")
    for r, c in ((0, 0), (3, 17), (20, 20), (39, 39), (39, 0), (11, 30)):
        x, y = x0 + (c + 0.5) / 40 * (x1 - x0), y1 - (r + 0.5) / 40 * (y1 - y0)
        share = max(-1.0, min(1.0, 2 * (mlp([x, y]).data - low) / (high - low) - 1))
        end = colours[0] if share > 0 else colours[1]
        expected = [b + (e - b) * abs(share) * 0.75 for b, e in zip(colours[2], end, strict=True)]
        at = 4 * (r * 40 + c)
        assert image[at : at + 4] == [*(pytest.approx(n, abs=1.01) for n in expected), 255], (r, c)
    corners = "[...at('heat').getContext('2d').getImageData(0, 0, 360, 360).data].filter((_, j) => j % 4 === 3)"
    assert set(page.evaluate(f"{corners}.filter((_, j) => [0, 359, 129240, 129599].includes(j))")) == {255}


def test_the_marks_of_the_examples(desk):
    """A disc for the upper targets, a square for the others, the one that is shown larger: what the canvas is told."""
    page = desk.open(network(), data=EXAMPLES)
    marks = page.evaluate(
        """(() => {
          const context = at("heat").getContext("2d"), calls = [];
          for (const kind of ["arc", "rect"]) {
            const draw = context[kind];
            context[kind] = function (...given) { calls.push([kind, ...given]); return draw.apply(this, given); };
          }
          const stroke = context.stroke;
          context.stroke = function () {
            calls[calls.length - 1].push(this.lineWidth, this.fillStyle, this.strokeStyle);
            return stroke.apply(this);
          };
          examples.push([0.25, 0.75, 0]);
          example = 2;
          drawHeat();
          const style = getComputedStyle(document.documentElement);
          return [calls, examples.map((e) => onMap(e, 360, 360)), ["data-strong", "grad-strong", "background", "text"]
            .map((name) => style.getPropertyValue("--" + name).trim())];
        })()"""
    )
    calls, places, (high, low, between, text) = marks
    (x0, y0), (x1, y1), (x2, y2), (x3, y3) = places
    assert calls == [
        ["arc", x0, y0, 4, 0, 7, 1, high, between],
        ["rect", *map(pytest.approx, (x1 - 3.4, y1 - 3.4, 6.8, 6.8)), 1, low, between],
        ["arc", x2, y2, 7, 0, 7, 3, high, text],
        ["rect", *map(pytest.approx, (x3 - 3.4, y3 - 3.4, 6.8, 6.8)), 1, low, between],  # in the middle: not above
    ]


def test_the_map_of_inputs_that_are_all_the_same(desk):
    page = desk.open(network(), SIZES[3], data=[([1.0, -2.0], 0.5), ([1.0, 4.0], 0.5)])
    assert page.evaluate("reachOfInputs.flat()") == list(map(pytest.approx, (0.88, 1.12, -2.72, 4.72)))


def test_the_map_has_the_colours_of_the_theme(desk):
    page = desk.open(network(), SIZES[3], data=EXAMPLES)
    page.emulate_media(color_scheme="dark")
    page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    assert max(page.evaluate("[...drawHeat.small.getContext('2d').getImageData(20, 20, 1, 1).data]")[:3]) < 128
    page.emulate_media(color_scheme="light")


def test_the_first_node_may_be_an_input(desk):
    w = Value(2.0, "w")
    page = desk.open(lambda x: x[0] * w, SIZES[3], data=[(1.0, 2.0), (3.0, 1.0)])
    page.click("#example-next")
    assert page.evaluate("[name(0), v[0], v[1]]") == ["x", 3, 2]
    page.fill("#rate", "10")
    page.click("#descend")
    assert page.inner_text("#warning").startswith("The loss grew, from 6.25 to 13506")  # the means


def test_other_numbers_of_inputs_have_no_map(desk):
    page = desk.open(MLP(1, [1], seed=1), SIZES[3], data=[(1.0, 2.0), (3.0, 1.0)])
    assert page.evaluate("[at('heat').hidden, at('heat-hint').hidden, at('data').hidden]") == [True, True, False]
    page = desk.open(square(), SIZES[3])
    assert page.evaluate("at('data').hidden")


# The numbers


def test_the_numbers_of_the_leaves(desk):
    a, b = Value(2.0, "a"), Value(0.25, "b")
    page = desk.open(a * b, SIZES[3])
    slider = "[...['min', 'max'].map((key) => Number(at('slider{0}')[key])), Number(at('slider{0}').value)]"
    assert page.evaluate(slider.format(0)) == [-2, 6, 2]  # twice its size to either side, 1 at least
    assert page.evaluate(slider.format(1)) == [-0.75, 1.25, 0.25]
    out = "[...document.querySelectorAll('.leaf .grad')].map((e) => e.textContent)"
    assert page.evaluate(out) == ["", ""]
    page.click("#last")
    assert page.evaluate(out) == ["0.25", "2"]
    typed = "([id, x]) => { at(id).value = x; const kind = id[0] === 's' ? 'input' : 'change';"
    typed += "at(id).dispatchEvent(new Event(kind)); return v[0]; }"
    for text, number in (("1.5", 1.5), ("", 1.5), ("-0.123456789", -0.123456789), ("0", 0)):
        assert page.evaluate(typed, ["number0", text]) == number
    assert page.evaluate(typed, ["slider0", "0.3333333333"]) == pytest.approx(0.3333333333)
    assert page.evaluate("at('number0').value") == "0.333333"
    page.evaluate("at('number0').type = 'text'")
    for text in ("x", "1e999", "nan"):
        assert page.evaluate(typed, ["number0", text]) == pytest.approx(0.3333333333)
    page.evaluate("train(3)")
    assert page.evaluate("[taken, history.length]") == [3, 4]
    page.evaluate(typed, ["number0", "1"])
    assert page.evaluate("[taken, history.length, v[2], grad[1]]") == [0, 1, page.evaluate("v[1]"), 1]
    page.evaluate("at('moves1').click()")
    assert page.evaluate("[[...moving], taken]") == [[0], 0]
    page.evaluate("at('moves1').click()")
    assert page.evaluate("[...moving]") == [0, 1]
    assert page.evaluate("[at('number0'), at('moves1')].map((e) => e.getAttribute('aria-label'))") == [
        "a, number",
        "b is moved by descent",
    ]


def test_a_changed_input_is_that_of_its_example(desk):
    page = desk.open(network(), SIZES[3], data=EXAMPLES)
    page.click("#example-next")
    k = page.evaluate("nodes.findIndex((n) => n.name === 'x₁')")
    page.evaluate("(k) => { at('number' + k).value = 7; at('number' + k).dispatchEvent(new Event('change')); }", k)
    assert page.evaluate("examples") == [[1, -2, 0.5], [7, 3, -1], [-1.5, 0.25, 1]]


def test_many_leaves_are_listed_in_part(desk):
    page = desk.open(sum(Value(0.1 * k, f"p{k}") for k in range(61)), SIZES[3])
    assert page.locator(".leaf").count() == 60
    assert page.inner_text("#leaves .hint") == "… and 1 more"
    page = desk.open(sum(Value(0.1 * k, f"p{k}") for k in range(60)), SIZES[3])
    assert page.locator(".leaf").count() == 60
    assert page.locator("#leaves .hint").count() == 0


def test_what_is_held_is_said(desk):
    a, x, t = Value(1.0, "a"), Value(2.0, "x"), Value(3.0, "t")
    tick = "A tick lets descent move a number."
    assert desk.open(a * x, SIZES[3]).inner_text("#held") == f"{tick} x is held: named like inputs or targets."
    assert desk.open(a * x * t, SIZES[3]).inner_text("#held") == f"{tick} x, t are held: named like inputs or targets."
    assert desk.open(a.exp(), SIZES[3]).inner_text("#held") == tick
    many = sum((Value(1.0, f"x{k}") for k in range(1, 8)), start=a)
    assert "x₁, x₂, x₃, x₄, x₅, … are held" in desk.open(many, SIZES[3]).inner_text("#held")
    six = sum((Value(1.0, f"x{k}") for k in range(1, 7)), start=a)
    assert "x₁, x₂, x₃, x₄, x₅, x₆ are held" in desk.open(six, SIZES[3]).inner_text("#held")


# What is kept and saved


def test_the_address_has_what_differs_from_the_start(desk):
    page = desk.open(network(), SIZES[3], data=EXAMPLES)
    assert page.evaluate("location.hash") in ("", "#")
    page.evaluate("go(3); at('example-next').click(); pin(2)")
    w = page.evaluate("nodes.findIndex((n) => n.name === 'w₁')")
    page.evaluate("(k) => { v[k] = 0.5; remember(); }", w)
    assert page.evaluate("location.hash") == f"#step=3&example=2&node=2&v{w}=0.5"
    address = f"#step=3&example=2&node=2&v{w}=0.5"
    again = desk.open(network(), SIZES[3], address, data=EXAMPLES)
    state = f"[now, example, at('example').value, lit, pinned, v[{w}]]"
    assert again.evaluate(state) == [3, 1, "2", 2, 2, 0.5]
    again.evaluate("train(3); location.hash = '#step=2'; 0")
    again.evaluate("new Promise((done) => setTimeout(done, 50))")
    assert again.evaluate(state)[0] == 2
    assert again.evaluate("[taken, history.length]") == [0, 1]
    assert again.evaluate(f"v[{w}] === initial[{w}]")
    for hash_, expected in (("#example=99", 2), ("#example=0", 0), ("#example=1.5", 0), ("#example=-3", 0)):
        assert desk.open(network(), SIZES[3], hash_, data=EXAMPLES).evaluate("example") == expected
    for hash_, expected in (("#node=999", "root"), ("#node=x", "0"), ("#step=-1", "0")):
        assert desk.open(square(), SIZES[3], hash_).evaluate(f"(pinned ?? now) === {expected}")


def test_a_large_graph_keeps_no_numbers_in_its_address(desk):
    for count, kept in ((74, True), (75, False)):  # 150 nodes, and 2 more
        root = Value(1.0, "p")
        for k in range(count):
            root = root + Value(0.1, f"q{k}")
        page = desk.open(root + 0.5 if kept else root, SIZES[3])
        assert page.evaluate("nodes.length") == (150 if kept else 151)
        page.evaluate("v[0] = 2; remember()")
        assert ("v0=2" in page.evaluate("location.hash")) is kept


def test_the_saved_picture(desk):
    page = desk.open(square(), SIZES[3])
    page.click("#last")
    text = page.evaluate("pictureAsSvg()")
    w, h = page.evaluate("[drawn.width + 24, drawn.height + 24]")
    head = text[: text.index(">")]
    for part in (
        f'width="{w:g}"',
        f'height="{h:g}"',
        f'viewBox="0 0 {w:g} {h:g}"',
        'xmlns="http://www.w3.org/2000/svg"',
    ):
        assert part in head
    assert 'transform="translate(12,12)"' in text
    assert re.search(rf'</style><rect width="{w:g}" height="{h:g}" fill="#[0-9a-f]{{6}}"', text)
    assert not re.search(r"tabindex|role=|aria-(label=\"[^T]|pressed|expanded)", text[len(head) :])
    assert ".box" in text and ".wire" in text and "#note" not in text and ".panels" not in text
    assert text.index(".box .back {") < text.index(".box.lit .back {") < text.index(".box.now .back {")  # the last wins
    with page.expect_download() as download:
        page.click("#save-svg")
    assert download.value.suggested_filename == "graph.svg"
    with page.expect_download() as download:
        page.click("#save-png")
    assert download.value.suggested_filename == "graph.png"
    kinds = page.evaluate(
        """(() => {
          const found = [], all = download;
          download = (file, content) => found.push([file, content.type]);
          at("save-svg").click();
          at("save-score").click();
          download = all;
          return found;
        })()"""
    )
    assert kinds == [["graph.svg", "image/svg+xml"], ["score.csv", "text/csv"]]
    content = download.value.path().read_bytes()
    pixels = content[content.index(b"IDAT") + 4 :]
    assert zlib.decompressobj().decompress(pixels, 5)[1:] == b"\xff\xff\xff\xff"  # to the corner
    size = content[16:24]
    assert [int.from_bytes(size[:4], "big"), int.from_bytes(size[4:], "big")] == [math.floor(w) * 2, math.floor(h) * 2]


# Settings


def test_what_is_open_at_first(desk):
    assert desk.open(network(), data=EXAMPLES).evaluate("[at('boxes').value, at('lines').value]") == [
        "nodes",
        "contributions",
    ]
    page = desk.open(MLP(2, [16, 16, 1], seed=1), data=moons(2))
    assert page.evaluate("[at('boxes').value, at('lines').value]") == ["neurons", "weights"]
    assert page.evaluate("at('boxes').closest('label').hidden") is False
    page = desk.open(worked_example()[1], SIZES[0])
    assert page.evaluate("at('tools').open") is False
    for width, is_open in ((640, False), (641, True)):  # as in the style sheet
        assert desk.open(square(), {"width": width, "height": 700}).evaluate("at('tools').open") is is_open
    page = desk.open(square())
    assert page.evaluate("[at('boxes').closest('label').hidden, at('tools').open]") == [True, True]
    assert page.evaluate("document.documentElement.classList.contains('few')")
    assert not page.evaluate("document.documentElement.classList.contains('framed')")
    assert not page.evaluate("document.documentElement.classList.contains('with-data')")
    page.evaluate("at('theme').value = 'dark'; at('theme').dispatchEvent(new Event('change'))")
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"


@pytest.mark.parametrize(("count", "few"), [(9, True), (10, True), (11, False)])
def test_a_page_of_few_nodes(desk, count, few):
    root = Value(0.5, "a")
    for _ in range(count - 1):
        root = root.tanh()
    assert desk.open(root, SIZES[3]).evaluate("document.documentElement.classList.contains('few')") is few
    assert len(nodes(root)) == count


def test_the_detail_of_a_network_at_first(desk):
    """Up to 60 nodes are drawn one by one, where they can be read."""
    for sizes, level in (([3, 1], "nodes"), ([8, 1], "neurons")):
        page = desk.open(MLP(2, sizes, activation="tanh", seed=1), data=moons(2))
        assert page.evaluate("nodes.length <= 60") is (level == "nodes")
        assert page.evaluate("at('boxes').value") == level
    y = MLP(2, [2, 1], seed=1)([Value(0.5, "x1"), Value(0.25, "x2")])
    beside = [Value(0.1, f"a{k}").sin() for k in range((59 - len(nodes(y))) // 2)]
    root = dot([y, *beside], [1.0] * (len(beside) + 1))
    while len(nodes(root)) < 60:
        root = root.sin()
    for extra, level in ((root, "nodes"), (root.sin(), "neurons")):
        assert desk.open(extra).evaluate("at('boxes').value") == level, len(nodes(extra))
