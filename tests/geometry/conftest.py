from pathlib import Path
from typing import Any
from zlib import crc32

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray


@pytest.fixture(scope="session")
def oracle() -> dict[str, NDArray[Any]]:
    """What the published tracking code computes on a frame made from a seed."""
    with np.load(Path(__file__).parents[1] / "data" / "tracking_loop.npz") as arrays:
        return dict(arrays)


@pytest.fixture(scope="session")
def published_crops() -> dict[str, NDArray[Any]]:
    """Crops of `image` as MixFormerV2 and HiT take them, and where a box of those crops lies in it."""
    data = Path(__file__).parents[1] / "data"
    with np.load(data / "crops.npz") as arrays:
        return dict(arrays) | {"image": cv2.imread(str(data / "crops.png"))[..., ::-1].copy()}


@pytest.fixture(scope="session")
def distributions() -> dict[str, NDArray[Any]]:
    """What the published heads of MixFormerV2-B and HiT-Base put out for made-up weights, and their boxes."""
    with np.load(Path(__file__).parents[1] / "data" / "distributions.npz") as arrays:
        return dict(arrays)


@pytest.fixture(scope="session")
def frame(oracle: dict[str, NDArray[Any]]) -> NDArray[np.uint8]:
    raw = np.random.default_rng(7).integers(0, 256, (480, 640, 3), dtype=np.uint8)
    blurred = cv2.GaussianBlur(raw, (5, 5), 0)
    assert crc32(raw.tobytes()) == oracle["frame_raw_crc32"]
    assert crc32(blurred.tobytes()) == oracle["frame_crc32"]
    return blurred  # type: ignore[return-value]
