"""The bundle of a cascade: what is in it, that it does what PyTorch does, and what of it is checked."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from compress.core import (
    ACCURATE_ASKED,
    FAST_ALONE,
    CompressError,
    FileError,
    HeadSpec,
    TrackerSpec,
    UsageError,
)
from compress.export import TrainedCascade, TrainedTracker, check_place, compare_cascade, export_bundle, export_cascade
from compress.geometry import CascadeNetwork, CascadeSettings, CascadeTracker
from compress.models import NumpyNetwork, Tracker
from compress.runtime import CascadeBundle, bundle_network, open_any_bundle, open_bundle, track
from compress.runtime.selftest import INIT, selftest_difference
from compress.testing.commands import exit_code
from compress.testing.shared import Shared
from compress.testing.trained_run import STATIC

WHOLE = replace(STATIC, head=HeadSpec(channels=32))
FAST = replace(WHOLE, layers=WHOLE.layers[:2])
WIDER = replace(WHOLE, search_size=96, search_factor=5.0)
"""Of another crop."""


Make = Callable[..., TrainedCascade]


@pytest.fixture(scope="session")
def source(lively: Callable[..., Tracker]) -> Make:
    """The cascade of two networks, at a threshold."""

    def made(threshold: float, accurate: TrackerSpec = WHOLE) -> TrainedCascade:
        models = lively(FAST), lively(accurate, seed=1)
        first, second = (TrainedTracker(model, name, {}) for model, name in zip(models, ("cut", "whole"), strict=True))
        return TrainedCascade(first, second, threshold, "both")

    return made


def _steps(network: Any, settings: Any, square: Any) -> list[Any]:
    return list(track(network, settings, map(square.frame, range(len(square))), INIT))[1:]


@pytest.fixture(scope="session")
def middle(square: Any, source: Make) -> float:
    """A threshold at which some of the first ten frames of `square` ask, and some do not."""
    made = source(0.5)
    networks = CascadeNetwork(NumpyNetwork(made.fast.model), NumpyNetwork(made.accurate.model))
    for threshold in np.linspace(0.6, 0.9, 31).round(3).tolist():
        tracker = CascadeTracker(networks, CascadeSettings.of(source(threshold).spec))
        tracker.start(square.frame(0), INIT)
        found = [tracker.update(square.frame(i)) for i in range(1, 10)]
        asked = sum(each.path == ACCURATE_ASKED for each in found)
        if 3 <= asked <= 6 and min(abs(float(each.fast_score or 0) - threshold) for each in found) > 2e-3:
            return float(threshold)
    raise AssertionError("no such threshold")


@pytest.fixture(scope="session")
def exported(middle: float, source: Make, square: Any, shared: Shared) -> Path:
    return shared.folder("cascade-bundle", lambda out: export_cascade(source(middle), out, sequence=square))


@pytest.fixture
def folder(exported: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(exported, tmp_path / "bundle"))


def _opened(folder: Path) -> CascadeBundle:
    bundle = open_any_bundle(folder)
    assert isinstance(bundle, CascadeBundle)
    return bundle


def _edit(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    path = folder / "bundle.json"
    manifest = json.loads(path.read_text())
    change(manifest)
    path.write_text(json.dumps(manifest))


def test_it_holds_both_trackers_and_the_rule(folder: Path, source: Make, middle: float) -> None:
    bundle = _opened(folder)
    assert bundle.spec == source(middle).spec
    assert (bundle.manifest["format_version"], bundle.manifest["threshold"]) == (3, middle)
    assert {path.name for path in folder.iterdir()} == {"fast", "accurate", "bundle.json"}
    assert [open_bundle(folder / name).spec for name in ("fast", "accurate")] == [FAST, WHOLE]
    parity = bundle.manifest["parity"]
    assert {row["exit"] for row in parity["paths"]} == {0, 1}
    assert set(parity["maps"]) == {f"{m} {n}_map" for m in ("fast", "accurate") for n in ("score", "size", "offset")}
    with pytest.raises(FileError, match="cascade of two trackers, and one tracker is wanted"):
        open_bundle(folder)


def test_it_follows_as_pytorch_does(folder: Path, source: Make, square: Any, middle: float) -> None:
    bundle, made = _opened(folder), source(middle)
    reference = CascadeNetwork(NumpyNetwork(made.fast.model), NumpyNetwork(made.accurate.model))
    found, wanted = (_steps(each, bundle.settings, square) for each in (bundle_network(bundle), reference))
    np.testing.assert_allclose([step.box for step in found], [step.box for step in wanted], atol=1e-2)
    assert [step.path for step in found] == [step.path for step in wanted]
    assert {step.path for step in found} == {FAST_ALONE, ACCURATE_ASKED}


@pytest.mark.parametrize("name", ["fast", "accurate"])
def test_other_weights_are_noticed(folder: Path, source: Make, square: Any, middle: float, name: str) -> None:
    other = source(middle)
    with torch.no_grad():
        for parameter in getattr(other, name).model.parameters():
            parameter.mul_(1.02)
    with pytest.raises(CompressError, match=rf"{name} \w+_map differs by"):
        compare_cascade(other, _opened(folder), square).check("They")


def _another_fast(folder: Path) -> None:
    shutil.rmtree(folder / "fast")
    shutil.copytree(folder / "accurate", folder / "fast")


def _link(folder: Path) -> None:
    (folder / "fast").rename(folder.parent / "elsewhere")
    (folder / "fast").symlink_to(folder.parent / "elsewhere")


def _graph(folder: Path) -> None:
    path = folder / "accurate" / "frame.onnx"
    path.write_bytes(path.read_bytes()[:-1] + b"x")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda f: _edit(f, lambda m: m.update(threshold=0.25)), "trackers and threshold have the id"),
        (lambda f: _edit(f, lambda m: m.update(threshold=2)), "threshold must be in"),
        (lambda f: _edit(f, lambda m: m.update(name="")), "name must be"),
        (lambda f: _edit(f, lambda m: m["files"].pop("fast/bundle.json")), "files must be"),
        (lambda f: _edit(f, lambda m: m["files"].update({"../x": m["files"]["fast/bundle.json"]})), "files must be"),
        (_another_fast, "fast/bundle.json is not the file that was exported"),
        (_link, "fast is a link"),
        (_graph, "frame.onnx is not the file that was exported"),
        (lambda f: shutil.rmtree(f / "accurate"), "accurate/bundle.json is missing"),
    ],
)
def test_what_was_changed_is_refused(folder: Path, change: Callable[[Path], object], message: str) -> None:
    change(folder)
    with pytest.raises(FileError, match=message):
        open_any_bundle(folder)


def test_only_a_bundle_is_replaced(folder: Path, source: Make, square: Any, middle: float) -> None:
    (folder / "fast" / "mine.txt").touch()
    with pytest.raises(UsageError, match=r"not only a bundle \(fast\)"):
        export_cascade(source(middle), folder, sequence=square)
    (folder / "fast" / "mine.txt").unlink()
    inner = Path(shutil.copytree(folder, folder.parent / "inner"))
    (folder / "fast").rename(folder.parent / "fast")
    inner.rename(folder / "fast")  # a cascade in a cascade
    with pytest.raises(UsageError, match=r"not only a bundle \(fast\)"):
        check_place(folder)
    shutil.rmtree(folder / "fast")
    (folder.parent / "fast").rename(folder / "fast")
    export_bundle(source(middle).fast.model, folder, sequence=square, provenance={})
    assert open_bundle(folder).spec == FAST


def test_commands_take_it(
    folder: Path, data: str, tmp_path: Path, said: Callable[..., Any], capsys: pytest.CaptureFixture[str]
) -> None:
    """Tracked, evaluated and verified, it asks about the same frames."""
    video, out = data.removeprefix("folder:"), tmp_path / "boxes.txt"
    tracked = said("track", folder, "--video", video, "--out", out)
    assert 0 < tracked["asked"] < 9
    assert sum(row["frames"] for row in tracked["paths"]) == 9
    results = tmp_path / "results"
    evaluated = said("evaluate", folder, "--data", data, "--results", results)
    again = said("evaluate", folder, "--data", data, "--results", results, "--resume")
    assert tracked["asked"] == evaluated["asked"] == again["asked"]
    assert said("verify", folder)["frames"] == 9
    assert exit_code("track", folder, "--video", video, "--out", out, "--draw", tmp_path / "drawn.mp4") == 0
    assert f"The accurate tracker was asked on {tracked['asked']} of 9 frames" in capsys.readouterr().out
    assert exit_code("verify", folder, "--weights", "weights.safetensors") == 2
    assert "Name their tracker, or the cascade's run: --against" in capsys.readouterr().err
    assert exit_code("evaluate", folder, "--data", data, "--thresholds", "0.5") == 2
    assert "A cascade comes with" in capsys.readouterr().err


def test_a_self_test_that_asks_elsewhere_is_noticed(folder: Path) -> None:
    bundle = _opened(folder)
    record = bundle.manifest["selftest"]
    flipped = record | {"paths": [{**row, "exit": 1 - row["exit"]} for row in record["paths"]], "tie_at": None}
    whole = record | {"tie_at": None}
    found = [
        selftest_difference(each, bundle_network(bundle), bundle.settings, bundle.spec) for each in (whole, flipped)
    ]
    assert [each.path_mismatch for each in found] == [None, 1]
    assert found[0].box_px < 0.1


@pytest.mark.slow
def test_trackers_of_different_crops(source: Make, square: Any, middle: float, tmp_path: Path) -> None:
    out = export_cascade(source(middle, WIDER), tmp_path / "bundle", sequence=square)
    assert _opened(out).manifest["parity"]["path_mismatch"] == 0
    assert exit_code("verify", out) == 0
