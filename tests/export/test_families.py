"""Bundles of every head: they follow as PyTorch does, and renew their template at the same frames."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch

from compress.core import UsageError
from compress.export import compare, export_bundle
from compress.geometry import LoopSettings
from compress.models import NumpyNetwork, Tracker
from compress.runtime import BundleNetwork, open_bundle, track
from compress.testing.bundle_specs import FAMILIES, MIXFORMER

Lively = Callable[..., Tracker]


def _export(model: Tracker, out: Path, sequence: Any, **more: Any) -> Path:
    return export_bundle(model, out, sequence=sequence, provenance={"teacher": "random"}, **more)


@pytest.mark.parametrize("name", FAMILIES)
def test_bundle_follows_as_pytorch_does(name: str, lively: Lively, square: Any, tmp_path: Path) -> None:
    spec = FAMILIES[name]
    out = _export(lively(spec), tmp_path / "b", square)
    bundle = open_bundle(out)
    assert bundle.spec == spec
    parity = bundle.manifest["parity"]
    assert parity["frames"] == len(square) - 1
    assert set(parity["maps"]) == set(spec.maps) | ({"box"} if spec.head.kind != "centre" else set())
    assert max(parity["maps"].values()) < 1e-4
    assert bundle.manifest["decode"]["maps"] == {key: [1, *shape] for key, shape in spec.maps.items()}
    assert bundle.manifest["postprocess"]["window"] == ("hann" if spec.head.kind == "centre" else "none")
    for graph in ("template.onnx", "frame.onnx"):
        kinds = {node.op_type for node in onnx.load(out / graph).graph.node}
        assert not kinds & {"BatchNormalization", "Dropout", "If", "Loop"}


@pytest.mark.parametrize("name", FAMILIES)
def test_other_weights_are_noticed(name: str, lively: Lively, square: Any) -> None:
    spec = FAMILIES[name]
    networks = [NumpyNetwork(lively(spec, seed=seed)) for seed in (0, 1)]
    problems = compare(*networks, LoopSettings.of(spec), square).problems()  # type: ignore[call-arg]
    assert any("differs by" in problem for problem in problems)


def _scoring(lively: Lively, **changes: Any) -> Tracker:
    """A tracker that changes its mind about the target from frame to frame, at first above the gate."""
    model = lively(MIXFORMER, **changes)
    with torch.no_grad():
        model.box_head.score[-1].bias.add_(1.0)
    return model


def test_templates_are_renewed_at_the_same_frames(lively: Lively, square: Any, tmp_path: Path) -> None:
    model = _scoring(lively)
    bundle = open_bundle(_export(model, tmp_path / "b", square, update_interval=3))
    assert bundle.settings.update_interval == 3
    parity = compare(NumpyNetwork(model), BundleNetwork(bundle), bundle.settings, square)
    assert parity.problems() == []
    assert parity.tie_at is None
    assert len(parity.renewed) >= 4
    assert all(frame % 3 == 0 for frame in parity.renewed)
    assert parity.also_renewed == parity.renewed
    assert tuple(bundle.manifest["parity"]["renewed"]) == parity.renewed
    still = LoopSettings.of(MIXFORMER, update_interval=0)
    boxes = [_boxes(BundleNetwork(bundle), settings, square) for settings in (bundle.settings, still)]
    first = parity.renewed[0]
    np.testing.assert_array_equal(boxes[0][: first + 1], boxes[1][: first + 1])
    assert np.abs(boxes[0][first + 1] - boxes[1][first + 1]).max() > 1e-3


def _boxes(network: Any, settings: LoopSettings, sequence: Any) -> Any:
    frames = (sequence.frame(i) for i in range(len(sequence)))
    return np.stack([step.box for step in track(network, settings, frames, sequence.boxes[0])])


def test_only_a_tracker_that_can_choose_has_an_interval(lively: Lively, square: Any, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="score head"):
        _export(lively(FAMILIES["pyramid"]), tmp_path / "b", square, update_interval=10)
    assert list(tmp_path.iterdir()) == []


def test_online_template_reaches_the_graph(lively: Lively, square: Any, tmp_path: Path) -> None:
    spec = FAMILIES["tokens-two-online"]
    network = BundleNetwork(open_bundle(_export(lively(spec), tmp_path / "b", square)))
    rng = np.random.default_rng(0)
    template, other = rng.standard_normal((2, 1, 3, 32, 32), dtype=np.float32)
    search = rng.standard_normal((1, 3, 64, 64), dtype=np.float32)
    same, other = (np.stack([template, crop], axis=1) for crop in (template, other))
    repeated, alike, new = (
        network.track(search, network.encode_template(template, None, online)).maps["prob_l"]
        for online in (None, same, other)
    )
    np.testing.assert_array_equal(repeated, alike)
    assert np.abs(new - alike).max() > 1e-4
