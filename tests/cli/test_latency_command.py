"""`compress latency` and `compress targets`, end to end on a small tracker."""

import dataclasses
import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from compress.cli.latency import command as latency
from compress.cli.targets import command as targets
from compress.core import BypassSpec, CompressError, HeadSpec, LayerSpec, TrackerSpec
from compress.latency import (
    BlockCost,
    Family,
    Overhead,
    Profile,
    Ratios,
    RoutingOverhead,
    ValidationResult,
    save_profile,
)
from compress.measure import Coverage, host, profile_path, runtime_name
from compress.testing.synthetic_run import RECORDS, with_exits, write_synthetic_run

KEYS = {"mean_ms", "p50_ms", "p90_ms", "p99_ms", "provenance", "network_ms", "fps", "threads", "runtime", "device"}


SPEC = TrackerSpec(
    dim=64,
    heads=4,
    layers=tuple(LayerSpec(source=i, mlp_hidden=256) for i in range(3)),
    template_size=32,
    search_size=64,
    head=HeadSpec(channels=16),
)


@pytest.fixture
def spec_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("COMPRESS_HOME", str(tmp_path / "home"))
    path = tmp_path / "spec.json"
    path.write_text(SPEC.to_json())
    return str(path)


def _profile() -> Profile:
    """Reaches as far as the default corners of `SPEC`; the full joint layer costs 2 ms, everything else 1 ms."""
    points = [(None, h, m) for h in (32, 256) for m in (None, 32, 60)] + [(32, 256, None), (60, 256, None)]
    blocks = [
        BlockCost(kind, h, 2.0 if (kind, a, h, m) == ("joint", None, 256, None) else 1.0, a, m)
        for kind in ("joint", "FE", "AI")
        for a, h, m in points
    ]
    return Profile(
        target="cpu",
        device=str(host()),
        runtime=runtime_name(),
        threads=1,
        family=Family.of(SPEC),
        overhead=(Overhead("joint", 3.0), Overhead("split", 3.0)),
        blocks=tuple(blocks),
        loop_ms=1.0,
        ratios=Ratios(mean=1.1, p50=1.0, p90=1.5, p99=2.0),
        runs=60,
        warmup=36,
        validation=(ValidationResult("deep", 1.02, 1.0),),
    )


def test_predicted_from_the_kept_profile(spec_file: str) -> None:
    save_profile(_profile(), profile_path(SPEC, 1))
    done = CliRunner().invoke(latency, [spec_file, "--json"], catch_exceptions=False)
    found = json.loads(done.stdout)
    assert found.keys() >= KEYS
    assert found["provenance"] == "predicted"
    assert found["mean_ms"] == pytest.approx(1.1 * (1 + 3 + 3 * 2))
    assert found["fps"] == pytest.approx(1000 / 11)
    assert done.stderr == ""  # nothing was measured
    cpu, *_ = json.loads(CliRunner().invoke(targets, ["--json"], catch_exceptions=False).stdout)
    (kept,) = cpu["profiles"]
    assert kept["dim"] == 64
    assert kept["max_error"] == found["profile_max_error"] == pytest.approx(0.02)
    assert "measured for width 64" in CliRunner().invoke(targets, [], catch_exceptions=False).stdout


def _adaptive(spec_file: str, **changes: object) -> TrackerSpec:
    """`SPEC` with a layer that is always computed and two that may be skipped, in the file."""
    spec = dataclasses.replace(SPEC, bypass=BypassSpec(n_enf=1, tau0=0.5), **changes)  # type: ignore[arg-type]
    Path(spec_file).write_text(spec.to_json())
    return spec


