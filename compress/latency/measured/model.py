"""`MeasuredLatency`: the latency model of a measured profile."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from compress.core import LATENCY_FIGURES, ExecutionPath, Latency, TrackerSpec
from compress.latency.measured.predict import predict, provenance_of
from compress.latency.measured.profile import Profile
from compress.latency.measured.profile_fields import runtime_label
from compress.latency.model import LatencyErrors, UncoveredError


@dataclass(frozen=True)
class MeasuredLatency:
    """The `LatencyModel` of one family of trackers, from the components measured on a device."""

    profile: Profile

    @property
    def provenance(self) -> Literal["predicted", "estimated"]:
        """`predicted`, unless the profile was estimated itself."""
        return provenance_of(self.profile)

    @property
    def errors(self) -> LatencyErrors | None:
        """On the validation set of the profile, wider where the machine was noisy; None where it has none."""
        profile, paths = self.profile, self.profile.routing_overhead
        if profile.mean_error is None or profile.max_error is None:
            return None
        return LatencyErrors(profile.mean_error, profile.max_error, paths.mean_error if paths else None)

    @property
    def limits(self) -> str:
        """What made the machine's times uncertain while the profile was measured; nothing where it was steady."""
        paths = self.profile.routing_overhead
        noise = max(self.profile.noise, paths.noise if paths else 0.0)
        causes = "; ".join(self.profile.remarks)
        if noise == 0 and not causes:
            return ""
        wider = f"errors are given {noise:.1%} wider, since the machine was not steady while it was measured"
        return f"Its {wider}{': ' if causes else ''}{causes}."

    @property
    def basis(self) -> str:
        """Where the components were measured."""
        return f"components measured under {runtime_label(self.profile.runtime, self.profile.precision)}"

    @property
    def known_figures(self) -> tuple[str, ...]:
        """All of them: whole trackers were timed run by run."""
        return LATENCY_FIGURES

    def covers(self, spec: TrackerSpec) -> bool:
        """Whether every component of `spec` was measured; what is not covered is refused."""
        try:
            self.predict(spec)
        except UncoveredError:
            return False
        return True

    def predict(self, spec: TrackerSpec, paths: Mapping[ExecutionPath, int] | None = None) -> Latency:
        """See `LatencyModel.predict`; `measured.predict` describes the method."""
        return predict(self.profile, spec, paths)
