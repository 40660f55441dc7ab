"""Each convention gives what the published code of its data set gives for the same boxes."""

from __future__ import annotations

import os
import sys
import types
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from compress.core import UsageError
from compress.evaluate.conventions import CONVENTIONS, Figures
from compress.evaluate.regions import region_overlap

Arrays = dict[str, NDArray[Any]]


@pytest.fixture(scope="module")
def toolkits() -> Arrays:
    """Boxes, and what the GOT-10k toolkit 0.1.3 and the VOT toolkit 0.9.0 say of them."""
    with np.load(Path(__file__).parents[1] / "data" / "toolkits.npz") as arrays:
        return dict(arrays)


def _case(truth: Any, predicted: Any, visible: Any = None, size: tuple[int, int] = (320, 240)) -> tuple[Any, Any]:
    truth = np.asarray(truth, dtype=float)
    visible = np.ones(len(truth), dtype=bool) if visible is None else np.asarray(visible, dtype=bool)
    return (
        SimpleNamespace(boxes=truth, visible=visible),
        SimpleNamespace(boxes=np.asarray(predicted, dtype=float), size=size),
    )


def _figures(name: str, *cases: tuple[Any, Any]) -> Figures:
    convention = CONVENTIONS[name]
    return convention.figures([convention.measure(*case) for case in cases])


def _cases(toolkits: Arrays) -> list[tuple[Any, Any]]:
    return [_case(toolkits[f"truth{i}"], toolkits[f"predicted{i}"], toolkits[f"cover{i}"] > 0) for i in range(3)]


@pytest.mark.parametrize(("name", "data"), [("lasot", "lasot"), ("otb", "otb"), ("uav123", "uav")])
def test_one_pass_figures_are_those_of_pytracking(metrics: Arrays, name: str, data: str) -> None:
    cases = []
    for i in range(3):
        truth, predicted = metrics[f"{data}_s{i}_gt"], metrics[f"{data}_s{i}_pred"]
        cases.append(_case(truth, predicted, metrics[f"{data}_s{i}_visible"]))
    found = _figures(name, *cases)
    names = ("success_auc", "success50", "success75", "precision20", "pnorm20")
    wanted = metrics[f"{data}_excl0_AUC_OP50_OP75_P_NP"] / 100
    np.testing.assert_allclose([found.values[each] for each in names], wanted, atol=1e-6)
    for curve in found.curves:
        reference = metrics[f"{data}_excl0_{curve.name}_curve"] if curve.name != "norm_precision" else None
        if reference is not None:
            np.testing.assert_allclose(curve.y, reference[0] / 100, atol=1e-6)


def test_got10k_is_the_toolkits(toolkits: Arrays) -> None:
    """Some boxes leave the frame, where the toolkit moves them in."""
    cases = _cases(toolkits)
    found = _figures("got10k", *cases)
    np.testing.assert_allclose([found.values["ao"], found.values["sr50"]], toolkits["got10k_ao_sr50"], atol=1e-12)
    np.testing.assert_allclose(found.curves[0].y, toolkits["got10k_curve"], atol=1e-12)
    assert found.values["sr75"] == found.curves[0].y[75]
    each = [_figures("got10k", case).values["ao"] for case in cases]
    np.testing.assert_allclose(each, toolkits["got10k_sequence_ao"], atol=1e-12)


def test_got10k_is_that_of_the_description(metrics: Arrays) -> None:
    cases = []
    for i in range(3):
        truth = metrics[f"lasot_s{i}_gt"]
        predicted = metrics[f"lasot_s{i}_pred"][: len(truth)]
        cases.append(_case(truth, predicted, metrics[f"lasot_s{i}_visible"], (640, 480)))
    found = _figures("got10k", *cases).values
    np.testing.assert_allclose(list(found.values()), metrics["got10k_AO_SR50_SR75"], atol=1e-7)


