"""Measures a kit where it lies and writes results.json. This file travels in kits."""

from __future__ import annotations

import argparse
import fcntl
import hashlib
import json
import os
import signal
import sys
import tempfile
import time
from typing import Any, TextIO

import onnxruntime

from compress.measure.host import host
from compress.measure.kit_runtime.facts import board, conditions, gpu_name
from compress.measure.kit_runtime.loop import Loop
from compress.measure.kit_runtime.sessions import PROVIDERS, KitError, open_call, provider_of
from compress.measure.kit_runtime.weights import make_weights
from compress.measure.timing import refusal, settled_rounds

LOCK = "compress-measure.lock"
"""Held in the folder for temporary files while a device is measured."""


def main(words: list[str] | None = None) -> int:
    """0 done, 1 not possible, 3 too noisy."""
    parser = argparse.ArgumentParser(description="Measure this kit and write results.json.")
    parser.add_argument("--kit", default=os.path.dirname(os.path.abspath(__file__)), help="folder of kit.json")
    parser.add_argument("--out", default="", help="where to write (default: results.json beside kit.json)")
    parser.add_argument("--limit", type=int, default=0, help="give up after so many seconds")
    given = parser.parse_args(words)
    if given.limit:
        signal.alarm(given.limit)
    out = given.out or os.path.join(given.kit, "results.json")
    try:
        with open(os.path.join(given.kit, "kit.json"), encoding="utf-8") as file:
            kit = json.load(file)
        lock = _locked()
        try:
            _write(measured(kit, given.kit), out)
        finally:
            lock.close()
    except KitError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 3 if isinstance(error, NoisyError) else 1
    print(f"Results are in {out}.", file=sys.stderr)
    return 0


class NoisyError(KitError):
    """Times that are worth nothing."""


def measured(kit: dict[str, Any], folder: str) -> dict[str, Any]:
    """The body of results.json: times in ms of each batch's calls and of the empty loop, (calls + 1, rounds, timed)."""
    start, provider, before = time.monotonic(), provider_of(kit["provider"]), conditions()
    make_weights(os.path.join(folder, kit["weights"]["file"]), kit["weights"]["bytes"])
    batches = [_batch_times(kit, folder, i, provider) for i in range(len(kit["batches"]))]
    for times in batches:
        words = refusal(times)
        if words:
            raise NoisyError(f"This machine is too noisy: {words}. Stop what else runs, let it cool, and try again.")
    return {
        "format": "compress-results",
        "version": 1,
        "kit": kit["id"],
        "device": _device(provider),
        "runtime": _runtime(provider),
        "threads": kit["threads"],
        "seconds": round(time.monotonic() - start, 3),
        "conditions": conditions(before),
        "batches": [[[[round(ms, 6) for ms in v] for v in call] for call in times.tolist()] for times in batches],
    }


def _batch_times(kit: dict[str, Any], folder: str, index: int, provider: str) -> Any:
    calls: list[Any] = []
    for steps in kit["batches"][index]:
        calls.append(Loop(kit["loop"], open_call(kit, folder, steps, provider)))
    calls.append(Loop(kit["loop"], None))
    plan, count = kit["schedule"], len(kit["batches"])

    def progress(text: str, share: float, figures: Any = None) -> None:
        if not os.path.isdir(folder):
            raise KitError("the kit was removed while it was measured.")
        print(f"batch {index + 1} of {count}: {share:.0%}", file=sys.stderr, flush=True)

    return settled_rounds(
        calls,
        rounds=plan["rounds"],
        dropped=plan["dropped"],
        timed=plan["timed"],
        seed=plan["seed"],
        attempts=plan["attempts"],
        progress=progress,
    )


def _device(provider: str) -> str:
    gpu = "" if provider == PROVIDERS["cpu"] else gpu_name()
    return ", ".join(part for part in (board(), gpu, str(host())) if part)


def _runtime(provider: str) -> str:
    """As in-process profiles name it; other providers than the CPU's are named too."""
    name = f"onnxruntime {onnxruntime.__version__}"
    return name if provider == PROVIDERS["cpu"] else name + " " + provider


def _write(body: dict[str, Any], out: str) -> None:
    """A checksum and what it is the checksum of, whole or not at all."""
    text = json.dumps(body, separators=(",", ":"))
    digest = hashlib.sha256(text.encode()).hexdigest()
    part = out + ".part"
    with open(part, "w", encoding="utf-8") as file:
        file.write('{"sha256":"' + digest + '","body":' + text + "}\n")
    os.replace(part, out)


def _locked() -> TextIO:
    """One measurement at a time on a machine; the lock goes with the process."""
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
        raise KitError("another measurement is running on this machine. Wait until it is done.") from None
    return lock


if __name__ == "__main__":
    sys.exit(main())
