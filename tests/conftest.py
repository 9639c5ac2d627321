"""Profiles of hypothesis: dev by default, ci where CI is set, others on request (HYPOTHESIS_PROFILE=thorough)."""

import os
import subprocess
import sys
import threading

import pytest
from hypothesis import Phase, settings

from tests.pages import browser, desk, tab, visit  # noqa: F401  (fixtures)

settings.register_profile("dev", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
settings.register_profile("thorough", deadline=None, max_examples=100_000)
# Which slip was noticed does not matter to those who count slips: no time for a small example.
settings.register_profile("mutation", deadline=None, derandomize=True, phases=[Phase.explicit, Phase.generate])
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci" if os.environ.get("CI") else "dev"))

if sys.platform == "emscripten":  # WebAssembly starts neither processes nor threads

    def skip(*_: object, **__: object) -> None:
        pytest.skip("not in WebAssembly")

    subprocess.Popen.__init__ = threading.Thread.start = skip  # type: ignore[assignment,method-assign]
