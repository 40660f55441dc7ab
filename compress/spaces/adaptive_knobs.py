"""The knobs of per-frame computation: bypass (ABTrack) and early exits (DyTrack)."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from functools import cache

from compress.core import BypassSpec, ExitSpec, TrackerSpec
from compress.spaces.draft import Draft, Scalar
from compress.spaces.knob import NEVER, only_never, unique
from compress.spaces.patterns import exact_number, nearest


class BypassKnob:
    """Whether layers may be skipped per frame."""

    wanted = "never or learned"
    needs: str | None = None

    def accepts(self, value: object) -> bool:
        return value in (NEVER, "learned")

    def default(self, teacher: TrackerSpec) -> Scalar:
        return "learned" if teacher.bypass else NEVER

    def fit(self, values: tuple[Scalar, ...], teacher: TrackerSpec) -> tuple[Scalar, ...]:
        return values

    def apply(self, draft: Draft, value: Scalar) -> None:
        draft.bypass = None if value == NEVER else draft.teacher.bypass or BypassSpec()


class Tau0Knob:
    """τ0, the share of decisions that training drives toward skipping (ABTrack, Table 6)."""

    wanted = "a number above 0, at most 1"
    needs: str | None = "bypass"

    def accepts(self, value: object) -> bool:
        return type(value) in (int, float) and 0 < value <= 1  # type: ignore[operator]

    def default(self, teacher: TrackerSpec) -> Scalar:
        return (teacher.bypass or BypassSpec()).tau0

    def fit(self, values: tuple[Scalar, ...], teacher: TrackerSpec) -> tuple[Scalar, ...]:
        return values

    def apply(self, draft: Draft, value: Scalar) -> None:
        assert draft.bypass is not None
        draft.bypass = replace(draft.bypass, tau0=float(value))


class NEnfKnob:
    """How many kept layers, from the first, are never skipped (ABTrack, Table 7); the last one may always be."""

    wanted = "a whole number from 0 to 1000"
    needs: str | None = "bypass"

    def accepts(self, value: object) -> bool:
        return type(value) is int and 0 <= value <= 1000

    def default(self, teacher: TrackerSpec) -> Scalar:
        return (teacher.bypass or BypassSpec()).n_enf

    def fit(self, values: tuple[Scalar, ...], teacher: TrackerSpec) -> tuple[Scalar, ...]:
        return unique(min(int(value), len(teacher.layers) - 1) for value in values)

    def apply(self, draft: Draft, value: Scalar) -> None:
        assert draft.bypass is not None
        draft.bypass = replace(draft.bypass, n_enf=min(int(value), len(draft.layers) - 1))


class ExitsKnob:
    """Where early exits are: shares of the kept layers such as `1/6 1/2`; the last exit ends every tracker.

    Shares are rounded to whole layers, at least one that sees the template; those that fall together count once. Heads
    that read prediction tokens or a pyramid of resolutions have no exits.
    """

    wanted = "never, or rising shares between 0 and 1 such as 1/6 1/2"
    needs: str | None = None

    def accepts(self, value: object) -> bool:
        if value == NEVER:
            return True
        found = _shares(value)
        return bool(found) and all(0 < share < 1 for share in found) and found == sorted(set(found))

    def default(self, teacher: TrackerSpec) -> Scalar:
        early = teacher.exits[:-1]
        return " ".join(f"{each.after}/{len(teacher.layers)}" for each in early) or NEVER

    def fit(self, values: tuple[Scalar, ...], teacher: TrackerSpec) -> tuple[Scalar, ...]:
        if teacher.head.kind not in ("centre", "corner"):
            return only_never("exits", values, teacher)
        own = self.default(teacher)
        same = {_places(own, len(teacher.layers)): own}
        return unique(same.get(_places(v, len(teacher.layers)), v) for v in values)

    def apply(self, draft: Draft, value: Scalar) -> None:
        depth = len(draft.layers)
        apart = sum(layer.attention == "FE" for layer in draft.layers)
        places = _places(value, depth, apart)
        draft.exits = (*(ExitSpec(place) for place in places), ExitSpec(depth)) if places else ()


class AdaptersKnob:
    """Adapter layers of the first exit; each later one has one fewer, the last none (DyTrack: 2, 1, 0)."""

    wanted = "a whole number from 0 to 12"
    needs: str | None = "exits"

    def accepts(self, value: object) -> bool:
        return type(value) is int and 0 <= value <= 12

    def default(self, teacher: TrackerSpec) -> Scalar:
        return teacher.exits[0].adapter if teacher.exits else 1

    def fit(self, values: tuple[Scalar, ...], teacher: TrackerSpec) -> tuple[Scalar, ...]:
        return values

    def apply(self, draft: Draft, value: Scalar) -> None:
        last = len(draft.exits) - 1
        draft.exits = tuple(
            replace(each, adapter=max(0, int(value) - i) if i < last else 0) for i, each in enumerate(draft.exits)
        )


def _shares(value: object) -> list[Fraction]:
    found = [exact_number(word) for word in value.split()] if isinstance(value, str) else []
    return [] if None in found else [share for share in found if share is not None]


@cache
def _places(value: Scalar, depth: int, apart: int = 0) -> tuple[int, ...]:
    """Layers computed before each early exit, none within the first `apart`."""
    places = {max(apart + 1, nearest(share * depth)) for share in _shares(value)}
    return tuple(sorted(place for place in places if place < depth))
