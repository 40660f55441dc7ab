"""Every reader of a published layout, on a tiny data set in exactly that layout."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from compress.core import FileError, UsageError
from compress.data import RecordedSource, open_source, registered_readers
from compress.data.sequence import attributes_of
from compress.testing import source_suite
from compress.testing.recorded_layouts import LAYOUTS, Layout

pytestmark = pytest.mark.filterwarnings("ignore:.* of .* sequences:compress.core.errors.CompressWarning")
CHEAP = [check for check in source_suite.CHECKS if check is not source_suite.another_process_makes_its_pairs]


@pytest.fixture(params=sorted(LAYOUTS))
def layout(request: pytest.FixtureRequest, tmp_path: Path) -> Layout:
    """One to change."""
    return LAYOUTS[request.param](tmp_path / "data")


@pytest.fixture(scope="module", params=sorted(LAYOUTS))
def kept(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Layout:
    """One to read."""
    return LAYOUTS[request.param](tmp_path_factory.mktemp("kept") / "data")


def test_every_reader_has_its_layout() -> None:
    recorded = {
        name
        for name, reader in registered_readers().items()
        if issubclass(reader, RecordedSource)  # type: ignore[arg-type]
        and reader.__module__.startswith("compress.")
    }
    assert recorded == set(LAYOUTS)


def test_what_is_read_is_what_the_layout_says(kept: Layout) -> None:
    found = open_source(kept.location).sequences()
    assert [sequence.name for sequence in found] == list(kept.sequences)
    for sequence, wanted in zip(found, kept.sequences.values(), strict=True):
        assert len(sequence) == len(wanted.boxes)
        np.testing.assert_allclose(sequence.boxes, wanted.boxes, rtol=0, atol=1e-9)
        np.testing.assert_array_equal(sequence.visible, wanted.boxes[:, 2] > 0)
        assert attributes_of(sequence) == wanted.attributes
        frame = sequence.frame(0)
        assert abs(frame.astype(int) - wanted.grey).max() <= 4
        assert frame.shape == ((120, 160, 3) if kept.location.startswith("coco") else (72, 96, 3))


def test_the_fingerprint_is_of_what_is_read(layout: Layout, tmp_path: Path) -> None:
    before = open_source(layout.location).fingerprint
    path, old, new = layout.box
    moved = tmp_path / "moved"
    (tmp_path / "data").rename(moved)
    location = layout.location.replace(str(tmp_path / "data"), str(moved))
    assert open_source(location).fingerprint == before
    path = moved / path.relative_to(tmp_path / "data")
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    assert open_source(location).fingerprint != before


@pytest.mark.parametrize("check", CHEAP, ids=lambda check: check.__name__)
def test_conformance(check: source_suite.Check, kept: Layout) -> None:
    check(kept.location)


@pytest.mark.slow
def test_other_processes_make_its_pairs(kept: Layout) -> None:
    source_suite.another_process_makes_its_pairs(kept.location)


def test_what_is_missing_is_refused_by_name(layout: Layout) -> None:
    if layout.needed.is_dir():
        shutil.rmtree(layout.needed)
    else:
        layout.needed.unlink()
    with pytest.raises(FileError, match=layout.named):
        _ = [sequence.frame(0) for sequence in open_source(layout.location).sequences()]


@pytest.mark.parametrize("prefix", sorted(LAYOUTS))
def test_a_folder_without_sequences_is_refused_with_the_layout(prefix: str, tmp_path: Path) -> None:
    with pytest.raises(FileError, match=r"Wanted: |no annotation file of COCO|holds no sequence"):
        open_source(f"{prefix}:{tmp_path}").sequences()


@pytest.mark.parametrize("prefix", sorted(LAYOUTS))
def test_links_in_a_circle_are_refused_by_name(prefix: str, tmp_path: Path) -> None:
    (tmp_path / "round").symlink_to("round")
    with pytest.raises(FileError, match=r"round|holds no sequence"):
        open_source(f"{prefix}:{tmp_path / 'round'}").sequences()


def test_a_link_in_a_circle_among_sequences_is_named(tmp_path: Path) -> None:
    layout = LAYOUTS["folder"](tmp_path / "data")
    (tmp_path / "data" / "zz").symlink_to("zz")
    with pytest.raises(FileError, match=r"Cannot list .*zz: Too many levels"):
        open_source(layout.location).sequences()


@pytest.mark.parametrize("prefix", sorted(LAYOUTS))
def test_an_unknown_split_is_refused(prefix: str, tmp_path: Path) -> None:
    source = open_source(f"{prefix}:{tmp_path}")
    assert isinstance(source, RecordedSource)
    if source.splits:
        with pytest.raises(UsageError, match="split of"):
            open_source(f"{prefix}:{tmp_path}:nosuchsplit")
