"""The pool: made once, the same for any number of workers, and what the teacher really says."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from compress.core import BypassSpec, CompressError, ExecutionPath, ExitSpec, Store
from compress.data import PairSizes, open_source
from compress.data.generated import sample_pairs
from compress.data.worker import make_pairs
from compress.distill import Pool, distillation_pool, pool_bytes, to_input
from compress.distill.feature_distillation import distilled_layers
from compress.geometry import normalise
from compress.models import Tracker, build
from compress.testing.small_trackers import SPEC, TEACHERS

CPU = torch.device("cpu")
GENERATED = open_source("generated")


@pytest.mark.parametrize("kind", TEACHERS)
def test_pool_holds_the_teachers_answers(awake_teacher: Callable[[str], tuple[Tracker, Pool]], kind: str) -> None:
    teacher, pool = awake_teacher(kind)
    with torch.inference_mode():
        out = teacher(to_input(pool.template[70:75]), to_input(pool.search[70:75]), collect=True)
    assert pool.maps.keys() == out.maps.keys() == teacher.spec.maps.keys()
    for name, values in out.maps.items():
        torch.testing.assert_close(pool.maps[name][70:75].float(), values, atol=5e-3, rtol=5e-3)
    assert out.layers is not None
    assert sorted(pool.layers) == ([1, 3, 5] if kind == "levit" else [0, 3]) == distilled_layers(teacher.spec)
    for index, tokens in pool.layers.items():
        torch.testing.assert_close(tokens[70:75].float(), out.layers[index], atol=2e-2, rtol=5e-3)


def test_crops_become_what_the_frame_loop_makes_of_them() -> None:
    crops = torch.randint(256, (3, 16, 16, 3), dtype=torch.uint8)
    for mine, crop in zip(to_input(crops).numpy(), crops.numpy(), strict=True):
        np.testing.assert_array_equal(mine[None], normalise(crop))


def test_an_adaptive_teacher_is_asked_for_its_best(tmp_path: Path) -> None:
    """Whatever it would have decided: every layer runs, and the last exit answers."""
    spec = replace(SPEC, bypass=BypassSpec(n_enf=1, rho=0.0), exits=(ExitSpec(2, tau=0.0), ExitSpec(4)))
    teacher = build(spec).eval()
    pool = distillation_pool(teacher, GENERATED, count=8, seed=1, store=Store(tmp_path), device=CPU)
    crops = to_input(pool.template), to_input(pool.search)
    with torch.inference_mode():
        free, out = teacher(*crops), teacher(*crops, every_exit=True, forced_path=ExecutionPath(skipped=frozenset()))
    assert bool((free.decisions.exit == 0).all())
    assert bool(free.decisions.skipped.any())
    for name, values in out.decisions.exits[-1].maps.items():
        torch.testing.assert_close(pool.maps[name].float(), values, atol=5e-3, rtol=5e-3)
    assert all(bool(torch.isfinite(tokens).all()) for tokens in pool.layers.values())


@pytest.mark.parametrize("kind", TEACHERS)
def test_memory_of_a_pair_is_what_it_takes(awake_teacher: Callable[[str], tuple[Tracker, Pool]], kind: str) -> None:
    teacher, pool = awake_teacher(kind)
    tensors = [pool.template, pool.search, pool.boxes, *pool.maps.values(), *pool.layers.values()]
    assert pool_bytes(teacher.spec) * len(pool) == sum(t.numel() * t.element_size() for t in tensors)


def test_pairs_do_not_depend_on_the_workers(pool: Pool) -> None:
    sizes = PairSizes(32, 64)
    one = list(make_pairs(GENERATED, 1, [64, 32, 64], workers=1, sizes=sizes))
    direct = sample_pairs(1, 1, 32, template_size=32, search_size=64)
    assert (one[1].search == direct.search).all()
    two = list(make_pairs(GENERATED, 1, [64, 64], workers=2, sizes=sizes))
    assert (pool.search[64:128].numpy() == two[1].search).all()


def _make(teacher: Tracker, folder: Path, key: str = "a") -> Pool:
    return distillation_pool(teacher, GENERATED, count=64, seed=2, store=Store(folder), device=CPU, weights_key=key)


def test_made_once_and_again_when_cut_or_when_the_weights_are_others(teacher: Tracker, tmp_path: Path) -> None:
    first = _make(teacher, tmp_path)
    made = {entry.path: entry.path.stat().st_ino for entry in Store(tmp_path).entries()}
    assert len(made) == 2
    _make(teacher, tmp_path)
    assert {entry.path: entry.path.stat().st_ino for entry in Store(tmp_path).entries()} == made
    for path in made:
        cut = path.read_bytes()[:500]
        path.unlink()
        path.write_bytes(cut)
    again = _make(teacher, tmp_path)
    assert torch.equal(first.search, again.search)
    assert torch.equal(first.maps["score_map"], again.maps["score_map"])
    _make(teacher, tmp_path, key="b")
    assert len(Store(tmp_path).entries()) == 3


def test_a_failed_worker_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(CompressError, match="Making training pairs failed"):
        list(
            make_pairs(open_source("generated", images=str(tmp_path / "absent")), 1, [4], workers=1, sizes=PairSizes())
        )


def test_a_script_without_a_main_guard_can_make_a_pool(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "from compress.data import PairSizes, open_source\n"
        "from compress.data.worker import make_pairs\n"
        "pairs = make_pairs(open_source('generated'), 1, [4, 4, 4], workers=2, sizes=PairSizes())\n"
        "print(sum(map(len, pairs)))\n"
    )
    root = str(Path(__file__).parents[2])
    done = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, timeout=60, env={"PYTHONPATH": root}
    )
    assert done.stdout.strip() == "12", done.stderr
