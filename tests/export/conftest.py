"""Networks with random weights whose maps are neither flat nor saturated."""

from collections.abc import Callable

import pytest
import torch
from torch import nn

from compress.core import TrackerSpec
from compress.models import Tracker, build


def _lively(spec: TrackerSpec, seed: int = 0) -> Tracker:
    torch.manual_seed(seed)
    model = build(spec)
    for module in model.modules():
        if isinstance(module, nn.Linear | nn.Conv2d):
            nn.init.kaiming_normal_(module.weight)
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.uniform_(-0.1, 0.1)
            module.running_var.uniform_(0.5, 2.0)
    nn.init.zeros_(model.box_head.conv5_ctr.bias)
    return model.eval()


@pytest.fixture(scope="session")
def lively() -> Callable[..., Tracker]:
    return _lively
