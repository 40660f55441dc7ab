import json
from dataclasses import replace

import pytest
from click.testing import CliRunner

from compress.cli.latency import command as latency
from compress.cli.targets import command as targets
from compress.core import BypassSpec, ExecutionPath, ExitSpec, UsageError, describe
from compress.latency.estimated import estimate_latency, estimated_names, load_estimated
from compress.measure import host, resolve_target, target_names
from compress.measure.backends import host_backends


def test_cpu_is_this_host() -> None:
    target = resolve_target("cpu")
    here = [name for name, backend in host_backends().items() if not backend.missing()]
    assert target_names() == [*here, *estimated_names()]
    assert {"cpu", "cpu:onnxruntime-int8", "cpu:pytorch"} <= set(here)
    assert target.device == str(host())
    assert target.provenance == "measured"
    assert target == resolve_target("cpu:onnxruntime-fp32")
    assert target.timer is not None
    assert target.shared_model is None


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("cpi", "Did you mean cpu"),
        ("agz", "Did you mean agx"),
        ("gpux", "Did you mean gpu"),
        ("agx:tensorrt-fp16", "Nobody has published"),
    ],
)
def test_other_names_are_refused_with_advice(name: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        resolve_target(name)


@pytest.mark.parametrize("name", estimated_names())
def test_estimated_targets_answer_to_their_longer_names(name: str) -> None:
    target = resolve_target(name)
    assert target.provenance == "estimated"
    assert all(resolve_target(alias) == target for alias in load_estimated(name).names)


def test_agx_is_the_xavier_under_onnxruntime() -> None:
    target = resolve_target("agx")
    assert (target.device, target.runtime, target.precision) == ("Jetson AGX Xavier", "onnxruntime", "fp32")
    found = target.latency_model(describe("litetrack-b4")).predict(describe("litetrack-b4"))
    assert found.provenance == "estimated"
    assert found.runs == 0
    assert found == estimate_latency(load_estimated("agx"), describe("litetrack-b4"))


def test_adaptive_trackers_are_estimated_over_the_paths_given() -> None:
    profile, base = load_estimated("agx"), describe("ostrack256")
    model = resolve_target("agx").latency_model(base)
    spec = replace(base, exits=(ExitSpec(6), ExitSpec(12)), bypass=BypassSpec(n_enf=2, tau0=0.5))
    early, late = ExecutionPath(frozenset({4}), 0), ExecutionPath(frozenset(), 1)
    one = estimate_latency(profile, spec, skipped={4}, exit=0).mean_ms
    all_layers = estimate_latency(profile, spec).mean_ms
    found = model.predict(spec, {early: 3, late: 1})
    assert found.mean_ms == pytest.approx(0.75 * one + 0.25 * all_layers)
    assert found.worst_ms == pytest.approx(all_layers)
    at_best = model.predict(spec)
    assert at_best.mean_ms < found.mean_ms
    assert at_best.worst_ms == found.worst_ms


def test_nothing_is_timed_on_what_is_not_here() -> None:
    target = resolve_target("orin-nx")
    for refused in (lambda: target.latency_model(describe("ostrack256"), refresh=True), lambda: target.measure({})):
        with pytest.raises(UsageError, match="compress profile measure --target orin-nx --host user@device"):
            refused()


@pytest.mark.parametrize("at", ["p50", "p90", "p99"])
def test_percentiles_of_means_cannot_be_bound(at: str) -> None:
    with pytest.raises(UsageError, match="are means"):
        resolve_target("agx").check_bound(at)
    resolve_target("cpu").check_bound(at)
    resolve_target("agx").check_bound("worst")


def test_targets_command_tells_what_is_estimated() -> None:
    rows = {row["name"]: row for row in json.loads(_shown(targets, "--json"))}
    assert rows["cpu"]["provenance"] == "measured"
    assert rows["agx"]["provenance"] == "estimated"
    assert rows["agx"]["max_error"] == load_estimated("agx").max_error
    assert "agx:onnxruntime-fp32" in rows["agx"]["aliases"]
    text = _shown(targets)
    assert "agx  Jetson AGX Xavier" in text
    assert "estimated from 4 published speeds, never measured; error on trackers left out 4.6% mean, 10.4% max" in text


def test_latency_command_estimates_and_says_so() -> None:
    found = json.loads(_shown(latency, "ostrack256", "--target", "agx", "--json"))
    assert found["provenance"] == "estimated"
    assert found["extrapolates"] is True
    assert found["p99_ms"] is None
    assert found["mean_ms"] == estimate_latency(load_estimated("agx"), describe("ostrack256")).mean_ms
    other = estimate_latency(load_estimated("agx:pytorch"), describe("ostrack256"))
    assert found["beside"] == {"agx:pytorch": {"mean_ms": other.mean_ms, "provenance": "estimated"}}
    text = _shown(latency, "litetrack-b4", "--target", "agx")
    assert "estimated on Jetson AGX Xavier" in text
    assert "nothing timed" in text
    assert "extrapolated" not in text
    assert "p99" not in text
    assert "worst" in _shown(latency, "dytrack", "--target", "agx")


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--measure"], "compress profile kit"),
        (["--refresh"], "Nothing can be timed"),
        (["--threads", "2"], "nothing about threads"),
    ],
)
def test_latency_command_refuses_to_time_what_is_not_here(more: list[str], words: str) -> None:
    error = CliRunner().invoke(latency, ["litetrack-b4", "--target", "agx", *more]).exception
    assert isinstance(error, UsageError)
    assert words in str(error)


def _shown(command: object, *words: str) -> str:
    return CliRunner().invoke(command, list(words), catch_exceptions=False).stdout  # type: ignore[arg-type]
