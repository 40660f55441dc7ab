"""Training that starts from ImageNet weights."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from timm.models.vision_transformer import VisionTransformer

from compress.cli import main
from compress.core import FileError, HeadSpec, LayerSpec, TrackerSpec
from compress.data import open_source
from compress.distill import TeacherRecipe, train_teacher

GENERATED = open_source("generated")
SPEC = TrackerSpec(
    dim=64,
    heads=1,
    layers=(LayerSpec(source=0, mlp_hidden=256), LayerSpec(source=1, mlp_hidden=256)),
    template_size=32,
    search_size=64,
    head=HeadSpec(channels=8),
)


def test_training_starts_from_timms_weights_and_continues_without_them(tmp_path: Path) -> None:
    torch.manual_seed(0)
    theirs = VisionTransformer(img_size=64, embed_dim=64, depth=2, num_heads=1, num_classes=0)
    file = tmp_path / "vit.safetensors"
    save_file(theirs.state_dict(), file)
    recipe = TeacherRecipe(steps=1, batch=2, lr=1e-5, warmup=0, drop_path=0.0, init=str(file))
    model = train_teacher(SPEC, recipe, GENERATED, out=tmp_path / "out", device="cpu", workers=0)
    found, wanted = model.backbone.blocks[1].mlp.fc1.weight, theirs.blocks[1].mlp.fc1.weight  # type: ignore[union-attr]
    torch.testing.assert_close(found, wanted, rtol=0, atol=2e-5)  # one step of a small rate away
    assert not torch.equal(found, wanted)
    file.unlink()
    train_teacher(SPEC, recipe, GENERATED, out=tmp_path / "out", device="cpu", workers=0)
    with pytest.raises(FileError, match="training with other settings"):
        train_teacher(SPEC, replace(recipe, init=""), GENERATED, out=tmp_path / "out", device="cpu", workers=0)
    with pytest.raises(FileError, match="There is no weights file at"):
        train_teacher(SPEC, recipe, GENERATED, out=tmp_path / "other", device="cpu", workers=0)


def test_the_command_hands_the_source_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["train-teacher", "ostrack-nano", "--out", str(tmp_path), "--init", str(tmp_path / "no.safetensors")])
    assert stop.value.code == 1
    assert "no.safetensors" in capsys.readouterr().err
