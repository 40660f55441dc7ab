"""The index of a source: what it holds, when it is made anew, and that nothing is opened for it twice."""

from __future__ import annotations

import os
import pickle
import re
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from compress.core import CompressError, CompressWarning
from compress.data import PairSizes, RecordedSequence, RecordedSource, SequenceFiles, open_source
from compress.data import folder_sequences as folders
from compress.data import index_store as store
from compress.data.index import IndexedSequence, IndexedSequences
from compress.data.index_file import read_index, write_index
from compress.geometry import Pictures


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("COMPRESS_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def many(tmp_path: Path) -> Path:
    """Seven sequences of two to eight frames, one of which has a broken label file."""
    image = np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype=np.uint8)
    cv2.imwrite(str(tmp_path / "frame.jpg"), image)
    for number in range(7):
        folder = tmp_path / "many" / f"s{number}"
        folder.mkdir(parents=True)
        for frame in range(number + 2):
            os.link(tmp_path / "frame.jpg", folder / f"{frame + 1:08d}.jpg")
        boxes = [
            f"{10 + frame}.{number},12,20,{0 if frame == 1 and number == 3 else 9}\n" for frame in range(number + 2)
        ]
        (folder / "groundtruth.txt").write_text("".join(boxes))
    (tmp_path / "many" / "s5" / "cover.label").write_text("8\n")
    return tmp_path / "many"


def _source(folder: Path) -> RecordedSource:
    source = open_source(f"folder:{folder}")
    assert isinstance(source, RecordedSource)
    return source


def test_it_holds_what_the_files_say(many: Path) -> None:
    shutil.rmtree(many / "s5")
    source = _source(many)
    read = folders.read_folder(many)
    for found, wanted in zip(source.sequences(), read, strict=True):
        assert found.name == wanted.name
        np.testing.assert_array_equal(found.boxes, wanted.boxes)
        np.testing.assert_array_equal(found.visible, wanted.visible)
        np.testing.assert_array_equal(found.frame(1), wanted.frame(1))
    assert not source.sequences()[3].visible[1]
    assert source.index.sizes.tolist() == [[60, 40]] * 6
    sequence = pickle.loads(pickle.dumps(source.sequences()[2]))
    np.testing.assert_array_equal(sequence.frame(0), read[2].frame(0))


def test_processes_make_the_same(many: Path) -> None:
    one, two = _source(many).make_index(workers=0), _source(many).make_index(workers=2)
    for name, values in vars(one).items():
        np.testing.assert_array_equal(values, vars(two)[name], err_msg=name)
    assert [problem.sequence for problem in two.problems] == ["s5"]
    assert one.content == two.content


def test_it_is_kept_until_something_changes(many: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "RECENT_NS", 0)
    first = _source(many).index
    assert len([path for path in (home / "indexes").iterdir() if path.is_file()]) == 1
    with monkeypatch.context() as patch:
        patch.setattr(store, "_made", lambda *_: pytest.fail("nothing has changed"))
        kept = _source(many).index
    assert kept.content == first.content
    assert not kept.boxes.flags.writeable
    os.link(many / "s0" / "00000001.jpg", many / "s0" / "00000003.jpg")
    assert [problem.sequence for problem in _source(many).index.problems] == ["s0", "s5"]
    (many / "s5" / "cover.label").unlink()
    assert [problem.sequence for problem in _source(many).index.problems] == ["s0"]


def test_what_changed_a_moment_ago_is_not_kept(many: Path, home: Path) -> None:
    assert len(_source(many).index) == 7
    assert not (home / "indexes").exists()


@pytest.mark.parametrize("damage", [b"", b"\xff" * 64, b"\x02\0\0\0\0\0\0\0{}"])
def test_a_damaged_file_is_none(many: Path, tmp_path: Path, damage: bytes) -> None:
    path = tmp_path / "index.safetensors"
    write_index(_source(many).index, path)
    assert read_index(path) is not None
    data = path.read_bytes()
    path.write_bytes(data[:-1])
    assert read_index(path) is None, "cut short"
    path.write_bytes(data.replace(b'"F64"', b'"I64"'))
    assert read_index(path) is None, "of another type"
    path.write_bytes(damage)
    assert read_index(path) is None


