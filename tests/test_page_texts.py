"""Sessions with the page, whole: tests/page.txt has what is seen, or heard, to change at each thing that someone does.

`python -m tests.test_page_texts` writes it anew. Whoever changes a session on purpose opens the page, and reads how
that file changes. Where boxes and the note stand is not in it: test_page_layout.py and test_page_stage.py say that.
"""

import tempfile
from pathlib import Path

import pytest

from tests import kept
from tests.pages import CHROMIUM, FLAGS, Desk
from tinygrad_edu import Value
from tinygrad_edu.nn import MLP

# All that is seen and heard, by name: texts, controls, boxes, wires, the dot on the curve, the map, the address.
SEEN = """
  const all = [...document.querySelectorAll("[id]:not(script)")]
    .filter((e) => !e.closest("#world, #sentence, #curve, #map") && !e.id.startsWith("slider"));
  const spoken = (e) => [...e.childNodes].map((c) => c.nodeType === 3 ? c.data : c.matches("span, math") ? plain(c) :
    c.matches("input") ? "[" + c.value + "]" : c.matches("button") ? "(" + c.textContent + ")" : spoken(c) + " | ")
    .join("");
  const joined = (...parts) => parts.filter(Boolean).join(", ");
  const classes = (e, ...usual) => [...e.classList].filter((name) => !usual.includes(name)).sort().join(" ");
  const aria = (e) => joined(...[...e.attributes].filter(({ name }) => name.startsWith("aria-")).map((a) => a.value));
  const ofControl = (e) => joined(e.type === "checkbox" ? String(e.checked) : e.value, e.disabled && "disabled",
    e.max && "of " + e.max, e.matches("button") && e.textContent, e !== at("step") && aria(e));
  const copy = Object.assign(document.createElement("canvas"), { width: GRID, height: GRID })
    .getContext("2d", { willReadFrequently: true });
  const meanColour = (canvas) => {
    copy.drawImage(canvas, 0, 0);
    const { data } = copy.getImageData(0, 0, GRID, GRID), sums = [0, 0, 0, 0];
    data.forEach((share, j) => (sums[j % 4] += share));
    return sums.map((sum) => (sum / GRID ** 2).toFixed(1)).join(" ");
  };
  const seen = () => {
    const found = { address: location.hash, page: classes(document.documentElement), says: spoken(at("sentence")) };
    for (const e of all)
      found[e.id] = joined(e.hasAttribute("hidden") && "hidden", e.matches("input, select, button") ? ofControl(e) :
        joined((e.id === "paths" || !e.querySelector("[id]")) && spoken(e), aria(e)), classes(e, "hint", "bar"));
    found.focus = document.activeElement.id;
    found.tab = [...document.querySelectorAll("#world .box")].map((box) => box.id).join(" ");
    for (const unit of order) {
      const { group } = drawn.unit.get(unit);
      found["box " + unit.id] = aria(group) + "; " + classes(group, "box");
    }
    for (const wire of wires) {
      const { line, text } = drawn.wire.get(wire);
      found["wire " + wire.id + " from " + wire.tail.name] = joined(text.textContent, classes(text, "factor"),
        line.style.strokeWidth, classes(line, "wire"));
    }
    const dot = at("curve").querySelector("circle");
    found.curve = joined(dot && dot.getAttribute("cx") + " " + dot.getAttribute("cy"), spoken(at("curve")));
    if (drawHeat.small) found.map = meanColour(drawHeat.small);
    const shorter = (number) => Number(number).toPrecision(4);
    for (const key in found) found[key] = found[key].replace(/\\d+\\.\\d{5,}/g, shorter);
    return found;
  };
"""

