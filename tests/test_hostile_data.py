"""Whatever stands at whatever place of a record, spec or profile: read, or refused in words, and never a crash."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from compress.archive import Plan, Record
from compress.core import CompressError, TrackerSpec, describe
from compress.core.plain import from_plain, to_plain
from compress.latency import Profile
from compress.latency.estimated.file import load_estimated
from compress.latency.estimated.profile import EstimatedProfile
from compress.testing.synthetic_run import RECORDS, plan_facts, planned, teacher, with_bypass, with_exits
from compress.testing.toy_profile import toy_profile

HOSTILE = [
    *(None, True, 0, -1, 10**30, 10**400, -(10**400), 1.5, float("nan"), float("inf"), 1e300, 5e-324),
    *("", "vit", "\ud800", "\x1b[2J", "x" * 30_000, [], {}, [[]], {"a": 1}, {1: 2}, [None], b"x", object()),
]
PLACES = 30

SUBJECTS: dict[str, tuple[Callable[[Any], Any], dict[str, Any]]] = {
    **{
        name: (TrackerSpec.from_dict, describe(name).to_dict())
        for name in ("hit-tiny", "mixformerv2-s", "abtrack-deit")
    },
    **{
        name: (Record.from_attrs, record.to_attrs())
        for name, record in {
            "record": RECORDS[0],
            "teacher": teacher(),
            "exits": with_exits(),
            "bypass": with_bypass(),
            "planned": planned(1, 4, 9.0, 0.6),
        }.items()
    },
    "plan": (Plan.from_dict, plan_facts().to_dict()),
    "profile": (lambda data: from_plain(Profile, data, "profile"), to_plain(toy_profile())),
    "estimate": (lambda data: from_plain(EstimatedProfile, data, "profile"), to_plain(load_estimated("agx"))),
}


def _places(data: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if path:
        yield path
    keys = list(data) if isinstance(data, dict) else range(len(data)) if isinstance(data, list) else []
    for key in keys:
        yield from _places(data[key], (*path, key))


def _changed(data: Any, path: tuple[Any, ...], *value: Any) -> Any:
    """`data` with another value at a place, or without the place where none is given."""
    changed = inside = copy.deepcopy(data)
    for key in path[:-1]:
        inside = inside[key]
    if value:
        inside[path[-1]] = value[0]
    else:
        del inside[path[-1]]
    return changed


@pytest.mark.parametrize("name", SUBJECTS)
def test_any_value_at_any_place(name: str) -> None:
    read, good = SUBJECTS[name]
    read(good)
    places = list(_places(good))
    messages = []
    for path in random.Random(0).sample(places, min(PLACES, len(places))):
        for data in [_changed(good, path), *(_changed(good, path, value) for value in HOSTILE)]:
            try:
                read(data)
            except CompressError as error:
                messages.append(str(error))
    assert len(messages) > 10 * min(PLACES, len(places))
    assert all(message.isprintable() and len(message) < 4000 for message in messages)
