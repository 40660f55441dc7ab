"""What compression takes away, knob by knob, in one unit: how many times less work is left, less one."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean
from typing import NamedTuple

from compress.core import ExitSpec, TrackerSpec, UsageError

CHANGES = ("depth", "interaction", "mlp", "dimensions", "bypass", "exits", "resolution")
"""The names of what `changes` returns."""


def changes(
    teacher: TrackerSpec, student: TrackerSpec, exit_shares: Sequence[float] | None = None
) -> tuple[float, ...]:
    """What sets the student apart from its teacher: one number ≥ 0 for each of `CHANGES`, all 0 for equals.

    What a student has more of than its teacher counts 0. With T layers in the teacher, L in the student, and D up to
    the exit taken, its adapter's included (L without exits):

    - `depth`: T/L − 1.
    - `interaction`: 4 (a − 1/2)², a the share of AI layers; 0 for joint and asymmetric trackers.
    - `mlp`: (4h + 2r) of the teacher over that of the student, less 1, with MLP ratio r and the share h of heads that
      are left: a block's linear layers.
    - `dimensions`: share of dimensions kept, the teacher's over the student's, less 1: μ / (1 − μ).
    - `bypass`: T/D times the mean share of the D layers that are skipped: τ0 of those behind the first n_enf.
    - `exits`: T/D − T/L.
    - `resolution`: tokens of the teacher over the student's, less 1: of the search crop, or of the template if greater.

    Bypass and exits are averaged over frames.

    Args:
        exit_shares: Shares of frames that leave at each of the student's exits; None: all at the first, where latency
            is gated before training. A teacher is taken at its last exit.

    Raises:
        UsageError: trackers of different backbones or widths, which no published figure relates; or shares that
            do not fit the exits.
    """
    if (teacher.backbone, teacher.dim, teacher.patch) != (student.backbone, student.dim, student.patch):
        raise UsageError(
            f"{student.id} ({_kind(student)}) is no compressed {teacher.id} ({_kind(teacher)}): published ablations "
            "relate trackers of one backbone, width and patch. Give the teacher that the student was made from."
        )
    depth = len(teacher.layers)
    paths = _paths(student, exit_shares)
    skipped = sum(share * depth / path.worth * path.skipped for share, path in paths)
    raw = (
        depth / len(student.layers) - 1,
        _imbalance(student) - _imbalance(teacher),
        _block(teacher) / _block(student) - 1,
        _kept(teacher) / _kept(student) - 1,
        skipped - _path(teacher, ExitSpec(depth)).skipped,
        sum(share * depth / path.worth for share, path in paths) - depth / len(student.layers),
        max(_coarser(teacher, student)),
    )
    return tuple(max(0.0, value) for value in raw)


def unpublished_resolution(teacher: TrackerSpec, student: TrackerSpec) -> float:
    """The part of the change of resolution by which the template lost more than the search crop.

    MixFormerV2, the published row, took less off the template (128 to 112 pixels) than off the search crop (288 to
    224).
    """
    search, template = _coarser(teacher, student)
    return max(0.0, template - max(0.0, search))


def _coarser(teacher: TrackerSpec, student: TrackerSpec) -> tuple[float, float]:
    """Tokens of the teacher over the student's, less 1: of the search crop, and of a template."""
    search = teacher.search_tokens / student.search_tokens
    return search - 1, teacher.template_patches / student.template_patches - 1


class _Path(NamedTuple):
    """The path to one exit: how many layers it is worth, and the mean share of its layers that are skipped."""

    worth: int
    skipped: float


def _paths(spec: TrackerSpec, shares: Sequence[float] | None) -> list[tuple[float, _Path]]:
    """Every path through the tracker with the share of frames that take it."""
    if shares is None:
        shares = [1.0] + [0.0] * (len(spec.exits) - 1) if spec.exits else []
    sound = len(shares) == len(spec.exits) and all(share >= 0 for share in shares)
    if not sound or (spec.exits and not math.isclose(sum(shares), 1, abs_tol=1e-6)):
        raise UsageError(f"exit_shares must be {len(spec.exits)} numbers ≥ 0 that add up to 1 but are {list(shares)}.")
    if not spec.exits:
        return [(1.0, _path(spec, ExitSpec(len(spec.layers))))]
    return [(share, _path(spec, each)) for share, each in zip(shares, spec.exits, strict=True) if share]


def _path(spec: TrackerSpec, taken: ExitSpec) -> _Path:
    layers = min(len(spec.layers), taken.after + taken.adapter)
    # ABTrack, Table 7: with 12 layers, 12 − 0.4 · (12 − n_enf) of them run on average.
    skipped = spec.bypass.tau0 * max(0, taken.after - spec.bypass.n_enf) if spec.bypass else 0.0
    return _Path(layers, skipped / layers)


def _imbalance(spec: TrackerSpec) -> float:
    """0 where half of the layers interact, 1 where none or all do (LiteTrack, Table V)."""
    return 4 * (spec.count("AI") / len(spec.layers) - 0.5) ** 2 if spec.attention == "split" else 0.0


def _block(spec: TrackerSpec) -> float:
    """Mean work of a block's linear layers, in squares of its width."""
    widths = [stage.dim for stage in spec.stages] or [spec.dim]
    heads = [1.0 if layer.heads is None else layer.heads / spec.heads for layer in spec.layers]
    ratios = [layer.mlp_hidden / (layer.mlp_dims or widths[layer.stage]) for layer in spec.layers]
    return fmean(4 * left + 2 * ratio for left, ratio in zip(heads, ratios, strict=True))


def _kept(spec: TrackerSpec) -> float:
    """Mean share of the dimensions that enter attention and MLP."""
    both = sum((layer.attn_dims or spec.dim) + (layer.mlp_dims or spec.dim) for layer in spec.layers)
    return both / (2 * spec.dim * len(spec.layers))


def _kind(spec: TrackerSpec) -> str:
    return f"{spec.backbone}, {spec.dim} dimensions, patch {spec.patch}"
