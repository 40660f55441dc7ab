"""The `compress` group: knows every command's name and one line of help without importing it."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import click

from compress import __version__
from compress.cli.exit_codes import exit_codes_text
from compress.cli.messages import os_paragraph
from compress.core import CompressError, unknown_name

COMMANDS = {
    "search": "Find fast variants of a teacher for a target and train them.",
    "finetune": "Train a variant of a run on, to the end of a schedule.",
    "report": "Write the report of a run: front, table, settings.",
    "thresholds": "Set when a variant with exits stops early, for a speed.",
    "cascade": "Make one tracker of two, the accurate one asked where the fast one is unsure.",
    "export": "Export a variant as a bundle that runs without PyTorch.",
    "verify": "Check a bundle's files and that it still computes what was exported.",
    "track": "Follow an object in a video with an exported bundle.",
    "evaluate": "Score a tracker, a variant or a bundle on sequences.",
    "data": "Show what a source of sequences holds, and check it.",
    "latency": "Time per frame of a tracker on a target.",
    "profile": "Measure a device: this host, over ssh, or by a kit copied there (measure, kit, ingest).",
    "describe": "Show a tracker's spec, parameters and MACs.",
    "import-checkpoint": "Bring an official checkpoint in, without running what it holds.",
    "train-teacher": "Train a teacher from scratch.",
    "teachers": "List the trackers a search can start from.",
    "targets": "List the devices a search can aim at.",
    "spaces": "List the search spaces that ship.",
    "cache": "Show what is kept between runs, and free it.",
    "doctor": "Say what this machine can measure and what is missing.",
}
"""Name to one line of help. The command itself is `compress.cli.<name with _>.command`."""

EPILOG = f"""\b
Exit codes:
{exit_codes_text()}

COMPRESS_DEBUG=1 shows the traceback of an error. COMPRESS_HOME holds measured profiles and
cached work (default ~/.cache/compress), of which COMPRESS_CACHE_GB bounds the size."""


class LazyGroup(click.Group):
    """A click group whose commands are named by `COMMANDS` and imported on use."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f"compress.cli.{cmd_name.replace('-', '_')}").command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] not in COMMANDS and not args[0].startswith("-"):
            raise unknown_name("command", args[0], COMMANDS)
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except BrokenPipeError as error:  # not of stdout; click would end without a word
            raise CompressError(os_paragraph(error)) from error

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(
    cls=LazyGroup,
    epilog=EPILOG,
    context_settings={"color": True, "help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="compress")
def group() -> None:
    """Compress a heavy transformer tracker into the fastest ones a device can run.

    A search starts from a teacher, trains students by distillation, and keeps those on the front of
    accuracy against latency:

    \b
      compress search --teacher ostrack-nano --target cpu --speedup 2
      compress report RUN
      compress export RUN --variant ID --out BUNDLE
      compress track BUNDLE --video FILE --init x,y,w,h --out boxes.txt
    """
