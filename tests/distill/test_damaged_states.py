"""States of trainings that are damaged, lie or are something else: refused in words, with nothing changed."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from compress.core import FileError
from compress.distill.checkpoint import Reached
from compress.distill.optimisation import averaged, optimiser
from compress.distill.reports import Report, TrainingLog
from compress.distill.training_state import TrainingState

_SETTINGS = {"steps": 5, "lr": 0.1}


def _state() -> TrainingState:
    torch.manual_seed(0)
    model = nn.ModuleList([nn.Linear(2, 2)])
    return TrainingState(model, averaged(model[0], 0.9), optimiser(model, 0.1, 0.1), torch.device("cpu"))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The state after two steps."""
    state, path = _state(), tmp_path / "state.safetensors"
    for _ in range(2):
        state.trained[0](torch.ones(1, 2)).sum().backward()  # type: ignore[index]
        state.descent.step()
    state.save(path, Reached(2), _SETTINGS)
    return path


def test_a_sound_one_is_taken_over(path: Path) -> None:
    assert _state().load(path, _SETTINGS) == Reached(2)


def _changed(path: Path, tensors: Callable[[dict[str, Tensor]], Any], header: Callable[[dict[str, Any]], Any]) -> None:
    with safe_open(path, framework="pt") as file:
        found = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        head = json.loads(file.metadata()["compress-training"])
    tensors(found)
    header(head)
    save_file(found, path, metadata={"compress-training": json.dumps(head)})


def _filled(name: str, value: float) -> Callable[[Path], None]:
    return lambda path: _changed(path, lambda tensors: tensors[name].fill_(value), lambda header: None)


_DAMAGE: dict[str, tuple[Callable[[Path], Any], str]] = {
    "empty": (lambda path: path.write_bytes(b""), "not a whole safetensors file"),
    "cut": (lambda path: path.write_bytes(path.read_bytes()[:-9]), "not a whole safetensors file"),
    "pickle": (lambda path: torch.save({"step": 3}, path), "claims a header|not a whole safetensors file"),
    "header of 8 EB": (lambda path: path.write_bytes(b"\0" * 7 + b"\x80{}"), "claims a header"),
    "folder": (lambda path: (path.unlink(), path.mkdir()), "it is a folder"),
    "pipe": (lambda path: (path.unlink(), os.mkfifo(path)), "it is a pipe"),
    "weights": (lambda path: save_file({"a": torch.ones(1)}, path), "not the state of a training"),
    "deep": (
        lambda path: save_file({"a": torch.ones(1)}, path, metadata={"compress-training": "[" * 10**5}),
        "is not the state of a training, or is damaged",
    ),
    "NaN": (_filled("trained.0.weight", float("nan")), "trained.0.weight' are not finite"),
    "infinite moment": (_filled("adamw.0.exp_avg", float("inf")), "adamw.0.exp_avg' are not finite"),
    "moment below 0": (_filled("adamw.0.exp_avg_sq", -1.0), "AdamW keeps of parameter 0 is below 0"),
    "step below 0": (_filled("adamw.0.step", -1.0), "AdamW keeps of parameter 0 is below 0"),
    "step ahead": (_filled("adamw.0.step", 9.0), "changed in more steps than there were"),
    "no step": (lambda p: _changed(p, lambda t: t.pop("adamw.0.step"), lambda h: None), "parameter 0 is incomplete"),
    "generator": (_filled("random.cpu", 255), "random generator"),
    "too many steps": (lambda p: _changed(p, lambda t: None, lambda h: h.update(step=6)), "has done 6 of 5 steps"),
}


@pytest.mark.parametrize("name", _DAMAGE)
def test_each_is_refused_with_nothing_changed(path: Path, name: str) -> None:
    damage, words = _DAMAGE[name]
    damage(path)
    state = _state()
    before, random = {k: v.clone() for k, v in state.trained.state_dict().items()}, torch.get_rng_state()
    with pytest.raises(FileError, match=words) as caught:
        state.load(path, _SETTINGS)
    assert "Remove it to train from the start" in str(caught.value)
    assert all(torch.equal(value, before[key]) for key, value in state.trained.state_dict().items())
    assert torch.equal(torch.get_rng_state(), random)
    assert not state.descent.state_dict()["state"]


@pytest.mark.parametrize("content", [b"\xff\xfe", b"step,loss\n\0,1\n", b'step\n"' + b"x" * 200_000, "²,1\n".encode()])
def test_a_log_that_is_none_is_begun_anew(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "log.csv").write_bytes(content)
    TrainingLog(tmp_path / "log.csv")(Report(5, 10, {"loss": 1.0}, 0.1, 1.0, 0.0))
    assert (tmp_path / "log.csv").read_text().splitlines() == ["step,loss", "5,1"]
