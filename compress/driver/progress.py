"""Progress of a search in units of work, and the time left at the pace so far."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic

Show = Callable[[str, float, float | None], None]
"""Called with a line of text, the share done in [0, 1], and the seconds left where they can be told."""


@dataclass
class Progress:
    """Counts work done against work planned; one unit is about one distillation step.

    Attributes:
        show: Where it is shown; nowhere when None.
    """

    show: Show | None = None
    planned: float = 1.0
    done: float = 0.0
    _begin: float = field(default_factory=monotonic)
    _extra: float = 0.0

    def start(self, planned: float) -> None:
        self.planned, self.done, self._begin = max(planned, 1e-9), 0.0, monotonic()

    def add(self, units: float, text: str) -> None:
        self.done = min(self.done + units, self.planned)
        self._extra = 0.0
        self.say(text)

    def within(self, units: float, text: str) -> None:
        """`units` done of the piece under way, not yet counted by `add`."""
        self._extra = units
        self.say(text)

    def say(self, text: str) -> None:
        if self.show is not None:
            self.show(text, self._share(), self._left())

    def _share(self) -> float:
        return min(1.0, (self.done + self._extra) / self.planned)

    def _left(self) -> float | None:
        share = self._share()
        return (monotonic() - self._begin) * (1 - share) / share if share > 0.02 else None
