"""What the command line answers to the shell, said once: for help, for documents and for tests."""

from __future__ import annotations

EXIT_CODES = {
    0: "done; for a search, with a variant that meets the constraint",
    1: "a file, device or program error; or the reader of the output left, as `head` does",
    2: "wrong usage: unknown name, impossible value",
    3: "no variant meets the constraint; the report says how near it came",
    129: "ended by SIGHUP; the same command continues a search",
    130: "interrupted; likewise",
    143: "ended by SIGTERM; likewise",
}
"""Each code and what it means. Errors carry theirs as `CompressError.exit_code`."""


def exit_codes_text() -> str:
    """The table for `compress --help`."""
    return "\n".join(f"  {code:<4} {meaning}" for code, meaning in EXIT_CODES.items())
