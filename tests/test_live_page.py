"""A live page in a real Chromium, opened from a file: played through, broken, and looked at by axe-core."""

import functools
import http.server
import json
import threading
import time

import pytest

from tests.pages import SIZES
from tinygrad_edu.live import assets, build, folder, lessons

if not assets.cache().is_dir():
    pytest.skip("needs what npm brings: run tinygrad-edu live -o /dev/null once", allow_module_level=True)

LESSONS = lessons()
NEURON = """from tinygrad_edu import Value, tanh
w, x = Value(0.3, "w"), Value(2.0, "x")
y = tanh(w * x)
y.backward()
print("slope", round(w.grad, 4))"""


class Live:
    """A page, and what a reader does with it."""

    def __init__(self, page):
        self.page = page

    def runs(self):
        return int(self.page.evaluate("document.body.dataset.runs ?? 0"))

    def until(self, condition, seconds=60):
        end = time.monotonic() + seconds
        while not self.page.evaluate(condition):  # the page's policy forbids the `eval` of wait_for_function
            assert time.monotonic() < end, f"not within {seconds} s: {condition}"
            self.page.wait_for_timeout(20)

    def type(self, text, editor=0, ran=True):
        self.page.locator(".editor .cm-content").nth(editor).click()
        self.page.keyboard.press("Control+a")
        self.page.keyboard.press("Delete")
        self.page.keyboard.insert_text(text)
        if ran:
            self.until("document.body.dataset.shown === document.body.dataset.edits")

    def text(self, selector):
        return self.page.locator(selector).inner_text()

    def open(self, k):
        before = self.runs()
        self.page.click(f"#tab{k}")
        self.until(f"Number(document.body.dataset.runs) > {before}")


def violations(page):
    sync_axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="needs axe-playwright-python")
    return [(v["id"], v["nodes"][0]["html"][:200]) for v in sync_axe.Axe().run(page).response["violations"]]


@pytest.fixture(scope="module")
def live(browser, tmp_path_factory):
    """One page for all tests: it has said nothing on the console and asked for its own file only."""
    file = tmp_path_factory.mktemp("live") / "lesson.html"
    file.write_text(build(LESSONS, "Lessons"), encoding="utf-8")
    page = browser.new_page(viewport=SIZES[3], color_scheme="light", reduced_motion="reduce")
    said, asked = [], []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(file.as_uri())
    made = Live(page)
    made.until("Number(document.body.dataset.runs) > 0", 120)
    yield made
    assert said == []
    assert {url for url in asked if not url.startswith(("blob:", "data:"))} == {file.as_uri()}
    page.close()


@pytest.mark.parametrize("k", range(len(LESSONS)), ids=[lesson.title for lesson in LESSONS])
def test_each_lesson_is_played_through_with_a_wrong_answer_first(live, k):
    live.open(k)
    live.until("document.querySelector('#picture svg')")
    assert [words for words in live.page.locator(".complaint").all_inner_texts() if words] == []
    editors = [part for part in LESSONS[k].parts if part.code]
    for n, task in enumerate(LESSONS[k].tasks):
        editor = next(i for i, part in enumerate(editors) if part.task == task)
        live.page.locator(".task button.main").nth(n).click()
        live.until(f"document.querySelectorAll('.verdict')[{n}].classList.contains('wrong')")
        verdict = live.page.locator(".verdict").nth(n)
        assert verdict.inner_text().startswith("Not yet: ")
        live.type(task.answers[0].rstrip("\n"), editor)
        live.page.locator(".task button.main").nth(n).click()
        live.until(f"document.querySelectorAll('.verdict')[{n}].classList.contains('right')")
    assert violations(live.page) == []
    assert "solved" in live.page.get_attribute(f"#tab{k}", "class")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("x = (", "Line 1: SyntaxError"),
        ("from tinygrad_edu import Value, dot\n\ndot([Value(1.0)], [1.0, 2.0])", "Line 3: ValueError"),
    ],
)
def test_an_error_is_told_at_its_line_and_the_next_run_goes_on(live, text, complaint):
    live.open(0)
    live.type(text)
    assert complaint in live.page.locator(".complaint").first.inner_text()
    assert live.page.locator(".cm-lint-marker-error").count() == 1
    number = live.page.locator(".cm-lineNumbers").first.get_by_text(complaint[5], exact=True).last
    marker = live.page.locator(".cm-lint-marker-error").bounding_box()
    assert abs(marker["y"] - number.bounding_box()["y"]) < 10, "it stands beside its line"
    live.type(NEURON)
    assert live.page.locator(".complaint").first.inner_text() == ""
    assert live.text("#output").strip().endswith("slope 1.4232")
    edits, runs = live.page.evaluate("document.body.dataset.edits"), live.runs()
    live.page.keyboard.press("ArrowLeft")
    live.page.keyboard.press("Control+Enter")
    live.until(f"Number(document.body.dataset.runs) === {runs + 1}")
    assert live.page.evaluate("document.body.dataset.edits") == edits, "to look around is no edit"


