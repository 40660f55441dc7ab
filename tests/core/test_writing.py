"""Writing leaves the old file or the whole new one, in the place that a path leads to, and nothing else."""

from __future__ import annotations

import os
import resource
import signal
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from compress.core import CompressError, FileError, UsageError
from compress.core import streams as streams_module
from compress.core.writing import new_folder, write_file, write_together, writing


@contextmanager
def _full_disk() -> Iterator[None]:
    """Files end at 1,000 bytes; within the block only, since pytest's own log may be a file."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def _names(folder: Path) -> list[str]:
    return sorted(os.listdir(folder))


@pytest.mark.parametrize("error", [UsageError, FileError])
def test_what_a_writer_says_of_its_file_is_said_of_its_place(tmp_path: Path, error: type[CompressError]) -> None:
    path = tmp_path / "kept.bin"
    with pytest.raises(error) as said, writing(path) as outer, writing(outer) as temporary:
        raise error(f"Cannot write to {temporary}: it is full.")
    assert str(said.value) == f"Cannot write to {path}: it is full."


def test_a_file_is_written_whole_with_its_parents(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "file.txt"
    write_file(path, "één\n")
    assert path.read_bytes() == "één\n".encode()
    write_file(path, b"\0\xff")
    assert path.read_bytes() == b"\0\xff"
    assert _names(path.parent) == ["file.txt"]


def test_a_new_file_obeys_the_umask_and_an_old_one_keeps_its_permissions(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        write_file(tmp_path / "new", "")
    finally:
        os.umask(before)
    (tmp_path / "old").write_text("old")
    (tmp_path / "old").chmod(0o604)
    write_file(tmp_path / "old", "new")
    assert [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("new", "old")] == [0o640, 0o604]


def test_the_old_file_survives_an_error_and_a_full_disk(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old")
    with pytest.raises(ZeroDivisionError), writing(path) as temporary:
        temporary.write_text(str(1 / 0))
    with pytest.raises(OSError, match="File too large"), _full_disk():
        write_file(path, b"x" * 1001)
    assert path.read_text() == "old"
    assert _names(tmp_path) == ["file"]


def test_files_that_belong_together_change_together(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    write_together({one: "1", two: "1"})
    with pytest.raises(OSError, match="File too large"), _full_disk():
        write_together({one: "2", two: b"x" * 1001})
    assert (one.read_text(), two.read_text()) == ("1", "1")
    (tmp_path / "folder").mkdir()
    with pytest.raises(UsageError, match="is a folder"):
        write_together({one: "2", tmp_path / "folder": "2"})
    assert one.read_text() == "1"
    write_together({one: "2", two: b"2"})
    assert (one.read_text(), two.read_text()) == ("2", "2")
    assert _names(tmp_path) == ["folder", "one", "two"]


def test_a_signal_waits_until_files_that_belong_together_have_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    replace = Path.replace

    def interrupted(self: Path, target: Path) -> Path:
        if not one.exists():
            signal.raise_signal(signal.SIGINT)
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", interrupted)
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            write_together({one: "2", two: "2"})
    finally:
        signal.signal(signal.SIGINT, handler)
    assert (one.read_text(), two.read_text()) == ("2", "2")


def test_links_are_followed_and_stay(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    for name, link in (("file", "link"), ("missing", "dangling")):
        (tmp_path / link).symlink_to(tmp_path / "elsewhere" / name)
    (tmp_path / "elsewhere" / "file").write_text("old")
    (tmp_path / "twice").symlink_to("link")
    for link in ("twice", "dangling"):
        write_file(tmp_path / link, "new")
        assert (tmp_path / link).is_symlink()
    assert _names(tmp_path / "elsewhere") == ["file", "missing"]
    assert all((tmp_path / "elsewhere" / name).read_text() == "new" for name in ("file", "missing"))


def test_a_pipe_is_written_into(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    found: list[str] = []
    reader = threading.Thread(target=lambda: found.append(pipe.read_text()))
    reader.start()
    write_file(pipe, "boxes")
    reader.join()
    assert found == ["boxes"]
    assert stat.S_ISFIFO(pipe.stat().st_mode)


def test_a_pipe_that_nothing_reads_is_not_waited_for_without_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams_module, "_READER_S", 0)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(CompressError, match=r"Nothing reads the pipe .*Start its reader first"):
        write_file(tmp_path / "pipe", "boxes")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root makes device nodes")
def test_a_device_is_written_into_and_stays(tmp_path: Path) -> None:
    node = tmp_path / "null"
    try:
        os.mknod(node, 0o666 | stat.S_IFCHR, os.makedev(1, 3))
    except PermissionError:
        pytest.skip("no device nodes here")
    (tmp_path / "link").symlink_to(node)
    for path in (node, tmp_path / "link"):
        write_file(path, "gone")
        with writing(path) as temporary:
            temporary.write_text("gone too")
    assert stat.S_ISCHR(node.stat().st_mode)
    assert (tmp_path / "link").is_symlink()


def test_a_full_device_says_so() -> None:
    with pytest.raises(OSError, match="No space left"):
        write_file("/dev/full", "x")


def test_standard_output_is_written_where_it_is_and_not_over_what_was_printed(tmp_path: Path) -> None:
    code = "from compress.core.writing import write_file; print('before'); write_file('/dev/stdout', 'after\\n')"
    piped = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert piped.stdout == "before\nafter\n"
    with (tmp_path / "log").open("w") as log:
        log.write("first\n")
        log.flush()
        subprocess.run([sys.executable, "-c", code], stdout=log, check=True)
    assert (tmp_path / "log").read_text() == "first\nbefore\nafter\n"
    assert _names(tmp_path) == ["log"]


def test_an_input_is_never_written_onto(tmp_path: Path) -> None:
    frame = tmp_path / "frame.png"
    frame.write_text("pixels")
    (tmp_path / "link").symlink_to(frame)
    os.link(frame, tmp_path / "second name")
    for name in ("frame.png", "link", "second name", "./frame.png"):
        with pytest.raises(UsageError, match="is read as an input"):
            write_file(tmp_path / name, "boxes", inputs=[tmp_path / "absent", frame])
    assert frame.read_text() == "pixels"
    write_file(tmp_path / "other", "boxes", inputs=[frame])


def test_a_name_of_any_length_and_bytes_is_written_by_a_native_library(tmp_path: Path) -> None:
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9"))
    for path in (folder / "boxes.txt", folder / ("x" * 255), Path(os.fsdecode(os.fsencode(folder) + b"/\xff.mp4"))):
        with writing(path) as temporary:
            str(temporary).encode("utf-8")
            assert temporary.suffix == path.suffix
            temporary.write_text("x")
        assert path.read_text() == "x"
    assert len(_names(folder)) == 3


def test_a_folder_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    place = tmp_path / "bundle"
    for text in ("1", "2"):
        with new_folder(place) as folder:
            (folder / "file").write_text(text)
            assert not place.exists() or (place / "file").read_text() == "1"
        assert (place / "file").read_text() == text
    with pytest.raises(ZeroDivisionError), new_folder(place) as folder:
        (folder / "file").write_text(str(1 / 0))
    assert (place / "file").read_text() == "2"
    assert _names(tmp_path) == ["bundle"]


def test_a_folder_that_cannot_be_moved_leaves_the_old_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place, rename = tmp_path / "bundle", Path.rename
    place.mkdir()
    (place / "file").write_text("old")

    def refused(self: Path, target: Path) -> Path:
        if self.name == "new":
            raise OSError(5, "Input/output error")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", refused)
    with pytest.raises(OSError, match="Input/output"), new_folder(place) as folder:
        (folder / "file").write_text("new")
    assert (place / "file").read_text() == "old"
    assert _names(tmp_path) == ["bundle"]


def test_errors_name_the_path_that_was_asked_for(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(NotADirectoryError) as caught:
        write_file(tmp_path / "file" / "inner", "")
    assert str(tmp_path / "file") in str(caught.value.filename)


def test_a_full_disk_names_the_file(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="File too large") as caught, _full_disk():
        write_file(tmp_path / "file", b"x" * 1001)
    assert caught.value.filename == str(tmp_path / "file")


def test_a_file_that_is_write_protected_is_not_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    path.write_text("old")
    monkeypatch.setattr(os, "access", lambda place, mode: False)  # as for anybody but root
    with pytest.raises(PermissionError) as caught:
        write_file(path, "new")
    assert caught.value.filename == str(path)


def test_more_files_than_can_be_open_are_written_together(tmp_path: Path) -> None:
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(200, limits[1]), limits[1]))
    try:
        write_together({tmp_path / f"{i}.txt": "1" for i in range(300)})
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    assert len(_names(tmp_path)) == 300
