"""A search over token retention: students that keep fewer tokens, and one training for several shares."""

from __future__ import annotations

from pathlib import Path

import pytest

from compress import search
from compress.archive import Archive
from compress.cli import main
from compress.models import build, load_weights
from compress.runtime import open_bundle
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


def test_the_share_may_be_another_after_training(
    found: Archive, data: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """In a bundle, whose graphs then keep that share for good; below what the weights were trained for is refused."""
    bundle, export = tmp_path / "bundle", ["export", str(found.run_dir), "--variant", found.records[0].variant]
    assert _code(*export, "--data", data, "--keep", "0.35", "--out", str(bundle)) == 0
    spec = open_bundle(bundle).spec
    assert [layer.keep for layer in spec.layers] == [0.35, None, None]
    assert spec.weights_id == found.records[0].spec.weights_id
    assert _code(*export, "--keep", "0.2", "--out", str(tmp_path / "other")) == 2
    assert "must be from 0.3 to below 1 but is 0.2" in capsys.readouterr().err
    assert _code("evaluate", str(bundle), "--data", data, "--keep", "0.5") == 2
    assert "--keep goes with a variant of a run" in capsys.readouterr().err


def _code(*words: str) -> object:
    try:
        main(list(words))
    except SystemExit as stop:
        return stop.code or 0
    return 0
