from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from compress.core import CompressError, FileError, HeadSpec, LayerSpec, TrackerSpec, UsageError, describe
from compress.models import (
    NumpyNetwork,
    Tracker,
    build,
    create_tracker,
    fold_litetrack,
    load_tracker,
    load_weights,
    read_weights,
    save_weights,
    weights_path,
)
from compress.models.checkpoints.matching import likely_cause

LAYERS = tuple(LayerSpec(source=i, mlp_hidden=40, attention="AI", attn_dims=16, mlp_dims=11) for i in range(2))
SPEC = TrackerSpec(
    dim=24, heads=2, layers=LAYERS, template_size=32, search_size=64, head=HeadSpec(channels=8), target_token=True
)


@pytest.fixture
def model() -> Tracker:
    torch.manual_seed(0)
    made = build(SPEC).eval()
    made.backbone.blocks[1].attn.kept.copy_(torch.arange(8, 24))  # type: ignore[union-attr, operator]
    return made


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "some" / "weights.safetensors"


def test_saved_weights_come_back(model: Tracker, path: Path) -> None:
    save_weights(model, path, metadata={"made-by": "a test"})
    other = build(SPEC)
    load_weights(other, path)
    torch.testing.assert_close(other.state_dict(), model.state_dict(), rtol=0, atol=0)
    with safe_open(path, framework="pt") as file:
        assert file.metadata()["made-by"] == "a test"
        assert TrackerSpec.from_dict(json.loads(file.metadata()["spec"])) == SPEC


def test_half_precision_on_disk_is_loaded_as_float32(model: Tracker, path: Path) -> None:
    save_weights(model, path, dtype=torch.float16)
    assert read_weights(path)["backbone.pos_embed_x"].dtype == torch.float16
    other = build(SPEC)
    load_weights(other, path)
    assert {p.dtype for p in other.parameters()} == {torch.float32}
    torch.testing.assert_close(other.state_dict(), model.state_dict(), rtol=1e-3, atol=1e-4)


def test_weights_beyond_the_type_on_disk_are_not_written(model: Tracker, path: Path) -> None:
    name, weight = next(iter(model.named_parameters()))
    with torch.no_grad():
        weight.view(-1)[0] = 1e6
    save_weights(model, path)
    before = path.read_bytes()
    with pytest.raises(CompressError, match=f"not finite as torch.float16: '{name}'"):
        save_weights(model, path, dtype=torch.float16)
    assert path.read_bytes() == before


def test_what_a_header_holds_is_quoted_in_part(model: Tracker, path: Path) -> None:
    header = json.dumps({"w": {"dtype": "x" * 100_000, "shape": [1], "data_offsets": [0, 4]}}).encode()
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(len(header).to_bytes(8, "little") + header + bytes(4))
    with pytest.raises(FileError) as caught:
        load_weights(model, path)
    assert len(str(caught.value)) < 1000


