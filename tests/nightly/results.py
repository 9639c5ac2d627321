"""Results that are kept: one file a part, with the command, the date and the commit that it was made at."""

from __future__ import annotations

import json
import platform
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
FOLDER = Path(__file__).with_name("results")


def commit() -> str:
    """The commit of the tree, with + where the package or its tests differ from it."""

    def git(*arguments: str) -> str:
        return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True).stdout.strip()

    changed = git("status", "--porcelain", "--", "tinygrad_edu", "tests/*.py")
    return git("rev-parse", "--short", "HEAD") + ("+" if changed else "")


def keep(part: str, seconds: float, rows: list[dict[str, Any]]) -> None:
    """Write the result of a part, with the command line that made it."""
    script = Path(sys.argv[0]).resolve().relative_to(ROOT).as_posix()
    content = {
        "command": " ".join(["python", script, *sys.argv[1:]]),
        "date": time.strftime("%Y-%m-%d"),
        "commit": commit(),
        "python": f"{platform.python_implementation()} {platform.python_version()}, {sys.platform}",
        "seconds": round(seconds),
        "rows": rows,
    }
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / f"{part}.json").write_text(json.dumps(content, indent=0, ensure_ascii=False) + "\n", encoding="utf-8")


def kept(part: str) -> dict[str, Any]:
    """The result of a part; an empty one where it was never run."""
    path = FOLDER / f"{part}.json"
    if not path.exists():
        return {"rows": []}
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content
