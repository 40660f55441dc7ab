"""`Target`: what a search can aim at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

from compress.core import LATENCY_FIGURES, ExecutionPath, Latency, Precision, TrackerSpec, UsageError
from compress.core.progress import Progress, no_progress
from compress.core.threads import check_threads
from compress.latency import LatencyModel
from compress.measure.coverage import Coverage
from compress.measure.timed_trackers import Timed
from compress.measure.whole_trackers import RUNS

Basis = Literal["measured", "estimated"]
"""What predictions rest on: components measured on the device, or published figures."""


class ModelSource(Protocol):
    """Gives the latency models of a target."""

    @property
    def basis(self) -> Basis:
        """What all of its models rest on."""
        ...

    @property
    def shared(self) -> LatencyModel | None:
        """The one model of all trackers; None where every family of trackers has its own."""
        ...

    def model(
        self, teacher: TrackerSpec, coverage: Coverage | None, threads: int, refresh: bool, progress: Progress
    ) -> LatencyModel:
        """The model for the family of `teacher`; arguments and errors as `Target.latency_model`."""
        ...


class Timer(Protocol):
    """Times whole trackers on a device that is at hand; arguments and errors as `Target.measure`."""

    def __call__(
        self,
        trackers: Mapping[str, Timed],
        *,
        paths: Mapping[str, Mapping[ExecutionPath, int]] | None,
        threads: int,
        runs: int,
        progress: Progress,
    ) -> dict[str, Latency]: ...


@dataclass(frozen=True)
class Target:
    """A device with a runtime and precision. `cpu` and `gpu` are always this host.

    Attributes:
        name: Its shortest name; `aliases` are longer ones that mean the same.
        device, runtime: As in `Latency`.
        precision: `fp32`, `fp16` or `int8`.
        others: Precisions that a tracker may ask for on it beside its own.
        source: Gives its latency models.
        timer: Times whole trackers on it; None where the device is not at hand.
    """

    name: str
    runtime: str
    precision: str
    device: str
    source: ModelSource
    timer: Timer | None = None
    aliases: tuple[str, ...] = ()
    others: tuple[str, ...] = ()

    @property
    def provenance(self) -> Basis:
        """What its predictions rest on."""
        return self.source.basis

    @property
    def shared_model(self) -> LatencyModel | None:
        """The one model of all trackers; None where every family of trackers has its own."""
        return self.source.shared

    @property
    def known_figures(self) -> tuple[str, ...]:
        """Those of `LATENCY_FIGURES` that can be bound on it."""
        return self.source.shared.known_figures if self.source.shared else LATENCY_FIGURES

    def latency_model(
        self,
        teacher: TrackerSpec,
        *,
        coverage: Coverage | None = None,
        threads: int = 1,
        refresh: bool = False,
        progress: Progress = no_progress,
    ) -> LatencyModel:
        """What predicts trackers of the family of `teacher`; on this host measured first, where that is needed.

        Args:
            coverage: What must be predictable beside the teacher's own layers.
            threads: Threads of the runtime.
            refresh: Measure again, even where a kept profile would do.
            progress: Of measuring.

        Raises:
            UsageError: there is no model for this family, coverage or number of threads, nothing can be measured, or
                a precision is to be covered that it does not run.
            CompressError: the machine is too noisy to be measured.
        """
        self.check_threads(threads)
        for precision in (teacher.precision, *(coverage.precisions if coverage is not None else ())):
            self._check_precision(precision)
        if refresh and self.timer is None:
            raise self._not_at_hand()
        return self.source.model(teacher, coverage, threads, refresh, progress)

    def measure(
        self,
        trackers: Mapping[str, Timed],
        *,
        paths: Mapping[str, Mapping[ExecutionPath, int]] | None = None,
        threads: int = 1,
        runs: int = RUNS,
        progress: Progress = no_progress,
    ) -> dict[str, Latency]:
        """Latency of whole trackers in one shuffled run; see `measure_many`.

        Raises:
            UsageError: the device is not at hand, or does not run the precision of a tracker.
        """
        if self.timer is None:
            raise self._not_at_hand()
        for each in trackers.values():
            spec = each if isinstance(each, TrackerSpec) else each.spec
            for member in (spec,) if isinstance(spec, TrackerSpec) else (spec.fast, spec.accurate):
                self._check_precision(member.precision)
        return self.timer(trackers, paths=paths, threads=threads, runs=runs, progress=progress)

    def check_bound(self, at: str) -> None:
        """Whether a bound on a figure of `LATENCY_FIGURES` can be checked.

        Raises:
            UsageError: its models do not predict that figure.
        """
        if at not in self.known_figures:
            raise UsageError(
                f"--fps-at {at} cannot be bound on {self.name}: its latency is {self._basis_words}, which are means. "
                f"Give --fps-at {' or '.join(self.known_figures)}. {how_to_measure(self.name)}"
            )

    def check_threads(self, threads: int) -> None:
        """Whether its latency is known for so many threads.

        Raises:
            UsageError: it has one model, which knows nothing of threads; or no runtime has so many. Of more than this
                host has cores, where it is at hand, a `CompressWarning` says so.
        """
        if self.timer is not None:
            check_threads(threads)
        if threads != 1 and self.shared_model is not None:
            raise UsageError(
                f"--threads means nothing on {self.name}: its latency is {self._basis_words}, which say "
                "nothing about threads."
            )

    @property
    def scored_precision(self) -> Precision:
        """What students are scored in at full fidelity: int8 answers otherwise than what was trained, fp16 hardly.

        Raises:
            UsageError: a runtime in int8 whose graphs are not those that export writes.
        """
        if self.precision != "int8":
            return "fp32"
        if not self.runtime.startswith("onnxruntime"):
            raise UsageError(
                f"A search cannot aim at {self.name}: its students would be scored in int8, which is done under "
                f"onnxruntime, and {self.runtime} answers otherwise. Search on the target without int8; `compress "
                f"latency RUN:VARIANT --target {self.name}` shows what a variant would take."
            )
        return "int8"

    def _check_precision(self, precision: str) -> None:
        if not self.runs(precision):
            raise UsageError(
                f"A tracker in {precision} cannot be timed on {self.name}, which runs all in {self.precision}. Take a "
                "target that does, such as cpu for int8; `compress targets` lists them."
            )

    def runs(self, precision: str) -> bool:
        """Whether a tracker may ask for a precision; one in fp32 takes the target's own."""
        return precision in ("fp32", self.precision, *self.others)

    @property
    def _basis_words(self) -> str:
        if self.shared_model is None:
            return "predicted from what was measured there"
        return f"{self.shared_model.provenance} from {self.shared_model.basis}"

    def _not_at_hand(self) -> UsageError:
        return UsageError(
            f"Nothing can be timed on {self.name} from here: its latency is {self._basis_words}, and no {self.device} "
            f"is at hand. {how_to_measure(self.name)}"
        )


def how_to_measure(name: str) -> str:
    """What to do for a measurement of a device that is not here."""
    return (
        f"To measure one: `compress profile measure --target {name} --host user@device`, or, without ssh, write a "
        f"kit and copy it there: `compress profile kit --target {name} --out kit`."
    )
