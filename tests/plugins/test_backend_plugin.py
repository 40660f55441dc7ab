"""A runtime from outside the package: one file, one registration, and trackers are timed and predicted under it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from numpy.typing import NDArray

from compress.cli.doctor import command as doctor
from compress.cli.latency import command as latency
from compress.cli.profile import command as profile
from compress.cli.specs import read_spec
from compress.core import HeadSpec, LayerSpec, TrackerSpec, UsageError
from compress.measure import host, kept_profiles, profile_path, resolve_target, target_names
from compress.measure.backends import BACKENDS, Backend
from compress.models import Tracker, build
from compress.testing.backend_suite import BackendSuite, quick_profile


@dataclass(frozen=True)
class DoublePrecision:
    """PyTorch in double precision, on the CPU, for trackers without bypass and exits."""

    runtime: str = "double"
    precision: str = "fp64"
    places: tuple[str, ...] = ("cpu",)
    adaptive: bool = False
    kit: None = None

    @property
    def version(self) -> str:
        return f"PyTorch {torch.__version__}"

    @property
    def device(self) -> str:
        return str(host())

    def at(self, place: str) -> DoublePrecision:
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

    def frame(self, tracker: Tracker | TrackerSpec, *, threads: int) -> DoubleFrame:
        return DoubleFrame(tracker)

    def staged(self, tracker: Tracker | TrackerSpec, *, threads: int) -> NoReturn:
        raise UsageError("Trackers with bypass or exits do not run in double precision.")


class DoubleFrame:
    """Frames of a network against a blank template."""

    @torch.inference_mode()
    def __init__(self, tracker: Tracker | TrackerSpec) -> None:
        model = deepcopy(tracker) if isinstance(tracker, Tracker) else build(tracker)
        self._model = model.eval().double()
        size = model.spec.template_size
        self._memory = self._model.encode_template(torch.zeros(1, 3, size, size, dtype=torch.float64))

    @torch.inference_mode()
    def track(self, search: NDArray[np.float32]) -> None:
        self._model.track(torch.from_numpy(search).double(), self._memory)


@pytest.fixture
def double() -> Iterator[str]:
    BACKENDS.register("double", DoublePrecision())
    yield "cpu:double"
    BACKENDS.remove("double")


@pytest.fixture
def tiny(tmp_path: Path) -> str:
    layers = tuple(LayerSpec(source=i, mlp_hidden=256) for i in range(3))
    spec = TrackerSpec(dim=64, heads=2, layers=layers, template_size=32, search_size=64, head=HeadSpec(channels=16))
    path = tmp_path / "tiny.json"
    path.write_text(spec.to_json())
    return str(path)


class TestDoublePrecision(BackendSuite):
    @pytest.fixture
    def backend(self) -> Backend:
        return DoublePrecision()


def test_it_is_a_target_like_others(double: str) -> None:
    assert double in target_names()
    target = resolve_target("cpu:double-fp64")
    assert (target.name, target.precision, target.runtime) == (double, "fp64", DoublePrecision().version)
    assert double in CliRunner().invoke(doctor, catch_exceptions=False).stdout
    with pytest.raises(UsageError, match="already registered"):
        BACKENDS.register("double", DoublePrecision())
    with pytest.raises(UsageError, match="Unknown target 'gpu:double'"):
        resolve_target("gpu:double")


def test_it_is_not_there_where_nobody_registers_it() -> None:
    with pytest.raises(UsageError, match="Unknown target 'cpu:double'"):
        resolve_target("cpu:double")


def test_commands_time_it(double: str, tiny: str) -> None:
    words = [tiny, "--target", double, "--measure", "--runs", "10", "--quiet", "--json"]
    found = json.loads(CliRunner().invoke(latency, words, catch_exceptions=False).stdout)
    assert (found["provenance"], found["runtime"]) == ("measured", f"{DoublePrecision().version} fp64")
    assert found["mean_ms"] > 0


def test_a_profile_is_measured_and_predicts(double: str, tiny: str) -> None:
    spec = read_spec(tiny)
    profile = quick_profile(spec, double)
    assert (profile.target, profile.precision, profile.provenance) == (double, "fp64", "measured")
    path = profile_path(spec, 1, double)
    assert path.name.startswith("cpu-double-")
    assert path in [kept for kept, _ in kept_profiles()]
    shown = CliRunner().invoke(latency, [tiny, "--target", double, "--json", "--quiet"], catch_exceptions=False)
    found = json.loads(shown.stdout)
    assert found["runtime"] == f"{DoublePrecision().version} fp64"
    assert found["mean_ms"] > 0


def test_no_kit_measures_it(double: str, tmp_path: Path) -> None:
    words = ["kit", "--target", "board:double", "--out", str(tmp_path / "kit")]
    error = CliRunner().invoke(profile, words).exception
    assert isinstance(error, UsageError)
    assert "there are kits for onnxruntime, onnxruntime-int8, tensorrt-fp16" in str(error)
