"""Fits of times that were made up from known coefficients, and the recorded command that wrote what ships."""

import csv
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from compress.core import describe
from compress.latency.estimated.file import read_estimated
from compress.latency.estimated.fitting import Sample, fit_coefficients, left_out_errors, relative_errors
from compress.latency.estimated.profile import Coefficients

ROOT = Path(__file__).resolve().parents[2]
TRUTH = Coefficients(launch_us=30.0, ms_per_gmac=1.5, call_ms=0.5, loop_ms=2.0)
NAMES = ("ostrack256", "ostrack256-ce", "litetrack-b4", "hit-base", "hit-tiny", "mixformerv2-s", "ostrack-nano")
FREE = ("launch_us", "ms_per_gmac", "call_ms", "loop_ms")


def _made_up(names: Sequence[str] = NAMES) -> list[Sample]:
    found = []
    for i, name in enumerate(names):
        sample = Sample(describe(name), "onnxruntime", 1.0, "loop" if i % 2 else "network", every_frame=i % 3 == 0)
        launches, gmacs, _, loop = sample.row
        found.append(replace(sample, ms=30.0 * launches + 1.5 * gmacs + 0.5 + 2.0 * loop))
    return found


def test_known_coefficients_are_found() -> None:
    costs = fit_coefficients(_made_up(), FREE)
    assert asdict(costs) == pytest.approx(asdict(TRUTH), rel=1e-4)
    assert relative_errors(_made_up(), costs) == pytest.approx([0] * len(NAMES), abs=1e-6)
    assert left_out_errors(_made_up(), FREE) == pytest.approx([0] * len(NAMES), abs=1e-4)


def test_what_is_fixed_is_held_and_what_is_neither_is_nothing() -> None:
    costs = fit_coefficients(_made_up(), ("ms_per_gmac",), {"launch_us": 10.0})
    assert (costs.launch_us, costs.call_ms, costs.loop_ms) == (10.0, 0.0, 0.0)
    assert costs.ms_per_gmac > TRUTH.ms_per_gmac


def test_no_coefficient_falls_below_nothing() -> None:
    """Too much is borrowed for a launch, so that no call could make up for it."""
    costs = fit_coefficients(_made_up(), ("ms_per_gmac", "call_ms"), {"launch_us": 200.0})
    assert costs.call_ms >= 0
    assert costs.ms_per_gmac >= 0


def test_fewer_figures_than_coefficients_are_refused() -> None:
    with pytest.raises(ValueError, match="3 coefficients cannot be fitted to 2 figures"):
        fit_coefficients(_made_up(NAMES[:2]), FREE[:3])


def test_a_tracker_is_left_out_with_all_its_figures() -> None:
    """A wrong figure of a tracker does not mend the others of it: without it they fit as if it had never been there."""
    samples = _made_up()
    twice = [*samples, replace(samples[0], ms=samples[0].ms * 3)]
    left_out = left_out_errors(twice, FREE[:3])
    assert left_out[0] == pytest.approx(left_out_errors(samples, FREE[:3])[0], abs=1e-6)


def test_the_shipped_files_are_what_the_figures_give(tmp_path: Path) -> None:
    """The recorded command writes the files that are in the tree."""
    command = [sys.executable, "benchmarks/fit_estimates.py", "--write", str(tmp_path), "--samples", "20"]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True)
    written, kept = ({p.name: read_estimated(p) for p in f.glob("*.yaml")} for f in (tmp_path, ROOT / "hw_profiles"))
    assert set(written) == set(kept)
    for name, profile in written.items():
        assert asdict(profile.coefficients) == pytest.approx(asdict(kept[name].coefficients), rel=1e-3)
        assert asdict(profile.leave_one_out) == pytest.approx(asdict(kept[name].leave_one_out), abs=1e-3)
        assert [figure.source for figure in profile.figures] == [figure.source for figure in kept[name].figures]


def test_figures_name_their_source_and_scope() -> None:
    with (ROOT / "benchmarks" / "published_fps.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["scope"] for row in rows if row["use"] == "fit"} == {"network", "loop"}
    assert {row["template"] for row in rows} == {"once", "every frame"}
    assert all(row["source"] and row["timer"] and float(row["fps"]) > 0 for row in rows)
