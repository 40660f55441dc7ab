"""What a small search needs: settings, and as fixtures a home, random weights of a teacher, two short sequences.

A `conftest.py` imports the fixtures by name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from math import inf
from pathlib import Path
from typing import Any

import cv2
import pytest
import torch

from compress.core import TrackerSpec, describe
from compress.core.progress import Progress
from compress.data.generated import GeneratedSequence, levels_of
from compress.measure import Coverage
from compress.measure.timing import Times, time_rounds
from compress.models import build, save_weights
from compress.spaces import load_space
from compress.testing.recorded_profile import keep_recorded_profile
from compress.testing.small_teacher import SMALL, registered, small_teacher

__all__ = ["SETTINGS", "data", "home", "nano_weights", "weights"]

SETTINGS: dict[str, Any] = {"teacher": SMALL, "target": "cpu", "speedup": 1.5, "trials": 3, "steps": 4, "pool": 64}
SETTINGS |= {"eta": 2, "members": 1, "partial": 0.25}
"""Settings of a search that ends in seconds."""


@pytest.fixture(scope="module", autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """`$COMPRESS_HOME` of one test module, with a small teacher and a profile of this host that was not measured.

    However busy the machine is, searches measure what they trained once, and do not wait for it to become quiet.
    """
    folder = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch, registered() as teacher:
        patch.setenv("COMPRESS_HOME", str(folder))
        patch.setattr("compress.driver.remeasure.STEADY", inf)
        for target in ("cpu", "cpu:onnxruntime-int8"):
            keep_recorded_profile(teacher, Coverage.of_space(teacher, load_space("full")), target=target)
        patch.setattr("compress.measure.whole_trackers.settled_rounds", _two_rounds)
        yield folder


def _two_rounds(calls: Sequence[Callable[[], object]], *, rounds: int, seed: int, progress: Progress) -> Times:
    """What is measured last is measured briefly, however busy the machine is: for real, but good for no figure."""
    return time_rounds(calls, rounds=min(rounds, 2), seed=seed, progress=progress)


def random_weights(path: Path, teacher: TrackerSpec) -> None:
    """Write random weights of a teacher."""
    torch.manual_seed(0)
    save_weights(build(teacher), path)


def short_sequences(folder: Path) -> None:
    """Write two sequences of eight frames."""
    for k in range(2):
        _write(GeneratedSequence(k, name=f"s{k}", levels=levels_of("mixed"), length=8), folder)


@pytest.fixture(scope="session")
def weights(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A file of random weights of the small teacher."""
    path = tmp_path_factory.mktemp("weights") / "teacher.safetensors"
    random_weights(path, small_teacher())
    return str(path)


@pytest.fixture(scope="session")
def nano_weights(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Likewise of `ostrack-nano`, for searches in processes that know no other teacher."""
    path = tmp_path_factory.mktemp("weights") / "nano.safetensors"
    random_weights(path, describe("ostrack-nano"))
    return str(path)


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> str:
    """`folder:PATH` of two sequences of eight frames."""
    folder = tmp_path_factory.mktemp("data")
    short_sequences(folder)
    return f"folder:{folder}"


def _write(sequence: GeneratedSequence, folder: Path) -> None:
    (folder / sequence.name).mkdir()
    for i in range(len(sequence)):
        cv2.imwrite(str(folder / sequence.name / f"{i + 1:08d}.png"), sequence.frame(i)[..., ::-1])
    lines = [",".join(f"{v:.1f}" for v in box) for box in sequence.boxes]
    (folder / sequence.name / "groundtruth.txt").write_text("\n".join(lines) + "\n")
