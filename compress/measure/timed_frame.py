"""One frame of the whole loop around a tracker's network, as it is timed here and on a device.

This module is packed into kits: Python 3.8 and numpy.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from compress.geometry.loop import FrameTracker
from compress.geometry.network import NetworkOutput
from compress.geometry.settings import LoopSettings
from compress.measure.fixed_output_maps import fixed_output_maps

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from compress.core.spec import TrackerSpec

FRAME = (480, 640)
"""Height and width of the frame that loops are timed on."""


class PreparedNetwork(Protocol):
    """A network with its template at hand: what it computes for a frame, as one graph or several."""

    def track(self, search: NDArray[np.float32]) -> object:
        """Once, on a (1, 3, S, S) crop; what it returns is not used."""
        ...


class FrameLoop(Protocol):
    """The loop around a network: `compress.geometry.FrameTracker`, or around several."""

    def start(self, frame: NDArray[np.uint8], box: ArrayLike) -> None:
        """On the first frame."""
        ...

    def update(self, frame: NDArray[np.uint8]) -> object:
        """On each later one; what it returns is not used."""
        ...


class TimedFrame:
    """One frame of the whole loop on each call; without a network, what the loop costs by itself.

    An untrained network would let its box wander, and crops of large boxes cost more. So the network's answer
    is replaced by maps that keep the box where it is; everything is still computed.

    Args:
        maps: Shapes of the head's maps, as `TrackerSpec.maps`.
    """

    def __init__(
        self, settings: LoopSettings, maps: Mapping[str, Sequence[int]], network: PreparedNetwork | None = None
    ) -> None:
        self.settings = settings
        self._maps = maps
        self._frame = np.random.default_rng(0).integers(0, 256, (*FRAME, 3), dtype=np.uint8)
        answer = NetworkOutput(fixed_output_maps(maps, settings))
        self._tracker: FrameLoop = self._started(FrameTracker(FixedOutput(answer, network), settings))

    @classmethod
    def of(cls, spec: TrackerSpec, network: PreparedNetwork | None = None) -> TimedFrame:
        """The frame of a tracker, with the settings that it is deployed with."""
        return cls(LoopSettings.of(spec), spec.maps, network)

    def alone(self) -> TimedFrame:
        """The same loop without a network."""
        return TimedFrame(self.settings, self._maps)

    def __call__(self) -> None:
        self._tracker.update(self._frame)

    def _started(self, tracker: FrameLoop) -> FrameLoop:
        side = FRAME[0] / 5
        tracker.start(self._frame, [(FRAME[1] - side) / 2, (FRAME[0] - side) / 2, side, side])
        return tracker


class FixedOutput:
    """A network whose box is always the last box. Renewing the online template costs it nothing."""

    def __init__(self, answer: NetworkOutput, network: PreparedNetwork | None) -> None:
        self._answer, self._network = answer, network

    def encode_template(
        self,
        template: NDArray[np.float32],
        template_box: NDArray[np.float32] | None,
        online_template: NDArray[np.float32] | None = None,
    ) -> None:
        """Nothing."""
        return None

    def track(self, search: NDArray[np.float32], memory: Any) -> NetworkOutput:
        """The answer, after all has been computed."""
        if self._network is not None:
            self._network.track(search)
        return self._answer
