"""Times what a kit plans: whole frames under onnxruntime, or the frame loop alone for another program's times.

This module is packed into kits: Python 3.8 and numpy, and onnxruntime for frames.
"""

from __future__ import annotations

import os
import sys
import time
from itertools import repeat
from typing import TYPE_CHECKING, Any

from compress.core.errors import CompressError
from compress.core.execution_path import ExecutionPath
from compress.core.stages import Stage
from compress.geometry.settings import LoopSettings
from compress.measure.host.conditions import board, conditions, gpu_name
from compress.measure.host.fingerprint import host
from compress.measure.kit_runtime.files import graph_file, make_weights
from compress.measure.timed_frame import PreparedNetwork, TimedFrame
from compress.measure.timing import settled_rounds, time_rounds, unsteadiness

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from compress.measure.timing import Times
    from compress.runtime.staged import Graph


def measured(kit: dict[str, Any], folder: str) -> dict[str, Any]:
    """The body of results.json: times in ms of each batch's calls and of the empty loop, (calls + 1, rounds, timed).

    Raises:
        CompressError: a graph or provider cannot be used, or the kit was removed meanwhile.
    """
    import onnxruntime

    from compress.runtime.sessions import CPU, provider_of

    start, provider, before = time.monotonic(), provider_of(kit["provider"]), conditions()
    _make_weights(kit, folder)
    batches = [_batch_times(kit, folder, i, provider) for i in range(len(kit["batches"]))]
    for times in batches:
        words = unsteadiness(times)
        if words:
            print(f"Warning: {words}. The profile's errors will be given wider.", file=sys.stderr, flush=True)
    # As timings on a host name it; other providers than the CPU's are named too.
    name = f"onnxruntime {onnxruntime.__version__}" + ("" if provider == CPU else f" {provider}")
    return {
        "format": "compress-results",
        "version": 1,
        "kit": kit["id"],
        "device": _device(with_gpu=provider != CPU),
        "runtime": name,
        "threads": kit["threads"],
        "seconds": round(time.monotonic() - start, 3),
        "conditions": conditions(before),
        "batches": [[_rounded(call) for call in times] for times in batches],
    }


def measured_loop(kit: dict[str, Any], folder: str) -> dict[str, Any]:
    """The device, its conditions and the times of the frame loop without a network in ms, (rounds, timed).

    Makes the weights of the kit too, for the program that times its networks.
    """
    _make_weights(kit, folder)
    plan = kit["schedule"]
    times = time_rounds([_frame(kit)], rounds=plan["rounds"], dropped=plan["dropped"], timed=plan["timed"])
    return {"device": _device(with_gpu=True), "conditions": conditions(), "loop": _rounded(times[0])}


def _batch_times(kit: dict[str, Any], folder: str, index: int, provider: str) -> Times:
    names = [call["tracker"] for call in kit["batches"][index]]
    networks = zip(names, prepared_networks(kit, folder, index, provider))
    calls: list[Callable[[], object]] = [_frame(kit, name, work) for name, work in networks]
    plan, count = kit["schedule"], len(kit["batches"])

    def progress(text: str, share: float, figures: Any = None) -> None:
        if not os.path.isdir(folder):
            raise CompressError("the kit was removed while it was measured.")
        print(f"batch {index + 1} of {count}: {share:.0%}", file=sys.stderr, flush=True)

    return settled_rounds(
        [*calls, _frame(kit)],
        rounds=plan["rounds"],
        dropped=plan["dropped"],
        timed=plan["timed"],
        seed=plan["seed"],
        attempts=plan["attempts"],
        progress=progress,
    )


def prepared_networks(kit: dict[str, Any], folder: str, index: int, provider: str) -> Iterator[PreparedNetwork]:
    """What each call of a batch computes.

    A static tracker has a session for each call; the paths of an adaptive one share its sessions.
    """
    from compress.measure.graph_frames import AlongPaths, GraphFrame, GraphStages
    from compress.runtime.sessions import session
    from compress.runtime.staged import Graph

    def graph(name: str, alone: bool) -> Graph:
        path = graph_file(kit, folder, name)
        return Graph(session(path, threads=kit["threads"], alone=alone, provider=provider))

    staged: dict[str, GraphStages] = {}
    for call in kit["batches"][index]:
        name, about = call["tracker"], kit["trackers"][call["tracker"]]
        if "skipped" not in call:
            yield GraphFrame(graph(about["graph"], alone=True))
            continue
        if name not in staged:
            each = [(Stage(**stage), graph(of, alone=False)) for stage, of in about["stages"]]
            heads = {exit: graph(of, alone=False) for exit, of in about["heads"]}
            staged[name] = GraphStages(each, heads)
        taken = ExecutionPath(frozenset(call["skipped"]), call.get("exit"))
        yield AlongPaths(staged[name], repeat(taken))


def _frame(kit: dict[str, Any], tracker: str | None = None, work: PreparedNetwork | None = None) -> TimedFrame:
    """The frame of a tracker, in the loop of its own crops where these are not the teacher's; or the teacher's loop."""
    loop = kit["loop"] if tracker is None else kit["trackers"][tracker].get("loop", kit["loop"])
    return TimedFrame(LoopSettings(**loop["settings"]), loop["maps"], work)


def _make_weights(kit: dict[str, Any], folder: str) -> None:
    make_weights(os.path.join(folder, kit["weights"]["file"]), kit["weights"]["bytes"])


def _device(with_gpu: bool) -> str:
    return ", ".join(part for part in (board(), gpu_name() if with_gpu else "", str(host())) if part)


def _rounded(times: Any) -> list[list[float]]:
    return [[round(ms, 6) for ms in visit] for visit in times.tolist()]
