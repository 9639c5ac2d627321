"""Each example as a notebook in examples/notebooks/, executed: python .ci/notebooks.py [--write] [NAME ...]

Without --write nothing is changed. It fails where a notebook is not that of its script, where one raises, and where one
prints other numbers than the comments of its script say. Needs jupytext, nbclient and ipykernel.
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
from pathlib import Path

import jupytext
from nbclient import NotebookClient

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))
os.environ["PYTHONPATH"] = str(ROOT)

from tests.test_examples import EXAMPLES, compared, expected  # noqa: E402


def notebook(script: Path):
    """The docstring as a heading and text, comments on top level as text, figures shown instead of saved."""
    text = script.read_text(encoding="utf-8")
    [title, *rest] = re.match(r'"""(.*?)"""\n', text, flags=re.DOTALL)[1].strip().split("\n")
    lines = [f"# # {title}", *(f"# {line}".rstrip() for line in rest)]
    code = re.sub(r'^"""(.*?)"""\n', "", text, flags=re.DOTALL)
    code = re.sub(r'^(.*)\.savefig\(".*?"\)$', r"\1", code, flags=re.MULTILINE)
    code = re.sub(r'^(.*)\.render\("\w+".*?\)$', r"\1", code, flags=re.MULTILINE)
    made = jupytext.reads("\n".join(lines) + "\n" + code, fmt="py:light")
    for k, cell in enumerate(made.cells):
        cell.id = f"cell-{k}"
    made.metadata = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
    return made


def printed(executed) -> list[str]:
    outputs = [output for cell in executed.cells for output in cell.get("outputs", [])]
    return "".join(output.text for output in outputs if output.output_type == "stream").splitlines()


def pictures(executed) -> int:
    outputs = [output for cell in executed.cells for output in cell.get("outputs", [])]
    return sum(bool({"image/png", "image/svg+xml"} & set(output.get("data", {}))) for output in outputs)


def main(arguments: list[str]) -> int:
    names, failed = [name for name in arguments if name != "--write"], []
    for script in EXAMPLES:
        if names and script.stem not in names:
            continue
        made, path = notebook(script), script.parent / "notebooks" / f"{script.stem}.ipynb"
        text = jupytext.writes(made, fmt="ipynb")
        if "--write" in arguments:
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
        elif not path.exists() or path.read_text(encoding="utf-8") != text:
            failed.append(f"{path.name} is not that of its script: python .ci/notebooks.py --write {script.stem}")
        with tempfile.TemporaryDirectory() as folder:
            executed = NotebookClient(made, timeout=300, resources={"metadata": {"path": folder}}).execute()
        comments = expected(script.read_text(encoding="utf-8"))
        lines = printed(executed)
        if len(lines) != len(comments) or compared(lines, comments) != comments:
            failed.append(f"{path.name} prints {lines}, and its comments say {comments}")
        print(f"{path.name}: {len(made.cells)} cells, {len(lines)} lines, {pictures(executed)} pictures")
    print("\n".join(failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
