"""Running two forms of one tracker side by side."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from compress.core import ExecutionPath, TrackerSpec
from compress.export.divergence import divergence
from compress.export.parity import NEAR_THRESHOLD, Parity
from compress.geometry import (
    LoopSettings,
    Maps,
    Network,
    NetworkOutput,
    Prediction,
    UpdateRule,
    decode,
    hann_window,
    iou,
)
from compress.models import NumpyNetwork, Tracker
from compress.runtime import GraphNetwork, Thresholds, track

if TYPE_CHECKING:
    from compress.data import Sequence

Array = NDArray[np.float32]


def compare_exported(model: Tracker, network: GraphNetwork, settings: LoopSettings, sequence: Sequence) -> Parity:
    """Compare a tracker's graphs with the tracker; also those graphs that no frame of the sequence needs."""
    reference, spec = NumpyNetwork(model), model.spec
    forced = [(reference.along(path), network.at(Thresholds.forcing(spec, path))) for path in _forced_paths(spec)]
    return compare(reference, network, settings, sequence, spec=spec, forced=forced)


def compare(
    reference: Network,
    candidate: Network,
    settings: LoopSettings,
    sequence: Sequence,
    *,
    spec: TrackerSpec | None = None,
    forced: Iterable[tuple[Network, Network]] = (),
    seed: int = 0,
) -> Parity:
    """Run both on random inputs, on the same crops of `sequence`, and each by itself through `sequence`.

    Args:
        spec: Of an adaptive tracker, so that where a decision is near its threshold the two may take different paths.
        forced: Both again, with all frames on one path; for random inputs only.
    """
    differences: dict[str, float] = {}
    path_mismatch = 0
    for first, second, decided in ((reference, candidate, spec), *((*pair, None) for pair in forced)):
        random = SideBySide(first, second, settings, differences, decided)
        _random_inputs(random, settings, seed)
        path_mismatch += random.path_mismatch
    both = SideBySide(reference, candidate, settings, differences, spec)
    found, also = _found(both, settings, sequence), _found(candidate, settings, sequence)
    # Frame 1 is the first tracked one; a tie on the k-th compares k − 1 boxes.
    end = len(found) if both.tie is None else both.tie - 1
    boxes, others = _boxes(found[:end]), _boxes(also[:end])
    return Parity(
        maps=differences,
        box_px=float(np.abs(boxes - others).max(initial=0.0)),
        mean_iou=float(iou(boxes, others).mean()) if end else 1.0,
        frames=end,
        renewed=_renewed(found[:end]),
        also_renewed=_renewed(also[:end]),
        tie_at=both.tie,
        sequence=sequence.name,
        paths=Counter(each.path for each in found if each.path is not None),
        path_mismatch=path_mismatch + both.path_mismatch,
    )


def _forced_paths(spec: TrackerSpec) -> list[ExecutionPath]:
    """Paths of an adaptive tracker that together need every graph: to each exit without skipping, and skipping all."""
    if not spec.adaptive:
        return []
    exits = range(len(spec.exits)) if spec.exits else (None,)
    paths = [ExecutionPath(frozenset(), exit) for exit in exits]
    return [*paths, ExecutionPath(frozenset(spec.skippable), paths[-1].exit)] if spec.bypass else paths


class SideBySide:
    """Runs two networks on the same crops, follows the first, and notes their largest differences.

    Attributes:
        differences: The largest absolute one of each map, as in `Parity.maps`.
        tie: The first frame from which the two may differ by rounding alone.
        path_mismatch: Frames on which they took different paths for no such reason.
    """

    def __init__(
        self,
        reference: Network,
        candidate: Network,
        settings: LoopSettings,
        differences: dict[str, float],
        spec: TrackerSpec | None,
    ) -> None:
        self._networks = (reference, candidate)
        self._window = hann_window(settings.grid)
        self._rules = [UpdateRule(settings.update_interval, settings.update_gate) for _ in self._networks]
        self.differences, self._spec = differences, spec
        self._chosen = [0, 0]
        self._frame = 0
        self.tie: int | None = None
        self.path_mismatch = 0

    def encode_template(
        self, template: Array, template_box: Array | None, online_template: Array | None = None
    ) -> list[Any]:
        """What both made of the templates."""
        return [network.encode_template(template, template_box, online_template) for network in self._networks]

    def track(self, search: Array, memory: list[Any]) -> NetworkOutput:
        """What the first says of the crop."""
        first, second = (network.track(search, part) for network, part in zip(self._networks, memory, strict=True))
        self._frame += 1
        same = self._same_path(first, second) and self._same_place(first, second)
        if not same and self.tie is None:
            self.tie = self._frame
        return first

    def _same_path(self, first: NetworkOutput, second: NetworkOutput) -> bool:
        if first.path == second.path:
            return True
        diverged = self._spec and divergence(self._spec, first, second)
        if diverged:
            self._note(diverged.kind, diverged.value, diverged.other)
        if not diverged or not abs(diverged.value - diverged.threshold) <= NEAR_THRESHOLD:
            self.path_mismatch += 1
        return False

    def _same_place(self, first: NetworkOutput, second: NetworkOutput) -> bool:
        """Note the differences; False where another cell is the best, or another frame is the next template."""
        for name, expected in _arrays(first).items():
            self._note(name, expected, _arrays(second)[name])
        (box, peak), (other, other_peak) = (decode(each.maps, self._window) for each in (first, second))
        if first.score is not None and second.score is not None:
            peak, other_peak = first.score, second.score
        same = self._choose((peak, other_peak))
        if "score_map" in first.maps:
            return self._peak(first.maps) == self._peak(second.maps) and same
        self._note("box", box, other)
        return same

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
        difference = float(np.nan_to_num(np.abs(np.subtract(expected, found)), nan=np.inf).max(initial=0.0))
        self.differences[name] = max(difference, self.differences.get(name, 0.0))

    def _peak(self, maps: Maps) -> int:
        return int(np.argmax(maps["score_map"][0, 0] * self._window))


def _arrays(answer: NetworkOutput) -> dict[str, Array]:
    """The maps, and the bypass probabilities and exit scores that were computed; those not reached are NaN."""
    decisions = {"bypass": answer.bypass, "scores": answer.scores}
    return {**answer.maps, **{name: row[~np.isnan(row)] for name, row in decisions.items() if row is not None}}


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
    return [Prediction(step.box, step.score, step.renewed, step.path) for step in steps][1:]


def _boxes(found: list[Prediction]) -> NDArray[np.float64]:
    return np.array([each.box for each in found], dtype=np.float64).reshape(-1, 4)


def _renewed(found: list[Prediction]) -> tuple[int, ...]:
    return tuple(i for i, each in enumerate(found, start=1) if each.renewed)
