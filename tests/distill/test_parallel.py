"""Processes that train together: their shares of a batch, and batch norms over all of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from torch import Tensor, distributed, nn

from compress.core import TrackerSpec, UsageError
from compress.distill.batch_shares import rows_of, share_of
from compress.distill.parallel import Ranks, process_group, synced_batch_norms
from compress.distill.teacher_batches import TeacherBatch
from compress.testing.small_trackers import SPEC

CPU = torch.device("cpu")


@dataclass(frozen=True)
class _Distilled:
    teacher: TrackerSpec
    boxes: Tensor
    maps: dict[str, Tensor]
    layers: dict[int, Tensor]


def _rows(*shape: int) -> Tensor:
    return torch.arange(6.0).view(6, *[1] * (len(shape) - 1)).expand(*shape)


_BATCHES: dict[str, Any] = {
    "tensor": _rows(6, 2),
    "tuple": (_rows(6), _rows(6, 3)),
    "pairs": TeacherBatch(_rows(6, 4, 4, 3), _rows(6, 8, 8, 3), _rows(6, 4)),
    "distilled": _Distilled(SPEC, _rows(6, 4), {"score_map": _rows(6, 1, 4, 4)}, {3: _rows(6, 16, 8)}),
}


def _all(value: Any) -> list[Tensor]:
    if isinstance(value, Tensor):
        return [value]
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, tuple) else vars(value).values()
    return [tensor for each in parts if isinstance(each, Tensor | dict) for tensor in _all(each)]


@pytest.mark.parametrize("name", _BATCHES)
def test_shares_are_equal_and_together_the_whole(name: str) -> None:
    batch = _BATCHES[name]
    assert rows_of(batch) == 6
    shares = [share_of(batch, i, 3) for i in range(3)]
    assert all(type(each) is type(batch) and rows_of(each) == 2 for each in shares)
    for whole, *parts in zip(_all(batch), *map(_all, shares), strict=True):
        assert torch.equal(torch.cat(parts), whole)
    assert share_of(batch, 0, 1) is batch


def test_the_spec_in_a_batch_stays_what_it_is() -> None:
    assert share_of(_BATCHES["distilled"], 1, 2).teacher is SPEC


def test_a_batch_that_does_not_divide_is_refused() -> None:
    with pytest.raises(UsageError, match="6 pairs cannot be split into 4 equal parts"):
        share_of(_BATCHES["pairs"], 0, 4)


def test_one_process_is_a_group_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    with process_group(CPU) as alone:
        assert alone == Ranks(0, 1)
        assert alone.first
        assert not alone.any(False, CPU)
    state = torch.get_rng_state()
    alone.seed(3, 4)
    assert torch.equal(torch.get_rng_state(), state)
    for name in ("RANK", "WORLD_SIZE", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT"):
        monkeypatch.setenv(name, "-1")
    with pytest.raises(UsageError, match="RANK must be a whole number but is '-1'"), process_group(CPU):
        pass


def test_other_processes_draw_other_numbers_and_the_same_ones_again() -> None:
    def drawn(rank: int, step: int) -> float:
        Ranks(rank, 3).seed(step, 5)
        return float(torch.rand(()))

    with torch.random.fork_rng(devices=[]):
        assert len({drawn(rank, step) for rank in (1, 2) for step in range(4)}) == 8
        assert drawn(1, 2) == drawn(1, 2)


@pytest.fixture
def group() -> Iterator[None]:
    distributed.init_process_group("gloo", store=distributed.HashStore(), rank=0, world_size=1)
    yield
    distributed.destroy_process_group()


@pytest.mark.usefixtures("group")
@pytest.mark.parametrize(("norm", "shape"), [(nn.BatchNorm2d(3), (4, 3, 5, 5)), (nn.BatchNorm1d(3), (8, 3))])
def test_batch_norms_over_a_group_are_pytorchs(norm: nn.Module, shape: tuple[int, ...]) -> None:
    """Of one process; two of them are tried where a whole training is."""
    torch.manual_seed(0)
    found: dict[bool, list[Tensor]] = {}
    for synced in (False, True):
        norm.reset_parameters()  # type: ignore[operator]
        x = torch.randn(*shape, generator=torch.Generator().manual_seed(1), requires_grad=True)
        weight = torch.randn(*shape, generator=torch.Generator().manual_seed(2))
        with synced_batch_norms(norm.train()) if synced else torch.enable_grad():
            out = norm(x)
            (out * weight).sum().backward()
        norm.zero_grad()
        found[synced] = [out.detach(), x.grad, norm.running_mean.clone(), norm.running_var.clone()]  # type: ignore[list-item, operator]
        assert int(norm.num_batches_tracked) == 1  # type: ignore[arg-type]
    for mine, theirs in zip(found[True], found[False], strict=True):
        torch.testing.assert_close(mine, theirs)
    with synced_batch_norms(norm.eval()):
        assert torch.equal(norm(x), nn.functional.batch_norm(x, norm.running_mean, norm.running_var))  # type: ignore[arg-type]
