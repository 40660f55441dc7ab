"""What a small search needs: random weights of a teacher, and a folder of two short sequences; as pytest fixtures.

A `conftest.py` imports them by name.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import pytest
import torch

from compress.data.generated import GeneratedSequence, levels_of
from compress.models import create_tracker, save_weights

__all__ = ["data", "weights"]


@pytest.fixture(scope="session")
def weights(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A file of random weights of `ostrack-nano`."""
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("weights") / "teacher.safetensors"
    save_weights(create_tracker("ostrack-nano"), path)
    return str(path)


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> str:
    """`folder:PATH` of two sequences of eight frames."""
    folder = tmp_path_factory.mktemp("data")
    for k in range(2):
        _write(GeneratedSequence(k, name=f"s{k}", levels=levels_of("mixed"), length=8), folder)
    return f"folder:{folder}"


def _write(sequence: GeneratedSequence, folder: Path) -> None:
    (folder / sequence.name).mkdir()
    for i in range(len(sequence)):
        cv2.imwrite(str(folder / sequence.name / f"{i + 1:08d}.png"), sequence.frame(i)[..., ::-1])
    lines = [",".join(f"{v:.1f}" for v in box) for box in sequence.boxes]
    (folder / sequence.name / "groundtruth.txt").write_text("\n".join(lines) + "\n")
