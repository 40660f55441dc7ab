"""A runtime from outside the package: one file, one registration, and trackers are timed and predicted under it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from numpy.typing import NDArray

from compress.cli.doctor import command as doctor
from compress.cli.latency import command as latency
from compress.cli.profile import command as profile
from compress.cli.specs import read_spec
from compress.core import ExecutionPath, HeadSpec, LayerSpec, TrackerSpec, UsageError
from compress.measure import host, kept_profiles, profile_path, resolve_target, target_names
from compress.measure.backends import BACKENDS, Backend
from compress.models import NumpyNetwork, Tracker, build
from compress.testing.backend_suite import BackendSuite, quick_profile


@dataclass(frozen=True)
class Autocast:
    """PyTorch with its matrix products in bfloat16, on the CPU."""

    runtime: str = "autocast"
    precision: str = "bf16"
    places: tuple[str, ...] = ("cpu",)
    adaptive: bool = True
    kit: None = None

    @property
    def version(self) -> str:
        return f"PyTorch {torch.__version__} autocast"

    @property
    def device(self) -> str:
        return str(host())

    def at(self, place: str) -> Autocast:
        return self

    def missing(self) -> str:
        return ""

    @contextmanager
    def using(self, threads: int) -> Iterator[None]:
        before = torch.get_num_threads()
        torch.set_num_threads(threads)
        try:
            yield
        finally:
            torch.set_num_threads(before)

    def frame(self, tracker: Tracker | TrackerSpec, *, threads: int) -> AutocastFrames:
        return AutocastFrames(tracker)

    def staged(self, tracker: Tracker | TrackerSpec, *, threads: int) -> AutocastFrames:
        return AutocastFrames(tracker)


class AutocastFrames:
    """Frames of a network against a blank template, along a path where there is one to choose."""

    def __init__(self, tracker: Tracker | TrackerSpec) -> None:
        model = tracker if isinstance(tracker, Tracker) else build(tracker).eval()
        self._network = NumpyNetwork(model)
        self._memory = self._network.encode_template(np.zeros((1, 3, *[model.spec.template_size] * 2), np.float32))

    def track(self, search: NDArray[np.float32], path: ExecutionPath | None = None) -> ExecutionPath | None:
        network = self._network if path is None else self._network.along(path)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            return network.track(search, self._memory).path


@pytest.fixture
def autocast() -> Iterator[str]:
    BACKENDS.register("autocast", Autocast())
    yield "cpu:autocast"
    BACKENDS.remove("autocast")


@pytest.fixture
def tiny(tmp_path: Path) -> str:
    layers = tuple(LayerSpec(source=i, mlp_hidden=256) for i in range(3))
    spec = TrackerSpec(dim=64, heads=2, layers=layers, template_size=32, search_size=64, head=HeadSpec(channels=16))
    path = tmp_path / "tiny.json"
    path.write_text(spec.to_json())
    return str(path)


class TestAutocast(BackendSuite):
    @pytest.fixture
    def backend(self) -> Backend:
        return Autocast()


def test_it_is_a_target_like_others(autocast: str) -> None:
    assert autocast in target_names()
    target = resolve_target("cpu:autocast-bf16")
    assert (target.name, target.precision, target.runtime) == (autocast, "bf16", Autocast().version)
    assert autocast in CliRunner().invoke(doctor, catch_exceptions=False).stdout
    with pytest.raises(UsageError, match="already registered"):
        BACKENDS.register("autocast", Autocast())
    with pytest.raises(UsageError, match="Unknown target 'gpu:autocast'"):
        resolve_target("gpu:autocast")


def test_it_is_not_there_where_nobody_registers_it() -> None:
    with pytest.raises(UsageError, match="Unknown target 'cpu:autocast'"):
        resolve_target("cpu:autocast")


def test_commands_time_it(autocast: str, tiny: str) -> None:
    words = [tiny, "--target", autocast, "--measure", "--runs", "10", "--quiet", "--json"]
    found = json.loads(CliRunner().invoke(latency, words, catch_exceptions=False).stdout)
    assert (found["provenance"], found["runtime"]) == ("measured", f"{Autocast().version} bf16")
    assert found["mean_ms"] > found["network_ms"] > 0


def test_a_profile_is_measured_and_predicts(autocast: str, tiny: str) -> None:
    spec = read_spec(tiny)
    profile = quick_profile(spec, autocast)
    assert (profile.target, profile.precision, profile.provenance) == (autocast, "bf16", "measured")
    path = profile_path(spec, 1, autocast)
    assert path.name.startswith("cpu-autocast-")
    assert path in [kept for kept, _ in kept_profiles()]
    shown = CliRunner().invoke(latency, [tiny, "--target", autocast, "--json", "--quiet"], catch_exceptions=False)
    found = json.loads(shown.stdout)
    assert found["runtime"] == f"{Autocast().version} bf16"
    assert found["mean_ms"] > 0


def test_no_kit_measures_it(autocast: str, tmp_path: Path) -> None:
    words = ["kit", "--target", "board:autocast", "--out", str(tmp_path / "kit")]
    error = CliRunner().invoke(profile, words).exception
    assert isinstance(error, UsageError)
    assert "there are kits for onnxruntime, onnxruntime-int8, tensorrt-fp16" in str(error)
