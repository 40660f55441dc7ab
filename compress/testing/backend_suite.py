"""What every `Backend` has to keep, as a class of tests that an implementation inherits."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import islice

import numpy as np
import onnx
import pytest

from compress.core import (
    BypassSpec,
    ExecutionPath,
    ExitSpec,
    HeadSpec,
    LayerSpec,
    TrackerSpec,
    UsageError,
    cheapest_path,
    worst_path,
)
from compress.export import frame_graph
from compress.latency import Profile
from compress.measure import Coverage, host_profile
from compress.measure.backends import Backend, KitRecipe
from compress.measure.budget import budget_of
from compress.measure.stacks.table import validation_set
from compress.measure.timed_frame import TimedFrame
from compress.models import build


def measure_once(patch: pytest.MonkeyPatch) -> None:
    """Take times as they come, however busy the machine is."""
    for limit in ("NOISY", "LIMIT"):
        patch.setattr(f"compress.measure.timing.{limit}", float("inf"))
    patch.setattr("compress.measure.profiling.AGAIN_WITHIN_S", 0.0)


def quick_profile(teacher: TrackerSpec, target: str, coverage: Coverage | None = None) -> Profile:
    """A profile of this host from few layers, runs and whole trackers, good for nothing but to see that it works."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("compress.measure.budget._LARGE_DIM", teacher.dim)
        patch.setattr("compress.measure.stacks.timing_plan.validation_set", _few)
        measure_once(patch)
        return host_profile(teacher, target=target, coverage=coverage, rounds=2)


def _few(teacher: TrackerSpec, coverage: Coverage) -> dict[str, TrackerSpec]:
    return dict(islice(validation_set(teacher, coverage).items(), 4))


class BackendSuite:
    """Inherit it in a test module and give one fixture, the `backend`, placed where it is to run.

        class TestMine(BackendSuite):
            @pytest.fixture
            def backend(self) -> Backend:
                return Mine()

    What is missing on the machine, or runs on other devices only, is not run.
    """

    @pytest.fixture
    def spec(self) -> TrackerSpec:
        """A tracker of four layers that is run in no time."""
        layers = tuple(LayerSpec(source=i, mlp_hidden=96) for i in range(4))
        head = HeadSpec(channels=8)
        return TrackerSpec(dim=32, heads=2, layers=layers, template_size=32, search_size=64, head=head)

    @pytest.fixture
    def adaptive(self, spec: TrackerSpec) -> TrackerSpec:
        return replace(spec, bypass=BypassSpec(n_enf=1), exits=(ExitSpec(2), ExitSpec(4)))

    @pytest.fixture
    def runnable(self, backend: Backend) -> Backend:
        if not backend.places or backend.missing():
            pytest.skip(backend.missing() or "it runs on other devices only")
        return backend

    @pytest.fixture
    def recipe(self, backend: Backend) -> KitRecipe:
        if backend.kit is None:
            pytest.skip("no kit measures it")
        return backend.kit

    def test_says_what_it_is(self, backend: Backend) -> None:
        assert re.fullmatch(r"[a-z][a-z0-9-]*", backend.runtime)
        assert re.fullmatch(r"[a-z]+[0-9]+", backend.precision)
        assert set(backend.places) <= {"cpu", "gpu"}
        assert backend.places or backend.kit, "it is of no use"
        assert backend.version.isprintable()
        assert isinstance(backend.missing(), str)
        for place in backend.places:
            there = backend.at(place)
            assert (there.runtime, there.precision, there.version) == (
                backend.runtime,
                backend.precision,
                backend.version,
            )

    def test_device_is_named(self, runnable: Backend) -> None:
        assert runnable.device.isprintable()
        assert runnable.device == runnable.at(runnable.places[0]).device or len(runnable.places) > 1

    def test_frames_of_static_trackers(self, runnable: Backend, spec: TrackerSpec) -> None:
        """The whole loop around a network, which stays as it is."""
        network = build(spec).eval()
        before = {name: value.clone() for name, value in network.state_dict().items()}
        with runnable.using(1):
            frame = TimedFrame.of(spec, runnable.frame(network, threads=1))
            for _ in range(3):
                frame()
        after = network.state_dict()
        assert before.keys() == after.keys()
        assert all(value.equal(after[name]) for name, value in before.items())

    def test_frames_of_adaptive_trackers_take_the_path_given(self, runnable: Backend, adaptive: TrackerSpec) -> None:
        if not runnable.adaptive:
            with pytest.raises(UsageError):
                runnable.staged(adaptive, threads=1)
            return
        crop = np.zeros((1, 3, adaptive.search_size, adaptive.search_size), np.float32)
        middle = ExecutionPath(frozenset({1, 3}), 1)
        with runnable.using(1):
            frames = runnable.staged(adaptive, threads=1)
            for path in (worst_path(adaptive), cheapest_path(adaptive), middle, worst_path(adaptive)):
                assert frames.track(crop, path) == path
            with pytest.raises(UsageError):
                frames.track(crop, ExecutionPath(frozenset({0}), 1))

    def test_threads_are_given_back(self, runnable: Backend, spec: TrackerSpec) -> None:
        import torch

        before = torch.get_num_threads()
        with pytest.raises(KeyError), runnable.using(before + 1):
            raise KeyError
        assert torch.get_num_threads() == before

    def test_kits_hold_graphs_and_scripts(self, recipe: KitRecipe, spec: TrackerSpec) -> None:
        graph = onnx.load_model_from_string(recipe.graph(frame_graph(build(spec).eval())))
        assert {value.name for value in graph.graph.input} >= {"search"}
        assert recipe.run.split()[-1] in recipe.scripts()
        assert recipe.providers
        assert recipe.needs.strip()
        assert recipe.format.startswith("compress-results")
        recipe.check(adaptive=False, threads=1)

    def test_kits_are_measured_on_a_schedule(self, recipe: KitRecipe, spec: TrackerSpec) -> None:
        found = recipe.schedule(budget_of(spec), 12)
        assert found.keys() == {"rounds", "dropped", "timed", "attempts", "seed"}
        assert found["rounds"] == 12
        assert min(found["dropped"], found["timed"], found["attempts"]) >= 1
