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

pytestmark = pytest.mark.filterwarnings("ignore:.* lacks .* sequences:compress.core.errors.CompressWarning")
CHEAP = [check for check in source_suite.CHECKS if check is not source_suite.another_process_makes_its_pairs]


@pytest.fixture(params=sorted(LAYOUTS))
def layout(request: pytest.FixtureRequest, tmp_path: Path) -> Layout:
    return LAYOUTS[request.param](tmp_path / "data")


def test_every_reader_has_its_layout() -> None:
    recorded = {name for name, reader in registered_readers().items() if issubclass(reader, RecordedSource)}  # type: ignore[arg-type]
    assert recorded - {"folder"} <= set(LAYOUTS)


def test_what_is_read_is_what_the_layout_says(layout: Layout) -> None:
    found = open_source(layout.location).sequences()
    assert [sequence.name for sequence in found] == list(layout.sequences)
    for sequence, wanted in zip(found, layout.sequences.values(), strict=True):
        assert len(sequence) == len(wanted.boxes)
        np.testing.assert_allclose(sequence.boxes, wanted.boxes, rtol=0, atol=1e-9)
        np.testing.assert_array_equal(sequence.visible, wanted.boxes[:, 2] > 0)
        assert attributes_of(sequence) == wanted.attributes
        frame = sequence.frame(0)
        assert abs(frame.astype(int) - wanted.grey).max() <= 4
        assert frame.shape == ((120, 160, 3) if layout.location.startswith("coco") else (72, 96, 3))


def test_the_fingerprint_is_of_what_is_read(layout: Layout, tmp_path: Path) -> None:
    before = open_source(layout.location).fingerprint
    path, old, new = layout.box
    moved = tmp_path / "moved"
    (tmp_path / "data").rename(moved)
    prefix = layout.location.partition(":")[0]
    assert open_source(f"{prefix}:{moved}").fingerprint == before
    path = moved / path.relative_to(tmp_path / "data")
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    assert open_source(f"{prefix}:{moved}").fingerprint != before


@pytest.mark.parametrize("check", CHEAP, ids=lambda check: check.__name__)
def test_conformance(check: source_suite.Check, layout: Layout) -> None:
    check(layout.location)


@pytest.mark.slow
def test_other_processes_make_its_pairs(layout: Layout) -> None:
    source_suite.another_process_makes_its_pairs(layout.location)


def test_what_is_missing_is_refused_by_name(layout: Layout) -> None:
    if layout.needed.is_dir():
        shutil.rmtree(layout.needed)
    else:
        layout.needed.unlink()
    with pytest.raises(FileError, match=layout.named):
        _ = [sequence.frame(0) for sequence in open_source(layout.location).sequences()]


def test_a_folder_without_sequences_is_refused_with_the_layout(layout: Layout, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    prefix = layout.location.partition(":")[0]
    with pytest.raises(FileError, match=r"Wanted: PATH/|no annotation file of COCO"):
        open_source(f"{prefix}:{tmp_path / 'empty'}").sequences()


def test_an_unknown_split_is_refused(layout: Layout) -> None:
    source = open_source(layout.location)
    assert isinstance(source, RecordedSource)
    if source.splits:
        with pytest.raises(UsageError, match="split of"):
            open_source(f"{layout.location}:nosuchsplit")
