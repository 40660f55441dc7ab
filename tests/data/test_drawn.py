"""Generated sequences in the store: drawn once, the same as when drawn anew, and made again where they are damaged."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from compress.core import Store
from compress.data import open_source
from compress.data.generated import DrawnSequence, GeneratedSequence, levels_of


def _sequence(seed: int = 3, length: int = 4) -> GeneratedSequence:
    return GeneratedSequence(seed, name="a", levels=levels_of("scale"), length=length, width=96, height=64)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path)


def _files(store: Store) -> list[Path]:
    return [entry.path for entry in store.entries(["sequences"])]


def test_what_is_kept_is_what_is_drawn(store: Store) -> None:
    kept, drawn = DrawnSequence(_sequence(), 1, store), _sequence()
    assert (kept.name, len(kept)) == ("a", 4)
    assert _files(store) == []  # until something of it is needed
    for i in range(4):
        assert np.array_equal(kept.frame(i), drawn.frame(i))
    assert kept.frame(0).dtype == np.uint8
    assert np.array_equal(kept.boxes, drawn.boxes)
    assert np.array_equal(kept.visible, drawn.visible)
    with pytest.raises(IndexError, match="frames 0 to 3, not 4"):
        kept.frame(4)


def test_it_is_drawn_once(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    first = DrawnSequence(_sequence(), 1, store).frame(2)
    monkeypatch.setattr(GeneratedSequence, "frame", None)
    assert np.array_equal(DrawnSequence(_sequence(), 1, store).frame(2), first)


def test_one_that_is_removed_meanwhile_is_drawn_again(store: Store) -> None:
    kept = DrawnSequence(_sequence(), 1, store)
    first = kept.frame(1)
    store.prune()
    assert _files(store) == []
    assert np.array_equal(kept.frame(1), first)
    assert len(_files(store)) == 1


def test_another_sequence_or_version_is_another_entry(store: Store) -> None:
    for sequence, version in ((_sequence(), 1), (_sequence(4), 1), (_sequence(length=3), 1), (_sequence(), 2)):
        _ = DrawnSequence(sequence, version, store).boxes
    assert len(_files(store)) == 4


@pytest.mark.parametrize("damage", ["cut", "boxes", "nan", "short", "absent", "type"])
def test_a_damaged_entry_is_drawn_again(store: Store, damage: str) -> None:
    wanted = DrawnSequence(_sequence(), 1, store).boxes.copy()
    (path,) = _files(store)
    found = load_file(path)
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:-100])
    elif damage == "type":  # one of safetensors that numpy has no name for
        length = int.from_bytes(path.read_bytes()[:8], "little")
        header = path.read_bytes()[8 : 8 + length].replace(b'"BOOL"', b'"F8_E4M3"').rstrip()
        header = header.ljust(-(-len(header) // 8) * 8)
        path.write_bytes(len(header).to_bytes(8, "little") + header + path.read_bytes()[8 + length :])
    else:
        if damage == "absent":
            del found["visible"]
        elif damage == "short":
            found["frames"] = found["frames"][:2]
        else:
            found["boxes"][1] = np.nan if damage == "nan" else 1e6
        save_file(found, path)
    again = DrawnSequence(_sequence(), 1, store)
    assert np.array_equal(again.boxes, wanted)
    assert again.frame(3).shape == (64, 96, 3)


def test_a_source_keeps_what_is_asked_for_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COMPRESS_HOME", str(tmp_path))
    source = open_source("generated")
    short = source.sequences("short", keep=True)
    assert np.array_equal(short[0].frame(5), source.sequences("short")[0].frame(5))
    assert len(_files(Store(tmp_path))) == 1
