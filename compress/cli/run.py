"""Runs the command line, and turns every error into one paragraph and an exit code."""

from __future__ import annotations

import os
import shutil
import sys
import textwrap
import traceback
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

import click

from compress.cli.console import ReaderLeft, open_missing_descriptors, printable_streams
from compress.cli.messages import check_directory, os_paragraph, unexpected_paragraph
from compress.core import CompressError, CompressWarning
from compress.core.interrupts import Terminated, raise_when_terminated
from compress.core.text import printable


def main(args: list[str] | None = None) -> NoReturn:
    """Run one command and exit with its code, one of `EXIT_CODES`.

    Args:
        args: The arguments after `compress`; those of this process by default.
    """
    raise_when_terminated()
    open_missing_descriptors()
    with printable_streams(args):
        code = _code_of(args)
    _settle_stdout()
    sys.exit(code)


def _code_of(args: list[str] | None) -> int:
    try:
        code = _invoke(args)
        if sys.stdout:  # None where the caller closed it
            sys.stdout.flush()
        return code
    except ReaderLeft:
        return 1
    except (KeyboardInterrupt, click.Abort) as error:
        code = _exit_code(error, 130)
        return _say("Interrupted." if code == 130 else "Terminated.", code)
    except click.ClickException as error:
        return _say_click(error)
    except CompressError as error:
        return _say(str(error), _exit_code(error, error.exit_code))
    except OSError as error:
        return _say(os_paragraph(error), 1)
    except Exception as error:
        return _say(unexpected_paragraph(error), 1)


def _exit_code(error: BaseException, code: int) -> int:
    """`code`; where a signal other than Ctrl-C's is or has caused the error, the one that shells expect."""
    ended = next((each for each in (error, error.__cause__) if isinstance(each, Terminated)), None)
    return code if ended is None else ended.exit_code


def _invoke(args: list[str] | None) -> int:
    from compress.cli.group import group

    check_directory()
    with printed_warnings():
        result = group.main(args=args, prog_name="compress", standalone_mode=False)
    return result if isinstance(result, int) else 0


@contextmanager
def printed_warnings() -> Iterator[None]:
    """Within, a warning of the package is a paragraph on stderr, once, whatever Python was told to do with warnings."""
    with warnings.catch_warnings():
        warnings.simplefilter("always", CompressWarning)
        show_other, shown = warnings.showwarning, set[str]()

        def show(message: Warning | str, category: type[Warning], *place: Any) -> None:
            if not issubclass(category, CompressWarning):
                show_other(message, category, *place)
            elif str(message) not in shown:
                shown.add(str(message))
                _write_paragraph(f"Warning: {message}")

        warnings.showwarning = show  # type: ignore[assignment]
        yield


def _say(message: str, code: int) -> int:
    """Write one paragraph to stderr, wrapped where a person reads it; return `code`."""
    if os.environ.get("COMPRESS_DEBUG") == "1":
        traceback.print_exc()
    _write_paragraph(message if code > 128 else f"Error: {message}")
    return code


def _write_paragraph(text: str) -> None:
    # Nowhere is left to complain where stderr cannot be written; the exit code still says it.
    if sys.stderr:
        clean = printable(text, lines=True)
        print(_wrapped(clean) if sys.stderr.isatty() else clean, file=sys.stderr, flush=True)


def _wrapped(text: str) -> str:
    width = max(40, min(120, shutil.get_terminal_size().columns))
    lines = (
        textwrap.fill(line, width, break_long_words=False, break_on_hyphens=False, subsequent_indent=_indent(line))
        for line in text.splitlines()
    )
    return "\n".join(lines)


def _indent(line: str) -> str:
    return " " * (len(line) - len(line.lstrip()))


def _say_click(error: click.ClickException) -> int:
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        error.show()
        return error.exit_code
    if isinstance(error, click.UsageError):
        command = error.ctx.command_path if error.ctx else "compress"
        return _say(f"{error.format_message().rstrip()} See `{command} --help`.", error.exit_code)
    return _say(error.format_message(), error.exit_code)


def _settle_stdout() -> None:
    """Redirect a stdout that cannot be written to the null device, or Python reports the error again at exit."""
    try:
        if sys.stdout:
            sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
