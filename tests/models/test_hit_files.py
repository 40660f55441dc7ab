"""HiT's checkpoints and timm's LeViT in this package's layout."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import timm
import torch
from torch import Tensor

from compress.core import FileError, TrackerSpec, describe
from compress.models import build, load_weights
from compress.models.checkpoints.layouts import hit
from compress.models.checkpoints.layouts.timm_levit import levit_from_timm
from compress.models.levit.backbone import Levit
from compress.testing.networks import crops
from compress.testing.official_files import write_official
from compress.testing.published.hit import filled, offset_numbers
from compress.testing.small_specs import small

TINY = small(describe("hit-tiny"))
FIRST = "backbone.body.blocks.0.m.attention_bias_idxs"


def _boxes(spec: TrackerSpec, state: dict[str, Tensor]) -> Tensor:
    model = build(spec).eval()
    model.load_state_dict(hit.adapt(state, spec))
    torch.manual_seed(0)
    with torch.inference_mode():
        boxes: Tensor = model(*crops(spec)).boxes
    return boxes


def _merged(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """As HiT's scripts leave the backbone: matrices that hold the batch norm behind them."""
    merged = dict(state)
    for name in [key.removesuffix(".c.weight") for key in state if key.endswith(".c.weight")]:
        weight, norm = merged.pop(f"{name}.c.weight"), f"{name}.bn."
        gain, shift, mean, variance = (
            merged.pop(norm + key) for key in ("weight", "bias", "running_mean", "running_var")
        )
        del merged[f"{norm}num_batches_tracked"]
        scale = gain / (variance + 1e-5).sqrt()
        merged[f"{name}.weight"] = weight * scale.reshape(-1, *[1] * (weight.ndim - 1))
        merged[f"{name}.bias"] = shift - mean * scale
    return merged


def test_merged_batch_norms_are_read() -> None:
    state = filled(TINY)
    merged = _merged(state)
    assert not any(".bn." in key for key in merged)
    torch.testing.assert_close(_boxes(TINY, merged), _boxes(TINY, state), rtol=0, atol=1e-5)


def test_indices_may_be_missing() -> None:
    state = filled(TINY)
    without = {key: value for key, value in state.items() if not key.endswith("attention_bias_idxs")}
    assert torch.equal(_boxes(TINY, without), _boxes(TINY, state))


def test_positions_of_an_ablation_are_refused(tmp_path: Path) -> None:
    """With the template beyond every offset within the search crop, offsets across the crops are their own."""
    state = filled(TINY)
    far = offset_numbers(8, 4).clone()
    far[:64, 64:] += 1
    path = write_official(tmp_path / "a.pth.tar", state | {FIRST: far}, net_type="HiT")
    model = build(TINY)
    before = {key: value.clone() for key, value in model.state_dict().items()}
    with pytest.raises(FileError, match="lays the template elsewhere than at the lower right corner"):
        load_weights(model, path)
    torch.testing.assert_close(model.state_dict(), before, rtol=0, atol=0)


def test_other_crops_are_said() -> None:
    said = f"{FIRST} has 80×80 pairs of tokens instead of 160×160: its crops are of other sizes"
    with pytest.raises(ValueError, match=said):
        hit.adapt(filled(TINY), replace(TINY, search_size=192, template_size=64))


def test_a_plain_vit_is_said() -> None:
    with pytest.raises(ValueError, match="LeViT"):
        hit.adapt(filled(TINY), describe("ostrack-nano"))


@pytest.mark.parametrize(
    ("name", "theirs"),
    [
        ("hit-tiny", "levit_128s"),
        pytest.param("hit-small", "levit_128", marks=pytest.mark.slow),
        pytest.param("hit-base", "levit_384", marks=pytest.mark.slow),
    ],
)
@torch.inference_mode()
def test_one_image_gives_timms_features(name: str, theirs: str) -> None:
    """Without a template there is one grid, and the biases of its offsets are timm's, in the same order."""
    torch.manual_seed(0)
    levit = timm.create_model(theirs, pretrained=False).eval()
    for key, value in levit.state_dict().items():
        if value.is_floating_point():
            value.add_(torch.rand_like(value) * 0.1 * (0.1 if key.endswith("linear.weight") else 1))
    spec = describe(name)
    body = Levit(spec, sides=(14, 0)).eval()
    state = levit_from_timm(levit.state_dict(), spec)
    state |= {f"backbone.{key}": value for key, value in _biases(levit.state_dict(), spec).items()}
    body.load_state_dict({key.removeprefix("backbone."): value for key, value in state.items()})
    image = torch.randn(2, 3, 224, 224)
    torch.testing.assert_close(body(body.embed(image)).stages[-1], levit.forward_features(image), rtol=1e-5, atol=1e-5)


def _biases(state: dict[str, Tensor], spec: TrackerSpec) -> dict[str, Tensor]:
    """timm's attention biases, by our keys; stage by stage, the way into a stage first."""
    found = iter(value for key, value in state.items() if key.endswith("attention_biases"))
    biases, layers = {}, iter(range(len(spec.layers)))
    for stage in range(3):
        if stage:
            biases[f"shrinks.{stage - 1}.attn.bias.table"] = next(found)
        for _ in (layer for layer in spec.layers if layer.stage == stage):
            biases[f"blocks.{next(layers)}.attn.bias.table"] = next(found)
    return biases


def test_attention_biases_start_anew_and_layers_come_from_their_source() -> None:
    levit = timm.create_model("levit_128s", pretrained=False)
    spec = describe("hit-tiny")
    layers = tuple(spec.layers[i] for i in (1, 2, 5, 8))
    shallow = replace(spec, layers=layers)
    state = levit_from_timm(levit.state_dict(), shallow)
    wanted = {key: value.shape for key, value in build(shallow).state_dict().items() if key.startswith("backbone.")}
    assert {key: value.shape for key, value in state.items()} == wanted
    assert not any(value.any() for key, value in state.items() if key.endswith(".bias.table"))
    sources = {0: "stages.0.blocks.1", 1: "stages.1.blocks.0", 2: "stages.2.blocks.0", 3: "stages.2.blocks.3"}
    for i, source in sources.items():
        torch.testing.assert_close(
            state[f"backbone.blocks.{i}.attn.qkv.linear.weight"],
            levit.state_dict()[f"{source}.attn.qkv.linear.weight"],
            rtol=0,
            atol=0,
        )
    with pytest.raises(KeyError, match="layer 9 is wanted, but timm's model holds 9"):
        levit_from_timm(levit.state_dict(), replace(spec, layers=(replace(spec.layers[8], source=9),)))
