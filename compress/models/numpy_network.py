"""A tracker behind numpy arrays, for the frame loop."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from itertools import count
from types import FunctionType
from typing import Any, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from compress.core import ExecutionPath
from compress.geometry import NetworkOutput
from compress.models.fusing import fused
from compress.models.packing import packed
from compress.models.tracker import Tracker, TrackerOutput

_NUMBERS = count()

_Row: TypeAlias = NDArray[np.float32] | None


class NumpyNetwork:
    """Runs a `fused` copy of `model` on `device`, `packed` on a CPU, without gradients.

    Layers that a frame skips and exits that it does not reach are not computed. Training `model` later does not change
    the copy.

    Args:
        compiled: Let `torch.compile` make the work of a frame, when the first comes; of static trackers only.
    """

    def __init__(self, model: Tracker, device: str | torch.device = "cpu", *, compiled: bool = False) -> None:
        self._device = torch.device(device)
        self._model = fused(model).to(self._device)
        self._frame: Callable[..., TrackerOutput] = compiled_frame(self._model) if compiled else self._model.track
        if self._device.type == "cpu" and not compiled:
            packed(self._model)
        self._forced_path: ExecutionPath | None = None

    def along(self, forced_path: ExecutionPath) -> NumpyNetwork:
        """The same network, with every frame on one execution path, regardless of the decisions.

        Raises:
            UsageError: the tracker does not have that path.
        """
        forced_path.check(self._model.spec)
        other = copy(self)
        other._forced_path = forced_path
        return other

    @torch.inference_mode()
    def encode_template(
        self,
        template: NDArray[Any],
        template_box: NDArray[Any] | None = None,
        online_template: NDArray[Any] | None = None,
    ) -> dict[str, Tensor]:
        """Once per sequence, and whenever an online template is renewed.

        Args:
            template: (1, 3, Sz, Sz).
            template_box: (4,) or (1, 4) x1, y1, x2, y2 in shares of the crop.
            online_template: (1, K, 3, Sz, Sz); None takes the template again.
        """
        box = None if template_box is None else self._tensor(template_box).reshape(1, 4)
        online = None if online_template is None else self._tensor(online_template)
        return self._model.encode_template(self._tensor(template), box, online)

    @torch.inference_mode()
    def track(self, search: NDArray[Any], memory: dict[str, Tensor]) -> NetworkOutput:
        """`search` (1, 3, Sx, Sx) → the maps of `TrackerSpec.maps`, with a batch of one, and the path taken."""
        out = self._frame(self._tensor(search), memory, forced_path=self._forced_path)
        maps = {name: _array(value) for name, value in out.maps.items()}
        return NetworkOutput(maps, *_decided(out, exits=bool(self._model.spec.exits)))

    def _tensor(self, array: NDArray[Any]) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(array, dtype=np.float32)).to(self._device)


def _decided(out: TrackerOutput, *, exits: bool) -> tuple[ExecutionPath | None, _Row, _Row]:
    """The one frame's path, bypass probabilities and exit scores."""
    found = out.decisions
    if found is None:
        return None, None, None
    path = ExecutionPath(
        frozenset(found.skipped[0].nonzero().flatten().tolist()), int(found.exit[0]) if exits else None
    )
    bypass, scores = (None if value is None else _array(value[0]) for value in (found.bypass, found.scores))
    return path, bypass, scores


def _array(value: Tensor) -> NDArray[np.float32]:
    return value.float().cpu().numpy()


def compiled_frame(model: Tracker) -> Callable[..., TrackerOutput]:
    """`model.track` of a static tracker as one graph, compiled when first called.

    PyTorch keeps what it compiles by code object, gives up after a few networks that share one, and checks all of them
    in turn. So every network gets a code object of its own.
    """

    def frame(search: Tensor, memory: dict[str, Tensor], forced_path: ExecutionPath | None = None) -> TrackerOutput:
        return model.track(search, memory)

    code = frame.__code__.replace(co_name=f"frame_{next(_NUMBERS)}")
    alone = FunctionType(code, frame.__globals__, code.co_name, frame.__defaults__, frame.__closure__)
    return torch.compile(alone, fullgraph=True, dynamic=False)
