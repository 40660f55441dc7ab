"""Tables of published data sets: which frames of which folder each sequence is, as the data sets' own toolkits say it.

- `otb.csv`: names, attributes and lists of OTB as `tracker_benchmark` of its authors has them; frames as PyTracking.
- `uav123.csv`: names, folders and frames of UAV123 and UAV20L, as the GOT-10k toolkit and PyTracking have them.

Frames are numbers in file names, `last` among them.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path

from compress.core import warn

Row = dict[str, str]
_SHOWN = 3
_SUFFIXES = (".jpg", ".png", ".JPG", ".PNG", ".jpeg")


@cache
def table_rows(name: str) -> tuple[Row, ...]:
    """The rows of a table that ships, in its order; by the names of its columns."""
    with (Path(__file__).parent / f"{name}.csv").open(encoding="ascii", newline="") as file:
        return tuple(csv.DictReader(file))


def present(rows: Iterable[Row], path: Path, is_there: Callable[[Row], bool]) -> list[Row]:
    """The rows whose sequence is on the disk; a warning says how many are not, since scores then do not compare.

    Args:
        path: Of the data, for the warning.
    """
    wanted = list(rows)
    found = [row for row in wanted if is_there(row)]
    if found and len(found) < len(wanted):
        missing = [row["name"] for row in wanted if row not in found]
        more = f" and {len(missing) - _SHOWN} more" if len(missing) > _SHOWN else ""
        warn(
            f"{path} lacks {len(missing)} of {len(wanted)} sequences: {', '.join(missing[:_SHOWN])}{more}. "
            "Scores on the others are not those of the data set."
        )
    return found


def frame_names(folder: Path, first: int, last: int, *, digits: int) -> tuple[str, ...]:
    """File names of numbered frames, `last` among them, with the suffix of the first one: JPEG files, or PNG."""
    suffix = next(
        (s for s in (".jpg", ".png", ".JPG", ".PNG", ".jpeg") if (folder / f"{first:0{digits}d}{s}").exists()), ".jpg"
    )
    return tuple(f"{number:0{digits}d}{suffix}" for number in range(first, last + 1))
