"""Stages cover every layer once, in order, and stop where something is decided."""

from __future__ import annotations

from dataclasses import replace

import pytest

from compress.core import BypassSpec, ExecutionPath, ExitSpec, LayerSpec, TrackerSpec
from compress.core.stages import Stage, stages, stages_of


def tracker(depth: int, *exits: int, n_enf: int | None = None) -> TrackerSpec:
    layers = tuple(LayerSpec(i, 8) for i in range(depth))
    bypass = None if n_enf is None else BypassSpec(n_enf=n_enf)
    return TrackerSpec(dim=8, heads=2, layers=layers, bypass=bypass, exits=tuple(map(ExitSpec, exits)))


def names(spec: TrackerSpec) -> str:
    return " ".join(("?" if stage.gated else "") + stage.name for stage in stages(spec))


@pytest.mark.parametrize(
    ("spec", "wanted"),
    [
        (tracker(5), "layers0-4"),
        (tracker(12, 2, 6, 12), "layers0-1-exit0 layers2-5-exit1 layers6-11-exit2"),
        (tracker(4, n_enf=2), "layers0-1 ?layers2 ?layers3"),
        (tracker(2, n_enf=0), "enter ?layers0 ?layers1"),
        (tracker(3, 3), "layers0-2-exit0"),
        (tracker(4, 1, 3, 4, n_enf=2), "layers0-exit0 layers1 ?layers2 exit1 ?layers3 exit2"),
        (tracker(3, 1, 3, n_enf=0), "enter ?layers0 exit0 ?layers1 ?layers2 exit1"),
        (tracker(4, 2, 4, n_enf=2), "layers0-1-exit0 ?layers2 ?layers3 exit1"),
    ],
)
def test_stages_by_hand(spec: TrackerSpec, wanted: str) -> None:
    assert names(spec) == wanted


@pytest.mark.parametrize("n_enf", [None, 0, 1, 3, 5])
@pytest.mark.parametrize("exits", [(), (6,), (1, 6), (2, 3, 6), (1, 2, 3, 4, 5, 6)])
def test_every_layer_and_exit_once(n_enf: int | None, exits: tuple[int, ...]) -> None:
    spec = tracker(6, *exits, n_enf=n_enf)
    found = stages(spec)
    assert [i for stage in found for i in stage.layers] == list(range(6))
    assert [stage.exit for stage in found if stage.exit is not None] == list(range(len(exits)))
    assert [i for stage in found if stage.gated for i in stage.layers] == list(spec.skippable)
    assert [stage.enters for stage in found] == [True] + [False] * (len(found) - 1)
    assert len({stage.name for stage in found}) == len(found)
    ends = {stage.exit: stage.last for stage in found if stage.exit is not None}
    assert ends == dict(enumerate(exits))


def test_a_stage_is_plain() -> None:
    assert stages(replace(tracker(2)))[0] == Stage(0, 2, enters=True)


@pytest.mark.parametrize(
    ("skipped", "exit", "wanted"),
    [
        ((), 0, "layers0-exit0"),
        ((), 1, "layers0-exit0 layers1 layers2 exit1"),
        ((2,), 1, "layers0-exit0 layers1 exit1"),
        ((2,), 2, "layers0-exit0 layers1 exit1 layers3 exit2"),
        ((2, 3), 2, "layers0-exit0 layers1 exit1 exit2"),
    ],
)
def test_stages_of_a_path(skipped: tuple[int, ...], exit: int, wanted: str) -> None:
    spec, path = tracker(4, 1, 3, 4, n_enf=2), ExecutionPath(frozenset(skipped), exit)
    assert " ".join(stage.name for stage in stages_of(spec, path)) == wanted
    assert sum(len(stage.layers) for stage in stages_of(spec, path)) == path.layers(spec)
