"""The work of a frame compiled by PyTorch."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from types import FunctionType

import torch
from torch import Tensor

from compress.models.adaptive.forced_path import ForcedPath
from compress.models.tracker import Tracker, TrackerOutput

_NUMBERS = count()


def compiled_frame(model: Tracker) -> Callable[..., TrackerOutput]:
    """`model.track` of a static tracker as one graph, compiled when first called.

    PyTorch keeps what it compiles by code object, gives up after a few networks that share one, and asks all of them
    in turn which is meant. So every network gets a code object of its own.
    """

    def frame(search: Tensor, memory: dict[str, Tensor], forced_path: ForcedPath | None = None) -> TrackerOutput:
        return model.track(search, memory)

    code = frame.__code__.replace(co_name=f"frame_{next(_NUMBERS)}")
    alone = FunctionType(code, frame.__globals__, code.co_name, frame.__defaults__, frame.__closure__)
    return torch.compile(alone, fullgraph=True, dynamic=False)
