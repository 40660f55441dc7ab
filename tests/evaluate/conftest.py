import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray


@pytest.fixture(scope="session")
def metrics() -> dict[str, NDArray[Any]]:
    """What the published evaluation code computes on three made-up sequences per dataset."""
    with np.load(Path(__file__).parents[1] / "data" / "metrics.npz") as arrays:
        return dict(arrays)


@pytest.fixture(scope="session")
def real_sequences() -> Path:
    """A folder of real sequences in GOT-10k layout, where there is one."""
    folder = Path(os.environ.get("COMPRESS_SEQUENCES") or Path(__file__).parents[2].parent / "shared" / "sequences")
    if not (folder / "baselines.csv").is_file():
        pytest.skip("no real sequences here; set COMPRESS_SEQUENCES")
    return folder


@dataclass
class Slide:
    """A bright square on black that moves `step` pixels right per frame."""

    name: str = "slide"
    length: int = 6
    step: int = 3
    start: tuple[int, int, int, int] = (60, 50, 20, 20)

    def __len__(self) -> int:
        return self.length

    @property
    def boxes(self) -> NDArray[np.float64]:
        x, y, w, h = self.start
        return np.array([[x + i * self.step, y, w, h] for i in range(self.length)], dtype=np.float64)

    @property
    def visible(self) -> NDArray[np.bool_]:
        return np.ones(self.length, dtype=bool)

    def frame(self, index: int, /) -> NDArray[np.uint8]:
        image = np.zeros((120, 160, 3), dtype=np.uint8)
        x, y, w, h = self.boxes[index].astype(int)
        image[max(y, 0) : y + h, max(x, 0) : x + w] = 255
        return image


@pytest.fixture
def slide() -> type[Slide]:
    return Slide
