"""OTB, UAV123, NfS, TNL2K and VOT in their official layouts."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from compress.testing.recorded_layouts.frames import (
    Boxes,
    Expected,
    Layout,
    grey_of,
    moving,
    write_boxes,
    write_frames,
)


def write_otb(root: Path) -> Layout:
    """Football1 with frames beyond its end, two objects of Jogging, and Tiger1, which starts late; three separators."""
    one = np.array([1.0, 1, 0, 0])
    football, jogging, tiger = moving(74), moving(307, 0.5), moving(354)
    write_frames(root / "Football1" / "img", range(1, 80), 4)
    truth = write_boxes(root / "Football1" / "groundtruth_rect.txt", football + one, "\t")
    write_frames(root / "Jogging" / "img", range(1, 308), 4)
    write_boxes(root / "Jogging" / "groundtruth_rect.1.txt", jogging + one, ",")
    write_boxes(root / "Jogging" / "groundtruth_rect.2.txt", jogging[::-1] + one, " ")
    write_frames(root / "Tiger1" / "img", range(1, 355), 4)
    write_boxes(root / "Tiger1" / "groundtruth_rect.txt", tiger + one)
    runner = frozenset({"OCC", "DEF", "OPR"})
    return Layout(
        f"otb:{root}",
        {
            "Football1": Expected(football, grey_of(1), frozenset({"IPR", "OPR", "BC"})),
            "Jogging-1": Expected(jogging, grey_of(1), runner),
            "Jogging-2": Expected(jogging[::-1], grey_of(1), runner),
            "Tiger1": Expected(tiger[5:], grey_of(6), frozenset({"IV", "OCC", "DEF", "MB", "FM", "IPR", "OPR"})),
        },
        (truth, "12\t13\t", "14\t13\t"),
        root / "Football1" / "img" / "0001.jpg",
        "0001.jpg",
    )


def write_uav123(root: Path) -> Layout:
    """Two parts of truck4, which share a frame, and uav6, in which the object is away for a frame."""
    truck, plane = moving(1261), moving(109)
    plane[40] = 0
    write_frames(root / "data_seq" / "UAV123" / "truck4", range(1, 1262), 6)
    write_frames(root / "data_seq" / "UAV123" / "uav6", range(1, 110), 6)
    anno = root / "anno" / "UAV123"
    write_boxes(anno / "truck4_1.txt", truck[:577])
    write_boxes(anno / "truck4_2.txt", truck[576:])
    truth = write_boxes(anno / "uav6.txt", plane, absent="NaN,NaN,NaN,NaN")
    (anno / "att").mkdir()
    (anno / "att" / "uav6.txt").write_text("1,0,0,0,1,0,0,0,0,0,0,1\n")
    return Layout(
        f"uav123:{root}",
        {
            "truck4_1": Expected(truck[:577], grey_of(1)),
            "truck4_2": Expected(truck[576:], grey_of(577)),
            "uav6": Expected(plane, grey_of(1), frozenset({"SV", "FOC", "SOB"})),
        },
        (truth, "12,12,", "13,12,"),
        root / "data_seq" / "UAV123" / "truck4" / "000577.jpg",
        "000577.jpg",
    )


def write_nfs(root: Path) -> Layout:
    """Sequences of 9 and 22 frames, annotated at 240 frames per second; the second lacks the last frame's line."""
    airboard, jumping = moving(9), np.vstack([moving(21), np.zeros(4)])
    airboard[3] = 0
    truth = _write_nfs(root, "airboard_1", airboard, 72)
    _write_nfs(root, "car_jumping", jumping, 168)
    return Layout(
        f"nfs:{root}",
        {"airboard_1": Expected(airboard, grey_of(1)), "car_jumping": Expected(jumping, grey_of(1))},
        (truth, "0 11 12 35 32 9", "0 12 12 36 32 9"),
        root / "airboard_1" / "30" / "airboard_1",
        "airboard_1",
    )


