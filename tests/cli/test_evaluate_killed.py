"""`compress evaluate` killed in the middle, and a bundle by several processes: the real command, in processes."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import cv2
import pytest

from compress.data.generated import GeneratedSequence, levels_of

pytestmark = pytest.mark.slow

COMPRESS = (sys.executable, "-W", "ignore", "-m", "compress")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six sequences of 20 to 45 frames."""
    place = tmp_path_factory.mktemp("sequences")
    for k in range(6):
        sequence = GeneratedSequence(k, name=f"s{k}", levels=levels_of("scale"), length=20 + 5 * k)
        (place / sequence.name).mkdir()
        for i in range(len(sequence)):
            cv2.imwrite(str(place / sequence.name / f"{i + 1:08d}.png"), sequence.frame(i)[..., ::-1])
        lines = [",".join(f"{v:.1f}" for v in box) for box in sequence.boxes]
        (place / sequence.name / "groundtruth.txt").write_text("\n".join(lines))
    return place


def _words(tracker: object, folder: Path, results: Path, *more: object) -> list[str]:
    fixed = ("--data", f"folder:{folder}", "--results", results, "--format", "got10k", "--quiet", "--json")
    return [*COMPRESS, "evaluate", *map(str, (tracker, *fixed, *more))]


def _evaluated(tracker: object, folder: Path, results: Path, *more: object) -> dict[str, Any]:
    done = subprocess.run(_words(tracker, folder, results, *more), capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return {key: value for key, value in found.items() if key not in ("fps", "workers")}


def _boxes(results: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in sorted(results.glob("*/*_001.txt"))}


def test_a_killed_evaluation_loses_at_most_what_was_under_way(folder: Path, tmp_path: Path) -> None:
    whole = _evaluated("ostrack-nano", folder, tmp_path / "whole")
    records = tmp_path / "killed" / ".compress" / "sequences"
    process = subprocess.Popen(
        _words("ostrack-nano", folder, tmp_path / "killed", "--workers", 2),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    while process.poll() is None and not (records.is_dir() and list(records.glob("*.json"))):
        time.sleep(0.005)
    process.kill()
    process.wait()
    kept = {path.name: path.stat().st_mtime_ns for path in records.glob("*.json")}
    assert kept
    found = _evaluated("ostrack-nano", folder, tmp_path / "killed", "--workers", 2, "--resume")
    assert {name: (records / name).stat().st_mtime_ns for name in kept} == kept
    assert found == whole
    assert _boxes(tmp_path / "killed") == _boxes(tmp_path / "whole")
    assert len(_boxes(tmp_path / "whole")) == 6


def test_a_bundle_is_followed_by_several_processes_as_by_one(folder: Path, tmp_path: Path) -> None:
    bundle = tmp_path / "bundle"
    words = ("export", "ostrack-nano", "--out", str(bundle), "--data", f"folder:{folder}")
    subprocess.run([*COMPRESS, *words], capture_output=True, check=True)
    alone = _evaluated(bundle, folder, tmp_path / "one")
    assert _evaluated(bundle, folder, tmp_path / "two", "--workers", 2) == alone
    assert _boxes(tmp_path / "two") == _boxes(tmp_path / "one")
    refused = subprocess.run(
        _words("ostrack-nano", folder, tmp_path / "two", "--resume"), capture_output=True, text=True, check=False
    )
    assert refused.returncode == 2
    assert "of other weights and another runtime" in refused.stderr.replace("\n", " ")
