"""What pyproject.toml cannot say: the README for a package index, where links into the repository lead nowhere."""

import re
from pathlib import Path

from setuptools import setup


def description(readme: str) -> str:
    """The README without its pictures, and with the names of files in place of links to them."""
    text = re.sub(r"^!\[[^\]]*\]\((?!https?:)[^)]*\)\n+", "", readme, flags=re.MULTILINE)
    return re.sub(r"\[([^\]]*)\]\((?!https?:)([^)]*)\)", lambda m: m[1] if m[1] == m[2] else f"{m[1]} ({m[2]})", text)


if __name__ == "__main__":
    readme = Path(__file__).with_name("README.md").read_text(encoding="utf-8")
    setup(long_description=description(readme), long_description_content_type="text/markdown")
