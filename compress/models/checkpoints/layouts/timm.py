"""How each backbone starts from weights of timm's models (https://github.com/huggingface/pytorch-image-models)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from torch import Tensor

from compress.core import Registry, TrackerSpec


@dataclass(frozen=True)
class TimmLayout:
    """What of a backbone comes from which tensors of timm's model.

    Attributes:
        adapt: timm's state dict as keys under `backbone.` of the state dict of a spec's network.
            Raises KeyError or ValueError, saying what is wrong, where the model is no match for the spec.
        fills: Starts of the keys that must be filled, others may be.
        pixels: The convolution that reads the crops, by its key, where it has a bias and no padding: a model trained
            on pixels of another normalisation is then changed to ours, exactly. None: that cannot be done.
    """

    adapt: Callable[[Mapping[str, Tensor], TrackerSpec], dict[str, Tensor]]
    fills: tuple[str, ...]
    pixels: str | None = None


TIMM_LAYOUTS: Registry[TimmLayout | None] = Registry("layout of timm's models")
"""By the name of the backbone; None for one that no model of timm's can start."""
