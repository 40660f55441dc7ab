"""A small bundle, and a video of a moving square."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from torch import nn

from compress.core import HeadSpec, LayerSpec, TrackerSpec
from compress.export import export_bundle
from compress.models import build
from compress.runtime.selftest import INIT, selftest_frames

SPEC = TrackerSpec(
    dim=32,
    heads=2,
    layers=tuple(LayerSpec(source=i, mlp_hidden=48, attn_dims=24, mlp_dims=20) for i in range(2)),
    template_size=32,
    search_size=64,
    head=HeadSpec(channels=16),
)


UPDATING = replace(
    SPEC,
    layers=tuple(LayerSpec(source=i, mlp_hidden=48, attention="asymmetric") for i in range(2)),
    head=HeadSpec(kind="tokens", bins=24, score=True),
    online_templates=1,
)


def _exported(spec: TrackerSpec, out: Path, **more: Any) -> Path:
    torch.manual_seed(0)
    model = build(spec).eval()
    for module in model.modules():
        if isinstance(module, nn.Linear | nn.Conv2d):
            nn.init.kaiming_normal_(module.weight)
    if spec.head.score:
        nn.init.constant_(model.box_head.score[-1].bias, 3.0)
    frames = selftest_frames(seed=3)

    class Square(SimpleNamespace):
        def __len__(self) -> int:
            return len(frames)

    sequence = Square(name="square", boxes=np.array([INIT] * len(frames)), frame=frames.__getitem__)
    return export_bundle(model, out, sequence=sequence, provenance={"teacher": "random"}, name="small", **more)


@pytest.fixture(scope="session")
def bundle_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _exported(SPEC, tmp_path_factory.mktemp("bundles") / "small")


@pytest.fixture(scope="session")
def updating_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle that renews its template every third frame."""
    return _exported(UPDATING, tmp_path_factory.mktemp("bundles") / "updating", update_interval=3)


@pytest.fixture
def write_video(tmp_path: Path) -> Callable[..., Path]:
    """Writes frames, by default those of the self-test, as an mp4 at 25 fps."""

    def write(frames: list[np.ndarray] | None = None, name: str = "video.mp4", codec: str = "mp4v") -> Path:
        frames = selftest_frames() if frames is None else frames
        size = frames[0].shape[1::-1]
        writer = cv2.VideoWriter(str(tmp_path / name), cv2.VideoWriter.fourcc(*codec), 25, size)
        for frame in frames:
            writer.write(cv2.cvtColor(frame, cv2.COLOR_RGB2BGR))
        writer.release()
        return tmp_path / name

    return write


@pytest.fixture
def frame_folder(tmp_path: Path) -> Path:
    """The self-test's frames as 1.png … 10.png."""
    folder = tmp_path / "frames"
    folder.mkdir()
    for i, frame in enumerate(selftest_frames()):
        cv2.imwrite(str(folder / f"{i + 1}.png"), cv2.cvtColor(frame, cv2.COLOR_RGB2BGR))
    return folder
