"""Files: whole or not at all, and nothing but files is replaced."""

import json
import os
import re
import stat
import threading
from pathlib import Path

import pytest

from tinygrad_edu.files import distinct, folder, form, in_script, write

posix = pytest.mark.skipif(os.name != "posix", reason="needs POSIX")
not_root = pytest.mark.skipif(
    os.name != "posix" or getattr(os, "geteuid", os.getuid)() == 0, reason="root may write anywhere"
)


def mode(path):
    return stat.S_IMODE(os.stat(path).st_mode)


def test_text_and_bytes_are_written_as_they_are(tmp_path):
    assert write(tmp_path / "a", "é\r\n") == tmp_path / "a"
    assert write(str(tmp_path / "b"), b"\x00\n\xff") == tmp_path / "b"
    assert (tmp_path / "a").read_bytes() == b"\xc3\xa9\r\n"
    assert (tmp_path / "b").read_bytes() == b"\x00\n\xff"
    assert sorted(os.listdir(tmp_path)) == ["a", "b"]


def test_a_lone_surrogate_is_written_as_json_writes_it(tmp_path):
    path = write(tmp_path / "note.json", json.dumps(["w\ud800", "é"], ensure_ascii=False))
    assert path.read_bytes() == b'["w\\ud800", "\xc3\xa9"]'
    assert json.loads(path.read_text(encoding="utf-8")) == ["w\ud800", "é"]


@pytest.mark.parametrize("name", ["a.pdf", "a", "a.html.txt", ".html", ""])
def test_the_ending_of_a_name_says_the_form(name):
    with pytest.raises(ValueError) as error:
        form("explore", name, (".html", ".htm"))
    assert str(error.value) == f"explore expected a file of .html, .htm, got {name!r}"
    assert form("explore", "A.HTM", (".html", ".htm")) == form("explore", Path("a.htm"), (".html", ".htm")) == ".htm"


def test_a_number_names_no_file():
    with pytest.raises(TypeError, match=r"^explore expected the name of a file, got 3 \(int\)$"):
        form("explore", 3, (".html",))  # as a descriptor, it would be open


@posix
def test_a_link_is_followed_and_stays_one(tmp_path):
    (tmp_path / "there").mkdir()
    (tmp_path / "link").symlink_to("there/file")
    for content in ("first", "second"):  # the link dangles, then it does not
        write(tmp_path / "link", content)
        assert (tmp_path / "link").is_symlink()
        assert (tmp_path / "there" / "file").read_text() == content
    assert os.listdir(tmp_path / "there") == ["file"]


@posix
def test_a_device_is_written_to_and_stays_one(tmp_path):
    """A terminal: where it is, no file can be made, so that not even wrong code could replace it."""
    main, terminal = os.openpty()
    try:
        name = os.ttyname(terminal)
        (tmp_path / "link").symlink_to(name)
        for path in (name, tmp_path / "link"):
            write(path, "shown\n")
            assert os.read(main, 100).split() == [b"shown"]
            assert stat.S_ISCHR(os.stat(name).st_mode)
        assert os.readlink(tmp_path / "link") == name
        distinct(name, name)
        with pytest.raises(ValueError, match=r"expected a file each, got a and \./a"):
            distinct(name, "a", name, "./a")
    finally:
        os.close(main)
        os.close(terminal)


@posix
def test_a_pipe_is_written_to_and_stays_one(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_bytes()))
    reader.start()
    write(pipe, "through")
    reader.join()
    assert read == [b"through"]
    assert stat.S_ISFIFO(os.stat(pipe).st_mode)
    assert os.listdir(tmp_path) == ["pipe"]


@posix
def test_a_file_keeps_its_mode_and_a_new_one_has_that_of_open(tmp_path, monkeypatch):
    for old in (0o600, 0o644, 0o755, 0o666):
        write(tmp_path / "kept", "")
        os.chmod(tmp_path / "kept", old)
        write(tmp_path / "kept", "new")
        assert mode(tmp_path / "kept") == old
    for mask in (0o027, 0o002):
        right = os.umask(mask)
        try:
            # One who asks for the umask sets it for all threads of the process.
            monkeypatch.setattr(os, "umask", None)
            write(tmp_path / f"new{mask}", "")
            (tmp_path / f"opened{mask}").touch()
            assert mode(tmp_path / f"new{mask}") == mode(tmp_path / f"opened{mask}") == 0o666 & ~mask
        finally:
            monkeypatch.undo()
            os.umask(right)


def test_the_content_is_on_the_disk_before_the_name_is(tmp_path, monkeypatch):
    done, temporaries = [], []
    fsync, rename = os.fsync, os.replace

    def noted_fsync(handle):
        done.append("folder" if stat.S_ISDIR(os.fstat(handle).st_mode) else f"{os.fstat(handle).st_size} bytes")
        fsync(handle)

    def noted_rename(before, after):
        done.append("name")
        temporaries.append(Path(before))
        rename(before, after)

    monkeypatch.setattr(os, "fsync", noted_fsync)
    monkeypatch.setattr(os, "replace", noted_rename)
    write(tmp_path / "a", "content")
    assert done == ["7 bytes", "name"] + ["folder"] * (os.name == "posix")
    write(tmp_path / "a", "content")
    assert len({*temporaries}) == 2  # so that two who write at once do not meet
    assert all(file.parent == tmp_path and file.name.startswith(".tinygrad-edu-") for file in temporaries)


