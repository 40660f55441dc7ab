"""How a student gets from its teacher's weights to its own: what a recipe says beside losses and schedule."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from compress.core.ranges import SHARE, WEIGHT

FeatureLayers = Literal["all", "last"]
"""Features of every matched layer that answers are kept of are distilled, or those of the last one alone."""


@dataclass(frozen=True)
class StudentProcedure:
    """What differs from inheriting from the teacher and distilling at once; at most one of the stages.

    Attributes:
        mlp_rank: Which hidden units a thinner MLP keeps; see `surgery.inherit`.
        feature_layers: See `FeatureLayers`.
        progressive: Share of the steps in which the layers that the student does without fade out, see
            `distill_progressively` (MixFormerV2, §4.1: 40 of 500 epochs).
        replacement: Stages of the teacher stand in at random, see `distill_with_replacement` (CompressTracker).
        intermediate: Share of the steps for a tracker half-way in depth, which the student inherits from, see
            `distill_with_intermediate` (MixFormerV2, §3.2.2).
        sparse: Share of the steps in which a student with reduced dimensions is still whole, and learns which of them
            to keep, see `distill_sparsely` (ABTrack, §3.3).
        sparse_weight: Of the L1 penalty in these (α, Eq. 6).
    """

    mlp_rank: Literal["importance", "leading"] = "importance"
    feature_layers: FeatureLayers = "all"
    progressive: float = 0.0
    replacement: bool = False
    intermediate: float = 0.0
    sparse: float = 0.0
    sparse_weight: float = 1e-4

    def problems(self) -> list[str]:
        """What cannot be, one sentence each that begins with the field."""
        shares = {name: getattr(self, name, 0.0) for name in ("progressive", "intermediate", "sparse")}
        found = [
            f"{name} must be 0 or {SHARE} but is {share}"
            for name, share in shares.items()
            if share and share not in SHARE
        ]
        if getattr(self, "sparse_weight", 0.0) not in WEIGHT:
            found.append(f"sparse_weight must be {WEIGHT} but is {self.sparse_weight}")
        several = [name for name in STAGES if getattr(self, name, False)]
        if len(several) > 1:
            found.append(f"{' and '.join(several)} cannot be combined; give one of {', '.join(STAGES)}")
        return found

    @property
    def stage(self) -> str:
        """Which of `STAGES` it has; empty for none."""
        return next((name for name in STAGES if getattr(self, name)), "")


STAGES = ("progressive", "replacement", "intermediate", "sparse")
"""Trainings that begin at the teacher and cannot go on from a student that was trained otherwise."""
