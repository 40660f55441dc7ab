"""The fixed pool of pairs that students are distilled on, and the teacher's answers to each, computed once.

Both lie on the disk and are read from there row by row, so that a pool may be larger than the memory.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from torch import Tensor

from compress.core import Store, TrackerSpec, fingerprint
from compress.core.progress import Progress, no_progress, part
from compress.data import DataSource, PairSizes
from compress.data.pairs import PairRecipe
from compress.data.worker import make_pairs
from compress.distill.answers import answers_of, at_once, layer_name
from compress.distill.batches import Batch
from compress.distill.feature_distillation import distilled_layers
from compress.distill.inputs import to_input
from compress.distill.parallel import Ranks
from compress.distill.tensor_file import MappedFile, Tensors, write_rows
from compress.models import Tracker

_CHUNK = 64
"""Pairs that are drawn at once."""


@dataclass(frozen=True)
class PairCrops:
    """Pairs without answers, row by row; see `Pool`."""

    template: Tensor
    search: Tensor
    boxes: Tensor

    def __len__(self) -> int:
        return len(self.boxes)


@dataclass(frozen=True)
class Pool:
    """Pairs and the teacher's answers, row by row; a training draws from them with replacement, see `Batches`.

    Where trackers renew a template, the pair's template stands for the renewed one too, which is how a sequence starts.

    Attributes:
        teacher: Whose answers they are.
        template, search: (N, S, S, 3) uint8 RGB crops.
        boxes: (N, 4) cx, cy, w, h in shares of the search crop.
        maps: What the teacher's head puts out, see `TrackerSpec.maps`; (N, …) float16.
        layers: The teacher's search tokens (N, tokens, dim) float16 after some of its layers, by layer index; the
            last layer's after the final norm; zero where they were eliminated.
        files: What the tensors are mapped from.
    """

    teacher: TrackerSpec
    template: Tensor
    search: Tensor
    boxes: Tensor
    maps: dict[str, Tensor]
    layers: dict[int, Tensor]
    files: tuple[MappedFile, ...] = ()

    def __len__(self) -> int:
        return len(self.boxes)

    @property
    def fixed(self) -> Pool:
        """The pool itself."""
        return self

    @property
    def about(self) -> dict[str, Any]:
        """Its size."""
        return {"pairs": len(self)}

    def after(self, steps: int) -> Pool:
        """The pool: every training draws from it anew."""
        return self

    def batches(self, start: int, *, count: int, seed: int, device: torch.device) -> Generator[Batch, None, None]:
        """Rows drawn with replacement, see `Batches`; each process draws those of all, and reads its own."""
        generator, mine = torch.Generator().manual_seed(seed), Ranks.current().part(count)
        for _ in range(start):
            torch.randint(len(self), (count,), generator=generator)
        while True:
            yield self.batch(torch.randint(len(self), (count,), generator=generator)[mine], device)

    def batch(self, rows: Tensor, device: torch.device) -> Batch:
        """The rows (B,) on the device."""
        template, search = (to_input(crops[rows].to(device)) for crops in (self.template, self.search))
        maps = {name: values[rows].to(device).float() for name, values in self.maps.items()}
        layers = {i: values[rows].to(device).float() for i, values in self.layers.items()}
        found = Batch(self.teacher, template, search, self.boxes[rows].to(device), maps, layers)
        for file in self.files:
            file.release()
        return found


def pool_bytes(spec: TrackerSpec) -> int:
    """What one pair and the teacher's answers to it take on the disk."""
    tokens = sum(math.prod(spec.layer_shape(i)) for i in distilled_layers(spec))
    maps = sum(math.prod(shape) for shape in spec.maps.values())
    return pair_bytes(spec) + 2 * (tokens + maps)


