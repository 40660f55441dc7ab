from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from compress.archive import Archive, Record
from compress.core import LatencyConstraint, describe
from compress.report import formatting, summary_sentence
from compress.testing.synthetic_run import latency, record, teacher


def _archive(*records: Record, max_ms: float | None = 0.93) -> Archive:
    return Archive(Path("r"), teacher(), records, LatencyConstraint(max_ms))


def test_the_most_accurate_on_the_front() -> None:
    fast = record(1, 4, 0.5, 0.5)
    good = record(7, 6, 0.9, 0.62, measured=latency(0.71, "measured"))
    assert summary_sentence(_archive(fast, good)) == (
        "v007: 2.6× as fast as the teacher (0.710 ms measured vs 1.86 ms), AO 0.62 ± 0.02, 0.03 below the teacher."
    )


def test_says_what_is_only_predicted_and_only_partly_trained() -> None:
    sentence = summary_sentence(_archive(record(2, 6, 0.80, 0.66, fidelity="rung-1")))
    assert "0.800 ms predicted vs 1.86 ms measured" in sentence
    assert "0.01 above the teacher" in sentence
    assert "only to rung-1" in sentence


def test_level_with_the_teacher() -> None:
    assert "level with the teacher" in summary_sentence(_archive(record(2, 6, 0.8, 0.652)))


def test_how_near_it_came() -> None:
    slow = record(3, 6, 1.023, None, status="rejected")
    slower = record(4, 8, 1.2, None, status="rejected")
    assert summary_sentence(_archive(slower, slow)) == (
        "No variant meets the bound of 0.930 ms. The nearest is v003: 1.02 ms predicted, 10% over, never trained."
    )
    missed = record(5, 6, 0.9, 0.6, measured=latency(0.95, "measured"), status="missed")
    assert "v005: 0.950 ms measured, 2% over, with AO 0.60." in summary_sentence(_archive(slow, missed))


def test_nothing_scored_yet() -> None:
    found = summary_sentence(
        _archive(record(0, 4, 0.5, None, status="running"), record(1, 4, 0.5, None, status="failed"))
    )
    assert found == "No variant has been scored yet; 2 would meet the bound (1 failed, 1 running)."
    assert summary_sentence(_archive(record(0, 4, 0.5, None, predicted=None, status="failed"))).startswith("No variant")


def test_the_teacher_is_better_than_all() -> None:
    worse = record(0, 12, 2.0, 0.5)
    assert "faster and more accurate" in summary_sentence(_archive(worse, max_ms=3.0))


@pytest.mark.parametrize(
    ("value", "text"), [(0.9, "0.900"), (1.864, "1.86"), (16.66, "16.7"), (102.4, "102"), (1234.0, "1234"), (0.0, "0")]
)
def test_digits(value: float, text: str) -> None:
    assert formatting.digits(value) == text


def test_spec_in_words() -> None:
    student = record(0, 6, 0.5, 0.5)
    assert formatting.attention_split(student.spec) == "4 + 2"
    assert formatting.mlp_ratio(student.spec) == "2"
    layers = student.spec.layers
    mixed = replace(student.spec, layers=(replace(layers[0], mlp_hidden=512, attn_dims=96), *layers[1:]))
    assert formatting.mlp_ratio(mixed) == "2–4"
    assert formatting.removed_share(mixed) == "0–0.25"
    assert formatting.attention_split(teacher().spec) == "joint"
    kept = "35% of search tokens behind layers 4, 7, 10, by attention"  # 89 of 256
    assert formatting.tokens_kept(describe("ostrack256-ce")) == kept
    assert kept in formatting.network_summary(replace(student, spec=describe("ostrack256-ce")))
    assert formatting.tokens_kept(student.spec) == ""
    smaller = replace(student, spec=replace(student.spec, search_size=96))
    assert "MLP ratio 2, crops of 96 and 64 px, " in formatting.network_summary(smaller, student.spec)
    assert "crops" not in formatting.network_summary(student, student.spec)


def test_bound_in_words() -> None:
    assert (
        formatting.constraint_text(LatencyConstraint(0.93, {"speedup": 2.0}))
        == "at most 0.930 ms per frame (2× the teacher's speed)"
    )
    assert (
        formatting.constraint_text(LatencyConstraint(1000 / 60, {"fps": 60.0}, "p99"))
        == "p99 at most 16.7 ms per frame (60 fps)"
    )
    assert formatting.constraint_text(LatencyConstraint(None)) == "no latency bound"
