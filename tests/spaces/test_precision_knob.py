"""The knob of precision: other students of the same weights."""

from __future__ import annotations

from dataclasses import replace

from compress.core import TrackerSpec, describe
from compress.spaces import Space

NANO = describe("ostrack-nano")


def test_students_differ_in_the_precision_and_not_in_the_weights() -> None:
    space = Space("x", {"depth": (4,), "precision": ("fp32", "int8", "fp16")})
    found = list(space.enumerate(NANO))
    assert [spec.precision for spec in found] == ["fp32", "int8", "fp16"]
    assert len({spec.id for spec in found}) == len({spec.student_id for spec in found}) == 3
    assert len({spec.weights_id for spec in found}) == 1
    assert {spec.in_fp32 for spec in found} == {found[0]}
    assert found[0] == Space("x", {"depth": (4,)}).spec(NANO, lambda _, values: values[0])
    assert TrackerSpec.from_dict(found[1].to_dict()) == found[1]
    assert found[1].to_dict()["precision"] == "int8"


def test_the_teacher_in_int8_is_a_student() -> None:
    everything = Space("x", {"precision": ("fp32", "int8")}).enumerate(NANO)
    assert [spec.student_id == NANO.student_id for spec in everything] == [True, False]
    low = replace(NANO, precision="int8")
    assert [spec.precision for spec in Space("x", {"depth": (2,)}).enumerate(low)] == ["int8"]
