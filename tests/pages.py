"""Interactive pages in a real headless Chromium, and their scripts in Node, for the tests of them."""

import json
import math
import os
import random
import shutil
import subprocess

import pytest

from tinygrad_edu.lesson import forward, network
from tinygrad_edu.show import explore

CHROMIUM = shutil.which("chromium")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]


WIDE = {"width": 1920, "height": 1080}
SIZES = [{"width": w, "height": h} for w, h in ((390, 844), (800, 1000), (853, 480), (1280, 720), (1920, 1080))]


# One browser for each file of tests. While slips are tried the quickest tests come first, whatever file they are in.
SCOPE = "session" if os.environ.get("HYPOTHESIS_PROFILE") == "mutation" else "module"


@pytest.fixture(scope=SCOPE)
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

    def visit(root, viewport=WIDE, scheme="light", address="", **options):
        file = tmp_path / f"page{len(pages)}.html"
        explore(root, file, **options)
        page = browser.new_page(viewport=viewport, color_scheme=scheme, reduced_motion="reduce")
        said, asked = [], []
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("request", lambda request: asked.append(request.url))
        page.goto(file.as_uri() + address)
        pages.append((page, said, asked, file.as_uri()))
        return page

    yield visit
    for page, said, asked, own in pages:
        assert said == []
        assert {url for url in asked if not url.startswith("data:")} == {own}
        page.close()


def node(script):
    """What the last expression of a script gives; numbers go through text, which keeps nan, infinities and -0."""
    script += (
        "\nconst text = (x) => Array.isArray(x) ? x.map(text) : typeof x === 'number' ? (Object.is(x, -0) ? '-0.0' : "
        "String(x)) : x;\nconsole.log(JSON.stringify(text(result)));"
    )
    done = subprocess.run(["node", "-"], input=script, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


class Desk:
    """One tab for many pages, which say nothing on the console."""

    def __init__(self, browser, folder):
        self.page = browser.new_page(viewport=WIDE, reduced_motion="reduce")
        self.file, self.said = folder / "page.html", []
        self.page.on("console", lambda message: self.said.append(message.text))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))

    def open(self, root, viewport=WIDE, address="", **options):
        explore(root, self.file, **options)
        if self.page.viewport_size != viewport:
            self.page.set_viewport_size(viewport)
        if address:  # where only that differs a browser would stay on its page
            self.page.goto("about:blank")
        self.page.goto(self.file.as_uri() + address)
        return self.page


@pytest.fixture(scope=SCOPE)
def tab(browser, tmp_path_factory):
    desk = Desk(browser, tmp_path_factory.mktemp("desk"))
    yield desk
    desk.page.close()


@pytest.fixture
def desk(tab):
    tab.said.clear()
    yield tab
    assert tab.said == []


def worked_example():
    mlp = network()
    return mlp, forward(mlp).total


def wait(page, condition):
    """Until it holds, looked at each frame: the page's policy forbids the `eval` of wait_for_function."""
    page.evaluate(
        f"new Promise(done => {{ const look = () => {condition} ? done() : requestAnimationFrame(look); look(); }})"
    )


def sentence(page):
    return page.evaluate("[...document.getElementById('sentence').children].map(plain).join(' | ')")


def close(a, b, tolerance=1e-12):
    return a == b or abs(a - b) <= tolerance * max(1.0, abs(b))


# What is wrong at a step: the box that it is about out of view or under small print; null where nothing is.
WORST = """() => {
    const area = document.getElementById("stage").getBoundingClientRect();
    const inside = (box) => box.left >= area.left - 1 && box.right <= area.right + 1 && box.top >= area.top - 1 &&
      box.bottom <= area.bottom + 1;
    for (const box of document.querySelectorAll(".box.now"))
      if (!inside(box.getBoundingClientRect())) return "out of view: " + box.id;
    for (const text of document.querySelectorAll("body *")) {
      const own = [...text.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
      if (!own || !text.checkVisibility()) continue;
      if (["SCRIPT", "STYLE", "TITLE", "OPTION"].includes(text.tagName) || text.closest("math")) continue;
      const size = parseFloat(getComputedStyle(text).fontSize) * (text.closest("#world") ? camera.scale : 1);
      if (size < 11.99) return size + " px: " + text.textContent;
    }
    const note = document.getElementById("note").getBoundingClientRect();
    if (!inside(note)) return "the note is out of view";
    return null;
  }"""


def worst_case(page):
    return page.evaluate(WORST)


def worst_cases(page, every=1):
    """What is wrong at each step, one after another, or at some of them."""
    steps = f"steps.map((_, step) => step).filter((step) => step % {every} === 0)"
    return page.evaluate(f"{steps}.map((step) => {{ go(step); return ({WORST})(); }}).filter((found) => found)")


def moons(count):
    rng, found = random.Random(1), []
    for k in range(count):
        angle, upper = math.pi * rng.random(), k % 2 == 0
        x, y = (math.cos(angle), math.sin(angle)) if upper else (1 - math.cos(angle), 0.5 - math.sin(angle))
        found.append(([x + rng.gauss(0, 0.1), y + rng.gauss(0, 0.1)], 1.0 if upper else -1.0))
    return found
