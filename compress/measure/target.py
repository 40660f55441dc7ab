"""`Target`: what a search can aim at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from compress.core import ExecutionPath, Latency, TrackerSpec, UsageError
from compress.core.progress import Progress, no_progress
from compress.latency import Profile
from compress.latency.estimated import EstimatedProfile, estimate, estimate_expected, extrapolates
from compress.measure.coverage import Coverage
from compress.measure.host_profiles import host_profile
from compress.measure.remote_profiles import device_profile
from compress.measure.whole_trackers import RUNS, measure_many
from compress.models import Tracker

_KNOWN_OF_ESTIMATES = ("mean", "worst")
"""What published speeds, which are means, can tell of `LATENCY_FIGURES`."""


@dataclass(frozen=True)
class Target:
    """A device with a runtime and precision. `cpu` and `gpu` are always this host.

    Attributes:
        name: One of `BACKENDS`, where whole trackers can be timed on it now.
        estimates: What published speeds tell of a device that is not here; None where latency is measured.
        elsewhere: Latency is predicted from profiles that `compress profile` has measured there, and kept here.
    """

    name: str
    runtime: str
    precision: str
    device: str
    estimates: EstimatedProfile | None = None
    elsewhere: bool = False

    @property
    def here(self) -> bool:
        """Whether whole trackers can be timed on it now."""
        return self.estimates is None and not self.elsewhere

    @property
    def provenance(self) -> Literal["measured", "estimated"]:
        """What its figures rest on: parts measured on the device, or published speeds."""
        return "measured" if self.estimates is None else "estimated"

    def profile(
        self,
        teacher: TrackerSpec,
        *,
        coverage: Coverage | None = None,
        threads: int = 1,
        refresh: bool = False,
        progress: Progress = no_progress,
    ) -> Profile:
        """The profile for the family of `teacher`, measured first where it is absent; see `host_profile`.

        Raises:
            UsageError: an estimated target; or one measured elsewhere, if not for this, or if it is to be refreshed.
        """
        if self.elsewhere and not refresh:
            return _kept(self.name, teacher, coverage, threads)
        self._check_here()
        return host_profile(
            teacher, target=self.name, coverage=coverage, threads=threads, refresh=refresh, progress=progress
        )

    def measure(
        self,
        trackers: Mapping[str, Tracker | TrackerSpec],
        *,
        paths: Mapping[str, Mapping[ExecutionPath, int]] | None = None,
        threads: int = 1,
        runs: int = RUNS,
        progress: Progress = no_progress,
    ) -> dict[str, Latency]:
        """Latency of whole trackers in one shuffled run; see `measure_many`.

        Raises:
            UsageError: a target that is not here.
        """
        self._check_here()
        return measure_many(trackers, paths=paths, target=self.name, threads=threads, runs=runs, progress=progress)

    def estimate(self, spec: TrackerSpec, paths: Mapping[ExecutionPath, int] | None = None) -> Latency:
        """Latency by published speeds: `worst_ms` of adaptive trackers too, and their mean over `paths`.

        Args:
            ways: Frames counted by the way they took. Without them the mean of an adaptive tracker is a bound: the
                share τ0 of the layers skipped, the first exit taken.

        Raises:
            UsageError: not an estimated target, or a way that `spec` does not have.
        """
        profile = self._estimates()
        if not spec.adaptive:
            return estimate(profile, spec)
        mean = _over(profile, spec, paths) if paths else estimate_expected(profile, spec)
        return replace(mean, worst_ms=estimate(profile, spec).mean_ms)

    def extrapolates(self, spec: TrackerSpec) -> bool:
        """Whether `spec` lies beyond all that the estimates were fitted to. Raises as `estimate`."""
        return extrapolates(self._estimates(), spec)

    def check_bound(self, at: str) -> None:
        """Whether a bound on a figure of `LATENCY_FIGURES` can be told kept.

        Raises:
            UsageError: a percentile of an estimated target.
        """
        if self.estimates is not None and at not in _KNOWN_OF_ESTIMATES:
            raise UsageError(
                f"--fps-at {at} cannot be told on {self.name}: its latency is estimated from published speeds, which "
                f"are means. Give --fps-at mean or worst. {how_to_measure(self.name)}"
            )

    def check_searchable(self) -> None:
        """Whether what a search trains is what the target runs.

        Raises:
            UsageError: a target in int8.
        """
        if self.precision == "int8":
            raise UsageError(
                f"A search cannot aim at {self.name}: students are trained and evaluated in fp32, and int8 answers "
                f"otherwise. Search on cpu; `compress latency RUN:VARIANT --target {self.name}` tells what a variant "
                "would take in int8."
            )

    def _estimates(self) -> EstimatedProfile:
        if self.estimates is None:
            raise UsageError(f"Latency on {self.name} is measured, not estimated.")
        return self.estimates

    def _check_here(self) -> None:
        if self.elsewhere:
            raise UsageError(
                f"Nothing can be timed on {self.name} from here: its latency is predicted from what was measured "
                f"there. {how_to_measure(self.name)}"
            )
        if self.estimates is not None:
            raise UsageError(
                f"Nothing can be timed on {self.name} from here: it is estimated from published speeds, and no "
                f"{self.device} is at hand. {how_to_measure(self.name)}"
            )


def how_to_measure(name: str) -> str:
    """What to do for a measurement of a device that is not here."""
    return (
        f"To measure one: `compress profile measure --target {name} --host user@device`, or, to carry the measurement "
        f"there, `compress profile kit --target {name} --out kit`."
    )


def _kept(name: str, teacher: TrackerSpec, coverage: Coverage | None, threads: int) -> Profile:
    """The profile measured on a device, if it covers what is asked."""
    profile = device_profile(name, teacher, threads)
    if profile is None:
        raise UsageError(
            f"{name} was not measured for this family of trackers with {threads} thread{'s' * (threads > 1)}. Add "
            f"--teacher and --threads. {how_to_measure(name)}"
        )
    if coverage is not None and not coverage.within(Coverage.covered(profile)):
        raise UsageError(
            f"The profile measured on {name} does not reach all that is asked of it. Measure it with --space. "
            f"{how_to_measure(name)}"
        )
    return profile


def _over(profile: EstimatedProfile, spec: TrackerSpec, paths: Mapping[ExecutionPath, int]) -> Latency:
    """The mean over frames that went `paths`."""
    frames = sum(paths.values())
    found = [(n / frames, estimate(profile, spec, skipped=w.skipped or (), exit=w.exit)) for w, n in paths.items()]
    mean = sum(share * each.mean_ms for share, each in found)
    network = sum(share * each.network_ms for share, each in found)
    return replace(found[0][1], mean_ms=mean, p50_ms=mean, p90_ms=mean, p99_ms=mean, network_ms=network)
