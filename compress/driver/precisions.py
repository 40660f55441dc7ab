"""Which precisions of a space a target runs: the others are left out of the search, or refused."""

from __future__ import annotations

from dataclasses import replace

from compress.core import UsageError
from compress.measure import Target
from compress.spaces import PRECISION, Space


def in_one_precision(space: Space) -> Space:
    """The space without the choice of a precision, of which weights know nothing."""
    return replace(space, knobs={name: values for name, values in space.knobs.items() if name != PRECISION})


def space_on(target: Target, space: Space, *, layerwise: bool = False) -> tuple[Space, str]:
    """What of a space can be searched on a target, and a sentence where a precision is left out; else an empty one.

    Args:
        layerwise: Students are put together of layers, which have no precision of their own.

    Raises:
        UsageError: the target runs none of the precisions that the space offers.
    """
    offered = space.knobs.get(PRECISION)
    if offered is None:
        return space, ""
    alike = layerwise or not target.others
    runs = (target.precision,) if alike else (target.precision, *target.others)
    # Where all students run alike, fp32 is whatever they run in.
    kept = tuple(each for each in offered if each in runs or (alike and each == "fp32"))
    left_out = ", ".join(str(each) for each in offered if each not in kept)
    because = f"on {target.name} students{' put together of layers' * layerwise} run in {' or '.join(runs)}"
    if not kept:
        raise UsageError(
            f"The space {space.name} offers the precision {left_out} alone, but {because}. Add fp32 to its precision, "
            "or take another target."
        )
    one = alike or kept == ("fp32",)
    found = in_one_precision(space) if one else replace(space, knobs={**space.knobs, PRECISION: kept})
    return found, f"The precision {left_out} is left out of the space: {because}." if left_out else ""
