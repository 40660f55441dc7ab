"""What a kit.json must hold before a device acts on it: every count is checked before anything is made of it.

This module is packed into kits: Python 3.8, standard library. The plan is checked by hand, since the reader of plain
data needs a newer Python than devices have.
"""

from __future__ import annotations

import re
from typing import Any

from compress.core.errors import FileError
from compress.core.threads import MOST_THREADS

MOST_WEIGHTS = 1 << 33
"""Bytes: eight times those of the largest tracker."""

_MOST_TIMES = 20_000_000
_MOST_VALUES = 10_000_000
"""Of all times of a batch, and of the maps of a head."""

_COUNTS = {
    "rounds": (2, 100_000),
    "dropped": (0, 100_000),
    "timed": (1, 100_000),
    "attempts": (1, 100),
    "seed": (0, 2**31),
}
_SIZES = {"template_size": (1, 8192), "search_size": (1, 8192), "grid": (1, 8192)}
_CENTRE, _CORNERS = {"score_map": 3, "size_map": 3, "offset_map": 3}, {"prob_tl": 2, "prob_br": 2}
_SIDES = {"prob_l": 1, "prob_t": 1, "prob_r": 1, "prob_b": 1}
_SCORED = dict(_SIDES, pred_scores=0)
_HEADS = tuple(set(each) for each in (_CENTRE, _CORNERS, _SIDES, _SCORED))
_DIMENSIONS = dict(_CENTRE, **_CORNERS, **_SCORED)
"""Of the maps of each kind of head, without the batch."""

_FILE = re.compile(r"graphs/[A-Za-z0-9_-][A-Za-z0-9._-]{0,250}")
_HASH = re.compile(r"[0-9a-f]{64}")
_PROVIDERS = ("auto", "cpu", "cuda", "tensorrt")


def check_kit(kit: Any) -> None:
    """Refuse a plan that cannot be measured.

    Raises:
        FileError: naming the first thing that is wrong.
    """
    _need(isinstance(kit, dict), "it must hold an object")
    _need(isinstance(kit.get("id"), str), "id must be a text")
    _need(kit.get("provider") in _PROVIDERS, "provider must be one of " + ", ".join(_PROVIDERS))
    _count(kit.get("threads"), "threads", 1, MOST_THREADS)
    _check_counts(kit.get("schedule"), "schedule", _COUNTS)
    _check_loop(kit.get("loop"), "loop")
    _check_graphs(kit)
    _check_trackers(kit.get("trackers"), kit["graphs"])
    _check_batches(kit.get("batches"), kit["trackers"], kit["schedule"])


def _check_loop(loop: Any, where: str) -> None:
    _need(isinstance(loop, dict), f"{where} must be an object")
    settings, maps = loop.get("settings"), loop.get("maps")
    _check_counts(settings, f"{where}.settings", _SIZES)
    for name in ("template_factor", "search_factor"):
        factor = settings.get(name)
        _need(type(factor) in (int, float) and 0.1 <= factor <= 100, f"{where}.settings.{name} must be from 0.1 to 100")
    _need(isinstance(maps, dict) and set(maps) in _HEADS, f"{where}.maps must hold the shapes of a head's maps")
    for name, shape in maps.items():
        good = isinstance(shape, list) and len(shape) == _DIMENSIONS[name]
        _need(good, f"{where}.maps.{name} must be a shape of {_DIMENSIONS[name]} sides")
        values = 1
        for side in shape:
            _count(side, f"{where}.maps.{name}", 1, _MOST_VALUES)
            values *= side
        _need(values <= _MOST_VALUES, f"{where}.maps.{name} must have at most {_MOST_VALUES} values")
        sides, grid = shape[1:] if len(shape) == 3 else shape, settings["grid"]
        least = [grid, grid] if len(shape) == 3 else [2] * len(sides)
        _need(len(set(sides)) <= 1 and sides >= least, f"{where}.maps.{name} must be as wide as the head's grid")


def _check_graphs(kit: Any) -> None:
    graphs, weights = kit.get("graphs"), kit.get("weights")
    _need(isinstance(graphs, dict), "graphs must be an object")
    for about in graphs.values():
        good = isinstance(about, dict) and _matches(_FILE, about.get("file")) and _matches(_HASH, about.get("sha256"))
        _need(good, "graphs must hold files below graphs/, with their SHA-256")
    _need(isinstance(weights, dict) and _matches(_FILE, weights.get("file")), "weights must be a file below graphs/")
    _count(weights.get("bytes"), "weights.bytes", 0, MOST_WEIGHTS)


def _check_trackers(trackers: Any, graphs: Any) -> None:
    _need(isinstance(trackers, dict), "trackers must be an object")
    for about in trackers.values():
        _need(isinstance(about, dict), "trackers must hold objects")
        if "loop" in about:
            _check_loop(about["loop"], "trackers.loop")
        pairs = [about.get("stages"), about.get("heads")]
        if "graph" in about:
            _need(_is_key(about["graph"], graphs), "trackers must name graphs of the kit")
            continue
        for each in pairs:
            good = isinstance(each, list) and all(isinstance(pair, list) and len(pair) == 2 for pair in each)
            _need(good and all(_is_key(pair[1], graphs) for pair in each), "trackers must name graphs of the kit")
        fields = {"first", "last", "gated", "exit", "enters"}
        _need(all(isinstance(pair[0], dict) and set(pair[0]) <= fields for pair in pairs[0]), "stages must be stages")
        _need(all({"first", "last"} <= set(pair[0]) for pair in pairs[0]), "stages must have layers")
        _need(all(pair[0] is None or type(pair[0]) is int for pair in pairs[1]), "heads must have numbers of exits")


def _check_batches(batches: Any, trackers: Any, schedule: Any) -> None:
    _need(isinstance(batches, list) and batches, "batches must be a list")
    for batch in batches:
        _need(isinstance(batch, list) and batch, "batches must hold lists of calls")
        times = (len(batch) + 1) * schedule["rounds"] * schedule["attempts"] * schedule["timed"]
        _need(
            times <= _MOST_TIMES,
            f"schedule asks for {times} times of a batch, above {_MOST_TIMES}",
        )
        for call in batch:
            _need(isinstance(call, dict) and _is_key(call.get("tracker"), trackers), "batches must name trackers")
            skipped, exit = call.get("skipped", []), call.get("exit")
            good = isinstance(skipped, list) and all(type(i) is int for i in skipped)
            _need(good and (exit is None or type(exit) is int), "batches must hold execution paths")
            _need("skipped" not in call or "stages" in trackers[call["tracker"]], "a static tracker has no paths")
            _need("skipped" in call or "graph" in trackers[call["tracker"]], "an adaptive tracker needs paths")


def _check_counts(about: Any, where: str, ranges: Any) -> None:
    _need(isinstance(about, dict), f"{where} must be an object")
    for name, (least, most) in ranges.items():
        _count(about.get(name), f"{where}.{name}", least, most)


def _count(value: Any, where: str, least: int, most: int) -> None:
    _need(type(value) is int and least <= value <= most, f"{where} must be an integer from {least} to {most}")


def _matches(pattern: Any, value: Any) -> bool:
    return isinstance(value, str) and pattern.fullmatch(value) is not None


def _is_key(value: Any, known: Any) -> bool:
    return isinstance(value, str) and value in known


def _need(good: Any, words: str) -> None:
    if not good:
        raise FileError(f"kit.json is damaged: {words}. Copy the kit again.")
