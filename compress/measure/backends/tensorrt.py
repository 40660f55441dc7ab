"""TensorRT, on other devices only: `trtexec` builds engines there and times them, as a kit's measure.sh asks it to."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import compress
from compress.core import TrackerSpec, UsageError
from compress.measure.budget import MeasurementBudget
from compress.measure.host import host
from compress.measure.kit.measure_pyz import NAME, measure_archive
from compress.measure.kit.trtexec import FORMAT, as_results, visits
from compress.models import Tracker

TIMED = 20
"""Runs taken of a visit: the engine is loaded anew for each, which takes seconds, so a visit is used well."""

WARM_MS = 200
"""As `trtexec` warms up by default."""

_SCRIPT = Path(compress.__file__).parent / "measure" / "kit_runtime" / "measure.sh"


@dataclass(frozen=True)
class TensorRTBackend:
    """See `compress.measure.backends.backend.Backend`."""

    precision: str = "fp16"
    runtime: str = "tensorrt"
    places: tuple[str, ...] = ()
    adaptive: bool = False
    version: str = "TensorRT"

    @property
    def kit(self) -> TensorRTKit:
        return TensorRTKit()

    @property
    def device(self) -> str:
        return str(host())

    def at(self, place: str) -> TensorRTBackend:
        return self

    def missing(self) -> str:
        return "TensorRT is measured by a kit, not in this process"

    def using(self, threads: int) -> AbstractContextManager[None]:
        return nullcontext()

    def frame(self, tracker: Tracker | TrackerSpec, *, threads: int) -> NoReturn:
        raise UsageError(f"{self.missing()}. Write one with `compress profile kit --target DEVICE:tensorrt-fp16`.")

    def staged(self, tracker: Tracker | TrackerSpec, *, threads: int) -> NoReturn:
        self.frame(tracker, threads=threads)


@dataclass(frozen=True)
class TensorRTKit:
    """See `compress.measure.backends.backend.KitRecipe`."""

    format: str = FORMAT
    providers: tuple[str, ...] = ("auto",)
    run: str = "sh measure.sh"
    needs: str = (
        "It needs trtexec, sha256sum, and Python 3.8 or newer with numpy, uses OpenCV where it is installed, and\n"
        "writes results.json. It loads an engine for each of the lines of visits.txt, which takes a few seconds each."
    )

    def check(self, *, adaptive: bool, threads: int) -> None:
        if adaptive or threads != 1:
            raise UsageError(
                "Under TensorRT static trackers are measured, with one thread around them. Name a search space without "
                "bypass and exits, and leave --threads out."
            )

    def graph(self, graph: bytes) -> bytes:
        """In float32: trtexec chooses kernels of the precision it is asked for."""
        return graph

    def schedule(self, budget: MeasurementBudget, rounds: int) -> dict[str, int]:
        return {"rounds": rounds, "dropped": budget.dropped, "timed": TIMED, "attempts": 1, "seed": 0}

    def scripts(self) -> dict[str, bytes]:
        return {"measure.sh": _SCRIPT.read_bytes(), NAME: measure_archive()}

    def lists(self, kit: Mapping[str, Any], sums: Mapping[str, str]) -> dict[str, str]:
        about = {"id": kit["id"], "precision": kit["precision"], "timed": kit["schedule"]["timed"], "warm_ms": WARM_MS}
        return {
            "kit.env": "".join(f"{name}={value}\n" for name, value in about.items()),
            "visits.txt": "".join(f"{line}\n" for line in visits(kit)),
            "SHA256SUMS": "".join(f"{sum}  {name}\n" for name, sum in sums.items()),
        }

    def results(self, body: dict[str, Any]) -> dict[str, Any]:
        return as_results(body)
