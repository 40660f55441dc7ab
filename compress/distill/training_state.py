"""All that changes while a model is trained, as tensors by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.amp import GradScaler
from torch.optim.swa_utils import AveragedModel

from compress.core import FileError
from compress.distill.checkpoint import Reached, read_state, save_state

_MOMENTS = ("exp_avg", "exp_avg_sq", "step")


@dataclass(frozen=True)
class TrainingState:
    """Weights with their buffers, their average, what AdamW keeps of them, and torch's own random generators.

    Attributes:
        device: Whose generator is kept beside the CPU's; stochastic depth draws from them.
    """

    trained: nn.Module
    average: AveragedModel
    descent: torch.optim.AdamW
    device: torch.device
    scaler: GradScaler = field(default_factory=lambda: GradScaler("cpu", enabled=False))

    def save(self, path: Path, reached: Reached, settings: Mapping[str, Any]) -> None:
        """Write it as it is; see `save_state`."""
        save_state(path, reached, settings, self._weights() | self._moments() | self._random() | self._scale())

    def load(self, path: Path, settings: Mapping[str, Any]) -> Reached:
        """Take over what was saved, and return how far that was.

        Raises:
            FileError: see `read_state`; then nothing was changed.
        """
        random = self._random()
        required = self._weights() | {"random.cpu": random["random.cpu"]} | self._scale()
        # A training that began on another device goes on with a generator of its own there.
        other = {"random.cuda": torch.empty(16, dtype=torch.uint8)}
        reached, tensors = read_state(path, settings, required, self._possible_moments() | other | random)
        problem = _problem(tensors, reached.step, self.device)
        if problem:
            raise FileError(f"{path} is damaged: {problem}. Remove it to train from the start.")
        self.trained.load_state_dict(_within(tensors, "trained."))
        self.average.load_state_dict(_within(tensors, "average."))
        state: dict[int, dict[str, Tensor]] = {}
        parameters = self._parameters()
        for key, value in _within(tensors, "adamw.").items():
            place, _, name = key.partition(".")
            # In the layout of the parameter, which AdamW's kernels take for granted.
            laid_out = torch.empty_like(parameters[int(place)]).copy_(value) if value.ndim else value
            state.setdefault(int(place), {})[name] = laid_out.detach()
        self.descent.load_state_dict({"state": state, "param_groups": self.descent.state_dict()["param_groups"]})
        torch.set_rng_state(tensors["random.cpu"])
        if "random.cuda" in tensors and self.device.type == "cuda":
            torch.cuda.set_rng_state(tensors["random.cuda"], self.device)
        if self.scaler.is_enabled():
            scale, since = tensors["scaler.scale"], tensors["scaler.since_growth"]
            self.scaler.load_state_dict(
                {**self.scaler.state_dict(), "scale": float(scale), "_growth_tracker": int(since)}
            )
        return reached

    def _weights(self) -> dict[str, Tensor]:
        trained = {f"trained.{name}": value for name, value in self.trained.state_dict().items()}
        return trained | {f"average.{name}": value for name, value in self.average.state_dict().items()}

    def _moments(self) -> dict[str, Tensor]:
        """Of each parameter that was changed, by its place among all."""
        kept = self.descent.state_dict()["state"]
        return {f"adamw.{place}.{name}": value for place, each in kept.items() for name, value in each.items()}

    def _possible_moments(self) -> dict[str, Tensor]:
        """Tensors of the shapes and types that `_moments` may come to have."""
        parameters = self._parameters()
        moments = {f"adamw.{i}.{name}": each for i, each in enumerate(parameters) for name in ("exp_avg", "exp_avg_sq")}
        return moments | {f"adamw.{i}.step": torch.zeros(()) for i in range(len(parameters))}

    def _parameters(self) -> list[Tensor]:
        """In AdamW's order."""
        return [each for group in self.descent.param_groups for each in group["params"]]

    def _scale(self) -> dict[str, Tensor]:
        """Of the loss, and the steps since it last grew; nothing where it is not scaled."""
        kept = self.scaler.state_dict()
        if not kept:
            return {}
        since = torch.tensor(kept["_growth_tracker"], dtype=torch.int64)
        return {"scaler.scale": torch.tensor(kept["scale"], dtype=torch.float64), "scaler.since_growth": since}

    def _random(self) -> dict[str, Tensor]:
        found = {"random.cpu": torch.get_rng_state()}
        return found | ({"random.cuda": torch.cuda.get_rng_state(self.device)} if self.device.type == "cuda" else {})


def _within(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}


def _problem(tensors: Mapping[str, Tensor], step: int, device: torch.device) -> str | None:
    """What a training could not go on from, though names, shapes and types are right."""
    places = {key.split(".")[1] for key in tensors if key.startswith("adamw.")}
    for place in places:
        moments = [tensors.get(f"adamw.{place}.{name}") for name in _MOMENTS]
        if any(each is None for each in moments):
            return f"what AdamW keeps of parameter {place} is incomplete"
        if any(each is not None and bool((each < 0).any()) for each in moments[1:]):
            return f"what AdamW keeps of parameter {place} is below 0"
        if float(tensors[f"adamw.{place}.step"]) > step:
            return f"parameter {place} was changed in more steps than there were"
    if "scaler.scale" in tensors and not (tensors["scaler.scale"] > 0 <= tensors["scaler.since_growth"]):
        return "the scale of the loss is not above 0"
    return _problem_of_generators(tensors, device)


def _problem_of_generators(tensors: Mapping[str, Tensor], device: torch.device) -> str | None:
    try:
        torch.Generator().set_state(tensors["random.cpu"])
        if "random.cuda" in tensors and device.type == "cuda":
            torch.Generator(device).set_state(tensors["random.cuda"])
    except RuntimeError:
        return "the state of the random generator is none"
    return None
