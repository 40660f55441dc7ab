"""Networks with random weights whose maps are neither flat nor saturated, and a sequence to track."""

from collections.abc import Callable
from functools import cache
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from divided import divided
from families import ADAPTIVE
from torch import nn

from compress.core import TrackerSpec
from compress.export import bundle_graphs
from compress.models import Tracker, build
from compress.runtime.selftest import INIT, selftest_frames
from compress.runtime.signatures import Form


def _lively(spec: TrackerSpec, seed: int = 0) -> Tracker:
    torch.manual_seed(seed)
    model = build(spec)
    # A LeViT has no layer norm to keep its tokens small.
    gain = "linear" if spec.backbone == "levit" else "relu"
    for module in model.modules():
        if isinstance(module, nn.Linear | nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, nonlinearity=gain)
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
            module.running_mean.uniform_(-0.1, 0.1)
            module.running_var.uniform_(0.5, 2.0)
            # A LeViT's last norms start at 0, which would leave its layers out.
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.uniform_(module.bias, -0.1, 0.1)
    for name, parameter in model.named_parameters():
        if name.endswith("bias.table"):
            nn.init.normal_(parameter)
        if name.endswith("conv5_ctr.bias"):
            nn.init.zeros_(parameter)
    return model.eval()


@pytest.fixture(scope="session")
def lively() -> Callable[..., Tracker]:
    return _lively


class Square(SimpleNamespace):
    def __len__(self) -> int:
        return len(self.boxes)


@pytest.fixture(scope="session")
def square() -> Any:
    """A sequence of 20 frames."""
    frames = selftest_frames(seed=5, length=20)
    return Square(name="square", boxes=np.array([INIT] * len(frames)), frame=frames.__getitem__)


@pytest.fixture(scope="session")
def adaptive(square: Any) -> Callable[[str], Tracker]:
    """One of `ADAPTIVE` that takes several ways on `square`."""

    @cache
    def made(name: str) -> Tracker:
        return divided(_lively(ADAPTIVE[name], seed=1 if name == "both-asymmetric" else 5), square)

    return made


@pytest.fixture(scope="session")
def graphs(adaptive: Callable[[str], Tracker]) -> Callable[[str, Form], dict[str, bytes]]:
    """Its graphs."""
    return cache(lambda name, form: bundle_graphs(adaptive(name), form))
