"""`--keep`: a trained tracker that passes on another share of its search tokens than its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from compress.cli.number_types import Number
from compress.core.ranges import SHARE

_F = TypeVar("_F", bound=Callable[..., Any])


def keep_option(function: _F) -> _F:
    """`--keep SHARE` → `keep: float | None`."""
    return click.option(
        "--keep",
        type=Number(SHARE),
        metavar="SHARE",
        help="Of a tracker trained for any share: what each layer that eliminates search tokens passes on of them.",
    )(function)
