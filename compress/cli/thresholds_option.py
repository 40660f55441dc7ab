"""`--thresholds`: a trained tracker at other exit thresholds than its own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from compress.core.plain_values import shown
from compress.core.ranges import UNIT

if TYPE_CHECKING:
    from compress.core import TrackerSpec

_F = TypeVar("_F", bound=Callable[..., Any])


def thresholds_option(function: _F) -> _F:
    """`--thresholds FILE|T,T` → `thresholds: str | None`."""
    return click.option(
        "--thresholds",
        metavar="FILE|T,T",
        help="When an adaptive tracker stops early, instead of its own thresholds: a file that `compress thresholds` "
        "wrote, or numbers in [0, 1], one for each exit but the last.",
    )(function)


def thresholds_variant(text: str | None) -> str | None:
    """The variant that a file of thresholds was written for; None for numbers and for files that do not say.

    Raises:
        FileError, UsageError: as `at_thresholds`.
    """
    from compress.cli.specs import read_json

    if text is None or _numbers(text) is not None:
        return None
    data = read_json(_file(text))
    variant = data.get("variant") if isinstance(data, dict) else None
    return variant if isinstance(variant, str) else None


def at_thresholds(spec: TrackerSpec, text: str) -> TrackerSpec:
    """The tracker at the thresholds of `--thresholds`.

    Raises:
        UsageError: it decides nothing, they are not its own in number or not in [0, 1], or a file is of other weights.
        FileError: the file cannot be read, or holds no possible tracker.
    """
    from compress.cli.specs import read_spec
    from compress.core import UsageError

    if not spec.adaptive:
        raise UsageError(
            f"The tracker {spec.id} does the same for every frame, so --thresholds means nothing to it. Leave it out, "
            "or take a variant with exits."
        )
    taus = _numbers(text)
    if taus is not None:
        from compress.runtime.thresholds import with_thresholds

        return with_thresholds(spec, taus)
    found = read_spec(str(_file(text).absolute()))
    if found.weights_id != spec.weights_id:
        raise UsageError(
            f"The thresholds in {text} are of a tracker with the weights {found.weights_id}, but this one has "
            f"{spec.weights_id}. Choose some for it with `compress thresholds`."
        )
    return found


def _numbers(text: str) -> tuple[float, ...] | None:
    """Thresholds that are numbers; None for what must be a file."""
    found = tuple(UNIT.read(word.strip(" ")) for word in text.split(","))
    return None if None in found else found


def _file(text: str) -> Path:
    from compress.core import UsageError

    if not Path(text).is_file():
        raise UsageError(
            "--thresholds must be a file that `compress thresholds` wrote, or numbers with commas between, each "
            f"{UNIT}, such as 0.6,0.7, but is {shown(text)}, and there is no such file."
        )
    return Path(text)
