"""A backbone whole: what every room asks of it, registered in one call."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from compress.core import BACKBONES, BackboneRules, Registry
from compress.latency.estimated.launches import LAUNCHES, BackboneLaunches, PublishedRuntime
from compress.measure.stacks import STACKS, BackboneStacks
from compress.models import LAYOUTS, NETWORKS, TIMM_LAYOUTS, Layout, NetworkBuilder, TimmLayout
from compress.prior import PRIORS, BackbonePrior
from compress.spaces import FIXED_KNOBS, Scalar
from compress.surgery import SURGERY, Surgery


@dataclass(frozen=True)
class Backbone:
    """Everything that the package asks of a backbone: one field for each room's table.

    Attributes:
        rules: Validity, cost and shapes of its trackers.
        fixed_knobs: The knobs that its trackers cannot vary, each with its one value.
        network: Builds its trackers; the class of a `Tracker` is one.
        timm: How a timm model starts it; None where none can.
        surgery: How its students inherit.
        launches: What it launches on published runtimes, for estimates.
        prior: How well the accuracy of its students is known.
        stacks: Which trackers are timed to learn what its components cost.
        layouts: Of published checkpoints of its trackers.
    """

    rules: BackboneRules
    fixed_knobs: Mapping[str, Scalar]
    network: NetworkBuilder
    timm: TimmLayout | None
    surgery: Surgery
    launches: Mapping[PublishedRuntime, BackboneLaunches]
    prior: BackbonePrior
    stacks: BackboneStacks
    layouts: tuple[Layout, ...] = ()


TABLES: Mapping[str, Registry[Any]] = {
    "rules": BACKBONES,
    "fixed_knobs": FIXED_KNOBS,
    "network": NETWORKS,
    "timm": TIMM_LAYOUTS,
    "surgery": SURGERY,
    "launches": LAUNCHES,
    "prior": PRIORS,
    "stacks": STACKS,
}
"""The tables of backbones, by the field of `Backbone` that goes there."""


def register_backbone(name: str, backbone: Backbone) -> None:
    """Enter a backbone into all tables, so that `TrackerSpec.backbone` may be `name` everywhere.

    Raises:
        UsageError: the name, or that of one of its layouts, is taken; nothing is entered then.
    """
    entries = [(table, name, getattr(backbone, field)) for field, table in TABLES.items()]
    entries += [(LAYOUTS, layout.name, layout) for layout in backbone.layouts]
    entered: list[tuple[Registry[Any], str]] = []
    try:
        for table, key, value in entries:
            table.register(key, value)
            entered.append((table, key))
    except Exception:
        for table, key in entered:
            table.remove(key)
        raise


def remove_backbone(name: str, backbone: Backbone) -> None:
    """Take a backbone out of all tables again, as tests of one do.

    Raises:
        UsageError: there is none of this name.
    """
    for table in TABLES.values():
        table.remove(name)
    for layout in backbone.layouts:
        LAYOUTS.remove(layout.name)


def missing_tables(name: str) -> list[str]:
    """The fields of `Backbone` that no table holds for a name; empty for a backbone that is whole."""
    return [field.name for field in fields(Backbone) if field.name in TABLES and name not in TABLES[field.name]]
