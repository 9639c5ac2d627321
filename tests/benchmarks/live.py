"""How soon a live page is ready, and a picture follows an edit, in Chromium: python tests/benchmarks/live.py [PAGE]."""

import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import sync_playwright

from tinygrad_edu.live import build, lessons

CHAIN = """from tinygrad_edu import Value, tanh
y = x = Value(0.5, "x")
for k in range(74): y = tanh(y * 1.1)
y.backward()
# """
WATCH = """() => {
  const start = () => { window.began = performance.now(); };
  document.querySelector(".editor").shadowRoot.addEventListener("beforeinput", start, { once: true, capture: true });
  window.took = new Promise((done) => new MutationObserver((_, observer) => {
    observer.disconnect();
    requestAnimationFrame(() => done(performance.now() - window.began));
  }).observe(document.getElementById("picture"), { childList: true }));
}"""


def main(path: Path) -> None:
    with sync_playwright() as p:
        browser = p.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": 1280, "height": 720})
        begin = time.monotonic()
        page.goto(path.as_uri())
        while not page.evaluate("document.body.dataset.runs"):
            page.wait_for_timeout(20)
        print(f"{path.stat().st_size / 1e6:.2f} MB, ready after {time.monotonic() - begin:.1f} s")
        page.locator(".cm-content").first.click()
        page.keyboard.press("Control+a")
        page.keyboard.press("Delete")
        page.keyboard.insert_text(CHAIN)
        page.wait_for_timeout(3000)
        took = []
        for _ in range(40):
            page.evaluate(WATCH)
            page.keyboard.insert_text("a")
            took.append(page.evaluate("window.took"))
        boxes = page.locator("#picture .node").count()
        print(f"edit to picture, {boxes} boxes: median {statistics.median(took[10:]):.0f} ms, least {min(took):.0f} ms")
        page.locator(".cm-content").first.click()
        page.keyboard.press("Control+End")
        page.keyboard.insert_text("\nwhile True: pass")
        page.wait_for_timeout(1000)
        begin = time.monotonic()
        page.click("#stop")
        while page.evaluate("document.body.dataset.state") != "ready":
            page.wait_for_timeout(20)
        print(f"stopped and ready again after {time.monotonic() - begin:.1f} s")
        browser.close()


if __name__ == "__main__":
    if sys.argv[1:]:
        main(Path(sys.argv[1]).resolve())
    else:
        with tempfile.TemporaryDirectory() as folder:
            made = Path(folder, "lesson.html")
            made.write_text(build(lessons(), "Lessons"), encoding="utf-8")
            main(made)
