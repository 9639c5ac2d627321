"""Files are written whole or not at all; and what stands in one as JSON."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from secrets import token_hex
from stat import S_IMODE, S_ISREG

PathLike = str | os.PathLike[str]


def folder(path: PathLike) -> Path:
    """The folder, made where there is none. Raises OSError where there cannot be one that can be written to."""
    try:
        Path(path).mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path):
            return Path(path)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from None  # not the name of what was tried in it


def form(what: str, path: PathLike, forms: Sequence[str]) -> str:
    """What a file's name ends in, in small letters: one of `forms`.

    >>> form("explore", "page.HTML", [".html", ".htm"])
    '.html'

    Raises ValueError for a name that ends otherwise, TypeError for what names no file.
    """
    if not isinstance(path, (str, os.PathLike)):
        raise TypeError(f"{what} expected the name of a file, got {path!r} ({type(path).__name__})")
    found = Path(path).suffix.lower()
    if found not in forms:
        raise ValueError(f"{what} expected a file of {', '.join(forms)}, got {str(path)!r}")
    return found


def in_script(content: object) -> str:
    """JSON that stands in a script of a page, which nothing in it can end.

    >>> in_script({"a": "</script>"})
    '{"a":"\\\\u003c/script>"}'

    Raises ValueError for numbers that are not finite, which JSON does not have.
    """
    return json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c")


def distinct(*paths: PathLike) -> None:
    """Refuse one file for two contents, whatever it is called: the second would replace the first.

    >>> distinct("sheet.md", "key.md")
    >>> distinct("sheet.md", "./sheet.md")
    Traceback (most recent call last):
    ValueError: expected a file each, got sheet.md and ./sheet.md, which are the same

    Files that keep nothing, such as /dev/stdout and pipes, may be named twice.
    """
    found: dict[str, PathLike] = {}
    for path in paths:
        if os.path.exists(path) and not os.path.isfile(path):
            continue
        target = os.path.normcase(os.path.realpath(path))
        if target in found:
            raise ValueError(f"expected a file each, got {found[target]} and {path}, which are the same")
        found[target] = path


def write(path: PathLike, content: str | bytes) -> Path:
    """Write a file through a temporary one beside it, so that a reader never meets half of it.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write(Path(folder, "note.txt"), "whole").read_text()
    'whole'

    Links are followed; a file that is there keeps its mode. What is no regular file (a device, a pipe) is written to
    as it is. A lone surrogate, which UTF-8 does not have, is written as JSON writes it. Raises OSError as `open` does,
    with the path in it; then nothing is left behind, and a file that was there is as it was.
    """
    try:
        replace(path, content.encode(errors="backslashreplace") if isinstance(content, str) else content)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from None  # not the temporary name
    return Path(path)


def replace(path: PathLike, content: bytes) -> None:
    try:
        mode = os.stat(path).st_mode
    except FileNotFoundError:
        mode = 0
    if mode and not (S_ISREG(mode) and os.access(path, os.W_OK)):  # what must not be replaced, or not be written to
        with open(path, "wb") as special:
            special.write(content)
        return
    target = os.path.realpath(path)
    temporary = os.path.join(os.path.dirname(target), f".tinygrad-edu-{token_hex(8)}")
    try:
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666)
        with open(handle, "wb") as file:
            if mode:
                os.chmod(temporary, S_IMODE(mode))
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, target)
    except BaseException:
        with suppress(FileNotFoundError):
            os.unlink(temporary)
        raise
    if hasattr(os, "O_DIRECTORY"):  # so that the new name outlives a power cut, too
        with suppress(OSError):  # not every folder that can be written to can be opened
            entry = os.open(os.path.dirname(target), os.O_RDONLY | os.O_DIRECTORY)
            try:
                os.fsync(entry)
            finally:
                os.close(entry)
