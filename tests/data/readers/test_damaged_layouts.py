"""Annotation files with bytes changed, cut or repeated: read, or refused by a `CompressError`, and nothing else."""

from __future__ import annotations

import warnings
from pathlib import Path
from random import Random

import numpy as np
import pytest

from compress.core import CompressError
from compress.data import open_source
from compress.testing.recorded_layouts import LAYOUTS

_PIECES = (b"nan", b"-1", b"1e999", b"m", b",", b"\t", b"\0", b"\xff", b"[", b"{", b'"', b"9" * 400, b"../", b"\n")
_SMALL = ("coco", "got10k", "lasot", "nfs", "tnl2k", "trackingnet", "video", "vot")


def _changed(data: bytes, rng: Random) -> bytes:
    for _ in range(rng.randint(1, 3)):
        at, end = sorted(rng.randrange(len(data) + 1) for _ in range(2))
        kind = rng.randrange(4)
        if kind == 0:
            data = data[:at] + rng.choice(_PIECES) + data[at:]
        elif kind == 1:
            data = data[:at] + rng.choice(_PIECES) + data[min(at + rng.randint(1, 4), len(data)) :]
        elif kind == 2:
            data = data[:at] + data[min(end, at + 60) :]
        else:
            data = data[:end] + data[at:end][:200] + data[end:]
    return data


def _refusal(location: str) -> str | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = open_source(location).sequences()
    except CompressError as error:
        return str(error)
    assert all(np.isfinite(sequence.boxes).all() and len(sequence.visible) == len(sequence.boxes) for sequence in found)
    return None


@pytest.mark.slow
@pytest.mark.parametrize("prefix", _SMALL)
def test_damage_is_refused_in_words(prefix: str, tmp_path: Path) -> None:
    layout = LAYOUTS[prefix](tmp_path / "data")
    ends = (".txt", ".json", ".label", ".tag")
    files = [path for path in sorted((tmp_path / "data").rglob("*")) if path.suffix in ends and path.stat().st_size]
    refused = 0
    for seed in range(120):
        rng = Random(f"{prefix} {seed}")
        path = rng.choice(files)
        before = path.read_bytes()
        path.write_bytes(_changed(before, rng))
        said = _refusal(layout.location)
        assert said is None or "\n" not in said, seed
        refused += said is not None
        path.write_bytes(before)
    assert refused > 20, "most damage is seen"
