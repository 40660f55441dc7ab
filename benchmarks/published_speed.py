"""Time per frame of this package's trackers over OSTrack-256's, beside what the published code takes.

    python benchmarks/published_speed.py --csv results/published-speed.csv

The denominator is OSTrack-256 as its authors run it: timm's ViT-B/16 over 320 tokens with unfused attention, both
crops embedded in every frame, and the centre head with its batch norms, in eager PyTorch. Published ratios are of the
published code of each tracker over that of OSTrack-256. Ours is the work of one frame, the template being encoded
once per sequence: in eager PyTorch with what depends on the weights only computed beforehand, as `compress evaluate`
runs it, and the exported frame graph under onnxruntime. Crops, decoding and the frame loop are left out on both sides.

Each network runs in a process of its own, as it does in use: what one leaves behind in the allocator or in its threads
touches no other. Every visit times ours and the denominator one right after the other; PyTorch's and onnxruntime's
pairs take turns in shuffled rounds. Given are the median of the pairs' ratios and, as the spread, half of the distance
between their quartiles.
"""

from __future__ import annotations

import argparse
import csv
import gc
import multiprocessing
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
import timm
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from compress.core import TrackerSpec, describe
from compress.core.writing import writing
from compress.export import frame_graph
from compress.measure import host, runtime_name
from compress.models import build
from compress.models.fusing import fused
from compress.models.heads import Features
from compress.models.heads.centre import CentreHead
from compress.models.packing import packed
from compress.runtime import session

PUBLISHED: dict[str, float | None] = {
    "ostrack256": 1.00,
    "ostrack256-ce": 0.77,
    "litetrack-b9": 0.65,
    "litetrack-b6": 0.45,
    "litetrack-b4": 0.28,
    "hit-base": 0.175,
    "hit-small": 0.078,
    "hit-tiny": 0.051,
    "mixformerv2-b": 0.84,
    "mixformerv2-s": 0.17,
}
"""Time per frame of each tracker's published code in PyTorch on a CPU, over that of OSTrack-256's."""

BACKENDS = ("pytorch", "onnxruntime")

_QUIET_S = 0.02
"""Threads that wait for work keep a core busy for some milliseconds after a run."""

Call = Callable[[], object]
Times = NDArray[np.float64]


class PlainOstrack(nn.Module):
    """OSTrack-256 as published: nothing is kept of the template, nothing is fused."""

    def __init__(self, spec: TrackerSpec) -> None:
        super().__init__()
        self.vit = timm.create_model("vit_base_patch16_224", pretrained=False, num_classes=0)
        for block in self.vit.blocks:
            block.attn.fused_attn = False
        self.positions = nn.ParameterList(
            torch.randn(1, tokens, spec.dim) for tokens in (spec.template_patches, spec.search_tokens)
        )
        self.head = CentreHead(spec.dim, spec.head.channels)
        self.tokens = spec.search_tokens

    def forward(self, template: Tensor, search: Tensor) -> dict[str, Tensor]:
        embedded = [self.vit.patch_embed.proj(crop).flatten(2).transpose(1, 2) for crop in (template, search)]
        x = torch.cat([tokens + place for tokens, place in zip(embedded, self.positions, strict=True)], dim=1)
        maps: dict[str, Tensor] = self.head(Features(self.vit.norm(self.vit.blocks(x))[:, -self.tokens :]))
        return maps


@dataclass(frozen=True)
class Row:
    """One tracker; ratios are (rounds,)."""

    name: str
    published: float | None
    pytorch: Times
    onnxruntime: Times
    pytorch_ms: float
    onnxruntime_ms: float


class Worker:
    """A process that builds a network and times it when asked. `network` is `plain` or a tracker and its runtime."""

    def __init__(self, network: tuple[str, str], threads: int) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_work, args=(theirs, network, threads), daemon=True)
        self._process.start()
        self._pipe.recv()

    def visit(self, runs: int) -> float:
        """Median milliseconds of `runs` runs, after one that fills the caches."""
        self._pipe.send(runs)
        ms: float = self._pipe.recv()
        time.sleep(_QUIET_S)
        return ms

    def close(self) -> None:
        self._pipe.send(0)
        self._process.join()


@torch.inference_mode()
def _work(pipe: Connection, network: tuple[str, str], threads: int) -> None:
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    call = _call(*network, threads)
    gc.collect()
    gc.disable()
    pipe.send(None)
    while runs := pipe.recv():
        call()
        ms = []
        for _ in range(runs):
            start = time.perf_counter_ns()
            call()
            ms.append((time.perf_counter_ns() - start) / 1e6)
        pipe.send(float(np.median(ms)))


