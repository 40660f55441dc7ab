"""When the online template is renewed, by which frame, and what the network is then given."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from compress.core import UsageError, describe
from compress.geometry import FrameTracker, LoopSettings, NetworkOutput, UpdateRule, crop_target, normalise

Array = NDArray[Any]
INIT = (250, 180, 80, 60)


def _picture(scores: str, interval: int) -> str:
    """Scores in tenths; `*` where a frame becomes the best candidate, `!` where an update follows it."""
    rule = UpdateRule(interval, 0.5)
    steps = [rule.step(int(score) / 10) for score in scores]
    return "".join("*" * better + "!" * due or "." for better, due in steps)


@pytest.mark.parametrize(
    ("scores", "interval", "expected"),
    [
        # A higher score wins, an equal or lower one does not; the update's own frame may still win.
        ("667667", 3, "*.*!*.*!"),
        ("6789", 4, "****!"),
        # 0.5 is not above the gate.
        ("555555", 3, "..!..!"),
        # A new round starts from the gate again.
        ("996996", 3, "*.!*.!"),
        ("9699", 1, "*!*!*!*!"),
        ("9999", 0, "...."),
    ],
)
def test_the_best_since_the_last_update_is_taken(scores: str, interval: int, expected: str) -> None:
    assert _picture(scores, interval) == expected


def test_only_trackers_that_can_choose_a_template_renew_it() -> None:
    b = describe("mixformerv2-b")
    settings = LoopSettings.of(b)
    assert (settings.online_templates, settings.update_interval, settings.update_gate) == (1, 200, 0.5)
    assert LoopSettings.of(b, update_interval=10).update_interval == 10
    assert LoopSettings.of(b, update_interval=0).update_interval == 0
    with pytest.raises(UsageError, match="-1"):
        LoopSettings.of(b, update_interval=-1)
    for name in ("mixformerv2-b-student", "mixvit-b", "ostrack256"):
        assert LoopSettings.of(describe(name)).update_interval == 0
        assert LoopSettings.of(describe(name), update_interval=0).update_interval == 0
        with pytest.raises(UsageError, match="score head"):
            LoopSettings.of(describe(name), update_interval=10)


class Scripted:
    """Sides that drift a little right, and a score from a list."""

    def __init__(self, scores: list[float]) -> None:
        self._scores = iter(scores)
        self.given: list[tuple[Array, Array | None]] = []

    def encode_template(self, template: Array, template_box: Any, online_template: Any = None) -> int:
        self.given.append((template, online_template))
        return len(self.given)

    def track(self, search: Array, memory: int) -> NetworkOutput:
        assert memory == len(self.given)
        bins = np.eye(64, dtype=np.float32)[[26, 26, 40, 38]]
        score = next(self._scores)
        logit = np.array([np.log(score / (1 - score))], np.float32)
        maps = dict(zip([f"prob_{s}" for s in "ltrb"], bins[:, None], strict=True))
        return NetworkOutput(maps | {"pred_scores": logit})


def _follow(frame: Array, scores: list[float], *, count: int = 1, interval: int = 3) -> tuple[Scripted, Any, Any]:
    network = Scripted(scores)
    settings = LoopSettings(32, 64, 2.0, 4.0, 4, online_templates=count, update_interval=interval)
    tracker = FrameTracker(network, settings)
    frames = [np.roll(frame, (3 * k, 5 * k), axis=(0, 1)) for k in range(len(scores) + 1)]
    tracker.start(frames[0], INIT)
    found = [tracker.update(each) for each in frames[1:]]
    crops = [_template(frames[0], INIT)]
    crops += [_template(each, prediction.box) for each, prediction in zip(frames[1:], found, strict=True)]
    return network, [prediction.renewed for prediction in found], crops


def _template(frame: Array, box: Any) -> Array:
    return normalise(crop_target(frame, box, factor=2.0, size=32).image)


def test_the_network_is_given_the_crop_of_the_best_frame(frame: Array) -> None:
    network, renewed, crops = _follow(frame, [0.6, 0.9, 0.8, 0.2, 0.3, 0.1, 0.4, 0.4, 0.7])
    assert renewed == [False, False, True, False, False, True, False, False, True]
    first = [template for template, _ in network.given]
    assert all(template is first[0] for template in first)
    np.testing.assert_array_equal(first[0], crops[0])
    online = [online for _, online in network.given]
    assert online[0] is None
    assert online[1].shape == (1, 1, 3, 32, 32)
    np.testing.assert_array_equal(online[1][0], crops[2])
    # No candidate from frame 4 to 6: the first template again.
    assert online[2] is None
    np.testing.assert_array_equal(online[3][0], crops[9])


def test_nothing_is_encoded_again_where_nothing_changes(frame: Array) -> None:
    network, renewed, _ = _follow(frame, [0.3] * 9)
    assert not any(renewed)
    assert len(network.given) == 1
    network, renewed, _ = _follow(frame, [0.9] * 9, interval=0)
    assert not any(renewed)
    assert len(network.given) == 1


def test_of_several_online_templates_the_newest_are_kept(frame: Array) -> None:
    network, renewed, crops = _follow(frame, [0.9, 0.8, 0.9, 0.8, 0.9, 0.8], count=2, interval=2)
    assert renewed == [False, True] * 3
    shown = [[crops[i][0] for i in pair] for pair in ((0, 1), (1, 3), (3, 5))]
    for (_, online), expected in zip(network.given[1:], shown, strict=True):
        np.testing.assert_array_equal(online, np.stack(expected)[None])


def test_a_new_start_forgets_the_candidates(frame: Array) -> None:
    network = Scripted([0.9, 0.9, 0.3, 0.3, 0.3])
    tracker = FrameTracker(network, LoopSettings(32, 64, 2.0, 4.0, 4, online_templates=1, update_interval=3))
    tracker.start(frame, INIT)
    tracker.update(frame)
    tracker.update(frame)
    tracker.start(frame, INIT)
    assert not any(tracker.update(frame).renewed for _ in range(3))
