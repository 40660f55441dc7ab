"""Components of a tracker: their parameters, their multiply-accumulates, and the frames that they run for."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass


@dataclass(frozen=True)
class Work:
    """Multiply-accumulates at batch 1.

    Attributes:
        linear: Of linear layers and convolutions.
        products: Of attention: queries with keys, and weights with values.
        unread: Of outputs that dimension reduction leaves unread: the network does not hold them, papers count them.
    """

    linear: int = 0
    products: int = 0
    unread: int = 0

    @property
    def done(self) -> int:
        """What the network computes."""
        return self.linear + self.products

    @property
    def linear_conv(self) -> int:
        """What papers count: no attention products, but the outputs left unread."""
        return self.linear + self.unread

    def __add__(self, other: Work) -> Work:
        return Work(self.linear + other.linear, self.products + other.products, self.unread + other.unread)


NOTHING = Work()


@dataclass(frozen=True)
class Component:
    """One component of a tracker.

    Attributes:
        name: Such as `patches`, `layers.3`, `exits.0` or `head`.
        parameters: Values its module holds, frozen tables included, batch-norm statistics not.
        template: Work once per sequence, or per renewed template.
        frame: Work per frame that it runs for.
        depth: Layers that a frame must go through to meet it; 0 meets every frame.
        layer: It is left out with this layer, where bypass skips that.
        last: It runs for frames that end at its depth only: an exit's head.
    """

    name: str
    parameters: int = 0
    template: Work = NOTHING
    frame: Work = NOTHING
    depth: int = 0
    layer: int | None = None
    last: bool = False

    def runs(self, skipped: Collection[int], end: int) -> bool:
        """Whether it runs for a frame that leaves the layers `skipped` out and ends behind layer `end`, from 1."""
        reached = self.depth == end if self.last else self.depth <= end
        return reached and (self.layer is None or self.layer not in skipped)


def linear(inputs: int, outputs: int) -> int:
    """Parameters of a linear layer with its bias."""
    return (inputs + 1) * outputs


def conv_norm(inputs: int, outputs: int, kernel: int = 3) -> int:
    """Parameters of a convolution with its bias, and of the batch norm behind it."""
    return kernel**2 * inputs * outputs + 3 * outputs