def test_an_endless_loop_is_stopped_and_the_text_stays(live):
    live.open(0)
    live.type("print(1)")
    live.type("while True: pass", ran=False)
    live.page.click("#stop")
    live.until("document.body.dataset.state === 'ready'", 120)
    assert live.text("#caption").startswith("Stopped. Your text is as it was")
    assert live.page.locator(".cm-content").first.inner_text() == "while True: pass"
    live.type(NEURON)
    assert live.page.locator("#picture .node").count() == 4


def test_a_long_chain_and_a_huge_print_are_survived(live):
    live.open(0)
    chain = "from tinygrad_edu import Value\nv = Value(1.0)\nfor _ in range(100_000): v = v + 0.1\nv.backward()"
    live.type(chain)
    assert "the graph has 100001 boxes" in live.text("#caption")
    live.type("print('x' * 10_000_000)")
    assert "9,980,001 characters more" in live.text("#output")
    live.type(NEURON)
    assert live.page.locator("#picture .node").count() == 4


def test_a_box_is_explained_by_keyboard_and_by_pointing(live):
    live.open(0)
    live.type(NEURON)
    live.page.focus("#n0")
    live.page.keyboard.press("Enter")
    live.until("document.getElementById('explanation').textContent.includes('0.7116 × 2 = 1.4232')")
    live.page.hover("#n1")
    live.until("document.getElementById('explanation').textContent.includes('0.7116 × 0.3')")


def test_the_stepping_page_works_in_its_frame(live):
    live.open(0)
    live.type(NEURON)
    live.page.click("#view-step")
    frame = live.page.frame_locator("#stepping iframe")
    frame.locator("#last").click()
    assert "1.423" in frame.locator("#picture").text_content()
    live.page.click("#view-picture")


def test_the_text_is_kept_and_a_link_carries_it(live):
    live.open(1)
    live.type("kept = 1")
    live.open(0)
    live.open(1)
    assert live.page.locator(".cm-content").first.inner_text() == "kept = 1"
    live.page.click("#link")
    live.until("location.hash.startsWith('#lesson=2&code=')")
    link = live.page.evaluate("location.hash")
    live.page.click("#original")
    live.page.evaluate("location.hash = ''")
    live.until("document.getElementById('tab0').getAttribute('aria-selected') === 'true'")
    live.page.evaluate(f"location.hash = {json.dumps(link)}")
    live.until("document.getElementById('tab1').getAttribute('aria-selected') === 'true'")
    assert live.page.locator(".cm-content").first.inner_text() == "kept = 1"
    live.page.click("#original")


def test_it_is_saved_as_a_script_and_as_a_notebook(live):
    live.open(0)
    live.page.click("#original")
    with live.page.expect_download() as script:
        live.page.click("#save-py")
    source = script.value.path().read_text()
    compile(source, "lesson.py", "exec")
    for code in filter(None, (part.code.rstrip() for part in LESSONS[0].parts)):
        assert f"\n\n{code}\n" in source, "as it was in the beginning"
    assert script.value.suggested_filename == "one-neuron.py"
    with live.page.expect_download() as notebook:
        live.page.click("#save-ipynb")
    cells = json.loads(notebook.value.path().read_text())["cells"]
    assert [cell["cell_type"] for cell in cells] == ["markdown", "markdown", "code", "markdown", "code"]
    assert "".join(cells[2]["source"]) in source


