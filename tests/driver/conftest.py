"""One real, small search that the tests of this room share: random teacher weights, a folder of short sequences."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import cv2
import pytest
import torch

from compress.archive import Archive
from compress.data.generated import GeneratedSequence, levels_of
from compress.driver import search
from compress.models import create_tracker, save_weights
from compress.testing.search_settings import SETTINGS


@pytest.fixture(scope="session", autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A home of its own, so that profiles and students are made here."""
    folder, before = tmp_path_factory.mktemp("home"), os.environ.get("COMPRESS_HOME")
    os.environ["COMPRESS_HOME"] = str(folder)
    yield folder
    os.environ.pop("COMPRESS_HOME") if before is None else os.environ.update(COMPRESS_HOME=before)


@pytest.fixture(scope="session")
def weights(tmp_path_factory: pytest.TempPathFactory) -> str:
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("weights") / "teacher.safetensors"
    save_weights(create_tracker("ostrack-nano"), path)
    return str(path)


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("data")
    for k in range(2):
        sequence = GeneratedSequence(k, name=f"s{k}", levels=levels_of("mixed"), length=8)
        (folder / sequence.name).mkdir()
        for i in range(len(sequence)):
            cv2.imwrite(str(folder / sequence.name / f"{i + 1:08d}.png"), sequence.frame(i)[..., ::-1])
        lines = [",".join(f"{v:.1f}" for v in box) for box in sequence.boxes]
        (folder / sequence.name / "groundtruth.txt").write_text("\n".join(lines) + "\n")
    return f"folder:{folder}"


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory, weights: str, data: str) -> Archive:
    return search(out=tmp_path_factory.mktemp("runs") / "first", weights=weights, data=data, **SETTINGS)
