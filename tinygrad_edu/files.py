"""Files are written whole or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


def folder(path: str | os.PathLike[str]) -> Path:
    """The folder, made where there is none. Raises OSError where there cannot be one that can be written to."""
    try:
        Path(path).mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path):
            return Path(path)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from None  # not the name of what was tried in it


def write(path: str | os.PathLike[str], content: str | bytes) -> Path:
    """Write a file through a temporary one beside it, so that a reader never meets half of it.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write(Path(folder, "note.txt"), "whole").read_text()
    'whole'

    Raises OSError as `open` does, with the path in it; then nothing is left behind.
    """
    path = Path(path)
    try:
        replace(path, content.encode() if isinstance(content, str) else content)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from None  # not the temporary name
    return path


def replace(path: Path, content: bytes) -> None:
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(temporary, 0o666 & ~umask)  # as open() would; temporary files are private
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
