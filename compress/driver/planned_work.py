"""How far a search is: work done against work planned, in units of about one distillation step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from compress.core.progress import Progress, no_progress


@dataclass
class PlannedWork:
    """Turns pieces of work that were planned beforehand into the share of a whole.

    Attributes:
        progress: Where the whole is reported to.
        planned, done: Units of work; a piece under way is not in `done` yet.
    """

    progress: Progress = no_progress
    planned: float = 1.0
    done: float = 0.0
    _under_way: float = 0.0

    def start(self, planned: float) -> None:
        """Plan anew; nothing of it is done yet."""
        self.planned, self.done, self._under_way = max(planned, 1e-9), 0.0, 0.0

    def add(self, units: float, text: str) -> None:
        """A piece of `units` is done."""
        self.done = min(self.done + units, self.planned)
        self._under_way = 0.0
        self.say(text)

    def say(self, text: str, figures: Mapping[str, float] | None = None) -> None:
        """Report `text` with the share of the whole as it is."""
        self.progress(text, min(1.0, (self.done + self._under_way) / self.planned), figures)

    def piece(self, units: float) -> Progress:
        """Progress of a piece worth `units`, which `add` will count once it is done."""

        def progress(text: str, share: float, figures: Mapping[str, float] | None = None) -> None:
            self._under_way = units * share
            self.say(text, figures)

        return progress

    def beside(self, title: str) -> Progress:
        """Progress of work that was not planned: its share is part of the text, and the whole stays where it is."""
        return lambda text, share, figures=None: self.say(f"{title}: {text} ({share:.0%})", figures)
