"""How a device computes a training changes nothing but rounding: precision, layout, parts of batches, recomputation."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from compress.core import TRACKERS, CompressError, TrackerSpec, UsageError, describe
from compress.distill import Checkpoint, ComputeSettings, Trainer, TrainerSettings
from compress.distill.compute import computing, half_type, network_autocast
from compress.models import build
from compress.testing.small_specs import small
from compress.testing.small_trackers import LEVIT, SPEC

CPU = torch.device("cpu")
SETTINGS = TrainerSettings(steps=18, lr=0.01, warmup=2, weight_decay=0.01, ema=0.9, report_every=30)


def _batches(start: int) -> Generator[Tensor, None, None]:
    while True:
        yield torch.randn(6, 3, 8, 8, generator=torch.Generator().manual_seed(start))
        start += 1


def _model() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 36, 1))


def _trainer(
    compute: ComputeSettings,
    extra: Callable[[nn.Module, int], Tensor] = lambda model, step: torch.zeros(()),
    seen: list[torch.dtype] | None = None,
    **options: Any,
) -> Trainer[nn.Module, Tensor]:
    model = _model()

    def objective(batch: Tensor, step: int) -> dict[str, Tensor]:
        with network_autocast(CPU):
            out = model(batch)
        if seen is not None:
            seen.append(out.dtype)
        return {"loss": (out.float() - 1).square().mean() + extra(model, step)}

    return Trainer(model, objective, _batches, replace(SETTINGS, compute=compute), device=CPU, **options)


def _weights(compute: ComputeSettings, **options: Any) -> dict[str, Tensor]:
    return _trainer(compute, **options).run().state_dict()


def _stop_at(step: int) -> Callable[[int], None]:
    def before(now: int) -> None:
        if now == step:
            raise KeyboardInterrupt

    return before


def test_a_batch_in_parts_has_the_gradients_of_the_whole() -> None:
    whole, parts = _weights(ComputeSettings()), _weights(ComputeSettings(accumulate=3))
    for name, value in whole.items():
        torch.testing.assert_close(parts[name], value, rtol=1e-4, atol=1e-6)
    with pytest.raises(UsageError, match="6 pairs cannot be split into 4 equal parts.*--accumulate"):
        _weights(ComputeSettings(accumulate=4))


@pytest.mark.parametrize(
    ("precision", "dtype"), [("auto", torch.float32), ("bf16", torch.bfloat16), ("fp16", torch.float16)]
)
def test_the_network_computes_in_the_precision_asked_for(precision: Any, dtype: torch.dtype) -> None:
    seen: list[torch.dtype] = []
    found = _weights(ComputeSettings(precision=precision), seen=seen)
    assert set(seen) == {dtype}
    off = 0.02 if precision != "fp16" else 0.2  # which leaves out the first steps
    for name, value in _weights(ComputeSettings()).items():
        torch.testing.assert_close(found[name], value, rtol=0.1, atol=off)
    assert network_autocast(CPU)._enabled is False, "the training that ran leaves nothing behind"


def test_full_precision_is_what_a_cpu_takes_by_itself() -> None:
    assert half_type("auto", CPU) is half_type("fp32", CPU) is None


@pytest.mark.parametrize("compute", [{"precision": "fp16"}, {"memory_format": "channels-last"}, {"accumulate": 2}])
def test_a_stopped_run_continues_exactly(tmp_path: Path, compute: dict[str, Any]) -> None:
    """Under fp16 with the scale of the loss, which has come down by then; with convolutions laid out anew."""
    settings, kept = ComputeSettings(**compute), Checkpoint(tmp_path / "state.safetensors", every_s=0.0)
    with pytest.raises(KeyboardInterrupt):
        _trainer(settings, _steep, checkpoint=kept, before=_stop_at(7)).run()
    found = _trainer(settings, _steep, checkpoint=kept).run().state_dict()
    for name, value in _weights(settings, extra=_steep).items():
        assert torch.equal(found[name], value)
        assert value.is_contiguous()


def _steep(model: nn.Module, step: int) -> Tensor:
    """A loss whose gradients pass the range of fp16 where it is scaled by more than 6,550."""
    bias = model[3].bias  # type: ignore[index]
    return (bias.half() * 1e4).float().sum() * 1e-3 if step < 12 else torch.zeros(())


def test_steps_whose_scaled_gradients_overflow_are_left_out(tmp_path: Path) -> None:
    kept = Checkpoint(tmp_path / "state.safetensors")
    before = _model().state_dict()
    _trainer(ComputeSettings(precision="fp16"), _steep, checkpoint=kept).run()
    state = load_file(kept.path)
    assert 1 <= float(state["scaler.scale"]) < 65536
    assert 0 < float(state["adamw.0.step"]) < SETTINGS.steps
    assert not torch.equal(state["trained.0.3.weight"], before["3.weight"])


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_divergence_is_found_under_a_scaled_loss_too(tmp_path: Path, value: float) -> None:
    kept = Checkpoint(tmp_path / "state.safetensors", every_s=0.0)
    broken = lambda model, step: torch.tensor(value if step == 6 else 0.0)  # noqa: E731
    with pytest.raises(CompressError, match=rf"diverged at step 7 of 18: loss is {value}"):
        _trainer(ComputeSettings(precision="fp16"), broken, checkpoint=kept).run()
    assert all(each.isfinite().all() for each in load_file(kept.path).values())


def test_a_gradient_that_no_scale_helps_is_divergence() -> None:
    """After as many steps as it takes to scale by 1."""
    kink = lambda model, step: (model[3].bias * 0).square().sum().sqrt()  # noqa: E731
    with pytest.raises(CompressError, match="diverged at step 17 of 18: gradient is nan"):
        _trainer(ComputeSettings(precision="fp16"), kink).run()


@pytest.mark.parametrize("spec", [SPEC, LEVIT], ids=["vit", "levit"])
def test_layers_computed_twice_have_the_same_gradients(spec: TrackerSpec) -> None:
    """With stochastic depth, whose draws are repeated."""
    template, search = torch.randn(2, 3, *[spec.template_size] * 2), torch.randn(2, 3, *[spec.search_size] * 2)

    def gradients(recompute: Any) -> tuple[list[Tensor | None], int]:
        torch.manual_seed(0)
        model, count = build(spec, drop_path=0.5).train(), []
        layer = model.get_submodule("backbone.blocks.1.mlp")
        layer.register_forward_hook(lambda *_: count.append(1))
        with computing(model, ComputeSettings(recompute=recompute), CPU):
            torch.manual_seed(1)
            sum(each.float().sum() for each in model(template, search).maps.values()).backward()  # type: ignore[union-attr]
        assert "forward" not in vars(model.get_submodule("backbone.blocks.1"))
        return [each.grad for each in model.parameters()], len(count)

    (once, few), (twice, many) = gradients("no"), gradients("yes")
    assert many > few
    for a, b in zip(once, twice, strict=True):
        assert (a is None) == (b is None)
        assert a is None or b is None or torch.equal(a, b)


@pytest.mark.parametrize("name", TRACKERS.names())
def test_layers_computed_twice_see_a_batch_once(name: str) -> None:
    """The running statistics of batch norms, with and without a momentum, are those of layers computed once."""
    spec = small(describe(name))
    template, search = torch.randn(2, 3, *[spec.template_size] * 2), torch.randn(2, 3, *[spec.search_size] * 2)

    def statistics(recompute: Any) -> dict[str, Tensor]:
        torch.manual_seed(0)
        model = build(spec).train()
        for norm in [each for each in model.modules() if isinstance(each, nn.modules.batchnorm._BatchNorm)][::2]:
            norm.momentum = None
        with computing(model, ComputeSettings(recompute=recompute), CPU):
            for _ in range(2):
                sum(each.float().sum() for each in model(template, search).maps.values()).backward()  # type: ignore[union-attr]
        return dict(model.named_buffers())

    once, twice = statistics("no"), statistics("yes")
    assert all(torch.equal(value, twice[name]) for name, value in once.items())


@pytest.mark.slow
def test_a_compiled_network_learns_the_same() -> None:
    compiled = _weights(ComputeSettings(compile="yes"))
    for name, value in _weights(ComputeSettings()).items():
        torch.testing.assert_close(compiled[name], value, rtol=1e-4, atol=1e-5)
