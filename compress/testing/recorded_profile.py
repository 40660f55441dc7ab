"""A profile of this host that nothing was timed for, so that no neighbour's noise can refuse or move it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from compress.core import TrackerSpec
from compress.latency import (
    BlockCost,
    Family,
    Overhead,
    Profile,
    Ratios,
    RoutingOverhead,
    ValidationResult,
    save_profile,
)
from compress.measure import Coverage, profile_path
from compress.measure.backends import host_backend

_KINDS = {"joint": 1.0, "asymmetric": 0.9, "FE": 0.7, "AI": 0.6}
"""What attention of each kind costs, relatively."""


def recorded_profile(teacher: TrackerSpec, coverage: Coverage | None = None, *, target: str = "cpu") -> Profile:
    """A profile as if it had been measured here for the family of a plain ViT.

    A full layer takes 0.3 ms, two thirds of them the MLP's, everything beside the layers 0.4 ms, the loop 0.2 ms; under
    a runtime in int8 layers take half of that.

    Args:
        coverage: What must be predictable beside `Coverage.of(teacher)`.
    """
    wanted = Coverage.of(teacher) if coverage is None else coverage.union(Coverage.of(teacher))
    runtime = host_backend(target)
    speed = 0.5 if runtime.precision == "int8" else 1.0
    fewer = wanted.eliminated_at(teacher)
    return Profile(
        target=target,
        device=runtime.device,
        runtime=runtime.version,
        threads=1,
        family=Family.of(teacher),
        overhead=tuple(
            Overhead(kind, 0.4 if tokens is None else 0.3, tokens)
            for kind in ("joint", "split", "asymmetric")
            for tokens in (None, *((search // teacher.patch) ** 2 for search, _ in wanted.sizes))
        ),
        blocks=tuple(
            BlockCost(kind, hidden, speed * _ms(teacher, kind, hidden, attn, mlp), attn, mlp, tokens, template=template)
            for kind in wanted.attentions
            for attn, hidden, mlp in wanted.points
            for tokens, template in _counts(teacher, wanted, kind)
        ),
        sizes=wanted.sizes,
        loop_ms=0.2,
        ratios=Ratios(mean=1.05, p50=1.02, p90=1.1, p99=1.3),
        runs=60,
        warmup=36,
        validation=(ValidationResult("deep", 1.02, 1.0), ValidationResult("shallow", 0.99, 1.0)),
        elimination_ms=0.01 if fewer else None,
        routing_overhead=RoutingOverhead(0.02, 0.02, 0.02, 0.02, validation=(ValidationResult("path", 1.03, 1.0),)),
        precision=runtime.precision,
    )


def _counts(teacher: TrackerSpec, wanted: Coverage, kind: str) -> Iterator[tuple[int | None, int | None]]:
    """Search tokens and template patches of the blocks that a profile has of one attention; None is all."""
    yield None, None
    if kind != "FE":
        yield from ((None, patches) for patches in wanted.template_patches[:-1])
    if kind != "joint":
        yield from (((search // teacher.patch) ** 2, None) for search, _ in wanted.sizes)
        return
    for sizes in wanted.sizes:
        spec = wanted.joint_teacher(teacher, sizes)
        yield spec.search_tokens, len(spec.template_places)
    for tokens, spec in wanted.eliminated_at(teacher).items():
        patches = len(spec.template_places)
        yield tokens, None if patches == teacher.template_patches else patches


def keep_recorded_profile(teacher: TrackerSpec, coverage: Coverage | None = None, *, target: str = "cpu") -> Path:
    """Put `recorded_profile` where `$COMPRESS_HOME` keeps what was measured of this host."""
    path = profile_path(teacher, 1, target)
    path.parent.mkdir(parents=True, exist_ok=True)
    save_profile(recorded_profile(teacher, coverage, target=target), path)
    return path


def _ms(teacher: TrackerSpec, kind: str, hidden: int, attn: int | None, mlp: int | None) -> float:
    width = teacher.dim
    attention = 0.1 * _KINDS[kind] * (0.4 + 0.6 * (attn or width) / width)
    return attention + 0.2 * hidden / (4 * width) * (0.4 + 0.6 * (mlp or width) / width)
