"""The loop by itself, on a model of four numbers."""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from compress.core import CompressError, FileError
from compress.distill import Checkpoint, Trainer, TrainerSettings
from compress.distill.reports import Report

CPU = torch.device("cpu")
SETTINGS = TrainerSettings(steps=10, lr=0.1, warmup=2, weight_decay=0.01, ema=0.9, report_every=4)


def _batches(start: int) -> Generator[Tensor, None, None]:
    while True:
        yield torch.randn(5, 4, generator=torch.Generator().manual_seed(start))
        start += 1


def _model() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Dropout(0.5), nn.Linear(4, 1), nn.BatchNorm1d(1))


def _trainer(
    model: nn.Module,
    settings: TrainerSettings = SETTINGS,
    broken: Callable[[int], float] = lambda step: 1.0,
    **options: Any,
) -> Trainer[nn.Module, Tensor]:
    def objective(batch: Tensor, step: int) -> dict[str, Tensor]:
        fit = model(batch).square().mean() + (model[1].weight - 1).square().sum()  # type: ignore[index]
        size = model[1].weight.square().sum() * broken(step)  # type: ignore[index]
        return {"loss": fit + size, "fit": fit, "size": size}

    return Trainer(model, objective, _batches, settings, device=CPU, **options)


def _stop_at(step: int) -> Callable[[int], None]:
    def before(now: int) -> None:
        if now == step:
            raise KeyboardInterrupt

    return before


def _step_of(path: Path) -> int:
    with safe_open(path, framework="pt") as file:
        return int(json.loads(file.metadata()["compress-training"])["step"])


@pytest.mark.parametrize("stop", [1, 2, 7, 9])
def test_a_stopped_run_continues_exactly(tmp_path: Path, stop: int) -> None:
    """With dropout, whose draws go on where they were, batch norms, warm-up and averages."""
    whole = _trainer(_model()).run().state_dict()
    kept = Checkpoint(tmp_path / "state.safetensors", every_s=0.0)
    with pytest.raises(KeyboardInterrupt):
        _trainer(_model(), checkpoint=kept, before=_stop_at(stop)).run()
    assert _step_of(kept.path) == stop
    other = _model()
    nn.init.zeros_(other[1].weight)  # type: ignore[index]
    torch.manual_seed(99)  # neither where it starts nor what was drawn since makes a difference
    found = _trainer(other, checkpoint=kept).run().state_dict()
    assert all(torch.equal(found[name], value) for name, value in whole.items())


def test_a_finished_run_is_not_trained_again(tmp_path: Path) -> None:
    kept = Checkpoint(tmp_path / "state.safetensors", every_s=1e9)
    first = _trainer(_model(), checkpoint=kept).run().state_dict()
    assert _step_of(kept.path) == 10
    before = kept.path.stat().st_mtime_ns
    again = _trainer(_model(), checkpoint=kept, before=_stop_at(9)).run().state_dict()
    assert all(torch.equal(first[name], value) for name, value in again.items())
    assert kept.path.stat().st_mtime_ns == before


def test_the_mean_of_each_part_is_reported() -> None:
    seen: list[tuple[str, float, Mapping[str, float]]] = []
    note = lambda text, share, figures=None: seen.append((text, share, figures))  # noqa: E731
    _trainer(_model(), progress=note).run()
    assert [(text, share) for text, share, _ in seen] == [
        ("step 4 of 10", 0.4),
        ("step 8 of 10", 0.8),
        ("step 10 of 10", 1.0),
    ]
    assert all(list(figures) == ["loss", "fit", "size"] for _, _, figures in seen)
    assert all(f["loss"] == pytest.approx(f["fit"] + f["size"]) for _, _, f in seen)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_divergence_is_found_when_it_happens(tmp_path: Path, value: float) -> None:
    model, kept = _model(), Checkpoint(tmp_path / "state.safetensors", every_s=0.0)
    broken = lambda step: value if step == 6 else 1.0  # noqa: E731
    with pytest.raises(CompressError, match=rf"diverged at step 7 of 10: loss is {value}, size is {value}"):
        _trainer(model, broken=broken, checkpoint=kept).run()
    assert _step_of(kept.path) == 6
    assert all(each.isfinite().all() for each in load_file(kept.path).values() if each.is_floating_point())
    assert all(each.isfinite().all() for each in model.parameters())


def test_a_gradient_that_is_not_finite_is_divergence() -> None:
    model = _model()
    kinked = lambda batch, step: {"loss": (model[1].bias * 0).square().sum().sqrt()}  # type: ignore[index] # noqa: E731
    with pytest.raises(CompressError, match="diverged at step 1 of 10: gradient is nan"):
        Trainer(model, kinked, _batches, SETTINGS, device=CPU).run()


def _stopped(tmp_path: Path) -> Checkpoint:
    kept = Checkpoint(tmp_path / "state.safetensors", every_s=0.0)
    with pytest.raises(KeyboardInterrupt):
        _trainer(_model(), checkpoint=kept, before=_stop_at(3)).run()
    return kept


def test_other_settings_are_another_training(tmp_path: Path) -> None:
    kept = _stopped(tmp_path)
    with pytest.raises(FileError, match="other settings: 'steps' is 10 there, 12 here"):
        _trainer(_model(), replace(SETTINGS, steps=12), checkpoint=kept).run()
    with pytest.raises(FileError, match="'seed' is None there, 1 here"):
        _trainer(_model(), checkpoint=kept, about={"seed": 1}).run()


