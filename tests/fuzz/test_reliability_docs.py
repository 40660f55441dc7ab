"""What docs/reliability.md says in numbers is what the code has."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from tests.fuzz.judge import MEGABYTES, SECONDS
from tests.fuzz.kinds import KINDS

DOCS = (Path(__file__).parents[2] / "docs" / "reliability.md").read_text(encoding="utf-8")
ROW = r"^\| ([^|]+) \| ([\d,.]+)[^|]*\| `(compress/[\w/]+)\.py` `(\w+)`(?: `(\w+)`)? \|$"
LIMITS = re.findall(ROW, DOCS, flags=re.MULTILINE)


def test_limits_are_found() -> None:
    assert len(LIMITS) > 20


@pytest.mark.parametrize("row", LIMITS, ids=lambda row: row[0].replace(" ", "-"))
def test_a_limit_is_the_codes(row: tuple[str, ...]) -> None:
    _, value, file, name, key = row
    found: Any = getattr(import_module(file.replace("/", ".")), name)
    found = found[key] if isinstance(found, dict) else getattr(found, key) if key else found
    assert float(value.replace(",", "")) == found


def test_the_tiers_bounds_and_mutants_are_those_that_run() -> None:
    assert f"{SECONDS:.0f} s (ran or slept) or {MEGABYTES // 1024} GB" in DOCS
    rows = dict(re.findall(r"^\| ([a-zA-Z ]+) \| (\d+) \| \d+ \| [\d.]+ \| \d+ \|$", DOCS, flags=re.MULTILINE))
    assert rows == {kind: str(about.count) for kind, about in KINDS.items()}
