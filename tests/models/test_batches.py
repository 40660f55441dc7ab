"""Frames of several sequences at once come out as each does by itself, along its own path."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from compress.core import TRACKERS
from compress.models import NumpyNetwork
from compress.testing.networks import BOX, SPECS, crops, scattered

_NAMES = sorted({*SPECS} - {*TRACKERS.names()}) + ["hit-tiny", "mixformerv2-s"]
"""Each kind of layer, head and decision once; named trackers are made of them, but for LeViT's."""


@pytest.mark.parametrize("name", _NAMES)
def test_frames_at_once_are_tracked_as_alone(name: str) -> None:
    torch.manual_seed(0)
    spec, count = SPECS[name], 3
    network = NumpyNetwork(scattered(spec))
    template, search = (each.numpy() for each in crops(spec, count))
    box = BOX.numpy() if spec.target_token else None
    memories = [network.encode_template(template[i : i + 1], box) for i in range(count)]
    together = network.track_batch(search, network.join_memories(memories))
    assert len(together) == count
    for i, (found, memory) in enumerate(zip(together, memories, strict=True)):
        alone = network.track(search[i : i + 1], memory)
        assert found.path == alone.path
        assert found.maps.keys() == alone.maps.keys()
        for key, value in alone.maps.items():
            np.testing.assert_allclose(found.maps[key], value, rtol=1e-3, atol=1e-4)
        for mine, wanted in ((found.bypass, alone.bypass), (found.scores, alone.scores)):
            assert (mine is None) == (wanted is None)
            if wanted is not None:
                np.testing.assert_allclose(mine, wanted, rtol=1e-3, atol=1e-4)
