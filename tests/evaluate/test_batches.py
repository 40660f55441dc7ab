"""Sequences that are followed at once: in whatever groups, with the boxes of each alone."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from compress.core import ACCURATE_ASKED, FAST_ALONE, CompressError, describe
from compress.evaluate import Evaluation, evaluate
from compress.geometry import CascadeNetwork, CascadeSettings, LoopSettings, NetworkOutput
from compress.models import NumpyNetwork, load_tracker
from compress.testing.networks import SPECS, scattered

SETTINGS = LoopSettings(template_size=64, search_size=128, template_factor=2.0, search_factor=4.0, grid=8)
RENEWED = replace(SETTINGS, online_templates=1, update_interval=3, update_gate=0.0)


@dataclass
class Drifting:
    """A numpy network whose boxes follow from the templates and crops of a sequence and from nothing else."""

    batches: list[int] = field(default_factory=list)
    joined: int = 0
    broken: float = 0.0

    def encode_template(self, template: Any, template_box: Any, online_template: Any = None) -> Any:
        return float(template.mean()) + (0.0 if online_template is None else float(online_template.mean()))

    def track(self, search: NDArray[np.float32], memory: Any) -> NetworkOutput:
        self.batches.append(1)
        return self._output(search[0], memory)

    def join_memories(self, memories: list[Any]) -> list[Any]:
        self.joined += 1
        return list(memories)

    def track_batch(self, search: NDArray[np.float32], memory: Any) -> list[NetworkOutput]:
        self.batches.append(len(search))
        return [self._output(crop, each) for crop, each in zip(search, memory, strict=True)]

    def _output(self, crop: NDArray[np.float32], memory: float) -> NetworkOutput:
        wave = np.sin(float(crop.mean()) + memory + np.arange(64)).astype(np.float32).reshape(1, 1, 8, 8)
        size = np.full((1, 2, 8, 8), 0.2, dtype=np.float32)
        offset = np.full((1, 2, 8, 8), float(np.tanh(memory)) or self.broken, dtype=np.float32)
        return NetworkOutput({"score_map": (wave + 1) / 2, "size_map": size, "offset_map": offset})


def _same_boxes(found: Evaluation, wanted: Evaluation, atol: float = 0.0) -> None:
    assert list(found.boxes) == list(wanted.boxes)
    assert [score.name for score in found.per_sequence] == list(wanted.boxes)
    assert (found.renewals, found.paths) == (wanted.renewals, wanted.paths)
    for name, boxes in wanted.boxes.items():
        np.testing.assert_allclose(found.boxes[name], boxes, rtol=0, atol=atol)


def _slides(slide: Any) -> list[Any]:
    """Of many lengths, one of them a single frame."""
    lengths = (5, 9, 1, 7, 4, 8)
    return [slide(f"s{n}", length=n, step=k - 2, start=(60, 40 + 3 * k, 20, 24)) for k, n in enumerate(lengths)]


@pytest.mark.parametrize("settings", [SETTINGS, RENEWED], ids=["fixed", "renewed"])
@pytest.mark.parametrize("batch", [2, 4, 100])
def test_groups_change_no_box(slide: Any, settings: LoopSettings, batch: int) -> None:
    seen: list[tuple[str, float]] = []
    network, sequences = Drifting(), _slides(slide)
    found = evaluate(
        network, settings, sequences, batch=batch, progress=lambda text, share, _=None: seen.append((text, share))
    )
    _same_boxes(found, evaluate(Drifting(), settings, sequences))
    assert (found.renewals > 0) == (settings is RENEWED)
    assert found.batch - 1 <= max(network.batches) <= found.batch <= batch
    assert sum(network.batches) == sum(map(len, sequences)) - len(sequences)
    assert seen == [(f"frame {i} of 34", i / 34) for i in range(1, 35)]


def test_memories_are_joined_when_one_changes_only(slide: Any) -> None:
    network = Drifting()
    evaluate(network, SETTINGS, [slide(name, length=9) for name in "abc"], batch=3)
    assert network.joined == 1
    assert network.batches == [3] * 8


def test_groups_are_of_even_size(slide: Any) -> None:
    network = Drifting()
    found = evaluate(network, SETTINGS, [slide(name, length=3) for name in "abcdef"], batch=5)
    assert found.batch == 3
    assert network.batches == [3] * 4


def test_an_error_names_its_sequence(slide: Any) -> None:
    sequences = [slide("first", length=4), slide("gone", length=4, start=(400, 5, 20, 20))]
    with pytest.raises(CompressError, match="Sequence gone, frame 1: .*160x120"):
        evaluate(Drifting(), SETTINGS, sequences, batch=2)


class Plain:
    """A network for one frame at a time."""

    def __init__(self) -> None:
        network = Drifting()
        self.encode_template, self.track = network.encode_template, network.track


def test_a_network_that_cannot_goes_one_by_one(slide: Any) -> None:
    found = evaluate(Plain(), SETTINGS, _slides(slide), batch=4)
    assert found.batch == 1
    _same_boxes(found, evaluate(Drifting(), SETTINGS, _slides(slide)))


def test_the_shipped_teacher_finds_the_same_boxes(slide: Any) -> None:
    network, settings = NumpyNetwork(load_tracker("ostrack-nano")), LoopSettings.of(describe("ostrack-nano"))
    sequences = _slides(slide)[:4]
    alone = evaluate(network, settings, sequences)
    assert alone.batch == 1
    assert alone.accuracy.ao > 0.5
    _same_boxes(evaluate(network, settings, sequences, batch=3), alone, atol=0.01)


@pytest.mark.parametrize("name", ["FE-AI-token", "tokens-split", "two-online", "asymmetric-adaptive", "joint-adaptive"])
def test_random_networks_find_the_same_boxes(slide: Any, name: str) -> None:
    torch.manual_seed(1)
    spec = SPECS[name]
    network = NumpyNetwork(scattered(spec))
    settings = LoopSettings.of(spec, update_interval=2 if spec.online_templates and spec.head.score else None)
    alone = evaluate(network, settings, _slides(slide))
    assert bool(alone.paths) == spec.adaptive
    _same_boxes(evaluate(network, settings, _slides(slide), batch=3), alone, atol=0.05)


class Unsure(Drifting):
    """With scores anywhere between 0 and 1."""

    def _output(self, crop: NDArray[np.float32], memory: float) -> NetworkOutput:
        maps = super()._output(crop, memory).maps
        height = np.float32(abs(np.sin(1000 * float(crop.mean()))))
        return NetworkOutput({**maps, "score_map": maps["score_map"] * height})


@pytest.mark.parametrize("search", [128, 64], ids=["one crop", "two crops"])
def test_a_cascade_finds_the_same_boxes_in_groups(slide: Any, search: int) -> None:
    """Each frame asks as it would alone, so a group is divided anew on every frame."""
    accurate = replace(SETTINGS, search_size=search)
    slow = Drifting()
    networks, settings = CascadeNetwork(Unsure(), slow), CascadeSettings(SETTINGS, accurate, 0.5)
    sequences = _slides(slide)
    wanted = evaluate(networks, settings, sequences)
    assert set(wanted.paths) == {FAST_ALONE, ACCURATE_ASKED}
    assert len(slow.batches) == wanted.paths[ACCURATE_ASKED]
    for batch in (2, 3, 16):
        _same_boxes(evaluate(networks, settings, sequences, batch=batch), wanted)
    assert max(slow.batches) > 1
