"""Published checkpoint files of every family: read without running anything, whole, and as the same network."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from compress.core import TRACKERS, FileError, TrackerSpec, describe
from compress.models import Tracker, build, load_tracker, load_weights
from compress.models.checkpoints.layouts import LAYOUTS, from_official, layout_of, weights_source
from compress.models.checkpoints.layouts.timm_levit import index_tables
from compress.models.checkpoints.matching import likely_cause
from compress.testing.official_files import write_official
from compress.testing.published import fill_mixformer
from compress.testing.published import fill_ostrack as fill
from compress.testing.published import mixformer as published_mixformer
from compress.testing.published import ostrack as published_ostrack
from compress.testing.small_specs import small

DATA = Path(__file__).parent.parent / "data"
KEYS: dict[str, dict[str, list[int]]] = json.loads(gzip.decompress((DATA / "published_keys.json.gz").read_bytes()))
"""What every published checkpoint holds: names and shapes, by the name of its tracker."""

FAMILIES = {
    "LiteTrack": "litetrack-b6",
    "OSTrack": "ostrack256-ce",
    "MixFormerV2": "mixformerv2-s",
    "MixViT": "mixvit-b",
    "HiT": "hit-tiny",
}
_TABLES = {"backbone.cls_token", "backbone.pos_embed"}
_IMAGENET = {f"backbone.{layer}.{kind}" for layer in ("norm", "head") for kind in ("weight", "bias")}
NEVER_READ = {
    "LiteTrack": _TABLES,
    "OSTrack": _TABLES,
    "MixFormerV2": set(),
    "MixViT": _TABLES | _IMAGENET,
    "HiT": {key for key in KEYS["hit-tiny"] if key.endswith("attention_bias_idxs")},
}


def _shapes(name: str, spec: TrackerSpec) -> dict[str, tuple[int, ...]]:
    """What a published checkpoint of a tracker like `name` holds, of the sizes of `spec`, but for HiT's indices."""
    if spec.backbone == "levit":
        published = _meta(name)
        ours = {id(value): key for key, value in from_official(published, describe(name)).items()}
        with torch.device("meta"):
            sizes = {key: tuple(value.shape) for key, value in build(spec).state_dict().items()}
        return {key: sizes[ours[id(value)]] for key, value in published.items() if id(value) in ours}
    family = published_ostrack if spec.head.kind == "centre" else published_mixformer
    return family.published_shapes(spec)


def _filled(name: str, spec: TrackerSpec) -> dict[str, Tensor]:
    rule = fill if spec.head.kind == "centre" else fill_mixformer
    return rule.filled(_shapes(name, spec)) | _indices(name, spec)


def _indices(name: str, spec: TrackerSpec) -> dict[str, Tensor]:
    """HiT's saved indices, first those of its layers, then those of its shrink attentions; nothing of the others."""
    published = [key for key in KEYS[name] if key.endswith("attention_bias_idxs")]
    tables = index_tables(spec) if published else {}
    ours = sorted(tables, key=lambda key: ("shrinks" in key, int(key.split(".")[2])))
    return {key: tables[own] for key, own in zip(sorted(published, key=_place), ours, strict=True)}


def _place(key: str) -> tuple[bool, int]:
    return ".m." not in key, int(key.split(".")[3])


def _meta(name: str) -> dict[str, Tensor]:
    """A published state dict without the memory, but for HiT's indices."""
    state = {key: torch.empty(shape, device="meta") for key, shape in KEYS[name].items()}
    return state | _indices(name, describe(name))


@pytest.mark.parametrize("name", KEYS)
def test_every_published_key_has_its_place(name: str) -> None:
    spec, state = describe(name), _meta(name)
    held = _shapes(name, spec) | {key: value.shape for key, value in _indices(name, spec).items()}
    assert {key: list(shape) for key, shape in held.items()} == KEYS[name]
    layout = layout_of(state)
    assert layout is not None
    assert layout == weights_source(name)
    assert [each.name for _, each in LAYOUTS.items() if each.recognises(state)] == [layout.name]
    with torch.device("meta"):
        wanted = build(spec).state_dict()
    found = from_official(state, spec)
    assert {k: v.shape for k, v in found.items()} == {k: v.shape for k, v in wanted.items()}
    assert layout_of(found) is None  # nothing is adapted twice


def test_every_named_tracker_has_a_source_or_is_said_to_have_none() -> None:
    named = [name for _, layout in LAYOUTS.items() for name in layout.files]
    assert sorted(named) == sorted(KEYS)
    others = {name.split("-")[0] for name in TRACKERS.names() if name not in named}
    assert others == {"abtrack", "dytrack", "ostrack"}  # `ostrack-nano` ships


