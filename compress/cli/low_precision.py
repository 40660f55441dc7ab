"""`--precision` of `compress export` and the options that go with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from compress.cli.number_types import Number
from compress.core.ranges import AO_DROP

_F = TypeVar("_F", bound=Callable[..., Any])


def precision_options(function: _F) -> _F:
    """`--precision`, `--calibration`, `--train-data` and `--max-drop`."""
    options = [
        click.option(
            "--precision",
            type=click.Choice(["fp32", "fp16", "int8"]),
            help="Of the graphs (default: what the variant was scored in). AO and speed before and after are printed.",
        ),
        click.option(
            "--calibration",
            type=click.Choice(["dynamic", "entropy", "percentile"]),
            help="Of int8: ranges of activations as they come (default), or found beforehand on training pairs.",
        ),
        click.option(
            "--train-data",
            metavar="SOURCE",
            help="Pairs that ranges and the layers left in float are found on (default: RUN's, else generated).",
        ),
        click.option(
            "--max-drop",
            type=Number(AO_DROP),
            help="AO that the precision may cost on the search sequences of --data, or RUN's (default 0.02).",
        ),
    ]
    for option in reversed(options):
        function = option(function)
    return function
