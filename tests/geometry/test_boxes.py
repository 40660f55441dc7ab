import numpy as np
import pytest

from compress.core import UsageError
from compress.geometry import check_box, clip_boxes, cxcywh_to_xywh, iou, xywh_to_cxcywh, xywh_to_xyxy, xyxy_to_xywh


def test_iou_worked_by_hand() -> None:
    """4x4 squares sharing 2x2 overlap by 4 / (16 + 16 - 4); touching ones by nothing."""
    a = [[0, 0, 4, 4], [0, 0, 4, 4], [0, 0, 4, 4], [1, 1, 0, 0]]
    b = [[2, 2, 4, 4], [4, 0, 4, 4], [0, 0, 4, 4], [1, 1, 0, 0]]
    np.testing.assert_allclose(iou(a, b), [4 / 28, 0, 1, 0])


def test_conversions_go_there_and_back() -> None:
    boxes = np.array([[3.0, 5.0, 10.0, 4.0], [-2.0, 0.5, 1.0, 7.0]])
    np.testing.assert_array_equal(xywh_to_xyxy(boxes), [[3, 5, 13, 9], [-2, 0.5, -1, 7.5]])
    np.testing.assert_array_equal(xywh_to_cxcywh(boxes)[0], [8, 7, 10, 4])
    np.testing.assert_array_equal(xyxy_to_xywh(xywh_to_xyxy(boxes)), boxes)
    np.testing.assert_array_equal(cxcywh_to_xywh(xywh_to_cxcywh(boxes)), boxes)


def test_clip_boxes_keeps_what_lies_inside() -> None:
    clipped = clip_boxes([[-5, 2, 10, 20], [50, 50, 5, 5]], 30, 12)
    np.testing.assert_array_equal(clipped, [[0, 2, 5, 10], [30, 12, 0, 0]])


@pytest.mark.parametrize(
    "box",
    [
        (640, 10, 20, 20),
        (-20, 10, 20, 20),
        (10, 480, 5, 5),
        (10, 10, 0, 20),
        (10, 10, 20, -1),
        (10, 10, 0.5, 0.5),
        (1e-300, 1e-300, 1e-300, 1e-300),
        (float("nan"), 0, 5, 5),
        (0, 0, float("inf"), 5),
        (0, 0, 1e9, 5),
        (1, 2, 3),
        (),
    ],
)
def test_an_unusable_initial_box_is_refused_with_the_frame_size(box: tuple[float, ...]) -> None:
    with pytest.raises(UsageError, match="640x480") as caught:
        check_box(box, 640, 480)
    assert caught.value.exit_code == 2
    if box:
        assert f"{box[0]:g}" in str(caught.value)


def test_a_box_partly_outside_is_accepted() -> None:
    np.testing.assert_array_equal(check_box((-10, 470, 20, 30), 640, 480), [-10, 470, 20, 30])
