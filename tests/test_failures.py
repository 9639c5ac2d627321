"""Every command that writes, where there is no space, where it may not, and where it is stopped: nothing half-written.

Each command runs in a forked child, which has all its modules already, so that a signal can be sent at any call in it.
"""

import errno
import gc
import os
import signal
import sys
import warnings

import pytest

from tinygrad_edu import cli
from tinygrad_edu.files import write
from tinygrad_edu.live import assets

resource = pytest.importorskip("resource")

pytestmark = pytest.mark.skipif(os.name != "posix", reason="needs fork and signals")

EXPRESSION = ("sigmoid(w*x + b)", "w=0.3", "x=2", "b=0.1")
COMMANDS = {  # by the names of the files that they write
    ("g.svg",): ("draw", *EXPRESSION, "-o", "g.svg"),
    ("g.png",): ("draw", *EXPRESSION, "-o", "g.png"),
    ("g.dot",): ("draw", *EXPRESSION, "-o", "g.dot"),
    ("e.tex",): ("explain", *EXPRESSION, "--wrt", "x", "-o", "e.tex"),
    ("e.html",): ("explain", *EXPRESSION, "-o", "e.html"),
    ("explore.html",): ("explore", *EXPRESSION),
    ("sheet.md", "key.md"): ("worksheet", "-o", "sheet.md", "--key", "key.md"),
    ("out/graph.svg", "out/explore.html"): ("--epochs", "2", "--out", "out"),
}
if assets.cache().is_dir():  # else it needs a network
    COMMANDS["live.html",] = ("live", "-o", "live.html")
each = pytest.mark.parametrize("files", COMMANDS, ids=lambda files: files[0])
MOMENTS = 20
NOBODY = 65534


def test_every_command_that_writes_is_here():
    writing = {
        name
        for name, command in {"": cli.command, **cli.command.commands}.items()
        if {"output", "out", "key"} & {parameter.name for parameter in command.params}
    }
    tried = {arguments[0] if arguments[0] in cli.command.commands else "" for arguments in COMMANDS.values()}
    assert writing <= tried | {"live"}


def run(arguments, folder, prepare=lambda: None):
    """A command in a child: its status, and what it printed to stdout and stderr."""
    streams = [folder.parent / f"{folder.name}-{name}" for name in ("out", "err")]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of Python, which sees threads of a library
        child = os.fork()
    if child == 0:
        status = 99
        try:
            for number, path in enumerate(streams, start=1):
                os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666), number)
            sys.stdout, sys.stderr = (os.fdopen(number, "w", encoding="utf-8", closefd=False) for number in (1, 2))
            os.chdir(folder)
            sys.argv = ["tinygrad-edu", *arguments]
            prepare()
            try:
                cli.main()
                status = 0
            except SystemExit as stop:
                status = stop.code or 0
            finally:
                sys.setprofile(None)
                sys.stdout.flush()
                sys.stderr.flush()
        finally:
            os._exit(status)
    _, code = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(code), *[path.read_text(encoding="utf-8") for path in streams]


def contents(folder):
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """What each command writes where nothing is in its way. Run here once, so that all its modules are loaded."""
    written = {}
    for files, arguments in COMMANDS.items():
        folder = tmp_path_factory.mktemp("whole")
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(folder)
            patch.setattr(sys, "argv", ["tinygrad-edu", *arguments])
            cli.main()
        written[files] = contents(folder)
        assert set(files) <= set(written[files])
    return written


def one_line(text):
    assert text.startswith("tinygrad-edu: ")
    assert text.count("\n") == 1
    assert "Traceback" not in text
    return text


@each
def test_where_there_is_no_space_one_line_says_so_and_nothing_is_left(files, whole, tmp_path):
    def little_space():  # a file of more than a hundred bytes cannot be written
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, resource.RLIM_INFINITY))

    status, _, error = run(COMMANDS[files], tmp_path, little_space)
    if "out" not in COMMANDS[files]:  # the walk prints more than a hundred bytes before
        assert one_line(error) == f"tinygrad-edu: {files[0]}: File too large\n"
    assert status == 2
    assert contents(tmp_path) == {}