# `act` writes down what a thing changes.
SESSION = """
  textWidth = (text) => 7 * text.length; // whatever letters a machine has
  redraw();
  let before = {};
  const lines = [];
  const opened = () => (before = seen());
  const act = (what, action = () => {}) => {
    action();
    const after = seen();
    lines.push("> " + what);
    for (const key of [...new Set([...Object.keys(before), ...Object.keys(after)])].sort())
      if ((before[key] ?? "") !== (after[key] ?? "")) lines.push("  " + key + ": " + (after[key] ?? "gone"));
    before = after;
  };
  const until = (done, what, action) => {
    for (let j = 0; j < 50 && !done(); j++) act(what, action);
  };
  const key = (key, on = document.body) => on.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
  const set = (id, value, kind = "change") => {
    if (typeof value === "boolean") at(id).checked = value;
    else at(id).value = value;
    at(id).dispatchEvent(new Event(kind, { bubbles: true }));
  };
  const press = (...ids) => ids.forEach((id) => at(id).click());
  const box = (wanted) => drawn.unit.get(units.find((unit) => unit.name === wanted)).group;
  const point = (wanted, kind = "pointerenter") => box(wanted).dispatchEvent(new PointerEvent(kind));
  const named = (text) => [...at("sentence").querySelectorAll("button")].find((b) => b.textContent === text);
  const answer = (text) => {
    at("answer").value = text;
    at("answer").form.requestSubmit();
  };
"""


def labelled(value, label):
    value.label = label
    return value


def small():
    a, b, x = Value(2.0, "a1"), Value(-3.0, "b"), Value(0.5, "x")
    a.grad = 1.0
    y = labelled(a * b, "y")
    return labelled((y * x) ** 3 - y.abs().sqrt(), "E")


def network():
    return MLP(2, [2, 1], activation="tanh", seed=1)