def test_of_very_many_only_what_is_drawn_is_opened(many: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.rmtree(many / "s5")
    source = _source(many)
    assert len(source.index) == 6
    opened: list[str] = []

    def note(files: SequenceFiles, annotate: object) -> RecordedSequence:
        opened.append(files.name)
        return RecordedSequence(files, lambda *_: pytest.fail("boxes come from the index"))

    monkeypatch.setattr("compress.data.readers.folder.RecordedSequence", note)
    pairs = source.pairs(0, 0, 3, PairSizes(32, 64))
    assert len(opened) == len(set(pairs.scenes.tolist())) <= 3
    assert len(source.sequences()) == 6
    assert len(opened) <= 3


def test_folders_of_frames_that_count_on_are_not_listed_again(many: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder of the longest videos is listed in the time of a frame; one with a gap in its names has to be."""
    shutil.rmtree(many / "s5")
    os.rename(many / "s2" / "00000004.jpg", many / "s2" / "00000007.jpg")
    source = _source(many)
    indexed = [sequence for sequence in source.sequences() if isinstance(sequence, IndexedSequence)]
    assert [bool(sequence.files.frames) for sequence in indexed] == [True, True, False, True, True, True]
    wanted = [[each.images.files[0].name, each.images.files[-1].name] for each in folders.read_folder(many)]
    monkeypatch.setattr(Pictures, "of_folder", lambda folder: pytest.fail("it need not be listed"))
    for number in (0, 1, 3, 4, 5):
        images = indexed[number].images
        assert images is not None
        assert [images.files[0].name, images.files[-1].name] == wanted[number]


def test_few_are_kept_opened(many: Path) -> None:
    source = _source(many)
    sequences = IndexedSequences(source.index, source.opened)
    assert sequences[2] is sequences[2]
    assert isinstance(sequences[-1], IndexedSequence)
    assert [each.name for each in sequences[:2]] == ["s0", "s1"]
    with pytest.raises(IndexError, match="no sequence 7 of 7"):
        sequences[7]


def test_very_many_are_known_by_annotations_names_and_samples(many: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "MANY", 3)
    monkeypatch.setattr("compress.data.recorded_source.MANY", 3)
    monkeypatch.setattr(store, "_SAMPLED", 6)
    shutil.rmtree(many / "s5")

    def changed(edit: object) -> bool:
        before = _source(many).fingerprint
        assert callable(edit)
        edit()
        return _source(many).fingerprint != before

    shutil.copytree(many, many.parent / "copy")
    assert _source(many.parent / "copy").fingerprint == _source(many).fingerprint
    s6 = many / "s6"
    truth = (s6 / "groundtruth.txt").read_text()
    assert changed(lambda: (s6 / "groundtruth.txt").write_text(truth.replace("17.6", "17.5")))
    assert changed(lambda: (s6 / "00000008.jpg").rename(s6 / "00000009.jpg"))
    assert changed(lambda: _other(s6 / "00000001.jpg"))
    assert not changed(lambda: _other(s6 / "00000002.jpg")), "in place, and none of those that are looked into"
    assert changed(lambda: (many / "s0").rename(many / "s00"))


def _other(path: Path) -> None:
    data = path.read_bytes()
    path.unlink()  # of a link of many
    path.write_bytes(data[:300] + bytes([data[300] ^ 1]) + data[301:])


def test_what_processes_warn_of_is_warned_of_here(many: Path) -> None:
    for number in (1, 6):
        (many / f"s{number}" / "00000001.jpg").rename(many / f"s{number}" / "x.jpg")
        (many / f"s{number}" / "00000002.jpg").rename(many / f"s{number}" / "y.jpg")
    with pytest.warns(CompressWarning) as noted:
        assert len(_source(many).make_index(workers=2)) == 7
    assert [re.sub(r".*/(s\d): the order of its images.*", r"\1", str(each.message)) for each in noted] == ["s1", "s6"]


def test_a_failing_worker_is_reported(many: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("compress.data.index_store.sys.executable", shutil.which("false"))
    with pytest.raises(CompressError, match="Indexing the data failed"):
        _source(many).make_index(workers=2)
