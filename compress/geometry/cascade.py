"""The frame loop around a cascade: two networks on the same frames, the second only where the first is unsure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from compress.core.cascade import ACCURATE_ASKED, FAST_ALONE
from compress.geometry.crop import preprocess
from compress.geometry.loop import FrameTracker, Prediction
from compress.geometry.network import Network
from compress.geometry.settings import LoopSettings

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from compress.core.cascade import CascadeSpec
    from compress.geometry.network import NetworkOutput


@dataclass(frozen=True)
class CascadeNetwork:
    """The networks of a cascade: `fast` is run on every frame, `accurate` where it is asked."""

    fast: Network
    accurate: Network


@dataclass(frozen=True)
class CascadeSettings:
    """The constants of the loop around a cascade.

    Attributes:
        fast, accurate: Those of each tracker's own loop.
        threshold: As in `CascadeSpec`.
    """

    fast: LoopSettings
    accurate: LoopSettings
    threshold: float

    @classmethod
    def of(cls, spec: CascadeSpec) -> CascadeSettings:
        """The settings of a cascade, each tracker's by `LoopSettings.of`."""
        return cls(LoopSettings.of(spec.fast), LoopSettings.of(spec.accurate), spec.threshold)

    @property
    def update_interval(self) -> int:
        """Frames that either network answered between two updates of its online template; 0 where none has one."""
        return min((n for n in (self.fast.update_interval, self.accurate.update_interval) if n), default=0)


AnyNetwork = Network | CascadeNetwork
AnySettings = LoopSettings | CascadeSettings
"""Of one tracker, or of the two of a cascade."""


class CascadeTracker:
    """Follows one object as `FrameTracker` does, by two networks.

    The fast one is run on every frame. Where its score does not exceed the threshold the accurate one is run on the
    same frame, in a crop around the same last box, and its answer counts. Whose answer counts, that box is the last
    one of both. Each keeps templates of its own, and renews them by its own answers, of which only those count that
    it was asked for. Where both take the same crop it is made once.
    """

    def __init__(self, networks: CascadeNetwork, settings: CascadeSettings) -> None:
        self._networks, self._threshold = networks, np.float32(settings.threshold)
        self._cut = _SameCrop()
        self._fast = FrameTracker(networks.fast, settings.fast, self._cut)
        self._accurate = FrameTracker(networks.accurate, settings.accurate, self._cut)
        self._first: Prediction | None = None

    def start(self, frame: NDArray[np.uint8], box: ArrayLike) -> None:
        """See `FrameTracker.start`."""
        self._first = None
        self._fast.start(frame, box)
        self._accurate.start(frame, box)

    @property
    def asked(self) -> bool:
        """Whether it is the accurate network whose answer `take` waits for."""
        return self._first is not None

    @property
    def memory(self) -> Any:
        """Of the network whose answer `take` waits for, see `FrameTracker.memory`."""
        return self._next.memory

    def update(self, frame: NDArray[np.uint8]) -> Prediction:
        """See `FrameTracker.update`."""
        found = self.take(frame, self._networks.fast.track(self.crop(frame), self.memory))
        if found is None:
            found = self.take(frame, self._networks.accurate.track(self.crop(frame), self.memory))
        assert found is not None
        return found

    def crop(self, frame: NDArray[np.uint8]) -> NDArray[np.float32]:
        """The (1, 3, S, S) search crop for the network whose answer `take` waits for."""
        if not self.asked:
            self._cut.forget()
        return self._next.crop(frame)

    def take(self, frame: NDArray[np.uint8], answer: NetworkOutput) -> Prediction | None:
        """What a network's answer about the last `crop` says; None where the accurate one is to be asked now."""
        found = self._next.take(frame, answer)
        if self._first is None:
            if not np.float32(found.score) > self._threshold:
                self._first = found
                return None
            self._accurate.move(found.box)
            return replace(found, path=FAST_ALONE, fast_score=found.score)
        first, self._first = self._first, None
        self._fast.move(found.box)
        renewed = first.renewed or found.renewed
        return replace(found, path=ACCURATE_ASKED, fast_score=first.score, renewed=renewed)

    @property
    def _next(self) -> FrameTracker:
        return self._accurate if self.asked else self._fast


def frame_tracker(network: AnyNetwork, settings: AnySettings) -> FrameTracker | CascadeTracker:
    """The frame loop around a network, or around the two of a cascade; settings are of the same kind."""
    if isinstance(network, CascadeNetwork):
        assert isinstance(settings, CascadeSettings), "the settings of a cascade"
        return CascadeTracker(network, settings)
    assert isinstance(settings, LoopSettings), "the settings of one tracker"
    return FrameTracker(network, settings)


class _SameCrop:
    """`preprocess`, which a second tracker that wants the very same crop does not do again."""

    def __init__(self) -> None:
        self._wanted: Any = None
        self._made: tuple[NDArray[np.float32], float] | None = None

    def forget(self) -> None:
        """The next frame may lie where the last one did in memory."""
        self._wanted = self._made = None

    def __call__(
        self, frame: NDArray[np.uint8], box: ArrayLike, factor: float, size: int
    ) -> tuple[NDArray[np.float32], float]:
        wanted = (np.asarray(box).tolist(), factor, size)
        if self._made is None or wanted != self._wanted:
            self._wanted, self._made = wanted, preprocess(frame, box, factor, size)
        return self._made