@posix
def test_on_a_system_of_another_kind(tmp_path, monkeypatch):
    """Windows changes line ends unless told not to, opens no folders, and knows "A" as "a"."""
    flags, opened = [], os.open
    monkeypatch.setattr(os, "O_BINARY", os.O_SYNC, raising=False)
    monkeypatch.setattr(os, "open", lambda path, given, *mode: flags.append(given) or opened(path, given, *mode))
    monkeypatch.delattr(os, "O_DIRECTORY")
    monkeypatch.setattr(os.path, "normcase", str.lower)
    write(tmp_path / "a", "content")
    assert [given & os.O_SYNC for given in flags] == [os.O_SYNC]
    with pytest.raises(ValueError, match="which are the same"):
        distinct("a", "A")


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="needs /proc")
def test_no_file_stays_open(tmp_path):
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(3):
        write(tmp_path / "a", "content")
    assert len(os.listdir("/proc/self/fd")) == before


@pytest.mark.parametrize("moment", ["open", "write", "fsync", "chmod", "replace"])
@pytest.mark.parametrize("failure", [OSError(28, "No space left on device"), KeyboardInterrupt(), MemoryError()])
@pytest.mark.parametrize("before", [None, "old"])
def test_a_failure_leaves_nothing_behind_and_what_was_there_as_it_was(tmp_path, monkeypatch, moment, failure, before):
    path = tmp_path / "a"
    if before is not None:
        path.write_text(before)

    def fail(*arguments):
        raise failure

    if moment == "write":
        right = os.open

        def full(name, flags, *mode):
            return right("/dev/full", os.O_WRONLY) if flags & os.O_EXCL else right(name, flags, *mode)

        if not os.path.exists("/dev/full") or not isinstance(failure, OSError):
            pytest.skip("needs /dev/full")
        monkeypatch.setattr(os, "open", full)
        monkeypatch.setattr(os, "chmod", lambda *arguments: None)
    elif moment == "chmod" and before is None:
        pytest.skip("a new file has the mode that it was opened with")
    else:
        monkeypatch.setattr(os, moment, fail)
    with pytest.raises(type(failure)) as raised:
        write(path, "new")
    monkeypatch.undo()
    if isinstance(failure, OSError):
        assert str(raised.value) == f"[Errno 28] No space left on device: {str(path)!r}"
    assert os.listdir(tmp_path) == ["a"] * (before is not None)
    assert before is None or path.read_text() == before


@posix
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_what_must_not_be_written_to_is_refused(tmp_path):
    """Though its folder would let it be replaced. Root may write anywhere, so a child tries it as nobody."""
    path = tmp_path / "fixed"
    path.write_text("old")
    os.chmod(path, 0o444)
    for above in (tmp_path, tmp_path.parent, tmp_path.parent.parent):
        os.chmod(above, 0o777 if above == tmp_path else 0o755)
    child = os.fork()
    if child == 0:
        try:
            if os.geteuid() == 0:
                os.setgid(65534)
                os.setuid(65534)
            write(path, "new")
        except PermissionError as error:
            os._exit(0 if error.filename == str(path) else 3)
        finally:
            os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["fixed"]


def test_a_file_that_must_not_be_written_to_is_not_replaced_by_another(tmp_path, monkeypatch):
    path = tmp_path / "fixed"
    path.write_text("old")
    before = os.stat(path).st_ino
    monkeypatch.setattr(os, "access", lambda path, mode: mode != os.W_OK)
    write(path, "new")  # as far as the system lets it
    assert os.stat(path).st_ino == before


def test_a_folder_and_a_place_that_is_not_there_are_refused_with_their_names(tmp_path):
    with pytest.raises(IsADirectoryError) as raised:
        write(tmp_path, "")
    assert raised.value.filename == str(tmp_path)
    with pytest.raises(FileNotFoundError) as raised:
        write(tmp_path / "no" / "a", "")
    assert raised.value.filename == str(tmp_path / "no" / "a")


def test_a_name_as_long_as_the_system_allows(tmp_path):
    name = "a" * 255
    write(tmp_path / name, "long")
    assert os.listdir(tmp_path) == [name]


def test_a_folder_is_made_and_tried(tmp_path):
    assert folder(tmp_path / "a" / "b") == tmp_path / "a" / "b"
    assert folder(str(tmp_path / "a" / "b")) == tmp_path / "a" / "b"  # which is there by now
    assert os.listdir(tmp_path / "a" / "b") == []
    Path(tmp_path, "file").touch()
    for path in (tmp_path / "file", tmp_path / "file" / "a"):
        with pytest.raises(OSError) as raised:
            folder(path)
        assert re.fullmatch(rf"\[Errno \d+\] .*: '{re.escape(str(path))}'", str(raised.value))


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="needs /proc, where not even root may write")
def test_a_folder_that_cannot_be_written_to_is_refused():
    with pytest.raises(OSError, match=r": '/proc/self'$"):
        folder("/proc/self")


@posix
def test_two_names_of_one_file_are_found(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "link").symlink_to("a")
    distinct("a", "b")
    for other in ("a", "./a", str(tmp_path / "a"), "link", "none/../a"):
        with pytest.raises(ValueError, match=f"expected a file each, got a and {other}, which are the same"):
            distinct("a", other)
    (tmp_path / "a").touch()
    with pytest.raises(ValueError, match="expected a file each, got link and a"):
        distinct("b", "link", "a")


def test_json_in_a_script_neither_ends_it_nor_holds_what_is_no_json():
    assert in_script({"a": ["<é>", 0.5]}) == '{"a":["\\u003cé>",0.5]}'
    with pytest.raises(ValueError, match="not JSON compliant"):
        in_script([float("nan")])
