"""Published checkpoint files of every family: read without running anything, whole, and as the same network."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fill
import fill_mixformer
import numpy as np
import published_mixformer
import published_ostrack
import pytest
import torch
from official_file import write_official
from small import small
from torch import Tensor

from compress.core import TRACKERS, FileError, TrackerSpec, describe
from compress.models import Tracker, build, load_tracker, load_weights
from compress.models.fit import likely_cause
from compress.models.layouts import LAYOUTS, from_official, layout_of, weights_source

DATA = Path(__file__).parent.parent / "data"
KEYS: dict[str, dict[str, list[int]]] = json.loads(gzip.decompress((DATA / "published_keys.json.gz").read_bytes()))
"""What every published checkpoint holds: names and shapes, by the name of its tracker."""
KEYS = {name: keys for name, keys in KEYS.items() if not name.startswith("hit-")}

FAMILIES = {
    "LiteTrack": "litetrack-b6",
    "OSTrack": "ostrack256-ce",
    "MixFormerV2": "mixformerv2-s",
    "MixViT": "mixvit-b",
}
_TABLES = {"backbone.cls_token", "backbone.pos_embed"}
_IMAGENET = {f"backbone.{layer}.{kind}" for layer in ("norm", "head") for kind in ("weight", "bias")}
NEVER_READ = {"LiteTrack": _TABLES, "OSTrack": _TABLES, "MixFormerV2": set(), "MixViT": _TABLES | _IMAGENET}


def _shapes(spec: TrackerSpec) -> dict[str, tuple[int, ...]]:
    family = published_ostrack if spec.head.kind == "centre" else published_mixformer
    return family.published_shapes(spec)


def _filled(spec: TrackerSpec) -> dict[str, Tensor]:
    return (fill if spec.head.kind == "centre" else fill_mixformer).filled(_shapes(spec))


def _meta(name: str) -> dict[str, Tensor]:
    return {key: torch.empty(shape, device="meta") for key, shape in KEYS[name].items()}


@pytest.mark.parametrize("name", KEYS)
def test_every_published_key_has_its_place(name: str) -> None:
    spec, state = describe(name), _meta(name)
    assert {key: list(shape) for key, shape in _shapes(spec).items()} == KEYS[name]
    layout = layout_of(state)
    assert layout is not None
    assert layout == weights_source(name)
    with torch.device("meta"):
        wanted = build(spec).state_dict()
    found = from_official(state, spec)
    assert {k: v.shape for k, v in found.items()} == {k: v.shape for k, v in wanted.items()}
    assert layout_of(found) is None  # nothing is adapted twice


def test_every_named_tracker_has_a_source_or_is_said_to_have_none() -> None:
    named = [name for layout in LAYOUTS for name in layout.files]
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
    state = _filled(spec)
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
    state = _filled(spec)
    del state["backbone.blocks.2.attn.proj.weight"]
    path = write_official(tmp_path / "a.pth.tar", state)
    with pytest.raises(FileError, match="blocks.2.attn.proj.weight"):
        load_weights(build(spec), path)


def test_another_familys_file_is_named() -> None:
    causes = {
        ("ostrack256", "litetrack-b8"): "This looks like litetrack-b8, not ostrack256.",
        ("mixformerv2-b", "mixformerv2-b-student"): "This looks like mixformerv2-b-student, not mixformerv2-b.",
        ("litetrack-b4", "mixvit-b"): "This looks like mixvit-b, not litetrack-b4.",
        ("ostrack256", "ostrack384-ce"): "This looks like ostrack384-ce, not ostrack256.",
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
}


@pytest.mark.slow
@pytest.mark.parametrize("name", FULL)
@torch.inference_mode()
def test_a_full_size_file_gives_the_published_boxes(name: str, tmp_path: Path) -> None:
    golden, rule = FULL[name]
    path = write_official(tmp_path / "a.pth.tar", rule.filled(KEYS[name]))
    model = load_tracker(name, path)
    spec, options = model.spec, _options(model.spec, rule.crop)
    boxes = model(rule.crop("template", spec.template_size), rule.crop("search", spec.search_size), **options).boxes
    wanted = np.load(DATA / f"{golden}.golden.npz")["pred_boxes"].reshape(1, 4)
    np.testing.assert_allclose(boxes.numpy(), wanted, atol=1e-5)


def _options(spec: TrackerSpec, crop: Callable[[str, int], Tensor]) -> dict[str, Any]:
    if spec.online_templates:
        return {"online_template": crop("online_template", spec.template_size)}
    return {"template_box": torch.tensor([[0.25, 0.25, 0.75, 0.75]])} if spec.target_token else {}
