"""From a spec to a network: the table of what each backbone's trackers are built with."""

from __future__ import annotations

from typing import Protocol

from compress.core import Registry, TrackerSpec, UsageError
from compress.models.tracker import Tracker


class NetworkBuilder(Protocol):
    """Builds the trackers of one backbone; the class of those trackers is one."""

    def __call__(self, spec: TrackerSpec, *, drop_path: float = 0.0) -> Tracker:
        """A tracker with fresh weights, in train mode.

        Everything of the backbone lies in the submodule `backbone`, its layers in order in `backbone.blocks`.
        """
        ...


NETWORKS: Registry[NetworkBuilder] = Registry("network of a backbone")


def build(spec: TrackerSpec, *, drop_path: float = 0.0) -> Tracker:
    """A tracker with fresh weights, in train mode.

    Args:
        drop_path: Stochastic depth: of a plain ViT's last layer, linear from 0; of a LeViT's every residual branch.

    Raises:
        UsageError: unless 0 ≤ `drop_path` < 1.
    """
    if not 0 <= drop_path < 1:
        raise UsageError(f"drop_path must be in [0, 1) but is {drop_path}.")
    return NETWORKS[spec.backbone](spec, drop_path=drop_path)
