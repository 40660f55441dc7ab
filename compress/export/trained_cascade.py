"""A cascade with the weights of both its trackers, from the file that `compress cascade` wrote."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from compress.core import Accuracy, CascadeSpec, FileError, Latency, UsageError
from compress.core.plain import from_plain
from compress.core.plain_files import read_plain
from compress.export.trained_tracker import TrainedTracker, load_trained
from compress.models import load_tracker, weights_key

_WHAT = "cascade's file"
_MOST = 1 << 22
_AGAIN = "Choose it again with `compress cascade`."


@dataclass(frozen=True)
class Member:
    """Where one tracker of a cascade comes from.

    Attributes:
        variant: Of the run, or `teacher`; empty for a named tracker.
        name: A named tracker; empty for a variant.
        weights: File of a named tracker's weights; empty for those that are shipped or imported.
        weights_key: Of the content of its weights.
    """

    variant: str = ""
    name: str = ""
    weights: str = ""
    weights_key: str = ""

    def problems(self) -> Iterator[str]:
        """What names no tracker."""
        if bool(self.variant) == bool(self.name):
            yield "variant or name must be given, and one of them only"

    def load(self, run: str) -> TrainedTracker:
        """The tracker with its weights.

        Raises:
            UsageError, FileError: as `load_trained`; or its weights are others than they were.
        """
        if self.variant:
            found = load_trained(run, self.variant)
        else:
            found = TrainedTracker(load_tracker(self.name, self.weights or None), self.name, {"teacher": self.name})
        if self.weights_key and weights_key(found.model) != self.weights_key:
            raise FileError(f"The weights of {found.name} have changed since the cascade was chosen. {_AGAIN}")
        return found


@dataclass(frozen=True)
class TrainedCascade:
    """A cascade with weights, and what is known of it."""

    fast: TrainedTracker
    accurate: TrainedTracker
    threshold: float
    name: str
    accuracy: Accuracy | None = None
    latency: Latency | None = None

    @property
    def spec(self) -> CascadeSpec:
        """Both trackers and the threshold."""
        return CascadeSpec(self.fast.model.spec, self.accurate.model.spec, self.threshold)

    @property
    def provenance(self) -> dict[str, Any]:
        """Where the weights of both come from."""
        return {"fast": self.fast.provenance, "accurate": self.accurate.provenance}


@dataclass(frozen=True)
class _CascadeFile:
    """What has to be in the file of a cascade, whose `CascadeSpec` has the id `cascade`; it may hold more."""

    cascade: str
    fast: Member
    accurate: Member
    threshold: float
    accuracy: Accuracy | None = None
    latency: Latency | None = None


def load_cascade(run: str, path: Path | str) -> TrainedCascade:
    """The cascade in a file that `compress cascade` wrote, of variants of the run directory `run`.

    Raises:
        UsageError, FileError: the file cannot be read or is none, a tracker has no weights or others than it had.
    """
    data = read_plain(Path(path), _WHAT, most=_MOST, advice=_AGAIN, syntax="json")
    try:
        file = from_plain(_CascadeFile, data, "cascade", unknown_fields="left out")
    except UsageError as error:
        raise FileError(f"{path} is no {_WHAT}: {error} {_AGAIN}") from error
    fast, accurate = file.fast.load(run), file.accurate.load(run)
    name = f"{fast.name}-with-{file.accurate.variant or file.accurate.name}"
    found = TrainedCascade(fast, accurate, file.threshold, name, file.accuracy, file.latency)
    if found.spec.id != file.cascade:
        raise FileError(f"{path} is of the cascade {file.cascade}, but {run} makes {found.spec.id} of it. {_AGAIN}")
    return found
