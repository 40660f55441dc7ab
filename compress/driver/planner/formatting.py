"""What a plan has to say beside its figures, and the commands that would train and measure it."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import fields, replace
from pathlib import Path

from compress.archive import variant_name
from compress.core import FileError, LatencyConstraint
from compress.driver.config import SearchConfig
from compress.driver.planner.estimator import Candidate, Estimator
from compress.driver.planner.front import front_of
from compress.measure import Target, same_device
from compress.models import weights_path
from compress.models.checkpoints.layouts import weights_source

_TOLD = ("teacher", "weights", "target", "space", "data", "train_data", "plan", "partial", "threads")
"""Settings that the command names itself, or that mean nothing to it."""


_RUNTIMES = {"pytorch": "PyTorch", "onnxruntime": "onnxruntime"}


def notes(
    estimator: Estimator, target: Target, trials: Sequence[Candidate], constraint: LatencyConstraint
) -> Iterator[str]:
    """What a reader would otherwise take the figures for, a sentence each.

    Args:
        trials: In the order of their variants.
    """
    front = front_of(trials, constraint)
    bound, errors = constraint.max_ms, estimator.model.errors
    error = errors.max if errors else 0.0
    assert bound is not None
    own = constraint.value(estimator.teacher_latency())
    if own <= bound:
        yield (
            f"The teacher itself is estimated at {own:.3g} ms ({1000 / own:.3g} fps) and keeps the bound without any "
            "compression: it binds nothing here."
        )
    always = front_of(trials, replace(constraint, at="worst"))
    if always and constraint.at != "worst" and any(each.spec.adaptive for each in front):
        best = always[-1]
        yield (
            f"Keeps the bound on every frame, its worst path included: {variant_name(list(trials).index(best))} at "
            f"{best.latency.at('worst'):.3g} ms, expected {best.prior.metric} {best.prior.mean:.3f} "
            f"({best.prior.low:.3f} to {best.prior.high:.3f})."
        )
    near = sum(constraint.value(each.latency) * (1 + error) > bound for each in front)
    if near:
        yield (
            f"May miss the bound on the device, being nearer to it than the largest error of the latency estimate "
            f"({error:.1%}): {near} of the {len(front)} on the front."
        )
    beyond = sum(estimator.extrapolates(each.spec) for each in front)
    if beyond:
        yield (
            "Extrapolated, in work or width beyond all that the latency estimate was fitted to: "
            f"{beyond} of the {len(front)} on the front."
        )
    for other in same_device(target) if front else ():
        model = other.latency_model(estimator.teacher)
        kept = sum(constraint.met_by(model.predict(each.spec)) for each in front)
        off = f"{model.errors.mean:.1%} mean error, {model.errors.max:.1%} at most" if model.errors else "unchecked"
        runtime = f"{_RUNTIMES.get(other.runtime, other.runtime)} ({other.name}; {off})"
        yield f"Under {runtime} {kept} of the {len(front)} on the front would keep the bound."


def commands(config: SearchConfig, run_dir: Path, *, measured: bool) -> Iterator[str]:
    """What to type to measure the device, unless it is, and train the plan; words in capitals are the user's."""
    # Under onnxruntime, which is what export ships, whatever runtime was planned for.
    device = config.target.split(":")[0]
    about = ["--target", device, "--teacher", config.teacher, "--space", config.space]
    if not measured:
        yield shlex.join(["compress", "profile", "measure", *about, "--host", "user@device"])
    words = ["compress", "search", *about, *_weights(config), *_data(config)]
    for field in fields(config):
        value = getattr(config, field.name)
        if field.name not in _TOLD and value != field.default and value is not None:
            words += [f"--{field.name.replace('_', '-')}", f"{value:g}" if isinstance(value, float) else str(value)]
    yield shlex.join([*words, "--plan", str(run_dir), "--out", f"{run_dir}-trained"])


def _weights(config: SearchConfig) -> list[str]:
    """Nothing where the teacher's weights are found without being named."""
    if config.weights:
        return ["--weights", config.weights]
    try:
        weights_path(config.teacher)
    except FileError:
        source = weights_source(config.teacher)
        return ["--weights", source.files[config.teacher] if source else "WEIGHTS"]
    return []


def _data(config: SearchConfig) -> list[str]:
    """As given; else generated sequences for a teacher that was made on them, and folders to name for others."""
    if (config.data, config.train_data) != ("generated", "generated"):
        return ["--train-data", config.train_data, "--data", config.data]
    if config.teacher == SearchConfig.teacher:
        return ["--data", "generated"]
    return ["--train-data", "folder:TRAIN", "--data", "folder:TEST"]
