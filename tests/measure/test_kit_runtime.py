"""What a kit runs, and the facts and times in its results."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest

from compress.core import BypassSpec, ExecutionPath, ExitSpec, TrackerSpec, worst_path
from compress.core.progress import no_progress
from compress.geometry import LoopSettings
from compress.latency import Conditions
from compress.measure.backends.onnxruntime import OnnxRuntimeBackend
from compress.measure.host import conditions
from compress.measure.kit.request import graphs_of, tracker_entry
from compress.measure.kit.stripped_weights import LOCATION, stripped
from compress.measure.kit_runtime.files import make_weights
from compress.measure.kit_runtime.measuring import prepared_networks
from compress.measure.timed_frame import TimedFrame
from compress.measure.timing import drift, noise, settled_rounds, spread, unsteadiness
from compress.runtime.sessions import CPU


def test_frames_take_the_paths_of_the_plan(tiny: TrackerSpec, tmp_path: Path) -> None:
    """As on this host: a static tracker's frame is one graph, an adaptive one's goes along the path of each call."""
    adaptive = replace(tiny, bypass=BypassSpec(n_enf=1), exits=(ExitSpec(2, adapter=1), ExitSpec(4)))
    paths = [ExecutionPath(frozenset(), 0), ExecutionPath(frozenset({1, 3}), 1), worst_path(adaptive)]
    kit = _kit(tmp_path, [tiny, adaptive])
    kit["batches"] = [[{"tracker": tiny.id}, *(path.to_dict() | {"tracker": adaptive.id} for path in paths)]]
    static, *staged = prepared_networks(kit, str(tmp_path), 0, CPU)
    crop = np.zeros((1, 3, 64, 64), np.float32)
    assert static.track(crop) is None
    assert [work.track(crop) for work in staged] == paths
    frame = TimedFrame(LoopSettings(**kit["loop"]["settings"]), kit["loop"]["maps"], staged[0])
    frame()


def test_a_tracker_of_smaller_crops_runs_in_a_loop_of_its_own(tiny: TrackerSpec, tmp_path: Path) -> None:
    """Its graph takes no other crop; a tracker of the teacher's crops needs no loop beside the kit's."""
    smaller = replace(tiny, search_size=48)
    kit = _kit(tmp_path, [tiny, smaller])
    assert "loop" not in kit["trackers"][tiny.id]
    loop = kit["trackers"][smaller.id]["loop"]
    assert (loop["settings"]["search_size"], loop["maps"]["score_map"]) == (48, [1, 3, 3])
    kit["batches"] = [[{"tracker": smaller.id}]]
    (work,) = prepared_networks(kit, str(tmp_path), 0, CPU)
    frame = TimedFrame(LoopSettings(**loop["settings"]), loop["maps"], work)
    frame()


def _kit(folder: Path, specs: list[TrackerSpec]) -> dict[str, Any]:
    """A kit of a few trackers, as far as running their frames needs it."""
    (folder / "graphs").mkdir()
    recipe = OnnxRuntimeBackend().kit
    kit = {"threads": 1, "graphs": {}, "trackers": {spec.id: tracker_entry(spec, specs[0]) for spec in specs}}
    kit["loop"] = {"settings": asdict(LoopSettings.of(specs[0])), "maps": specs[0].maps}
    for name, graph in graphs_of(SimpleNamespace(specs=specs), recipe, no_progress):  # type: ignore[arg-type]
        light, size = stripped(graph)
        file = folder / "graphs" / f"{name}.onnx"
        file.write_bytes(light)
        kit["graphs"][name] = {"file": f"graphs/{name}.onnx", "sha256": hashlib.sha256(light).hexdigest()}
        make_weights(str(folder / "graphs" / f"{name}.bin"), size)
    largest = max((folder / "graphs").glob("*.bin"), key=lambda path: path.stat().st_size)
    largest.rename(folder / "graphs" / LOCATION)
    return json.loads(json.dumps(kit))


def test_conditions_are_facts_in_a_line() -> None:
    before = conditions()
    found = Conditions(**conditions(before | {"celsius": "1"}))
    assert list(found.problems()) == []
    assert found.when.endswith("Z")
    assert found.loop == f"opencv {cv2.__version__}"
    assert found.celsius.startswith("1 before, ")
    assert list(replace(found, gpu="a\nb").problems()) == ["gpu must be at most 300 printable characters"]


def test_throttling_and_noise_are_told_apart() -> None:
    even = np.tile(np.linspace(1.0, 1.1, 5), (3, 12, 1))
    assert unsteadiness(even) == ""
    assert noise(even) == 0
    throttled, uneven = even.copy(), even.copy()
    throttled[:, 6:] *= 1.5
    uneven[:, ::2] *= 1.5
    assert drift(throttled) == pytest.approx(0.5)
    assert unsteadiness(throttled).startswith("it became 50% slower while it was timed: it throttles")
    assert noise(throttled) == pytest.approx(0.45)  # 5% is usual
    assert spread(uneven) == pytest.approx(0.5)
    assert unsteadiness(uneven) == "two halves of the rounds are 50% apart: something else ran beside"
    assert noise(uneven) == pytest.approx(0.45)


def test_rounds_from_before_a_change_of_speed_are_dropped(clock: Any) -> None:
    """A call that becomes slower after half of four rounds is measured again from then on."""
    calls = iter(range(10**6))

    def throttling() -> None:
        clock.pass_ms(1 if next(calls) < 2 * 8 else 10)

    assert settled_rounds([throttling], rounds=4).shape[1] == 4
