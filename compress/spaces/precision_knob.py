"""The knob of precision: what a student's graphs compute in."""

from __future__ import annotations

import typing

from compress.core import Precision, TrackerSpec
from compress.spaces.draft import Draft, Scalar

PRECISION = "precision"


class PrecisionKnob:
    """What a student is scored, timed and exported in; its training is the same in all, see `weights_id`.

    Which of them a target runs the space does not know: a search leaves the others out, or refuses them.
    """

    wanted = "fp32, fp16 or int8"
    needs: str | None = None

    def accepts(self, value: object) -> bool:
        return isinstance(value, str) and value in typing.get_args(Precision)

    def default(self, teacher: TrackerSpec) -> Scalar:
        return teacher.precision

    def fit(self, values: tuple[Scalar, ...], teacher: TrackerSpec) -> tuple[Scalar, ...]:
        return values

    def apply(self, draft: Draft, value: Scalar) -> None:
        draft.precision = typing.cast(Precision, value)
