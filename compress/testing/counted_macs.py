"""Multiply-accumulates as a network really runs them, to hold the counts from specs against."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode


@torch.no_grad()
def counted_macs(run: Callable[..., Any], *inputs: Any) -> int:
    """Multiply-accumulates of `run(*inputs)`: matrix products and convolutions, each as it is executed.

    Nothing is traced, so work whose result goes nowhere counts too. Attention runs as two plain products, because
    fused kernels hide theirs. Networks must be in eval mode and their inputs of batch 1.
    """
    with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        run(*inputs)
    return int(counter.get_total_flops()) // 2
