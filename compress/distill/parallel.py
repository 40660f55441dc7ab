"""Several processes that train one network together, started by `torchrun`: each takes its share of every batch."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, distributed, nn

from compress.core import UsageError
from compress.distill.batch_shares import equal_part

_VARIABLES = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT")


@dataclass(frozen=True)
class Ranks:
    """This process among those that train together.

    Attributes:
        rank: Its number; 0 writes what is kept.
        count: Of processes; 1 where it trains alone.
    """

    rank: int = 0
    count: int = 1

    @classmethod
    def current(cls) -> Ranks:
        """Those of the process group that there is."""
        if distributed.is_available() and distributed.is_initialized():
            return cls(distributed.get_rank(), distributed.get_world_size())
        return cls()

    @property
    def first(self) -> bool:
        """Whether this process writes files and shows progress."""
        return self.rank == 0

    def part(self, count: int) -> slice:
        """Which rows of a batch of `count` are this process's share: by position, as many in each process.

        Raises:
            UsageError: they do not divide.
        """
        return equal_part(count, self.rank, self.count)

    def mean(self, values: Tensor) -> Tensor:
        """The mean over all processes; NaN where it is NaN in one."""
        if self.count == 1:
            return values
        found = values.detach().clone()
        distributed.all_reduce(found)
        return found / self.count

    def any(self, flag: bool, device: torch.device) -> bool:
        """Whether a flag is up in one of the processes; the same answer in all."""
        if self.count == 1:
            return flag
        found = torch.tensor(float(flag), device=device)
        distributed.all_reduce(found)
        return bool(found > 0)

    def seed(self, step: int, initial: int) -> None:
        """Have other processes than the first draw numbers of their own at a step, the same ones when it comes again.

        The first one's generator goes on from step to step, and its state is kept.
        """
        if self.rank:
            torch.manual_seed((initial + 1_000_003 * step + self.rank) % 2**63)


def counted_mean(total: Tensor, counted: Tensor) -> Tensor:
    """`total` over how many were `counted`, such that its mean over all processes is that of all that these count.

    Gradients are averaged over processes, so a mean over what differs in number from one to the other, such as tokens
    that were not eliminated, would give less to each where there are more. Where nothing is counted it is `total`.
    """
    ranks = Ranks.current()
    return total / ranks.mean(counted.float()).clamp_min(1 / ranks.count)


@contextmanager
def process_group(device: torch.device) -> Iterator[Ranks]:
    """Within it the processes that `torchrun` started can train together; this one alone where it started none.

    Raises:
        UsageError: the variables that torchrun sets are not numbers, or there are fewer GPUs than processes here.
    """
    if distributed.is_initialized() or not all(os.environ.get(name) for name in _VARIABLES):
        yield Ranks.current()
        return
    ranks, local = Ranks(_number("RANK"), _number("WORLD_SIZE")), _number("LOCAL_RANK")
    if ranks.count == 1:
        yield ranks
        return
    if device.type == "cuda":
        _take_gpu(local)
    distributed.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield ranks
    finally:
        distributed.destroy_process_group()


def _number(name: str) -> int:
    text = os.environ[name]
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise UsageError(f"The environment variable {name} must be a whole number but is {text!r}. Use torchrun.")
    return int(text)


def _take_gpu(local: int) -> None:
    count = torch.cuda.device_count()
    if local >= count:
        raise UsageError(f"torchrun started more processes here than there are GPUs; give --nproc-per-node {count}.")
    torch.cuda.set_device(local)


@contextmanager
def synced_batch_norms(model: nn.Module) -> Iterator[None]:
    """Within it batch norms in train mode take the statistics of the whole batch, over all processes.

    `torch.nn.SyncBatchNorm` does so too, but neither on a CPU nor under the class that export looks for.
    """
    norms = [each for each in model.modules() if isinstance(each, nn.modules.batchnorm._BatchNorm)]
    for norm in norms:
        # As an attribute of this norm it hides the method of its class.
        vars(norm)["forward"] = partial(_normalised, norm, norm.forward)
    try:
        yield
    finally:
        for norm in norms:
            del vars(norm)["forward"]


def _normalised(norm: nn.modules.batchnorm._BatchNorm, alone: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    if not norm.training:
        return alone(x)
    over = [0, *range(2, x.ndim)]
    shape = (1, -1, *[1] * (x.ndim - 2))
    count = x.numel() / x.shape[1] * distributed.get_world_size()
    exact = x.float() if x.dtype in (torch.float16, torch.bfloat16) else x
    mean = _Sum.apply(exact.sum(over)) / count
    apart = exact - mean.view(shape)
    variance = _Sum.apply(apart.square().sum(over)) / count
    _note_statistics(norm, mean.detach(), variance.detach() * count / max(1.0, count - 1))
    out: Tensor = apart * (variance + norm.eps).rsqrt().view(shape)
    if norm.affine:
        out = out * norm.weight.view(shape) + norm.bias.view(shape)
    return out.to(x.dtype)


@torch.no_grad()
def _note_statistics(norm: nn.modules.batchnorm._BatchNorm, mean: Tensor, variance: Tensor) -> None:
    if norm.running_mean is None or norm.running_var is None or norm.num_batches_tracked is None:
        return
    norm.num_batches_tracked.add_(1)
    momentum = 1 / float(norm.num_batches_tracked) if norm.momentum is None else norm.momentum
    norm.running_mean.lerp_(mean, momentum)
    norm.running_var.lerp_(variance, momentum)


class _Sum(torch.autograd.Function):
    """The sum over all processes; so is its gradient."""

    @staticmethod
    def forward(ctx: Any, values: Tensor) -> Tensor:
        found = values.clone()
        distributed.all_reduce(found)
        return found

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        found = gradients[0].clone()
        distributed.all_reduce(found)
        return found
