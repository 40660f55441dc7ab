"""What several processes train together is what one trains on the whole batch: each loss, and whole trainings."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier, local
from typing import Any

import pytest
import torch
from torch import Tensor

from compress.core import BypassSpec
from compress.distill.feature_distillation import feature_loss
from compress.distill.losses import ground_truth_loss
from compress.distill.losses.adaptive import sparsity_loss
from compress.distill.parallel import Ranks

Loss = Callable[[slice, list[Tensor]], Tensor]


class _Two(Ranks):
    """Two threads as two processes: their mean is that of what both bring."""

    def mean(self, values: Tensor) -> Tensor:
        _BROUGHT[self.rank] = values.detach()
        _MET.wait()
        found = torch.stack(_BROUGHT).mean(0)
        _MET.wait()
        return found


_BROUGHT, _MET, _MINE = [torch.zeros(())] * 2, Barrier(2, timeout=60), local()


def _features(rows: slice, values: list[Tensor]) -> Tensor:
    """The second half has lost most of its tokens."""
    alive = torch.ones(4, 6, 1)
    alive[2:, 1:] = 0
    return feature_loss((values[0] * alive)[rows], (values[1].detach() * alive)[rows])


def _centres(rows: slice, values: list[Tensor]) -> Tensor:
    """Of the second half no target's centre is on the map."""
    boxes = torch.tensor([[0.5, 0.5, 0.4, 0.3], [0.2, 0.6, 0.2, 0.2], [1.3, 0.5, 0.3, 0.3], [0.4, -0.3, 0.3, 0.3]])
    maps = {"score_map": values[2].sigmoid(), "size_map": values[3].sigmoid(), "offset_map": values[4].sigmoid()}
    return ground_truth_loss({name: each[rows] for name, each in maps.items()}, boxes[rows])["loss"]


def _skipping(rows: slice, values: list[Tensor]) -> Tensor:
    """The second half is harder."""
    probability = values[5].sigmoid()[rows]
    hard = torch.tensor([0.1, 0.2, 0.9, 1.0])[rows]
    return sparsity_loss(probability, probability > 0.5, hard, BypassSpec(tau0=0.5, zeta=-0.4))


def _values() -> list[Tensor]:
    generator = torch.Generator().manual_seed(0)
    shapes = [(4, 6, 8), (4, 6, 8), (4, 1, 4, 4), (4, 2, 4, 4), (4, 2, 4, 4), (4, 3)]
    return [torch.randn(shape, generator=generator, requires_grad=True) for shape in shapes]


def _with_gradients(loss: Loss, rows: slice) -> list[Tensor]:
    values = _values()
    found = loss(rows, values)
    gradients = torch.autograd.grad(found, values, allow_unused=True)
    return [found.detach(), *(each for each in gradients if each is not None)]


@pytest.mark.parametrize("loss", [_features, _centres, _skipping])
def test_the_mean_of_the_shares_is_the_loss_of_the_whole(loss: Loss, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = _with_gradients(loss, slice(0, 4))

    def share(rank: int) -> list[Tensor]:
        _MINE.ranks = _Two(rank, 2)
        return _with_gradients(loss, slice(2 * rank, 2 * rank + 2))

    monkeypatch.setattr(Ranks, "current", lambda: _MINE.ranks)
    with ThreadPoolExecutor(2) as threads:
        for mine, first, second in zip(whole, *threads.map(share, range(2)), strict=True):
            torch.testing.assert_close((first + second) / 2, mine)


_PROGRAM = """
import json, sys
from dataclasses import replace
import torch
from compress.core import BypassSpec, ExitSpec
from compress.data import open_source
from compress.data.pairs import Jitter, PairRecipe
from compress.distill import PairStream, Pool, StudentRecipe, distill, fixed_pairs
from compress.distill.parallel import Ranks, process_group
from compress.surgery import inherit
from compress.testing.small_trackers import ELIMINATING, SPEC, awake, shorter
from compress.core import Store

CPU = torch.device("cpu")
EXITS = (ExitSpec(1, adapter=2), ExitSpec(2, adapter=1), ExitSpec(4))
CASES = {
    "eliminating": (ELIMINATING, shorter(ELIMINATING)),
    "adaptive": (SPEC, replace(SPEC, bypass=BypassSpec(n_enf=1, tau0=0.6, zeta=-0.4), exits=EXITS)),
}

out, case = sys.argv[1:]
spec, student = CASES[case]
teacher, source = awake(spec), open_source("generated")
# Many a target leaves its crop, and so has no peak.
drawn = PairRecipe(search_jitter=Jitter(8.0, 0.25))
asked, pairs_of = [], type(source).pairs
type(source).pairs = lambda self, *words: (asked.append(words[:3]), pairs_of(self, *words))[1]
recipe = StudentRecipe(batch=16, lr=2e-4, static=0.5)
curve = []
with process_group(CPU) as ranks:
    fixed = lambda: fixed_pairs(spec, source, count=8, seed=1, store=Store())
    stream = PairStream(teacher, source, fixed, workers=0, drawn=drawn)
    note = lambda report: curve.append(dict(report.means))
    distill(inherit(teacher, student), stream, recipe, steps=8, seed=5, device=CPU, observers=[note])
    asked = [each for each in asked if each[0] != 1]
    with open(f"{out}-{ranks.rank}.json", "w") as file:
        json.dump({"curve": curve, "asked": asked}, file)
"""


def _trained(folder: Path, case: str, processes: int) -> list[dict[str, Any]]:
    """The curve and the groups of pairs that were drawn, of each process."""
    program = folder / "program.py"
    program.write_text(_PROGRAM)
    torchrun = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(processes)]
    out = folder / f"{case}{processes}"
    environment = os.environ | {
        "OMP_NUM_THREADS": "1",
        "COMPRESS_HOME": str(folder / "home"),
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
    }
    words = [sys.executable, *(torchrun if processes > 1 else []), str(program), str(out), case]
    done = subprocess.run(words, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    return [json.loads(Path(f"{out}-{rank}.json").read_text()) for rank in range(processes)]


@pytest.mark.slow
@pytest.mark.parametrize("case", ["eliminating", "adaptive"])
def test_two_processes_distil_what_one_does(tmp_path: Path, case: str) -> None:
    """On a stream, with the teacher in the loop; what is eliminated, off the map or skipped differs in number."""
    (alone,), (first, second) = _trained(tmp_path, case, 1), _trained(tmp_path, case, 2)
    assert len(alone["curve"]) == len(first["curve"]) == 8
    for mine, theirs in zip(first["curve"], alone["curve"], strict=True):
        assert mine == pytest.approx(theirs, rel=1e-5, abs=1e-5)
    assert sorted([*first["asked"], *second["asked"]]) == alone["asked"]
    assert len(first["asked"]) == len(second["asked"]), "each draws its share"
