"""A tracker behind numpy arrays, for the frame loop."""

from __future__ import annotations

from collections.abc import Callable, Sequence
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

    def track(self, search: NDArray[Any], memory: dict[str, Tensor]) -> NetworkOutput:
        """`search` (1, 3, Sx, Sx) → the maps of `TrackerSpec.maps`, with a batch of one, and the path taken."""
        return self._outputs(search, memory)[0]

    def join_memories(self, memories: Sequence[dict[str, Tensor]]) -> dict[str, Tensor]:
        """What `encode_template` returned for each of several sequences, as `track_batch` takes it."""
        return {name: torch.cat([each[name] for each in memories]) for name in memories[0]}

    def track_batch(self, search: NDArray[Any], memory: dict[str, Tensor]) -> list[NetworkOutput]:
        """`search` (B, 3, Sx, Sx), each against its own part of `memory` → as `track`, for each frame.

        Every frame takes its own path through an adaptive tracker.
        """
        return self._outputs(search, memory)

    @torch.inference_mode()
    def _outputs(self, search: NDArray[Any], memory: dict[str, Tensor]) -> list[NetworkOutput]:
        out = self._frame(self._tensor(search), memory, forced_path=self._forced_path)
        maps = {name: _array(value) for name, value in out.maps.items()}
        decided = _decided(out, len(search), exits=bool(self._model.spec.exits))
        return [
            NetworkOutput({name: each[i : i + 1] for name, each in maps.items()}, *row) for i, row in enumerate(decided)
        ]

    def _tensor(self, array: NDArray[Any]) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(array, dtype=np.float32)).to(self._device)


def _decided(out: TrackerOutput, count: int, *, exits: bool) -> list[tuple[ExecutionPath | None, _Row, _Row]]:
    """Each frame's path, bypass probabilities and exit scores."""
    found = out.decisions
    if found is None:
        return [(None, None, None)] * count
    bypass, scores = (None if value is None else _array(value) for value in (found.bypass, found.scores))
    skipped, taken = found.skipped.tolist(), found.exit.tolist()
    return [
        (
            ExecutionPath(frozenset(layer for layer, left in enumerate(row) if left), taken[i] if exits else None),
            None if bypass is None else bypass[i],
            None if scores is None else scores[i],
        )
        for i, row in enumerate(skipped)
    ]


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
