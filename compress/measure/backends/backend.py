"""`Backend`: what a runtime in one precision says of itself and does, on this host and for other devices."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Any, Protocol

from compress.core import TrackerSpec
from compress.measure.budget import MeasurementBudget
from compress.measure.graph_frames import StagedFrames
from compress.measure.timed_frame import PreparedNetwork
from compress.models import Tracker, build


class Backend(Protocol):
    """A runtime in one precision; where it can run on this host, it times trackers.

    To add one, register it in `compress.measure.backends.BACKENDS` under the name that stands behind a device's: what
    is registered as `mine` is the target `cpu:mine`, if `places` has the CPU.
    """

    @property
    def runtime(self) -> str:
        """Its name, such as `onnxruntime`, whatever the precision."""
        ...

    @property
    def precision(self) -> str:
        """`fp32`, `fp16` or `int8`."""
        ...

    @property
    def places(self) -> tuple[str, ...]:
        """Where it times trackers in this process, of `cpu` and `gpu`; none where it runs on other devices only."""
        ...

    @property
    def adaptive(self) -> bool:
        """Whether it runs trackers with bypass and exits."""
        ...

    @property
    def version(self) -> str:
        """Its name and version, as `Latency.runtime` has them."""
        ...

    @property
    def device(self) -> str:
        """What it runs on here, as `Latency.device` has it."""
        ...

    @property
    def kit(self) -> KitRecipe | None:
        """How a kit measures it on another device; None where none can."""
        ...

    def at(self, place: str) -> Backend:
        """The same on one of its `places`."""
        ...

    def missing(self) -> str:
        """What it needs and does not find here, in words; empty where it can be used."""
        ...

    def using(self, threads: int) -> AbstractContextManager[None]:
        """Within, frames run with so many threads."""
        ...

    def frame(self, tracker: Tracker | TrackerSpec, *, threads: int) -> PreparedNetwork:
        """The work of one frame of a static tracker; specs get fresh weights."""
        ...

    def staged(self, tracker: Tracker | TrackerSpec, *, threads: int) -> StagedFrames:
        """The work of frames of an adaptive tracker along given paths.

        Raises:
            UsageError: the runtime is not `adaptive`.
        """
        ...


class KitRecipe(Protocol):
    """How a kit measures a runtime on a device that has no compress."""

    @property
    def format(self) -> str:
        """`format` of the results that its script writes."""
        ...

    @property
    def providers(self) -> tuple[str, ...]:
        """Values of `--provider` that it takes, the one for `auto` first."""
        ...

    @property
    def run(self) -> str:
        """What to type on the device, in the kit's folder."""
        ...

    @property
    def needs(self) -> str:
        """What the device needs, for the kit's README."""
        ...

    def check(self, *, adaptive: bool, threads: int) -> None:
        """Raise `UsageError` where the script cannot measure adaptive trackers, or with so many threads."""
        ...

    def graph(self, graph: bytes) -> bytes:
        """A graph in float32 as the kit holds it."""
        ...

    def schedule(self, budget: MeasurementBudget, rounds: int) -> dict[str, int]:
        """How often networks are run: `rounds`, `dropped`, `timed`, `attempts` and `seed`."""
        ...

    def scripts(self) -> dict[str, bytes]:
        """Files that run on the device, by name."""
        ...

    def lists(self, kit: Mapping[str, Any], sums: Mapping[str, str]) -> dict[str, str]:
        """Further files for the script, by name.

        Args:
            kit: What is in kit.json.
            sums: SHA-256 of the kit's other files, by their path in it.
        """
        ...

    def results(self, body: dict[str, Any]) -> dict[str, Any]:
        """What the script wrote, in the form of `compress-results`.

        Raises:
            UsageError: it is not what the script writes.
        """
        ...


def network_of(tracker: Tracker | TrackerSpec) -> Tracker:
    """A tracker as it is, a spec with fresh weights: timing does not depend on them."""
    return tracker if isinstance(tracker, Tracker) else build(tracker).eval()
