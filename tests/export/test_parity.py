"""The gate sees what it should see, and forgives only a tie."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from compress.core import BypassSpec, CompressError, ExecutionPath, ExitSpec, LayerSpec, TrackerSpec
from compress.export import compare
from compress.geometry import LoopSettings, NetworkOutput
from compress.runtime.selftest import INIT, selftest_frames

SETTINGS = LoopSettings(template_size=32, search_size=64, template_factor=2.0, search_factor=4.0, grid=4)


class Stub:
    """Peak at cell (2, 1), or at `cell`; scores, sizes and offsets shifted by what is given."""

    def __init__(self, *, cell: int = 9, second: float = 0.0, **shift: float) -> None:
        self._cell, self._second, self._shift = cell, second, shift

    def encode_template(self, template: Any, template_box: Any, online_template: Any = None) -> None:
        return None

    def track(self, search: Any, memory: Any) -> NetworkOutput:
        score = np.full((1, 1, 4, 4), 0.1, np.float32)
        score.reshape(-1)[[9, 10]] = 0.5, self._second
        maps = {"score_map": score, "size_map": np.full((1, 2, 4, 4), 0.25, np.float32)}
        maps["offset_map"] = np.full((1, 2, 4, 4), 0.1, np.float32)
        for name, value in self._shift.items():
            maps[name] = maps[name] + np.float32(value)
        if self._cell != 9:
            score[0, 0].reshape(-1)[self._cell] += np.float32(1e-6)
        return NetworkOutput(maps)


class Square(SimpleNamespace):
    def __len__(self) -> int:
        return 10


SQUARE = Square(name="square", boxes=np.array([INIT] * 10), frame=selftest_frames().__getitem__)


def _compare(a: Stub, b: Stub) -> Any:
    return compare(a, b, SETTINGS, SQUARE)


def test_equal_networks_agree() -> None:
    parity = _compare(Stub(), Stub())
    assert parity.problems() == []
    assert (parity.box_px, parity.mean_iou, parity.frames, parity.tie_at) == (0.0, 1.0, 9, None)


@pytest.mark.parametrize("name", ["score_map", "size_map", "offset_map"])
def test_any_map_beyond_tolerance_is_named_with_its_figure(name: str) -> None:
    parity = _compare(Stub(), Stub(**{name: 0.004}))
    with pytest.raises(CompressError, match=rf"{name} differs by 0.004 \(at most 0.001\)"):
        parity.check("Two networks")


def _with_nan(answer: NetworkOutput) -> NetworkOutput:
    answer.maps["offset_map"][0, 0, 0, 0] = np.nan
    return answer


def test_nan_is_no_agreement() -> None:
    # Only the offset of a cell that is not the peak, so that the loop itself has nothing to complain about.
    broken = Stub(offset_map=0.0)
    track = broken.track
    broken.track = lambda search, memory: _with_nan(track(search, memory))  # type: ignore[method-assign]
    parity = _compare(Stub(), broken)
    assert parity.maps["offset_map"] == float("inf")
    assert parity.problems()


def test_boxes_that_drift_apart_are_refused() -> None:
    # A size that is off by a fiftieth of the crop makes each box, and with it the next crop, larger.
    parity = _compare(Stub(), Stub(size_map=0.02))
    assert any("boxes differ" in problem for problem in parity.problems())
    assert any("overlap" in problem for problem in parity.problems())


def test_tie_within_rounding_is_forgiven_and_told() -> None:
    parity = _compare(Stub(second=0.5), Stub(second=0.5, cell=10))
    assert parity.tie_at == 1
    assert parity.frames == 0
    assert parity.problems() == []


class Sides(Stub):
    """A box in the middle, or `left` bins further left; the score of frame k is `scores[k]`."""

    def __init__(self, scores: list[float], *, left: int = 0) -> None:
        self._scores, self._left, self._calls = scores, left, 0

    def encode_template(self, template: Any, template_box: Any, online_template: Any = None) -> Any:
        return online_template

    def track(self, search: Any, memory: Any) -> NetworkOutput:
        self._calls += 1
        # Four random inputs come first; then both loops ask for the nine frames in turn.
        score = self._scores[max(self._calls - 5, 0) % 9]
        line = np.eye(32, dtype=np.float32)[[13 - self._left, 13, 19, 19]]
        maps = dict(zip([f"prob_{side}" for side in "ltrb"], line[:, None], strict=True))
        return NetworkOutput(maps | {"pred_scores": np.log([score / (1 - score)]).astype(np.float32)})


UPDATING = replace(SETTINGS, online_templates=1, update_interval=3)
SCORES = [0.6, 0.7, 0.8, 0.2, 0.3, 0.2, 0.9, 0.8, 0.7]


def test_renewed_templates_are_told() -> None:
    parity = compare(Sides(SCORES), Sides(SCORES), UPDATING, SQUARE)
    assert parity.problems() == []
    assert parity.renewed == parity.also_renewed == (3, 6, 9)


def test_templates_renewed_at_other_frames_are_refused() -> None:
    others = [*SCORES[:3], 0.4, 0.6, 0.4, *SCORES[6:]]
    parity = compare(Sides(SCORES), Sides(others), UPDATING, SQUARE)
    assert parity.tie_at == 6
    assert any("pred_scores differs" in problem for problem in parity.problems())
    found = replace(parity, renewed=(3, 6), also_renewed=(3,)).problems()
    assert "templates are renewed after frames (3, 6) and (3,)" in found


def test_two_candidates_within_rounding_are_a_tie() -> None:
    parity = compare(Sides([0.8, 0.8 + 1e-6, *SCORES[2:]]), Sides([0.8, 0.8 - 1e-6, *SCORES[2:]]), UPDATING, SQUARE)
    assert (parity.tie_at, parity.frames) == (3, 2)
    assert parity.problems() == []


def test_candidates_that_another_one_beats_are_no_tie() -> None:
    parity = compare(Sides([0.7, 0.7 + 1e-6, *SCORES[2:]]), Sides([0.7, 0.7 - 1e-6, *SCORES[2:]]), UPDATING, SQUARE)
    assert (parity.tie_at, parity.frames) == (None, 9)
    assert parity.problems() == []


def test_a_box_beyond_tolerance_is_named() -> None:
    parity = compare(Sides(SCORES), Sides(SCORES, left=1), SETTINGS, SQUARE)
    assert any("box differs" in problem for problem in parity.problems())


def test_another_peak_by_more_than_rounding_is_refused() -> None:
    parity = _compare(Stub(second=0.4), Stub(second=0.6))
    assert any("score_map" in problem for problem in parity.problems())


ADAPTIVE = TrackerSpec(
    dim=8,
    heads=2,
    layers=tuple(LayerSpec(i, 8) for i in range(3)),
    bypass=BypassSpec(n_enf=1),
    exits=(ExitSpec(2), ExitSpec(3)),
)


class DecidingNetwork(Stub):
    """Takes the path that its values give at thresholds of a half; its maps depend on the exit."""

    def __init__(self, first: float, second: float, score: float) -> None:
        super().__init__()
        self._values = first, second, score

    def track(self, search: Any, memory: Any) -> NetworkOutput:
        first, second, score = self._values
        leaves = score > 0.5
        bypass = np.array([first, np.nan if leaves else second], np.float32)
        scores = np.array([score, np.nan if leaves else 0.3], np.float32)
        skipped = frozenset(i for i, p in enumerate(bypass.tolist(), start=1) if p > 0.5)
        maps = super().track(search, memory).maps
        maps["size_map"][:] = 0.2 if leaves else 0.25
        return NetworkOutput(maps, ExecutionPath(skipped, int(not leaves)), bypass, scores)


def _decided(first: tuple[float, ...], second: tuple[float, ...]) -> Any:
    return compare(DecidingNetwork(*first), DecidingNetwork(*second), SETTINGS, SQUARE, spec=ADAPTIVE)


def test_paths_are_counted() -> None:
    parity = _decided((0.8, 0.2, 0.4), (0.8, 0.2, 0.4))
    assert parity.problems() == []
    assert parity.paths == {ExecutionPath(frozenset({1}), 1): 9}
    assert parity.to_dict()["paths"] == [{"skipped": [1], "exit": 1, "frames": 9}]
    assert {"bypass", "scores"} <= set(parity.maps)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ((0.5004, 0.2, 0.4), (0.4998, 0.9, 0.9)),
        ((0.8, 0.5004, 0.4), (0.8, 0.4998, 0.4)),
        ((0.8, 0.2, 0.5004), (0.8, 0.2, 0.4998)),
    ],
)
def test_a_decision_within_rounding_of_its_threshold_is_a_tie(
    first: tuple[float, ...], second: tuple[float, ...]
) -> None:
    for pair in ((first, second), (second, first)):
        parity = _decided(*pair)
        assert (parity.tie_at, parity.frames, parity.path_mismatch) == (1, 0, 0)
        assert parity.problems() == []


@pytest.mark.parametrize(
    ("first", "second", "problem"),
    [
        ((0.8, 0.2, 0.4), (0.2, 0.2, 0.4), "other layers or exits are taken on 13 crops"),
        ((0.5004, 0.2, 0.4), (0.3, 0.2, 0.4), "bypass differs by 0.2"),
        ((0.8, 0.2, 0.5004), (0.8, 0.2, 0.1), "scores differs by 0.4"),
        ((0.8, 0.2, 0.4), (0.8, 0.5004, 0.4), "bypass differs by 0.3"),
        ((0.8, 0.5004, 0.6), (0.8, 0.2, 0.4), "other layers or exits"),
        ((0.8, 0.2, 0.4), (0.79, 0.2, 0.4), "bypass differs by 0.01"),
    ],
)
def test_other_decisions_are_refused(first: tuple[float, ...], second: tuple[float, ...], problem: str) -> None:
    assert any(each.startswith(problem) for each in _decided(first, second).problems())


def test_forced_paths_leave_no_room_for_a_tie() -> None:
    networks = DecidingNetwork(0.5004, 0.2, 0.4), DecidingNetwork(0.4998, 0.2, 0.4)
    parity = compare(*[DecidingNetwork(0.8, 0.2, 0.4)] * 2, SETTINGS, SQUARE, spec=ADAPTIVE, forced=[networks])
    assert parity.problems() == ["other layers or exits are taken on 4 crops"]
