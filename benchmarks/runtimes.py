"""Time per frame of named trackers under every runtime of this host, in one shuffled run.

    python benchmarks/runtimes.py ostrack-nano hit-tiny litetrack-b4 --csv results/latency-runtimes.csv

The whole frame loop, one frame at a time, template work done before. Given are medians, the range from the 10th to the
90th percentile, and the median over that of onnxruntime in fp32, what `compress export` ships.
"""

from __future__ import annotations

import argparse
from contextlib import ExitStack
from pathlib import Path

import numpy as np
from csv_files import write_table

from compress.core import describe
from compress.measure import host
from compress.measure.backends import CPU, host_backends
from compress.measure.timed_frame import TimedFrame
from compress.measure.timing import TIMED, settled_rounds


def main() -> None:
    arguments = _arguments()
    present = {name: backend for name, backend in host_backends().items() if not backend.missing()}
    print(f"{host()}, threads {arguments.threads}")
    rows: list[list[object]] = []
    for tracker in arguments.trackers:
        spec = describe(tracker)
        with ExitStack() as stack:
            for backend in present.values():
                stack.enter_context(backend.using(arguments.threads))
            calls = [TimedFrame.of(spec, each.frame(spec, threads=arguments.threads)) for each in present.values()]
            times = settled_rounds(calls, rounds=-(-arguments.runs // TIMED))
        figures = np.percentile(times.reshape(len(calls), -1), (10, 50, 90), axis=1).T
        reference = figures[list(present).index(CPU), 1]
        for (name, backend), (low, middle, high) in zip(present.items(), figures, strict=True):
            print(f"{tracker:16}{name:24}{middle:8.2f} ms ({low:.2f} to {high:.2f}){middle / reference:8.2f}")
            about = [tracker, name, backend.version, f"{low:.4f}", f"{middle:.4f}", f"{high:.4f}"]
            rows.append([*about, f"{middle / reference:.4f}", backend.device, arguments.threads])
    if arguments.csv:
        _write(arguments.csv, rows)


def _write(path: Path, rows: list[list[object]]) -> None:
    head = ["tracker", "target", "runtime", "p10_ms", "p50_ms", "p90_ms", "over_cpu", "device", "threads"]
    write_table(path, head, rows)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("trackers", nargs="+")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--runs", type=int, default=60, help="timed runs of each")
    parser.add_argument("--csv", type=Path, help="where to write the figures")
    return parser.parse_args()


if __name__ == "__main__":
    main()
