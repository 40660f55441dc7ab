"""Bundles of adaptive trackers, in stages and as one graph, through all commands."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from compress.cli import main
from compress.core import CompressError, ExecutionPath, FileError
from compress.core.stages import stages
from compress.evaluate import evaluate, evaluation_summary
from compress.export import bundle as bundle_module
from compress.export import export_bundle
from compress.geometry import FrameTracker
from compress.models import NumpyNetwork, Tracker
from compress.runtime import BundleNetwork, open_bundle
from compress.runtime.manifest import file_entry
from compress.runtime.signatures import Form
from compress.testing.bundle_specs import ADAPTIVE, SPLIT

SPEC = ADAPTIVE["both"]


def _cli(*args: object) -> int:
    with pytest.raises(SystemExit) as stop:
        main([str(arg) for arg in args])
    return int(stop.value.code or 0)


@pytest.fixture(scope="module")
def exported(
    adaptive: Callable[[str], Tracker], square: Any, tmp_path_factory: pytest.TempPathFactory
) -> dict[Form, Path]:
    """One tracker as a bundle of either form."""
    folder, forms = tmp_path_factory.mktemp("bundles"), ("stages", "one")
    more: dict[str, Any] = {"sequence": square, "provenance": {"teacher": "random"}}
    return {form: export_bundle(adaptive("both"), folder / form, form=form, **more) for form in forms}  # type: ignore[misc]


@pytest.fixture(params=["stages", "one"])
def folder(request: pytest.FixtureRequest, exported: dict[Form, Path], tmp_path: Path) -> Path:
    return Path(shutil.copytree(exported[request.param], tmp_path / "bundle"))


@pytest.fixture
def staged(exported: dict[Form, Path], tmp_path: Path) -> Path:
    return Path(shutil.copytree(exported["stages"], tmp_path / "bundle"))


def _edit(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    path = folder / "bundle.json"
    manifest = json.loads(path.read_text())
    change(manifest)
    path.write_text(json.dumps(manifest))


def test_bundle_says_what_it_holds(folder: Path) -> None:
    bundle = open_bundle(folder)
    manifest = bundle.manifest
    graphs = {path.name for path in folder.iterdir()} - {"bundle.json"}
    assert set(bundle.graphs) == graphs == set(manifest["files"])
    assert manifest["format_version"] == 2
    assert manifest["thresholds"] == {"rho": 0.5, "tau": [0.5, 0.5]}
    assert manifest["decode"]["score"] == "exit"
    assert len(manifest["parity"]["paths"]) > 1
    assert len(manifest["selftest"]["paths"]) == 9
    if bundle.form == "one":
        assert graphs == {"template.onnx", "frame.onnx"}
        assert set(manifest["notes"]) == {"box", "score", "decisions"}
        return
    assert set(manifest["notes"]) == {"box", "score", "stages"}
    assert graphs >= {"template.onnx", "layers0-exit0.onnx", "layers1.onnx", "exit1.onnx", "head0.onnx", "head2.onnx"}
    assert [entry["graph"] for entry in manifest["stages"]] == [f"{stage.name}.onnx" for stage in stages(SPEC)]
    assert manifest["stages"][1] == {"graph": "layers1.onnx", "layers": [1], "gated": True, "exit": None}


def test_the_frame_loop_tells_path_and_score(
    exported: dict[Form, Path], adaptive: Callable[[str], Tracker], square: Any
) -> None:
    bundle = open_bundle(exported["stages"])
    networks = [BundleNetwork(open_bundle(place)) for place in exported.values()] + [NumpyNetwork(adaptive("both"))]
    trackers = [FrameTracker(network, bundle.settings) for network in networks]
    for tracker in trackers:
        tracker.start(square.frame(0), square.boxes[0])
    paths = set()
    for i in range(1, len(square)):
        first, *others = (tracker.update(square.frame(i)) for tracker in trackers)
        for other in others:
            assert other.path == first.path
            assert other.score == pytest.approx(first.score, abs=1e-5)
            np.testing.assert_allclose(other.box, first.box, atol=1e-2)
        exit = first.path and first.path.exit
        assert exit is not None
        assert exit == 2 or first.score > SPEC.exits[exit].tau
        paths.add(first.path)
    assert len(paths) > 1


def test_evaluation_counts_the_paths(exported: dict[Form, Path], square: Any) -> None:
    bundle = open_bundle(exported["stages"])
    square.visible = np.ones(len(square), dtype=bool)
    found = evaluate(BundleNetwork(bundle), bundle.settings, [square])
    told = {
        ExecutionPath(frozenset(row["skipped"]), row["exit"]): row["frames"]
        for row in bundle.manifest["parity"]["paths"]
    }
    assert found.paths == told
    assert sum(told.values()) == len(square) - 1
    assert json.loads(json.dumps(evaluation_summary(found)))["paths"] == bundle.manifest["parity"]["paths"]


@pytest.mark.parametrize("single", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_commands_from_run_to_track(
    single: bool, run: Path, data: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def said(*args: object) -> Any:
        assert _cli(*args) == 0
        return json.loads(capsys.readouterr().out)

    out, more = tmp_path / "b", ["--single-graph"] * single
    made = said("export", run, "--variant", "v003", "--out", out, "--data", data, "--json", *more)
    assert made["form"] == ("one" if single else "stages")
    verified = said("verify", out, "--against", run, "--data", data, "--json")
    assert (verified["frames"], verified["parity"]["path_mismatch"]) == (9, 0)
    assert verified["parity"]["paths"] == made["parity"]["paths"]
    scored = [said("evaluate", tracker, "--data", data, "--json") for tracker in (out, f"{run}:v003")]
    assert scored[0]["paths"] == scored[1]["paths"] == made["parity"]["paths"]
    assert scored[0]["mean_layers"] == pytest.approx(_mean_layers(made["parity"]["paths"]))
    video = data.removeprefix("folder:")
    tracked = said("track", out, "--video", video, "--out", tmp_path / "boxes.txt", "--json")
    for key in ("paths", "mean_layers", "exit_shares"):
        assert tracked[key] == scored[0][key]
    assert sum(tracked["exit_shares"]) == pytest.approx(1)
    assert _cli("track", out, "--video", video, "--out", tmp_path / "boxes.txt") == 0
    words = capsys.readouterr().out
    assert f"{tracked['mean_layers']:.1f} of 4 layers computed on average; exits taken: 0 by " in words
    assert _cli("evaluate", out, "--data", data) == 0
    assert "layers computed on average" in capsys.readouterr().out
    assert _cli("verify", out) == 0
    assert "execution paths the same over 9 frames" in capsys.readouterr().out


def _mean_layers(rows: list[dict[str, Any]]) -> float:
    ends = {0: 1, 1: 3, 2: 4}
    frames = sum(row["frames"] for row in rows)
    return sum((ends[row["exit"]] - len(row["skipped"])) * row["frames"] for row in rows) / frames


def test_a_static_tracker_tells_no_paths(
    run: Path, data: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    args = ("--variant", "v000", "--out", tmp_path / "b", "--data", data, "--single-graph", "--json")
    assert _cli("export", run, *args) == 0
    capsys.readouterr()
    assert _cli("evaluate", tmp_path / "b", "--data", data, "--json") == 0
    assert "paths" not in json.loads(capsys.readouterr().out)
    manifest = open_bundle(tmp_path / "b").manifest
    assert (manifest["format_version"], manifest["form"]) == (1, "one")
    assert not {"stages", "thresholds"} & set(manifest)


def test_gate_refuses_a_stage_of_other_weights(
    adaptive: Callable[[str], Tracker],
    lively: Callable[..., Tracker],
    square: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    right, wrong = (bundle_module.bundle_graphs(model, None) for model in (adaptive("both"), lively(SPEC, seed=3)))  # type: ignore[attr-defined]
    for name in ("layers2.onnx", "head1.onnx", "exit2.onnx"):
        monkeypatch.setattr(bundle_module, "bundle_graphs", lambda model, form, n=name: {**right, n: wrong[n]})
        with pytest.raises(CompressError, match="PyTorch and the exported graphs do not agree"):
            export_bundle(adaptive("both"), tmp_path / "b", sequence=square, provenance={})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["layers2.onnx", "layers0-exit0.onnx", "exit1.onnx", "head1.onnx", "template.onnx"])
def test_a_changed_or_missing_stage_is_refused(staged: Path, name: str) -> None:
    data = bytearray((staged / name).read_bytes())
    data[len(data) // 2] ^= 1
    (staged / name).write_bytes(data)
    with pytest.raises(FileError, match=rf"{name} is not the file that was exported"):
        open_bundle(staged)
    (staged / name).unlink()
    with pytest.raises(FileError, match=rf"{name} is missing"):
        open_bundle(staged)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda m: m["files"].update({"layers9.onnx": m["files"].pop("layers2.onnx")}), "its files must be template"),
        (lambda m: m["files"].update({"../layers2.onnx": m["files"].pop("layers2.onnx")}), "its files must be"),
        (lambda m: m["files"].update({"frame.onnx": m["files"]["layers2.onnx"]}), "its files must be"),
        (lambda m: m["files"].pop("head0.onnx"), "its files must be"),
        (lambda m: m.update(form="one"), r"its files must be template.onnx and frame.onnx"),
        (lambda m: m.pop("form"), r"its files must be template.onnx and frame.onnx"),
        (lambda m: m.update(form="two"), "form must be one of one, stages but is 'two'"),
        (lambda m: m.update(format_version=1), "its spec needs format 2 and not 1"),
        (lambda m: m["stages"].reverse(), "stages constants"),
        (lambda m: m["thresholds"].update(rho=0.9), "thresholds constants"),
        (lambda m: m["decode"].update(score="peak"), "decode constants"),
    ],
)
def test_a_manifest_of_other_stages_is_refused(
    staged: Path, change: Callable[[dict[str, Any]], object], message: str
) -> None:
    _edit(staged, change)
    with pytest.raises(FileError, match=message):
        open_bundle(staged)


def test_a_graph_in_the_place_of_another_is_refused_though_its_hash_fits(staged: Path) -> None:
    shutil.copyfile(staged / "exit2.onnx", staged / "layers1.onnx")
    _edit(staged, lambda m: m["files"].update({"layers1.onnx": file_entry(staged / "layers1.onnx")}))
    with pytest.raises(FileError, match=r"layers1.onnx is none that compress exports: its inputs are .*recycled"):
        BundleNetwork(open_bundle(staged))


def test_a_static_graph_is_never_taken_for_an_adaptive_one(
    exported: dict[Form, Path], lively: Callable[..., Tracker], tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(exported["one"], tmp_path / "bundle"))
    model = onnx.load(folder / "frame.onnx")
    for kind in ("bypass", "skipped", "scores", "exit"):
        model.graph.output.remove(next(value for value in model.graph.output if value.name == kind))
    onnx.save(model, folder / "frame.onnx")
    _edit(folder, lambda m: m["files"].update({"frame.onnx": file_entry(folder / "frame.onnx")}))
    with pytest.raises(FileError, match=r"frame.onnx is none that compress exports: its outputs are"):
        BundleNetwork(open_bundle(folder))
    for value in (*model.graph.input,):
        if value.name == "rho":
            model.graph.input.remove(value)
    onnx.save(model, folder / "frame.onnx")
    _edit(folder, lambda m: m["files"].update({"frame.onnx": file_entry(folder / "frame.onnx")}))
    with pytest.raises(FileError, match=r"frame.onnx is none that compress exports: (its inputs are|it uses .rho)"):
        BundleNetwork(open_bundle(folder))


def test_other_thresholds_need_no_other_graphs(folder: Path, square: Any) -> None:
    """The most careful tracker: nothing skipped, the last exit always."""
    exits = tuple(replace(each, tau=1.0) for each in SPEC.exits[:-1])
    careful = replace(SPEC, bypass=replace(SPEC.bypass, rho=1.0), exits=(*exits, SPEC.exits[-1]))
    assert careful.weights_id == SPEC.weights_id
    _edit(
        folder,
        lambda m: m.update(spec=careful.to_dict(), spec_id=careful.id, thresholds={"rho": 1.0, "tau": [1.0, 1.0]}),
    )
    bundle = open_bundle(folder)
    square.visible = np.ones(len(square), dtype=bool)
    assert evaluate(BundleNetwork(bundle), bundle.settings, [square]).paths == {
        ExecutionPath(frozenset(), 2): len(square) - 1
    }


def test_verify_notices_other_paths(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _cli("verify", folder) == 0
    _edit(folder, lambda m: m["selftest"]["paths"][3].update(exit=7))
    assert _cli("verify", folder) == 1
    assert "takes other layers or exits here than where it was exported, first on frame 4" in _err(capsys)
    # Frame 4 was near a threshold, so only the frames before it are compared.
    _edit(folder, lambda m: m["selftest"].update(tie_at=4))
    assert _cli("verify", folder, "--json") == 0
    assert json.loads(capsys.readouterr().out)["frames"] == 3
    for damaged in ({"tie_at": 0}, {"tie_at": "4"}, {"paths": None}, {"paths": [{}]}):  # type: ignore[var-annotated]
        _edit(folder, lambda m, damaged=damaged: m["selftest"].update(tie_at=None) or m["selftest"].update(damaged))
        assert _cli("verify", folder) == 1
        assert "paths in the bundle's self-test are damaged" in _err(capsys)


def _err(capsys: pytest.CaptureFixture[str]) -> str:
    return " ".join(capsys.readouterr().err.split())


def test_torch_is_never_imported(staged: Path, data: str, tmp_path: Path) -> None:
    boxes = ("--out", str(tmp_path / "boxes.txt"), "--draw", str(tmp_path / "drawn.mp4"))
    commands = [
        ["track", str(staged), "--video", data.removeprefix("folder:"), *boxes],
        ["verify", str(staged)],
        ["evaluate", str(staged), "--data", data, "--quiet", "--thresholds", "0.4,0.6"],
    ]
    code = f"""
import sys
from compress.cli import main
for words in {commands!r}:
    try:
        main(words)
    except SystemExit as stop:
        assert not stop.code, (words, stop.code)
found = {{"torch", "timm", "onnx", "pandas", "optuna", "ray"}} & set(sys.modules)
assert not found, found
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_bundles_replace_one_another_whole(
    adaptive: Callable[[str], Tracker], lively: Callable[..., Tracker], square: Any, tmp_path: Path
) -> None:
    models = (adaptive("both"), adaptive("exits"), lively(SPLIT))
    for model, first in zip(models, ("layers0-exit0.onnx", "layers0-exit0.onnx", "frame.onnx"), strict=True):
        out = export_bundle(model, tmp_path / "b", sequence=square, provenance={})
        bundle = open_bundle(out)
        assert bundle.spec == model.spec
        assert first in bundle.graphs
        assert {path.name for path in out.iterdir()} == {"bundle.json", *bundle.graphs}
    assert [path.name for path in tmp_path.iterdir()] == ["b"]
