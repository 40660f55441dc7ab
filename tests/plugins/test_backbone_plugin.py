"""A backbone from outside the package: this file and one registration, and everything is done with it for real.

Its layers mix tokens by pooling (as PoolFormer's do) in place of attention: each token takes in the mean of all.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from compress import search
from compress.cli import main
from compress.core import TRACKERS, FileError, HeadSpec, LayerSpec, TrackerFields, TrackerSpec, UsageError, VitRules
from compress.core.component import Component, Work, linear
from compress.data.generated import GeneratedSequence, levels_of
from compress.driver.backbones import Backbone, register_backbone, remove_backbone
from compress.evaluate import evaluate
from compress.export import export_bundle
from compress.geometry import LoopSettings
from compress.latency import predict
from compress.latency.estimated.launches import VitLaunches
from compress.measure import host_profile
from compress.measure.stacks import BackboneStacks, VitStacks, vit_validation_set
from compress.models import Layout, NumpyNetwork, VitTracker, create_tracker, load_timm, load_tracker, save_weights
from compress.models.blocks import NORM_EPS, DropPath, Mlp
from compress.prior import BackbonePrior
from compress.runtime import open_bundle
from compress.spaces import NEVER
from compress.surgery import VitSurgery, inherit
from compress.testing.backbone_suite import BackboneSuite, shortened


class PoolingRules(VitRules):
    """Those of a plain ViT, but for what a layer is made of."""

    def problems(self, spec: TrackerFields) -> Iterator[str]:
        yield from super().problems(spec)
        if any(x.attention != "joint" or x.attn_dims or x.mlp_dims or x.keep for x in spec.layers):
            yield "layers of a pooling backbone are joint, without attn_dims, mlp_dims and keep"
        if spec.bypass or spec.exits:
            yield "a pooling backbone has neither bypass nor exits"

    def components(self, spec: TrackerFields) -> Iterator[Component]:
        for part in super().components(spec):
            kind, _, index = part.name.partition(".")
            yield self._layer(spec, part, spec.layers[int(index)]) if kind == "layers" else part

    def _layer(self, spec: TrackerFields, part: Component, layer: LayerSpec) -> Component:
        dim, hidden = spec.dim, layer.mlp_hidden
        held = 4 * dim + linear(dim, dim) + linear(dim, hidden) + linear(hidden, dim)
        tokens = spec.template_tokens + spec.search_tokens + spec.extra_tokens
        return replace(part, parameters=held, frame=Work(tokens * (dim * dim + 2 * dim * hidden)))


class PoolingBlock(nn.Module):
    """Pre-norm block: (B, N, dim) → the same, and no keys and values."""

    def __init__(self, dim: int, hidden: int, drop_path: float) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(dim, eps=NORM_EPS)
        self.proj = nn.Linear(dim, dim)
        self.norm2 = nn.LayerNorm(dim, eps=NORM_EPS)
        self.mlp = Mlp(dim, hidden, dim)
        self.drop_path = DropPath(drop_path)

    def forward(self, x: Tensor, memory: None = None) -> tuple[Tensor, None]:
        tokens = self.norm1(x)
        x = x + self.drop_path(self.proj(tokens.mean(1, keepdim=True) - tokens))
        return x + self.drop_path(self.mlp(self.norm2(x))), None


class PoolingTracker(VitTracker):
    """A one-stream tracker with pooling blocks in place of a ViT's."""

    def __init__(self, spec: TrackerSpec, *, drop_path: float = 0.0) -> None:
        super().__init__(spec, drop_path=drop_path)
        self.backbone.blocks = nn.ModuleList(PoolingBlock(spec.dim, x.mlp_hidden, drop_path) for x in spec.layers)


def _recognises(state: Mapping[str, Tensor]) -> bool:
    return any(key.startswith("poolnet.") for key in state)


def _adapted(state: dict[str, Tensor], spec: TrackerSpec) -> dict[str, Tensor]:
    return {key.removeprefix("poolnet."): value for key, value in state.items()}


PUBLISHED = Layout("PoolNet", "https://example.org", {"pooling-nano": "poolnet.pth"}, _recognises, _adapted)

POOLING = Backbone(
    rules=PoolingRules(),
    fixed_knobs={
        "interaction": "joint",
        "dr_ratio": 0,
        "heads": 1,
        "bypass": NEVER,
        "exits": NEVER,
        "keep_ratio": NEVER,
    },
    network=PoolingTracker,
    timm=None,
    surgery=VitSurgery(),
    launches={
        "onnxruntime": VitLaunches(3, 1, 9, cached=0, reduced=0, elimination=0, template_attention=0),
        "pytorch": VitLaunches(3, 1, 12, cached=0, reduced=0, elimination=0, template_attention=0),
    },
    prior=BackbonePrior(fitted=False, widening=lambda: 3.0),
    stacks=BackboneStacks(shallow=4, stacks=VitStacks, validation_set=vit_validation_set),
    layouts=(PUBLISHED,),
)


