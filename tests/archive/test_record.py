from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from compress.archive import Record, fidelity_order, variant_name
from compress.core import FileError
from compress.testing.synthetic_run import RECORDS, accuracy, latency, planned, record, teacher, with_bypass, with_exits


@pytest.mark.parametrize(
    "each", [*RECORDS, teacher(), with_exits(), with_bypass(), planned(20, 4, 9.0, 0.6)], ids=lambda r: r.variant
)
def test_round_trip_through_json(each: Record) -> None:
    assert Record.from_attrs(json.loads(json.dumps(each.to_attrs()))) == each


def test_latency_prefers_the_measurement() -> None:
    predicted = record(0, 4, 0.66, 0.5)
    assert predicted.latency is predicted.predicted
    assert predicted.latency_error is None
    both = record(0, 4, 0.66, 0.5, measured=latency(0.60, "measured"))
    assert both.latency is not None
    assert both.latency.provenance == "measured"
    assert both.latency_error == pytest.approx(0.10)


def test_an_estimated_accuracy_is_never_a_measured_one() -> None:
    estimated, trained = planned(0, 4, 9.0, 0.6), record(0, 4, 0.66, 0.5)
    assert (estimated.accuracy, estimated.ao) == (None, 0.6)
    assert estimated.prior is not None
    assert estimated.prior.retention == pytest.approx(0.6 / 0.71)
    assert (trained.prior, trained.ao) == (None, 0.5)
    # Told at another fidelity, the estimate counts for nothing.
    assert replace(estimated, fidelity="full").ao is None
    for both in (replace(estimated, fidelity="full"), replace(estimated, accuracy=accuracy(0.6))):
        with pytest.raises(FileError, match="prior"):
            Record.from_attrs(both.to_attrs())


@pytest.mark.parametrize(
    "change",
    [
        {"low": 0.7},
        {"high": 0.5},
        {"mean": float("nan")},
        {"mean": True},
        {"high": 1.2},
        {"teacher": 0},
        {"metric": 5},
        {"source": "x" * 300},
        {"surprise": 1},
    ],
)
def test_a_damaged_estimate_is_refused(change: dict[str, Any]) -> None:
    attrs = planned(0, 4, 9.0, 0.6).to_attrs()
    with pytest.raises(FileError, match="prior"):
        Record.from_attrs(attrs | {"prior": attrs["prior"] | change})


def test_a_record_from_before_estimates_is_read() -> None:
    attrs = record(0, 4, 0.66, 0.5).to_attrs()
    attrs.pop("prior")
    assert Record.from_attrs(attrs) == record(0, 4, 0.66, 0.5)


def test_fidelity_order() -> None:
    assert sorted(["full", "rung-10", "elastic", "prior", "rung-2", "rung-1", "rung-0"], key=fidelity_order) == [
        "prior", "rung-0", "elastic", "rung-1", "rung-2", "rung-10", "full",
    ]  # fmt: skip


def test_variant_name() -> None:
    assert [variant_name(n) for n in (0, 17, 1234)] == ["v000", "v017", "v1234"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("variant", "../../etc/passwd"),
        ("variant", "=cmd()"),
        ("status", "great"),
        ("fidelity", "rung-x"),
        ("number", True),
        ("params", -1),
        ("spec", {"dim": 128}),
        ("spec", None),
        ("rungs", [1]),
        ("accuracy", {"ao": 0.5}),
        ("accuracy", teacher().to_attrs()["accuracy"] | {"ao": 1.5}),
        ("accuracy", teacher().to_attrs()["accuracy"] | {"ao": float("nan")}),
        ("predicted", teacher().to_attrs()["predicted"] | {"mean_ms": 0}),
        ("predicted", teacher().to_attrs()["predicted"] | {"provenance": "guessed"}),
        ("predicted", teacher().to_attrs()["predicted"] | {"worst_ms": -1.0}),
        ("predicted", teacher().to_attrs()["predicted"] | {"best_ms": 1.0}),
        ("surprise", 1),
        ("reason", "\x1b[2J"),
        ("reason", "\ud800"),
        ("macs", 10**400),
        ("rungs", [{"ao_seq": 10**400}]),
        ("rungs", [{"deep": [[[]] * 3] * 3, 7: 1}]),
        ("paths", 10**400),
    ],
)
def test_hostile_attributes_are_refused(field: str, value: Any) -> None:
    with pytest.raises(FileError, match=rf"record\.{field}|paths"):
        Record.from_attrs(RECORDS[0].to_attrs() | {field: value})


def test_every_wrong_field_is_named_at_once() -> None:
    wrong = {"variant": "=cmd()", "params": -1, "status": "great", "accuracy": {"ao": 2.0}, "paths": None}
    with pytest.raises(FileError) as caught:
        Record.from_attrs(RECORDS[0].to_attrs() | wrong)
    assert all(f"record.{name}" in str(caught.value) for name in ("variant", "params", "status", "accuracy.sr50"))


def test_a_record_of_any_reason_is_read_again() -> None:
    """What went wrong may quote a path that is no text, or what a terminal would obey."""
    attrs = replace(RECORDS[0], reason="caf\udce9 \x1b[2J" + "x" * 30_000).to_attrs()
    assert Record.from_attrs(json.loads(json.dumps(attrs))).reason.startswith("caf\\xe9 \\x1b[2J")


def test_a_record_written_before_a_field_existed_is_read() -> None:
    attrs = RECORDS[0].to_attrs()
    del attrs["rungs"], attrs["reason"], attrs["paths"], attrs["predicted"]["worst_ms"]
    found = Record.from_attrs(attrs)
    assert found.rungs == ()
    assert found == replace(RECORDS[0], rungs=())


def test_layers_used() -> None:
    assert with_exits().layers_used == (30 * 2 + 10 * 6) / 40
    assert RECORDS[0].layers_used == 4
    assert with_bypass().layers_used is None


def test_a_latency_without_paths_is_a_bound() -> None:
    assert with_bypass().optimistic
    assert not with_exits().optimistic
    assert not with_bypass(measured=latency(0.8, "measured")).optimistic
    assert not RECORDS[0].optimistic


@pytest.mark.parametrize(
    "rows",
    [
        [{"skipped": [], "exit": 2, "frames": 1}],
        [{"skipped": [1], "exit": 0, "frames": 1}],
        [{"skipped": [], "exit": 0, "frames": 0}],
        [{"skipped": [], "exit": 0, "frames": 1.5}],
        [{"skipped": ["1"], "exit": 0, "frames": 1}],
        [{"skipped": [], "exit": 0}],
        [{"skipped": [], "exit": 0, "frames": 1}] * 2,
        ["<b>"],
        "fast",
    ],
)
def test_paths_that_the_tracker_does_not_have_are_refused(rows: Any) -> None:
    with pytest.raises(FileError, match="paths"):
        Record.from_attrs(with_exits().to_attrs() | {"paths": rows})
