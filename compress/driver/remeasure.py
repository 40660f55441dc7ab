"""Trained variants measured whole: with the teacher in one run, so that their ratios hold."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import Any

import optuna

from compress.archive import Archive, Record, archive_of, store_measured
from compress.core import ExecutionPath, FileError, Latency, TrackerSpec
from compress.core.progress import Progress, no_progress
from compress.driver.turns import timing_turn
from compress.measure import Target, Timed
from compress.models import Tracker, build, load_weights

STEADY = 0.05
"""Noise up to which a measurement is not done again; see `Latency.noise`."""

_ONCE_S, _EACH_S, _MORE = 12.0, 3.0, 4
_PAUSES_S = (10.0, 30.0)
"""Waits before the second and the third measurement, for a busy machine to become quiet."""


def measuring_s(members: int) -> float:
    """Seconds that are kept for measuring trained variants, a few more of them than `members`, and for the report."""
    return _ONCE_S + _EACH_S * (members + _MORE)


@dataclass(frozen=True)
class Remeasurer:
    """Measures the teacher and every fully trained variant together; what misses the bound leaves the front, marked.

    All of them, not the front alone: a prediction made when the machine ran at another speed must not decide who is
    held against a bound that was measured. Frames of an adaptive one take the paths that its evaluation counted, and as
    many more take the worst path. On a busy machine it waits a little and measures again, and keeps what is the least
    noisy; what is noisy even then is measured again by the next search that continues the run.

    Attributes:
        run_dir: Its `checkpoints/` hold the weights.
        settings: Of the search, for the archive.
        restore: Puts the weights of a student into `checkpoints/` again where they are lost or damaged.
        pauses_s: Seconds to wait before each further measurement of a busy machine.
        deadline: By `time.monotonic`; no further measurement is begun that would end after it.
    """

    study: optuna.Study
    run_dir: Path
    settings: dict[str, Any]
    target: Target
    threads: int
    teacher: Tracker
    restore: Callable[[TrackerSpec], None]
    progress: Progress = no_progress
    pauses_s: tuple[float, ...] = _PAUSES_S
    deadline: float = inf

    def run(self) -> Archive:
        archive = self._archive()
        if self.target.timer is None:
            return archive  # nothing can be timed there
        members = [archive.teacher, *(r for r in archive.records if r.fidelity == "full" and r.accuracy is not None)]
        if len(members) > 1 and all(record.measured and record.measured.noise <= STEADY for record in members):
            return archive  # continued after its end
        for variant, latency in self._steady(members).items():
            store_measured(self.study, variant, latency)
        return self._archive()

    def _steady(self, members: list[Record]) -> dict[str, Latency]:
        """The least noisy of as many measurements as it takes, or as there are pauses between."""
        networks: dict[str, Timed] = {record.variant: self._network(record) for record in members}
        return measured_together(
            self.target,
            networks,
            paths={record.variant: record.paths for record in members if record.paths},
            threads=self.threads,
            progress=self.progress,
            pauses_s=self.pauses_s,
            deadline=self.deadline,
        )

    def _network(self, record: Record) -> Tracker:
        if record.is_teacher:
            return self.teacher
        try:
            return self._load(record)
        except FileError:
            self.restore(record.spec)
            return self._load(record)

    def _load(self, record: Record) -> Tracker:
        model = build(record.spec).eval()
        load_weights(model, self.run_dir / "checkpoints" / record.weights_file)
        return model

    def _archive(self) -> Archive:
        return archive_of(self.study, self.run_dir, self.settings)


def measured_together(
    target: Target,
    networks: Mapping[str, Timed],
    *,
    paths: Mapping[str, Mapping[ExecutionPath, int]],
    threads: int,
    progress: Progress = no_progress,
    pauses_s: Sequence[float] = _PAUSES_S,
    deadline: float = inf,
) -> dict[str, Latency]:
    """Latencies of networks in one session: the least noisy of as many as it takes, or as there are pauses between.

    Args:
        paths: Of adaptive networks, the frames by the execution path that they took.
        pauses_s, deadline: See `Remeasurer`.
    """

    def once() -> dict[str, Latency]:
        with timing_turn(progress):
            return target.measure(networks, paths=paths, threads=threads, progress=progress)

    begin = time.monotonic()
    found = once()
    took = time.monotonic() - begin
    for pause in pauses_s:
        if _noise(found) <= STEADY or time.monotonic() + pause + took > deadline:
            break
        progress(f"the machine is busy: measuring again in {pause:.0f} s", 0.0)
        time.sleep(pause)
        found = min(found, once(), key=_noise)
    return found


def _noise(found: dict[str, Latency]) -> float:
    return max(latency.noise for latency in found.values())
