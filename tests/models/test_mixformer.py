"""The network computes what the published MixFormerV2 and MixViT code computes (figures made with that code)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from compress.core import TrackerSpec, describe
from compress.models import Tracker, TrackerOutput
from compress.models.vit.backbone import sincos_positions
from compress.testing.published.fill_mixformer import filled
from compress.testing.published.mixformer import crops, network, published_shapes

DATA = Path(__file__).parent.parent / "data"
BOX, PROB, LOGIT, TOKEN, MEAN = 1e-5, 5e-5, 1e-5, 1e-4, 1e-6  # the largest differences allowed
FADING = (0, 3, 6, 9)


@pytest.mark.parametrize(
    ("name", "golden_name"),
    [
        ("mixformerv2-b", "mixformerv2_b_online"),
        ("mixvit-b", "mixvit_b_teacher"),
        pytest.param("mixformerv2-b-student", "mixformerv2_b_student", marks=pytest.mark.slow),
        pytest.param("mixformerv2-depth12", "mixformerv2_student_depth12to8", marks=pytest.mark.slow),
    ],
)
@torch.inference_mode()
def test_equals_published_network(name: str, golden_name: str) -> None:
    golden = np.load(DATA / f"{golden_name}.golden.npz")
    spec = describe(name)
    model = network(spec, filled(published_shapes(spec)))
    template, search, online = crops(spec)
    out, layers = _watched(model, template, search, online[:, 0])
    _assert_equals(out, golden)
    _assert_tokens(layers, spec, golden)
    if spec.head.kind == "pyramid":
        _assert_corners(out, golden)
    else:
        memory = model.encode_template(template, online_template=online)
        _assert_equals(model.track(search, memory), golden, "cached_ot2_")


@pytest.mark.slow
@torch.inference_mode()
def test_layers_fade_and_go_as_published() -> None:
    """Progressive depth pruning scales the residual branches of four layers by γ, from 1 to 0 (paper, §3.2.2)."""
    golden = np.load(DATA / "mixformerv2_student_depth12to8.golden.npz")
    spec = describe("mixformerv2-depth12")
    state = filled(published_shapes(spec))
    template, search, online = crops(spec)
    for gamma in (1.0, 0.5):
        faded = network(spec, _faded(state, gamma))
        _assert_equals(faded(template, search, online[:, 0]), golden, f"gamma{gamma}_")
    kept = [i for i in range(12) if i not in FADING]
    shallow = network(replace(spec, layers=tuple(spec.layers[i] for i in kept)), _renumbered(state, kept))
    _assert_equals(shallow(template, search, online[:, 0]), golden, "gamma0.0_")


@pytest.mark.parametrize(("side", "table"), [(18, "s"), (8, "t")])
def test_positions_are_the_published_ones(side: int, table: str) -> None:
    golden = np.load(DATA / "mixformerv2_b_online.golden.npz")
    found = sincos_positions(side, 768)[0]
    _assert_near(found[[0, 1, side, side**2 - 1]], golden[f"init_sincos_{table}_rows_0_1_g_last"], MEAN)
    _assert_near(_mean_std(found), golden[f"init_sincos_{table}_mean_std"], MEAN)


def _watched(model: Tracker, *inputs: Tensor) -> tuple[TrackerOutput, list[Tensor]]:
    """One forward, and all tokens behind every layer: templates, search, prediction."""
    seen: list[list[Tensor]] = [[] for _ in model.spec.layers]
    watches = [
        block.register_forward_hook(lambda _module, _in, out, to=to: to.append(out[0]))
        for block, to in zip(model.backbone.blocks, seen, strict=True)
    ]
    out = model(*inputs)
    for watch in watches:
        watch.remove()
    return out, [torch.cat(passes, 1) for passes in seen]


def _assert_equals(out: TrackerOutput, golden: Any, prefix: str = "") -> None:
    _assert_near(out.boxes, golden[f"{prefix}pred_boxes"], BOX)
    for name, found in out.maps.items():
        _assert_near(found, golden[prefix + name], LOGIT if name == "pred_scores" else PROB)
        if name.startswith("prob_"):  # most are tiny: hold each of them by its share as well
            np.testing.assert_allclose(found.flatten(), golden[prefix + name].flatten(), rtol=1e-3)


def _assert_tokens(layers: list[Tensor], spec: TrackerSpec, golden: Any) -> None:
    sizes = [spec.template_patches, spec.template_patches, spec.search_tokens, spec.extra_tokens]
    for name, part in zip(("template", "online_template", "search"), layers[-1].split(sizes, 1), strict=False):
        _assert_near(part.transpose(1, 2).flatten()[:64], golden[f"feat_{name}_first64"], TOKEN)
        _assert_near(_mean_std(part), golden[f"feat_{name}_mean_std"], MEAN)
    if spec.extra_tokens:
        _assert_near(layers[-1][:, -4:], golden["reg_tokens"], TOKEN)
        _assert_near(torch.stack(list(map(_mean_std, layers))), golden["block_mean_std"], MEAN)
        _assert_near(torch.stack([x.flatten()[:64] for x in layers]), golden["block_first64"], TOKEN)
        _assert_near(torch.stack([x.flatten()[-64:] for x in layers]), golden["block_last64"], TOKEN)


def _assert_corners(out: TrackerOutput, golden: Any) -> None:
    for corner, column, row in (("tl", "l", "t"), ("br", "r", "b")):
        prob = out.maps[f"prob_{corner}"][0]
        _assert_near(prob.sum(0), golden[f"marginal_{column}"], PROB)
        _assert_near(prob.sum(1), golden[f"marginal_{row}"], PROB)
        found, wanted = prob.flatten()[:64].log(), golden[f"score_{corner}_first64"]
        _assert_near(found - found[0], wanted - wanted[0], TOKEN)


def _assert_near(found: Tensor, wanted: Any, tolerance: float) -> None:
    np.testing.assert_allclose(found.reshape(wanted.shape).numpy(), wanted, rtol=0, atol=tolerance)


def _mean_std(x: Tensor) -> Tensor:
    return torch.stack([x.double().mean(), x.double().std(correction=0)])


def _faded(state: dict[str, Tensor], gamma: float) -> dict[str, Tensor]:
    ends = tuple(f"blocks.{i}.{last}" for i in FADING for last in ("attn.proj", "mlp.fc2"))
    return {key: value * gamma if key.rpartition(".")[0].endswith(ends) else value for key, value in state.items()}


def _renumbered(state: dict[str, Tensor], kept: list[int]) -> dict[str, Tensor]:
    """The layers `kept`, in order, and all that belongs to none."""
    new = {f"backbone.blocks.{old}.": f"backbone.blocks.{i}." for i, old in enumerate(kept)}
    left = {key: value for key, value in state.items() if ".blocks." not in key}
    for old, start in new.items():
        left |= {start + key.removeprefix(old): value for key, value in state.items() if key.startswith(old)}
    return left
