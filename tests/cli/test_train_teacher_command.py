"""`compress train-teacher` on recorded data, with trackers of full size."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from compress.cli import main
from compress.models import load_tracker
from compress.testing.search_inputs import short_sequences

pytestmark = pytest.mark.slow


def _train(name: str, data: str, out: Path) -> int:
    options = ["--steps", "2", "--batch", "2", "--warmup", "1", "--workers", "0", "--device", "cpu", "-q"]
    with pytest.raises(SystemExit) as stop:
        main(["train-teacher", name, "--train-data", data, "--out", str(out), *options])
    return int(stop.value.code or 0)


@pytest.mark.parametrize("name", ["hit-tiny", "litetrack-b4"])
@pytest.mark.parametrize("form", ["folder:{a}", "folder:{a}@1,folder:{b}@3"])
def test_any_tracker_learns_from_any_source(name: str, form: str, tmp_path: Path) -> None:
    folders = {each: tmp_path / each for each in "ab"}
    for folder in folders.values():
        folder.mkdir()
        short_sequences(folder)
    assert _train(name, form.format(**folders), tmp_path / "out") == 0
    model = load_tracker(name, str(tmp_path / "out" / "weights.safetensors"))
    assert all(bool(torch.isfinite(value).all()) for value in model.state_dict().values())
    rows = (tmp_path / "out" / "log.csv").read_text().splitlines()
    assert [row.partition(",")[0] for row in rows] == ["step", "1", "2"]
    assert _train(name, form.format(**folders), tmp_path / "out") == 0, "the same command finds it done"
