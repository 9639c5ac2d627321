"""Live pages: lessons whose Python runs in the browser, in one file that opens without a network."""

from tinygrad_edu.live.file import build, folder
from tinygrad_edu.live.lessons import lessons

__all__ = ["build", "folder", "lessons"]
