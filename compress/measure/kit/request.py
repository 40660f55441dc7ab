"""What a kit is to measure, and the graphs that takes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from compress.core import ExecutionPath, TrackerSpec
from compress.core.progress import Progress
from compress.core.stages import stages_of
from compress.export import bundle_graphs, frame_graph, quantized
from compress.measure.calibration.routing_overhead import RoutingOverheadPlan
from compress.measure.coverage import Coverage
from compress.measure.prepare import Call
from compress.measure.profiling import ROUNDS
from compress.measure.remote_profiles import Device
from compress.measure.stacks.timing_plan import Plan
from compress.measure.timed_frame import network_of
from compress.runtime.signatures import TEMPLATE, head_file, stage_file

PROVIDERS = ("auto", "cpu", "cuda", "tensorrt")
"""Of onnxruntime; `auto` takes CUDA where the device has it."""


@dataclass(frozen=True)
class Request:
    """What a kit is to measure.

    Attributes:
        corners: As in `host_profile`.
        rounds: Visits to each network.
    """

    device: Device
    teacher: TrackerSpec
    coverage: Coverage
    threads: int = 1
    rounds: int = ROUNDS
    provider: str = "auto"

    @property
    def calls(self) -> list[list[Call]]:
        """What is timed together, and last what deciding costs where trackers decide."""
        batches: list[list[Call]] = [
            [(spec, None) for spec in batch] for batch in Plan.of(self.teacher, self.coverage).batches
        ]
        return (
            [*batches, RoutingOverheadPlan.of(self.teacher, self.coverage).calls] if self.coverage.decides else batches
        )

    @property
    def steps(self) -> list[list[list[str]]]:
        """Of each call the graphs that its frame runs, in order, by name."""
        return [[_steps(*call) for call in batch] for batch in self.calls]


def graphs_of(request: Request, progress: Progress) -> Iterator[tuple[str, bytes]]:
    """Every graph that a call needs, by name, once."""
    calls = [call for batch in request.calls for call in batch]
    specs = dict.fromkeys(spec for spec, _ in calls)
    prepare = quantized if request.device.precision == "int8" else bytes
    for i, spec in enumerate(specs):
        progress("exporting networks", i / len(specs))
        if not spec.adaptive:
            yield spec.id, prepare(frame_graph(network_of(spec)))
            continue
        used = {step for other, path in calls if other == spec for step in _steps(spec, path)}
        for file, graph in bundle_graphs(network_of(spec), "stages").items():
            if file != TEMPLATE and _stage_name(spec, file) in used:
                yield _stage_name(spec, file), prepare(graph)


def _steps(spec: TrackerSpec, path: ExecutionPath | None) -> list[str]:
    """Names of the graphs that a frame runs, in order."""
    if path is None:
        return [spec.id]
    files = [*map(stage_file, stages_of(spec, path)), head_file(path.exit if spec.exits else None)]
    return [_stage_name(spec, file) for file in files]


def _stage_name(spec: TrackerSpec, file: str) -> str:
    return f"{spec.id}-{Path(file).stem}"
