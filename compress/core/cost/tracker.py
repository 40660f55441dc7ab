"""The cost of a whole tracker: the sum over its components, on one path through it."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from compress.core.backbones.rules import BACKBONES
from compress.core.component import NOTHING, Component, Work
from compress.core.cost.exits import exit_components
from compress.core.cost.heads import head_component
from compress.core.errors import UsageError
from compress.core.spec import TrackerSpec


@dataclass(frozen=True)
class Macs:
    """Multiply-accumulates at batch 1.

    Attributes:
        full: One forward of template and search; `template` + `per_frame`.
        per_frame: One frame, with what a tracker keeps of the template already computed.
        template: Once per sequence.
    """

    full: int
    per_frame: int
    template: int


@dataclass(frozen=True)
class MacsRange:
    """Multiply-accumulates on the cheapest and on the most expensive path; equal where all frames cost the same."""

    min: int
    max: int


def components(spec: TrackerSpec) -> Iterator[Component]:
    """Everything the network of `spec` is made of, from the input on."""
    yield from BACKBONES[spec.backbone].components(spec)
    if spec.exits:
        yield from exit_components(spec)
    else:
        yield head_component(spec)


def parameters(spec: TrackerSpec) -> int:
    """Values the network holds: learned ones and frozen position tables, of RepVGG blocks those of the training form.

    Batch-norm statistics and index tables are no parameters.
    """
    return sum(each.parameters for each in components(spec))


def macs(spec: TrackerSpec, *, skipped: Collection[int] = (), exit: int | None = None) -> Macs:
    """Multiply-accumulates of the network that `compress.models` builds from `spec`, on one path through it.

    Args:
        skipped: Layers that bypass leaves out, from 0; none is the worst path.
        exit: Index of the exit taken; None, the last, is the worst path. Exits before it decide, but do not
            predict a box.

    Raises:
        UsageError: a layer that is never skipped, or an exit that there is not.
    """
    if not set(skipped) <= set(spec.skippable):
        raise UsageError(
            f"Of layers {sorted(skipped)} not all are among {list(spec.skippable)}, those bypass may skip."
        )
    if exit is not None and not 0 <= exit < len(spec.exits):
        raise UsageError(f"There is no exit {exit}: this tracker has {len(spec.exits)}, counted from 0.")
    template = _template(spec).done
    per_frame = _frame(spec, skipped, exit).done
    return Macs(full=template + per_frame, per_frame=per_frame, template=template)


def macs_cheapest(spec: TrackerSpec) -> Macs:
    """The path that skips every layer bypass may skip and takes the first exit; `macs` itself where none is adaptive.

    Every decision on that path is counted.
    """
    return macs(spec, skipped=spec.skippable, exit=0 if spec.exits else None)


def macs_linear_conv(spec: TrackerSpec) -> MacsRange:
    """One forward of template and search as papers count it: linear layers and convolutions only.

    Attention products are left out, while outputs that dimension reduction leaves unread still count (ABTrack,
    Table 3). From the path of `macs_cheapest` to the worst.
    """
    once = _template(spec).linear_conv
    cheapest = _frame(spec, spec.skippable, 0 if spec.exits else None).linear_conv
    return MacsRange(min=once + cheapest, max=once + _frame(spec, (), None).linear_conv)


def _template(spec: TrackerSpec) -> Work:
    return sum((each.template for each in components(spec)), NOTHING)


def _frame(spec: TrackerSpec, skipped: Collection[int], exit: int | None) -> Work:
    end = len(spec.layers) if exit is None else spec.exits[exit].after
    return sum((each.frame for each in components(spec) if each.runs(skipped, end)), NOTHING)
