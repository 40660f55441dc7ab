from __future__ import annotations

import json
from typing import Any

import pytest
from synthetic_run import RECORDS, latency, record, teacher

from compress.archive import Record, fidelity_order, variant_name
from compress.core import FileError


@pytest.mark.parametrize("each", [*RECORDS, teacher()], ids=lambda r: r.variant)
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


def test_fidelity_order() -> None:
    assert sorted(["full", "rung-10", "prior", "rung-2", "rung-0"], key=fidelity_order) == [
        "prior", "rung-0", "rung-2", "rung-10", "full",
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
        ("surprise", 1),
    ],
)
def test_hostile_attributes_are_refused(field: str, value: Any) -> None:
    with pytest.raises(FileError, match={"spec": "tracker", "predicted": "latency"}.get(field, field)):
        Record.from_attrs(RECORDS[0].to_attrs() | {field: value})


def test_a_record_written_before_a_field_existed_is_read() -> None:
    attrs = RECORDS[0].to_attrs()
    del attrs["rungs"], attrs["reason"]
    assert Record.from_attrs(attrs).rungs == ()
