"""What to type in a shell, right for the Python that runs and the folder that it runs in."""

from __future__ import annotations

import os
import shutil
import sys
from shlex import quote


def install(*packages: str) -> str:
    """The command that installs packages for the Python that runs, wherever it is typed.

    >>> install("matplotlib").endswith(" -m pip install matplotlib")
    True

    It names the libraries, not an extra of this package: those are found whether or not an index has this package.
    """
    if sys.platform == "emscripten":  # no shell, and no process
        return f"import micropip; await micropip.install({[*packages]})"
    return f"{quote(sys.executable or 'python')} -m pip install {' '.join(packages)}"


def program(name: str = "tinygrad-edu") -> str:
    """How the command line is started from here: by its name where that finds it, else by its path."""
    script = os.path.join(os.path.dirname(sys.executable), name)
    found = shutil.which(name)
    if found and os.path.realpath(found) == os.path.realpath(script):
        return name
    if not os.path.isfile(script):
        return f"{quote(sys.executable or 'python')} -m tinygrad_edu"
    here = os.path.relpath(script) if os.path.splitdrive(script)[0] == os.path.splitdrive(os.getcwd())[0] else script
    return quote(min(here, script, key=len))
