"""What was measured on a device stands in the place of its estimate, for the family it was measured for."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import yaml
from click.testing import CliRunner

from compress.cli.latency import command as latency
from compress.cli.targets import command as targets
from compress.core import CompressWarning, FileError, TrackerSpec, UsageError, describe
from compress.latency import Family, MeasuredLatency, Profile, predict
from compress.measure import Coverage, resolve_target, target_names
from compress.measure.calibration.profile_fit import MeasuredOn, fit_profile
from compress.measure.remote_profiles import (
    Device,
    damaged_profiles,
    device_path,
    device_profile,
    device_profiles,
    keep_device_profile,
)
from compress.measure.stacks.timing_plan import TimingPlan

LOOP_MS = 0.5


def _measured(
    teacher: TrackerSpec, target: str, scale: float = 1.0, whole: Callable[[float], float] = lambda ms: ms
) -> Profile:
    """Fitted to times made from layers of equal cost; the validation set takes `whole` of what stacks predict."""
    plan = TimingPlan.of(teacher, Coverage.of(teacher))
    times = []
    for batch in plan.batches:
        ms = [scale * (1 + sum(0.1 + layer.mlp_hidden / 1000 for layer in spec.layers)) for spec in batch]
        times.append(np.array([*ms, LOOP_MS])[:, None, None] * np.ones((1, 12, 5)))
    validation = slice(-1 - len(plan.validation), -1)
    for call in times[-1][validation]:
        call[:] = whole(call[0, 0] - LOOP_MS) + LOOP_MS
    return fit_profile(plan, times, MeasuredOn(target, f"A board called {target}", "onnxruntime 1.0", 1))


def test_a_profile_of_made_up_times_tells_their_costs() -> None:
    nano = describe("ostrack-nano")
    profile = _measured(nano, "board")
    assert profile.max_error == pytest.approx(0, abs=1e-6)
    assert predict(profile, nano).mean_ms == pytest.approx(1 + 12 * (0.1 + nano.layers[0].mlp_hidden / 1000))


def test_what_whole_trackers_cost_beside_their_parts_is_found() -> None:
    nano = describe("ostrack-nano")
    profile = _measured(nano, "board", whole=lambda ms: 1.1 * ms + 0.07)
    assert profile.max_error == pytest.approx(0, abs=1e-6)
    network = 1 - LOOP_MS + 12 * (0.1 + nano.layers[0].mlp_hidden / 1000)
    assert predict(profile, nano).network_ms == pytest.approx(1.1 * network + 0.07)


def test_no_frame_costs_less_than_its_parts() -> None:
    """A cost of every frame below zero would make shallow trackers free."""
    profile = _measured(describe("ostrack-nano"), "board", whole=lambda ms: ms - 0.05)
    assert all(each.ms >= 1 - LOOP_MS - 0.05 for each in profile.overhead)


def test_components_that_do_not_add_up_are_a_wide_error_that_is_remarked_on() -> None:
    nano, doubled = describe("ostrack-nano"), iter((1, 2) * 6)
    assert _measured(nano, "board").remarks == ()
    profile = _measured(nano, "board", whole=lambda ms: ms * next(doubled))
    assert profile.mean_error is not None
    assert profile.mean_error > 0.2
    assert profile.remarks == (f"sums of components and whole trackers are {profile.mean_error:.0%} apart on average",)
    assert profile.remarks[0] in MeasuredLatency(profile).limits


def test_a_measured_device_is_a_target() -> None:
    nano = describe("ostrack-nano")
    with pytest.raises(UsageError, match="Unknown target 'board'"):
        resolve_target("board", nano)
    profile = _measured(nano, "board")
    keep_device_profile(Device.of("board"), profile)
    target = resolve_target("board", nano)
    assert (target.provenance, target.timer, target.device) == ("measured", None, "A board called board")
    assert target == resolve_target("board") == resolve_target("board:onnxruntime-fp32")
    assert "board" in target_names()
    assert target.latency_model(nano).predict(nano).mean_ms == pytest.approx(predict(profile, nano).mean_ms, rel=1e-4)
    target.check_bound("p99")


def test_a_measurement_replaces_the_estimate_of_its_family() -> None:
    nano, large = describe("ostrack-nano"), describe("ostrack256")
    keep_device_profile(Device.of("agx"), _measured(nano, "agx"))
    assert resolve_target("agx", nano).provenance == "measured"
    assert resolve_target("agx", large).provenance == "estimated"
    assert resolve_target("agx").provenance == "estimated"
    assert resolve_target("agx:pytorch", nano).provenance == "estimated"
    found = json.loads(_shown(latency, "ostrack-nano", "--target", "agx", "--json"))
    assert found["provenance"] == "predicted"
    assert found["device"] == "A board called agx"


def test_what_the_measurement_does_not_reach() -> None:
    nano = describe("ostrack-nano")
    keep_device_profile(Device.of("board"), _measured(nano, "board"))
    target = resolve_target("board", nano)
    wider = replace(nano, layers=tuple(replace(layer, mlp_hidden=2048) for layer in nano.layers))
    for call, words in (
        (lambda: target.latency_model(nano, threads=2), "not measured for this family of trackers with 2 threads"),
        (lambda: target.latency_model(describe("ostrack256")), "not measured for this family"),
        (lambda: target.latency_model(nano, coverage=Coverage.of(nano, [wider])), "does not cover all"),
        (lambda: target.latency_model(nano, refresh=True), "Nothing can be timed on board from here"),
        (lambda: target.measure({}), "Nothing can be timed on board from here"),
    ):
        with pytest.raises(UsageError, match=words):
            call()


def test_measured_devices_are_listed() -> None:
    keep_device_profile(Device.of("board:tensorrt"), _measured(describe("ostrack-nano"), "board:tensorrt-fp16"))
    keep_device_profile(Device.of("agx"), _measured(describe("ostrack-nano"), "agx"))
    rows = {row["name"]: row for row in json.loads(_shown(targets, "--json"))}
    assert rows["board:tensorrt-fp16"]["provenance"] == "measured"
    assert len(rows["board:tensorrt-fp16"]["profiles"]) == 1
    assert len(rows["agx"]["profiles"]) == 1
    assert rows["cpu"]["profiles"] == []
    assert "measured for width 128" in _shown(targets)


@pytest.mark.parametrize("name", ["board", "agx"])
@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"target: [",
        b"\xff\xfe\x00",
        b"[" * 100_000,
        b"a: &a [*a]",
        b"target: agx\nloop_ms: .nan\n",
        b"x" * 2_000_000,
    ],
    ids=["empty", "cut", "binary", "nested", "recursive", "wrong", "large"],
)
def test_a_damaged_profile_is_named_with_its_file(name: str, content: bytes) -> None:
    """Not an unknown target, nor the estimate that the device has as well."""
    nano = describe("ostrack-nano")
    path = keep_device_profile(Device.of(name), _measured(nano, name))
    path.write_bytes(content)
    assert device_profiles() == []
    assert list(damaged_profiles()) == [path]
    with pytest.raises(FileError, match=f"profile measured on {name} is damaged. .*{path.name}.*Measure the device"):
        resolve_target(name, nano)
    with pytest.warns(CompressWarning, match=path.name):
        _shown(targets, "--json")


def test_a_pipe_or_a_folder_among_profiles_is_damage_too() -> None:
    nano = describe("ostrack-nano")
    path = device_path(Device.of("board"), Family.of(nano), 1)
    path.parent.mkdir(parents=True)
    os.mkfifo(path)
    path.with_name("board-onnxruntime-fp32-folder.yaml").mkdir()
    assert len(damaged_profiles(Device.of("board"))) == 2
    assert damaged_profiles(Device.of("boar")) == {}
    with pytest.raises(FileError, match="no regular file"):
        resolve_target("board", nano)


@pytest.mark.parametrize("changes", [{"target": "other"}, {"threads": 2}, {"loop_ms": -1.0}])
def test_a_profile_in_another_ones_place_is_not_used(changes: dict[str, Any]) -> None:
    nano = describe("ostrack-nano")
    path = device_path(Device.of("board"), Family.of(nano), 1)
    keep_device_profile(Device.of("board"), _measured(nano, "board"))
    text = yaml.safe_load(path.read_text())
    path.write_text(yaml.safe_dump(text | changes))
    with pytest.raises(FileError, match=f"{path.name} is not"):
        device_profile("board", nano)


def _shown(command: object, *words: str) -> str:
    return CliRunner().invoke(command, list(words), catch_exceptions=False).stdout  # type: ignore[arg-type]
