"""One frame of the whole loop around a tracker's network, ready to be timed."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from compress.core import TrackerSpec
from compress.geometry import Answer, FrameTracker, LoopSettings
from compress.measure.fixed_output_maps import fixed_output_maps
from compress.models import Tracker, build

FRAME = (480, 640)
"""Height and width of the frame that loops are timed on."""


def network_of(tracker: Tracker | TrackerSpec) -> Tracker:
    """A tracker as it is, a spec with fresh weights: timing does not depend on them."""
    return tracker if isinstance(tracker, Tracker) else build(tracker).eval()


class FrameWork(Protocol):
    """The work of a frame: one graph, or several."""

    def track(self, search: NDArray[np.float32]) -> None:
        """Once, on a crop."""
        ...


class TimedFrame:
    """One frame of the whole loop around the work of a frame, or around nothing for the loop's own cost.

    An untrained network would let its box wander, and crops of large boxes cost more. So the network's answer
    is replaced by maps that keep the box where it is; everything is still computed.
    """

    def __init__(self, spec: TrackerSpec, network: FrameWork | None) -> None:
        self.spec = spec
        settings = LoopSettings.of(spec)
        self._tracker = FrameTracker(_FixedOutput(spec, network), settings)
        self._frame = np.random.default_rng(0).integers(0, 256, (*FRAME, 3), dtype=np.uint8)
        side = FRAME[0] / 5
        self._tracker.start(self._frame, [(FRAME[1] - side) / 2, (FRAME[0] - side) / 2, side, side])

    def __call__(self) -> None:
        self._tracker.update(self._frame)


class _FixedOutput:
    """A network whose box is always the last box. Renewing the online template costs it nothing."""

    def __init__(self, spec: TrackerSpec, network: FrameWork | None) -> None:
        self._network = network
        self._answer = Answer(fixed_output_maps(spec))

    def encode_template(
        self,
        template: NDArray[np.float32],
        template_box: NDArray[np.float32] | None,
        online_template: NDArray[np.float32] | None = None,
    ) -> None:
        return None

    def track(self, search: NDArray[np.float32], memory: Any) -> Answer:
        if self._network is not None:
            self._network.track(search)
        return self._answer