@torch.inference_mode()
def _same_answers(model: Tracker, other: Tracker) -> bool:
    crops = [torch.randn(1, 3, size, size) for size in (model.spec.template_size, model.spec.search_size)]
    return torch.equal(model(*crops).boxes, other(*crops).boxes)


@pytest.mark.parametrize(("layout", "name"), FAMILIES.items())
def test_a_published_file_is_read_as_the_same_network(layout: str, name: str, tmp_path: Path) -> None:
    spec = small(describe(name))
    state = _filled(name, spec)
    path = write_official(tmp_path / "a.pth.tar", state, net_type=layout)
    model, other = build(spec).eval(), build(spec).eval()
    read = load_weights(model, path)
    other.load_state_dict(from_official(state, spec))
    assert _same_answers(model, other)
    assert read.layout is not None
    assert read.layout.name == layout
    assert set(read.left_out) == NEVER_READ[layout]
    assert not any(value.requires_grad for value in read.state.values())


@pytest.mark.parametrize("name", FAMILIES.values())
def test_an_incomplete_published_file_is_refused(name: str, tmp_path: Path) -> None:
    spec = small(describe(name))
    state = _filled(name, spec)
    gone = next(key for key in state if re.search(r"blocks\.2\..*proj.*weight", key))
    del state[gone]
    path = write_official(tmp_path / "a.pth.tar", state)
    with pytest.raises(FileError, match=r"blocks\.[12]\.attn\.proj\..*weight"):
        load_weights(build(spec), path)


def test_another_familys_file_is_named() -> None:
    causes = {
        ("ostrack256", "litetrack-b8"): "This looks like litetrack-b8, not ostrack256.",
        ("mixformerv2-b", "mixformerv2-b-student"): "This looks like mixformerv2-b-student, not mixformerv2-b.",
        ("litetrack-b4", "mixvit-b"): "This looks like mixvit-b, not litetrack-b4.",
        ("ostrack256", "ostrack384-ce"): "This looks like ostrack384-ce, not ostrack256.",
        ("hit-small", "hit-tiny"): "This looks like hit-tiny, not hit-small.",
        ("ostrack256", "hit-base"): "This looks like hit-base, not ostrack256.",
        ("hit-base", "ostrack256"): "This looks like ostrack256 or ostrack256-ce, not hit-base.",
        ("ostrack384-ce", "ostrack256"): "This looks like ostrack256 or ostrack256-ce, not ostrack384-ce.",
    }
    assert {pair: likely_cause(describe(pair[0]), _meta(pair[1])) for pair in causes} == causes


def test_an_unknown_tracker_of_a_known_family_is_said() -> None:
    wide = {key: torch.empty([2 * n for n in shape], device="meta") for key, shape in KEYS["mixvit-b"].items()}
    said = likely_cause(describe("ostrack256"), wide)
    assert said == "It is a checkpoint of MixViT (https://github.com/MCG-NJU/MixFormer), but like none of mixvit-b."


FULL = {
    "ostrack256-ce": ("ostrack_256_ce", fill),
    "litetrack-b9": ("litetrack_b9", fill),
    "mixformerv2-b": ("mixformerv2_b_online", fill_mixformer),
    "mixvit-b": ("mixvit_b_teacher", fill_mixformer),
    "hit-tiny": ("hit_tiny", fill_mixformer),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", FULL)
@torch.inference_mode()
def test_a_full_size_file_gives_the_published_boxes(name: str, tmp_path: Path) -> None:
    golden, rule = FULL[name]
    path = write_official(tmp_path / "a.pth.tar", rule.filled(KEYS[name]) | _indices(name, describe(name)))
    model = load_tracker(name, path)
    spec, options = model.spec, _options(model.spec, rule.crop)
    boxes = model(rule.crop("template", spec.template_size), rule.crop("search", spec.search_size), **options).boxes
    wanted = np.load(DATA / f"{golden}.golden.npz")["pred_boxes"].reshape(1, 4)
    np.testing.assert_allclose(boxes.numpy(), wanted, atol=1e-5)


def _options(spec: TrackerSpec, crop: Callable[[str, int], Tensor]) -> dict[str, Any]:
    if spec.online_templates:
        return {"online_template": crop("online_template", spec.template_size)}
    return {"template_box": torch.tensor([[0.25, 0.25, 0.75, 0.75]])} if spec.target_token else {}
