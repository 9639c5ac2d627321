"""Hand-written C, compiled where there is a compiler."""

from __future__ import annotations

import contextlib
import ctypes
import functools
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

PLAIN = ("-O3", "-march=native")
VECTOR_MATHS = (*PLAIN, "-ffast-math")  # sums in another order, and the vector functions of glibc's libmvec


@contextlib.contextmanager
def compiled(source: str, flags: tuple[str, ...] = PLAIN) -> Iterator[str]:
    """The path of a shared library made from the source, to be loaded at once: it goes away with the block."""
    gcc = shutil.which("gcc") or shutil.which("cc")
    if gcc is None:
        raise FileNotFoundError("no C compiler (gcc) on PATH")
    with tempfile.TemporaryDirectory(prefix="replay-benchmark-") as folder:
        code, library = Path(folder, "peer.c"), Path(folder, "peer.so")
        code.write_text(source)
        command = [gcc, *flags, "-std=gnu11", "-shared", "-fPIC", "-o", str(library), str(code), "-lm"]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"gcc failed: {done.stderr.strip()}")
        yield str(library)


def call(source: str, name: str, *arguments: Any, flags: tuple[str, ...] = PLAIN) -> Callable[[], None]:
    """A call of the function `name` of the source with these arguments: arrays are given by address.

    Ready to run, so that calling it costs as little as calling C from Python can. What it finds is in the arrays.
    """
    with compiled(source, flags) as library:
        function = getattr(ctypes.CDLL(library), name)
    function.restype = None
    ready = functools.partial(function, *map(plain, arguments))
    ready.keep = arguments  # type: ignore[attr-defined]  # as long as the call: C knows only where they are
    return ready


def plain(argument: Any) -> Any:
    """An argument as C takes it."""
    if isinstance(argument, np.ndarray):
        assert argument.dtype == np.float64 and argument.flags.c_contiguous
        return ctypes.c_void_p(argument.ctypes.data)
    return ctypes.c_double(argument) if isinstance(argument, float) else argument
