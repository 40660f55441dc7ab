"""Sources are known by what is in them, wherever it lies, and any edit makes them another."""

from __future__ import annotations

import os
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from compress.core import FileError, UsageError
from compress.data import (
    DataReference,
    PairSizes,
    open_source,
    recorded_source,
    registered_readers,
    split_key,
)
from compress.data import (
    file_fingerprints as fingerprints,
)
from compress.data.file_samples import spread
from compress.data.generated import generated_sequences
from compress.data.worker import make_pairs, stream_pairs
from compress.testing import source_suite

_BOXES = "20,20,30,30\n21,20,30,30\n22,20,30,30\n"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("COMPRESS_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def train(tmp_path: Path) -> Path:
    """Two sequences of three noisy frames: `a` in PNG files of some size, `b` in smaller JPEG files."""
    rng = np.random.default_rng(0)
    for name, suffix, side in (("a", ".png", 96), ("b", ".jpg", 64)):
        (tmp_path / "train" / name).mkdir(parents=True)
        for i in range(3):
            frame = rng.integers(0, 256, (side, side, 3), dtype=np.uint8)
            cv2.imwrite(str(tmp_path / "train" / name / f"{i + 1:08d}{suffix}"), frame)
        (tmp_path / "train" / name / "groundtruth.txt").write_text(_BOXES)
    return tmp_path / "train"


def _fingerprint(folder: Path | str) -> str:
    return open_source(f"folder:{folder}").fingerprint


def test_same_content_is_the_same_source_wherever_it_lies(train: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = _fingerprint(train)
    monkeypatch.chdir(train.parent)
    assert _fingerprint("train") == found
    shutil.copytree("train", "copied/deeper")
    os.symlink("train", "linked")
    os.rename("train", "moved")
    os.symlink("moved", "train")
    assert {_fingerprint(name) for name in ("copied/deeper", "linked", "moved")} == {found}
    (train / "notes.txt").write_text("of no reader")
    (train / "a" / "meta_info.ini").write_text("nor this")
    assert _fingerprint(train) == found
    assert open_source("folder:train").name == f"folder:{train.parent / 'moved'}"


def test_one_sequence_is_the_same_whatever_its_folder_is_called(train: Path) -> None:
    alone = _fingerprint(train / "a")
    shutil.rmtree(train / "b")
    os.rename(train / "a", train / "renamed")
    assert _fingerprint(train) == _fingerprint(train / "renamed") == alone


def _swap(path: Path, old: bytes, new: bytes) -> None:
    data = path.read_bytes()
    assert old in data
    path.write_bytes(data.replace(old, new, 1))


def _flip(path: Path, at: float) -> None:
    data = bytearray(path.read_bytes())
    data[int(at * (len(data) - 1))] ^= 1
    path.write_bytes(data)


_EDITS: dict[str, Callable[[Path], object]] = {
    "a box": lambda train: _swap(train / "a" / "groundtruth.txt", b"22,20", b"23,20"),
    "a new label file": lambda train: (train / "b" / "cover.label").write_text("8\n8\n8\n"),
    "a small frame": lambda train: _flip(train / "b" / "00000002.jpg", 0.3),
    "the head of a frame": lambda train: _flip(train / "a" / "00000002.png", 0.01),
    "the middle of a frame": lambda train: _flip(train / "a" / "00000002.png", 0.5),
    "the tail of a frame": lambda train: _flip(train / "a" / "00000003.png", 0.99),
    "a frame's length": lambda train: _swap(train / "a" / "00000001.png", b"IEND", b"IENDx"),
    "a frame's name": lambda train: os.rename(train / "a" / "00000003.png", train / "a" / "00000004.png"),
    "a frame more": lambda train: shutil.copy(train / "a" / "00000003.png", train / "a" / "00000004.png"),
    "a frame fewer": lambda train: (train / "a" / "00000003.png").unlink(),
    "a sequence's name": lambda train: os.rename(train / "a", train / "c"),
    "a sequence fewer": lambda train: shutil.rmtree(train / "b"),
    "frames that changed places": lambda train: (
        os.rename(train / "a" / "00000001.png", train / "x"),
        os.rename(train / "a" / "00000002.png", train / "a" / "00000001.png"),
        os.rename(train / "x", train / "a" / "00000002.png"),
    ),
}


@pytest.mark.parametrize("edit", _EDITS.values(), ids=_EDITS)
def test_every_edit_in_place_is_seen(edit: Callable[[Path], object], train: Path) -> None:
    """At once, and though sizes stay and times are put back, as some tools do."""
    times = {path: (path.stat().st_atime, path.stat().st_mtime) for path in train.rglob("*")}
    before = _fingerprint(train)
    edit(train)
    for path, both in times.items():
        if path.exists():
            os.utime(path, both)
    assert _fingerprint(train) != before


def test_looking_again_reads_nothing(train: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fingerprints, "RECENT_NS", 0)
    found = _fingerprint(train)
    assert len([path for path in (home / "fingerprints").iterdir() if path.is_file()]) == 1
    with monkeypatch.context() as patch:
        patch.setattr(fingerprints, "_read", lambda groups: pytest.fail("nothing has changed"))
        assert _fingerprint(train) == found
        os.rename(train, train.parent / "moved")
        assert _fingerprint(train.parent / "moved") == found
    (kept,) = (path for path in (home / "fingerprints").iterdir() if path.is_file())
    kept.write_text("damaged")
    assert _fingerprint(train.parent / "moved") == found


def test_what_changed_a_moment_ago_is_not_kept(train: Path, home: Path) -> None:
    assert _fingerprint(train) == _fingerprint(train)
    assert not (home / "fingerprints").exists()


def test_of_very_many_frames_some_are_read_evenly(train: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert sorted(spread(10, 4)) == [0, 3, 6, 9]
    assert list(spread(3, 4)) == [0, 1, 2]
    monkeypatch.setattr(fingerprints, "_IMAGES", 4)
    before = _fingerprint(train)
    _flip(train / "a" / "00000002.png", 0.5)
    assert _fingerprint(train) == before, "two of each sequence: the first and the last"
    _flip(train / "a" / "00000003.png", 0.5)
    assert _fingerprint(train) != before


def test_what_is_no_file_is_refused(train: Path) -> None:
    (train / "a" / "00000002.png").unlink()
    os.mkfifo(train / "a" / "00000002.png")
    with pytest.raises(FileError, match="no regular file"):
        _fingerprint(train)
    with pytest.raises(FileError, match="nowhere"):
        _fingerprint(train / "nowhere")


def test_images_in_a_folder_of_their_own_count(train: Path) -> None:
    before = _fingerprint(train / "b")
    (train / "b" / "img").mkdir()
    for path in (train / "b").glob("*.jpg"):
        path.rename(train / "b" / "img" / path.name)
    assert _fingerprint(train / "b") == before
    _flip(train / "b" / "img" / "00000002.jpg", 0.5)
    assert _fingerprint(train / "b") != before


def test_annotations_beyond_any_size_are_refused_unread(train: Path) -> None:
    os.truncate(train / "b" / "groundtruth.txt", 1 << 40)
    with pytest.raises(FileError, match="more than any annotation of 3 images"):
        _fingerprint(train)
    with pytest.raises(FileError, match="larger than any annotation file"):
        open_source(f"folder:{train}").sequences()


def test_texture_is_part_of_generated_pairs_alone(train: Path) -> None:
    plain, drawn = open_source("generated"), open_source("generated", images=str(train / "a"))
    assert plain.fingerprint == open_source("generated").fingerprint != drawn.fingerprint
    assert open_source(drawn.name).fingerprint == drawn.fingerprint
    sizes = PairSizes()
    assert not np.array_equal(plain.pairs(0, 0, 4, sizes).search, drawn.pairs(0, 0, 4, sizes).search)
    first, second = (source.sequences("short")[0] for source in (plain, drawn))
    assert np.array_equal(first.frame(3), second.frame(3))
    before = drawn.fingerprint
    _flip(train / "a" / "00000002.png", 0.5)
    assert open_source(drawn.name).fingerprint != before
    with pytest.raises(UsageError, match="texture for generated pairs"):
        open_source(f"folder:{train}", images=str(train / "a"))
    (train / "empty").mkdir()
    with pytest.raises(FileError, match="no image"):
        _ = open_source("generated", images=str(train / "empty")).fingerprint
    (train / "empty" / "1.png").write_bytes(b"none")
    with pytest.raises(FileError, match="unknown kind"):
        _ = open_source("generated", images=str(train / "empty")).fingerprint


def test_splits(train: Path) -> None:
    generated, folder = open_source("generated"), open_source(f"folder:{train}")
    assert [(s.name, len(s)) for s in generated.sequences()] == [(s.name, 60) for s in generated_sequences()]
    validation = generated_sequences(split="validation")
    kept = generated.sequences("validation", keep=True)
    assert np.array_equal(kept[3].frame(7), validation[3].frame(7))
    short = generated.sequences("short")
    assert {len(sequence) for sequence in short} == {30}
    assert np.array_equal(short[1].frame(7), generated_sequences(split="validation", per_difficulty=1)[1].frame(7))
    assert {tuple(s.name for s in folder.sequences(split)) for split in ("test", "validation", "short")} == {("a", "b")}
    many = generated.sequences("search", keep=True)
    assert (len(many), {len(sequence) for sequence in many}) == (168, {20})
    assert len({split_key(source, split) for source in (generated, folder) for split in ("test", "short")}) == 4


def test_lower_rungs_see_thirty_frames(train: Path, tmp_path: Path) -> None:
    """A second's worth, of which trackers are told apart; of three frames nearly all are still on their target."""
    long = tmp_path / "long" / "a"
    long.mkdir(parents=True)
    for i in range(1, 41):
        cv2.imwrite(str(long / f"{i:08d}.png"), np.full((40, 60, 3), 90, np.uint8))
    (long / "groundtruth.txt").write_text("10,10,12,9\n" * 40)
    for source in (open_source("generated"), open_source(f"folder:{tmp_path / 'long'}")):
        assert {len(sequence) for sequence in source.sequences("short")} == {30}
        assert min(len(sequence) for sequence in source.sequences("test")) > 30


def test_frames_are_kept_in_memory_where_they_fit(train: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for most, kept in ((6 * 96 * 96 * 3, True), (6 * 96 * 96 * 3 - 1, False)):
        monkeypatch.setattr(recorded_source, "_KEPT_BYTES", most)
        for split in ("short", "validation"):
            sequence = open_source(f"folder:{train}").sequences(split, keep=True)[0]
            assert (sequence.frame(2) is sequence.frame(2)) is kept
            assert len(sequence) == 3


def test_references_open_what_they_were_made_of(train: Path) -> None:
    reference = pickle.loads(pickle.dumps(DataReference.of(open_source(f"folder:{train}"))))
    assert reference.open().sequences()[0].name == "a"
    _EDITS["a box"](train)
    with pytest.raises(FileError, match="other data"):
        reference.open()
    assert reference.open(check=False).name == reference.source


def test_pairs_come_in_one_order_from_any_number_of_workers(train: Path) -> None:
    source, sizes = open_source(f"folder:{train}"), PairSizes(32, 64)
    wanted = [source.pairs(5, index, count, sizes) for index, count in enumerate((3, 2, 1))]
    for workers in (0, 2):
        found = list(make_pairs(source, 5, [3, 2, 1], workers=workers, sizes=sizes))
        stream = stream_pairs(source, 5, 2, workers=workers, sizes=sizes, start=1)
        streamed = [next(stream) for _ in range(3)]
        stream.close()
        assert all(np.array_equal(x.search, y.search) for x, y in zip(found, wanted, strict=True))
        assert np.array_equal(streamed[0].search, wanted[1].search)
        assert np.array_equal(streamed[2].boxes, source.pairs(5, 3, 2, sizes).boxes)


@pytest.mark.parametrize("reader", ["folder", "generated"])
@pytest.mark.parametrize("check", source_suite.CHECKS, ids=lambda check: check.__name__)
def test_conformance(reader: str, check: source_suite.Check, train: Path) -> None:
    check({"folder": f"folder:{train}", "generated": "generated"}[reader])


def test_every_reader_says_what_it_reads() -> None:
    assert {"folder", "generated"} <= set(registered_readers())
    for prefix, reader in registered_readers().items():
        assert reader.form.partition(":")[0] == prefix
        assert reader.summary
    for text in ("nonsense", "folder", "folder:", "http://x", ""):
        with pytest.raises(UsageError, match="folder:PATH"):
            open_source(text)
