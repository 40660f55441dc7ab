"""Thresholds chosen after training reach the bundle, and every command runs a tracker at them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from compress.runtime import open_bundle
from compress.testing.bundle_specs import ADAPTIVE
from compress.testing.commands import exit_code

SPEC = ADAPTIVE["both"]
Said = Callable[..., Any]


def test_latency_is_told_over_the_paths_of_a_file(run: Path, data: str, tmp_path: Path, said: Said) -> None:
    """By the second exit always; the target's figures are estimates, so nothing is timed."""
    words = ("thresholds", run, "--variant", "v003", "--tau", "1,0", "--exit-ms", "1,2,3", "--data", data, "--quiet")
    chosen = said(*words)
    found = said("latency", chosen["file"], "--target", "agx", "--quiet")
    mean = sum((3 - len(row["skipped"])) * row["frames"] for row in chosen["tracked"]["paths"]) / 9
    assert found["of"] == f"over the paths of 9 frames: {mean:.1f} of 4 layers on average"
    assert found["cheapest"]["mean_ms"] < found["mean_ms"] < found["worst"]["mean_ms"]
    plain = tmp_path / "plain.json"
    plain.write_text(json.dumps(chosen["spec"]))
    assert "no frames are known" in said("latency", plain, "--target", "agx", "--quiet")["of"]


@pytest.mark.parametrize("single", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_a_file_of_thresholds_goes_all_the_path(
    single: bool, run: Path, data: str, tmp_path: Path, said: Said, capsys: pytest.CaptureFixture[str]
) -> None:
    """The first exit never, the second always: other ways than the variant's own, which the file names."""
    chosen = said(
        "thresholds", run, "--variant", "v003", "--tau", "1,0", "--exit-ms", "1,2,3", "--data", data, "--quiet"
    )
    file, out = chosen["file"], tmp_path / "bundle"
    made = said("export", run, "--thresholds", file, "--out", out, "--data", data, *["--single-graph"] * single)
    assert made["spec_id"] == chosen["id"] != SPEC.id
    assert {row["exit"] for row in made["parity"]["paths"]} == {1}
    manifest = open_bundle(out).manifest
    assert manifest["thresholds"] == {"rho": 0.5, "tau": [1.0, 0.0]}
    assert (manifest["provenance"]["variant"], manifest["provenance"]["weights_of"]) == ("v003", SPEC.id)
    assert (manifest["accuracy"], manifest["latency"]) == (None, None)
    trackers = ((out,), (f"{run}:v003", "--thresholds", file), (f"{run}:v003", "--thresholds", "1,0"))
    for tracker in trackers:
        scored = said("evaluate", *tracker, "--data", data)
        assert scored["paths"] == made["parity"]["paths"] == chosen["tracked"]["paths"]
        assert scored["exit_shares"] == [0, 1, 0]
    assert said("verify", out, "--against", run, "--data", data)["parity"]["path_mismatch"] == 0
    assert exit_code("verify", out, "--against", run, "--data", data) == 0
    assert "over 9 frames of square, with the same decisions on each" in capsys.readouterr().out


def test_a_bundle_is_evaluated_at_other_thresholds(run: Path, data: str, tmp_path: Path, said: Said) -> None:
    said("export", run, "--variant", "v003", "--out", tmp_path / "own", "--data", data)
    own, first, last = (
        said("evaluate", tmp_path / "own", "--data", data, *more)
        for more in ((), ("--thresholds", "0,0"), ("--thresholds", "1,1"))
    )
    assert (first["exit_shares"], last["exit_shares"]) == ([1, 0, 0], [0, 0, 1])
    assert first["mean_layers"] == 1 < own["mean_layers"] < last["mean_layers"] <= 4
    other = said("evaluate", f"{run}:v003", "--thresholds", "1,1", "--data", data)
    assert other["paths"] == last["paths"]
    assert other["ao"] == pytest.approx(last["ao"], abs=1e-4)


def test_numbers_need_a_variant_and_change_nothing_where_they_are_its_own(
    run: Path, data: str, tmp_path: Path, said: Said
) -> None:
    words = ("export", run, "--variant", "v003", "--data", data, "--thresholds")
    assert said(*words, "0.5,0.5", "--out", tmp_path / "own")["spec_id"] == SPEC.id
    assert open_bundle(tmp_path / "own").manifest["accuracy"]["ao"] == 0.5
    assert said(*words, "0.6,0.5", "--out", tmp_path / "other")["spec_id"] != SPEC.id


def test_thresholds_of_another_tracker_are_refused(
    run: Path, data: str, tmp_path: Path, refused: Callable[..., tuple[int, str]]
) -> None:
    other = tmp_path / "other.json"
    other.write_text(json.dumps({"variant": "v003", "spec": ADAPTIVE["exits"].to_dict()}))
    broken = tmp_path / "broken.json"
    broken.write_text("{")
    path_mismatch = tmp_path / "astray.json"
    rows = [{"skipped": [0], "exit": 2, "frames": 9}]
    path_mismatch.write_text(json.dumps({"spec": SPEC.to_dict(), "tracked": {"paths": rows}}))
    assert "can skip layers 1 to 3" in refused("latency", path_mismatch, "--target", "agx")[1]
    for command in (("export", run, "--variant", "v003", "--out", tmp_path / "b"), ("evaluate", f"{run}:v003")):
        for text, code, message in (
            (other, 2, f"weights {ADAPTIVE['exits'].weights_id}, but this one has {SPEC.weights_id}"),
            (broken, 1, "is not a JSON file"),
            ("0.5", 2, "2 exits before the last, but 1 thresholds"),
            ("0.5,high", 2, "and there is no such file"),
            ("none.json", 2, "each a number from 0 to 1, such as 0.6,0.7"),
        ):
            found = refused(*command, "--thresholds", text)
            assert found[0] == code, found
            assert message in found[1]
    assert not (tmp_path / "b").exists()


def test_a_static_tracker_has_no_thresholds(run: Path, tmp_path: Path, refused: Callable[..., tuple[int, str]]) -> None:
    for command in (
        ("export", run, "--variant", "v000", "--out", tmp_path / "b"),
        ("evaluate", f"{run}:v000"),
        ("evaluate", "ostrack-nano"),
    ):
        code, message = refused(*command, "--thresholds", "0.5")
        assert code == 2
        assert "does the same for every frame, so --thresholds means nothing to it" in message