EXAMPLES = [([1.0, -2.0], 0.5), ([0.5, 3.0], -1.0), ([-1.5, 0.25], 1.0)]
STEPS = """
  act("the page is opened");
  until(() => at("next").disabled, "Next", () => press("next"));
  act("Back", () => press("back"));
  act("To the start", () => press("first"));
  act("the key End", () => key("End"));
  act("names only", () => set("detail", "0"));
  act("numbers", () => set("detail", "1"));
  act("plain lines", () => set("lines", "plain"));
  act("gradients on lines", () => set("lines", "gradients"));
  act("contributions on lines", () => set("lines", "contributions"));
"""
POINTING = """
  set("detail", "2");
  press("last");
  opened();
  for (const name of ["a₁", "x", "y", "E"]) act("pointing at " + name, () => point(name));
  act("pointing at nothing", () => point("E", "pointerleave"));
  act("Enter on y", () => key("Enter", box("y")));
  act("pointing at b", () => point("b"));
  act("no more", () => point("b", "pointerleave"));
  act("a click on b", () => box("b").dispatchEvent(new MouseEvent("click")));
  act("a space on b", () => key(" ", box("b")));
"""
NUMBERS = """
  press("last");
  opened();
  act("a1 is typed", () => set("number0", "1.5"));
  act("b is emptied", () => set("number1", ""));
  act("b slides", () => set("slider1", "-2.25", "input"));
  act("x is to be moved", () => press("moves2"));
  act("a1 is held", () => press("moves0"));
  act("a step", () => press("descend"));
  act("ten steps", () => press("descend-ten"));
  act("back in the history", () => set("scrub", "3", "input"));
  act("a step from there", () => press("descend"));
  act("a large rate", () => { set("rate", "50"); press("descend"); });
  act("far too large a one", () => { set("rate", "1e300"); press("descend-ten"); });
  act("Reset", () => press("reset"));
  act("far too large a number", () => set("number0", "1e200"));
  act("the step of the result", () => set("step", String(backwardBegins()), "input"));
  act("a kink", () => { set("number0", "0"); key("End"); });
  act("Reset again", () => press("reset"));
"""
ASKING = """
  opened();
  act("asked before each step", () => set("ask", true));
  act("the first question", () => go(backwardBegins() + 1));
  act("nothing", () => answer(" "));
  act("what cannot be read", () => answer("2 +"));
  act("a sign too many", () => answer("-1"));
  act("a hint", () => named("Hint").click());
  until(() => !asking, "it is shown", () => named("Show").click());
  act("where two ways join", () => go(steps.findIndex((step) => questionsOf(step).some((q) => q.kind === "sum"))));
  act("right at once", () => answer(String(asking.question.value(v))));
  act("a wrong answer", () => answer("17"));
  act("the gradient from above alone", () => answer(String(grad[asking.question.k])));
  act("right in the end", () => answer(String(asking.question.value(v))));
  act("the last way alone", () => answer(String(grad[asking.question.k] * d[asking.question.k][asking.question.i])));
  act("the sum", () => answer(String(asking.question.value(v))));
  act("the next question", () => press("next"));
  act("Train while it is open", () => press("play-training"));
  act("Pause", () => press("play-training"));
  act("the step before", () => press("back"));
  act("no more questions", () => set("ask", false));
  lines.push(scoreAsCsv().replaceAll("\\r", "").trim());
  act("the score is forgotten", () => press("forget-score"));
"""
CLOSED = """
  opened();
  act("neurons", () => set("boxes", "neurons"));
  until(() => at("next").disabled, "Next", () => press("next"));
  act("pointing at h₁", () => point("h₁"));
  act("contributions on lines", () => set("lines", "contributions"));
  act("layers", () => set("boxes", "layers"));
  act("weights on lines", () => set("lines", "weights"));
  act("To the start", () => press("first"));
  until(() => at("next").disabled, "Next", () => press("next"));
  act("layer 2 is opened", () => key("Enter", box("y")));
  act("layer 1 is opened", () => key("Enter", box("layer 1")));
  act("neuron 1 of it is opened", () => box("h₁").dispatchEvent(new MouseEvent("click")));
  act("Enter on h₁", () => key("Enter", box("h₁")));
  act("it is closed again", () => at("paths").querySelector("button").click());
"""
TRAINING = """
  set("boxes", "layers");
  press("last");
  opened();
  act("the next example", () => press("example-next"));
  act("the one before the first", () => press("example-back", "example-back"));
  act("the second", () => set("example", "2"));
  act("an emptied number", () => set("example", ""));
  act("ten steps", () => press("descend-ten"));
  const frames = [];
  window.requestAnimationFrame = (frame) => frames.push(frame);
  let clock = 0;
  window.performance.now = () => clock;
  const frame = (wait) => frames.pop()((clock += wait));
  act("another theme", () => set("theme", "dark"));
  act("Train", () => press("play-training"));
  for (let j = 1; j <= 7; j++) act("a frame", () => frame(62.5));
  act("fast", () => set("speed", "9"));
  for (let j = 1; j <= 7; j++) act("a frame in time", () => frame(16));
  set("rate", "1e-6");
  act("a frame after a long while", () => frame(1e6));
  window.performance.now = () => (clock += 3);
  for (let j = 1; j <= 2; j++) act("a frame in which steps take long", () => frame(16));
  window.performance.now = () => clock;
  act("a frame at once", () => frame(0));
  act("Pause", () => press("play-training"));
  act("a frame too late", () => frame(1e6));
  act("Train again", () => press("play-training"));
  act("back in the history", () => set("scrub", "2", "input"));
  act("and again", () => press("play-training"));
  act("Reset", () => press("reset"));
"""
SESSIONS = {
    "steps": (small, {}, STEPS),
    "pointing": (small, {}, POINTING),
    "numbers": (small, {}, NUMBERS),
    "asking": (small, {}, ASKING),
    "closed boxes": (network, {"data": EXAMPLES}, CLOSED),
    "training": (network, {"data": EXAMPLES}, TRAINING),
}


def session(desk, name):
    root, options, script = SESSIONS[name]
    page = desk.open(root(), {"width": 1280, "height": 720}, **options)
    return page.evaluate(f"(() => {{ {SEEN} {SESSION} {script} return lines.join('\\n') + '\\n'; }})()")


@pytest.mark.parametrize("name", SESSIONS)
def test_a_session(desk, name):
    assert session(desk, name) == kept.read("page.txt")[name]


if __name__ == "__main__":
    from playwright.sync_api import sync_playwright

    with sync_playwright() as p, tempfile.TemporaryDirectory() as folder:
        desk = Desk(p.chromium.launch(executable_path=CHROMIUM, args=FLAGS), Path(folder))
        kept.write("page.txt", {name: session(desk, name) for name in SESSIONS})
        print(*desk.said, sep="\n")
