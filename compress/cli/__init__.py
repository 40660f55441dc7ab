"""The command line: one thin file per command, imported only when that command runs."""

from compress.cli.group import COMMANDS, group
from compress.cli.run import main

__all__ = ["COMMANDS", "group", "main"]
