"""Training a teacher from scratch on generated pairs."""

from __future__ import annotations

import csv
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from compress.core import FileError, TrackerSpec
from compress.core.files import replacing
from compress.core.progress import Progress, no_progress
from compress.data import Pairs
from compress.data.generated import load_images, pair_stream
from compress.distill.losses import ground_truth_loss
from compress.distill.optimise import AveragedWeights, learning_rate, optimiser, pick_device, to_input
from compress.models import Tracker, build, save_weights
from compress.surgery import start_from_timm


@dataclass(frozen=True)
class TeacherRecipe:
    """How a teacher is trained.

    Attributes:
        steps: Optimiser steps; `batch` pairs each.
        reuse: Times each generated batch is used; from the second time on the templates are exchanged within their
            scene, which gives new valid pairs.
        lr, warmup: Peak learning rate of AdamW and the steps of linear warm-up; a half cosine follows.
        drop_path: Stochastic depth of the last layer, linear from 0, so that cut layers degrade gently.
        ema: Decay of the averaged weights, which are what is saved.
        images: Folder of the user's own images for texture; empty for generated textures only.
        init: What of timm's the backbone starts from, see `start_from_timm`; empty for fresh weights.
    """

    steps: int = 20_000
    batch: int = 64
    reuse: int = 1
    lr: float = 1e-3
    warmup: int = 500
    weight_decay: float = 0.05
    drop_path: float = 0.2
    ema: float = 0.9995
    seed: int = 0
    images: str = ""
    init: str = ""


def train_teacher(
    spec: TrackerSpec,
    recipe: TeacherRecipe,
    *,
    out: Path,
    device: str = "auto",
    workers: int = 1,
    progress: Progress = no_progress,
    save_every: float = 120.0,
) -> Tracker:
    """Train and return the averaged network; `out` holds weights and state of the last save, and a log.

    The pairs depend on the seed alone, not on `workers`. A run that was stopped continues when called again.

    Args:
        out: Folder for `weights.safetensors`, `state.pt`, `log.csv`.
        save_every: Seconds between saves.
        progress: Called about every 20 seconds, with the mean of each loss part since.

    Raises:
        FileError: `out` holds the state of another recipe.
        UsageError, FileError: of `recipe.init`, see `start_from_timm`.
    """
    run = _Run(spec, recipe, out, device)
    batches = _batches(spec, recipe, workers, start=run.step // recipe.reuse)
    saved = logged = time.monotonic()
    sums: dict[str, float] = {}
    count = 0
    while run.step < recipe.steps:
        template, search, boxes, scenes = (t.to(run.device, non_blocking=True) for t in next(batches))
        for turn in range(min(recipe.reuse, recipe.steps - run.step)):
            order = _exchange(scenes, run.generator) if turn else None
            parts = run.advance(template if order is None else template[order], search, boxes)
            if run.step % 10 == 0 or run.step >= recipe.steps:
                sums = {k: sums.get(k, 0.0) + float(v) for k, v in parts.items()}
                count += 1
        if count and (time.monotonic() - logged > 20 or run.step >= recipe.steps):
            means = {k: v / count for k, v in sums.items()}
            run.log(means)
            progress(f"step {run.step} of {recipe.steps}", run.step / recipe.steps, means)
            sums, count, logged = {}, 0, time.monotonic()
        if time.monotonic() - saved > save_every:
            run.save()
            saved = time.monotonic()
    run.save()
    return run.average.model


class _Run:
    def __init__(self, spec: TrackerSpec, recipe: TeacherRecipe, out: Path, device: str) -> None:
        torch.manual_seed(recipe.seed)
        self.recipe, self.out, self.device = recipe, out, pick_device(device)
        self._state = out / "state.pt"
        model = build(spec, drop_path=recipe.drop_path)
        if recipe.init and not self._state.is_file():
            model.load_state_dict(start_from_timm(spec, recipe.init).state_dict())
        self.model = model.to(self.device).train()
        self.average = AveragedWeights(self.model, recipe.ema)
        self.optimiser = optimiser(self.model, recipe.lr, recipe.weight_decay)
        self.generator = torch.Generator(device=self.device).manual_seed(recipe.seed)
        self.step = 0
        if self._state.is_file():
            self._resume()

    def advance(self, template: Tensor, search: Tensor, boxes: Tensor) -> dict[str, Tensor]:
        for group in self.optimiser.param_groups:
            group["lr"] = learning_rate(self.step, self.recipe.steps, self.recipe.lr, self.recipe.warmup)
        template, search = to_input(template), to_input(search)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.device.type == "cuda"):
            maps = self.model(template, search).maps
        parts = ground_truth_loss({k: v.float() for k, v in maps.items()}, boxes)
        self.optimiser.zero_grad(set_to_none=True)
        torch.autograd.backward(parts["loss"])
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimiser.step()
        self.average.update(self.model)
        self.step += 1
        return {k: v.detach() for k, v in parts.items()}

    def log(self, means: dict[str, float]) -> None:
        self.out.mkdir(parents=True, exist_ok=True)
        path = self.out / "log.csv"
        fresh = not path.exists()
        with path.open("a", newline="") as file:
            writer = csv.writer(file)
            if fresh:
                writer.writerow(["step", *means])
            writer.writerow([self.step, *(f"{v:.5f}" for v in means.values())])

    def save(self) -> None:
        metadata = {"step": str(self.step), **{k: str(v) for k, v in asdict(self.recipe).items()}}
        save_weights(self.average.model, self.out / "weights.safetensors", metadata=metadata, dtype=torch.float16)
        state = {
            "recipe": asdict(self.recipe),
            "step": self.step,
            "model": self.model.state_dict(),
            "average": self.average.model.state_dict(),
            "count": self.average.count,
            "optimiser": self.optimiser.state_dict(),
        }
        with replacing(self._state) as temporary:
            torch.save(state, temporary)

    def _resume(self) -> None:
        state = torch.load(self._state, map_location=self.device, weights_only=True)
        if state["recipe"] != asdict(self.recipe):
            raise FileError(
                f"{self._state} belongs to a training with other settings ({state['recipe']}). "
                "Give the same settings to continue it, or another --out."
            )
        self.step = state["step"]
        self.model.load_state_dict(state["model"])
        self.average.model.load_state_dict(state["average"])
        self.average.count = state["count"]
        self.optimiser.load_state_dict(state["optimiser"])


