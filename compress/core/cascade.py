"""`CascadeSpec`: two trackers as one, of which the accurate one is asked where the fast one is unsure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from compress.core.errors import UsageError
from compress.core.execution_path import ExecutionPath
from compress.core.plain import from_plain, to_plain
from compress.core.spec import TrackerSpec
from compress.core.spec_fields import ExitSpec, LayerSpec

if TYPE_CHECKING:
    from compress.core.spec_fields import BypassSpec

FAST_ALONE = ExecutionPath(frozenset(), 0)
"""The execution path of a frame about which the fast tracker's answer counts."""
ACCURATE_ASKED = ExecutionPath(frozenset(), 1)
"""That of a frame about which the accurate tracker was asked too, and its answer counts."""


@dataclass(frozen=True)
class CascadeSpec:
    """Two trackers as one, which search around the same last box.

    To whatever reads execution paths it is a tracker with two exits, the fast tracker's answer and behind it the
    accurate one's: its layers are those of both.

    Attributes:
        fast: Answers about every frame; its head gives a score.
        accurate: Is asked about a frame where the fast one's score does not exceed the threshold.
        threshold: In [0, 1], compared in single precision with the score of `compress.geometry.decode`, which no
            window has weakened.

    Raises:
        UsageError: naming everything that makes no cascade.
    """

    fast: TrackerSpec
    accurate: TrackerSpec
    threshold: float

    def __post_init__(self) -> None:
        found = list(self._problems())
        if found:
            raise UsageError("These trackers make no cascade: " + "; ".join(found) + ".")

    @property
    def adaptive(self) -> bool:
        """The work depends on the frame."""
        return True

    @property
    def bypass(self) -> BypassSpec | None:
        """None: no layer is skipped by itself."""
        return None

    @property
    def layers(self) -> tuple[LayerSpec, ...]:
        """The fast tracker's, and behind them the accurate one's."""
        return self.fast.layers + self.accurate.layers

    @property
    def skippable(self) -> range:
        """Empty, as without bypass."""
        return range(len(self.layers), len(self.layers))

    @property
    def exits(self) -> tuple[ExitSpec, ...]:
        """The fast tracker's answer at the threshold, and the accurate one's."""
        return ExitSpec(len(self.fast.layers), tau=self.threshold), ExitSpec(len(self.layers))

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        return to_plain(self)

    @classmethod
    def from_dict(cls, data: Any) -> CascadeSpec:
        """Inverse of `to_dict`.

        Raises:
            UsageError: on an unknown, missing or mistyped field, by name, or trackers that make no cascade.
        """
        return from_plain(cls, data, "cascade")

    @property
    def id(self) -> str:
        """Hash of both trackers and the threshold; evaluation and latency are keyed by it."""
        text = json.dumps(self.to_dict(), sort_keys=True, separators=(",", ":"))
        return "c" + hashlib.sha256(text.encode()).hexdigest()[:10]

    def _problems(self) -> Iterator[str]:
        for name, spec in (("fast", self.fast), ("accurate", self.accurate)):
            if spec.adaptive:
                how = "bypass" if spec.bypass else "exits"
                yield f"the {name} tracker {spec.id} decides by itself what to compute ({how})"
        if self.fast == self.accurate:
            yield f"the fast and the accurate tracker are the same, {self.fast.id}"
        missing = missing_score(self.fast)
        if missing:
            yield f"the fast tracker {self.fast.id} says nothing of how sure it is: {missing}"
        if not 0 <= self.threshold <= 1:
            yield f"the threshold must be in [0, 1] but is {self.threshold}"


AnySpec = TrackerSpec | CascadeSpec


def missing_score(spec: TrackerSpec) -> str:
    """Why a tracker gives no score that a frame can be judged by, in words; empty where it gives one.

    A centre head's is the height of its score map, a token head's that of its score head, an exit's the IoU that it
    expects. The height of a corner's distribution is none: nothing was trained to make it one.
    """
    if spec.exits or spec.head.kind == "centre" or spec.head.score:
        return ""
    if spec.head.kind == "tokens":
        return "its head of tokens has no score head"
    return f"its {spec.head.kind} head gives distributions and no score"
