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
