"""For tests of what is added from outside: a home of their own, what a small search needs, and a few frames."""

import cv2
import numpy as np
import pytest

from compress.testing.search_inputs import data, home, weights

__all__ = ["data", "few_frames", "home", "weights"]


@pytest.fixture(scope="session")
def few_frames(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Two sequences of five frames, in which a bright square moves, as `--data` takes them."""
    place = tmp_path_factory.mktemp("frames")
    for name, step in (("a", 3), ("b", -2)):
        (place / name).mkdir()
        lines = []
        for index in range(5):
            x, image = 60 + step * index, np.zeros((100, 140, 3), dtype=np.uint8)
            image[40:60, x : x + 20] = 255
            cv2.imwrite(str(place / name / f"{index + 1:04d}.png"), image)
            lines.append(f"{x},40,20,20")
        (place / name / "groundtruth.txt").write_text("\n".join(lines))
    return f"folder:{place}"
