"""`Network`: the protocol by which the frame loop runs a tracker, under torch, onnxruntime or numpy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from compress.core.execution_path import ExecutionPath

    Maps = Mapping[str, NDArray[np.float32]]
    """The head's maps, named and shaped as in `TrackerSpec.maps`, with a batch of one."""
else:
    Maps = Mapping


class NetworkOutput(NamedTuple):
    """The output of a network for one frame.

    Attributes:
        maps: The head's, see `Maps`.
        path: The path the frame took; None for a tracker without bypass and exits.
        bypass: (S,) probabilities of skipping the S layers of `TrackerSpec.skippable`; None without bypass.
        scores: (E,) the IoU that each exit expects of its box; None without exits. Both are NaN behind the exit taken.
    """

    maps: Maps
    path: ExecutionPath | None = None
    bypass: NDArray[np.float32] | None = None
    scores: NDArray[np.float32] | None = None

    @property
    def score(self) -> float | None:
        """The IoU that the exit taken expects of its box, in [0, 1]; None without exits."""
        taken = None if self.path is None else self.path.exit
        return None if self.scores is None or taken is None else float(self.scores[taken])


class Network(Protocol):
    """A tracker whose template work is apart from its per-frame work."""

    def encode_template(
        self,
        template: NDArray[np.float32],
        template_box: NDArray[np.float32] | None,
        online_template: NDArray[np.float32] | None = None,
    ) -> Any:
        """Once per sequence, and again whenever an online template is renewed.

        Args:
            template: (1, 3, T, T) normalised crop.
            template_box: (1, 4) x1, y1, x2, y2 over the crop's side; None for trackers without a target token.
            online_template: (1, K, 3, T, T) for a tracker with K online templates; None takes the template again.

        Returns:
            Whatever `track` needs; the loop only hands it on.
        """
        ...

    def track(self, search: NDArray[np.float32], memory: Any) -> NetworkOutput:
        """Once per frame: a (1, 3, S, S) normalised crop to the head's maps, and the path that led to them."""
        ...


class BatchNetwork(Network, Protocol):
    """A network that runs several frames at once, each of a sequence of its own."""

    def join_memories(self, memories: Sequence[Any]) -> Any:
        """What `track_batch` needs, of what `encode_template` returned for each sequence."""
        ...

    def track_batch(self, search: NDArray[np.float32], memory: Any) -> list[NetworkOutput]:
        """(B, 3, S, S) normalised crops → what `track` returns for each, to rounding."""
        ...
