"""The front measured whole: teacher and members in one run, so that their ratios hold."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import optuna

from compress.archive import Archive, Record, archive_of, store_measured
from compress.core import Latency
from compress.measure import Target
from compress.models import Tracker, build, load_weights


@dataclass(frozen=True)
class Remeasurer:
    """Measures until every member of the front has been; a member over the bound leaves it, and others may follow.

    Attributes:
        say: Shown what is being done.
    """

    study: optuna.Study
    run_dir: Path
    settings: dict[str, Any]
    target: Target
    threads: int
    teacher: Tracker
    say: Callable[[str], None]

    def run(self) -> Archive:
        archive = self._archive()
        if archive.front() and all(record.measured for record in archive.front_table("full")):
            return archive  # continued after its end
        measured: dict[str, Latency] = {}
        while not measured or any(record.variant not in measured for record in archive.front()):
            measured |= self._measure(archive)
            archive = self._archive()
        return archive

    def _measure(self, archive: Archive) -> dict[str, Latency]:
        models = {record.variant: self._network(record) for record in archive.front_table("full")}
        found = self.target.measure(
            models, threads=self.threads, report=lambda what, share: self.say(f"Measuring the front: {share:.0%}")
        )
        for variant, latency in found.items():
            store_measured(self.study, variant, latency)
        return found

    def _network(self, record: Record) -> Tracker:
        if record.is_teacher:
            return self.teacher
        model = build(record.spec).eval()
        load_weights(model, self.run_dir / "checkpoints" / f"{record.spec.weights_id}.safetensors")
        return model

    def _archive(self) -> Archive:
        return archive_of(self.study, self.run_dir, self.settings)