def pair_bytes(spec: TrackerSpec) -> int:
    """What one pair takes there without answers."""
    return 3 * (spec.template_size**2 + spec.search_size**2) + 16


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
    drawn: PairRecipe | None = None,
    progress: Progress = no_progress,
) -> Pool:
    """The pool from the store where it was made before, else made now and kept there.

    Args:
        source: Where pairs come from.
        weights_key: Names the teacher's weights; another key computes the answers anew.
        drawn: How pairs are drawn and varied; by the default recipe where None.
        progress: Called after every chunk of pairs made, then of answers computed.
    """
    spec, drawing, sizes = teacher.spec, part(progress, 0, 0.5), PairSizes.of(teacher.spec, drawn)

    def pairs() -> MappedFile:
        return _pairs(sizes, source, count=count, seed=seed, store=store, workers=workers, progress=drawing)

    def answers() -> Iterator[Tensors]:
        return _answers(teacher.to(device).eval(), pairs(), device, part(progress, 0.5, 1))

    key = ["answers", *_key(sizes, count, seed, source), weights_key, spec.id]
    found, crops = _kept(store, key, count, answers), pairs()
    maps = {name: found.tensors[name] for name in spec.maps}
    layers = {i: found.tensors[layer_name(i)] for i in distilled_layers(spec)}
    return Pool(spec, **crops.tensors, maps=maps, layers=layers, files=(crops, found))


def fixed_pairs(
    spec: TrackerSpec,
    source: DataSource,
    *,
    count: int,
    seed: int,
    store: Store,
    workers: int = 1,
    drawn: PairRecipe | None = None,
    progress: Progress = no_progress,
) -> PairCrops:
    """Pairs at a tracker's sizes without answers, likewise from the store: those that a pool of so many has."""
    sizes = PairSizes.of(spec, drawn)
    found = _pairs(sizes, source, count=count, seed=seed, store=store, workers=workers, progress=progress)
    return PairCrops(**found.tensors)


def _key(sizes: PairSizes, count: int, seed: int, source: DataSource) -> list[object]:
    return [sizes, count, seed, source.fingerprint]


def _pairs(
    sizes: PairSizes, source: DataSource, *, count: int, seed: int, store: Store, workers: int, progress: Progress
) -> MappedFile:
    key = ["pairs", *_key(sizes, count, seed, source)]
    return _kept(store, key, count, lambda: _draw(sizes, count, seed, source, workers, progress))


def _kept(store: Store, key: list[object], count: int, make: Callable[[], Iterator[Tensors]]) -> MappedFile:
    """Rows from the store; made first where it has none, or what it has was cut short."""
    return store.get(
        "pools",
        fingerprint(key),
        read=_mapped,
        make=lambda path: write_rows(path, count, make()),
        suffix=".safetensors",
    )


def _mapped(path: Path) -> MappedFile | None:
    try:
        return MappedFile.open(path)
    except (SafetensorError, KeyError):
        return None


def _draw(
    sizes: PairSizes, count: int, seed: int, source: DataSource, workers: int, progress: Progress
) -> Iterator[Tensors]:
    counts = [min(_CHUNK, count - start) for start in range(0, count, _CHUNK)]
    # One chunk is made here sooner than a process starts.
    workers = max(1, workers) if len(counts) > 1 else 0
    done = 0
    for pairs in make_pairs(source, seed, counts, workers=workers, sizes=sizes):
        yield {name: torch.from_numpy(getattr(pairs, name)) for name in ("template", "search", "boxes")}
        done += len(pairs)
        progress(f"making pairs, {done} of {count}", done / count)


def _answers(teacher: Tracker, pairs: MappedFile, device: torch.device, progress: Progress) -> Iterator[Tensors]:
    count, chunk = len(pairs.tensors["boxes"]), at_once(teacher.spec)
    for start in range(0, count, chunk):
        crops = (pairs.tensors[k][start : start + chunk].to(device) for k in ("template", "search"))
        found = answers_of(teacher, *map(to_input, crops))
        yield {name: values.cpu() for name, values in found.items()}
        pairs.release()
        done = min(count, start + chunk)
        progress(f"answers of the teacher, {done} of {count}", done / count)
