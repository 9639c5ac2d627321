"""Which tests reach which lines, and how long each takes: what lets a slip be tried on the tests that run it."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any


def computed() -> float:
    """The seconds that this process and those that it waited for have computed, however busy the machine is."""
    return sum(os.times()[:4])


class Recorder:
    """A plugin of pytest: writes which tests reached each line, with coverage.py, and the seconds and failures."""

    def __init__(self, package: Path, to: Path) -> None:
        import coverage

        self.to = to
        self.coverage = coverage.Coverage(data_file=None, source=[str(package)], config_file=False)
        self.coverage.start()
        self.tracer = sys.gettrace()
        self.seconds: dict[str, float] = {}
        self.failed: set[str] = set()
        self.start = computed()

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        self.start = computed()
        sys.settrace(self.tracer)  # which a test may have taken away
        self.coverage.switch_context(nodeid)

    def pytest_runtest_logreport(self, report: Any) -> None:
        if report.failed:
            self.failed.add(report.nodeid)

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        self.seconds[nodeid] = computed() - self.start

    def pytest_sessionfinish(self) -> None:
        self.coverage.stop()
        data = self.coverage.get_data()
        lines = {file: data.contexts_by_lineno(file) for file in data.measured_files()}
        content = {"lines": lines, "seconds": self.seconds, "failed": sorted(self.failed)}
        self.to.write_text(json.dumps(content))


class Only:
    """A plugin of pytest: runs the tests named, `first` and the quick ones first; without names, all that pass.

    One that computes ten times as long as without a slip comes to no end: it ends the process, by SIGPROF.
    """

    def __init__(self, reached: Reached, chosen: set[str] | None, first: Sequence[str]) -> None:
        self.reached, self.chosen, self.first = reached, chosen, {*first}

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        self.reached.limit(nodeid)

    def pytest_sessionfinish(self) -> None:
        signal.setitimer(signal.ITIMER_PROF, 0)

    def pytest_collection_modifyitems(self, items: list[Any]) -> None:
        wanted = [
            item
            for item in items
            if item.nodeid not in self.reached.failed and (self.chosen is None or item.nodeid in self.chosen)
        ]
        seconds = self.reached.seconds
        items[:] = sorted(
            wanted, key=lambda item: (item.nodeid.split("[")[0] not in self.first, seconds.get(item.nodeid, 0.0))
        )


class Reached:
    """What a Recorder found."""

    def __init__(self, path: Path | None = None) -> None:
        content = json.loads(path.read_text()) if path else {"lines": {}, "seconds": {}, "failed": []}
        self.lines: dict[str, dict[str, list[str]]] = content["lines"]
        self.seconds: dict[str, float] = content["seconds"]
        self.failed = set(content["failed"])

    def tests(self, file: str, first: int, last: int) -> set[str] | None:
        """The tests that run one of these lines; None, for all, where one runs when its file is imported."""
        if file.endswith("/tasks/grading.py"):  # a tracer counts answers, and coverage.py sees nothing meanwhile
            return None
        lines = self.lines.get(file, {})
        found = {test for line in range(first, last + 1) for test in lines.get(str(line), [""])[:100_000]}
        if "/native/" in file and found and "" not in found:  # machine code is written once, and run by other tests too
            found |= {test for tests in self.lines[f"{file.rpartition('/')[0]}/program.py"].values() for test in tests}
            found.discard("")
        return None if "" in found or not found else found

    def limit(self, test: str) -> None:
        """Have this process ended by SIGPROF when a test computes ten times as long as without a slip."""
        signal.setitimer(signal.ITIMER_PROF, 5 + 10 * self.seconds.get(test, 0.0))

    def quick(self, seconds: float) -> set[str]:
        """The quickest tests, as many as take so long."""
        found, total = set(), 0.0
        for name in sorted(self.seconds, key=lambda name: self.seconds[name]):
            total += self.seconds[name]
            if total <= seconds:
                found.add(name)
        return found