def test_otb_is_the_got10k_toolkits_too(toolkits: Arrays) -> None:
    found = _figures("otb", *_cases(toolkits))
    np.testing.assert_allclose(found.curves[0].y, toolkits["otb_success"], atol=1e-12)
    np.testing.assert_allclose(found.curves[1].y, toolkits["otb_precision"], atol=1e-12)


def test_absent_frames_of_lasot_and_its_extension() -> None:
    """Of four perfect frames one is not visible: missed in all by LaSOT, a hit in normalised precision by the other."""
    case = _case([[9, 9, 20, 20]] * 4, [[9, 9, 20, 20]] * 4, [True, True, False, True])
    lasot, extension = _figures("lasot", case).values, _figures("lasot-ext", case).values
    assert (lasot["precision20"], lasot["pnorm20"]) == (0.75, 0.75)
    assert (extension["precision20"], extension["pnorm20"]) == (0.75, 1.0)
    assert lasot["success_auc"] == extension["success_auc"] == pytest.approx(0.75 * 20 / 21)


def test_pytracking_sees_whole_pixels() -> None:
    """Cut to whole pixels the second box is the true one; as found, it overlaps by 0.68."""
    case = _case([[10, 10, 20, 10]] * 2, [[10, 10, 20, 10], [10.9, 10.9, 20.9, 10.9]])
    assert _figures("pytracking", case).values["success75"] == 1
    assert _figures("lasot", case).values["success75"] == 0.5


def test_trackingnet_is_its_servers() -> None:
    """Against the server's steps one by one: rounded, first box true, 21 thresholds, areas by trapezoids."""
    rng = np.random.default_rng(3)
    truth = np.concatenate([rng.uniform(20, 90, (30, 2)), rng.uniform(20, 50, (30, 2))], axis=1)
    predicted = truth + rng.normal(0, 9, (30, 4))
    truth[7] = 0
    t, p = np.round(truth), np.round(predicted)
    p[0] = t[0]
    overlaps, errors, norms = [], [], []
    for (x, y, w, h), (u, v, a, b) in zip(t, p, strict=True):
        inner = max(0, min(x + w, u + a) - max(x, u)) * max(0, min(y + h, v + b) - max(y, v))
        overlaps.append(inner / (w * h + a * b - inner))
        dx, dy = x + w / 2 - u - a / 2, y + h / 2 - v - b / 2
        errors.append(np.hypot(dx, dy) if w else np.inf)
        norms.append(np.hypot(dx / w, dy / h) if w else np.inf)
    steps = np.linspace(0, 1, 21)
    curves = (
        [np.mean(np.array(overlaps) > s) for s in steps],
        [np.mean(np.array(errors) <= 50 * s) for s in steps],
        [np.mean(np.array(norms) <= 0.5 * s) for s in steps],
    )
    wanted = [np.trapezoid(curve, steps) for curve in curves]
    assert list(_figures("trackingnet", _case(truth, predicted)).values.values()) == pytest.approx(wanted)


def test_regions_overlap_as_in_the_vot_toolkit(toolkits: Arrays) -> None:
    width, height = toolkits["vot_size"].tolist()
    for row, wanted in zip(toolkits["vot_regions"], toolkits["vot_overlaps"], strict=True):
        polygon, found, box = row[:8], row[8:12], row[12:]
        assert region_overlap(polygon, found, (width, height)) == wanted[0]
        assert region_overlap(found, box, (width, height)) == wanted[1]


def test_a_triangle_on_pixels() -> None:
    """A polygon takes the pixels of its edges with it: 15, of which 12 are among the 15 of the rectangle 0,0,3,5.

    #....
    ##...
    ###..
    ####.
    #####
    """
    assert region_overlap([0, 0, 0, 4, 4, 4], [0, 0, 3, 5], (9, 9)) == 12 / 18
    assert region_overlap([0, 0, 5, 5], [7, 7, 9, 9], (9, 9)) == 0
    with pytest.raises(UsageError, match="x,y,w,h or x1,y1"):
        region_overlap([1, 2, 3, 4, 5, 6, 7], [0, 0, 1, 1], (9, 9))


