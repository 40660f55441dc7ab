from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from compress.archive import bootstrap_error
from compress.core import CompressError
from compress.evaluate.metrics import (
    NORM_THRESHOLDS,
    PRECISION_THRESHOLDS,
    SUCCESS_THRESHOLDS,
    FrameConvention,
    FrameErrors,
    frame_errors,
    got10k_overlaps,
    precision_curve,
    success_curve,
)

Arrays = dict[str, NDArray[Any]]
CONVENTIONS: list[FrameConvention] = ["lasot", "otb", "uav"]


def _errors(metrics: Arrays, data: FrameConvention) -> list[FrameErrors]:
    def of(i: int, what: str) -> NDArray[Any]:
        return metrics[f"{data}_s{i}_{what}"]

    return [frame_errors(of(i, "gt"), of(i, "pred"), of(i, "visible"), convention=data) for i in range(3)]


@pytest.mark.parametrize("data", CONVENTIONS)
def test_frame_errors_match_the_published_code(metrics: Arrays, data: FrameConvention) -> None:
    for i, errors in enumerate(_errors(metrics, data)):
        for name, found in zip(("iou", "center", "center_norm", "valid"), errors, strict=True):
            np.testing.assert_allclose(found, metrics[f"{data}_s{i}_{name}"], rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("data", CONVENTIONS)
def test_curves_match_the_published_code(metrics: Arrays, data: FrameConvention) -> None:
    errors = _errors(metrics, data)
    success = np.mean([success_curve(e.iou) for e in errors], axis=0) * 100
    precision = np.mean([precision_curve(e.centre) for e in errors], axis=0) * 100
    norm = np.mean([precision_curve(e.centre_norm, NORM_THRESHOLDS) for e in errors], axis=0) * 100
    np.testing.assert_allclose(success, metrics[f"{data}_excl0_success_curve"][0], atol=1e-4)
    np.testing.assert_allclose(precision, metrics[f"{data}_excl0_precision_curve"][0], atol=1e-4)
    np.testing.assert_allclose(norm, metrics[f"{data}_excl0_norm_precision_curve"][0], atol=1e-4)
    reported = [success.mean(), success[10], success[15], precision[20], norm[20]]
    np.testing.assert_allclose(reported, metrics[f"{data}_excl0_AUC_OP50_OP75_P_NP"], atol=1e-4)


def test_thresholds(metrics: Arrays) -> None:
    np.testing.assert_allclose(SUCCESS_THRESHOLDS, metrics["threshold_overlap"], rtol=1e-15)
    np.testing.assert_array_equal(PRECISION_THRESHOLDS, metrics["threshold_center"])
    np.testing.assert_array_equal(NORM_THRESHOLDS, metrics["threshold_center_norm"])


def test_pooled_overlap_matches_the_got10k_toolkit(metrics: Arrays) -> None:
    each = []
    for i in range(3):
        truth = metrics[f"lasot_s{i}_gt"]
        predicted = metrics[f"lasot_s{i}_pred"][: len(truth)]
        each.append(got10k_overlaps(truth, predicted, metrics[f"lasot_s{i}_visible"], (640, 480)))
    pooled = np.concatenate(each)
    found = [pooled.mean(), (pooled > 0.5).mean(), (pooled > 0.75).mean()]
    np.testing.assert_allclose(found, metrics["got10k_AO_SR50_SR75"], atol=1e-7)
    np.testing.assert_allclose([o.mean() for o in each], metrics["got10k_per_seq_AO"], atol=1e-7)


def test_worked_by_hand() -> None:
    """Truth 10x10 at the origin, four frames.

    prediction      overlap          centre error   over w, h
    ignored         1                0              0
    (5, 0, 10, 10)  50/150 = 1/3     5              0.5
    (0, 2, 10, 10)  80/120 = 2/3     2              0.2
    (30, 40, ...)   0                50             5
    """
    truth = np.tile([0.0, 0, 10, 10], (4, 1))
    predicted = [[99, 99, 1, 1], [5, 0, 10, 10], [0, 2, 10, 10], [30, 40, 10, 10]]
    errors = frame_errors(truth, predicted)
    np.testing.assert_allclose(errors.iou, [1, 1 / 3, 2 / 3, 0])
    np.testing.assert_allclose(errors.centre, [0, 5, 2, 50])
    np.testing.assert_allclose(errors.centre_norm, [0, 0.5, 0.2, 5])
    # Overlap 1 passes the 20 thresholds below it, 1/3 those up to .30 (7), 2/3 those up to .65 (14), 0 none.
    assert success_curve(errors.iou).mean() == pytest.approx((20 + 7 + 14 + 0) / (4 * 21))
    np.testing.assert_array_equal(precision_curve(errors.centre)[[0, 2, 5, 20, 50]], [0.25, 0.5, 0.75, 0.75, 1])
    assert precision_curve(errors.centre_norm, NORM_THRESHOLDS)[20] == 0.5


def test_conventions_for_frames_without_the_object() -> None:
    truth = [[0, 0, 9, 9], [0, 0, 0, 0], [0, 0, 9, 9]]
    shown = [True, True, False]
    boxes = [[0, 0, 9, 9]] * 3
    lasot, otb, uav = (frame_errors(truth, boxes, shown, convention=c) for c in CONVENTIONS)
    np.testing.assert_array_equal(lasot.valid, [True, False, False])
    np.testing.assert_array_equal(lasot.iou, [1, -1, -1])
    np.testing.assert_array_equal(lasot.centre_norm, [0, -1, np.inf])
    np.testing.assert_array_equal(otb.centre, [0, np.inf, 0])
    np.testing.assert_array_equal(uav.centre, [0, -1, 0])


@pytest.mark.parametrize("bad", [[0, 0, -1, 5], [0, float("nan"), 5, 5]])
def test_broken_predictions_are_refused(bad: list[float]) -> None:
    with pytest.raises(CompressError, match="NaN or of negative size"):
        frame_errors([[0, 0, 5, 5]] * 2, [[0, 0, 5, 5], bad])


def test_too_few_predictions_are_refused_for_lasot() -> None:
    with pytest.raises(CompressError, match="3 boxes were wanted.*2"):
        frame_errors([[0, 0, 5, 5]] * 3, [[0, 0, 5, 5]] * 2)


def test_bootstrap_error() -> None:
    """The bootstrap of a mean tends to the population deviation over √n, and is the same every time."""
    values = np.random.default_rng(1).normal(0.5, 0.2, 40)
    assert bootstrap_error(values) == pytest.approx(values.std() / np.sqrt(40), rel=0.1)
    assert bootstrap_error(values) == bootstrap_error(values)
    assert bootstrap_error([0.4]) == 0
