"""Kits for TensorRT: what `trtexec` is asked to run, and what its times say."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

FORMAT = "compress-results-tensorrt"

TIMED = 20
"""Runs taken of a visit: the engine is loaded anew for each, which takes seconds, so a visit is used well."""

WARM_MS = 200
"""As `trtexec` warms up by default."""

_SCRIPT = Path(__file__).parents[1] / "kit_runtime" / "measure.sh"


def shell_files(kit: dict[str, Any], sums: dict[str, str]) -> dict[str, str]:
    """Texts of the files beside the graphs, by name.

    Args:
        sums: SHA-256 of the kit's other files, by their path in it.
    """
    about = {"id": kit["id"], "precision": kit["precision"]}
    about |= {"timed": kit["schedule"]["timed"], "warm_ms": WARM_MS}
    return {
        "kit.env": "".join(f"{name}={value}\n" for name, value in about.items()),
        "visits.txt": "".join(f"{line}\n" for line in _visits(kit)),
        "SHA256SUMS": "".join(f"{sum}  {name}\n" for name, sum in sums.items()),
    }


def shell_script() -> str:
    """The text of measure.sh."""
    return _SCRIPT.read_text(encoding="utf-8")


def as_results(body: dict[str, Any]) -> dict[str, Any]:
    """What measure.sh wrote, in the form of what measure.py writes.

    A frame is what trtexec calls latency (copies in, computing, copies out) and the loop's own time.

    Raises:
        KeyError, IndexError, TypeError, ValueError: it is not what measure.sh writes.
    """
    host = body.pop("host")
    visits = body.pop("visits")
    loop = np.array(host["loop"], dtype=np.float64)
    alone = float(np.percentile(loop, 10))
    batches: list[list[Any]] = []
    for batch in range(1 + max(visit["batch"] for visit in visits)):
        mine = [visit for visit in visits if visit["batch"] == batch]
        calls = [[[0.0] * loop.shape[1] for _ in loop] for _ in range(1 + max(visit["call"] for visit in mine))]
        for visit in mine:
            last = visit["times"][-loop.shape[1] :]
            calls[visit["call"]][visit["round"]] = [float(run["latencyMs"]) + alone for run in last]
        batches.append([*calls, loop.tolist()])
    more = {"format": "compress-results", "threads": 1, "device": host["device"], "conditions": host["conditions"]}
    return body | more | {"batches": batches}


def _visits(kit: dict[str, Any]) -> Iterator[str]:
    """Batch, round, call and graph of each visit, in the order that they are made."""
    rng = np.random.default_rng(kit["schedule"]["seed"])
    for batch, calls in enumerate(kit["batches"]):
        for i in range(kit["schedule"]["rounds"]):
            yield from (f"{batch} {i} {call} {calls[call][0]}" for call in rng.permutation(len(calls)))
