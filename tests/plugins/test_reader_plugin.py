"""A reader from outside the package: this file and one registration, and every command takes its data."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from compress import search
from compress.cli import main
from compress.core import FileError
from compress.data import READERS, DataReference, RecordedSource, Sequence, SequenceFiles, open_source
from compress.testing import source_suite
from compress.testing.small_teacher import SMALL


class Walk:
    """A square that walks over noise, as arrays."""

    def __init__(self, name: str, frames: NDArray[np.uint8], boxes: NDArray[np.float64]) -> None:
        self.name, self.boxes, self._frames = name, boxes, frames
        self.visible = np.ones(len(boxes), dtype=bool)

    def __len__(self) -> int:
        return len(self._frames)

    def frame(self, index: int, /) -> NDArray[np.uint8]:
        return self._frames[index]


@READERS.register("arrays")
class ArraySource(RecordedSource):
    """Sequences as `NAME.npz` files of `frames` and `boxes`."""

    form = "arrays:PATH"
    summary = "arrays of the lab"

    def listed(self) -> list[SequenceFiles]:
        return [SequenceFiles(path.stem, path) for path in sorted(self.path.glob("*.npz"))]

    def opened(self, files: SequenceFiles) -> Sequence:
        with np.load(files.images) as arrays:
            return Walk(files.name, arrays["frames"], arrays["boxes"])


@pytest.fixture(scope="module", autouse=True)
def registered() -> Iterator[None]:
    yield
    READERS.remove("arrays")


@pytest.fixture
def arrays(tmp_path: Path) -> str:
    rng = np.random.default_rng(0)
    (tmp_path / "lab").mkdir()
    for name in ("a", "b"):
        frames = rng.integers(0, 80, (6, 90, 120, 3), dtype=np.uint8)
        boxes = np.array([[20.0 + 6 * i, 30.0, 24.0, 24.0] for i in range(6)])
        for frame, (x, y, w, h) in zip(frames, boxes.astype(int), strict=True):
            frame[y : y + h, x : x + w] = 230
        np.savez(tmp_path / "lab" / f"{name}.npz", frames=frames, boxes=boxes)
    return f"arrays:{tmp_path / 'lab'}"


def _json(capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, float]:
    with pytest.raises(SystemExit) as stop:
        main([*words, "--json"])
    assert stop.value.code == 0
    found: dict[str, float] = json.loads(capsys.readouterr().out)
    return found


def test_a_search_trains_and_scores_on_it_as_evaluate_does(
    arrays: str, weights: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = {"teacher": SMALL, "weights": weights, "target": "agx", "steps": 2, "pool": 64, "trials": 1}
    run = search(out=tmp_path / "run", data=arrays, train_data=arrays, device="cpu", **settings)
    (student,) = (record for record in run.records if record.accuracy)
    assert student.fidelity == "full"
    for variant in ("teacher", student.variant):
        found = _json(capsys, "evaluate", f"{run.run_dir}:{variant}", "--data", arrays)
        accuracy = run.variant(variant).accuracy
        assert accuracy is not None
        assert found["ao"] == pytest.approx(accuracy.ao, abs=1e-6)
        assert found["frames"] == 10


@pytest.mark.parametrize("check", source_suite.CHECKS, ids=lambda check: check.__name__)
def test_conformance(check: source_suite.Check, arrays: str) -> None:
    check(arrays)


def test_work_given_out_is_refused_once_the_data_has_changed(arrays: str) -> None:
    source = open_source(arrays)
    reference = DataReference.of(source)
    (source.path / "b.npz").unlink()  # type: ignore[attr-defined]
    with pytest.raises(FileError, match="other data"):
        reference.open()


def test_help_and_errors_name_it(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["evaluate", "--help"])
    assert "arrays:PATH" in (out := capsys.readouterr().out)
    assert "arrays of the lab" in out
    with pytest.raises(SystemExit):
        main(["evaluate", "ostrack-nano", "--data", "array:x"])
    assert "'arrays:PATH'" in capsys.readouterr().err
