"""Search, train and deploy fast transformer trackers."""

from __future__ import annotations

import os
from importlib import import_module
from typing import Any

# onnxruntime from 1.32 on keeps a database of events under ~/.cache/Microsoft and sends them, unless it is told not to
# before it is imported.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

__version__ = "0.1.0"

# onnxruntime collects usage data from 1.32 on, in files under the home folder, as soon as it is imported.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

# Loaded on first use, so that `import compress` stays light.
_LAZY = {
    "create_tracker": "compress.models",
    "describe": "compress.core",
    "finetune": "compress.driver.finetuning.finetune",
    "load_tracker": "compress.models",
    "search": "compress.driver.search",
}

__all__ = ["create_tracker", "describe", "finetune", "load_tracker", "search"]


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return getattr(import_module(_LAZY[name]), name)
    raise AttributeError(f"module 'compress' has no attribute {name!r}")