@each
@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_full_disk_leaves_what_was_there(files, whole, tmp_path, call):
    def full():
        def fail(*arguments):
            raise OSError(errno.ENOSPC, "No space left on device")

        setattr(os, call, fail)

    before = {name: b"old" for name in files}
    for name, content in before.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content)
    status, _, error = run(COMMANDS[files], tmp_path, full)
    assert status == 2
    assert one_line(error).endswith(": No space left on device\n")
    assert any(name in error for name in files)
    assert contents(tmp_path) == before


def nobody():
    if os.geteuid() == 0:
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)


@each
@pytest.mark.parametrize("what", ["folder", "file"])
def test_where_it_may_not_write_one_line_says_so(files, whole, tmp_path, what):
    folder = tmp_path / "folder"
    folder.mkdir()
    for parent in (tmp_path, *list(tmp_path.parents)[:2]):
        parent.chmod(0o755)  # pytest's own are private
    before = {}
    if what == "file":
        if COMMANDS[files][-1] == "out":
            (folder / "out").mkdir()
            (folder / "out").chmod(0o777)
        for name in files:
            (folder / name).write_bytes(b"old")
            (folder / name).chmod(0o444)
            before[name] = b"old"
        folder.chmod(0o777)
    else:
        folder.chmod(0o555)
    streams = [tmp_path / f"folder-{name}" for name in ("out", "err")]
    for path in streams:
        path.touch()
    status, _, error = run(COMMANDS[files], folder, nobody)
    folder.chmod(0o755)
    assert status == 2
    assert "Permission denied" in one_line(error)
    assert contents(folder) == before


def at_moment(moment, number):
    """Send the signal at this call of a function, in the whole command."""

    def prepare():
        calls = 0

        def count(frame, event, argument):
            nonlocal calls
            calls += 1
            if calls == moment:
                sys.setprofile(None)
                signal.raise_signal(number)

        sys.setprofile(count)

    return prepare


def calls_of(arguments, folder):
    """How many calls and returns a command has, as `at_moment` counts them."""

    def prepare():
        calls = [0]

        def count(frame, event, argument):
            calls[0] += 1

        right = os._exit

        def exit(status):
            (folder.parent / "calls").write_text(str(calls[0]))
            right(status)

        os._exit = exit
        sys.setprofile(count)

    assert run(arguments, folder, prepare)[0] == 0
    return int((folder.parent / "calls").read_text())


@each
def test_a_signal_at_any_moment_leaves_a_file_whole_or_none(files, whole, tmp_path):
    arguments = COMMANDS[files]
    (tmp_path / "all").mkdir()
    calls = calls_of(arguments, tmp_path / "all")
    for k in range(MOMENTS):
        number = (signal.SIGINT, signal.SIGTERM)[k % 2]
        folder = tmp_path / str(k)
        folder.mkdir()
        status, _, error = run(arguments, folder, at_moment((2 * k + 1) * calls // (2 * MOMENTS), number))
        assert status in (0, 128 + number), error
        # click ends the line of ^C first
        assert status == 0 or one_line(error.removeprefix("\n")) == "tinygrad-edu: stopped\n"
        for name, content in contents(folder).items():
            assert content == whole[files][name], f"{name} at moment {k}"


@pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("before", [None, "old"])
def test_an_interrupt_at_every_single_call_of_a_write(tmp_path, before):
    path = tmp_path / "a"
    calls, moment = 0, 0

    def count(frame, event, argument):
        nonlocal calls
        calls += 1
        if calls == moment:
            sys.setprofile(None)
            raise KeyboardInterrupt

    interrupted = 0
    while interrupted == moment:
        moment, calls = moment + 1, 0
        path.unlink(missing_ok=True)
        if before is not None:
            path.write_text(before)
        try:
            sys.setprofile(count)
            write(path, "new")
            sys.setprofile(None)
        except KeyboardInterrupt:
            interrupted += 1
        assert {name: path.read_text() for name in os.listdir(tmp_path)} in ({"a": "new"}, {"a": before}, {})
        assert path.exists() or before is None
    gc.collect()  # finds files that open() had not yet handed over
    assert interrupted > 20
    assert path.read_text() == "new"