def main() -> None:
    arguments = _arguments()
    print(f"{host()}; PyTorch {torch.__version__}, {runtime_name()}, {arguments.threads} threads", flush=True)
    plain = Worker(("ostrack256", "plain"), arguments.threads)
    rows = [_row(name, plain, arguments) for name in arguments.names]
    plain.close()
    base = np.concatenate([times[..., 1].ravel() for _, times in rows])
    print(f"OSTrack-256 as published: {np.median(base):.1f} ms; {arguments.rounds} rounds\n")
    found = [row for row, _ in rows]
    _print(found)
    if arguments.csv:
        _write(arguments.csv, found, arguments)


def _row(name: str, plain: Worker, arguments: argparse.Namespace) -> tuple[Row, Times]:
    """The tracker's row, and milliseconds (runtimes, rounds, 2) of it and of the denominator."""
    print(f"timing {name}", file=sys.stderr, flush=True)
    workers = [Worker((name, runtime), arguments.threads) for runtime in BACKENDS]
    rng = np.random.default_rng(arguments.seed)
    times = np.empty((len(workers), arguments.rounds, 2))
    for i in range(arguments.rounds):
        for j in rng.permutation(len(workers)):
            for side in rng.permutation(2):
                times[j, i, side] = (workers[j], plain)[side].visit(arguments.runs)
    for worker in workers:
        worker.close()
    ratios, ms = times[..., 0] / times[..., 1], np.median(times[..., 0], axis=1).tolist()
    return Row(name, PUBLISHED.get(name), ratios[0], ratios[1], ms[0], ms[1]), times


def _call(name: str, runtime: str, threads: int) -> Call:
    spec = describe(name)
    search, template = _crop(spec.search_size), _crop(spec.template_size)
    if runtime == "plain":
        plain = PlainOstrack(spec).eval()
        return lambda: plain(template, search)
    model = build(spec).eval()
    box = torch.tensor([[0.25, 0.25, 0.75, 0.75]]) if spec.target_token else None
    memory = model.encode_template(template, box)
    if runtime == "pytorch":
        ready = packed(fused(model))
        return lambda: ready.track(search, memory)
    frame = session(frame_graph(model), threads=threads)
    feeds = {"search": search.numpy(), **{key: value.numpy() for key, value in memory.items()}}
    return lambda: frame.run(None, feeds)


def _crop(size: int) -> Tensor:
    return torch.randn(1, 3, size, size)


def _spread(ratios: Times) -> float:
    low, high = np.percentile(ratios, (25, 75))
    return float(high - low) / 2


def _print(rows: list[Row]) -> None:
    print(f"{'tracker':16}{'published':>10}{'PyTorch':>18}{'onnxruntime':>18}")
    for row in rows:
        ours = "".join(f"{np.median(r):>10.3f} ± {_spread(r):.3f}" for r in (row.pytorch, row.onnxruntime))
        published = "–" if row.published is None else f"{row.published:.3f}"
        print(f"{row.name:16}{published:>10}{ours}  {_verdict(row)}".rstrip())


def _verdict(row: Row) -> str:
    if row.published is None:
        return ""
    over = float(np.median(row.pytorch)) - row.published
    if over <= 0:
        return "faster" if -over > _spread(row.pytorch) else "as fast"
    return "SLOWER" if over > _spread(row.pytorch) else "within the spread"


def _write(path: Path, rows: list[Row], arguments: argparse.Namespace) -> None:
    figures = [f"{name}{what}" for name in BACKENDS for what in ("", "_spread", "_ms")]
    head = ["tracker", "published", *figures, "device", "versions"]
    versions = f"PyTorch {torch.__version__}, {runtime_name()}, {arguments.threads} threads, {arguments.rounds} rounds"
    with writing(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(head)
        for row in rows:
            pairs = ((row.pytorch, row.pytorch_ms), (row.onnxruntime, row.onnxruntime_ms))
            ours = [f"{x:.4f}" for r, ms in pairs for x in (np.median(r), _spread(r), ms)]
            writer.writerow([row.name, row.published, *ours, host(), versions])


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", default=list(PUBLISHED), help="named trackers; all published ones")
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--runs", type=int, default=3, help="timed runs of each side of a pair in a round")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--csv", type=Path, help="where to write the table as a CSV file")
    return parser.parse_args()


if __name__ == "__main__":
    main()
