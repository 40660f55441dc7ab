"""Reads and checks a kit's results.json: a truncated, edited or foreign file is refused."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from compress.core import FileError, UsageError
from compress.core.opening import read_bounded
from compress.core.plain import Bounds, from_plain
from compress.core.plain_files import parse_json
from compress.core.plain_values import shown
from compress.latency import Conditions
from compress.measure.backends import BACKENDS
from compress.measure.kit.plan import KitPlan
from compress.measure.timing import Times

_MAX_BYTES = 100_000_000
_MOST_FIGURES = 7_000_000
"""Beyond the thousand rounds that a kit can be asked for, of fifty networks."""

_BOUNDS = Bounds(items=_MOST_FIGURES)
_LONGEST_MS = 600_000.0
_LONGEST_TEXT = 500
_CONTAINER = re.compile(r'\{"sha256":"([0-9a-f]{64})","body":(\{.*\})\}\n?', re.DOTALL)
_AGAIN = "Measure the kit again, and copy results.json whole."


@dataclass(frozen=True)
class Body:
    """Head of a results.json; `batches` are numbers in lists until `times` has checked them."""

    format: str
    version: int
    kit: str
    device: str
    runtime: str
    threads: int
    seconds: float
    conditions: Conditions

    def problems(self) -> Iterator[str]:
        """What no kit writes."""
        for name in ("kit", "device", "runtime"):
            text = getattr(self, name)
            if not (0 < len(text) <= _LONGEST_TEXT and text.isprintable()):
                yield f"{name} must be a line of at most {_LONGEST_TEXT} printable characters"


@dataclass(frozen=True)
class Results:
    """What a device measured.

    Attributes:
        times: Of each batch in ms, (calls + 1, rounds, timed); the empty loop is last.
    """

    body: Body
    times: tuple[Times, ...]


def read_results(path: Path) -> Results:
    """Read what a kit wrote, as far as it can be checked without the kit.

    Raises:
        FileError: missing, too large, cut off, changed since it was written, or not a kit's results.
    """
    body = _checked_body(path)
    recipes = {backend.kit.format: backend.kit for _, backend in BACKENDS.items() if backend.kit}
    form = body.get("format")
    if recipe := recipes.get(form if isinstance(form, str) else ""):
        try:
            body = recipe.results(body)
        except UsageError as error:
            raise _not_results(path, str(error)) from None
    batches = body.pop("batches", None)
    try:
        head = from_plain(Body, body, "results")
    except UsageError as error:
        raise _not_results(path, str(error)) from None
    if (head.format, head.version) != ("compress-results", 1):
        raise _not_results(
            path, f"it is {shown(head.format)} in version {head.version}, not compress-results in version 1."
        )
    if not isinstance(batches, list) or not batches:
        raise _not_results(path, "it holds no times.")
    times = tuple(_times(path, batch) for batch in batches)
    spent = sum(float(each.sum()) for each in times) / 1000
    if spent > head.seconds:
        raise _not_results(path, f"its times add up to {spent:.1f} s, but it says that it took {head.seconds:.1f} s.")
    return Results(head, times)


def check_fits(path: Path, results: Results, kit: KitPlan) -> None:
    """Hold results against the plan of their kit.

    Raises:
        FileError: other batches, calls, rounds or threads than the kit's.
    """
    plan, most = kit.schedule, kit.schedule.attempts * kit.schedule.rounds
    wanted = [len(batch) + 1 for batch in kit.batches]
    found = [len(each) for each in results.times]
    counts = all(
        each.shape[2] == plan.timed and each.shape[1] % plan.rounds == 0 and each.shape[1] <= most
        for each in results.times
    )
    if wanted != found or not counts or results.body.threads != kit.threads:
        raise _not_results(path, f"it does not hold what the kit {kit.id} measures.")


def _checked_body(path: Path) -> dict[str, Any]:
    data = read_bounded(path, "results of a kit", _MAX_BYTES, advice=_AGAIN)
    try:
        text = data.decode("ascii")
    except UnicodeDecodeError:
        raise _not_results(path, "it is no text.") from None
    found = _CONTAINER.fullmatch(text)
    if found is None:
        raise _not_results(path, "it is cut off, or was written by something else.")
    if hashlib.sha256(found[2].encode()).hexdigest() != found[1]:
        raise FileError(f"{path} was changed after it was measured: its checksum is not that of its figures. {_AGAIN}")
    # Every list and every figure but the first of each needs one of these: counted before anything is made of them.
    if max(data.count(b","), data.count(b"[") + data.count(b"{")) > _MOST_FIGURES:
        raise _not_results(path, f"it holds more than {_MOST_FIGURES} figures.")
    try:
        return dict(parse_json(found[2], _BOUNDS))
    except (ValueError, TypeError) as error:
        raise _not_results(path, f"it is no JSON object ({error}).") from None


def _times(path: Path, batch: Any) -> Times:
    """(calls + 1, rounds, timed) milliseconds that a clock can have measured."""
    try:
        times = np.array(batch, dtype=np.float64)
    except (ValueError, TypeError, OverflowError, MemoryError):
        raise _not_results(path, "its times are not the same number of figures for each network.") from None
    if times.ndim != 3 or times.size == 0 or len(times) < 2 or times.shape[1] < 2:
        raise _not_results(path, "its times are not figures by network, round and run.")
    if not (np.isfinite(times).all() and (times > 0).all() and (times < _LONGEST_MS).all()):
        raise _not_results(path, "it holds times that no network takes.")
    if len(np.unique(times[:-1])) <= len(times):
        raise _not_results(path, "its times repeat: the device's clock is too coarse.")
    if (np.median(times[:-1], axis=(1, 2)) <= np.median(times[-1])).any():
        raise _not_results(path, "a frame takes no longer with a network than without.")
    return times


def _not_results(path: Path, why: str) -> FileError:
    return FileError(f"{path} is not what a kit measured: {why} {_AGAIN}")
