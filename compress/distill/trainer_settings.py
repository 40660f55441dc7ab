"""How a training goes: the schedule, the optimiser, and how the device computes it. Read without torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from compress.core.ranges import ACCUMULATE, WEIGHT
from compress.core.settings import check_settings, setting

Schedule = Literal["cosine", "step"]
"""After the warm-up: half a cosine down to 1% of the rate, or the whole rate and a tenth of it from one step on."""

Decay = Literal["matrices", "all"]
"""Weight decay of matrices alone (no gains, biases and position embeddings), or of all parameters (as published)."""

Precision = Literal["auto", "fp32", "bf16", "fp16"]
Switch = Literal["no", "yes"]


REPORTS = 400
"""Of a training, where it has as many steps."""


@dataclass(frozen=True)
class ComputeSettings:
    """How a device computes a step; what is trained stays the same but for rounding.

    Attributes:
        precision: `auto` is bf16 on a GPU that has it, fp16 on one that has not, fp32 on a CPU. fp16 scales the loss.
        memory_format: `auto` is channels-last on a GPU, and leaves convolutions as they are on a CPU.
        accumulate: Parts that each batch is split into; gradients are averaged, batch norms see one part at a time.
        recompute: Forget what the layers computed and compute it again in the backward pass.
        compile: Run the network through `torch.compile`.

    Raises:
        UsageError: naming all settings that cannot be.
    """

    precision: Precision = setting("auto", "Arithmetic of the network; auto is half precision on a GPU.")
    memory_format: Literal["auto", "contiguous", "channels-last"] = setting(
        "auto", "Layout of convolutions; auto is channels-last on a GPU."
    )
    accumulate: int = setting(1, "Parts a batch is split into, to fit in memory.", numbers=ACCUMULATE)
    recompute: Switch = setting("no", "Compute layers twice, to fit in memory.")
    compile: Switch = setting("no", "Run the network through torch.compile.")

    def __post_init__(self) -> None:
        check_settings(self)


@dataclass(frozen=True)
class LossWeights:
    """Of the parts of the loss against the ground truth.

    Attributes:
        score: Of a centre head's focal loss.
        iou: Of 1 − GIoU, or 1 − CIoU of side maps.
        l1: Of the mean distance of corners.
    """

    score: float = 1.0
    iou: float = 2.0
    l1: float = 5.0

    def problems(self) -> list[str]:
        """What cannot be, one sentence each."""
        return [f"{name} must be {WEIGHT} but is {each}" for name, each in vars(self).items() if each not in WEIGHT]


PUBLISHED = LossWeights()
"""Of OSTrack, LiteTrack, MixFormerV2, HiT, ABTrack and DyTrack alike, where they have the part."""


@dataclass(frozen=True)
class TrainerSettings:
    """How a training goes.

    Attributes:
        lr, warmup: Peak learning rate of AdamW and the steps of linear warm-up; `schedule` follows.
        ema: Decay of the averaged weights, which are what is kept; 0 keeps the last weights.
        report_every: Steps between reports of progress; the last step is reported, too.
        drop: The step, counted from 0, from which the step schedule takes a tenth of the rate.
        clip: The norm that gradients are clipped to; 0 for none.
        backbone_lr: Learning rate of the backbone over that of the rest.
        beta2: Of AdamW; its first beta is 0.9.
    """

    steps: int
    lr: float
    warmup: int
    weight_decay: float
    ema: float
    report_every: int
    schedule: Schedule = "cosine"
    drop: int = 0
    clip: float = 1.0
    backbone_lr: float = 1.0
    beta2: float = 0.98
    decay: Decay = "matrices"
    compute: ComputeSettings = ComputeSettings()
