"""Pool or stream: chosen by what pays and what fits, said, noted, and kept to."""

from __future__ import annotations

import re
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import yaml

from compress import search
from compress.core import FileError, Store, UsageError, describe
from compress.driver import SearchSettings
from compress.driver.pair_choice import PairChoice, chosen_pairs
from compress.driver.run_config import noted_pairs
from compress.testing.small_teacher import SMALL

NANO, VIT_B, LARGE = (describe(name) for name in ("ostrack-nano", "ostrack256", "ostrack384-ce"))
PLENTY = 10**13


def _chosen(teacher: Any = NANO, room: int = PLENTY, **settings: Any) -> PairChoice:
    return chosen_pairs(SearchSettings(**settings), teacher, room=room)


def test_the_default_job_has_the_pool_that_it_always_had() -> None:
    assert (_chosen().streamed, _chosen().count) == (False, 160 * 32 // 2)
    assert _chosen(steps=480).count == 7680
    assert _chosen(steps=1000).count == 8192


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"steps": 20, "trials": 1}, "640 draws of all students are 2 for each of 320 pairs, fewer than the 4 from"),
        ({"cache_size": "0"}, "--cache-size 0 has room for 0 pairs of 1.8. MB, and one student draws 5,120"),
        ({"cache_size": "500MB"}, "--cache-size 500MB has room for 27. pairs of"),
        ({"room": 10**8}, "half of the free disk has room for 5. pairs of"),
        ({"steps": 100_000}, "--cache-size 4GB has room for 2,1.. pairs of 1.8. MB, and one student draws 3,200,000"),
        ({"teacher": NANO, "steps": 100_000}, "one student draws 3,200,000 pairs, more than 8 times as many as a pool"),
    ],
)
def test_pairs_are_streamed_where_a_pool_does_not_pay_or_fit(settings: dict[str, Any], words: str) -> None:
    found = _chosen(**{"teacher": VIT_B, **settings})
    assert found.streamed
    assert 64 <= found.count <= 1024
    assert str(found).startswith("Students are distilled on a stream of new pairs: ")
    assert re.search(words, str(found)), str(found)


def test_a_pool_of_a_large_teacher_is_as_large_as_the_cache() -> None:
    small, large = _chosen(VIT_B), _chosen(VIT_B, cache_size="8GB")
    assert not small.streamed
    assert 2000 < small.count < large.count == 2560
    assert "within --cache-size 4GB" in small.reason
    assert not _chosen(LARGE).streamed


def test_a_pool_that_is_asked_for_is_made_or_refused() -> None:
    asked = _chosen(VIT_B, pool=64, trials=1, steps=20)
    assert (asked.streamed, asked.count, asked.reason) == (False, 64, "--pool asks for it")
    with pytest.raises(
        UsageError, match=r"^--pool 8192: .* take 1\d(\.\d)? GB, but --cache-size is 4GB. Ask for at most 2,"
    ):
        _chosen(VIT_B, pool=8192)
    with pytest.raises(UsageError, match="half of the free disk is less"):
        _chosen(VIT_B, pool=1024, room=10**9)


@pytest.mark.parametrize("noted", [{"streamed": 1}, [], {"streamed": True, "count": 0, "reason": ""}, "stream"])
def test_what_is_noted_is_checked(noted: Any) -> None:
    assert PairChoice.of(asdict(PairChoice(True, 64, "so"))) == PairChoice(True, 64, "so")
    with pytest.raises(FileError, match="pairs"):
        PairChoice.of(noted)


def test_a_search_notes_its_choice_and_keeps_to_it(
    tmp_path: Path, weights: str, data: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COMPRESS_HOME", str(tmp_path / "home"))
    run = tmp_path / "run"
    settings = {"teacher": SMALL, "weights": weights, "data": data, "train_data": data, "target": "agx", "steps": 4}
    first = search(out=run, trials=1, device="cpu", **settings)
    assert first.settings["pairs"]["streamed"]
    assert yaml.safe_load((run / "config.yaml").read_text())["pairs"] == first.settings["pairs"]
    assert "Students are distilled on a stream of new pairs: 128 draws of" in (run / "log.txt").read_text()
    kinds = {entry.kind for entry in Store(tmp_path / "home").entries()}
    assert "students" in kinds
    assert len(Store(tmp_path / "home").entries(["pools"])) == 1, "the fixed pairs, and no answers"
    assert noted_pairs(run) == PairChoice.of(first.settings["pairs"])
    monkeypatch.setattr("compress.driver.search.chosen_pairs", lambda *_: pytest.fail("chosen before"))
    with pytest.raises(FileError, match="cache_size is '4GB' there and '0' here"):
        search(out=run, trials=1, device="cpu", cache_size="0", **settings)
