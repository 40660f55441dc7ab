"""Whether students are distilled on a pool of pairs with kept answers, or on a stream of new ones; and why.

A pool pays where every pair is drawn several times by all students together, since the teacher is then asked once
instead of at each draw; and it may not be so small that a single student sees each pair again and again. Else, or
where neither `--cache-size` nor the disk has room for it, pairs are streamed: new ones at every step, the teacher in
the loop.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from compress.core import FileError, TrackerSpec, UsageError
from compress.core.byte_sizes import parsed_bytes, shown_bytes
from compress.core.files import work_home
from compress.core.plain import from_plain
from compress.core.settings import flag_of
from compress.distill import StudentRecipe, pool_bytes
from compress.driver.settings import SearchSettings
from compress.driver.strategies import SHARED_WEIGHTS

LEAST_DRAWS = 4
"""Of each pair, by all students together, for a pool to pay: it then saves three quarters of asking the teacher."""

MOST_VIEWS = 8
"""Of each pair by one student."""

_LEAST, _MOST = 64, 8192
"""Pairs of a pool whose size the user leaves open."""

_FIXED = 1024
"""Pairs beside a stream, without answers, at most."""


@dataclass(frozen=True)
class PairChoice:
    """What students are distilled on.

    Attributes:
        streamed: New pairs at every step, rather than a pool.
        count: Pairs of the pool; of a stream, the fixed ones that things are observed and calibrated on.
        reason: Why, for people.
    """

    streamed: bool
    count: int
    reason: str

    def __str__(self) -> str:
        """One sentence."""
        kind = "a stream of new pairs" if self.streamed else f"a pool of {self.count:,} pairs"
        return f"Students are distilled on {kind}: {self.reason}."

    @classmethod
    def of(cls, noted: Any) -> PairChoice:
        """Inverse of `dataclasses.asdict`.

        Raises:
            FileError: of something else.
        """
        found = from_plain(cls, noted, "pairs in config.yaml", error=FileError)
        if not 0 < found.count < 2**40:
            raise FileError(f"config.yaml notes {found.count} pairs to distil on, which cannot be. Give another --out.")
        return found


def chosen_pairs(settings: SearchSettings, teacher: TrackerSpec, *, room: int | None = None) -> PairChoice:
    """The choice for a search.

    Args:
        room: Bytes on the disk; by default half of what is free where pools are kept.

    Raises:
        UsageError: the user asks for a pool that there is no room for.
    """
    each, cache = pool_bytes(teacher), parsed_bytes(_flag("cache_size"), settings.cache_size)
    room = shutil.disk_usage(_existing(work_home())).free // 2 if room is None else room
    if settings.pool:
        _check_pool(settings, each, room)
        return PairChoice(False, settings.pool, f"{_flag('pool')} asks for it")
    elastic = (settings.elastic_steps or 0) if settings.strategy in SHARED_WEIGHTS else 0
    views = max(settings.steps, elastic) * StudentRecipe.batch
    wanted = max(_LEAST, min(_MOST, views // 2))
    count = min(wanted, min(cache, room) // each)
    draws = max(settings.students * settings.steps * StudentRecipe.batch, views)
    where = f"{_flag('cache_size')} {settings.cache_size}" if cache <= room else "half of the free disk"
    fixed = max(_LEAST, min(_FIXED, views // 2))
    if count < _LEAST or views > MOST_VIEWS * count:
        reason = f"{where} has room for {count:,} pairs of {shown_bytes(each)}, and one student draws {views:,}"
        if count == wanted:
            reason = f"one student draws {views:,} pairs, more than {MOST_VIEWS} times as many as a pool may have"
        return PairChoice(True, fixed, reason)
    times = f"{draws:,} draws of all students are {draws / count:.3g} for each of {count:,} pairs"
    if draws < LEAST_DRAWS * count:
        return PairChoice(True, fixed, f"{times}, fewer than the {LEAST_DRAWS} from which on keeping answers pays")
    return PairChoice(False, count, f"{times}, whose answers take {shown_bytes(count * each)}, within {where}")


def _check_pool(settings: SearchSettings, each: int, room: int) -> None:
    """Refuse a pool that there is no room for, before anything is measured or drawn."""
    cache, count = parsed_bytes(_flag("cache_size"), settings.cache_size), settings.pool or 0
    bounds = {f"{_flag('cache_size')} is {settings.cache_size}": cache, "half of the free disk is less": room}
    for where, most in bounds.items():
        if count * each > most:
            raise UsageError(
                f"{_flag('pool')} {count}: the pairs and the teacher's answers to them would take "
                f"{shown_bytes(count * each)}, but {where}. Ask for at most {max(_LEAST, most // each):,}, give more "
                f"room, or leave {_flag('pool')} out."
            )


def _flag(name: str) -> str:
    return flag_of(SearchSettings, name)


def _existing(folder: Path) -> Path:
    return next(each for each in (folder, *folder.parents) if each.exists())
