"""Knobs of resolution: which sizes a value means for which teacher."""

from __future__ import annotations

from pathlib import Path

import pytest

from compress.core import FileError, TrackerSpec, describe
from compress.spaces import Scalar, Space, load_space, read_space
from compress.testing.small_teacher import small_teacher

NANO = describe("ostrack-nano")


def _sizes(teacher: TrackerSpec, **knobs: Scalar) -> tuple[int, int]:
    spec = Space("x", {name: (value,) for name, value in knobs.items()}).spec(teacher, lambda _, offered: offered[0])
    return spec.search_size, spec.template_size


@pytest.mark.parametrize(
    ("teacher", "value", "pixels"),
    [
        ("ostrack-nano", 1, 128),
        ("ostrack-nano", "3/4", 96),
        ("ostrack-nano", 0.7, 96),  # 5.6 patches
        ("ostrack-nano", 112, 112),
        ("ostrack-nano", 100, 96),  # 6.25 patches
        ("ostrack-nano", 512, 128),  # more than the teacher's
        ("ostrack-nano", 0.001, 16),
        ("ostrack384-ce", "1/2", 192),
        ("mixformerv2-b", "3/4", 224),  # 13.5 patches
        ("hit-tiny", "1/2", 256),
    ],
)
def test_a_value_means_whole_patches(teacher: str, value: Scalar, pixels: int) -> None:
    assert _sizes(describe(teacher), search_size=value)[0] == pixels


def test_each_crop_has_a_knob_of_its_own() -> None:
    assert _sizes(NANO, search_size="3/4") == (96, 64)
    assert _sizes(NANO, template_size="1/2") == (128, 32)
    both = Space("x", {"search_size": ("1/2",), "template_size": ("1/2",)}).spec(NANO, lambda _, offered: offered[0])
    assert (both.search_factor, both.template_factor) == (NANO.search_factor, NANO.template_factor)


def test_values_of_one_size_count_once_and_the_teachers_own_is_one() -> None:
    space = Space("x", {"search_size": (128, "3/4", 96, 0.74, 1, 256), "template_size": ("3/4", "1/2")})
    assert space.choices(NANO) == {"search_size": (1, "3/4"), "template_size": ("3/4", "1/2")}
    assert space.choices(small_teacher())["template_size"] == (1, "1/2")  # 1.5 patches are two
    assert space.combinations(NANO) == space.size(NANO) == 4


def test_the_shipped_space_reaches_from_whole_crops_to_halves() -> None:
    found = {(spec.search_size, spec.template_size) for spec in load_space("resolution").enumerate(NANO)}
    assert {(128, 64), (112, 48), (64, 32)} <= found
    assert len(found) == 15


@pytest.mark.parametrize("value", ["0", "-1", "1.5", "2", "2048", "large", "16.5"])
def test_what_is_no_size(tmp_path: Path, value: str) -> None:
    path = tmp_path / "wrong.yaml"
    path.write_text(f"knobs:\n  search_size: [1, {value}]\n")
    with pytest.raises(
        FileError, match=r"line 2: search_size must be a share above 0 and up to 1 such as 3/4, or whole"
    ):
        read_space(path)
