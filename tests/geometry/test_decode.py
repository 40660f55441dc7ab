from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from compress.geometry import clip_box, decode, hann_window, map_back

Arrays = dict[str, NDArray[Any]]


def _maps(n: int) -> list[Arrays]:
    rng = np.random.default_rng(500 + n)
    score = rng.random((4, 1, n, n)).astype(np.float32)
    size = rng.uniform(0.05, 0.7, (4, 2, n, n)).astype(np.float32)
    offset = rng.uniform(-0.6, 0.6, (4, 2, n, n)).astype(np.float32)
    return [
        {"score_map": score[i : i + 1], "size_map": size[i : i + 1], "offset_map": offset[i : i + 1]} for i in range(4)
    ]


@pytest.mark.parametrize("n", [16, 24])
def test_hann_window(oracle: Arrays, n: int) -> None:
    np.testing.assert_allclose(hann_window(n), oracle[f"hann{n}"], rtol=0, atol=2e-7)
    assert hann_window(n).dtype == np.float32


@pytest.mark.parametrize("n", [16, 24])
@pytest.mark.parametrize("suffix", ["", "_windowed"])
def test_decode(oracle: Arrays, n: int, suffix: str) -> None:
    window = hann_window(n) if suffix else np.ones((n, n), dtype=np.float32)
    for i, maps in enumerate(_maps(n)):
        box, score = decode(maps, window if suffix else None)
        np.testing.assert_array_equal(box, oracle[f"decode{n}_boxes{suffix}"][i])
        row, col = np.argwhere(maps["score_map"][0, 0] == np.float32(score))[0]
        assert score * window[row, col] == pytest.approx(oracle[f"decode{n}_score{suffix}"][i, 0], abs=1e-6)


@pytest.mark.parametrize("n", [16, 24])
def test_the_first_of_equal_peaks_wins(oracle: Arrays, n: int) -> None:
    score = np.zeros((1, 1, n, n), dtype=np.float32)
    score[0, 0, 3, 4] = score[0, 0, 5, 2] = 1
    maps = {
        "score_map": score,
        "size_map": np.full((1, 2, n, n), 0.25, np.float32),
        "offset_map": np.zeros((1, 2, n, n), np.float32),
    }
    box, score_there = decode(maps)
    np.testing.assert_array_equal(box, oracle[f"decode{n}_tie_box"][0])
    assert score_there == 1


@pytest.mark.parametrize("family", ["mixformerv2", "hit"])
def test_distributions_tell_the_published_box(distributions: Arrays, family: str) -> None:
    maps = {name.removeprefix(f"{family}_"): value for name, value in distributions.items() if family in name}
    wanted = maps.pop("pred_boxes").ravel()
    box, score = decode(maps, hann_window(4))
    np.testing.assert_allclose(box, wanted, atol=1e-5)
    assert 0 < score < 1


def test_corners_worked_by_hand() -> None:
    """Top left at column 1, row 0 of 4 × 4; bottom right half at column 3, row 2 and half at column 2, row 3."""
    top_left, bottom_right = np.zeros((2, 1, 4, 4), np.float32)
    top_left[0, 0, 1] = 1
    bottom_right[0, 2, 3] = bottom_right[0, 3, 2] = 0.5
    box, score = decode({"prob_tl": top_left, "prob_br": bottom_right})
    np.testing.assert_allclose(box, [(1 / 4 + 2.5 / 4) / 2, 2.5 / 4 / 2, 1.5 / 4, 2.5 / 4])
    assert score == pytest.approx((1 + 0.5) / 2)


def _sides(left: int, top: int, right: int, bottom: int) -> Arrays:
    """All of each distribution in one of ten bins."""
    line = np.eye(10, dtype=np.float32)
    return dict(zip([f"prob_{s}" for s in "ltrb"], line[[left, top, right, bottom]][:, None], strict=True))


def test_sides_worked_by_hand() -> None:
    maps = _sides(2, 0, 8, 9)
    maps["prob_l"] = np.full((1, 10), 0.1, np.float32)
    box, score = decode(maps)
    np.testing.assert_allclose(box, [(0.45 + 0.8) / 2, 0.45, 0.35, 0.9], rtol=1e-6)
    assert score == pytest.approx((0.1 + 3) / 4)


@pytest.mark.parametrize(("logit", "score"), [(0, 0.5), (np.log(3), 0.75), (-1000, 0), (1000, 1), (np.nan, np.nan)])
def test_the_score_head_goes_before_the_peaks(logit: float, score: float) -> None:
    maps = _sides(1, 2, 3, 4) | {"pred_scores": np.array([logit], np.float32)}
    assert decode(maps)[1] == pytest.approx(score, nan_ok=True)


def test_crossed_sides_leave_a_box_of_ten_pixels() -> None:
    box, _ = decode(_sides(8, 7, 2, 3))
    np.testing.assert_allclose(box, [0.5, 0.5, -0.6, -0.4], rtol=1e-6)
    mapped = map_back(box, [100.0, 100.0, 40.0, 40.0], resize_factor=0.5, search_size=100)
    np.testing.assert_allclose(mapped, [120 + 60, 120 + 40, -120, -80], rtol=1e-6)
    np.testing.assert_allclose(clip_box(mapped, 640, 480), [180, 160, 10, 10], rtol=1e-6)


def test_boxes_of_mixformer_and_hit_are_mapped_alike(published_crops: Arrays) -> None:
    p = published_crops
    for i, (*previous, _, size) in enumerate(p["case_xywh_factor_size"]):
        factor = float(p["resize_factor"][i])
        box = map_back(p["pred_cxcywh"], previous, resize_factor=factor, search_size=int(size))
        # Recorded in float64.
        np.testing.assert_allclose(box, p["map_back_xywh"][i], atol=1e-4)
        np.testing.assert_allclose(clip_box(box, 320, 240), p["clip_margin10_xywh"][i], atol=1e-4)


def test_map_back_and_clip(oracle: Arrays) -> None:
    for i in range(84):
        box = map_back(
            oracle["map_pred_norm_cxcywh"][i],
            oracle["map_state"][i].tolist(),
            resize_factor=float(oracle["map_resize_factor"][i]),
            search_size=int(oracle["map_search_size"][i]),
        )
        np.testing.assert_array_equal(box, oracle["map_out_xywh"][i])
        np.testing.assert_array_equal(clip_box(box, 640, 480), oracle["map_clip10_xywh"][i])


def test_clip(oracle: Arrays) -> None:
    for box, expected in zip(oracle["clip_in_xywh"], oracle["clip_out_margin10"], strict=True):
        np.testing.assert_array_equal(clip_box(box.tolist(), 640, 480), expected)
