"""The stages an adaptive tracker runs in, so that what a frame does without is really not computed.

Export makes one graph of each, the runtime runs them one after the other, latency adds them up.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from compress.core.execution_path import ExecutionPath
    from compress.core.spec import TrackerSpec


@dataclass(frozen=True)
class Stage:
    """A stretch that is computed as a whole or not at all.

    Attributes:
        first, last: Its layers, `range(first, last)`; the stage that starts with the search crop, and one that is
            nothing but a decisioner, may have none.
        gated: It is the one layer `first`, run unless the layer is skipped.
        exit: The exit whose decisioner ends it; None where it ends without one.
        enters: It begins with the search crop; every other begins with the tokens of the one before.
    """

    first: int
    last: int
    gated: bool = False
    exit: int | None = None
    enters: bool = False

    @property
    def layers(self) -> range:
        """Indices of its layers."""
        return range(self.first, self.last)

    @property
    def name(self) -> str:
        """A file name's stem, unique within a tracker: `layers0-5`, `layers0-5-exit1`, `layers6`, `exit1`."""
        count = self.last - self.first
        layers = "" if not count else f"layers{self.first}" + (f"-{self.last - 1}" if count > 1 else "")
        parts = ["enter"] * (self.enters and not count) + [layers] * bool(count)
        return "-".join([*parts, *([] if self.exit is None else [f"exit{self.exit}"])])


def stages(spec: TrackerSpec) -> tuple[Stage, ...]:
    """The stages in order; a static tracker is one."""
    return tuple(_stages(spec))


def stages_of(spec: TrackerSpec, path: ExecutionPath) -> tuple[Stage, ...]:
    """Those of the `stages` that a frame going `path` computes."""
    end, skipped = path.end(spec), path.skipped or frozenset()
    return tuple(each for each in stages(spec) if each.last <= end and not (each.gated and each.first in skipped))


def _stages(spec: TrackerSpec) -> Iterator[Stage]:
    depth, skippable = len(spec.layers), spec.skippable
    exits = {each.after: k for k, each in enumerate(spec.exits)}
    first = 0
    while True:
        if first in skippable and first:
            yield Stage(first, first + 1, gated=True)
            last = first + 1
            if last in exits:
                yield Stage(last, last, exit=exits[last])
        else:
            stops = [after for after in exits if after > first] + [i for i in skippable if i >= first] + [depth]
            last = min(stops)
            yield Stage(first, last, exit=exits.get(last) if last > first else None, enters=first == 0)
            if last == first:  # the first layer of all may be skipped, so the crop enters by itself
                yield Stage(first, first + 1, gated=True)
                last = first + 1
                if last in exits:
                    yield Stage(last, last, exit=exits[last])
        if last >= depth:
            return
        first = last
