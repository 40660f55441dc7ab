"""Where targets come from: providers in one registry, and what a provider from outside is made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from compress.core import Registry, TrackerSpec
from compress.core.progress import Progress
from compress.latency import LatencyModel
from compress.measure.coverage import Coverage
from compress.measure.targets.target import Basis, Target


class TargetProvider(Protocol):
    """Knows some targets by name."""

    def names(self) -> list[str]:
        """The names that `compress targets` lists."""
        ...

    def find(self, name: str, spec: TrackerSpec | None) -> Target | None:
        """The target of a name or alias; None where it is not one of these.

        Args:
            spec: A tracker of the family that latency is wanted of, if that is known.

        Raises:
            UsageError: it is one of these, but cannot be used, and why.
        """
        ...


TARGETS: Registry[TargetProvider] = Registry("target provider")
"""Providers of targets, asked for a name in the order of registration: `TARGETS.register("mine", FixedTargets(…))`."""


@dataclass(frozen=True)
class FixedTargets:
    """A provider of targets that are known beforehand."""

    targets: tuple[Target, ...]

    def names(self) -> list[str]:
        """Their names, aliases left out."""
        return [target.name for target in self.targets]

    def find(self, name: str, spec: TrackerSpec | None) -> Target | None:
        """The one of this name or alias, whatever tracker it is wanted for."""
        return next((target for target in self.targets if name in (target.name, *target.aliases)), None)


@dataclass(frozen=True)
class SharedModel:
    """A source of one model for all families of trackers, which nothing has to be measured for."""

    shared: LatencyModel

    @property
    def basis(self) -> Basis:
        """What the model rests on, by its provenance."""
        return "estimated" if self.shared.provenance == "estimated" else "measured"

    def model(
        self, teacher: TrackerSpec, coverage: Coverage | None, threads: int, refresh: bool, progress: Progress
    ) -> LatencyModel:
        """The model, whatever is asked for."""
        return self.shared


@dataclass(frozen=True)
class MeasuredFamilies:
    """Base of sources with a model for each family of trackers, from profiles measured on the device `target`."""

    target: str

    @property
    def basis(self) -> Basis:
        """`measured`."""
        return "measured"

    @property
    def shared(self) -> None:
        """None: every family has its own model."""
        return None
