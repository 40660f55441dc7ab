"""Damaged profiles: refused by name and place, or good for finite predictions above zero."""

from __future__ import annotations

import copy
import math
import random
from pathlib import Path
from typing import Any

import pytest
import yaml

from compress.core import FileError, UsageError
from compress.core.plain import to_plain
from compress.latency import MeasuredLatency, RoutingOverhead, UncoveredError, ValidationResult, load_profile
from compress.testing.toy_profile import layer, toy_profile, tracker

SOUND = toy_profile(
    elimination_ms=0.5, routing_overhead=RoutingOverhead(0.1, 0.2, 0.3, 0.01, (ValidationResult("path", 2.0, 2.1),))
)
SPECS = [
    tracker(*(layer(i, hidden, **reduced) for i in range(2)))
    for hidden in (32, 80, 128)
    for reduced in ({}, {"attn_dims": 20}, {"mlp_dims": 20}, {"keep": 0.5})
]
VALUES: list[Any] = [
    None,
    True,
    -1,
    0,
    1e-300,
    1e300,
    10**18,
    10**400,
    float("nan"),
    float("-inf"),
    "",
    "x",
    "\x1b[2J",
    [],
    {},
    [[]],
]


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        (("threads",), None, "threads must be an integer"),
        (("threads",), 0, "threads must be a number from"),
        (("blocks", 0, "ms"), 1e300, r"blocks\[0\].ms must be a number from"),
        (("blocks", 0, "mlp_hidden"), -128, r"blocks\[0\].mlp_hidden must be"),
        (("loop_ms",), float("nan"), "loop_ms must be a finite number"),
        (("ratios", "p90"), 1.0, "ratios must be percentiles that rise from 1"),
        (("noise",), -0.1, "noise must be from 0"),
        (("remarks",), ["\x1b[2J"], "printable"),
        (("family", "dim"), 10**400, "smaller integer"),
        (("validation", 0, "measured_ms"), 1e-300, "measured_ms must be a number from"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, path: tuple[Any, ...], value: Any, words: str) -> None:
    data = to_plain(SOUND, defaults=True)
    where = data
    for key in path[:-1]:
        where = where[key]
    where[path[-1]] = value
    (tmp_path / "p.yaml").write_text(yaml.safe_dump(data))
    with pytest.raises(FileError, match=f"p.yaml is not a hardware profile: .*{words}"):
        load_profile(tmp_path / "p.yaml")


def _mutated(rng: random.Random) -> Any:
    data = copy.deepcopy(to_plain(SOUND, defaults=True))
    where = data
    while True:
        key = rng.choice(list(where) if isinstance(where, dict) else range(len(where)))
        if not where[key] or not isinstance(where[key], dict | list) or rng.random() < 0.2:
            break
        where = where[key]
    if rng.random() < 0.3:
        del where[key]
    elif isinstance(where[key], float) and rng.random() < 0.5:
        where[key] *= 10 ** rng.uniform(-9, 9)
    else:
        where[key] = rng.choice(VALUES)
    return data


def test_what_is_not_refused_predicts_times(tmp_path: Path) -> None:
    rng, read, path = random.Random(0), 0, tmp_path / "p.yaml"
    for _ in range(100):
        path.write_text(yaml.safe_dump(_mutated(rng)))
        try:
            model = MeasuredLatency(load_profile(path))
        except FileError:
            continue
        read += 1
        for spec in SPECS:
            try:
                found = model.predict(spec)
            except (UncoveredError, UsageError):
                continue
            assert 0 < found.network_ms <= found.mean_ms < math.inf
            assert 0 < found.p50_ms <= found.p90_ms <= found.p99_ms < math.inf
        assert model.errors is None or math.isfinite(model.errors.max)
    assert 10 < read < 90
