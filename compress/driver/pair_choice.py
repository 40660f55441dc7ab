"""Whether students are distilled on a pool of pairs with kept answers, or on a stream of new ones; and why.

A pool pays where every pair is drawn several times by all students together, since the teacher is then asked once
instead of at each draw; and it may not be so small that a single student sees each pair again and again. Else, or
where neither `--cache-size` nor the disk has room for it, pairs are streamed: new ones at every step, the teacher in
the loop.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from compress.core import FileError, TrackerSpec, UsageError
from compress.core.byte_sizes import parsed_bytes, shown_bytes
from compress.core.files import work_home
from compress.core.plain import from_plain
from compress.distill import StudentRecipe, pool_bytes
from compress.driver.settings import SearchSettings
from compress.driver.strategies import SHARED_WEIGHTS

LEAST_DRAWS = 4
"""Of each pair, by all students together, for a pool to pay: it then saves three quarters of asking the teacher."""

MOST_VIEWS = 8
"""Of each pair by one student."""

_POOL, _CACHE = "--pool", "--cache-size"
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


def chosen_pairs(
    settings: SearchSettings, teacher: TrackerSpec, *, batch: int = StudentRecipe.batch, room: int | None = None
) -> PairChoice:
    """The choice for a search; see `choose`."""
    elastic = (settings.elastic_steps or 0) if settings.strategy in SHARED_WEIGHTS else 0
    views = max(settings.steps, elastic) * batch
    draws = max(settings.students * settings.steps * batch, views)
    return choose(teacher, views, draws, pool=settings.pool, cache_size=settings.cache_size, room=room)


def choose(
    teacher: TrackerSpec, views: int, draws: int, *, pool: int | None, cache_size: str, room: int | None = None
) -> PairChoice:
    """The choice for trainings of any kind.

    Args:
        views: Pairs that one student draws, steps times batch; of the longest training.
        draws: Pairs that all students draw together.
        pool: The size that the user asks for.
        cache_size: What pairs and answers may take, as the user writes it.
        room: Bytes on the disk; by default half of what is free where pools are kept.

    Raises:
        UsageError: the user asks for a pool that there is no room for.
    """
    each, cache = pool_bytes(teacher), parsed_bytes(_CACHE, cache_size)
    room = shutil.disk_usage(_existing(work_home())).free // 2 if room is None else room
    if pool:
        _check_pool(pool, each, {f"{_CACHE} is {cache_size}": cache, "half of the free disk is less": room})
        return PairChoice(False, pool, f"{_POOL} asks for it")
    wanted = max(_LEAST, min(_MOST, views // 2))
    count = min(wanted, min(cache, room) // each)
    where = f"{_CACHE} {cache_size}" if cache <= room else "half of the free disk"
    times = f"{draws:,} draws of all students are {draws / max(1, count):.3g} for each of {count:,} pairs"
    if count < wanted and (count < _LEAST or views > MOST_VIEWS * count):
        why = f"{where} has room for {count:,} pairs of {shown_bytes(each)}, and one student draws {views:,}"
    elif views > MOST_VIEWS * count:
        why = f"one student draws {views:,} pairs, more than {MOST_VIEWS} times as many as a pool may have"
    elif draws < LEAST_DRAWS * count:
        why = f"{times}, fewer than the {LEAST_DRAWS} from which on keeping answers pays"
    else:
        return PairChoice(False, count, f"{times}, whose answers take {shown_bytes(count * each)}, within {where}")
    return PairChoice(True, max(_LEAST, min(_FIXED, views // 2)), why)


def _check_pool(pool: int, each: int, bounds: Mapping[str, int]) -> None:
    """Refuse a pool that there is no room for, before anything is measured or drawn."""
    for where, most in bounds.items():
        if pool * each > most:
            raise UsageError(
                f"{_POOL} {pool}: the pairs and the teacher's answers to them would take {shown_bytes(pool * each)}, "
                f"but {where}. Ask for at most {max(_LEAST, most // each):,}, give more room, or leave {_POOL} out."
            )


def _existing(folder: Path) -> Path:
    return next(each for each in (folder, *folder.parents) if each.exists())
