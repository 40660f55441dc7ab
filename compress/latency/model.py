"""`LatencyModel`: predicts the latency of trackers from their specs, on one device under one runtime."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, Protocol

from compress.core import (
    CompressError,
    ConstraintCheck,
    ExecutionPath,
    Latency,
    LatencyConstraint,
    Provenance,
    TrackerSpec,
)


class UncoveredError(CompressError):
    """A tracker has a component whose cost the model does not know; it is refused, never counted as zero."""


class LatencyErrors(NamedTuple):
    """Relative errors of a model on trackers that it was neither measured on nor fitted to.

    Attributes:
        mean: Mean of the absolute errors.
        max: Largest absolute error.
        paths_mean: The mean over execution paths through adaptive trackers, where they were checked apart.
    """

    mean: float
    max: float
    paths_mean: float | None = None


class LatencyModel(Protocol):
    """Predicts the latency of a tracker from its spec.

    Models are plain values: they compare by content and can be pickled, so that a worker elsewhere predicts the same.
    `compress.testing.latency_model_suite` checks what every implementation has to keep.
    """

    @property
    def provenance(self) -> Provenance:
        """That of every latency predicted: `predicted` from components measured on the device, or `estimated`."""
        ...

    @property
    def errors(self) -> LatencyErrors | None:
        """How far predictions were off on trackers left out; None where none was."""
        ...

    @property
    def limits(self) -> str:
        """What the predictions cannot know, in a sentence or two for people; empty where there is nothing to add."""
        ...

    @property
    def basis(self) -> str:
        """What the predictions rest on, in a few words: `4 published speeds`."""
        ...

    @property
    def known_figures(self) -> tuple[str, ...]:
        """Those of `LATENCY_FIGURES` that are predicted; the others repeat the mean and cannot be bound."""
        ...

    def covers(self, spec: TrackerSpec) -> bool:
        """Whether `spec` lies within what the model was measured on or fitted to, so that `errors` speak for it."""
        ...

    def predict(self, spec: TrackerSpec, paths: Mapping[ExecutionPath, int] | None = None) -> Latency:
        """Latency of the whole frame loop, milliseconds per frame.

        `worst_ms` is that of the slowest path of an adaptive tracker, and None for others.

        Args:
            paths: Of an adaptive tracker, frames counted by the execution path they took. Without them its mean and
                percentiles are an optimistic bound: the share τ0 of the layers skipped, the first exit taken.

        Raises:
            UncoveredError: `spec` has components whose cost the model does not know; it names all of them.
            UsageError: a path that `spec` does not have.
        """
        ...


def check_precision(spec: TrackerSpec, known: str) -> None:
    """Whether a model of a precision speaks of a tracker; one in fp32 runs in whatever the device does.

    Raises:
        UncoveredError: the tracker asks for another one.
    """
    if spec.precision not in ("fp32", known):
        raise UncoveredError(f"The tracker {spec.id} is in {spec.precision}, but what is known is in {known}.")


def gate(
    model: LatencyModel,
    spec: TrackerSpec,
    constraint: LatencyConstraint,
    paths: Mapping[ExecutionPath, int] | None = None,
) -> ConstraintCheck:
    """Compare the predicted latency of `spec` with a constraint; without `paths` by the optimistic bound.

    Raises:
        UncoveredError, UsageError: as `LatencyModel.predict`.
    """
    return constraint.check(model.predict(spec, paths), optimistic=spec.adaptive and not paths)
