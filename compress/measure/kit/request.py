"""What a kit is to measure, and the graphs that takes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from compress.core import ExecutionPath, TrackerSpec
from compress.core.progress import Progress
from compress.core.stages import stages
from compress.export import bundle_graphs, frame_graph
from compress.geometry import LoopSettings
from compress.measure.backends import KitRecipe
from compress.measure.backends.backend import network_of
from compress.measure.calibration.routing_overhead import RoutingOverheadPlan
from compress.measure.coverage import Coverage
from compress.measure.kit.plan import KitCall
from compress.measure.profiling import ROUNDS
from compress.measure.remote_profiles import Device
from compress.measure.stacks.timing_plan import TimingPlan
from compress.measure.timed_trackers import Call
from compress.runtime.signatures import TEMPLATE, head_file, stage_file


@dataclass(frozen=True)
class Request:
    """What a kit is to measure.

    Attributes:
        coverage: As in `host_profile`.
        rounds: Visits to each network.
        provider: Of onnxruntime; `auto` takes CUDA where the device has it and the precision allows.
    """

    device: Device
    teacher: TrackerSpec
    coverage: Coverage
    threads: int = 1
    rounds: int = ROUNDS
    provider: str = "auto"

    @property
    def calls(self) -> list[list[Call]]:
        """What is timed together, and last what routing costs where trackers are adaptive."""
        batches: list[list[Call]] = [
            [(spec, None) for spec in batch] for batch in TimingPlan.of(self.teacher, self.coverage).batches
        ]
        if not self.coverage.decides:
            return batches
        return [*batches, RoutingOverheadPlan.of(self.teacher, self.coverage).calls]

    @property
    def batches(self) -> list[list[KitCall]]:
        """`calls` as a kit names them."""
        return [[_named(*call) for call in batch] for batch in self.calls]

    @property
    def specs(self) -> list[TrackerSpec]:
        """Every tracker that is timed, once."""
        return list(dict.fromkeys(spec for batch in self.calls for spec, _ in batch))


def graphs_of(request: Request, recipe: KitRecipe, progress: Progress) -> Iterator[tuple[str, bytes]]:
    """Every graph that a tracker needs, by name, as the kit holds it."""
    specs = request.specs
    for i, spec in enumerate(specs):
        progress("exporting networks", i / len(specs))
        if not spec.adaptive:
            yield spec.id, recipe.graph(frame_graph(network_of(spec)))
            continue
        for file, graph in bundle_graphs(network_of(spec), "stages").items():
            if file != TEMPLATE:
                yield _graph_name(spec, file), recipe.graph(graph)


def tracker_entry(spec: TrackerSpec, teacher: TrackerSpec) -> dict[str, Any]:
    """Names of a tracker's graphs, with what `Staged` has to know of each, in plain JSON types.

    A tracker of other crops than the teacher's has a `loop` of its own.
    """
    loop = {} if loop_entry(spec) == loop_entry(teacher) else {"loop": loop_entry(spec)}
    if not spec.adaptive:
        return {"graph": spec.id, **loop}
    exits: list[int | None] = [*range(len(spec.exits))] if spec.exits else [None]
    return {
        "stages": [[asdict(stage), _graph_name(spec, stage_file(stage))] for stage in stages(spec)],
        "heads": [[exit, _graph_name(spec, head_file(exit))] for exit in exits],
        **loop,
    }


def loop_entry(spec: TrackerSpec) -> dict[str, Any]:
    """The frame loop of a tracker: its settings, and the shapes of the maps that it decodes."""
    maps = {name: list(shape) for name, shape in spec.maps.items()}
    return {"settings": asdict(LoopSettings.of(spec)), "maps": maps}


def _named(spec: TrackerSpec, path: ExecutionPath | None) -> KitCall:
    return KitCall(spec.id) if path is None else KitCall(spec.id, sorted(path.skipped or ()), path.exit)


def _graph_name(spec: TrackerSpec, file: str) -> str:
    return f"{spec.id}-{Path(file).stem}"
