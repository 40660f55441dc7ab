"""A search over token retention: students that keep fewer tokens, and one training for several shares."""

from __future__ import annotations

from pathlib import Path

import pytest

from compress import search
from compress.archive import Archive
from compress.models import build, load_weights
from compress.testing.small_teacher import SMALL

SPACE = """
knobs:
  depth: [3]
  keep_ratio: [0.7, 0.5]
  keep_after: [first]
  keep_by: [motion]
"""


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory, weights: str, data: str) -> Archive:
    folder = tmp_path_factory.mktemp("tokens")
    (folder / "shares.yaml").write_text(SPACE)
    settings = {
        "teacher": SMALL,
        "weights": weights,
        "data": data,
        "target": "agx",
        "steps": 2,
        "sampler": "exhaustive",
    }
    return search(
        out=folder / "run", space=str(folder / "shares.yaml"), trials=2, pool=64, speedup=1.01, device="cpu", **settings
    )


def test_both_shares_are_scored_with_one_set_of_weights(found: Archive) -> None:
    assert {record.status for record in found.records} == {"done"}
    one, other = (record.spec for record in found.records)
    assert {each.layers[0].keep for each in (one, other)} == {0.7, 0.5}
    assert one.keep_by == other.keep_by == "motion"
    assert one.weights_id == other.weights_id
    files = list((found.run_dir / "checkpoints").glob("*.safetensors"))
    assert [path.stem for path in files] == [one.weights_id]
    for spec in (one, other):
        load_weights(build(spec), files[0])
    assert all(record.accuracy is not None and record.predicted is not None for record in found.records)
    by_share = {record.spec.layers[0].keep: record for record in found.records}
    assert by_share[0.5].macs_per_frame < by_share[0.7].macs_per_frame


def test_the_shipped_space_gives_students_that_eliminate(tmp_path: Path, weights: str, data: str) -> None:
    """From its seeds: the plain student, and the one that eliminates as OSTrack does."""
    settings = {"teacher": SMALL, "weights": weights, "data": data, "target": "agx", "steps": 2, "sampler": "random"}
    run = search(out=tmp_path / "run", space="tokens", trials=2, pool=64, speedup=1.01, device="cpu", **settings)
    done = [record for record in run.records if record.status == "done"]
    assert any(record.spec.eliminating for record in done)
