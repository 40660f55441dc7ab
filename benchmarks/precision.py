"""What each precision of exported graphs costs and gains: AO over the search sequences, and speed, in one shuffled run.

OMP_NUM_THREADS=1 python benchmarks/precision.py ostrack-nano --csv results/precision.csv
OMP_NUM_THREADS=1 python benchmarks/precision.py litetrack-b4 --speed --csv results/precision.csv
"""

from __future__ import annotations

import argparse
from pathlib import Path
from time import perf_counter
from typing import Any

import pandas as pd

import compress
from compress.core import TRACKERS
from compress.core.progress import no_progress
from compress.data import open_source
from compress.export import CalibrationCrops, LowPrecision, accuracy_drop, bundle_graphs, with_float_layers
from compress.geometry import LoopSettings
from compress.measure.graph_speeds import graph_speeds
from compress.models import Tracker, build

STATIC = ("entropy", "percentile")


def main() -> None:
    """Measure one tracker and add its rows to a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tracker", choices=TRACKERS.names())
    parser.add_argument("--speed", action="store_true", help="of fresh weights, without accuracy")
    parser.add_argument("--csv", type=Path)
    given = parser.parse_args()
    model = build(compress.describe(given.tracker)).eval() if given.speed else compress.load_tracker(given.tracker)
    rows = [{"tracker": given.tracker, **row} for row in measured(model, accuracy=not given.speed)]
    table = pd.DataFrame(rows)
    print(table.to_string(index=False))
    if given.csv:
        earlier = [pd.read_csv(given.csv)] if given.csv.exists() else []
        pd.concat([*earlier, table]).to_csv(given.csv, index=False, float_format="%.6g")


def measured(model: Tracker, *, accuracy: bool) -> list[dict[str, Any]]:
    """A row for each precision, and for int8 each calibration, with all layers in int8 and with some left in float."""
    spec, exact = model.spec, bundle_graphs(model)
    crops = CalibrationCrops.drawn(open_source("generated", training=True), spec)
    sequences = open_source("generated").sequences("search", keep=True) if accuracy else []
    made: dict[str, Any] = {"fp32": exact, "fp16": LowPrecision("fp16").graphs(spec, exact)}
    about: dict[str, dict[str, Any]] = {}
    for method in ("dynamic", *STATIC):
        begin = perf_counter()
        made[f"int8 {method}"] = LowPrecision("int8", method).graphs(spec, exact, crops)  # type: ignore[arg-type]
        about[f"int8 {method}"] = {"made_s": perf_counter() - begin}
        if not accuracy:
            continue
        low, graphs, found = with_float_layers(spec, exact, method, crops)  # type: ignore[arg-type]
        about[f"int8 {method}"]["box_error"] = found.whole
        if low.float_layers:
            name = f"int8 {method}, {' '.join(low.float_layers)} in float"
            made[name], about[name] = graphs, {"box_error": found.kept}
    rows = []
    speeds = graph_speeds(spec, made, rounds=40)
    for name, graphs in made.items():
        row = {"precision": name, "bytes": sum(map(len, graphs.values())), **about.get(name, {}), **vars(speeds[name])}
        row["speedup"] = speeds["fp32"].p50_ms / speeds[name].p50_ms
        if accuracy:
            precision: Any = name[:4]
            drop = accuracy_drop(
                spec, exact, graphs, precision, sequences, settings=LoopSettings.of(spec), progress=no_progress
            )
            row |= {"ao": drop.after.ao, "drop": drop.ao, "drop_se": drop.by_sequence.se}
        rows.append(row)
    return rows


if __name__ == "__main__":
    main()