def _exchange(scenes: Tensor, generator: torch.Generator) -> Tensor:
    """A random order of the batch that keeps every pair within its scene; `scenes` (B,) rises."""
    keys = scenes + torch.rand(len(scenes), generator=generator, device=scenes.device)
    return torch.argsort(keys)


class _Stream(IterableDataset):
    def __init__(self, spec: TrackerSpec, recipe: TeacherRecipe, start: int) -> None:
        self._spec, self._recipe, self._start = spec, recipe, start

    def __iter__(self) -> Iterator[tuple[Tensor, ...]]:
        # Worker w draws batches w, w + W, … and the loader takes turns, so any number of workers gives one order.
        info = get_worker_info()
        first, step = (info.id, info.num_workers) if info else (0, 1)
        spec, folder = self._spec, self._recipe.images
        options = {
            "template_size": spec.template_size,
            "search_size": spec.search_size,
            "template_factor": spec.template_factor,
            "search_factor": spec.search_factor,
            "images": load_images(Path(folder)) if folder else (),
        }
        for pairs in pair_stream(
            self._recipe.seed, self._recipe.batch, start=self._start + first, step=step, **options
        ):
            yield _tensors(pairs)


def _tensors(pairs: Pairs) -> tuple[Tensor, ...]:
    return tuple(torch.from_numpy(a) for a in (pairs.template, pairs.search, pairs.boxes, pairs.scenes))


def _batches(spec: TrackerSpec, recipe: TeacherRecipe, workers: int, start: int) -> Iterator[tuple[Tensor, ...]]:
    stream = _Stream(spec, recipe, start)
    ahead = {"prefetch_factor": 4, "persistent_workers": True} if workers else {}
    return iter(DataLoader(stream, batch_size=None, num_workers=workers, worker_init_fn=_one_thread, **ahead))  # type: ignore[arg-type]


def _one_thread(_: int) -> None:
    import cv2

    cv2.setNumThreads(1)
    torch.set_num_threads(1)
