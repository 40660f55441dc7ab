"""How far a search is: work done against work planned, in units of about one distillation step."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from math import inf
from time import monotonic

from compress.core.progress import Progress, no_progress


@dataclass
class PlannedWork:
    """Turns pieces of work that were planned beforehand into the share of a whole.

    Attributes:
        progress: Where the whole is reported to.
        done: Units of work; a piece under way is not in it yet.
        clock: Seconds, as the deadline of `start` counts them.
    """

    progress: Progress = no_progress
    done: float = 0.0
    clock: Callable[[], float] = monotonic
    _portions: tuple[float, ...] = (1.0,)
    _deadline: float = inf
    _since: float = 0.0
    _under_way: float = 0.0
    _share: float = 0.0

    def start(self, portions: Sequence[float], *, deadline: float = inf) -> None:
        """Plan anew; nothing of it is done yet.

        Args:
            portions: Units of work that are done one portion after the other.
            deadline: After it no further portion is begun, so that at the pace so far it may not come to all of them.
        """
        self._portions, self._deadline = tuple(portions) or (0.0,), deadline
        self.done = self._under_way = self._share = 0.0
        self._since = self.clock()

    @property
    def expected(self) -> float:
        """Units of work that there will have been at the end, as far as can be foreseen now."""
        done, now = self.done + self._under_way, self.clock()
        if not done:
            self._since = now  # what comes before the first piece, such as making pairs, says nothing of the pace
            return sum(self._portions)
        unit_s = (now - self._since) / done
        begins = (self._since + units * unit_s for units in (0.0, *accumulate(self._portions[:-1])))
        begun = [units for units, at in zip(self._portions, begins, strict=True) if at <= self._deadline]
        return sum(begun) or self._portions[0]

    def add(self, units: float, text: str) -> None:
        """A piece of `units` is done."""
        self.done = min(self.done + units, sum(self._portions))
        self._under_way = 0.0
        self.say(text)

    def say(self, text: str, figures: Mapping[str, float] | None = None) -> None:
        """Report `text` with the share of the whole, which never falls."""
        share = (self.done + self._under_way) / max(self.expected, 1e-9)
        self._share = min(1.0, max(self._share, share))
        self.progress(text, self._share, figures)

    def piece(self, units: float) -> Progress:
        """Progress of a piece worth `units`, which `add` will count once it is done."""

        def progress(text: str, share: float, figures: Mapping[str, float] | None = None) -> None:
            self._under_way = units * share
            self.say(text, figures)

        return progress

    def beside(self, title: str) -> Progress:
        """Progress of work that was not planned: its share is part of the text, and the whole stays where it is."""
        return lambda text, share, figures=None: self.say(f"{title}: {text} ({share:.0%})", figures)
