"""How a device computes a training: half precision with loss scaling, layout, layers computed twice, compilation."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar
from functools import partial
from typing import Any

import torch
from torch import nn
from torch.amp import GradScaler
from torch.utils.checkpoint import checkpoint

from compress.core import CompressError
from compress.distill.trainer_settings import ComputeSettings, Precision
from compress.models.blocks import Block
from compress.models.levit.backbone import LevitBlock, Shrink

_LAYERS = (Block, LevitBlock, Shrink)
_COMPUTATIONS = ("forward", "eliminate")
"""Methods of a layer that hold what is expensive to remember."""

_HALF: ContextVar[torch.dtype | None] = ContextVar("half precision of the training that runs")


def half_type(precision: Precision, device: torch.device) -> torch.dtype | None:
    """What the network computes in; None for single precision."""
    if precision == "auto":
        if device.type != "cuda":
            return None
        return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float16
    return {"fp32": None, "bf16": torch.bfloat16, "fp16": torch.float16}[precision]


def network_autocast(device: torch.device) -> torch.autocast:
    """Around a network's forward pass: the precision of the training that runs, or `auto` where none does.

    Losses are computed outside of it, in single precision.
    """
    half = _HALF.get(half_type("auto", device))
    return torch.autocast(device.type, half or torch.bfloat16, enabled=half is not None)


def loss_scaler(precision: Precision, device: torch.device) -> GradScaler:
    """Scales the loss where the network computes in fp16, whose gradients would vanish; does nothing elsewhere."""
    return GradScaler(device.type, enabled=half_type(precision, device) is torch.float16)


def lay_out(model: nn.Module, settings: ComputeSettings, device: torch.device) -> None:
    """Give convolutions the layout that the settings name, in place."""
    last = settings.memory_format == "channels-last" or (settings.memory_format == "auto" and device.type == "cuda")
    if last:
        model.to(memory_format=torch.channels_last)


@contextmanager
def computing(model: nn.Module, settings: ComputeSettings, device: torch.device) -> Iterator[None]:
    """Within it the network computes as the settings say.

    Raises:
        CompressError: it should be compiled, and nothing can be compiled on this machine.
    """
    token = _HALF.set(half_type(settings.precision, device))
    undo = _recompute(model) if settings.recompute == "yes" else []
    if settings.compile == "yes":
        _check_compiler(device)
        model.compile()
    try:
        yield
    finally:
        _HALF.reset(token)
        for each in undo:
            each()
        if settings.compile == "yes":
            model._compiled_call_impl = None


def _recompute(model: nn.Module) -> list[Callable[[], None]]:
    """Have every layer computed again in the backward pass; what undoes that is returned."""
    undo: list[Callable[[], None]] = []
    for layer in model.modules():
        for name in _COMPUTATIONS if isinstance(layer, _LAYERS) else ():
            if hasattr(layer, name):
                # As an attribute of this layer it hides the method of its class.
                setattr(layer, name, partial(_checkpointed, layer, getattr(layer, name)))
                undo.append(partial(delattr, layer, name))
    return undo


def _checkpointed(layer: nn.Module, computation: Callable[..., Any], *inputs: Any, **options: Any) -> Any:
    if not torch.is_grad_enabled():
        return computation(*inputs, **options)
    norms = [each for each in layer.modules() if isinstance(each, nn.modules.batchnorm._BatchNorm) and each.training]
    if norms and not torch.compiler.is_compiling():  # a compiled layer changes its buffers once
        # Around the first computation, and around the second.
        options["context_fn"] = lambda: (nullcontext(), _kept_statistics(norms))
    return checkpoint(computation, *inputs, use_reentrant=False, **options)


@contextmanager
def _kept_statistics(norms: Sequence[nn.Module]) -> Iterator[None]:
    """Within it batch norms see a batch for the second time, which their running statistics do not count."""
    kept = [(buffer, buffer.clone()) for norm in norms for buffer in norm.buffers()]
    try:
        yield
    finally:
        with torch.no_grad():
            for buffer, before in kept:
                buffer.copy_(before)


def _check_compiler(device: torch.device) -> None:
    try:
        torch.compile(lambda x: x + 1)(torch.zeros(2, device=device))
    except Exception as error:  # of many kinds, of which none is public
        first = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise CompressError(
            f"torch.compile does not work on this machine ({first}). It takes a C++ compiler on a CPU and Triton on a "
            "GPU; train without --compile."
        ) from error
