"""Data sources in the help of the commands that take one."""

from __future__ import annotations

import click


class SourceCommand(click.Command):
    """A command with an option for a data source; its help lists what can be given, registered readers included."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write what a SOURCE can be, then the epilog."""
        from compress.data import registered_readers

        with formatter.section("A SOURCE of data"):
            formatter.write_dl([(reader.form, reader.summary) for _, reader in registered_readers().items()])
        super().format_epilog(ctx, formatter)
