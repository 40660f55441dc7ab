"""Every runtime of this host: its frames, its profile, its name, and what it refuses."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from click.testing import CliRunner

from compress.cli.latency import command as latency
from compress.cli.profile import measure as profile
from compress.core import BypassSpec, CompressError, ExitSpec, TrackerSpec, UsageError, worst_path
from compress.latency import MeasuredLatency, load_profile, predict
from compress.measure import Coverage, host_profile, kept_profiles, measure_many, profile_path, resolve_target
from compress.measure.backends import BACKENDS, Backend, host_backend, host_backends, local_target, split_target
from compress.testing.backend_suite import BackendSuite, quick_profile

_HERE = host_backends()
_PRESENT = [name for name, backend in _HERE.items() if not backend.missing()]
_ELSEWHERE = {name: backend for name, backend in BACKENDS.items() if not backend.places}
_OTHERS = [name for name in _PRESENT if "compiled" not in name and name != "cpu"]


@pytest.fixture
def adaptive(tiny: TrackerSpec) -> TrackerSpec:
    return replace(tiny, bypass=BypassSpec(n_enf=1), exits=(ExitSpec(2), ExitSpec(4)))


class TestEveryBackend(BackendSuite):
    @pytest.fixture(params=[*_HERE, *_ELSEWHERE])
    def backend(self, request: pytest.FixtureRequest) -> Backend:
        return {**_HERE, **_ELSEWHERE}[request.param]


@pytest.mark.parametrize("target", _PRESENT)
def test_whole_trackers_are_timed_under_their_runtime(tiny: TrackerSpec, target: str) -> None:
    before = torch.get_num_threads()
    found = measure_many({"tiny": tiny}, target=target, threads=1, runs=5)["tiny"]
    assert torch.get_num_threads() == before
    assert found.mean_ms > 0
    assert found.provenance == "measured"
    assert found.runtime.startswith(host_backend(target).version)
    assert ("int8" in found.runtime) == ("int8" in target)


def test_each_tracker_is_timed_in_its_own_precision(tiny: TrackerSpec) -> None:
    """In one run, under the runtime of the target."""
    low = replace(tiny, precision="int8")
    found = measure_many({"fp32": tiny, "int8": low}, runs=5)
    assert found["int8"].runtime == f"{found['fp32'].runtime} int8"
    again = measure_many({"either": low}, target="cpu:onnxruntime-int8", runs=5)
    assert again["either"].runtime == found["int8"].runtime
    for target, spec in (("cpu:pytorch", low), ("cpu", replace(tiny, precision="fp16"))):
        with pytest.raises(UsageError, match=f"A tracker in {spec.precision} cannot be timed on {target}, which runs"):
            resolve_target(target).measure({"low": spec})
        with pytest.raises(UsageError, match=f"A tracker in {spec.precision} cannot be timed on {target}, which runs"):
            resolve_target(target).latency_model(spec)


@pytest.mark.usefixtures("small_budget")
@pytest.mark.parametrize(
    "target", [pytest.param(each, marks=pytest.mark.slow) if "int8" in each else each for each in _OTHERS]
)
def test_each_has_a_profile_of_its_own(tiny: TrackerSpec, adaptive: TrackerSpec, target: str) -> None:
    aim = resolve_target(target)
    decides = "int8" not in target  # its stages are run by the suite above; each takes a while to be quantised
    coverage = replace(Coverage.of(tiny, [adaptive] if decides else []), attn_dims=(), mlp_dims=())
    if not decides:
        coverage = replace(coverage, attentions=("joint",))  # and so does each of its static graphs
    found = quick_profile(tiny, target, coverage)
    assert (found.target, found.precision) == (aim.name, aim.precision)
    assert (found.routing_overhead is not None) == decides
    path = profile_path(tiny, 1, target)
    assert [kept for kept, _ in kept_profiles()] == [path]
    assert path.name.startswith(target.replace(":", "-"))
    assert predict(found, tiny).runtime.startswith(aim.runtime)
    if decides:
        assert predict(found, adaptive, {worst_path(adaptive): 1}).mean_ms > 0
    assert aim.latency_model(tiny) == MeasuredLatency(load_profile(path))  # kept, not measured again


def test_compiled_networks_decide_nothing(tiny: TrackerSpec, adaptive: TrackerSpec) -> None:
    target = "cpu:pytorch-compiled"
    with pytest.raises(UsageError, match="cannot ask what comes next"):
        host_profile(tiny, target=target, coverage=Coverage.of(tiny, [adaptive]))
    with pytest.raises(UsageError, match="not timed under compiled"):
        measure_many({"a": adaptive}, paths={"a": {worst_path(adaptive): 1}}, target=target)


def test_students_are_scored_in_int8_where_the_target_runs_so() -> None:
    assert resolve_target("cpu:onnxruntime-int8").scored_precision == "int8"
    assert resolve_target("cpu:pytorch").scored_precision == "fp32"
    other = replace(resolve_target("cpu:onnxruntime-int8"), runtime="TensorRT 10")
    with pytest.raises(UsageError, match="TensorRT 10 answers otherwise"):
        _ = other.scored_precision


def test_longer_names() -> None:
    assert local_target("cpu:pytorch-fp32") == "cpu:pytorch"
    assert local_target("cpu:pytorch-compiled-fp32") == "cpu:pytorch-compiled"
    assert local_target("gpu:onnxruntime-fp32") == "gpu"
    assert local_target("cpu:onnxruntime") == local_target("cpu:onnxruntime-fp32") == "cpu"
    assert local_target("agx") is None
    assert split_target("agx:tensorrt") == ("agx", "tensorrt-fp16")
    assert split_target("agx:onnxruntime-fp32") == split_target("agx") == ("agx", "onnxruntime")
    with pytest.raises(UsageError, match="Unknown runtime 'pytroch'. Did you mean pytorch"):
        split_target("cpu:pytroch")
    assert resolve_target("cpu:pytorch-fp32") == resolve_target("cpu:pytorch")


@pytest.mark.parametrize(("target", "words"), [("gpu", "onnxruntime-gpu"), ("gpu:pytorch", "finds no GPU here")])
def test_what_is_missing_is_told(target: str, words: str) -> None:
    if not host_backend(target).missing():
        pytest.skip("there is a GPU")
    for command, tracker in ((latency, ["ostrack-nano"]), (profile, [])):
        done = CliRunner().invoke(command, [*tracker, "--target", target])
        assert isinstance(done.exception, UsageError)
        assert words in str(done.exception)
        assert "compress doctor" in str(done.exception)


def test_a_provider_that_does_not_start_is_not_replaced(tiny: TrackerSpec) -> None:
    """onnxruntime would run on the CPU instead, and say so in a warning only."""
    if not host_backend("gpu").missing():
        pytest.skip("there is a GPU")
    with pytest.raises(CompressError, match="CUDAExecutionProvider"):
        host_backend("gpu").frame(tiny, threads=1)


def test_the_command_times_another_runtime() -> None:
    words = ["ostrack-nano", "--target", "cpu:pytorch", "--measure", "--runs", "10", "--quiet"]
    done = CliRunner().invoke(latency, words)
    assert done.exit_code == 0, done.output
    assert "PyTorch" in done.output
