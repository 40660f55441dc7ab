"""Cascades as they are evaluated: two trackers as one, see `compress.evaluate.trackers`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from compress.core import CascadeSpec, fingerprint
from compress.evaluate.trackers import EvaluatedTracker, StoredTracker, TorchTracker, WeightsFile
from compress.geometry import CascadeNetwork, CascadeSettings

if TYPE_CHECKING:
    from compress.runtime import CascadeBundle


@dataclass(frozen=True)
class TorchCascade:
    """The networks of a cascade under PyTorch; see `EvaluatedTracker`."""

    fast: TorchTracker
    accurate: TorchTracker
    threshold: float
    runtime: ClassVar[str] = "torch"

    @property
    def spec(self) -> CascadeSpec:
        """Both models' and the threshold."""
        return CascadeSpec(self.fast.spec, self.accurate.spec, self.threshold)

    @property
    def settings(self) -> CascadeSettings:
        """Of the frame loop."""
        return CascadeSettings(self.fast.settings, self.accurate.settings, self.threshold)

    @cached_property
    def weights(self) -> str:
        """Of both."""
        return fingerprint([self.fast.weights, self.accurate.weights])

    @property
    def threads(self) -> int:
        """Of each, as they take turns."""
        return self.fast.threads

    def network(self) -> CascadeNetwork:
        """See `EvaluatedTracker`."""
        return CascadeNetwork(self.fast.network(), self.accurate.network())

    def stored(self, folder: Path, worker: int) -> StoredTracker:
        """See `EvaluatedTracker`."""
        places = folder / "fast", folder / "accurate"
        for place in places:
            place.mkdir(exist_ok=True)
        return _StoredCascade(
            self.fast.stored(places[0], worker), self.accurate.stored(places[1], worker), self.threshold
        )


@dataclass(frozen=True)
class _StoredCascade:
    fast: WeightsFile
    accurate: WeightsFile
    threshold: float

    def load(self) -> EvaluatedTracker:
        """See `StoredTracker`."""
        return TorchCascade(self.fast.load(), self.accurate.load(), self.threshold)


@dataclass(frozen=True)
class BundleCascadeTracker:
    """A cascade's bundle under onnxruntime; see `EvaluatedTracker`, and `StoredTracker`, which it is too."""

    bundle: CascadeBundle
    threads: int = 1
    runtime: ClassVar[str] = "onnxruntime"

    @property
    def spec(self) -> CascadeSpec:
        """The bundle's."""
        return self.bundle.spec

    @property
    def settings(self) -> CascadeSettings:
        """The bundle's."""
        return self.bundle.settings

    @property
    def weights(self) -> str:
        """Of the content of all graphs."""
        return fingerprint([each.manifest["files"] for each in self.bundle.members])

    def network(self) -> CascadeNetwork:
        """See `EvaluatedTracker`."""
        from compress.runtime import bundle_network

        found = bundle_network(self.bundle, threads=self.threads)
        assert isinstance(found, CascadeNetwork)
        return found

    def stored(self, folder: Path, worker: int) -> StoredTracker:
        """See `EvaluatedTracker`."""
        fast, accurate = (replace(each, folder=each.folder.resolve()) for each in self.bundle.members)
        return replace(self, bundle=replace(self.bundle, fast=fast, accurate=accurate))

    def load(self) -> EvaluatedTracker:
        """See `StoredTracker`."""
        return self
