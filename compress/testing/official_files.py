"""Checkpoint files as the trackers' training code writes them, with objects of classes that are gone afterwards."""

from __future__ import annotations

import sys
import types
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

_CLASSES = {
    "lib.train.admin.settings": ["Settings"],
    "lib.train.admin.local": ["EnvironmentSettings"],
    "lib.train.admin.stats": ["AverageMeter", "StatValue"],
}


def write_official(path: Path, net: dict[str, Tensor], *, net_type: str = "OSTrack", **options: Any) -> Path:
    """Write `net` with all that stands beside it in a published file; `options` go to `torch.save`."""
    modules = _modules()
    sys.modules.update(modules)
    try:
        torch.save(_container(net, net_type, modules), path, **options)
    finally:
        for name in modules:
            del sys.modules[name]
    return path


def _modules() -> dict[str, types.ModuleType]:
    names = {".".join(name.split(".")[:i]) for name in _CLASSES for i in range(1, 5)}
    modules = {name: types.ModuleType(name) for name in sorted(names)}
    for name, classes in _CLASSES.items():
        for cls in classes:
            setattr(modules[name], cls, type(cls, (), {"__module__": name}))
    return modules


def _container(net: dict[str, Tensor], net_type: str, modules: dict[str, types.ModuleType]) -> dict[str, Any]:
    def make(module: str, cls: str, **state: Any) -> Any:
        made = getattr(modules[f"lib.train.admin.{module}"], cls)()
        made.__dict__.update(state)
        return made

    optimiser = torch.optim.AdamW([torch.nn.Parameter(torch.ones(2))], lr=1e-4)
    loss = make("stats", "AverageMeter", val=0.5, avg=0.4, sum=8.0, count=20, has_new_data=True)
    rate = make("stats", "StatValue", val=np.float64(1e-4), history=[1e-4, 1e-5])
    environment = make("local", "EnvironmentSettings", workspace_dir="/home/user", lasot_dir="/data/lasot")
    settings = make(
        "settings",
        "Settings",
        env=environment,
        device=torch.device("cuda:0"),
        output_sz={"template": 128, "search": 256},
        scheduler_type="step",
    )
    return {
        "epoch": 300,
        "actor_type": f"{net_type}Actor",
        "net_type": net_type,
        "net": OrderedDict(net),
        "net_info": None,
        "constructor": None,
        "optimizer": optimiser.state_dict(),
        "stats": OrderedDict(train=OrderedDict({"Loss/total": loss, "LearningRate/group0": rate})),
        "settings": settings,
    }
