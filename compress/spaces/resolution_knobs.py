"""The knobs of resolution: how large the square crops of search and template are, in pixels or as shares."""

from __future__ import annotations

from fractions import Fraction

from compress.core import TrackerSpec
from compress.spaces.draft import Draft, Scalar
from compress.spaces.patterns import exact_number, nearest

OWN = 1
"""The teacher's own size, as a share."""

_LEAST, _MOST = 16, 1024
"""Pixels."""


class _SizeKnob:
    """The side of one crop: a share of the teacher's, or pixels; rounded to whole patches, more than its means its own.

    What a crop shows stays the teacher's (`search_factor`, `template_factor`): a smaller one shows it more coarsely.
    """

    wanted = f"a share above 0 and up to 1 such as 3/4, or whole pixels from {_LEAST} to {_MOST}"
    needs: str | None = None

    def __init__(self, field: str) -> None:
        self._field = field

    def accepts(self, value: object) -> bool:
        number = exact_number(value)
        if number is None:
            return False
        return 0 < number <= 1 or (number.denominator == 1 and _LEAST <= number <= _MOST)

    def default(self, teacher: TrackerSpec) -> Scalar:
        return OWN

    def fit(self, values: tuple[Scalar, ...], teacher: TrackerSpec) -> tuple[Scalar, ...]:
        own = getattr(teacher, self._field)
        by_size: dict[int, Scalar] = {}
        for value in values:
            size = self.pixels(value, teacher)
            by_size.setdefault(size, OWN if size == own else value)
        return tuple(by_size.values())

    def apply(self, draft: Draft, value: Scalar) -> None:
        setattr(draft, self._field, self.pixels(value, draft.teacher))

    def pixels(self, value: Scalar, teacher: TrackerSpec) -> int:
        """The side that a value means for one teacher."""
        own, number = getattr(teacher, self._field) // teacher.patch, exact_number(value)
        assert number is not None
        wanted = number * own if number <= 1 else number / Fraction(teacher.patch)
        return max(1, min(own, nearest(wanted))) * teacher.patch


class SearchSizeKnob(_SizeKnob):
    """The search crop's; the head's maps follow its grid."""

    def __init__(self) -> None:
        super().__init__("search_size")


class TemplateSizeKnob(_SizeKnob):
    """The templates'."""

    def __init__(self) -> None:
        super().__init__("template_size")


SIZES: dict[str, _SizeKnob] = {"search_size": SearchSizeKnob(), "template_size": TemplateSizeKnob()}
"""Both knobs, by name."""


def ordered(name: str, values: tuple[Scalar, ...], teacher: TrackerSpec) -> list[Scalar]:
    """The choices of a knob of `SIZES`, the one of the largest crop first."""
    return sorted(values, key=lambda value: SIZES[name].pixels(value, teacher), reverse=True)
