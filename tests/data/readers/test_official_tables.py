"""The tables of OTB and UAV123 against the totals that their papers state, and their special cases."""

from __future__ import annotations

from pathlib import Path

import pytest

from compress.core import CompressWarning, FileError
from compress.data import RecordedSource, open_source
from compress.data.readers.tables import table_rows
from compress.data.recorded_sequence import SequenceFiles
from compress.testing.recorded_layouts import moving, write_boxes, write_frames


def _frames(name: str, **equal: str) -> list[int]:
    rows = [row for row in table_rows(name) if all(row[column] == value for column, value in equal.items())]
    return [int(row["last"]) - int(row["first"]) + 1 for row in rows]


def test_totals_are_the_published_ones() -> None:
    """OTB has 59,040 frames with the five that Tiger1 starts after; UAV123 has 112,578 and UAV20L 58,670."""
    otb = table_rows("otb")
    assert len(otb) == len({row["name"] for row in otb}) == 100
    assert sum(_frames("otb")) + sum(int(row["skipped"]) for row in otb) == 59_040
    assert [sum(name in row["lists"].split() for row in otb) for name in ("tb50", "otb2013")] == [50, 51]
    for split, count, frames in (("UAV123", 123, 112_578), ("UAV20L", 20, 58_670)):
        assert (len(_frames("uav123", split=split)), sum(_frames("uav123", split=split))) == (count, frames)


def test_attributes_of_otb_are_its_eleven() -> None:
    found = {attribute for row in table_rows("otb") for attribute in row["attributes"].split()}
    assert found == {"IV", "SV", "OCC", "DEF", "MB", "FM", "IPR", "OPR", "OV", "BC", "LR"}
    occluded = [row["name"] for row in table_rows("otb") if "OCC" in row["attributes"].split()]
    assert len(occluded) == 49, "as the paper counts them"


@pytest.fixture(scope="module")
def otb(tmp_path_factory: pytest.TempPathFactory) -> dict[str, SequenceFiles]:
    """All that are listed; nothing but annotation files is there."""
    root = tmp_path_factory.mktemp("otb")
    for row in table_rows("otb"):
        write_boxes(root / row["folder"] / row["annotation"], moving(1))
    source = open_source(f"otb:{root}")
    assert isinstance(source, RecordedSource)
    return {files.name: files for files in source.listed()}


@pytest.mark.parametrize(
    ("name", "folder", "truth", "first", "last"),
    [
        ("David", "David", "groundtruth_rect.txt", "0300.jpg", "0770.jpg"),
        ("Football1", "Football1", "groundtruth_rect.txt", "0001.jpg", "0074.jpg"),
        ("Freeman3", "Freeman3", "groundtruth_rect.txt", "0001.jpg", "0460.jpg"),
        ("Freeman4", "Freeman4", "groundtruth_rect.txt", "0001.jpg", "0283.jpg"),
        ("Diving", "Diving", "groundtruth_rect.txt", "0001.jpg", "0215.jpg"),
        ("BlurCar1", "BlurCar1", "groundtruth_rect.txt", "0247.jpg", "0988.jpg"),
        ("BlurCar3", "BlurCar3", "groundtruth_rect.txt", "0003.jpg", "0359.jpg"),
        ("BlurCar4", "BlurCar4", "groundtruth_rect.txt", "0018.jpg", "0397.jpg"),
        ("Tiger1", "Tiger1", "groundtruth_rect.txt", "0006.jpg", "0354.jpg"),
        ("Board", "Board", "groundtruth_rect.txt", "00001.jpg", "00698.jpg"),
        ("Skating2-1", "Skating2", "groundtruth_rect.1.txt", "0001.jpg", "0473.jpg"),
        ("Skating2-2", "Skating2", "groundtruth_rect.2.txt", "0001.jpg", "0473.jpg"),
        ("Human4-2", "Human4", "groundtruth_rect.2.txt", "0001.jpg", "0667.jpg"),
    ],
)
def test_special_cases_of_otb(
    otb: dict[str, SequenceFiles], name: str, folder: str, truth: str, first: str, last: str
) -> None:
    files = otb[name]
    assert (files.images.parent.name, files.annotations[0].name) == (folder, truth)
    assert (files.frames[0], files.frames[-1]) == (first, last)


def test_frames_may_be_png(tmp_path: Path) -> None:
    write_boxes(tmp_path / "KiteSurf" / "groundtruth_rect.txt", moving(84))
    write_frames(tmp_path / "KiteSurf" / "img", range(1, 85), 4, ".png")
    with pytest.warns(CompressWarning, match=r"lacks 99 of 100 sequences: Basketball, Biker, Bird1 and 96 more"):
        (sequence,) = open_source(f"otb:{tmp_path}").sequences()
    assert sequence.frame(83).shape == (72, 96, 3)


def test_frames_may_have_suffixes_in_capitals(tmp_path: Path) -> None:
    write_boxes(tmp_path / "Deer" / "groundtruth_rect.txt", moving(71))
    write_frames(tmp_path / "Deer" / "img", range(1, 72), 4, ".JPG")
    with pytest.warns(CompressWarning, match="lacks 99 of 100"):
        (sequence,) = open_source(f"otb:{tmp_path}").sequences()
    assert sequence.frame(70).shape == (72, 96, 3)


def test_splits_of_otb(tmp_path: Path) -> None:
    for name in ("Biker", "Bird2", "Girl"):
        write_boxes(tmp_path / name / "groundtruth_rect.txt", moving(1))
    for split, wanted in (("100", ["Biker", "Bird2", "Girl"]), ("50", ["Biker", "Girl"]), ("2013", ["Girl"])):
        source = open_source(f"otb:{tmp_path}:{split}")
        assert isinstance(source, RecordedSource)
        with pytest.warns(CompressWarning, match="lacks"):
            assert [files.name for files in source.listed()] == wanted


@pytest.mark.filterwarnings("ignore:.* lacks .* sequences:compress.core.errors.CompressWarning")
def test_an_annotation_of_another_length_is_refused(tmp_path: Path) -> None:
    write_boxes(tmp_path / "Tiger1" / "groundtruth_rect.txt", moving(349))
    write_frames(tmp_path / "Tiger1" / "img", range(1, 355), 4)
    with pytest.raises(FileError, match=r"has 349 boxes but Tiger1 has 354, of frames 6 to 354 and 5 before"):
        open_source(f"otb:{tmp_path}").sequences()


@pytest.mark.filterwarnings("ignore:.* lacks .* sequences:compress.core.errors.CompressWarning")
def test_long_sequences_of_uav123_share_its_frames(tmp_path: Path) -> None:
    write_boxes(tmp_path / "anno" / "UAV20L" / "bird1.txt", moving(1))
    (tmp_path / "anno" / "UAV20L" / "att").mkdir()
    (tmp_path / "anno" / "UAV20L" / "att" / "bird1.txt").write_text("1,0,2,0,0,0,0,0,0,0,0,0")
    source = open_source(f"uav123:{tmp_path}:UAV20L")
    assert isinstance(source, RecordedSource)
    (files,) = source.listed()
    assert files.images == tmp_path / "data_seq" / "UAV123" / "bird1"
    assert (files.frames[0], files.frames[-1]) == ("000001.jpg", "002437.jpg")
    with pytest.raises(FileError, match=r"bird1.txt must hold 12 flags, 0 or 1"):
        _ = source.opened(files).boxes
