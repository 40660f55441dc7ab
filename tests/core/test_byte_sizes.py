"""Sizes in bytes as people write them."""

from __future__ import annotations

import pytest

from compress.core import UsageError
from compress.core.byte_sizes import parsed_bytes, shown_bytes


@pytest.mark.parametrize(
    ("text", "count"),
    [("4GB", 4 * 10**9), ("1.5 gb", 15 * 10**8), ("512MiB", 2**29), ("100B", 100), ("0", 0), (" 2 TB ", 2 * 10**12)],
)
def test_sizes_are_read(text: str, count: int) -> None:
    assert parsed_bytes("--cache-size", text) == count


@pytest.mark.parametrize(
    "text", ["4", "GB", "-1GB", "4 G B", "4XB", "1e3GB", "nan", "", "٤GB", "9999999999TB", 4, None]
)
def test_anything_else_is_refused_with_an_example(text: object) -> None:
    with pytest.raises(UsageError, match=r"^--cache-size must be a size with a unit \(B, kB, .*\), such as 4GB, or 0"):
        parsed_bytes("--cache-size", text)


def test_sizes_are_shown_in_three_digits() -> None:
    sizes = (999, 61_440, 1_250_000, 4 * 10**9, 2.5e12)
    assert [shown_bytes(size) for size in sizes] == ["999 bytes", "61.4 kB", "1.25 MB", "4 GB", "2.5 TB"]