def pooling_nano() -> TrackerSpec:
    """Four pooling layers."""
    layers = tuple(LayerSpec(source=i, mlp_hidden=64) for i in range(4))
    head = HeadSpec(channels=8)
    return TrackerSpec(32, 1, layers, backbone="pooling", template_size=32, search_size=64, head=head)


@pytest.fixture(scope="module", autouse=True)
def registered() -> Iterator[None]:
    register_backbone("pooling", POOLING)
    TRACKERS.register(pooling_nano)
    yield
    TRACKERS.remove("pooling-nano")
    remove_backbone("pooling", POOLING)


class TestPooling(BackboneSuite):
    """All that holds for the package's own backbones."""

    @pytest.fixture
    def spec(self) -> TrackerSpec:
        return pooling_nano()


def test_a_second_one_of_the_name_changes_nothing() -> None:
    with pytest.raises(UsageError, match="'pooling' is already registered"):
        register_backbone("pooling", replace(POOLING, timm=None))
    with pytest.raises(UsageError, match="'vit' is already registered"):
        register_backbone("vit", POOLING)
    assert create_tracker("pooling-nano").spec == pooling_nano()


def test_what_it_cannot_be_is_refused_by_its_own_rules() -> None:
    spec = pooling_nano()
    with pytest.raises(UsageError, match="layers of a pooling backbone are joint"):
        replace(spec, layers=tuple(replace(layer, attention="AI") for layer in spec.layers))
    with pytest.raises(UsageError, match="Unknown backbone 'poling'. Did you mean pooling"):
        TrackerSpec.from_dict(spec.to_dict() | {"backbone": "poling"})
    with pytest.raises(UsageError, match="No model of timm's can start a tracker with the backbone pooling"):
        load_timm(create_tracker("pooling-nano"), "deit_tiny_patch16_224")


def test_a_published_checkpoint_is_read(tmp_path: Path) -> None:
    model = create_tracker("pooling-nano")
    torch.save({f"poolnet.{key}": value for key, value in model.state_dict().items()}, tmp_path / "poolnet.pth")
    loaded = load_tracker("pooling-nano", tmp_path / "poolnet.pth").state_dict()
    assert all(torch.equal(loaded[key], value) for key, value in model.state_dict().items())
    with pytest.raises(FileError, match="official repository, https://example.org: its poolnet.pth"):
        load_tracker("pooling-nano")


def test_it_is_described_as_its_operators_are_counted(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["describe", "pooling-nano", "--check", "--json"])
    assert not stop.value.code
    check = json.loads(capsys.readouterr().out)["check"]
    assert check["unknown"] == {}
    for row in check["parts"]:
        assert row["frame_formula"] == row["frame_counted"]
        assert row["template_formula"] == row["template_counted"]


def test_its_profile_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whole trackers are timed for real; how far a busy host lets the figures be off is not asked."""
    monkeypatch.setattr("compress.measure.calibration.profile_fit.WORST_ERROR", 1e9)
    profile = host_profile(pooling_nano(), rounds=2)
    assert profile.family.backbone == "pooling"
    assert {block.attention for block in profile.blocks} == {"joint"}
    assert predict(profile, shortened(pooling_nano())).mean_ms > 0


def test_a_search_trains_and_a_bundle_runs(tmp_path: Path, data: str) -> None:
    torch.manual_seed(0)
    weights = tmp_path / "pooling.safetensors"
    save_weights(create_tracker("pooling-nano"), weights)
    settings = {"weights": str(weights), "data": data, "target": "agx", "steps": 4, "pool": 64, "sampler": "random"}
    found = search(out=tmp_path / "run", teacher="pooling-nano", speedup=1.01, trials=2, device="cpu", **settings)
    done = [record for record in found.records if record.status == "done"]
    assert done
    assert all(record.spec.backbone == "pooling" and record.accuracy for record in done)
    assert len(done[-1].spec.layers) <= 4

    model = inherit(create_tracker("pooling-nano"), done[-1].spec).eval()
    sequence = GeneratedSequence(0, name="s0", levels=levels_of("mixed"), length=6)
    bundle = export_bundle(model, tmp_path / "bundle", sequence=sequence, provenance={})
    opened = open_bundle(bundle)
    assert opened.spec == done[-1].spec
    assert 0 <= evaluate(NumpyNetwork(model), LoopSettings.of(model.spec), [sequence]).accuracy.ao <= 1
