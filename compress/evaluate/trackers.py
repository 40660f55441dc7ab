"""Trackers as they are evaluated: with what they are known by, and as another process loads them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Protocol

from compress.core import AnySpec, TrackerSpec, fingerprint
from compress.geometry import AnyNetwork, AnySettings, LoopSettings, Network

if TYPE_CHECKING:
    from compress.models import Tracker
    from compress.runtime import Bundle


class StoredTracker(Protocol):
    """What another process loads a tracker from; picklable."""

    def load(self) -> EvaluatedTracker:
        """Raises FileError where what it lies in is gone or has changed."""
        ...


class EvaluatedTracker(Protocol):
    """A tracker, or a cascade, with its weights, under one runtime.

    Attributes:
        runtime: What runs it: `torch` or `onnxruntime`.
        weights: Of their content; equal where, and only where, the weights are.
        threads: Of the runtime.
    """

    runtime: ClassVar[str]

    @property
    def spec(self) -> AnySpec: ...

    @property
    def settings(self) -> AnySettings: ...

    @property
    def weights(self) -> str: ...

    @property
    def threads(self) -> int: ...

    def network(self) -> AnyNetwork:
        """What the frame loop runs; this process has the threads that it asks for from then on."""
        ...

    def stored(self, folder: Path, worker: int) -> StoredTracker:
        """The same for another process, number `worker` of several; what it needs is written to `folder` once."""
        ...


@dataclass(frozen=True)
class TorchTracker:
    """A network under PyTorch; see `EvaluatedTracker`.

    Args:
        device: As `torch.device` takes it.
    """

    model: Tracker
    settings: LoopSettings
    device: str = "cpu"
    threads: int = 1
    runtime: ClassVar[str] = "torch"

    @property
    def spec(self) -> TrackerSpec:
        """The model's."""
        return self.model.spec

    @cached_property
    def weights(self) -> str:
        """The hash of all parameters and buffers."""
        from compress.models import weights_key

        return weights_key(self.model)

    def network(self) -> Network:
        """See `EvaluatedTracker`."""
        import torch

        from compress.models import NumpyNetwork

        torch.set_num_threads(self.threads)
        return NumpyNetwork(self.model, self.device)

    def stored(self, folder: Path, worker: int) -> WeightsFile:
        """See `EvaluatedTracker`. Workers take the GPUs in turn, where it runs on one."""
        import torch

        from compress.models import save_weights

        path = folder / "weights.safetensors"
        if not path.is_file():
            save_weights(self.model, path)
        device = f"cuda:{worker % torch.cuda.device_count()}" if self.device == "cuda" else self.device
        return WeightsFile(path, self.spec, self.settings, device, self.threads)


@dataclass(frozen=True)
class WeightsFile:
    """What another process loads a `TorchTracker` from."""

    path: Path
    spec: TrackerSpec
    settings: LoopSettings
    device: str
    threads: int

    def load(self) -> TorchTracker:
        """See `StoredTracker`."""
        from compress.models import build, load_weights

        model = build(self.spec).eval()
        load_weights(model, self.path)
        return TorchTracker(model, self.settings, self.device, self.threads)


@dataclass(frozen=True)
class BundleTracker:
    """A bundle under onnxruntime; see `EvaluatedTracker`, and `StoredTracker`, which it is too.

    Args:
        spec: The bundle's, or the same at other thresholds.
        settings: The bundle's, or with another update interval.
    """

    bundle: Bundle
    spec: TrackerSpec
    settings: LoopSettings
    threads: int = 1
    runtime: ClassVar[str] = "onnxruntime"

    @property
    def weights(self) -> str:
        """Of the content of all graphs."""
        return fingerprint(self.bundle.manifest["files"])

    def network(self) -> Network:
        """See `EvaluatedTracker`."""
        from compress.runtime import BundleNetwork, Thresholds

        return BundleNetwork(self.bundle, threads=self.threads).at(Thresholds.of(self.spec))

    def stored(self, folder: Path, worker: int) -> StoredTracker:
        """See `EvaluatedTracker`."""
        return replace(self, bundle=replace(self.bundle, folder=self.bundle.folder.resolve()))

    def load(self) -> EvaluatedTracker:
        """See `StoredTracker`."""
        return self
