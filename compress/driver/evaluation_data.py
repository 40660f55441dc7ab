"""What students are scored on: full test sequences at full fidelity, short validation ones before."""

from __future__ import annotations

from compress.core import TrackerSpec
from compress.data import DataSource, PairSizes, Sequence
from compress.distill import pool_bytes
from compress.driver.jobs import Rung

Scored = tuple[list[Sequence], list[Sequence]]
"""(short, full): what the lower rungs and what full fidelity are scored on."""


def evaluation_sequences(data: DataSource) -> Scored:
    """The sequences that students are scored on: the lower rungs see the short ones.

    Raises:
        FileError: see `DataSource.sequences`.
    """
    return data.sequences("short", keep=True), data.sequences("test", keep=True)


def check_training_data(source: DataSource, teacher: TrackerSpec) -> None:
    """Raises what is wrong with a source of training pairs, before anything is made of it."""
    source.pairs(0, 0, 1, PairSizes.of(teacher))


def pool_size(teacher: TrackerSpec, draws: int) -> int:
    """Pairs to distil on by default: 8192, or fewer where `draws` are fewer or their memory would pass 1.25 GB."""
    return max(64, min(8192, draws, 1_250_000_000 // pool_bytes(teacher)))


def rungs_of(*, steps: int, partial: float) -> tuple[Rung, ...]:
    """Zero-shot, partial, full: `rung-0`, `rung-1`, `full`; `steps` in all."""
    first = max(1, round(steps * partial))
    return Rung("rung-0", 0), Rung("rung-1", first), Rung("full", max(1, steps - first), short=False)
