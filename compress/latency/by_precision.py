"""`LatencyByPrecision`: one model for trackers of several precisions, each predicted by the model of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from compress.core import ExecutionPath, Latency, Provenance, TrackerSpec
from compress.latency.model import LatencyErrors, LatencyModel, UncoveredError


@dataclass(frozen=True)
class LatencyByPrecision:
    """The `LatencyModel` of a device whose trackers run in the precision that their spec names.

    Attributes:
        models: By precision, the device's own first, which is what trackers in fp32 run in.
    """

    models: tuple[tuple[str, LatencyModel], ...]

    @property
    def provenance(self) -> Provenance:
        """That of the first: the others come from the same source."""
        return self.models[0][1].provenance

    @property
    def errors(self) -> LatencyErrors | None:
        """The largest of all; None where one has none."""
        found = [model.errors for _, model in self.models]
        known = [each for each in found if each is not None]
        if len(known) < len(found):
            return None
        paths = [each.paths_mean for each in known if each.paths_mean is not None]
        mean, most = max(each.mean for each in known), max(each.max for each in known)
        return LatencyErrors(mean, most, max(paths, default=None))

    @property
    def limits(self) -> str:
        """Of each, where there are some."""
        named = ((precision, model.limits) for precision, model in self.models)
        return " ".join(f"In {precision}: {text}" for precision, text in named if text)

    @property
    def basis(self) -> str:
        """Of each."""
        return "; ".join(dict.fromkeys(model.basis for _, model in self.models))

    @property
    def known_figures(self) -> tuple[str, ...]:
        """Those that all of them know."""
        return tuple(
            figure
            for figure in self.models[0][1].known_figures
            if all(figure in model.known_figures for _, model in self.models)
        )

    def covers(self, spec: TrackerSpec) -> bool:
        """Whether the model of its precision does; of one that there is no model of nothing is covered."""
        try:
            return self._of(spec).covers(spec)
        except UncoveredError:
            return False

    def predict(self, spec: TrackerSpec, paths: Mapping[ExecutionPath, int] | None = None) -> Latency:
        """See `LatencyModel.predict`."""
        return self._of(spec).predict(spec, paths)

    def _of(self, spec: TrackerSpec) -> LatencyModel:
        first = self.models[0][1] if spec.precision == "fp32" else None
        found = dict(self.models).get(spec.precision, first)
        if found is None:
            known = ", ".join(precision for precision, _ in self.models)
            raise UncoveredError(f"The tracker {spec.id} is in {spec.precision}, but what was measured is in {known}.")
        return found
