"""The page as people see it: each graph, width and scheme at the start, in the middle and at the end, on a sheet each.

python tests/nightly/screenshots.py FOLDER [WIDTH ...]
"""

from __future__ import annotations

import io
import sys
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

sys.path.insert(0, str(Path(__file__).parents[2]))
from tests.pages import CHROMIUM, FLAGS, moons, worked_example
from tinygrad_edu import Value
from tinygrad_edu.nn import MLP, Neuron
from tinygrad_edu.show import explore

SIZES = ((390, 844), (800, 1000), (1280, 720), (1920, 1080))
STEPS = ("0", "go(Math.round(steps.length / 2))", "go(steps.length - 1)")
TRAINING = ("0", "at('speed').value = 7; play(true)", "new Promise((done) => setTimeout(done, 3000))")


def main() -> None:
    folder, *widths = sys.argv[1:]
    Path(folder).mkdir(parents=True, exist_ok=True)
    neuron = Neuron(2, activation="tanh", seed=1)([Value(2.0, "x1"), Value(0.5, "x2")])
    graphs = {
        "worked": (explore(worked_example()[1]), STEPS),
        "neuron": (explore(neuron), STEPS),
        "moons": (explore(MLP(2, [16, 16, 1], activation="tanh", seed=1), data=moons(100)), TRAINING),
    }
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        for name, (made, moments) in graphs.items():
            for width, height in SIZES:
                if widths and str(width) not in widths:
                    continue
                sheet = Image.new("RGB", (3 * width + 20, 2 * height + 10), "red")
                for row, scheme in enumerate(("light", "dark")):
                    page = browser.new_page(viewport={"width": width, "height": height}, color_scheme=scheme)
                    page.set_content(made.html)
                    for column, moment in enumerate(moments):
                        page.evaluate(moment)
                        page.evaluate("new Promise((done) => setTimeout(done, 500))")
                        shot = Image.open(io.BytesIO(page.screenshot()))
                        sheet.paste(shot, (column * (width + 10), row * (height + 10)))
                    page.close()
                sheet.save(Path(folder, f"{name}-{width}.png"))
        browser.close()


if __name__ == "__main__":
    main()
