"""`Family`: what all trackers that one profile covers have in common."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from functools import cache

from compress.core import BACKBONES, HeadSpec, StageSpec, TrackerSpec


@dataclass(frozen=True)
class Family:
    """Everything a latency depends on, except the layers, bypass and exits.

    Fields at their default are left out of files, so a new one with a default leaves kept profiles where they are.
    """

    dim: int
    heads: int
    template_size: int
    search_size: int
    patch: int = 16
    backbone: str = "vit"
    head: HeadSpec = field(default_factory=HeadSpec)
    final_norm: bool = True
    target_token: bool = False
    online_templates: int = 0
    extra_tokens: int = 0
    stages: tuple[StageSpec, ...] = ()

    def __post_init__(self) -> None:
        BACKBONES[self.backbone]  # raises UsageError with close matches where there is none of this name

    @classmethod
    def of(cls, spec: TrackerSpec) -> Family:
        """The family of a tracker, without the learned tokens of bypass and exits."""
        decision_tokens = (spec.bypass is not None) + bool(spec.exits)
        about = {name: getattr(spec, name) for name in _names()}
        return cls(**about | {"extra_tokens": spec.extra_tokens - decision_tokens})

    @property
    def search_tokens(self) -> int:
        """Patches of the search crop."""
        return (self.search_size // self.patch) ** 2

    @property
    def template_patches(self) -> int:
        """Patches of one template."""
        return (self.template_size // self.patch) ** 2


@cache
def _names() -> tuple[str, ...]:
    return tuple(f.name for f in fields(Family))


def static(spec: TrackerSpec) -> TrackerSpec:
    """The same tracker with every layer computed for every frame, and one head behind the last."""
    return replace(spec, bypass=None, exits=())