def test_vot_leaves_ten_frames_out() -> None:
    """Of twelve frames the last two count: overlaps 1 and, in a frame whose truth is a polygon of half, less."""
    truth = np.tile([0.0, 0, 10, 10], (12, 1))
    sequence, run = _case(truth, truth)
    assert _figures("vot", (sequence, run)).values == {"accuracy": 1.0}
    sequence.polygons = [[0, 0, 10, 10]] * 11 + [[0, 0, 0, 9, 9, 9]]
    assert _figures("vot", (sequence, run)).values["accuracy"] == pytest.approx((1 + 0.55) / 2)
    longer = _case(np.tile(truth, (2, 1)), np.tile([50.0, 50, 9, 9], (24, 1)))
    both = _figures("vot", (sequence, run), longer)
    assert both.values["accuracy"] == pytest.approx((1 + 0.55) / 2 * 12 / 36)
    assert both.curves[0].y[-1] == pytest.approx(10 / 12 / 2)  # the first frame is given, not found


def test_frames_that_do_not_count() -> None:
    lone = _case([[0, 0, 9, 9]], [[0, 0, 9, 9]])
    assert np.isnan(_figures("got10k", lone).values["ao"])
    assert _figures("vot", lone).values["accuracy"] == 0


@pytest.mark.slow
def test_the_toolkit_itself_agrees(toolkits: Arrays, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The toolkit from the package index, where it is installed or COMPRESS_GOT10K names where, on files as written."""
    if place := os.environ.get("COMPRESS_GOT10K"):
        monkeypatch.syspath_prepend(place)
    monkeypatch.setitem(sys.modules, "wget", types.ModuleType("wget"))
    experiments = pytest.importorskip("got10k.experiments")
    from compress.evaluate.formats import FORMATS

    names = [f"GOT-10k_Val_{k + 1:06d}" for k in range(3)]
    (tmp_path / "val").mkdir()
    (tmp_path / "val" / "list.txt").write_text("\n".join(names) + "\n")
    for k, name in enumerate(names):
        truth, folder = toolkits[f"truth{k}"], tmp_path / "val" / name
        folder.mkdir()
        np.savetxt(folder / "groundtruth.txt", truth, fmt="%.4f", delimiter=",")
        for label in ("absence", "cut_by_image"):
            np.savetxt(folder / f"{label}.label", np.zeros(len(truth)), fmt="%d")
        np.savetxt(folder / "cover.label", toolkits[f"cover{k}"], fmt="%d")
        (folder / "meta_info.ini").write_text("[METAINFO]\nresolution: (320, 240)\n")
        for index in range(len(truth)):
            (folder / f"{index + 1:08d}.jpg").touch()
        times = np.full(len(truth), 0.01)
        for path, text in FORMATS["got10k"].contents(name, toolkits[f"predicted{k}"], times).items():
            place_of = tmp_path / "results" / "GOT-10k" / "T" / path
            place_of.parent.mkdir(parents=True, exist_ok=True)
            place_of.write_text(text)
    found = experiments.ExperimentGOT10k(
        str(tmp_path), subset="val", result_dir=str(tmp_path / "results"), report_dir=str(tmp_path / "reports")
    )
    monkeypatch.setattr(found, "plot_curves", lambda *_: None)
    overall = found.report(["T"])["T"]["overall"]
    ours = _figures("got10k", *_cases(toolkits))
    assert overall["ao"] == pytest.approx(ours.values["ao"], abs=1e-12)
    assert overall["succ_curve"] == pytest.approx(ours.curves[0].y.tolist(), abs=1e-12)
    assert overall["speed_fps"] == pytest.approx(100)
