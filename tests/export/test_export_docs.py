"""What docs/export.md says can be done is done."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from compress.export import export_bundle
from compress.models import Tracker
from compress.runtime import BundleNetwork, open_bundle
from compress.testing.bundle_specs import ADAPTIVE

ROOT = Path(__file__).parents[2]
DOCS = (ROOT / "docs" / "export.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["both", "bypass-first", "exits"])
def test_the_loop_over_stages_goes_the_bundles_path(
    name: str, adaptive: Callable[[str], Tracker], square: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = open_bundle(export_bundle(adaptive(name), tmp_path / "bundle", sequence=square, provenance={}))
    (code,) = re.findall(r"```python\n(.*?)```", DOCS, flags=re.DOTALL)
    monkeypatch.chdir(tmp_path)
    told: dict[str, Any] = {}
    exec(code, told)
    network, spec, rng, paths = BundleNetwork(bundle), ADAPTIVE[name], np.random.default_rng(0), set()
    template, *crops = (
        rng.standard_normal((1, 3, size, size), dtype=np.float32)
        for size in (spec.template_size, *[spec.search_size] * 10)
    )
    for search in crops:
        maps, exit = told["track"](search, told["run"]("template.onnx", {"template": template}))
        wanted = network.track(search, network.encode_template(template))
        assert wanted.path is not None
        assert exit == wanted.path.exit
        for key, value in wanted.maps.items():
            np.testing.assert_allclose(maps[key], value, atol=1e-6)
        paths.add(wanted.path)
    assert len(paths) > 1


def test_figures_are_those_of_the_code() -> None:
    from compress.export.parity import BOX_TOLERANCE, MAP_TOLERANCE, NEAR_THRESHOLD
    from compress.export.tracing import OPSET

    assert (MAP_TOLERANCE, NEAR_THRESHOLD, BOX_TOLERANCE, OPSET) == (0.001, 0.001, 0.5, 17)
    for words in (f"scores within {MAP_TOLERANCE:g}", f"within {NEAR_THRESHOLD:g} of its threshold", "half a pixel"):
        assert words in " ".join(DOCS.split())
    assert f"opset {OPSET}" in DOCS
