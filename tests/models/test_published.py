"""The network computes what the published OSTrack and LiteTrack code computes (figures made with that code)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from compress.core import describe
from compress.models import Tracker, build
from compress.models.checkpoints.layouts import from_official
from compress.testing.published.fill_ostrack import crop, filled
from compress.testing.published.ostrack import published_shapes

DATA = Path(__file__).parent.parent / "data"
TOLERANCE = {"score_map": 1e-5, "size_map": 1e-5, "offset_map": 5e-5, "boxes": 1e-5}
TEMPLATE_BOX = torch.tensor([[0.25, 0.25, 0.75, 0.75]])

PUBLISHED = [
    ("ostrack256", "ostrack_256"),
    ("ostrack256-ce", "ostrack_256_ce"),
    ("litetrack-b4", "litetrack_b4"),
    pytest.param("litetrack-b9", "litetrack_b9", marks=pytest.mark.slow),  # five layers more than the one before
]


def _fill(model: Tracker) -> Tracker:
    model.load_state_dict(from_official(filled(published_shapes(model.spec)), model.spec))
    return model.eval()


@torch.inference_mode()
def _run(model: Tracker, template_box: Tensor | None) -> tuple[dict[str, Any], tuple[Tensor, ...]]:
    spec = model.spec
    template, search = crop("template", spec.template_size), crop("search", spec.search_size)
    out = model(template, search, template_box=template_box, collect=True)
    assert out.layers is not None
    return {**out.maps, "boxes": out.boxes[:, None]}, out.layers


def _assert_close(found: dict[str, Any], golden: Any, prefix: str) -> None:
    for name, tolerance in TOLERANCE.items():
        wanted = golden[prefix + name.replace("boxes", "pred_boxes")]
        assert found[name].shape == wanted.shape
        assert np.abs(found[name].numpy() - wanted).max() <= tolerance, prefix + name


@pytest.mark.parametrize(("name", "golden_name"), PUBLISHED)
def test_equals_published_network(name: str, golden_name: str) -> None:
    golden = np.load(DATA / f"{golden_name}.golden.npz")
    model = _fill(build(describe(name)))
    found, layers = _run(model, TEMPLATE_BOX)
    _assert_close(found, golden, "")
    np.testing.assert_allclose(layers[-1].mean(2)[0], golden["search_feat_tokmean"], atol=1e-5)
    for i in (i for i, layer in enumerate(model.spec.layers) if layer.keep is not None):
        left = layers[i][0].any(1).nonzero().flatten().tolist()
        assert left == sorted(golden[f"ce_kept_index_block{i}"].tolist())
    if model.spec.target_token:
        _assert_close(_run(model, None)[0], golden, "train_")
        alone = model.spec.count("FE")  # the published AI blocks put out the template as well
        blocks = [float(layer.double().std(unbiased=False)) for layer in layers[:alone]]
        np.testing.assert_allclose(blocks, golden["search_block_out_std"][:alone], rtol=1e-5)
    # The same network with a thousandth of the input: a wrong epsilon in the first norm shows here.
    state = model.state_dict()
    for key in state:
        if key.startswith(("backbone.patch_embed.", "backbone.pos_embed_")):
            state[key].mul_(1e-3)
    _assert_close(_run(model, TEMPLATE_BOX)[0], golden, "tiny_")


@pytest.mark.slow
def test_elimination_at_384_pixels_finds_the_published_peaks() -> None:
    """The two highest scores that the published OSTrack-384 gives, filled by the same rule."""
    found, _ = _run(_fill(build(describe("ostrack384-ce"))), None)
    peaks = found["score_map"].flatten().topk(2).values
    np.testing.assert_allclose(peaks, [0.760721743106842, 0.7247985601425171], atol=1e-5)


@pytest.mark.parametrize("name", ["ostrack256", "litetrack-b4"])
def test_every_norm_has_the_published_epsilon(name: str) -> None:
    with torch.device("meta"):
        model = build(describe(name))
    norms = [module for module in model.modules() if isinstance(module, nn.LayerNorm)]
    assert len(norms) == 2 * len(model.spec.layers) + model.spec.final_norm
    assert {norm.eps for norm in norms} == {1e-6}
    assert {module.eps for module in model.modules() if isinstance(module, nn.BatchNorm2d)} == {1e-5}
