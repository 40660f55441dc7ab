"""What a measured profile is made of: costs of components, what they were checked with, and how the device was set."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from typing import Literal

from compress.core import Attention

WholeAttention = Literal["joint", "asymmetric", "split"]
"""A tracker's attention as a whole, see `TrackerSpec.attention`."""


@dataclass(frozen=True)
class Overhead:
    """Cost of one frame beside the blocks: embedding, final norm, head and the call itself.

    Attributes:
        tokens: Search tokens, where the search crop is smaller than the family's; None for the family's. What the frame
            loop takes less for a smaller crop is then in `ms`, too.
    """

    attention: WholeAttention
    ms: float
    tokens: int | None = None


Point = tuple[int | None, int, int | None]
"""(attn_dims, mlp_hidden, mlp_dims) of a layer."""


@dataclass(frozen=True)
class BlockCost:
    """Cost of one block within a stack; see `LayerSpec` for the fields.

    Attributes:
        tokens: Search tokens that go in and out, where some were eliminated before or the crop is smaller than the
            family's; None for all of the family's.
        template: Patches of each template that go on; None for all of the family's.
        stage: Of a LeViT.
        heads: Attention heads left; None for all. Fewer are measured of unreduced layers with the widest MLP.
    """

    attention: Attention
    mlp_hidden: int
    ms: float
    attn_dims: int | None = None
    mlp_dims: int | None = None
    tokens: int | None = None
    stage: int = 0
    template: int | None = None
    heads: int | None = None

    @property
    def point(self) -> Point:
        """See `Point`."""
        return self.attn_dims, self.mlp_hidden, self.mlp_dims


@dataclass(frozen=True)
class Ratios:
    """Mean and percentiles of whole trackers, as multiples of their 10th percentile."""

    mean: float
    p50: float
    p90: float
    p99: float


def runtime_label(runtime: str, precision: str) -> str:
    """The text of `Latency.runtime`: the runtime, and the precision where it is not fp32."""
    return runtime if precision == "fp32" else f"{runtime} {precision}"


@dataclass(frozen=True)
class ValidationResult:
    """One whole tracker, or one path through it: its 10th percentile predicted without it, and measured."""

    spec: str
    predicted_ms: float
    measured_ms: float

    @property
    def error(self) -> float:
        """Relative error of the prediction."""
        return self.predicted_ms / self.measured_ms - 1


@dataclass(frozen=True)
class RoutingOverhead:
    """Costs of bypass and exits beside the layers: 10th percentiles in ms at the speed of the profile's other figures.

    Attributes:
        frame_ms: A frame in stages: the host's account of it, and memory that no stage keeps for the next frame.
        call_ms: One more stage: its call, its tokens handed over, the host's decision.
        exit_ms: Passing an exit: its norm and score; adapter layers apart.
        layer_share: By how much layers and adapters are slower in stages and with the learned tokens beside.
        validation: Paths through other trackers, predicted and measured; no figure above was fitted to them.
        noise: As in `Profile`, while paths were timed.
    """

    frame_ms: float
    call_ms: float
    exit_ms: float
    layer_share: float
    validation: tuple[ValidationResult, ...] = ()
    noise: float = 0.0

    @property
    def mean_error(self) -> float | None:
        """Mean absolute relative error over the validation set, and the noise; None where there is no such set."""
        if not self.validation:
            return None
        return sum(abs(each.error) for each in self.validation) / len(self.validation) + self.noise

    def problems(self) -> Iterator[str]:
        """Everything that keeps the figures from being costs."""
        for name, value in asdict(self).items():
            if name != "validation" and not (math.isfinite(value) and value >= 0):
                yield f"{name} must be ≥ 0 but is {value}"
        for i, validation in enumerate(self.validation):
            if not all(math.isfinite(ms) and ms > 0 for ms in (validation.predicted_ms, validation.measured_ms)):
                yield f"validation[{i}] must hold positive numbers"


_LONGEST = 300
"""Characters of one of the `Conditions`."""


@dataclass(frozen=True)
class Conditions:
    """How the device was set while it was measured, as it reports it; empty where it does not.

    Attributes:
        when: UTC, ISO 8601.
        python, numpy: Versions.
        loop: What cropped the frames: `opencv` with its version, or `numpy`, which is slower.
        system: Kernel and release of the board.
        governor: Of the CPU clock (`/sys/devices/system/cpu`).
        cpu_mhz: Slowest and fastest clock allowed, and the clocks before and after the run.
        power_mode: As `nvpmodel -q` prints it.
        gpu: Name, driver and clocks, as `nvidia-smi` or `/sys/class/devfreq` give them.
        celsius: Hottest thermal zone before and after the run.
    """

    when: str = ""
    python: str = ""
    numpy: str = ""
    loop: str = ""
    system: str = ""
    governor: str = ""
    cpu_mhz: str = ""
    power_mode: str = ""
    gpu: str = ""
    celsius: str = ""

    def problems(self) -> Iterator[str]:
        """Texts that are too long or cannot be printed."""
        for f in fields(self):
            text = getattr(self, f.name)
            if len(text) > _LONGEST or not text.isprintable():
                yield f"{f.name} must be at most {_LONGEST} printable characters"
