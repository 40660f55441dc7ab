"""The shipped ablations: every row a tracker as its paper describes it, beside the row it is compared with."""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from compress.core import BypassSpec, ExitSpec, LayerSpec, TrackerSpec, describe, kept_dims
from compress.prior.knob_changes import changes

_HEAD_DIM, _DEPTH = 64, 12
"""Dimensions of a head in every ViT of the papers; layers where the table gives none."""


_TEMPLATES = {224: 112}
"""Pixels of the template by those of the search crop, where they are not 128 (MixFormerV2-S)."""


@dataclass(frozen=True)
class AblationRow:
    """One published figure.

    Attributes:
        key: Its name in the table.
        paper, table: Where it is published; the paper is named as the family it describes.
        tracker: As the paper calls it.
        metric: Benchmark and figure, such as `GOT-10k AO`.
        value: In [0, 1].
        spec: The tracker, in the fields that the prior reads: the head is left at its default.
        exit_shares: One exit taken by all frames, where the figure is an exit's; None otherwise.
        teacher: Key of the row it is compared with; empty for one that is only a reference.
        note: What else sets it apart.
    """

    key: str
    paper: str
    table: str
    tracker: str
    metric: str
    value: float
    spec: TrackerSpec
    exit_shares: tuple[float, ...] | None
    teacher: str
    note: str


@dataclass(frozen=True)
class Pair:
    """A row, and the one it is compared with: same paper, same benchmark."""

    student: AblationRow
    teacher: AblationRow

    @property
    def log_retention(self) -> float:
        """ln of the share of the teacher's accuracy that was kept."""
        return math.log(self.student.value / self.teacher.value)

    @property
    def changes(self) -> tuple[float, ...]:
        """See `compress.prior.knob_changes`."""
        return changes(self.teacher.spec, self.student.spec, self.student.exit_shares)


@cache
def rows() -> dict[str, AblationRow]:
    """All rows by key, in the order of the file."""
    return {row.key: row for row in map(_row, read_table("ablations"))}


@cache
def pairs() -> tuple[Pair, ...]:
    """Every row that is compared with another."""
    table = rows()
    return tuple(Pair(row, table[row.teacher]) for row in table.values() if row.teacher)


def read_table(name: str) -> list[dict[str, str]]:
    """The cells of a table shipped beside this module."""
    with (Path(__file__).parent / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def share(percent: str) -> float:
    """A figure in [0, 1] from a printed percentage, without the division's binary dust."""
    return round(float(percent) / 100, 6)


def _row(cells: dict[str, str]) -> AblationRow:
    spec = describe(cells["named"]) if cells["named"] else _spec(cells)
    taken = int(cells["taken"] or 0)
    return AblationRow(
        key=cells["row"],
        paper=cells["paper"],
        table=cells["table"],
        tracker=cells["tracker"],
        metric=cells["metric"],
        value=share(cells["value"]),
        spec=spec,
        exit_shares=tuple(float(k + 1 == taken) for k in range(len(spec.exits))) if taken else None,
        teacher=cells["teacher"],
        note=cells["note"],
    )


def _spec(cells: dict[str, str]) -> TrackerSpec:
    """An empty cell is as in the papers' unchanged ViT-B: 768 dimensions, 12 joint layers, MLP ratio 4, 256 pixels."""
    dim = int(cells["dim"] or 768)
    kept = kept_dims(dim, dim // _HEAD_DIM, float(cells["dr_ratio"] or 0))
    reduced = None if kept == dim else kept
    hidden = int(cells["mlp_ratio"] or 4) * kept
    layer = LayerSpec(source=0, mlp_hidden=hidden, attn_dims=reduced, mlp_dims=reduced)
    depth = int(cells["layers"] or _DEPTH)
    return TrackerSpec(
        dim=dim,
        heads=dim // _HEAD_DIM,
        layers=tuple(replace(layer, source=i, attention=_attention(cells, i, depth)) for i in range(depth)),  # type: ignore[arg-type]
        search_size=(size := int(cells["search_size"] or 256)),
        template_size=_TEMPLATES.get(size, TrackerSpec.template_size),
        bypass=BypassSpec(n_enf=int(cells["n_enf"]), tau0=float(cells["tau0"])) if cells["tau0"] else None,
        exits=tuple(ExitSpec(*map(int, each.split("+"))) for each in cells["exits"].split()),
    )


def _attention(cells: dict[str, str], i: int, depth: int) -> str:
    if cells["attention"] == "split":
        return "AI" if i >= depth - int(cells["ai_layers"]) else "FE"
    return cells["attention"] or "joint"
