"""A live page in Firefox, opened from a file; spoken to in WebDriver BiDi, which Firefox has built in."""

import json
import shutil
import subprocess
import time

import pytest

from tinygrad_edu.live import assets, build, lessons

FIREFOX = shutil.which("firefox-esr") or shutil.which("firefox")


class Firefox:
    """One page, and what is asked of it."""

    def __init__(self, address):
        connect = pytest.importorskip("websocket", reason="needs websocket-client").create_connection
        self.socket, self.count, self.events = connect(address, timeout=120, suppress_origin=True), 0, []
        self.call("session.new", capabilities={})
        self.page = self.call("browsingContext.getTree")["contexts"][0]["context"]
        self.call("session.subscribe", events=["log.entryAdded", "network.beforeRequestSent"])

    def call(self, method, **params):
        self.count += 1
        self.socket.send(json.dumps({"id": self.count, "method": method, "params": params}))
        while (answer := json.loads(self.socket.recv())).get("id") != self.count:
            self.events.append(answer["params"])
        assert answer["type"] == "success", answer
        return answer["result"]

    def evaluate(self, expression):
        result = self.call("script.evaluate", expression=expression, target={"context": self.page}, awaitPromise=True)
        return result["result"].get("value")

    def until(self, condition):
        end = time.monotonic() + 120
        while not self.evaluate(f"Boolean({condition})"):
            assert time.monotonic() < end, condition


@pytest.fixture
def firefox(tmp_path):
    if FIREFOX is None:
        pytest.skip("needs Firefox: apt-get install firefox-esr")
    pytest.importorskip("websocket", reason="needs websocket-client")
    command = [FIREFOX, "--headless", "--no-remote", "--profile", str(tmp_path), "--remote-debugging-port", "0"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        address = next(line.split()[-1] for line in process.stderr if "BiDi listening on" in line)
        made = Firefox(f"{address}/session")
        yield made
        made.socket.close()
    finally:
        process.terminate()
        process.communicate()


@pytest.mark.skipif(
    not assets.cache().is_dir(), reason="needs what npm brings: run tinygrad-edu live -o /dev/null once"
)
def test_a_lesson_runs_is_stepped_through_and_graded_without_a_network(firefox, tmp_path):
    file = tmp_path / "lesson.html"
    file.write_text(build(lessons(), "Lessons"), encoding="utf-8")
    firefox.call("browsingContext.navigate", context=firefox.page, url=file.as_uri(), wait="complete")
    firefox.until("document.body.dataset.runs")
    assert firefox.evaluate("document.getElementById('output').textContent") == "y = 0.6044, dy/dw = 1.2695\n"
    assert firefox.evaluate("document.querySelectorAll('#picture .node').length") == 6
    firefox.evaluate("document.getElementById('view-step').click()")
    firefox.until("document.querySelector('#stepping iframe')?.contentDocument.querySelectorAll('.box').length === 6")
    firefox.evaluate("document.querySelector('.task button.main').click()")
    firefox.until("document.querySelector('.verdict.wrong')")
    asked = [event["request"]["url"] for event in firefox.events if "request" in event]
    said = [event["text"] for event in firefox.events if "text" in event]
    assert [url for url in asked if not url.startswith(("file:", "blob:", "data:"))] == []
    assert said == []