def test_failed_save_leaves_the_old_file(model: Tracker, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(FileError, match="Cannot write weights"):
        save_weights(model, tmp_path / "file" / "weights.safetensors")
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_a_failed_save_names_no_file_but_the_one_asked_for(
    model: Tracker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The library writes to a file of its own first, which it names where it cannot."""

    def failed(tensors: dict[str, torch.Tensor], path: Path, **options: Any) -> None:
        save_file(tensors, path / "no folder" / "x", **options)

    monkeypatch.setattr("compress.models.checkpoints.weights.save_file", failed)
    with pytest.raises(FileError) as caught:
        save_weights(model, tmp_path / "weights.safetensors")
    assert f"{tmp_path}/weights.safetensors: Error while serializing" in str(caught.value)
    assert str(caught.value).count(str(tmp_path)) == 1


def _truncated(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def _empty(path: Path) -> None:
    path.write_bytes(b"")


def _noise(path: Path) -> None:
    path.write_bytes(bytes(range(256)) * 8)


class _Bomb:
    def __reduce__(self) -> tuple[Callable[..., None], tuple[str]]:
        return Path.touch, (Path("opened"),)  # type: ignore[return-value]


def _pickled(path: Path) -> None:
    path.write_bytes(pickle.dumps(_Bomb()))


def _saved_by_torch(path: Path) -> None:
    torch.save({"net": {}}, path)


def _missing(path: Path) -> None:
    path.unlink()


def _folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (_truncated, "not a whole safetensors file"),
        (_empty, "no weights file. It is empty"),
        (_noise, "no weights file. It is damaged, or of another program"),
        (_pickled, "would run pathlib|would run os|is a Python pickle that torch.save did not write"),
        (_saved_by_torch, "holds no weights"),
        (_missing, "There is no weights file at"),
        (_folder, "it is a folder, no regular file"),
    ],
)
def test_unreadable_files(
    model: Tracker, path: Path, damage: Callable[[Path], None], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_weights(model, path)
    damage(path)
    monkeypatch.chdir(path.parent)
    with pytest.raises(FileError, match=message):
        load_weights(model, path)
    assert not Path("opened").exists()


def test_keys_that_do_not_fit_are_named_and_nothing_is_loaded(model: Tracker, path: Path) -> None:
    state = {k: v.clone() for k, v in model.state_dict().items() if "blocks.1" not in k}
    state |= {f"extra{i}": torch.zeros(1) for i in range(5)}
    state["backbone.pos_embed_z"] = torch.zeros(1, 9, 24)
    save_file(state, path.parent.mkdir(parents=True) or path)
    other = build(SPEC)
    before = {k: v.clone() for k, v in other.state_dict().items()}
    with pytest.raises(FileError) as caught:
        load_weights(other, path)
    text = str(caught.value)
    assert "14 missing (backbone.blocks.1.attn.kept" in text
    assert "and 11 more" in text
    assert "5 unexpected (extra0, extra1, extra2 and 2 more)" in text
    assert "backbone.pos_embed_z is 1×9×24 instead of 1×4×24" in text
    assert "holds 1 layers and this tracker has 2" in text
    torch.testing.assert_close(other.state_dict(), before, rtol=0, atol=0)


@pytest.mark.parametrize("kept", [[0] * 16, list(range(9, 25)), list(range(-1, 15))])
def test_wrong_indices_are_damage(model: Tracker, path: Path, kept: list[int]) -> None:
    model.backbone.blocks[0].attn.kept.copy_(torch.tensor(kept))  # type: ignore[union-attr, operator]
    save_weights(model, path)
    with pytest.raises(FileError, match="blocks.0.attn.kept must hold rising indices below 24"):
        load_weights(build(SPEC), path)


def test_values_that_are_not_finite_are_damage(model: Tracker, path: Path) -> None:
    model.backbone.pos_embed_x.data[0, 0, 0] = float("nan")
    save_weights(model, path)
    with pytest.raises(FileError, match=r"damaged: 1 not finite \(backbone.pos_embed_x\)"):
        load_weights(build(SPEC), path)


def test_folding_litetrack_keeps_the_function(path: Path) -> None:
    """A block with layer scale and split biases, computed as published, and after folding."""
    torch.manual_seed(0)
    spec = TrackerSpec(dim=8, heads=1, layers=(LayerSpec(source=0, mlp_hidden=16),), template_size=32, search_size=64,
                       head=HeadSpec(channels=8), final_norm=False)  # fmt: skip
    model = build(spec).eval()
    state = {k: torch.randn_like(v) if v.is_floating_point() else v for k, v in model.state_dict().items()}
    state = {k: v.abs() if k.endswith("running_var") else v for k, v in state.items()}
    block = "backbone.blocks.0."
    del state[f"{block}attn.qkv.bias"]
    extra = {block + k: torch.randn(8) for k in ("gamma_1", "gamma_2", "attn.q_bias", "attn.v_bias")}
    unused = {"backbone.cls_token": torch.zeros(1, 1, 8), "backbone.pos_embed": torch.zeros(1, 5, 8)}
    path.parent.mkdir()
    save_file({**state, **extra, **unused}, path)
    load_weights(model, path)
    made = model.backbone.blocks[0]
    x = torch.randn(1, 5, 8)
    attn, mlp = made.attn, made.mlp  # type: ignore[union-attr]
    torch.testing.assert_close(attn.qkv.bias.data[8:16], torch.zeros(8))  # type: ignore[union-attr, index, operator]
    raw = x @ state[f"{block}attn.proj.weight"].T + state[f"{block}attn.proj.bias"]
    torch.testing.assert_close(attn.proj(x), extra[f"{block}gamma_1"] * raw)  # type: ignore[union-attr, operator]
    hidden = torch.randn(1, 5, 16)
    raw = hidden @ state[f"{block}mlp.fc2.weight"].T + state[f"{block}mlp.fc2.bias"]
    torch.testing.assert_close(mlp.fc2(hidden), extra[f"{block}gamma_2"] * raw)  # type: ignore[union-attr, operator]
    with pytest.raises(KeyError):
        fold_litetrack({f"{block}gamma_1": torch.ones(8)})


def test_incomplete_litetrack_file(path: Path) -> None:
    path.parent.mkdir()
    save_file({"backbone.blocks.0.gamma_1": torch.ones(8)}, path)
    with pytest.raises(FileError, match=r"of LiteTrack, but incomplete .*\(backbone.blocks.0.attn.proj.weight\)"):
        load_weights(build(SPEC), path)


def test_named_trackers_and_their_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COMPRESS_HOME", str(tmp_path))
    with pytest.raises(FileError, match=r"OSTrack's official repository.*weights/ostrack256.safetensors"):
        weights_path("ostrack256")
    with pytest.raises(FileError, match="LiteTrack's official repository"):
        load_tracker("litetrack-b4")
    with pytest.raises(UsageError, match="Did you mean"):
        create_tracker("ostrack-nan")
    made = create_tracker("ostrack-nano")
    assert not made.training
    assert made.spec == describe("ostrack-nano")
    place = tmp_path / "elsewhere.safetensors"
    save_weights(made, place)
    loaded = load_tracker("ostrack-nano", place)
    assert not loaded.training
    torch.testing.assert_close(loaded.state_dict(), made.state_dict())


def test_numpy_network_runs_the_loop(model: Tracker) -> None:
    network = NumpyNetwork(model.train())
    assert model.training
    model.eval()
    rng = np.random.default_rng(0)
    template, search = rng.random((1, 3, 32, 32)), rng.random((1, 3, 64, 64), dtype=np.float32)
    box = np.array([[0.2, 0.3, 0.8, 0.7]])
    maps = network.track(search, network.encode_template(template, box)).maps
    wanted = model(
        torch.from_numpy(template).float(), torch.from_numpy(search), template_box=torch.from_numpy(box).float()
    )
    for name, value in maps.items():
        assert value.dtype == np.float32
        np.testing.assert_allclose(value, wanted.maps[name].detach().numpy(), atol=1e-6)


def test_what_the_file_looks_like_is_said() -> None:
    wanted = describe("litetrack-b8")
    assert likely_cause(wanted, _shapes("litetrack-b6")) == "This looks like litetrack-b6, not litetrack-b8."
    twins = "ostrack256 or ostrack256-ce"
    assert likely_cause(wanted, _shapes("ostrack256")) == f"This looks like {twins}, not litetrack-b8."
    assert likely_cause(SPEC, _shapes("ostrack256-ce")) == f"This looks like {twins}."
    assert likely_cause(wanted, {"other": torch.zeros(1)}).startswith("It holds 0 layers")


def test_the_nearest_tracker_is_said() -> None:
    cut = _shapes("litetrack-b8")
    del cut["backbone.blocks.3.norm1.weight"]
    assert likely_cause(describe("litetrack-b8"), cut).startswith("It is nearest to litetrack-b8 all the same (99%")
    assert likely_cause(describe("litetrack-b4"), cut).startswith("It is nearest to litetrack-b8, with which")


def _shapes(name: str) -> dict[str, torch.Tensor]:
    """The shapes of a named tracker's weights, without the memory."""
    with torch.device("meta"):
        return build(describe(name)).state_dict()
