"""Accuracy and latency of a tracker, with how each figure was obtained."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal

Provenance = Literal["measured", "predicted", "estimated"]
"""`measured` on that device, `predicted` from components measured there, `estimated` from published figures."""

Precision = Literal["fp32", "fp16", "int8"]
"""What a network computes with; in `int8` its linear layers, the rest in fp32."""

LATENCY_FIGURES = ("mean", "p50", "p90", "p99", "worst")
"""The figures that a latency constraint may bound."""


@dataclass(frozen=True)
class Accuracy:
    """One-pass evaluation. All figures lie in [0, 1].

    Attributes:
        ao: Average overlap pooled over frames, as the GOT-10k toolkit does.
        ao_seq: Mean over sequences of their average overlap; `ao_se` its bootstrap standard error.
        sr50, sr75: Share of frames with an overlap above 0.5 and 0.75, pooled over frames.
        auc, precision20, pnorm20: Success AUC, precision at 20 px and normalised precision at 0.2 (OTB, LaSOT).
        sequences: Number of sequences.
        frames: Number of frames counted by `ao`.
        sequence_aos: What `ao_seq` is the mean of, in the order of the data, to six digits; empty where an older
            version scored.
        precision: Of the network that was scored: `int8` is its quantised graphs under onnxruntime.
    """

    ao: float
    ao_seq: float
    ao_se: float
    sr50: float
    sr75: float
    auc: float
    precision20: float
    pnorm20: float
    sequences: int
    frames: int
    sequence_aos: tuple[float, ...] = ()
    precision: Precision = "fp32"

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        return asdict(self)

    def problems(self) -> Iterator[str]:
        """Figures that no evaluation gives."""
        for name in ("sequences", "frames"):
            if getattr(self, name) < 0:
                yield f"{name} must be at least 0 but is {getattr(self, name)}"
        for f in fields(self):
            value = getattr(self, f.name)
            others = f.name in ("sequences", "frames", "precision")
            shares = value if f.name == "sequence_aos" else () if others else (value,)
            yield from (f"{f.name} must be in [0, 1] but is {share}" for share in shares if not 0 <= share <= 1)


@dataclass(frozen=True)
class Latency:
    """Milliseconds per frame at batch 1: crop, normalise, network, decode; template work once per sequence.

    Of an adaptive tracker mean and percentiles are over the execution paths its frames take.

    Attributes:
        network_ms: The network's share of `mean_ms`.
        runs: Timed runs behind the figures; `warmup` runs came before and were dropped.
        device: Fingerprint of the device; `runtime` names the runtime with its version, e.g. `onnxruntime 1.31`.
        worst_ms: Mean over frames that all take the most expensive path; None where every frame costs the same.
        noise: By how much the figures may be off because the machine was not steady while it was timed, relatively; 0
            where it was.
    """

    mean_ms: float
    p50_ms: float
    p90_ms: float
    p99_ms: float
    network_ms: float
    provenance: Provenance
    runs: int
    warmup: int
    threads: int
    runtime: str
    device: str
    worst_ms: float | None = None
    noise: float = 0.0

    @property
    def fps(self) -> float:
        """Frames per second at the mean."""
        return 1000.0 / self.mean_ms

    def at(self, figure: str) -> float:
        """One of `LATENCY_FIGURES`, in ms; a tracker of one path is at its worst at its mean."""
        if figure == "worst":
            return self.mean_ms if self.worst_ms is None else self.worst_ms
        return float(getattr(self, f"{figure}_ms"))

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        return asdict(self)

    def problems(self) -> Iterator[str]:
        """Figures that no clock gives."""
        for name in ("mean_ms", "worst_ms"):
            value = getattr(self, name)
            if value is not None and not (math.isfinite(value) and value > 0):
                yield f"{name} must be a positive number but is {value}"
        for name in ("p50_ms", "p90_ms", "p99_ms", "network_ms", "runs", "warmup", "threads", "noise"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value >= 0):
                yield f"{name} must be a number ≥ 0 but is {value}"