def _write_nfs(root: Path, name: str, boxes: Boxes, lines: int) -> Path:
    write_frames(root / name / "30" / name, range(1, len(boxes) + 1), 5)
    rows = []
    for line in range(lines):
        x, y, w, h = boxes[line // 8] if line % 8 == 0 else (1, 1, 2, 2)
        rows.append(f'0 {x:g} {y:g} {x + w:g} {y + h:g} {line + 1} {0 if w else 1} 0 1 "ball"')
    path = root / name / "30" / f"{name}.txt"
    path.write_text("\n".join(rows) + "\n")
    return path


def write_tnl2k(root: Path) -> Layout:
    """Two test sequences of PNG files, one absent in a frame, and one to train on."""
    tall, wide = moving(11), moving(5)
    wide[2] = 0
    test = root / "TNL2K_test_subset"
    for name, boxes in (("BianLian_video_03_done", tall), ("Bullet_video_08_done", wide)):
        write_frames(test / name / "imgs", range(1, len(boxes) + 1), 1, ".png")
        write_boxes(test / name / "groundtruth.txt", boxes)
        (test / name / "language.txt").write_text("the face\n")
    write_frames(root / "TNL2K_train_subset_p1" / "Arrow_video_ZZ04_done" / "imgs", range(1, 4), 8)
    write_boxes(root / "TNL2K_train_subset_p1" / "Arrow_video_ZZ04_done" / "groundtruth.txt", moving(3))
    (root / "annos" / "att").mkdir(parents=True)
    flags = ",".join("1" if place in (0, 16) else "0" for place in range(17))
    (root / "annos" / "att" / "Bullet_video_08_done_attribute.txt").write_text(flags)
    return Layout(
        f"tnl2k:{root}",
        {
            "BianLian_video_03_done": Expected(tall, grey_of(1)),
            "Bullet_video_08_done": Expected(wide, grey_of(1), frozenset({"CM", "MS"})),
        },
        (test / "Bullet_video_08_done" / "groundtruth.txt", "11,12,", "13,12,"),
        test / "BianLian_video_03_done" / "imgs" / "10.png",
        "BianLian_video_03_done",
    )


def write_vot(root: Path) -> Layout:
    """Rectangles with tags, polygons with the last lines missing, and masks; in another order than by name."""
    rectangles, polygons, masks = moving(6), moving(6), moving(3)
    rectangles[2] = 0
    for name, count, inner in (("graduate", 6, ""), ("ants1", 6, "color"), ("zebrafish1", 3, "color")):
        write_frames(root / name / inner, range(1, count + 1), 8)
    truth = write_boxes(root / "graduate" / "groundtruth.txt", rectangles, absent="nan,nan,nan,nan")
    x, y, w, h = polygons[:4].T
    corners = np.stack([x, y + h / 2, x + w / 2, y, x + w, y + h / 2, x + w / 2, y + h], axis=1)
    write_boxes(root / "ants1" / "groundtruth.txt", corners)
    polygons[4:] = 0
    runs = [f"m{x - 2:g},{y - 1:g},30,22,{','.join(['32', '24', *(['6', '24'] * 19)])}" for x, y, _, _ in masks]
    (root / "zebrafish1" / "groundtruth.txt").write_text("\n".join(runs) + "\n")
    (root / "graduate" / "occlusion.tag").write_text("0\n1\n0\n")
    (root / "graduate" / "camera_motion.tag").write_text("0\n0\n0\n0\n0\n0\n")
    (root / "list.txt").write_text("graduate\nants1\nzebrafish1\n")
    return Layout(
        f"vot:{root}",
        {
            "graduate": Expected(rectangles, grey_of(1), frozenset({"occlusion"})),
            "ants1": Expected(polygons, grey_of(1)),
            "zebrafish1": Expected(masks, grey_of(1)),
        },
        (truth, "11,12,", "13,12,"),
        root / "ants1" / "groundtruth.txt",
        "ants1",
    )
