"""Bundles: written whole, agreeing with PyTorch, replacing only bundles."""

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from compress.cli import main
from compress.core import CompressError, TrackerSpec, UsageError, describe
from compress.export import bundle as bundle_module
from compress.export import compare, export_bundle
from compress.models import NumpyNetwork, Tracker
from compress.models.checkpoints.weights import save_weights
from compress.runtime import BundleNetwork, open_bundle
from compress.runtime.selftest import INIT, selftest_frames
from compress.testing.bundle_specs import MIXFORMER
from compress.testing.bundle_specs import SPLIT as SMALL

Lively = Callable[..., Tracker]
FRAMES = selftest_frames(seed=5)


class Square(SimpleNamespace):
    def __len__(self) -> int:
        return len(FRAMES)


SQUARE = Square(name="square", boxes=np.array([INIT] * len(FRAMES)), frame=FRAMES.__getitem__)


def _export(model: Tracker, out: Path, **more: object) -> Path:
    return export_bundle(model, out, sequence=SQUARE, provenance={"teacher": "random"}, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize("spec", [SMALL, describe("ostrack-nano")], ids=["split-token", "ostrack-nano"])
def test_bundle_follows_as_pytorch_does(spec: TrackerSpec, lively: Lively, tmp_path: Path) -> None:
    model = lively(spec)
    bundle = open_bundle(_export(model, tmp_path / "b", threads=2))
    assert bundle.spec == spec
    assert bundle.threads == 2
    parity = compare(NumpyNetwork(model), BundleNetwork(bundle), bundle.settings, SQUARE)
    assert parity.problems() == []
    assert parity.frames == len(FRAMES) - 1
    assert sorted(path.name for path in (tmp_path / "b").iterdir()) == ["bundle.json", "frame.onnx", "template.onnx"]
    assert [path.name for path in tmp_path.iterdir()] == ["b"]


def test_gate_refuses_other_weights_and_leaves_the_old_bundle(
    lively: Lively, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = _export(lively(SMALL), tmp_path / "b")
    before = (out / "bundle.json").read_bytes()
    wrong = bundle_module.bundle_graphs(lively(SMALL, seed=1))  # type: ignore[attr-defined]
    monkeypatch.setattr(bundle_module, "bundle_graphs", lambda model, form: wrong)
    with pytest.raises(CompressError, match="PyTorch and the exported graphs do not agree"):
        _export(lively(SMALL), out)
    with pytest.raises(CompressError, match="do not agree"):
        _export(lively(SMALL), tmp_path / "new")
    assert (out / "bundle.json").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["b"]


def test_old_bundle_is_replaced_whole(lively: Lively, tmp_path: Path) -> None:
    _export(lively(SMALL), tmp_path / "b", name="old")
    _export(lively(SMALL, seed=1), tmp_path / "b", name="new")
    assert open_bundle(tmp_path / "b").name == "new"
    assert [path.name for path in tmp_path.iterdir()] == ["b"]
    (tmp_path / "link").symlink_to("b")
    _export(lively(SMALL), tmp_path / "link", name="through a link")
    assert open_bundle(tmp_path / "b").name == "through a link"
    assert (tmp_path / "link").is_symlink()


def test_what_is_no_bundle_is_never_replaced(lively: Lively, tmp_path: Path) -> None:
    model = lively(SMALL)
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.tex").write_text("years of work")
    (tmp_path / "file").write_text("x")
    (tmp_path / "link").symlink_to(tmp_path / "thesis")
    for name in ("thesis", "file", "link"):
        with pytest.raises(UsageError, match="Choose another place"):
            _export(model, tmp_path / name)
    out = _export(model, tmp_path / "b")
    (out / "notes.txt").write_text("mine")
    with pytest.raises(UsageError, match=r"notes.txt"):
        _export(model, out)
    assert (tmp_path / "thesis" / "chapter.tex").read_text() == "years of work"


def test_failure_while_moving_brings_the_old_bundle_back(
    lively: Lively, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = _export(lively(SMALL), tmp_path / "b", name="old")
    rename = Path.rename

    def failing(self: Path, target: Path) -> Path:
        if self.name == "new":
            raise OSError(28, "No space left on device")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", failing)
    with pytest.raises(OSError, match="No space"):
        _export(lively(SMALL, seed=1), out, name="new")
    assert open_bundle(out).name == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["b"]


def _cli(*args: object) -> int:
    with pytest.raises(SystemExit) as stop:
        main([str(arg) for arg in args])
    return int(stop.value.code or 0)


@pytest.fixture
def teacher(lively: Lively, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tracker:
    """`ostrack-nano` with random weights, found where a user's own weights lie."""
    from compress.models import create

    model = lively(describe("ostrack-nano"))
    monkeypatch.setattr(create, "_SHIPPED", tmp_path / "none")
    monkeypatch.setenv("COMPRESS_HOME", str(tmp_path / "home"))
    save_weights(model, tmp_path / "home" / "weights" / "ostrack-nano.safetensors")
    return model


def test_commands_export_and_verify_a_teacher(
    teacher: Tracker, data: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "b"
    assert _cli("export", "ostrack-nano", "--out", out, "--data", data) == 0
    assert "PyTorch and onnxruntime agree" in capsys.readouterr().out
    assert _cli("verify", out, "--against", "ostrack-nano", "--data", data, "--json") == 0
    result = json.loads(capsys.readouterr().out)
    assert result["box_px"] < 0.01
    assert result["parity"]["mean_iou"] > 0.999
    with torch.no_grad():
        teacher.box_head.conv5_size.bias.add_(1.0)
    save_weights(teacher, tmp_path / "home" / "weights" / "ostrack-nano.safetensors")
    assert _cli("verify", out) == 0
    assert _cli("verify", out, "--against", "ostrack-nano", "--data", data) == 1
    assert "size_map differs" in capsys.readouterr().err


def test_verify_notices_other_boxes(lively: Lively, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = _export(lively(SMALL), tmp_path / "b")
    manifest = json.loads((out / "bundle.json").read_text())
    manifest["selftest"]["boxes"][4][0] += 3
    (out / "bundle.json").write_text(json.dumps(manifest))
    assert _cli("verify", out) == 1
    assert "differ by 3.00 px" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("args", "code", "message"),
    [
        (("ostrack-nanno",), 2, "Did you mean ostrack-nano"),
        (("ostrack-nano", "--variant", "v001"), 2, "has no variant"),
        (("results/none",), 1, "no run directory"),
        ((".",), 1, "not a run directory"),
    ],
)
def test_sources_that_do_not_exist(
    args: tuple[str, ...], code: int, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _cli("export", *args, "--out", tmp_path / "b") == code
    assert message in capsys.readouterr().err
    assert not (tmp_path / "b").exists()


@pytest.mark.slow  # those of a teacher run in the default tier, and graphs of variants are compared there
def test_commands_export_and_verify_a_variant(
    run: Path, data: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "b"
    assert _cli("export", run, "--variant", "v000", "--out", out, "--data", data, "--json") == 0
    assert json.loads(capsys.readouterr().out)["spec_id"] == SMALL.id
    manifest = open_bundle(out).manifest
    assert manifest["name"] == "run-v000"
    assert manifest["provenance"] == {"run": "run", "variant": "v000", "teacher": "ostrack-nano", "fidelity": "full"}
    assert (manifest["accuracy"]["ao"], manifest["latency"]["provenance"]) == (0.5, "measured")
    assert _cli("verify", out, "--against", run, "--data", data) == 0
    assert "PyTorch agrees: maps within" in capsys.readouterr().out
    for strange in ([], {"variant": ["v000"]}, {"variant": None}, "v000"):  # type: ignore[var-annotated]
        (out / "bundle.json").write_text(json.dumps(manifest | {"provenance": strange}))
        assert _cli("verify", out, "--against", run, "--data", data) == 0  # the run's best, which is the same one


def test_update_interval_is_kept_in_the_bundle(
    run: Path, data: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "b"
    words = ("export", run, "--out", out, "--data", data, "--update-interval", 4)
    assert _cli(*words, "--variant", "v002") == 0
    assert open_bundle(out).settings.update_interval == 4
    assert _cli("verify", out, "--against", run, "--data", data) == 0
    renewals = []
    for more in ((), ("--update-interval", 0), ("--update-interval", 2)):
        capsys.readouterr()
        assert _cli("evaluate", out, "--data", data, "--json", *more) == 0
        renewals.append(json.loads(capsys.readouterr().out)["renewals"])
    assert renewals[1] == 0 < renewals[0] <= 2
    assert renewals[0] < renewals[2] <= 4
    assert _cli(*words, "--variant", "v000") == 2
    assert "no online template and score head" in capsys.readouterr().err
    assert open_bundle(out).spec == MIXFORMER


def test_without_a_variant_the_best_is_exported(
    run: Path, data: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _cli("export", run, "--out", tmp_path / "b", "--data", data) == 0
    assert "run-v000" in capsys.readouterr().out


def test_variants_without_weights_say_why(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _cli("export", run, "--variant", "v001", "--out", tmp_path / "b") == 1
    assert "rejected (predicted 9 ms)" in capsys.readouterr().err
    assert _cli("export", run, "--variant", "v00", "--out", tmp_path / "b") == 2
    assert "Did you mean" in capsys.readouterr().err
