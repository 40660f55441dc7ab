"""A session: one search from its beginning to its end, however often it was stopped and continued.

A strategy is made anew when a search is continued, and lives through its session again: what it asks for is what it
was given then, a job that was run has the result that it had, and the clock stands where it stood. So it gets to where
it was, whatever it decides by, and goes on from there as if nothing had happened.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from time import monotonic
from typing import Any

import optuna
from optuna.trial import FrozenTrial, TrialState

from compress.archive import Record
from compress.driver.drawing import SeededSampler
from compress.driver.stored_trials import Asked, StoredTrials

KEY_DIGITS = 8
"""Hexadecimal digits of the names of sessions that others have joined."""

_PREFIX = "session:"
"""Begin of the attributes of the study that say of a session whether it has ended."""


class Session:
    """The session that a search is in: the one that was stopped last, or a new one.

    Attributes:
        name: Empty for the first of a run.
        trials: Of the run.
    """

    def __init__(self, trials: StoredTrials, name: str | None = None) -> None:
        self.trials = trials
        self.name = open_session(trials) if name is None else name
        if isinstance(trials.study.sampler, SeededSampler):
            trials.study.sampler.key = session_key(self.name)
        self._batch = 0
        self._found: dict[int, list[FrozenTrial]] = {}
        self._loose: list[FrozenTrial] = []
        for trial in trials:
            asked = Asked.of(trial)
            if asked is None:
                self._loose += [trial] if loose(trial) else []
            elif asked.session == self.name:
                self._found.setdefault(asked.batch, []).append(trial)
        self._last = max(self._found, default=-1)
        self._begin, self._ahead = monotonic(), 0.0

    def clock(self) -> float:
        """As `time.monotonic`, but ahead by what was lived before this session was stopped and is lived again now."""
        return monotonic() + self._ahead

    @property
    def elapsed(self) -> float:
        """Seconds from the begin of the session, without those between its being stopped and being continued."""
        return self.clock() - self._begin

    def go_on_from(self, elapsed: float) -> None:
        """Set the clock to a moment of this session; never back."""
        self._ahead += max(0.0, elapsed - self.elapsed)

    def request(self, count: int) -> Request:
        """The next request of the strategy: what it was given then, where it made it before.

        Args:
            count: Of the trials that belong to no session, so many at most.
        """
        if self._loose and count:
            found, self._loose = self._loose[:count], self._loose[count:]
            return Request(Asked(self.name, -1), found, closed=True)
        number, self._batch = self._batch, self._batch + 1
        found = self._found.get(number, [])
        return Request(Asked(self.name, number), found, closed=number < self._last or any(map(_scored, found)))

    def end(self) -> None:
        """Note that the strategy is done, so that the next search begins a session of its own."""
        self.trials.set_attr(_PREFIX + self.name, "ended")


@dataclass(frozen=True)
class Request:
    """One request of a strategy for trials.

    Attributes:
        found: The trials that it was given before, and those that were rejected on the way to them.
        closed: Whether that was all that it was given.
    """

    asked: Asked
    found: list[FrozenTrial]
    closed: bool

    @property
    def accepted(self) -> list[int]:
        """Numbers of the trials that it was given."""
        return [trial.number for trial in self.found if trial.state != TrialState.PRUNED]

    @property
    def rejected(self) -> int:
        """Trials rejected since the last that it was given."""
        accepted = self.accepted
        return sum(trial.number > accepted[-1] for trial in self.found) if accepted else len(self.found)


def open_sessions(trials: StoredTrials) -> list[str]:
    """Names of the sessions that have trials and were not ended."""
    names = {asked.session for trial in trials if (asked := Asked.of(trial)) is not None}
    return sorted(name for name in names if not ended(trials.study, name))


def open_session(trials: StoredTrials) -> str:
    """Name of a session that was not ended, or of a new one."""
    number = 0
    while ended(trials.study, _name(number)):
        number += 1
    return next(iter(open_sessions(trials)), _name(number))


def ended(study: optuna.Study, name: str) -> bool:
    """Whether a session has come to its end."""
    return study.user_attrs.get(_PREFIX + name) == "ended"


def session_key(name: str) -> int:
    """What distinguishes the draws of a session that others have joined; 0 for one alone."""
    try:
        return int(name, 16) if len(name) == KEY_DIGITS else 0
    except ValueError:
        return 0


def _name(number: int) -> str:
    return str(number) if number else ""


def stages(trial: FrozenTrial) -> list[Record]:
    """The records of a trial that has one: as it was asked for, then after each result.

    Raises:
        FileError: one is none.
    """
    last = Record.from_attrs(trial.user_attrs["record"])
    earlier = [_stage(trial.user_attrs, last, i) for i in range(len(last.rungs))]
    return [*earlier, replace(last, status="running", reason="")]


def _stage(attrs: dict[str, Any], last: Record, results: int) -> Record:
    """The record of a trial after its first results."""
    if before(results) in attrs:
        return Record.from_attrs(attrs[before(results)])
    found = replace(last, status="running", reason="", rungs=last.rungs[:results])
    if results:
        return replace(found, fidelity=str(last.rungs[results - 1].get("fidelity")))
    return replace(found, fidelity="rung-0", accuracy=None, paths=None)


def before(rung: int) -> str:
    """Attribute of a trial: its record before it had its result of that index."""
    return f"record:{rung}"


def moment(entry: dict[str, Any]) -> float:
    """When a result came, in seconds from the begin of the session; 0 where it does not say."""
    at = entry.get("at", 0.0)
    return float(at) if isinstance(at, int | float) and 0 <= at < float("inf") else 0.0


def _scored(trial: FrozenTrial) -> bool:
    record = trial.user_attrs["record"]
    return bool(record.get("rungs")) or record.get("status") == "failed"


def loose(trial: FrozenTrial) -> bool:
    """Whether a trial was left open by a search that did not say which it was; any may bring it to an end."""
    return "record" in trial.user_attrs and Asked.of(trial) is None and trial.state == TrialState.RUNNING
