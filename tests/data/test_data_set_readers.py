"""GOT-10k, LaSOT and TrackingNet in exactly the layouts that are handed out."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np
import pytest

from compress.core import CompressWarning, FileError, UsageError
from compress.data import Sequence, attributes_of, convention_of, first_only, open_source
from compress.data.readers.official_lists import (
    GOT10K_PROHIBITED_FOR_VOT,
    GOT10K_VOTVAL,
    lasot_ext_names,
    lasot_names,
)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COMPRESS_HOME", str(tmp_path / "home"))


def _frames(folder: Path, names: Iterable[str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for number, name in enumerate(names):
        frame = np.random.default_rng(number).integers(0, 200, (48, 64, 3), dtype=np.uint8)
        cv2.imwrite(str(folder / name), frame)


def _boxes(count: int, first: float = 10.0) -> str:
    return "".join(f"{first + i:.4f},12.5000,20.2500,16.0000\n" for i in range(count))


def _got10k(folder: Path, split: str, name: str, boxes: str, labels: bool = True) -> None:
    place = folder / split / name
    _frames(place, [f"{i:08d}.jpg" for i in range(1, 4)])
    (place / "groundtruth.txt").write_text(boxes)
    if labels:
        (place / "absence.label").write_text("0\n0\n1\n")
        (place / "cover.label").write_text("8\n0\n8\n")
        (place / "cut_by_image.label").write_text("0\n0\n0\n")
    (place / "meta_info.ini").write_text("[METAINFO]\nurl: none\n")
    with (folder / split / "list.txt").open("a") as file:
        file.write(f"{name}\n")


@pytest.fixture
def got10k(tmp_path: Path) -> Path:
    for number in (1, 2, 3, 4):
        _got10k(tmp_path / "got 10k", "train", f"GOT-10k_Train_{number:06d}", _boxes(3))
    _got10k(tmp_path / "got 10k", "val", "GOT-10k_Val_000001", _boxes(3))
    _got10k(tmp_path / "got 10k", "test", "GOT-10k_Test_000001", _boxes(1), labels=False)
    return tmp_path / "got 10k"


def _names(text: str) -> list[str]:
    return [sequence.name for sequence in open_source(text).sequences()]


def _one(text: str) -> Sequence:
    (sequence,) = open_source(text).sequences()
    return sequence


def test_got10k(got10k: Path) -> None:
    sequence = _one(f"got10k:{got10k}")
    assert sequence.name == "GOT-10k_Val_000001"
    np.testing.assert_array_equal(sequence.boxes[1], [11, 12.5, 20.25, 16])
    np.testing.assert_array_equal(sequence.visible, [True, False, False], "covered, absent")
    assert sequence.frame(2).shape == (48, 64, 3)
    assert _names(f"got10k:{got10k}:train")[3] == "GOT-10k_Train_000004"
    source = open_source(f"got10k:{got10k}", training=True)
    assert source.name == f"got10k:{got10k}:train"
    assert convention_of(source) == "got10k"
    assert attributes_of(sequence) == frozenset()
    test = _one(f"got10k:{got10k}:test")
    assert first_only(test)
    assert not first_only(sequence)
    np.testing.assert_array_equal(test.boxes[:, 2], [20.25, 0, 0])
    np.testing.assert_array_equal(test.visible, [True, False, False])


def test_splits_of_got10k_for_vot(got10k: Path) -> None:
    """By name 4 is prohibited; as published, by position 1 is validated on, and what has position 4 prohibited."""
    assert len(GOT10K_PROHIBITED_FOR_VOT) == 1000
    assert len(GOT10K_VOTVAL) == 1249
    assert len(GOT10K_PROHIBITED_FOR_VOT | GOT10K_VOTVAL) == 9335 - 7086
    assert _names(f"got10k:{got10k}:no-vot") == [f"GOT-10k_Train_00000{number}" for number in (1, 2, 3)]
    assert _names(f"got10k:{got10k}:votval") == ["GOT-10k_Train_000002"]
    assert _names(f"got10k:{got10k}:vottrain") == [f"GOT-10k_Train_00000{number}" for number in (1, 3, 4)]


def test_unknown_and_missing_splits(got10k: Path) -> None:
    with pytest.raises(UsageError, match=r"Unknown split of got10k:.* 'vottrian'. Did you mean vottrain"):
        open_source(f"got10k:{got10k}:vottrian")
    (got10k / "val" / "list.txt").unlink()
    with pytest.raises(FileError, match=r"no list of sequences at .*list\.txt"):
        open_source(f"got10k:{got10k}").sequences()
    with pytest.raises(FileError, match=r"There is no folder .*nowhere.val"):
        open_source("got10k:nowhere").sequences()


@pytest.mark.parametrize("name", ["../outside", "/etc", "a\0b", "..", "a/../../b", "a\\b"])
def test_list_files_lead_nowhere_else(got10k: Path, name: str) -> None:
    (got10k / "val" / "list.txt").write_text(f"GOT-10k_Val_000001\n{name}\n")
    with pytest.raises(FileError, match="leads out of its folder"):
        open_source(f"got10k:{got10k}").sequences()


def test_paths_may_look_like_splits_and_weights(got10k: Path) -> None:
    for odd in ("odd:train", "odd@2", "odd, folder:x", "odd:name"):
        got10k.rename(got10k.parent / odd)
        got10k = got10k.parent / odd
        source = open_source(f"got10k:{got10k}:val")
        assert [sequence.name for sequence in open_source(source.name).sequences()] == ["GOT-10k_Val_000001"]
    assert _names(f"got10k:{got10k}") == ["GOT-10k_Val_000001"], "no split, so a part of the path"


def _lasot(folder: Path) -> None:
    _frames(folder / "img", [f"{i:08d}.jpg" for i in range(1, 4)])
    (folder / "groundtruth.txt").write_text("10,12,20,16\n11,12,20,16\n0,0,0,0\n")
    (folder / "full_occlusion.txt").write_text("0,1,0")
    (folder / "out_of_view.txt").write_text("0,0,1")
    (folder / "nlp.txt").write_text("an airplane in the sky")


def test_lists_of_lasot() -> None:
    test, train = set(lasot_names("test")), set(lasot_names("train"))
    assert (len(test), len(train), len(lasot_ext_names())) == (280, 1120, 150)
    assert {"airplane-1", "zebra-17", "rubicCube-19"} <= test
    assert test | train == set(lasot_names("all"))
    assert {name.partition("-")[0] for name in lasot_ext_names()}.isdisjoint(name.partition("-")[0] for name in test)


@pytest.mark.parametrize("flat", [False, True])
def test_lasot(tmp_path: Path, flat: bool) -> None:
    for name in ("airplane-1", "airplane-2", "airplane-13"):
        _lasot(tmp_path / ("." if flat else "airplane") / name)
    with pytest.warns(CompressWarning, match="has 2 of the 280 sequences"):
        found = open_source(f"lasot:{tmp_path}").sequences()
    assert [sequence.name for sequence in found] == ["airplane-1", "airplane-13"]
    np.testing.assert_array_equal(found[0].visible, [True, False, False])
    with pytest.warns(CompressWarning, match="1 of the 1120"):
        assert _names(f"lasot:{tmp_path}:train") == ["airplane-2"]


def test_the_extension_of_lasot(tmp_path: Path) -> None:
    _lasot(tmp_path / "atv" / "atv-10")
    source = open_source(f"lasot-ext:{tmp_path}")
    with pytest.warns(CompressWarning, match="1 of the 150"):
        assert [sequence.name for sequence in source.sequences()] == ["atv-10"]
    assert convention_of(source) == "lasot-ext"


def _trackingnet(part: Path, name: str, boxes: str) -> None:
    _frames(part / "frames" / name, [f"{i}.jpg" for i in range(11)])
    (part / "anno").mkdir(exist_ok=True)
    (part / "anno" / f"{name}.txt").write_text(boxes)


def test_trackingnet(tmp_path: Path) -> None:
    _trackingnet(tmp_path / "TRAIN_0", "-B1tZ_0", _boxes(11))
    _trackingnet(tmp_path / "TRAIN_11", "Aa2.b_3", _boxes(11))
    _trackingnet(tmp_path / "TEST", "Q-9_0", "10,12,20,16\n")
    with pytest.warns(CompressWarning, match="has no TRAIN_1, TRAIN_2"):
        found = open_source(f"trackingnet:{tmp_path}", training=True).sequences()
    assert [(sequence.name, len(sequence)) for sequence in found] == [("-B1tZ_0", 11), ("Aa2.b_3", 11)]
    expected = np.random.default_rng(9).integers(0, 200, (48, 64, 3)).mean()
    assert abs(float(found[0].frame(9).mean()) - expected) < 2, "9.jpg is before 10.jpg"
    assert _names(f"trackingnet:{tmp_path}:train-11") == ["Aa2.b_3"]
    assert first_only(_one(f"trackingnet:{tmp_path}"))
    with pytest.raises(FileError, match="TRAIN_5"):
        open_source(f"trackingnet:{tmp_path}:train-5").sequences()
