"""The suite itself: how many tests, in what time.

python tests/nightly/suite.py
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))
from tests.nightly.results import ROOT, keep


def main() -> None:
    start = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q"],
        cwd=ROOT,
        env={**os.environ, "CI": "true"},
        capture_output=True,
        text=True,
    )
    last = done.stdout.strip().splitlines()[-1]
    counts = {word: int(n) for n, word in re.findall(r"(\d+) (passed|failed|skipped|errors?)", last)}
    print(last)
    row = {"tried": sum(counts.values()), "wrong": sum(n for word, n in counts.items() if word[:4] in ("fail", "erro"))}
    keep("suite", time.monotonic() - start, [row | counts])


if __name__ == "__main__":
    main()
