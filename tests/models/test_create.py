"""Where weights of named trackers are looked for, and what is said where there are none."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from compress.cli import main
from compress.core import TRACKERS, FileError
from compress.models import create_tracker, read_weights, weights_path
from compress.models.checkpoints.layouts import LAYOUTS
from compress.testing.official_files import write_official


@pytest.fixture
def weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("COMPRESS_HOME", str(tmp_path))
    (tmp_path / "weights").mkdir()
    return tmp_path / "weights"


def test_suffixes_are_tried_in_order_and_twins_last(weights: Path) -> None:
    for name in ["ostrack256-ce.safetensors", "ostrack256.pt", "ostrack256.pth", "ostrack256.pth.tar"]:
        (weights / name).touch()
        assert weights_path("ostrack256") == weights / name
    assert weights_path("ostrack256-ce") == weights / "ostrack256-ce.safetensors"
    (weights / "ostrack256.safetensors").touch()
    assert weights_path("ostrack256") == weights / "ostrack256.safetensors"
    (weights / "ostrack256-ce.safetensors").unlink()
    assert weights_path("ostrack256-ce") == weights / "ostrack256.safetensors"
    with pytest.raises(FileError):
        weights_path("ostrack384-ce")


def test_each_abtrack_has_weights_of_its_own(weights: Path) -> None:
    (weights / "abtrack-vit.safetensors").touch()
    with pytest.raises(FileError, match="for abtrack-deit"):
        weights_path("abtrack-deit")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("ostrack384-ce", "github.com/botaoye/OSTrack: its vitb_384_mae_ce_32x4_ep300/OSTrack_ep0300.pth.tar."),
        ("litetrack-b6", "github.com/TsingWei/LiteTrack: its B6_cae_center_all_ep300/LiteTrack_ep0300.pth.tar."),
        ("mixformerv2-s", "github.com/MCG-NJU/MixFormerV2: its mixformerv2_small.pth.tar."),
        ("mixvit-b", "github.com/MCG-NJU/MixFormer: its mixformer_vit_base_online.pth.tar."),
        ("hit-small", "github.com/kangben258/HiT: its HiT_Small/HiT_ep1500.pth.tar."),
        ("abtrack-vit", "neither code nor weights of ABTrack are public"),
        ("dytrack", "`compress train-teacher dytrack --init vit_base_patch16_224.mae --out FOLDER`"),
    ],
)
def test_what_is_missing_is_named(weights: Path, name: str, words: str) -> None:
    with pytest.raises(FileError) as caught:
        weights_path(name)
    text = str(caught.value)
    assert words in text
    assert f"`compress import-checkpoint {name} FILE` (kept as {weights / name}.safetensors)" in text
    assert text.endswith("Weights are never downloaded.")


def test_every_tracker_without_weights_says_where_they_come_from(weights: Path) -> None:
    for name in TRACKERS.names():
        if name != "ostrack-nano":
            with pytest.raises(FileError, match="come from|neither code nor weights"):
                weights_path(name)


def test_the_page_about_checkpoints_names_every_tracker_and_its_file() -> None:
    page = (Path(__file__).parents[2] / "docs" / "checkpoints.md").read_text(encoding="utf-8")
    assert [name for name in TRACKERS.names() if f"`{name}`" not in page] == []
    for _, layout in LAYOUTS.items():
        assert f"]({layout.source})" in page
        for name, file in layout.files.items():
            assert f"| `{name}` | `{file}`" in page


def test_what_a_file_holds_decides_not_how_its_name_ends(weights: Path) -> None:
    save_file({"a": torch.ones(3)}, weights / "hit-tiny.pth")
    assert torch.equal(read_weights(weights_path("hit-tiny"))["a"], torch.ones(3))


def test_import_says_what_was_read_and_writes_whole_or_not_at_all(
    weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    state = create_tracker("ostrack-nano").state_dict()
    unused = {"backbone.cls_token": torch.zeros(1, 1, 128), "backbone.pos_embed": torch.zeros(1, 197, 128)}
    path = write_official(tmp_path / "OSTrack_ep0300.pth.tar", state | unused)
    assert _run("import-checkpoint", "ostrack-nano", str(path)) == 0
    said = capsys.readouterr().out
    assert f"OSTrack_ep0300.pth.tar is in OSTrack's layout; it fills {len(state)} tensors." in said
    assert "2 were left out because the forward never reads them." in said
    kept = weights / "ostrack-nano.safetensors"
    assert read_weights(kept).keys() == state.keys()
    before = kept.read_bytes()
    state["backbone.norm.weight"][0] = float("inf")
    assert _run("import-checkpoint", "ostrack-nano", str(write_official(path, state))) == 1
    assert "not finite (backbone.norm.weight)" in capsys.readouterr().err
    assert kept.read_bytes() == before
    assert [each.name for each in weights.iterdir()] == [kept.name]
    assert _run("import-checkpoint", "ostrack-nano", str(kept)) == 2, "its own output"
    assert kept.read_bytes() == before
    capsys.readouterr()
    assert _run("import-checkpoint", "ostrack-nano", str(shutil.copy(kept, tmp_path))) == 0
    assert "is in this package's own layout" in capsys.readouterr().out


def _run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as stop:
        main(list(arguments))
    assert isinstance(stop.value.code, int)
    return stop.value.code
