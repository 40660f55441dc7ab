"""A search whose students have layers of several widths and numbers of heads, to a bundle that tracks."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from compress import search
from compress.archive import read_knobs
from compress.testing.commands import exit_code
from compress.testing.small_teacher import SMALL

SPACE = """
per_layer: true
knobs:
  depth: [2, 3]
  mlp_ratio: [1, 2, 4]
  heads: [1, 1/2]
"""


@pytest.mark.slow
@pytest.mark.parametrize("sampler", ["prior", "tpe"])
def test_layers_differ_from_the_study_to_the_bundle(sampler: str, tmp_path: Path, weights: str, data: str) -> None:
    space, run, bundle = tmp_path / "layers.yaml", tmp_path / "run", tmp_path / "bundle"
    space.write_text(SPACE)
    settings = {"weights": weights, "data": data, "target": "agx", "steps": 2, "sampler": sampler, "pool": 64}
    found = search(out=run, teacher=SMALL, space=str(space), trials=8, speedup=1.01, device="cpu", seed=1, **settings)
    done = [record for record in found.records if record.status == "done"]
    mixed = [each for each in done if len({(x.heads, x.mlp_hidden) for x in each.spec.layers}) > 1]
    assert mixed
    record = next((each for each in mixed if any(x.heads for x in each.spec.layers)), mixed[0])
    knobs = read_knobs(run)[record.variant]
    for layer in record.spec.layers:
        assert knobs[f"heads.{layer.source}"] == (1 if layer.heads is None else "1/2")
        assert layer.mlp_hidden == min(4, knobs[f"mlp_ratio.{layer.source}"]) * record.spec.dim
    widths = [str(x.mlp_hidden) for x in record.spec.layers]
    row = next(
        each
        for each in csv.DictReader((run / "trials.csv").read_text().splitlines())
        if each["variant"] == record.variant
    )
    assert row["mlp_hidden"] == (" ".join(widths) if len(set(widths)) > 1 else widths[0])
    assert exit_code("export", str(run), "--variant", record.variant, "--data", data, "--out", str(bundle)) == 0
    assert exit_code("verify", str(bundle)) == 0
    assert exit_code("evaluate", str(bundle), "--data", data) == 0
