"""Tables of latency from the papers, measured again with the trackers here, as ratios to each table's slowest row.

    python benchmarks/published_tables.py --csv results/published-tables.csv

Each table is timed in one shuffled run of the exported graphs under onnxruntime on this host's CPU, network alone, the
template at hand. Published columns are frames per second of other devices and other code, so only ratios can be
compared: MixFormerV2's own CPU and GPU (its Table 2: MixViT-B with a plain corner head), LiteTrack's Jetson Orin NX
(its Table I, ONNX and PyTorch), HiT's CPU (its Table 1, PyTorch and ONNX). Given are the median over three runs and
their range.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from compress.core import HeadSpec, TrackerSpec, describe
from compress.core.writing import writing
from compress.core.zoo.trackers import uniform_layers
from compress.measure import host, measure_many, runtime_name

_CHANNELS = 384
"""Of MixFormer's plain corner head."""

Fps = tuple[float, ...]


@dataclass(frozen=True)
class Table:
    """Published frames per second by row, in the order of `columns`, and each row's tracker."""

    name: str
    columns: tuple[str, ...]
    rows: Mapping[str, tuple[TrackerSpec, Fps]]


def tables() -> list[Table]:
    return [
        Table("MixFormerV2, Table 2", ("CPU", "GPU"), _mixvit()),
        Table(
            "LiteTrack, Table I",
            ("Orin NX ONNX fp16", "Orin NX PyTorch"),
            {
                "ostrack256-ce": (describe("ostrack256-ce"), (50.72, 17.99)),
                "litetrack-b9": (describe("litetrack-b9"), (64.75, 21.4)),
                "litetrack-b8": (describe("litetrack-b8"), (69.97, 24.81)),
                "litetrack-b6": (describe("litetrack-b6"), (82.53, 31.5)),
                "litetrack-b4": (describe("litetrack-b4"), (101.98, 44.1)),
            },
        ),
        Table(
            "HiT, Table 1",
            ("CPU PyTorch", "CPU ONNX"),
            {
                "hit-base": (describe("hit-base"), (33, 42)),
                "hit-small": (describe("hit-small"), (72, 98)),
                "hit-tiny": (describe("hit-tiny"), (76, 125)),
            },
        ),
    ]


def _mixvit() -> dict[str, tuple[TrackerSpec, Fps]]:
    published: dict[tuple[int, int, int], Fps] = {
        (4, 1, 288): (21, 262),
        (4, 1, 224): (30, 280),
        (4, 4, 288): (12, 255),
        (4, 4, 224): (15, 275),
        (8, 1, 288): (12, 180),
        (8, 1, 224): (16, 190),
        (8, 4, 288): (7, 150),
        (8, 4, 224): (8, 190),
        (12, 1, 288): (8, 130),
        (12, 1, 224): (12, 145),
        (12, 4, 288): (4, 100),
        (12, 4, 224): (6, 140),
    }
    return {f"{d} layers, ratio {r}, {s} px": (_plain_corner(d, r, s), fps) for (d, r, s), fps in published.items()}


def _plain_corner(depth: int, ratio: int, size: int) -> TrackerSpec:
    full = describe("mixvit-b")
    return replace(
        full,
        layers=uniform_layers(depth, ratio * full.dim, "asymmetric"),
        search_size=size,
        template_size={288: 128, 224: 112}[size],
        head=HeadSpec(kind="corner", channels=_CHANNELS),
    )


def main() -> None:
    arguments = _arguments()
    about = f"{host()}; {runtime_name()}, threads {arguments.threads}"
    print(about)
    found: list[list[object]] = []
    for table in tables():
        specs = {row: spec for row, (spec, _) in table.rows.items()}
        runs = [
            measure_many(specs, threads=arguments.threads, runs=arguments.runs, seed=seed) for seed in range(_REPEATS)
        ]
        ms = np.array([[run[row].network_ms for row in specs] for run in runs])
        fps = np.array([published for _, published in table.rows.values()])
        found += _show(table, np.median(ms, axis=0), ms.max(axis=1, keepdims=True) / ms, fps / fps.min(axis=0))
    if arguments.csv:
        _write(arguments.csv, found, about)


_REPEATS = 3


def _show(table: Table, ms: np.ndarray, ours: np.ndarray, published: np.ndarray) -> list[list[object]]:
    """Prints a table; `ours` (runs, rows) and `published` (rows, columns) are times as fast as the slowest row."""
    print(f"\n{table.name:28}{'ms here':>10}{'here':>8}{'range':>14}" + "".join(f"{c:>20}" for c in table.columns))
    rows: list[list[object]] = []
    for i, row in enumerate(table.rows):
        each, low, high = (float(f(ours[:, i])) for f in (np.median, np.min, np.max))
        theirs = "".join(f"{ratio:>20.2f}" for ratio in published[i])
        print(f"{row:28}{ms[i]:>10.1f}{each:>8.2f}{f'{low:.2f}-{high:.2f}':>14}{theirs}")
        figures = [f"{value:.4f}" for value in (ms[i], each, low, high)]
        rows += [[table.name, row, c, *figures, f"{p:.4f}"] for c, p in zip(table.columns, published[i], strict=True)]
    logs = [np.corrcoef(np.log(np.median(ours, axis=0)), np.log(column))[0, 1] for column in published.T]
    print(
        "correlation of the logarithms: " + ", ".join(f"{c} {r:.3f}" for c, r in zip(table.columns, logs, strict=True))
    )
    return rows


def _write(path: Path, rows: list[list[object]], about: str) -> None:
    head = ["table", "row", "column", "ms", "ratio", "ratio_low", "ratio_high", "published_ratio", "device"]
    with writing(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(head)
        writer.writerows([*row, about] for row in rows)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--runs", type=int, default=20, help="timed runs of each tracker in each of three measurements")
    parser.add_argument("--csv", type=Path, help="where to write the tables")
    return parser.parse_args()


if __name__ == "__main__":
    main()
