"""Slips put into the functions of a process that has collected the tests already: no start of pytest for each."""

from __future__ import annotations

import contextlib
import gc
import json
import os
import resource
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any

import pytest

from tests.mutation.reached import Reached

IDLE = 300.0  # seconds without any computing, after which a process waits for what will not come
OPTIMIZED = 0x0002  # the flag of a code that has variables of its own, as a function has, and the body of a class not


def cpu_seconds(process: int) -> float:
    """What a process has computed for, as far as Linux tells."""
    try:
        user, system = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[11:13]
    except OSError:
        return 0.0
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def outcome(child: int, seconds: float) -> str:
    """How a process ends: "no end" after so many seconds of computing, or if it waits for ever."""
    status, spent, moved = None, 0.0, time.monotonic()
    while spent < seconds and time.monotonic() < moved + IDLE:
        now = cpu_seconds(child)
        if now > spent:
            spent, moved = now, time.monotonic()
        done, code = os.waitpid(child, os.WNOHANG)
        if done:
            status = os.waitstatus_to_exitcode(code)
            break
        time.sleep(0.01)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)
    if status is None:
        os.waitpid(child, 0)
        return "no end"
    if status == -signal.SIGPROF:
        return "no end"
    return "passed" if status in (0, 5) else "failed" if status > 0 else "crashed"


def same(a: CodeType, b: CodeType) -> bool:
    """Whether two codes do the same, wherever their lines stand."""
    names = [
        (c.co_code, c.co_names, c.co_varnames, c.co_freevars, c.co_cellvars, len(c.co_consts), exceptions(c))
        for c in (a, b)
    ]
    return names[0] == names[1] and all(
        same(x, y) if isinstance(x, CodeType) and isinstance(y, CodeType) else repr(x) == repr(y)
        for x, y in zip(a.co_consts, b.co_consts, strict=True)
    )


def exceptions(code: CodeType) -> bytes:
    return getattr(code, "co_exceptiontable", b"")  # from Python 3.11 on


def changed(old: CodeType, new: CodeType) -> Iterator[tuple[CodeType, CodeType]]:
    """The outermost functions of a module, or a class, that differ, before and after.

    Raises LookupError where what runs at import differs.
    """
    inner, outer = [], []
    for code in (old, new):
        inner.append([c for c in code.co_consts if isinstance(c, CodeType)])
        outer.append(code.replace(co_consts=tuple([c for c in code.co_consts if not isinstance(c, CodeType)])))
    if len(inner[0]) != len(inner[1]) or not same(*outer):
        raise LookupError("at import")
    for a, b in zip(*inner, strict=True):
        if a.co_flags & OPTIMIZED and not same(a, b):
            yield a, b
        elif not same(a, b):
            yield from changed(a, b)


class Patched:
    """A plugin of pytest: for each slip a fork of the process, in which the tests that reach it are run.

    Writes a line for each: its key, how the tests ended, and the one that failed. It has none for what it cannot try:
    lines that run when their file is imported, and files that are not Python.

    Arguments:
        put: writes a file that has a slip in it, for tests that start processes; gives what puts it right again.
        tests: the names of those of a slip.
        reached: what each test computes for.
        to: a file.
    """

    def __init__(
        self,
        root: Path,
        mutants: list[Any],
        put: Callable[[Any], Callable[[], object]],
        tests: Callable[[Any], set[str]],
        reached: Reached,
        to: Path,
    ) -> None:
        self.root, self.mutants, self.put, self.tests, self.reached, self.to = root, mutants, put, tests, reached, to
        self.catchers: list[str] = []  # tests that caught a slip, the last one first: they are tried before all others

    @pytest.hookimpl(trylast=True)
    def pytest_collection_finish(self, session: Any) -> None:
        functions: dict[str, list[FunctionType]] = {}
        for f in gc.get_objects():
            if isinstance(f, FunctionType):
                functions.setdefault(f.__code__.co_filename, []).append(f)
        looked = False
        with open(self.to, "w", encoding="utf-8") as results:
            for mutant in self.mutants:
                path = self.root / mutant.file
                found = patches(path, mutant.slip, functions.get(str(path), []))
                if not found:
                    continue
                if not looked:  # whether the tests of one pass without it
                    looked = True
                    how, why = self.tried(session, mutant, [])
                    if how != "passed":
                        print(f"the tests do not pass without a slip: {how} {why}", file=sys.stderr, flush=True)
                        os._exit(3)
                mend = self.put(mutant)
                how, why = self.tried(session, mutant, found)
                mend()
                results.write(json.dumps([mutant.key, how, why]) + "\n")
                results.flush()
        os._exit(0)

    def tried(self, session: Any, mutant: Any, found: list[tuple[FunctionType, CodeType]]) -> tuple[str, str]:
        """How the tests of a slip end with these codes in place of those of these functions."""
        wanted, seconds = self.tests(mutant), self.reached.seconds
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            os.setsid()
            resource.setrlimit(resource.RLIMIT_DATA, (8 << 30, 8 << 30))
            for function, code in found:
                function.__code__ = code
            session.items[:] = sorted(
                (item for item in session.items if item.nodeid in wanted),
                key=lambda item: (item.nodeid.split("[")[0] not in self.catchers[:6], seconds.get(item.nodeid, 0)),
            )
            session.config.pluginmanager.register(FirstFailure(writer, self.reached))
            session.config.hook.pytest_runtestloop(session=session)
            os._exit(0)
        os.close(writer)
        how = outcome(child, 20 + 3 * sum(seconds.get(name, 0) for name in wanted))
        why = os.read(reader, 4000).decode()
        os.close(reader)
        if why:
            catcher = why.split("[")[0]
            self.catchers = [catcher, *(other for other in self.catchers if other != catcher)]
        return how, f"FAILED {why}" if why else ""


class FirstFailure:
    """A plugin of pytest: ends the process when a test fails, and tells its name; by SIGPROF where one has no end."""

    def __init__(self, writer: int, reached: Reached) -> None:
        self.writer, self.reached = writer, reached

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        self.reached.limit(nodeid)

    def pytest_runtest_logreport(self, report: Any) -> None:
        if report.failed:
            os.write(self.writer, report.nodeid.encode()[:3000])
            os._exit(1)


def patches(path: Path, slip: Any, functions: list[FunctionType]) -> list[tuple[FunctionType, CodeType]]:
    """The functions that a slip changes, and their codes with it; none where it changes what runs at import."""
    if path.suffix != ".py":
        return []
    right = path.read_bytes()
    old, new = (compile(source, str(path), "exec", dont_inherit=True) for source in (right, slip.applied(right)))
    found = []
    try:
        for a, b in changed(old, new):
            theirs = [f for f in functions if f.__code__.co_firstlineno == a.co_firstlineno and same(f.__code__, a)]
            if not theirs or a.co_freevars != b.co_freevars:  # made anew at each call, or by another function
                return []
            found += [(f, b) for f in theirs]
    except LookupError:
        return []
    return found
