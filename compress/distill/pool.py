"""The fixed pool of pairs that students are distilled on, and the teacher's answers to each, computed once."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from compress.core import ExecutionPath, Store, TrackerSpec, fingerprint
from compress.core.progress import Progress, no_progress, part
from compress.data import DataSource, PairSizes
from compress.data.worker import make_pairs
from compress.distill.feature_distillation import distilled_layers
from compress.distill.inputs import to_input
from compress.models import Tracker

Tensors = dict[str, Tensor]

_CHUNK = 64


@dataclass(frozen=True)
class Pool:
    """Pairs and the teacher's answers, row by row.

    Where trackers renew a template, the pair's template stands for the renewed one too, which is how a sequence starts.

    Attributes:
        teacher: Whose answers they are.
        template, search: (N, S, S, 3) uint8 RGB crops.
        boxes: (N, 4) cx, cy, w, h in shares of the search crop.
        maps: What the teacher's head puts out, see `TrackerSpec.maps`; (N, …) float16.
        layers: The teacher's search tokens (N, tokens, dim) float16 after some of its layers, by layer index; the
            last layer's after the final norm; zero where they were eliminated.
    """

    teacher: TrackerSpec
    template: Tensor
    search: Tensor
    boxes: Tensor
    maps: dict[str, Tensor]
    layers: dict[int, Tensor]

    def __len__(self) -> int:
        return len(self.boxes)


def pool_bytes(spec: TrackerSpec) -> int:
    """Memory that one pair and the teacher's answers to it take."""
    crops = 3 * (spec.template_size**2 + spec.search_size**2)
    tokens = sum(math.prod(spec.layer_shape(i)) for i in distilled_layers(spec))
    maps = sum(math.prod(shape) for shape in spec.maps.values())
    return crops + 2 * (tokens + maps) + 16


def distillation_pool(
    teacher: Tracker,
    source: DataSource,
    *,
    count: int,
    seed: int,
    store: Store,
    device: torch.device,
    workers: int = 1,
    weights_key: str = "",
    progress: Progress = no_progress,
) -> Pool:
    """The pool from the store where it was made before, else made now and kept there.

    Args:
        source: Where pairs come from.
        weights_key: Names the teacher's weights; another key computes the answers anew.
        progress: Called after every chunk of pairs made, then of answers computed.
    """
    spec = teacher.spec
    key = [PairSizes.of(spec), count, seed, source.fingerprint]

    def pairs() -> Tensors:
        return _kept(store, ["pairs", *key], lambda: _draw(spec, count, seed, source, workers, part(progress, 0, 0.5)))

    def answers() -> Tensors:
        return _answers(teacher.to(device).eval(), pairs(), device, part(progress, 0.5, 1))

    found = _kept(store, ["answers", *key, weights_key, spec.id], answers)
    crops, maps = pairs(), {k: found[k] for k in spec.maps}
    layers = {i: found[f"layer{i}"] for i in distilled_layers(spec)}
    return Pool(spec, crops["template"], crops["search"], crops["boxes"], maps, layers)


def _kept(store: Store, key: list[object], make: Callable[[], Tensors]) -> Tensors:
    """Tensors from the store; made first where it has none, or what it has was cut short."""
    return store.get(
        "pools", fingerprint(key), read=_load, make=lambda path: save_file(make(), path), suffix=".safetensors"
    )


def _draw(
    spec: TrackerSpec,
    count: int,
    seed: int,
    source: DataSource,
    workers: int,
    progress: Progress,
) -> Tensors:
    counts = [min(_CHUNK, count - start) for start in range(0, count, _CHUNK)]
    # One chunk is made here sooner than a process starts.
    workers = max(1, workers) if len(counts) > 1 else 0
    rows: Tensors = {}
    start = 0
    for pairs in make_pairs(source, seed, counts, workers=workers, sizes=PairSizes.of(spec)):
        made = {name: torch.from_numpy(getattr(pairs, name)) for name in ("template", "search", "boxes")}
        _fill(rows, made, start, count)
        start += len(pairs)
        progress(f"making pairs, {start} of {count}", start / count)
    return rows


def _fill(rows: Tensors, part: Tensors, start: int, count: int) -> None:
    """Put `part` at row `start` of tensors of `count` rows; joining lists at the end would need the memory twice."""
    for name, values in part.items():
        if name not in rows:
            rows[name] = torch.empty((count, *values.shape[1:]), dtype=values.dtype)
        rows[name][start : start + len(values)] = values


@torch.inference_mode()
def _answers(teacher: Tracker, pairs: Tensors, device: torch.device, progress: Progress) -> Tensors:
    wanted, last = distilled_layers(teacher.spec), len(teacher.spec.exits) - 1
    # Of an adaptive teacher the best answers count: no layer skipped, the last exit.
    whole = ExecutionPath(skipped=frozenset(), exit=last if last >= 0 else None)
    rows: Tensors = {}
    count = len(pairs["boxes"])
    for start in range(0, count, _CHUNK):
        template, search = (to_input(pairs[k][start : start + _CHUNK].to(device)) for k in ("template", "search"))
        out = teacher(template, search, collect=True, forced_path=whole)
        found = {**out.maps, **{f"layer{i}": out.layers[i] for i in wanted}}
        _fill(rows, {key: value.half().cpu() for key, value in found.items()}, start, count)
        done = min(count, start + _CHUNK)
        progress(f"answers of the teacher, {done} of {count}", done / count)
    return rows


def _load(path: Path) -> Tensors | None:
    try:
        return load_file(path)
    except SafetensorError:
        return None
