"""Trained variants measured whole: with the teacher in one run, so that their ratios hold."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import optuna

from compress.archive import Archive, Record, archive_of, store_measured
from compress.core.progress import Progress, no_progress
from compress.measure import Target
from compress.models import Tracker, build, load_weights


@dataclass(frozen=True)
class Remeasurer:
    """Measures the teacher and every fully trained variant together; what misses the bound leaves the front, marked.

    All of them, not the front alone: a prediction made when the machine ran at another speed must not decide who is
    held against a bound that was measured. Frames of an adaptive one take the paths that its evaluation counted, and as
    many more take the worst path.

    Attributes:
        run_dir: Its `checkpoints/` hold the weights.
        settings: Of the search, for the archive.
    """

    study: optuna.Study
    run_dir: Path
    settings: dict[str, Any]
    target: Target
    threads: int
    teacher: Tracker
    progress: Progress = no_progress

    def run(self) -> Archive:
        archive = self._archive()
        if self.target.timer is None:
            return archive  # nothing can be timed there
        members = [archive.teacher, *(r for r in archive.records if r.fidelity == "full" and r.accuracy is not None)]
        if len(members) > 1 and all(record.measured for record in members):
            return archive  # continued after its end
        found = self.target.measure(
            {record.variant: self._network(record) for record in members},
            paths={record.variant: record.paths for record in members if record.paths},
            threads=self.threads,
            progress=self.progress,
        )
        for variant, latency in found.items():
            store_measured(self.study, variant, latency)
        return self._archive()

    def _network(self, record: Record) -> Tracker:
        if record.is_teacher:
            return self.teacher
        model = build(record.spec).eval()
        load_weights(model, self.run_dir / "checkpoints" / f"{record.spec.weights_id}.safetensors")
        return model

    def _archive(self) -> Archive:
        return archive_of(self.study, self.run_dir, self.settings)
