"""The option that says how often a tracker renews its template."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

_F = TypeVar("_F", bound=Callable[..., Any])


def update_interval_option(default: str) -> Callable[[_F], _F]:
    """`--update-interval N` → `update_interval: int | None`; `default` says what holds without it."""
    return click.option(
        "--update-interval",
        type=click.IntRange(0),
        metavar="N",
        help=f"Frames between two updates of the online template; 0 never renews it. {default} Published for "
        "MixFormerV2: LaSOT 200, GOT-10k 10 (B) or 15 (S), TrackingNet 25, others 200.",
    )