def test_paths_of_an_adaptive_tracker(spec_file: str) -> None:
    """Layers cost 2 ms, everything else 4 ms, deciding a millisecond a call: a stage for each layer, and the head."""
    _adaptive(spec_file)
    costs = RoutingOverhead(0.0, 1.0, 0.0, 0.0, validation=(ValidationResult("path", 1.1, 1.0),))
    save_profile(dataclasses.replace(_profile(), routing_overhead=costs), profile_path(SPEC, 1))
    done = CliRunner().invoke(latency, [spec_file, "--json"], catch_exceptions=False)
    found = json.loads(done.stdout)
    assert found["cheapest"]["mean_ms"] == pytest.approx(1.1 * (4 + 2 + 1))
    assert found["worst"]["mean_ms"] == found["worst_ms"] == pytest.approx(1.1 * (4 + 6 + 3))
    assert found["mean_ms"] == pytest.approx(1.1 * (7 + 13) / 2)
    assert "at best" in found["of"]
    assert found["profile_paths_mean_error"] == pytest.approx(0.1)
    shown = CliRunner().invoke(latency, [spec_file], catch_exceptions=False).stdout
    for words in ("at best: the share τ0", "cheapest   7.700 ms", "worst     14.300 ms", "left out: 10.0% mean"):
        assert words in shown


@pytest.mark.slow  # as `tests/measure/test_routing_overhead.py` does without the command
@pytest.mark.usefixtures("small_budget")
def test_what_routing_overhead_costs_is_measured_where_the_profile_lacks_it(spec_file: str) -> None:
    save_profile(_profile(), profile_path(SPEC, 1))
    _adaptive(spec_file)
    done = CliRunner().invoke(latency, [spec_file, "--json"], catch_exceptions=False)
    assert "measuring the routing overhead" in done.stderr
    found = json.loads(done.stdout)
    assert found["cheapest"]["mean_ms"] < found["mean_ms"] < found["worst_ms"]


def test_measured_paths(spec_file: str) -> None:
    layers = tuple(dataclasses.replace(SPEC.layers[0], source=i) for i in range(12))
    _adaptive(spec_file, layers=layers)
    arguments = [spec_file, "--measure", "--runs", "10", "--quiet"]
    found = json.loads(CliRunner().invoke(latency, [*arguments, "--json"], catch_exceptions=False).stdout)
    assert found["provenance"] == "measured"
    assert found["of"] == "on the worst path; no frames are known"
    assert found["cheapest"]["p50_ms"] < found["worst"]["p50_ms"] == found["p50_ms"]


def test_a_variant_is_weighed_over_its_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three of four frames leave after two layers; the others go through all six."""
    monkeypatch.setenv("COMPRESS_HOME", str(tmp_path / "home"))
    dynamic = with_exits()
    run = write_synthetic_run(tmp_path / "run", (RECORDS[0], dynamic))
    coverage, family = Coverage.of(dynamic.spec, [dynamic.spec]), Family.of(dynamic.spec)
    blocks = tuple(BlockCost(k, h, 2.0, a, m) for a, h, m in coverage.points for k in coverage.attentions)
    costs = RoutingOverhead(0.0, 0.0, 0.0, 0.0)
    profile = dataclasses.replace(_profile(), family=family, blocks=blocks, routing_overhead=costs)
    save_profile(profile, profile_path(dynamic.spec, 1))
    done = CliRunner().invoke(latency, [f"{run}:v010", "--json"], catch_exceptions=False)
    found = json.loads(done.stdout)
    assert found["mean_ms"] == pytest.approx(1.1 * (4 + 2 * 3))
    assert found["of"] == "over the paths of 40 frames: 3.0 of 6 layers on average"
    assert found["worst_ms"] == pytest.approx(1.1 * (4 + 2 * 6))


def test_measured(spec_file: str) -> None:
    arguments = [spec_file, "--measure", "--runs", "10", "--quiet"]
    found = json.loads(CliRunner().invoke(latency, [*arguments, "--json"], catch_exceptions=False).stdout)
    assert found["provenance"] == "measured"
    done = CliRunner().invoke(latency, arguments, catch_exceptions=False)
    assert "fps" in done.stdout
    assert done.stderr == ""


def test_no_profile_yet(spec_file: str) -> None:
    assert "no profile yet" in CliRunner().invoke(targets, [], catch_exceptions=False).stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["ostrack-nao"], "ostrack-nano"),
        (["ostrack-nano", "--target", "gpux"], "Did you mean gpu"),
        (["missing.json"], "no file"),
        (["nowhere:v001"], "nowhere"),
    ],
)
def test_bad_names(arguments: list[str], words: str) -> None:
    error = CliRunner().invoke(latency, arguments).exception
    assert isinstance(error, CompressError)
    assert words in str(error)
