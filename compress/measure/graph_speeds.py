"""The speed of one tracker's graphs in several precisions, in one shuffled run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from compress.core import TrackerSpec, worst_path
from compress.core.progress import Progress, no_progress
from compress.measure.timed_frame import TimedFrame
from compress.measure.timing import noise, settled_rounds
from compress.runtime import GraphNetwork, Thresholds
from compress.runtime.signatures import template_inputs


@dataclass(frozen=True)
class GraphSpeed:
    """Milliseconds of whole frames: median, 10th and 90th percentile.

    Attributes:
        noise: As in `Latency`, of the run.
    """

    p50_ms: float
    p10_ms: float
    p90_ms: float
    noise: float

    def __str__(self) -> str:
        """`3.35 ms (3.17 to 3.64)`."""
        return f"{self.p50_ms:.3g} ms ({self.p10_ms:.3g} to {self.p90_ms:.3g})"

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        return dict(vars(self))


def graph_speeds(
    spec: TrackerSpec,
    graphs: Mapping[str, Mapping[str, bytes]],
    *,
    threads: int = 1,
    rounds: int = 20,
    progress: Progress = no_progress,
) -> dict[str, GraphSpeed]:
    """Time whole frames of each set of graphs, by name; of an adaptive tracker all on its worst path.

    Args:
        graphs: Each by `compress.runtime.signatures.graph_files`.
    """
    frames = [
        TimedFrame.of(spec, _Prepared(spec, GraphNetwork(spec, each, threads=threads))) for each in graphs.values()
    ]
    times = settled_rounds(frames, rounds=rounds, progress=progress)
    found = np.percentile(times.reshape(len(frames), -1), (50, 10, 90), axis=1).T.tolist()
    return {name: GraphSpeed(p50, p10, p90, noise(times)) for name, (p50, p10, p90) in zip(graphs, found, strict=True)}


class _Prepared:
    """A network with a template at hand, on whose values no time depends."""

    def __init__(self, spec: TrackerSpec, network: GraphNetwork) -> None:
        self._network = network.at(Thresholds.forcing(spec, worst_path(spec))) if spec.adaptive else network
        rng = np.random.default_rng(0)
        crops = {name: rng.standard_normal(shape).astype(np.float32) for name, shape in template_inputs(spec).items()}
        self._memory = network.encode_template(
            crops["template"], crops.get("template_box"), crops.get("online_template")
        )

    def track(self, search: NDArray[np.float32]) -> object:
        """Once, on a crop."""
        return self._network.track(search, self._memory)
