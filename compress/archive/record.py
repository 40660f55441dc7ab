"""`Record`: one tracker that was tried, with its accuracy and latency."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Literal

from compress.archive.execution_paths import paths_from
from compress.archive.lineage import FINETUNED, Lineage
from compress.archive.prior_accuracy import PriorAccuracy
from compress.core import Accuracy, ExecutionPath, FileError, Latency, TrackerSpec, mean_layers, path_rows
from compress.core.plain import Bounds, from_plain, to_plain
from compress.core.text import printable

Status = Literal["done", "rejected", "running", "failed", "missed", "duplicate"]
"""`rejected`: too slow, never trained. `missed`: measured whole and over the bound. `duplicate`: tried before."""

TEACHER = "teacher"
_RESERVED = (TEACHER, "best")
"""What commands call the teacher of a run, and the most accurate of its front; no variant may be named so."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_FIDELITY = re.compile(r"prior|elastic|blockwise|rung-\d{1,3}|full|finetuned")
_EXAMPLES = {"variant": "v017", "fidelity": "prior, rung-0 or full"}
_BOUNDS = Bounds(non_finite=True)
"""Figures of a rung may be NaN; where figures must be finite, `problems()` of their class checks it."""


def variant_name(number: int) -> str:
    """The variant of a trial: `v017` for trial 17."""
    return f"v{number:03d}"


def check_names(records: Iterable[Record]) -> None:
    """Whether every variant has a name of its own, which no other thing of a run has.

    Raises:
        FileError: naming those that have not: commands would take one for another.
    """
    counts = Counter(record.variant for record in records)
    taken = sorted(name for name, count in counts.items() if count > 1 or name in _RESERVED)
    if taken:
        names = ", ".join(taken[:5]) + (f" and {len(taken) - 5} more" if len(taken) > 5 else "")
        raise FileError(
            f"The study names several variants alike, or one like the teacher or `best`: {names}. It was changed by "
            "something else than a search. Take a copy of the run from before that, or search again."
        )


def fidelity_order(fidelity: str) -> float:
    """Sort key: `prior` below `rung-0` below `elastic` and `blockwise` below `rung-1` … below `full`, `finetuned`."""
    return {"prior": -1, "elastic": 0.5, "blockwise": 0.5, "full": 10_000, FINETUNED: 20_000}.get(fidelity) or int(
        fidelity.removeprefix("rung-")
    )


@dataclass(frozen=True)
class Record:
    """One tracker that was tried.

    Attributes:
        variant: `v017` for trial 17, `teacher` for the teacher; of a fine-tuned one its parent's and some digits.
        number: Optuna's trial number; −1 for the teacher and for fine-tuned variants, which are no trials.
        reason: Why the status is what it is; empty where there is nothing to explain.
        fidelity: How far `accuracy` can be trusted: `prior`, `rung-0`, `elastic`, `blockwise`, `rung-1`, …, `full`,
            `finetuned`.
        predicted: Latency from measured components, or estimated; `measured` that of the whole network, where timed.
        params: Parameters.
        macs: Multiply-accumulates of the full forward; `macs_per_frame` leaves the template's share out.
        rungs: What each rung found, in order: plain dictionaries (`fidelity`, `ao_seq`, `steps`, `seconds`, …).
        paths: Of an adaptive tracker, the frames that `accuracy` was found on, counted by the execution path that they
            took; None for others, and before any frame was counted.
        prior: Where nothing was trained, at fidelity `prior`: the accuracy that published ablations suggest.
        origin: How a strategy chose the spec, where it says so; empty where a sampler drew it.
        lineage: Of a variant at fidelity `finetuned`; None of all others.
    """

    variant: str
    number: int
    spec: TrackerSpec
    status: Status
    reason: str = ""
    fidelity: str = "rung-0"
    accuracy: Accuracy | None = None
    predicted: Latency | None = None
    measured: Latency | None = None
    params: int = 0
    macs: int = 0
    macs_per_frame: int = 0
    rungs: tuple[dict[str, Any], ...] = ()
    is_teacher: bool = False
    paths: Mapping[ExecutionPath, int] | None = None
    prior: PriorAccuracy | None = None
    origin: str = ""
    lineage: Lineage | None = None

    @property
    def weights_file(self) -> str:
        """Its weights under `checkpoints/` of its run; of the same spec, a fine-tuned variant has others."""
        return f"{self.variant if self.lineage else self.spec.weights_id}.safetensors"

    @property
    def ao(self) -> float | None:
        """What fronts are drawn by: the AO of `accuracy`, or at fidelity `prior` the mean of `prior`."""
        if self.fidelity == "prior":
            return self.prior.mean if self.prior else None
        return self.accuracy.ao if self.accuracy else None

    @property
    def latency(self) -> Latency | None:
        """The measured latency where there is one, else the predicted; its `provenance` tells them apart."""
        return self.measured or self.predicted

    @property
    def latency_error(self) -> float | None:
        """predicted / measured − 1 on the mean; None unless both are known."""
        if self.predicted is None or self.measured is None:
            return None
        return self.predicted.mean_ms / self.measured.mean_ms - 1

    @property
    def layers_used(self) -> float | None:
        """Layers computed per frame on average; None where that depends on paths not counted yet."""
        if not self.spec.adaptive:
            return float(len(self.spec.layers))
        return mean_layers(self.paths, self.spec) if self.paths else None

    @property
    def optimistic(self) -> bool:
        """Whether `latency` is only a lower bound: that of an adaptive tracker whose paths are not counted yet."""
        return self.spec.adaptive and not self.paths and self.measured is None and self.predicted is not None

    def problems(self) -> Iterator[str]:
        """Values that no record has."""
        for name, pattern in (("variant", _NAME), ("fidelity", _FIDELITY)):
            if not pattern.fullmatch(getattr(self, name)):
                yield f"{name} must be like {_EXAMPLES[name]} but is {getattr(self, name)[:80]!r}"
        for name, least in (("number", -1), ("params", 0), ("macs", 0), ("macs_per_frame", 0)):
            if getattr(self, name) < least:
                yield f"{name} must be at least {least} but is {getattr(self, name)}"
        # One or the other, so that an estimate is never read as a measurement, nor the reverse.
        if self.prior is not None and (self.accuracy is not None or self.fidelity != "prior"):
            yield f"prior cannot stand beside an accuracy, or at fidelity {self.fidelity[:80]!r}"
        if (self.lineage is None) == (self.fidelity == FINETUNED):
            yield f"lineage goes with fidelity {FINETUNED!r} alone, but the fidelity is {self.fidelity[:80]!r}"

    def to_attrs(self) -> dict[str, Any]:
        """JSON types only, for an Optuna user attribute."""
        attrs = {f.name: to_plain(getattr(self, f.name), defaults=True) for f in fields(self) if f.name != "paths"}
        # A reason may quote anything, such as a path that is no text; the record must be readable again.
        attrs |= {"spec": self.spec.to_dict(), "reason": printable(self.reason, lines=True, most=2_000)}
        return attrs | {"paths": None if self.paths is None else path_rows(self.paths)}

    @classmethod
    def from_attrs(cls, attrs: Any) -> Record:
        """Inverse of `to_attrs`; the input is not trusted.

        Raises:
            FileError: naming every field that does not hold what a record holds.
        """
        rest = {name: value for name, value in attrs.items() if name != "paths"} if isinstance(attrs, dict) else attrs
        record = from_plain(cls, rest, "record", error=FileError, bounds=_BOUNDS)
        return replace(record, paths=paths_from(record.spec, attrs.get("paths")))
