"""`Record`: one tracker that was tried, and everything found out about it."""

from __future__ import annotations

import re
import typing
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from typing import Any, Literal

from compress.archive.prior_accuracy import PriorAccuracy
from compress.archive.reading import check, figures_from, paths_from
from compress.core import Accuracy, ExecutionPath, FileError, Latency, TrackerSpec, UsageError, mean_layers, path_rows

Status = Literal["done", "rejected", "running", "failed", "missed", "duplicate"]
"""`rejected`: too slow, never trained. `missed`: measured whole and over the bound. `duplicate`: tried before."""

STATUSES: tuple[str, ...] = typing.get_args(Status)

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_FIDELITY = re.compile(r"prior|rung-\d{1,3}|full")


def variant_name(number: int) -> str:
    """The variant of a trial: `v017` for trial 17."""
    return f"v{number:03d}"


def fidelity_order(fidelity: str) -> int:
    """Sort key: `prior` below `rung-0` below `rung-1` … below `full`."""
    return {"prior": -1, "full": 10_000}.get(fidelity) or int(fidelity.removeprefix("rung-"))


@dataclass(frozen=True)
class Record:
    """One tracker that was tried.

    Attributes:
        variant: `v017` for trial 17, `teacher` for the teacher.
        number: Optuna's trial number; −1 for the teacher.
        reason: Why the status is what it is, in words; empty where nothing needs saying.
        fidelity: How far `accuracy` can be trusted: `prior`, `rung-0`, `rung-1`, …, `full`.
        predicted: Latency summed from measured parts, or estimated; `measured` the whole network's, where it was timed.
        params: Parameters.
        macs: Multiply-accumulates of the full forward; `macs_per_frame` leaves the template's share out.
        rungs: What each rung found, in order: plain dictionaries (`fidelity`, `ao_seq`, `steps`, `seconds`, …).
        ways: Of an adaptive tracker, the frames that `accuracy` was found on, counted by the way they took; None for
            others, and before there was something to count.
        prior: Where nothing was trained, at fidelity `prior`: what published ablations lead to expect.
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

    @property
    def ao(self) -> float | None:
        """What fronts are drawn by: the AO of `accuracy`, or at fidelity `prior` the mean of `prior`."""
        if self.fidelity == "prior":
            return self.prior.mean if self.prior else None
        return self.accuracy.ao if self.accuracy else None

    @property
    def latency(self) -> Latency | None:
        """The measured latency where there is one, else the predicted; its `provenance` says which."""
        return self.measured or self.predicted

    @property
    def latency_error(self) -> float | None:
        """predicted / measured − 1 on the mean; None unless both are known."""
        if self.predicted is None or self.measured is None:
            return None
        return self.predicted.mean_ms / self.measured.mean_ms - 1

    @property
    def layers_used(self) -> float | None:
        """Layers computed per frame on average; None where that hangs on ways that nobody has counted."""
        if not self.spec.adaptive:
            return float(len(self.spec.layers))
        return mean_layers(self.paths, self.spec) if self.paths else None

    @property
    def optimistic(self) -> bool:
        """Whether `latency` is no more than a bound: that of an adaptive tracker whose ways nobody has counted."""
        return self.spec.adaptive and not self.paths and self.measured is None and self.predicted is not None

    def to_attrs(self) -> dict[str, Any]:
        """JSON types only, for an Optuna user attribute."""
        attrs = {f.name: getattr(self, f.name) for f in fields(self)}
        attrs["spec"] = self.spec.to_dict()
        for name in ("accuracy", "predicted", "measured", "prior"):
            attrs[name] = attrs[name] and attrs[name].to_dict()
        attrs["paths"] = None if self.paths is None else path_rows(self.paths)
        return attrs | {"rungs": [dict(rung) for rung in self.rungs]}

    @classmethod
    def from_attrs(cls, attrs: Any) -> Record:
        """Inverse of `to_attrs`; the input is not trusted.

        Raises:
            FileError: naming the field that does not hold what a record holds.
        """
        check(isinstance(attrs, dict), "record", attrs)
        known = {f.name: None if f.default is MISSING else f.default for f in fields(cls)}
        required = {f.name for f in fields(cls) if f.default is MISSING}
        wrong = sorted(set(map(str, attrs)) - set(known) | required - set(attrs))
        if wrong:
            raise FileError(f"A record's fields are not the expected ones: {', '.join(wrong)} unknown or missing.")
        attrs = known | {"rungs": []} | attrs
        _check_plain(attrs)
        try:
            spec = TrackerSpec.from_dict(attrs["spec"])
        except (UsageError, TypeError) as error:
            raise FileError(f"A record holds no usable tracker: {error}") from error
        read = {
            "spec": spec,
            "accuracy": figures_from(Accuracy, attrs["accuracy"]),
            "predicted": figures_from(Latency, attrs["predicted"]),
            "measured": figures_from(Latency, attrs["measured"]),
            "rungs": tuple(attrs["rungs"]),
            "paths": paths_from(spec, attrs["paths"]),
            "prior": PriorAccuracy.from_dict(attrs["prior"]),
        }
        # One or the other: an estimate never stands where a measurement could be read, nor the other way round.
        trained = read["accuracy"] is not None or attrs["fidelity"] != "prior"
        check(not (trained and read["prior"] is not None), "prior", attrs["fidelity"])
        return cls(**(attrs | read))


def _check_plain(attrs: dict[str, Any]) -> None:
    for name, pattern in (("variant", _NAME), ("fidelity", _FIDELITY)):
        check(isinstance(attrs[name], str) and pattern.fullmatch(attrs[name]) is not None, name, attrs[name])
    for name in ("number", "params", "macs", "macs_per_frame"):
        check(type(attrs[name]) is int and attrs[name] >= -(name == "number"), name, attrs[name])
    check(attrs["status"] in STATUSES, "status", attrs["status"])
    check(isinstance(attrs["reason"], str), "reason", attrs["reason"])
    check(isinstance(attrs["is_teacher"], bool), "is_teacher", attrs["is_teacher"])
    rungs = attrs["rungs"]
    check(isinstance(rungs, list) and all(isinstance(rung, dict) for rung in rungs), "rungs", rungs)
