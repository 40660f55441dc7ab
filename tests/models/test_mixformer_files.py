"""Published MixFormerV2 and MixViT files are read, their networks have the published sizes, heads tell boxes."""

from __future__ import annotations

from math import prod
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from compress.core import FileError, describe
from compress.models import build, load_weights
from compress.models.checkpoints.layouts import layout_of
from compress.models.heads import decode
from compress.testing.published.fill_mixformer import filled
from compress.testing.published.mixformer import crops, network, published_shapes
from compress.testing.small_specs import small


@pytest.mark.parametrize(
    ("name", "keys", "parameters"),
    [
        ("mixformerv2-b", 114, 58_855_201),
        ("mixformerv2-s", 66, 16_228_897),
        ("mixformerv2-b-student", 110, 58_245_336),
        ("mixformerv2-depth12", 158, 86_596_824),
        ("mixvit-b", 312, 98_403_894),
    ],
)
def test_published_size_and_norms(name: str, keys: int, parameters: int) -> None:
    shapes = published_shapes(describe(name))
    counted = ("running_mean", "running_var", "num_batches_tracked")
    learned = [shape for key, shape in shapes.items() if not key.endswith(counted)]
    assert (len(shapes), sum(map(prod, learned))) == (keys, parameters)
    with torch.device("meta"):
        model = build(describe(name))
    assert {m.eps for m in model.backbone.modules() if isinstance(m, nn.LayerNorm)} == {1e-6}
    assert {m.eps for m in model.box_head.modules() if isinstance(m, (nn.LayerNorm, nn.BatchNorm2d))} == {1e-5}
    frozen = {key for key, parameter in model.named_parameters() if not parameter.requires_grad}
    assert frozen == {"backbone.pos_embed_z", "backbone.pos_embed_x"}


@pytest.mark.parametrize("name", ["mixformerv2-s", "mixvit-b"])
def test_published_files_are_read(name: str, tmp_path: Path) -> None:
    spec = small(describe(name))
    # MixViT's own score branch is left out, as its authors do where MixViT teaches.
    state = filled(published_shapes(spec) | ({"score_branch.weight": (2, 2)} if name == "mixvit-b" else {}))
    save_file(state, tmp_path / "published.safetensors")
    model = build(spec)
    load_weights(model, tmp_path / "published.safetensors")
    torch.testing.assert_close(model.state_dict(), network(spec, state).state_dict(), rtol=0, atol=0)
    assert layout_of(state) is not None
    assert layout_of(model.state_dict()) is None


def test_a_file_without_token_positions_is_refused(tmp_path: Path) -> None:
    spec = small(describe("mixformerv2-s"))
    state = filled(published_shapes(spec))
    del state["backbone.pos_embed_reg"]
    save_file(state, tmp_path / "damaged.safetensors")
    with pytest.raises(FileError, match="pos_embed_reg"):
        load_weights(build(spec), tmp_path / "damaged.safetensors")


@torch.inference_mode()
def test_s_runs_at_its_own_size() -> None:
    spec = describe("mixformerv2-s")
    template, search, online = crops(spec)
    out = network(spec, filled(published_shapes(spec)))(template, search, online[:, 0])
    assert {name: tuple(values.shape[1:]) for name, values in out.maps.items()} == spec.maps
    assert all(bool(values.isfinite().all()) for values in (out.boxes, out.score, *out.maps.values()))


@torch.inference_mode()
def test_the_two_templates_may_change_places() -> None:
    """They share one position table and attend to each other, and nothing else tells them apart."""
    spec = small(describe("mixformerv2-b"))
    model = network(spec, filled(published_shapes(spec)))
    template, search, online = crops(spec)
    out = model(template, search, online[:, 0])
    torch.testing.assert_close(model(online[:, 0], search, template).boxes, out.boxes)
    assert not torch.allclose(model(template, search).boxes, out.boxes, atol=1e-4)
    torch.testing.assert_close(model(template, search), model(template, search, template), rtol=0, atol=0)


def test_boxes_and_scores_by_hand() -> None:
    """Left 1/4, top 0, right 3/4, bottom halfway between 1/4 and 3/4, of four coordinates."""
    sides = {"l": (0, 1, 0, 0), "t": (1, 0, 0, 0), "r": (0, 0, 0, 1), "b": (0, 0.5, 0, 0.5)}
    maps = {f"prob_{side}": torch.tensor([prob], dtype=torch.float32) for side, prob in sides.items()}
    corners = {"prob_tl": torch.zeros(1, 4, 4), "prob_br": torch.zeros(1, 4, 4)}
    corners["prob_tl"][0, 0, 1] = 1
    corners["prob_br"][0, [1, 3], 3] = 0.5
    for found, score in ((decode(maps), 0.875), (decode(corners), 0.75)):
        assert (found[0].tolist(), found[1].tolist()) == ([[0.5, 0.25, 0.5, 0.5]], [score])
    assert decode(maps | {"pred_scores": torch.zeros(1)})[1].tolist() == [0.5]
