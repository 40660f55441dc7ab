"""Options and help that several commands share, and JSON to stdout."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from compress.cli.console import encodes_everything
from compress.cli.number_types import Number
from compress.core.ranges import UPDATE_INTERVAL

_F = TypeVar("_F", bound=Callable[..., Any])


def out_option(help: str, *, required: bool = False) -> Callable[[_F], _F]:
    """`--out PATH` → `out: Path | None`."""
    return click.option("--out", type=click.Path(path_type=Path), required=required, help=help)


def device_option(function: _F) -> _F:
    """`--device auto|cpu|cuda` → `device: str`; resolved by the command, which knows torch."""
    choice = click.Choice(["auto", "cpu", "cuda"])
    text = "Where networks are trained and run; auto takes a GPU that is free."
    return click.option("--device", type=choice, default="auto", show_default=True, help=text)(function)


def json_option(function: _F) -> _F:
    """`--json` → `as_json: bool`."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON, and nothing else, on stdout.")(function)


def quiet_option(function: _F) -> _F:
    """`--quiet` → `quiet: bool`."""
    return click.option("--quiet", "-q", is_flag=True, help="No progress, only the result.")(function)


def print_json(value: Any) -> None:
    """Print `value` as JSON: records by their `to_dict`, arrays as lists, paths as text, NaN and ∞ as null."""
    text = json.dumps(_plain(value), indent=2, ensure_ascii=not encodes_everything(sys.stdout), allow_nan=False)
    # Characters that a terminal would obey are escaped as JSON does it, so that every reader gets them back.
    click.echo("".join(c if c.isprintable() or c == "\n" else json.dumps(c)[1:-1] for c in text))


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    if isinstance(value, Path):
        return str(value)
    for method in ("to_dict", "tolist"):
        if hasattr(value, method):
            return _plain(getattr(value, method)())
    return value


def update_interval_option(default: str) -> Callable[[_F], _F]:
    """`--update-interval N` → `update_interval: int | None`; `default` describes what applies without it."""
    return click.option(
        "--update-interval",
        type=Number(UPDATE_INTERVAL),
        metavar="N",
        help=f"Frames between two updates of the online template; 0 never renews it. {default} Published for "
        "MixFormerV2: LaSOT 200, GOT-10k 10 (B) or 15 (S), TrackingNet 25, others 200.",
    )


class SourceCommand(click.Command):
    """A command with an option for a data source; its help lists what can be given, registered readers included."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write what a SOURCE can be, then the epilog."""
        from compress.data import registered_readers

        with formatter.section("A SOURCE of data"):
            formatter.write_dl([(reader.form, reader.summary) for _, reader in registered_readers().items()])
            formatter.write_paragraph()
            formatter.write_text("Several, each with its share: got10k:/data/got10k@1,lasot:/data/lasot@0.5.")
        super().format_epilog(ctx, formatter)
