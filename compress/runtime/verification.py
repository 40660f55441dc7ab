"""The self-test of a bundle in a process of its own, with a limit of memory and of time.

What a foreign graph makes onnxruntime do ends there at the latest: the limits are the kernel's, so nothing that runs in
the process can put them off, and what was hit is said in words.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from compress.core import CompressError, FileError
from compress.core.cost import macs, parameters
from compress.core.plain_files import parse_json
from compress.core.text import printable
from compress.core.worker_environment import worker_environment
from compress.runtime.cascade_bundle import AnyBundle, CascadeBundle, bundle_network, open_any_bundle
from compress.runtime.graph_limits import MOST_MEMORY
from compress.runtime.selftest import LENGTH, Difference, selftest_difference

_AGAIN = "Run only bundles that you trust, or export it again."
_MEMORY, _ERROR = 3, 4
"""Exit codes of the process: memory that was not given, and an error that its output names."""


@dataclass(frozen=True)
class Limits:
    """What the self-test of a bundle may take.

    Attributes:
        memory: Bytes beyond what Python and onnxruntime take by themselves.
        processor_s: Seconds of one core, all threads together.
        wall_s: Seconds until an end even where nothing is computed, on a machine however busy.
    """

    memory: int
    processor_s: int
    wall_s: int

    @classmethod
    def of(cls, bundle: AnyBundle) -> Limits:
        """By the spec: weights are in memory as bytes, as read and as kept, and a slow core does 10⁹ MACs a second."""
        specs = [each.spec for each in bundle.members] if isinstance(bundle, CascadeBundle) else [bundle.spec]
        frames_s = LENGTH * sum(macs(spec).full for spec in specs) // 10**9
        memory = MOST_MEMORY + 4 * 4 * sum(map(parameters, specs))
        return cls(memory, 20 + 2 * frames_s, 120 + 20 * frames_s)


def verify_apart(bundle: AnyBundle, *, threads: int | None = None, limits: Limits | None = None) -> Difference:
    """`selftest_difference` of a bundle, found in another process; of a cascade also of both its trackers.

    Args:
        limits: By default those of the spec.

    Raises:
        FileError: the bundle holds no self-test, or a graph cannot be run.
        CompressError: it took more memory or time than a bundle of its spec can, or ended the process.
    """
    if isinstance(bundle, CascadeBundle):  # as its own frames may never have asked the accurate one
        parts = [verify_apart(each, threads=threads, limits=limits) for each in bundle.members]
        whole = _verified(bundle, threads, limits or Limits.of(bundle))
        return whole._replace(box_px=max(each.box_px for each in (whole, *parts)))
    return _verified(bundle, threads, limits or Limits.of(bundle))


def _verified(bundle: AnyBundle, threads: int | None, limits: Limits) -> Difference:
    job = {"folder": os.fsencode(bundle.folder).hex(), "threads": threads, "memory": limits.memory}
    job |= {"processor_s": limits.processor_s}
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-m", __name__],
            input=json.dumps(job).encode(),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=worker_environment(),
            timeout=limits.wall_s,
        )
    except subprocess.TimeoutExpired:
        raise _failed(bundle, f"did not end within {limits.wall_s} s") from None
    return _answer(bundle, limits, done.returncode, done.stdout)


def _answer(bundle: AnyBundle, limits: Limits, code: int, output: bytes) -> Difference:
    if code == -getattr(signal, "SIGXCPU", 0):
        raise _failed(bundle, f"took more than {limits.processor_s} s of processor time, more than its spec can need")
    if code == _MEMORY:
        raise _failed(bundle, f"needed more than {limits.memory >> 20} MB of memory, more than its spec can need")
    if code < 0:
        name = signal.Signals(-code).name if -code in set(signal.Signals) else str(-code)
        raise _failed(bundle, f"ended the process that ran it ({name}); it may have {limits.memory >> 20} MB of memory")
    try:
        found = parse_json(output[:100_000].decode())
        if code == _ERROR:
            raise FileError(str(found["error"]))
        return Difference(float(found["box_px"]), int(found["frames"]), found["path_mismatch"])
    except (ValueError, LookupError, TypeError) as error:
        raise _failed(bundle, f"ended the process that ran it (exit code {code})") from error


def _failed(bundle: AnyBundle, what: str) -> CompressError:
    return CompressError(f"The self-test of the bundle {bundle.folder} {what}. {_AGAIN}")


def _main() -> int:
    job = json.load(sys.stdin)
    _limit(int(job["memory"]), int(job["processor_s"]))
    try:
        bundle = open_any_bundle(Path(os.fsdecode(bytes.fromhex(job["folder"]))))
        network = bundle_network(bundle, threads=job["threads"])
        answer: dict[str, Any] = selftest_difference(
            bundle.manifest.get("selftest"), network, bundle.settings, bundle.spec
        )._asdict()
        code = 0
    except MemoryError:
        return _MEMORY
    except CompressError as error:
        answer, code = {"error": str(error)}, _ERROR
    except Exception as error:  # onnxruntime's exceptions share no base of their own
        if _of_memory(error):
            return _MEMORY
        answer, code = {"error": f"onnxruntime cannot run the bundle here: {error}"}, _ERROR
    if code and _of_memory(answer["error"]):
        return _MEMORY
    if code:
        answer = {"error": printable(answer["error"], most=2_000)}
    sys.stdout.write(json.dumps(answer))
    return code


def _of_memory(error: object) -> bool:
    return any(words in str(error) for words in ("bad_alloc", "allocate memory", "bad allocation"))


def _limit(memory: int, processor_s: int) -> None:
    """Where the system has such limits; Windows has none."""
    try:
        import resource
    except ImportError:
        return
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (processor_s, processor_s + 5))
    # What is written to only: onnxruntime reserves far more addresses than it uses.
    _, most = resource.getrlimit(resource.RLIMIT_DATA)
    wanted = memory + _data_now()
    resource.setrlimit(resource.RLIMIT_DATA, (wanted if most == resource.RLIM_INFINITY else min(wanted, most), most))


def _data_now() -> int:
    """Bytes that this process holds already, as Linux counts them."""
    try:
        with open("/proc/self/status") as status:
            return next(int(line.split()[1]) << 10 for line in status if line.startswith("VmData"))
    except (OSError, StopIteration, ValueError):
        return 1 << 29


if __name__ == "__main__":
    sys.exit(_main())
