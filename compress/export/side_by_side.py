"""Running two forms of one tracker side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from compress.export.parity import Parity
from compress.geometry import LoopSettings, Maps, Network, Prediction, UpdateRule, decode, hann_window, iou
from compress.runtime import track

if TYPE_CHECKING:
    from compress.data import Sequence

Array = NDArray[np.float32]


def compare(
    reference: Network, candidate: Network, settings: LoopSettings, sequence: Sequence, *, seed: int = 0
) -> Parity:
    """Run both on random inputs, on the same crops of `sequence`, and each by itself through `sequence`."""
    differences: dict[str, float] = {}
    _random_inputs(_Both(reference, candidate, settings, differences), settings, seed)
    both = _Both(reference, candidate, settings, differences)
    first, second = _found(both, settings, sequence), _found(candidate, settings, sequence)
    # Frame 1 is the first tracked one; a tie on the k-th compares k − 1 boxes.
    end = len(first) if both.tie is None else both.tie - 1
    boxes, others = _boxes(first[:end]), _boxes(second[:end])
    return Parity(
        maps=differences,
        box_px=float(np.abs(boxes - others).max(initial=0.0)),
        mean_iou=float(iou(boxes, others).mean()) if end else 1.0,
        frames=end,
        renewed=_renewed(first[:end]),
        also_renewed=_renewed(second[:end]),
        tie_at=both.tie,
        sequence=sequence.name,
    )


class _Both:
    """Runs two networks on the same crops, follows the first, and notes their largest differences.

    Attributes:
        tie: The first frame from which the two may go different ways by rounding alone.
    """

    def __init__(
        self, reference: Network, candidate: Network, settings: LoopSettings, differences: dict[str, float]
    ) -> None:
        self._networks = (reference, candidate)
        self._window = hann_window(settings.grid)
        self._rules = [UpdateRule(settings.update_interval, settings.update_gate) for _ in self._networks]
        self._differences = differences
        self._chosen = [0, 0]
        self._frame = 0
        self.tie: int | None = None

    def encode_template(
        self, template: Array, template_box: Array | None, online_template: Array | None = None
    ) -> list[Any]:
        return [network.encode_template(template, template_box, online_template) for network in self._networks]

    def track(self, search: Array, memory: list[Any]) -> Maps:
        first, second = (network.track(search, part) for network, part in zip(self._networks, memory, strict=True))
        for name, expected in first.items():
            self._note(name, expected, second[name])
        (box, score), (other, other_score) = (decode(maps, self._window) for maps in (first, second))
        self._frame += 1
        same = self._choose((score, other_score))
        if "score_map" in first:
            same &= self._peak(first) == self._peak(second)
        else:
            self._note("box", box, other)
        if not same and self.tie is None:
            self.tie = self._frame
        return first

    def _choose(self, scores: tuple[float, float]) -> bool:
        """False where an update follows this frame and each network would renew its template by another one."""
        due = False
        for i, (rule, score) in enumerate(zip(self._rules, scores, strict=True)):
            better, due = rule.step(score)
            self._chosen[i] = self._frame if better else self._chosen[i]
        same = not due or self._chosen[0] == self._chosen[1]
        self._chosen = [0, 0] if due else self._chosen
        return same

    def _note(self, name: str, expected: ArrayLike, found: ArrayLike) -> None:
        # NaN must not compare as agreement, so it is kept as an infinite difference.
        difference = float(np.nan_to_num(np.abs(np.subtract(expected, found)).max(), nan=np.inf))
        self._differences[name] = max(difference, self._differences.get(name, 0.0))

    def _peak(self, maps: Maps) -> int:
        return int(np.argmax(maps["score_map"][0, 0] * self._window))


def _random_inputs(network: Network, settings: LoopSettings, seed: int, runs: int = 4) -> None:
    rng = np.random.default_rng(seed)
    crop = (3, settings.template_size, settings.template_size)
    for _ in range(runs):
        template = rng.standard_normal((1, *crop), dtype=np.float32)
        search = rng.standard_normal((1, 3, settings.search_size, settings.search_size), dtype=np.float32)
        box = rng.random((1, 4), dtype=np.float32) if settings.target_token else None
        count = settings.online_templates
        online = rng.standard_normal((1, count, *crop), dtype=np.float32) if count else None
        network.track(search, network.encode_template(template, box, online))


def _found(network: Network, settings: LoopSettings, sequence: Sequence) -> list[Prediction]:
    """All tracked frames, the network following its own boxes."""
    frames = (sequence.frame(i) for i in range(len(sequence)))
    steps = track(network, settings, frames, sequence.boxes[0])
    # Without the pictures, which would not fit for a long video.
    return [Prediction(step.box, step.score, step.renewed) for step in steps][1:]


def _boxes(found: list[Prediction]) -> NDArray[np.float64]:
    return np.array([each.box for each in found], dtype=np.float64).reshape(-1, 4)


def _renewed(found: list[Prediction]) -> tuple[int, ...]:
    return tuple(i for i, each in enumerate(found, start=1) if each.renewed)