def test_names_are_completed(live):
    live.open(0)
    live.type("import tinygrad_edu\ncheck_gr", ran=False)
    live.page.keyboard.type("a")
    live.page.wait_for_selector(".cm-tooltip-autocomplete")
    assert "check_gradients" in live.text(".cm-tooltip-autocomplete")
    live.page.keyboard.press("Escape")
    live.type("", ran=False)
    live.page.keyboard.type("s")
    live.page.wait_for_selector(".cm-tooltip-autocomplete")
    assert live.page.locator(".cm-tooltip-autocomplete li").count() == 8, "all of which can be seen"
    live.page.keyboard.press("Escape")
    live.type(NEURON)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [SIZES[0], SIZES[1], SIZES[3], SIZES[4]], ids=lambda size: str(size["width"]))
def test_axe_finds_nothing_and_nothing_is_cut_off(live, scheme, size):
    live.page.set_viewport_size(size)
    live.page.emulate_media(color_scheme=scheme)
    live.open(3)
    live.page.locator(".task button.main").first.click()
    live.until("document.querySelector('.verdict.right, .verdict.wrong')")
    assert violations(live.page) == []
    assert live.page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize("width", [390, 1280])
def test_a_large_picture_scrolls_from_its_result_and_is_not_made_too_small_to_read(live, width):
    live.page.set_viewport_size({"width": width, "height": 800})
    live.open(2)
    size = live.page.evaluate(
        """(() => { const text = document.querySelector('#picture text'), svg = text.ownerSVGElement;
        return 11 * svg.getBoundingClientRect().width / svg.viewBox.baseVal.width; })()"""
    )
    assert size >= 11 * 0.99
    seen = live.page.evaluate(
        """(() => { const host = document.getElementById('picture');
        return [host.scrollLeft + host.clientWidth, host.scrollWidth, host.tabIndex]; })()"""
    )
    assert seen[0] >= seen[1] - 1
    assert seen[2] == 0


def test_the_tabs_take_one_row(live):
    live.page.set_viewport_size(SIZES[0])
    live.open(7)
    assert live.page.evaluate("document.getElementById('tabs').clientHeight") < 60
    assert live.page.evaluate("document.getElementById('tab7').getBoundingClientRect().right <= innerWidth")


def test_a_task_is_solved_by_keyboard_alone(live):
    live.page.set_viewport_size(SIZES[3])
    live.open(0)
    live.page.click("#original")
    live.page.focus("#tab0")
    live.page.keyboard.press("ArrowRight")
    assert live.page.evaluate("document.activeElement.id") == "tab1"
    live.page.keyboard.press("ArrowLeft")

    def tab_to(condition):
        for _ in range(40):
            live.page.keyboard.press("Tab")
            if live.page.evaluate(condition):
                return
        raise AssertionError(f"not reached by Tab: {condition}")

    tab_to("document.activeElement.shadowRoot?.activeElement?.ariaLabel.startsWith('Your answer')")
    live.page.keyboard.press("Control+a")
    live.page.keyboard.press("Delete")
    live.page.keyboard.insert_text(LESSONS[0].tasks[0].answers[0])
    tab_to("document.activeElement.textContent === 'Check'")
    live.page.keyboard.press("Enter")
    live.until("document.querySelector('.verdict.right')")


def test_a_folder_is_served_and_an_interpreter_that_dies_is_replaced(browser, tmp_path):
    for name, content in folder(LESSONS[:1], "Served").items():
        (tmp_path / name).write_bytes(content)
    handler = functools.partial(Quiet, directory=str(tmp_path))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        page, asked = browser.new_page(), []
        page.on("request", lambda request: asked.append(request.url))
        page.goto(f"http://127.0.0.1:{server.server_port}/index.html")
        Live(page).until("Number(document.body.dataset.runs) > 0", 120)
        assert page.locator("#picture .node").count() == 6
        interpreter_dies_and_comes_back(Live(page))
        page.close()
        server.shutdown()
    assert all(url.startswith((f"http://127.0.0.1:{server.server_port}/", "blob:")) for url in asked)


def interpreter_dies_and_comes_back(live):
    live.type("import os\nos.abort()", ran=False)
    live.until("document.getElementById('caption').textContent.startsWith('The interpreter ended and starts anew')")
    live.until("document.body.dataset.state === 'ready'", 120)
    live.type("input()")
    assert "EOFError" in live.page.locator(".complaint").first.inner_text()
    live.type(NEURON)
    assert live.page.locator("#picture .node").count() == 4


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass
