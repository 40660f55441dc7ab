import dataclasses
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from compress.core import HeadSpec, LayerSpec, TrackerSpec
from compress.export import bundle_graphs, frame_graph
from compress.measure import Coverage
from compress.models import Tracker
from compress.testing.shared import Shared


@pytest.fixture(scope="session")
def tiny() -> TrackerSpec:
    """Small enough to be timed in no time, large enough for a block to take longer than a timer's tick."""
    layers = tuple(LayerSpec(source=i, mlp_hidden=256) for i in range(4))
    return TrackerSpec(dim=64, heads=4, layers=layers, template_size=32, search_size=64, head=HeadSpec(channels=16))


@contextmanager
def _graphs_kept(shared: Shared) -> Iterator[None]:
    """Of one spec a graph is exported once for all profiles here: times do not depend on weights."""

    def kept(export: Callable[..., Any]) -> Callable[..., Any]:
        def graphs(model: Tracker, *how: object) -> Any:
            key = hashlib.sha256(f"{export.__name__} {how} {model.spec.to_json()}".encode()).hexdigest()
            return shared.value(f"timed-{key[:20]}", lambda: export(model, *how))

        return graphs

    with pytest.MonkeyPatch.context() as patch:
        for module in ("compress.measure.backends.onnxruntime", "compress.measure.kit.request"):
            for export in (frame_graph, bundle_graphs):
                patch.setattr(f"{module}.{export.__name__}", kept(export))
        yield


@pytest.fixture(scope="module", autouse=True)
def _graphs_once(shared: Shared) -> Iterator[None]:
    with _graphs_kept(shared):
        yield


@pytest.fixture(autouse=True)
def _home(tmp_path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setenv("COMPRESS_HOME", str(tmp_path / "home"))


@dataclasses.dataclass(frozen=True)
class MeasuredKit:
    """A kit of the tiny family in `folder`, written under `home`, and what it measured on this host."""

    id: str
    coverage: Coverage
    home: Path
    folder: Path
    results: Path


@pytest.fixture(scope="session")
def measured_kit(tiny: TrackerSpec, shared: Shared) -> MeasuredKit:
    # Without dimension reduction, which has tests of its own, it is measured in half the time.
    coverage = dataclasses.replace(Coverage.of(tiny), attn_dims=(), mlp_dims=())
    place = shared.folder("measured-kit", lambda place: _measure_kit(tiny, coverage, shared, place))
    id = json.loads((place / "kit" / "kit.json").read_text())["id"]
    return MeasuredKit(id, coverage, place / "home", place / "kit", place / "kit" / "results.json")


def _measure_kit(spec: TrackerSpec, coverage: Coverage, shared: Shared, place: Path) -> None:
    from compress.measure.kit.request import Request
    from compress.measure.kit.writing import emit_kit
    from compress.measure.remote_profiles import Device

    folder, scratch = place / "kit", place / "scratch"
    scratch.mkdir()
    with pytest.MonkeyPatch.context() as patch, _graphs_kept(shared):
        patch.setenv("COMPRESS_HOME", str(place / "home"))
        emit_kit(Request(Device.of("board"), spec, coverage, provider="cpu"), folder)
    # Isolated, in another folder, so that nothing but what is installed beside numpy can be imported.
    words = [sys.executable, "-I", str(folder / "measure.pyz")]
    environment = os.environ | {"TMPDIR": str(scratch)}
    done = subprocess.run(words, cwd=scratch, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr


class Clock:
    """A clock that stands still but for `pass_ms`."""

    def __init__(self) -> None:
        self._ns = 0

    def pass_ms(self, ms: float) -> None:
        self._ns += round(ms * 1e6)

    def __call__(self) -> int:
        return self._ns


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock of all timing, so that calls take what a test says, whatever runs beside it."""
    made = Clock()
    monkeypatch.setattr("time.perf_counter_ns", made)
    return made
