"""The table in docs/trackers.md is what the specs say."""

from __future__ import annotations

from pathlib import Path

import pytest

from compress.core import TRACKERS, describe
from compress.core.cost import macs, macs_cheapest, macs_linear_conv, parameters

DOCS = Path(__file__).parents[2] / "docs" / "trackers.md"


@pytest.mark.skipif(not DOCS.exists(), reason="the documents are not here")
def test_documented_costs_are_the_specs() -> None:
    rows = [line.strip("|").split("|")[:5] for line in DOCS.read_text("utf-8").splitlines() if line.startswith("| `")]
    shown = {cells[0].strip(" `"): [cell.strip() for cell in cells[1:]] for cells in rows}
    assert shown == {name: _figures(name) for name in TRACKERS.names()}


def _figures(name: str) -> list[str]:
    spec = describe(name)
    work, papers = macs(spec), macs_linear_conv(spec)
    frame = _range(macs_cheapest(spec).per_frame, work.per_frame)
    held = f"{parameters(spec) / 1e6:.2f}"
    return [held, f"{work.template / 1e9:.3f}", frame, _range(papers.min, papers.max)]


def _range(*ends: int) -> str:
    low, high = (f"{end / 1e9:.3f}" for end in ends)
    return low if low == high else f"{low}–{high}"
