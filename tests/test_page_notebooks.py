"""The page in JupyterLab, in Notebook 7 and in nbconvert's HTML, each in a real browser; nothing leaves the machine."""

import json
import os
import queue
import subprocess
import sys
import threading
import time

import pytest

pytest.importorskip("jupyterlab", reason="needs notebook")
pytest.importorskip("notebook", reason="needs notebook")
pytest.importorskip("nbconvert", reason="needs notebook")

CODE = 'from tinygrad_edu import Value, explore\nw, x = Value(0.3, "w"), Value(2.0, "x")\nexplore((w * x).sigmoid())'
PATIENCE = 120  # seconds, for a server and a kernel on a busy machine


@pytest.fixture(scope="module")
def notebook(tmp_path_factory):
    """An executed notebook that its reader trusts, and the environment in which they do."""
    folder = tmp_path_factory.mktemp("notebook")
    environment = os.environ | {
        "HOME": str(folder),
        "JUPYTER_CONFIG_DIR": str(folder / "config"),
        "JUPYTER_DATA_DIR": str(folder / "data"),
        "JUPYTER_RUNTIME_DIR": str(folder / "runtime"),
        "IPYTHONDIR": str(folder / "ipython"),
    }
    cells = [{"cell_type": "code", "id": "a", "metadata": {}, "source": CODE, "outputs": [], "execution_count": None}]
    (folder / "work").mkdir()
    file = folder / "work" / "page.ipynb"
    kernel = {"name": "python3", "display_name": "Python 3"}
    content = {"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}
    file.write_text(json.dumps(content), encoding="utf-8")

    def jupyter(*command):
        done = subprocess.run([sys.executable, "-m", *command], env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr

    jupyter("nbconvert", "--to", "notebook", "--execute", "--inplace", str(file))
    jupyter("nbconvert", "--to", "html", str(file))
    jupyter("jupyter", "trust", str(file))
    return file, environment


@pytest.fixture(scope="module")
def server(notebook):
    """The address of a Jupyter server on the loopback interface."""
    file, environment = notebook
    options = ["--no-browser", "--ip=127.0.0.1", "--allow-root", "--IdentityProvider.token=", "--port=0"]
    options += [
        f"--ServerApp.root_dir={file.parent}",
        "--LabApp.news_url=",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    ]
    running = subprocess.Popen(
        [sys.executable, "-m", "jupyterlab", *options], env=environment, stderr=subprocess.PIPE, text=True
    )
    lines: queue.Queue[str] = queue.Queue()
    reader = threading.Thread(target=lambda: [lines.put(line) for line in running.stderr], daemon=True)
    reader.start()
    try:
        address, seen, end = None, "", time.monotonic() + PATIENCE
        while address is None and time.monotonic() < end and running.poll() is None:
            try:
                line = lines.get(timeout=1)
            except queue.Empty:
                continue
            seen += line
            if "http://127.0.0.1:" in line:
                address = line[line.index("http://127.0.0.1:") :].split("/lab")[0].strip()
        assert address, seen
        yield address
    finally:
        running.terminate()
        running.wait(60)
        reader.join()
        running.stderr.close()


def check_frame(page, frame_element):
    """The page in its frame is laid out, can be stepped, and is as high as what is in it."""
    inner = frame_element.content_frame()
    inner.click("#last")
    boxes = [inner.locator(f"#n{k}").bounding_box() for k in range(4)]
    assert len({(round(box["x"]), round(box["y"])) for box in boxes}) == 4
    assert len({round(box["x"]) for box in boxes}) >= 3  # not piled up at an edge
    area = inner.locator("#stage").bounding_box()
    for box in boxes:
        assert area["x"] <= box["x"] and box["x"] + box["width"] <= area["x"] + area["width"]
    size = inner.evaluate("[document.body.scrollHeight, innerHeight, camera.scale * 14]")
    assert abs(size[0] - size[1]) < 60
    assert size[2] >= 12


def test_html_from_nbconvert(browser, notebook):
    page = browser.new_page(viewport={"width": 1200, "height": 900})
    page.route("http*://**", lambda route: route.abort())  # nbconvert's own links to the network
    page.goto(notebook[0].with_suffix(".html").as_uri())
    check_frame(page, page.wait_for_selector("iframe[srcdoc]"))
    page.close()


@pytest.mark.parametrize("where", ["lab/tree", "notebooks"], ids=["JupyterLab 4", "Notebook 7"])
def test_in_jupyter(browser, server, where):
    page = browser.new_page(viewport={"width": 1400, "height": 1000})
    page.goto(f"{server}/{where}/page.ipynb")
    frame = page.wait_for_selector("iframe[srcdoc]", timeout=PATIENCE * 1000)
    check_frame(page, frame)
    page.close()
