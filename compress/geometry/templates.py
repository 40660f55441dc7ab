"""The templates of one sequence: the first frame's, and those renewed while tracking (MixFormerV2)."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

import numpy as np

from compress.geometry.crop import preprocess

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from compress.geometry.network import Network
    from compress.geometry.settings import LoopSettings


def template_box(box: ArrayLike, resize_factor: float, size: int) -> NDArray[np.float32]:
    """The target's (1, 4) x1, y1, x2, y2 in its own template crop, over the crop's side; not clamped (LiteTrack)."""
    half = 0.5 * np.asarray(box, dtype=np.float64)[2:] * resize_factor
    centre = (size - 1) / 2
    return (np.concatenate([centre - half, centre + half]) / size).astype(np.float32)[None]


class UpdateRule:
    """When the online template is renewed, and by which frame.

    After every `interval`-th tracked frame it becomes the best candidate since the last time: the frame with the
    highest score above `gate`, which may be the very frame that the update follows. With an interval of 0 there are
    neither candidates nor updates.
    """

    def __init__(self, interval: int, gate: float) -> None:
        self._interval, self._gate = interval, gate
        self._best, self._frame = gate, 0

    def step(self, score: float) -> tuple[bool, bool]:
        """One more frame is tracked: whether it is the best candidate so far, and whether an update follows it."""
        if not self._interval:
            return False, False
        self._frame += 1
        better, due = score > self._best, self._frame % self._interval == 0
        self._best = self._gate if due else max(score, self._best)
        return better, due


class Templates:
    """The first template and the K online ones: at first all the first template again, then the K newest.

    An update without a candidate takes the first template again, as in the published code.
    """

    def __init__(self, frame: NDArray[np.uint8], box: ArrayLike, settings: LoopSettings) -> None:
        self._settings = settings
        self._first, factor = self._crop(frame, box)
        self._target = template_box(box, factor, settings.template_size) if settings.target_token else None
        self._rule = UpdateRule(settings.update_interval, settings.update_gate)
        count = settings.online_templates
        self._online = deque([self._first] * count, maxlen=count)
        self._candidate = self._first

    def step(self, frame: NDArray[np.uint8], box: ArrayLike, score: float) -> bool:
        """One more frame is tracked, its target in `box` (x, y, w, h): whether the online templates have changed."""
        better, due = self._rule.step(score)
        if better:
            self._candidate, _ = self._crop(frame, box)
        if not due:
            return False
        changed = any(self._candidate is not each for each in self._online)
        self._online.append(self._candidate)
        self._candidate = self._first
        return changed

    def encoded(self, network: Network) -> Any:
        """What `network` makes of all templates."""
        renewed = any(each is not self._first for each in self._online)
        online = np.stack([each[0] for each in self._online])[None] if renewed else None
        return network.encode_template(self._first, self._target, online)

    def _crop(self, frame: NDArray[np.uint8], box: ArrayLike) -> tuple[NDArray[np.float32], float]:
        return preprocess(frame, box, self._settings.template_factor, self._settings.template_size)
