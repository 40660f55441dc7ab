"""Measures a kit where it is and writes results.json: `python3 measure.pyz`.

This module is packed into kits: Python 3.8.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import signal
import sys
import tempfile
from typing import TextIO

from compress.core.errors import CompressError
from compress.measure.kit_runtime.files import read_kit, write_kit_results
from compress.measure.kit_runtime.measuring import measured, measured_loop

LOCK = "compress-measure.lock"
"""Held in the folder for temporary files while a device is measured."""


def main(words: list[str] | None = None) -> int:
    """0 done, 1 not possible."""
    given = _parser().parse_args(words)
    if given.limit:
        signal.alarm(given.limit)
    out = given.out or os.path.join(given.kit, "results.json")
    try:
        if given.loop:
            json.dump(measured_loop(read_kit(given.kit), given.kit), sys.stdout)
            return 0
        with _locked():
            write_kit_results(measured(read_kit(given.kit), given.kit), out)
    except CompressError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"Error: {error.filename or out}: {error.strerror or error}.", file=sys.stderr)
        return 1
    print(f"Results are in {out}.", file=sys.stderr)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Measure this kit and write results.json.")
    beside = os.path.dirname(os.path.abspath(sys.argv[0]))
    parser.add_argument("--kit", default=beside, help="folder of kit.json (default: that of this script)")
    parser.add_argument("--out", default="", help="where to write (default: results.json beside kit.json)")
    parser.add_argument("--limit", type=int, default=0, help="give up after so many seconds")
    parser.add_argument("--loop", action="store_true", help="time the frame loop alone and print it, without a network")
    return parser


def _locked() -> TextIO:
    """One measurement at a time on a machine; the lock goes with the file or the process."""
    path = os.path.join(tempfile.gettempdir(), LOCK)
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CREAT | os.O_NOFOLLOW, 0o644)
    except OSError:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    lock = os.fdopen(handle)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.close()
        raise CompressError("another measurement is running on this machine. Wait until it is done.") from None
    return lock
