"""The knobs of token retention: how many search tokens go on, behind which layers, and which; and of the template's."""

from __future__ import annotations

import typing
from dataclasses import replace
from fractions import Fraction
from functools import cache

from compress.core import KeepBy, TrackerSpec
from compress.spaces.draft import Draft, Scalar
from compress.spaces.knob import NEVER, only_never, unique
from compress.spaces.patterns import exact_number, nearest

FIRST = "first"
"""The first layer of all (MaST)."""

OWN = "teacher"
"""The layers that come of those of the teacher that eliminate."""

LEAST = 0.3
"""The least share that students are trained for, whatever their own is, so that all share their weights (MaST's)."""

_USUAL = "1/4 1/2 3/4"
"""OSTrack's places: layers 3, 6 and 9 of 12."""


class KeepRatioKnob:
    """The share of its search tokens that each eliminating layer passes on (OSTrack); `never` eliminates none.

    In three layers 0.7 so leaves 0.34 of the tokens. Only joint layers without learned tokens eliminate: see
    `ONLY_WITH`. Students that differ in this share alone have the same weights, trained for all shares from `LEAST` on;
    a lower one has its own, and the teacher's own share is trained as the teacher's weights were.
    """

    wanted = "never, or a share above 0 and below 1"
    needs: str | None = None

    def accepts(self, value: object) -> bool:
        return value == NEVER or (type(value) is float and 0 < value < 1)

    def default(self, teacher: TrackerSpec) -> Scalar:
        return next((layer.keep for layer in teacher.layers if layer.keep is not None), NEVER)

    def fit(self, values: tuple[Scalar, ...], teacher: TrackerSpec) -> tuple[Scalar, ...]:
        return only_never("keep_ratio", values, teacher) if teacher.head.kind == "tokens" else values

    def apply(self, draft: Draft, value: Scalar) -> None:
        draft.keep = None if value == NEVER else float(value)
        if value == self.default(draft.teacher):  # what the teacher's layers have, be their shares alike or not
            draft.keep_least = draft.teacher.keep_least
            return
        draft.keep_least = None if draft.keep is None else min(LEAST, draft.keep)
        draft.each(lambda layer: layer if layer.keep is None else replace(layer, keep=draft.keep))


class KeepAfterKnob:
    """Which layers eliminate: those behind these shares of the kept layers, such as `1/4 1/2 3/4`, or so many layers.

    A layer eliminates between its attention and its MLP. Shares are rounded to whole layers, places behind the last
    layer mean that one, and those that fall together count once. `first` is the first layer (MaST), `teacher` those
    that come of the teacher's eliminating ones.
    """

    wanted = "first, rising shares between 0 and 1 such as 1/4 1/2 3/4, or rising numbers of layers"
    needs: str | None = "keep_ratio"

    def accepts(self, value: object) -> bool:
        if value in (FIRST, OWN):
            return True
        found = _numbers(value)
        kinds = {0 < each < 1 for each in found} if all(each >= 0 for each in found) else set()
        whole = all(each.denominator == 1 for each in found)
        return bool(found) and found == sorted(set(found)) and (kinds == {True} or (whole and kinds == {False}))

    def default(self, teacher: TrackerSpec) -> Scalar:
        return OWN if teacher.eliminating else _USUAL

    def fit(self, values: tuple[Scalar, ...], teacher: TrackerSpec) -> tuple[Scalar, ...]:
        # Shares that give the own layers of a teacher that eliminates may give others at a lower depth, so they stay.
        return unique(_USUAL if value == OWN and not teacher.eliminating else value for value in values)

    def apply(self, draft: Draft, value: Scalar) -> None:
        if value == OWN:
            return
        places = _places(value, len(draft.layers))
        draft.layers = [replace(x, keep=draft.keep if i in places else None) for i, x in enumerate(draft.layers)]


class KeepByKnob:
    """How eliminating layers rank their search tokens; see `KeepBy`."""

    wanted = "attention or motion"
    needs: str | None = "keep_ratio"

    def accepts(self, value: object) -> bool:
        return isinstance(value, str) and value in typing.get_args(KeepBy)

    def default(self, teacher: TrackerSpec) -> Scalar:
        return teacher.keep_by

    def fit(self, values: tuple[Scalar, ...], teacher: TrackerSpec) -> tuple[Scalar, ...]:
        return values

    def apply(self, draft: Draft, value: Scalar) -> None:
        draft.keep_by = typing.cast(KeepBy, value)


class KeepTemplateKnob:
    """The share of each template's patches that go on, those nearest its middle (`central_patches`); 1 keeps all.

    More than the teacher's means the teacher's. What leaves does so behind the embedding, so that joint layers have
    fewer tokens, and others fewer keys and values, in every frame.
    """

    wanted = "a share above 0, at most 1"
    needs: str | None = None

    def accepts(self, value: object) -> bool:
        return type(value) in (int, float) and 0 < value <= 1  # type: ignore[operator]

    def default(self, teacher: TrackerSpec) -> Scalar:
        return teacher.keep_template or 1

    def fit(self, values: tuple[Scalar, ...], teacher: TrackerSpec) -> tuple[Scalar, ...]:
        most = self.default(teacher)
        return unique(value if float(value) <= float(most) else most for value in values)

    def apply(self, draft: Draft, value: Scalar) -> None:
        draft.keep_template = None if value == 1 else float(value)


def _numbers(value: object) -> list[Fraction]:
    words = value.split() if isinstance(value, str) else [value]
    found = [exact_number(word) for word in words]
    return [] if None in found else [number for number in found if number is not None]


@cache
def _places(value: Scalar, depth: int) -> tuple[int, ...]:
    """Indices of the layers that eliminate, of `depth`."""
    behind = [Fraction(0)] if value == FIRST else _numbers(value)
    return tuple(sorted({min(nearest(each * depth if each < 1 else each), depth - 1) for each in behind}))
