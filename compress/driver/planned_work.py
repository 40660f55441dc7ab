"""How far a search is: work done against work planned, in units of about one distillation step."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import inf
from time import monotonic

from compress.core.progress import Progress, no_progress


@dataclass
class PlannedWork:
    """Turns pieces of work that were planned beforehand into the share of a whole.

    Attributes:
        progress: Where the whole is reported to.
        done: Units of work; pieces under way are not in it yet.
        clock: Seconds, as the deadline of `start` counts them.
    """

    progress: Progress = no_progress
    done: float = 0.0
    clock: Callable[[], float] = monotonic
    _planned: float = 1.0
    _deadline: float = inf
    _since: float = 0.0
    _pieces: dict[int, float] = field(default_factory=dict)
    _share: float = 0.0

    def start(self, units: float, *, deadline: float = inf) -> None:
        """Plan anew; nothing of it is done yet.

        Args:
            units: Work, in all.
            deadline: When it ends, done or not; the time that is over then tells more than the work.
        """
        self._planned, self._deadline = units, deadline
        self.done = self._share = 0.0
        self._pieces.clear()
        self._since = self.clock()

    @property
    def share(self) -> float:
        """Of the work, or where that is more, of the time."""
        over = (self.clock() - self._since) / max(self._deadline - self._since, 1e-9)
        return min(1.0, max(over, (self.done + self._under_way) / max(self._planned, 1e-9)))

    @property
    def _under_way(self) -> float:
        return sum(self._pieces.values())

    def add(self, units: float, text: str, key: int = 0) -> None:
        """A piece of `units` is done, see `piece` for `key`."""
        self.done = min(self.done + units, self._planned)
        self._pieces.pop(key, None)
        self.say(text)

    def say(self, text: str, figures: Mapping[str, float] | None = None) -> None:
        """Report `text` with the share of the whole, which never falls."""
        self._share = max(self._share, self.share)
        self.progress(text, self._share, figures)

    def piece(self, units: float, key: int = 0) -> Progress:
        """Progress of a piece worth `units`, which `add` will count once it is done.

        Args:
            key: Tells it from other pieces that are under way.
        """

        def progress(text: str, share: float, figures: Mapping[str, float] | None = None) -> None:
            self._pieces[key] = units * share
            self.say(text, figures)

        return progress

    def beside(self, title: str) -> Progress:
        """Progress of work that was not planned: its share is part of the text, and the whole stays where it is."""
        return lambda text, share, figures=None: self.say(f"{title}: {text} ({share:.0%})", figures)
