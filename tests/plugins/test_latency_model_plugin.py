"""A latency model from outside the package: one file, one registration, and plans are made on it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest
from click.testing import CliRunner

import compress
from compress.archive import read_archive
from compress.cli.latency import command as latency
from compress.cli.search import command as search
from compress.cli.targets import command as targets
from compress.core import ExecutionPath, Latency, TrackerSpec, UsageError, cheapest_path, describe, worst_path
from compress.core.cost import macs
from compress.latency import LatencyErrors, LatencyModel
from compress.measure import TARGETS, FixedTargets, SharedModel, Target, resolve_target, target_names
from compress.testing.latency_model_suite import LatencyModelSuite


@dataclass(frozen=True)
class CountedMacs:
    """A chip that spends its time on multiply-accumulates alone, at a rate of `gmacs` a second; a frame costs 1 ms."""

    gmacs: float

    provenance: Literal["estimated"] = "estimated"
    limits: str = "Memory is free on it."
    basis: str = "multiply-accumulates"
    known_figures: tuple[str, ...] = ("mean", "worst")
    errors: LatencyErrors | None = None

    def covers(self, spec: TrackerSpec) -> bool:
        return macs(spec).full < 1e11

    def predict(self, spec: TrackerSpec, paths: Mapping[ExecutionPath, int] | None = None) -> Latency:
        worst = self._ms(spec, worst_path(spec))
        mean = worst
        if paths:
            mean = sum(self._ms(spec, path) * count for path, count in paths.items()) / sum(paths.values())
        elif spec.adaptive:
            cheapest = cheapest_path(spec)
            skipped, whole = (self._ms(spec, ExecutionPath(s, cheapest.exit)) for s in (cheapest.skipped, frozenset()))
            tau0 = spec.bypass.tau0 if spec.bypass else 0.0
            mean = tau0 * skipped + (1 - tau0) * whole
        figures = dict.fromkeys(("mean_ms", "p50_ms", "p90_ms", "p99_ms"), mean)
        about = {"provenance": "estimated", "runs": 0, "warmup": 0, "threads": 0, "runtime": "chip", "device": "A chip"}
        return Latency(**figures, **about, network_ms=mean - 1, worst_ms=worst if spec.adaptive else None)  # type: ignore[arg-type]

    def _ms(self, spec: TrackerSpec, path: ExecutionPath) -> float:
        return 1 + macs(spec, skipped=path.skipped or (), exit=path.exit).per_frame / 1e6 / self.gmacs


CHIP = Target("chip", "chip", "fp32", "A chip", SharedModel(CountedMacs(gmacs=1000.0)), aliases=("chip:fp32",))


@pytest.fixture
def chip() -> Iterator[Target]:
    TARGETS.register("chips", FixedTargets((CHIP,)))
    yield CHIP
    TARGETS.remove("chips")


class TestCountedMacs(LatencyModelSuite):
    @pytest.fixture
    def model(self) -> LatencyModel:
        return CountedMacs(gmacs=1000.0)

    @pytest.fixture
    def teacher(self) -> TrackerSpec:
        return describe("ostrack256")


def test_is_a_target_like_others(chip: Target) -> None:
    assert "chip" in target_names()
    assert resolve_target("chip:fp32") == chip
    with pytest.raises(UsageError, match="cannot be bound on chip"):
        chip.check_bound("p99")
    with pytest.raises(UsageError, match="Nothing can be timed on chip"):
        chip.measure({})
    with pytest.raises(UsageError, match="already registered"):
        TARGETS.register("chips", FixedTargets(()))


def test_a_plan_is_made_on_it(chip: Target, tmp_path: Path) -> None:
    run = compress.search(teacher="ostrack256", target="chip", fps=100, space="hit", out=tmp_path / "run")
    assert run.plan is not None
    assert run.plan.limits == "Memory is free on it."
    front = run.front("prior")
    assert front
    for record in front:
        assert record.latency is not None
        assert record.latency.device == "A chip"
        assert record.latency.mean_ms == CountedMacs(1000.0).predict(record.spec).mean_ms <= 10.0
    assert read_archive(tmp_path / "run").constraint.max_ms == pytest.approx(10.0)
    page = (tmp_path / "run" / "report" / "index.html").read_text()
    assert "Latency is estimated for A chip, chip, from multiply-accumulates:" in page
    assert "How far it is off is not known. Memory is free on it." in page


def test_commands_know_it(chip: Target, tmp_path: Path) -> None:
    """The same line that plans on a shipped target, and those that say what a target is and predicts."""
    words = ["--teacher", "ostrack256", "--target", "chip", "--fps", "100", "--space", "hit"]
    shown = CliRunner().invoke(search, [*words, "--out", str(tmp_path / "run"), "--json"], catch_exceptions=False)
    assert json.loads(shown.stdout)["summary"].startswith("Plan: nothing was trained or timed")
    found = CliRunner().invoke(latency, ["ostrack256", "--target", "chip", "--json"], catch_exceptions=False)
    assert json.loads(found.stdout)["mean_ms"] == CountedMacs(1000.0).predict(describe("ostrack256")).mean_ms
    listed = CliRunner().invoke(targets, [], catch_exceptions=False).stdout
    assert "chip  A chip" in listed
    assert "estimated from multiply-accumulates, never measured; error on trackers left out not known" in listed