def test_a_checkpoint_of_another_training_can_be_left_aside(tmp_path: Path) -> None:
    kept = replace(_stopped(tmp_path), anew=True)
    other = replace(SETTINGS, steps=12)
    found = _trainer(_model(), other, checkpoint=kept).run().state_dict()
    assert all(torch.equal(found[name], value) for name, value in _trainer(_model(), other).run().state_dict().items())
    assert _step_of(kept.path) == 12


@pytest.mark.parametrize(
    ("header", "words"),
    [
        (None, "must be an object"),
        ({"format": "compress-training", "version": 1, "step": 3, "settings": {}}, "version must be 2"),
        ({"format": "other", "version": 2, "step": 3, "settings": {}}, "of 'other'"),
        ({"format": "compress-training", "version": 2, "step": -3, "settings": {}}, "step must be 0 or more"),
        ({"format": "compress-training", "version": 2, "step": True, "settings": []}, "settings"),
        (
            {"format": "compress-training", "version": 2, "step": 3, "settings": {}, "count": 4},
            "count must be from 0 to 3",
        ),
        (
            {"format": "compress-training", "version": 2, "step": 3, "settings": {}, "sums": {"a": 1.0}},
            "with sums unless",
        ),
    ],
)
def test_a_header_that_cannot_be_is_refused(tmp_path: Path, header: object, words: str) -> None:
    path = tmp_path / "state.safetensors"
    save_file(
        {"a": torch.zeros(1)}, path, metadata=None if header is None else {"compress-training": json.dumps(header)}
    )
    with pytest.raises(FileError, match=words):
        _trainer(_model(), checkpoint=Checkpoint(path)).run()


@pytest.mark.parametrize("text", [b"", b"not a file of tensors", b'\x08\0\0\0\0\0\0\0{"a":{}}'])
def test_what_is_no_state_is_refused(tmp_path: Path, text: bytes) -> None:
    path = tmp_path / "state.safetensors"
    path.write_bytes(text)
    with pytest.raises(FileError, match="no state of a training|not a whole safetensors file"):
        _trainer(_model(), checkpoint=Checkpoint(path)).run()


@pytest.mark.parametrize("change", ["missing", "more", "shape", "type"])
def test_other_tensors_are_refused_and_nothing_changes(tmp_path: Path, change: str) -> None:
    kept, name = _stopped(tmp_path), "trained.0.1.weight"
    with safe_open(kept.path, framework="pt") as file:
        metadata = file.metadata()
    tensors = load_file(kept.path)
    tensors |= {
        "missing": {},
        "more": {"adamw.77.step": torch.zeros(())},
        "shape": {name: torch.zeros(2, 4)},
        "type": {name: torch.zeros(1, 4, dtype=torch.float64)},
    }[change]
    if change == "missing":
        del tensors[name]
    save_file(tensors, kept.path, metadata=metadata)
    model = _model()
    before = {key: value.clone() for key, value in model.state_dict().items()}
    with pytest.raises(FileError, match="lacks tensors of this training, or has others"):
        _trainer(model, checkpoint=kept).run()
    assert all(torch.equal(before[key], value) for key, value in model.state_dict().items())


@pytest.mark.parametrize("stop", [2, 6, 7])
def test_reports_of_a_stopped_run_are_those_of_a_whole_one(tmp_path: Path, stop: int) -> None:
    """Means over four steps, between two of which it is stopped."""
    whole: dict[int, Mapping[str, float]] = {}
    _trainer(_model(), observers=[lambda report: whole.update({report.step: report.means})]).run()
    found: dict[int, Mapping[str, float]] = {}
    kept = Checkpoint(tmp_path / "state.safetensors", every_s=0.0)
    options: dict[str, Any] = {"checkpoint": kept, "observers": [lambda each: found.update({each.step: each.means})]}
    with pytest.raises(KeyboardInterrupt):
        _trainer(_model(), before=_stop_at(stop), **options).run()
    _trainer(_model(), **options).run()
    assert found == whole


def test_a_report_says_how_fast_it_goes_and_at_which_rate() -> None:
    seen: list[Report] = []
    _trainer(_model(), observers=[seen.append]).run()
    assert [each.step for each in seen] == [4, 8, 10]
    assert all(each.pairs_per_s > 0 and 0 <= each.waiting <= 1 and each.teacher == 0 for each in seen)
    assert seen[0].lr > seen[-1].lr > 0


def test_the_backbone_has_a_rate_of_its_own() -> None:
    class Tracker(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.backbone, self.head = nn.Linear(4, 4), nn.Linear(4, 1)

    torch.manual_seed(0)
    model = Tracker()
    settings = replace(SETTINGS, steps=1, warmup=0, weight_decay=0.0, ema=0.0, backbone_lr=0.1)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    loss = lambda batch, step: {"loss": model.head(model.backbone(batch)).square().mean()}  # noqa: E731
    after = Trainer(model, loss, _batches, settings, device=CPU).run().state_dict()
    moved = {name: float((after[name] - value).abs().max()) for name, value in before.items()}
    # AdamW's first step is the rate itself, whatever the gradient.
    assert moved["backbone.weight"] == pytest.approx(0.01, rel=1e-3)
    assert moved["head.weight"] == pytest.approx(0.1, rel=1e-3)
