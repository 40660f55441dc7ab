"""Several sources as one: how they are written, and which pairs come of them."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from compress.core import UsageError
from compress.data import DataReference, PairSizes, convention_of, open_source
from compress.data.mixture import Part, mixture_parts
from compress.testing import source_suite

_READERS = ["folder", "generated", "got10k", "lasot", "lasot-ext"]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COMPRESS_HOME", str(tmp_path / "home"))


@pytest.fixture
def mixture(tmp_path: Path) -> str:
    """A dark and a bright folder of two sequences each; of the dark one three times as many pairs."""
    for name, level in (("dark @ 2", 60), ("bright, too", 200)):
        for sequence in ("a", "b"):
            folder = tmp_path / name / f"{name[0]}{sequence}"
            folder.mkdir(parents=True)
            for number in range(1, 5):
                cv2.imwrite(str(folder / f"{number:08d}.png"), np.full((60, 80, 3), level + number, np.uint8))
            (folder / "groundtruth.txt").write_text("20,20,16,16\n" * 4)
    return f"folder:{tmp_path / 'dark @ 2'}@3,folder:{tmp_path / 'bright, too'}@1"


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("got10k:/a@1,lasot:/b@0.5,generated@.25", [("got10k:/a", 1), ("lasot:/b", 0.5), ("generated", 0.25)]),
        ("got10k:/a:val,lasot-ext:/b", [("got10k:/a:val", 1), ("lasot-ext:/b", 1)]),
        ("got10k:/a, b@home@2,lasot:C:/x,y", [("got10k:/a, b@home", 2), ("lasot:C:/x,y", 1)]),
        ("got10k:/a@2", [("got10k:/a", 2)]),
        ("got10k:/a@b", [("got10k:/a@b", 1)]),
    ],
)
def test_how_they_are_written(text: str, parts: list[tuple[str, float]]) -> None:
    assert mixture_parts(text, _READERS) == [Part(*part) for part in parts]


def test_one_source_that_exists_is_taken_as_written(tmp_path: Path) -> None:
    (tmp_path / "x@2").mkdir()
    assert mixture_parts(f"folder:{tmp_path / 'x@2'}", _READERS) == [Part(f"folder:{tmp_path / 'x@2'}", 1.0)]


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(UsageError, match="weight of got10k:/a must be above 0 but is 0"):
        mixture_parts("got10k:/a@0,lasot:/b", _READERS)
    with pytest.raises(UsageError, match=r"Unknown reader of data 'lassot'. Did you mean lasot"):
        mixture_parts("got10k:/a,lassot:/b@1", _READERS)


def test_pairs_come_of_each_by_its_weight(mixture: str) -> None:
    source, sizes = open_source(mixture), PairSizes(16, 32)
    batch = source.pairs(0, 0, 400, sizes)
    bright = batch.search.max(axis=(1, 2, 3)) > 128
    assert 0.18 < bright.mean() < 0.32
    assert set(batch.scenes[bright] % 2) == {1}
    assert set(batch.scenes[~bright] % 2) == {0}
    assert not np.array_equal(batch.scenes, source.pairs(0, 1, 400, sizes).scenes)


def test_two_of_the_same_data_draw_other_pairs(mixture: str) -> None:
    one = mixture.partition(",folder")[0].rpartition("@")[0]
    batch = open_source(f"{one}@1,{one}@1").pairs(0, 0, 40, PairSizes(16, 32))
    first, second = (batch.boxes[batch.scenes % 2 == k] for k in (0, 1))
    assert not {tuple(box) for box in first.tolist()} & {tuple(box) for box in second.tolist()}


def test_they_are_evaluated_together_and_known_by_all(mixture: str) -> None:
    source = open_source(mixture)
    assert [sequence.name for sequence in source.sequences()] == ["da", "db", "ba", "bb"]
    assert convention_of(source) == ""
    assert source.name == mixture
    assert open_source(mixture.replace("@3", "@4")).fingerprint != source.fingerprint
    assert DataReference.of(source).module == "compress.data.readers.folder"


def test_images_are_texture_of_those_that_draw_some(mixture: str, tmp_path: Path) -> None:
    texture = str(tmp_path / "dark @ 2" / "da")
    assert f"generated:{texture}@1" in open_source(f"{mixture},generated", images=texture).name
    with pytest.raises(UsageError, match="texture for generated pairs"):
        open_source(mixture, images=texture)


@pytest.mark.parametrize("check", source_suite.CHECKS, ids=lambda check: check.__name__)
def test_conformance(check: source_suite.Check, mixture: str) -> None:
    check(mixture)
