"""Parts corrected by whole trackers: what is wrong with one part is found, what is right stays."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from compress.core import LayerSpec, TrackerSpec, describe
from compress.latency import BlockCost, Family, Overhead, Profile, Ratios, p10_ms
from compress.measure import Coverage
from compress.measure.calibration.calibration import calibrated
from compress.measure.stacks.table import validation_set

NANO = describe("ostrack-nano")
HELD = validation_set(NANO, Coverage.of(NANO))


def _profile(joint_ms: float = 0.3, elimination_ms: float | None = None) -> Profile:
    coverage = Coverage.of(NANO)
    blocks = tuple(
        BlockCost(kind, hidden, joint_ms if kind == "joint" else 0.2, attn, mlp)
        for attn, hidden, mlp in coverage.points
        for kind in coverage.attentions
    )
    return Profile(
        "toy",
        "toy",
        "toy",
        1,
        Family.of(NANO),
        (Overhead("joint", 0.5), Overhead("split", 0.4)),
        blocks,
        loop_ms=0.1,
        ratios=Ratios(1.0, 1.0, 1.0, 1.0),
        runs=1,
        warmup=0,
        elimination_ms=elimination_ms,
    )


def _ms(profile: Profile, specs: list[TrackerSpec]) -> list[float]:
    return [p10_ms(profile, spec) for spec in specs]


def test_parts_that_fit_stay_as_they_are() -> None:
    profile = _profile(elimination_ms=0.01)
    found = calibrated(profile, HELD, _ms(profile, list(HELD.values())))
    assert found.max_error == pytest.approx(0, abs=1e-9)
    assert [each.ms for each in found.blocks] == pytest.approx([each.ms for each in profile.blocks])
    assert found.elimination_ms == pytest.approx(0.01)


def test_a_part_that_one_session_made_dear_is_mended() -> None:
    """Joint layers were read off too dear; whole trackers of FE and AI layers show that those were not."""
    truth, read = _profile(), _profile(joint_ms=0.3 * 1.05)
    specs = list(HELD.values())
    found = calibrated(read, HELD, _ms(truth, specs))

    def errors(profile: Profile) -> np.ndarray:
        return np.abs(np.array(_ms(profile, specs)) / _ms(truth, specs) - 1)

    assert errors(found).mean() < errors(read).mean() / 3
    assert found.mean_error is not None
    assert found.mean_error < 0.03


def test_each_tracker_is_predicted_from_the_others() -> None:
    """One that took twice as long is an error of its own, not a fit."""
    profile, specs = _profile(), list(HELD.values())
    ms = _ms(profile, specs)
    found = calibrated(profile, HELD, [ms[0] * 2, *ms[1:]])
    assert found.validation[0].predicted_ms == pytest.approx(ms[0])
    assert found.validation[0].error == pytest.approx(-0.5)


def test_a_uniform_slowness_is_no_error() -> None:
    profile, specs = replace(_profile(), loop_ms=1e-9), list(HELD.values())
    found = calibrated(profile, HELD, [2 * ms for ms in _ms(profile, specs)])
    assert found.max_error == pytest.approx(0, abs=1e-6)
    assert p10_ms(found, NANO) == pytest.approx(2 * p10_ms(profile, NANO))


def test_noise_of_a_session_is_not_taken_for_what_a_part_costs() -> None:
    """Parts that are off by 3%, and trackers timed to 2%: predictions err by a quarter less than the parts did.

    With a ridge of a fortieth, parts follow the noise of the trackers, and nothing is gained.
    """
    truth, specs = _profile(), list(HELD.values())
    others = [replace(NANO, layers=_joint(depth, hidden)) for depth in (2, 5, 8, 11) for hidden in (64, 256, 512)]
    others += [replace(NANO, layers=_split(depth, hidden)) for depth in (4, 7, 10) for hidden in (64, 512)]
    wanted = np.array(_ms(truth, others))

    def squared_error(profile: Profile) -> float:
        return float(np.mean((np.array(_ms(profile, others)) / wanted - 1) ** 2))

    read, found = [], []
    for seed in range(20):
        noise = np.random.default_rng(seed)
        raw = replace(truth, blocks=tuple(replace(b, ms=b.ms * noise.normal(1, 0.03)) for b in truth.blocks))
        raw = replace(raw, overhead=tuple(replace(f, ms=f.ms * noise.normal(1, 0.03)) for f in raw.overhead))
        ms = [ms * noise.normal(1, 0.02) for ms in _ms(truth, specs)]
        read.append(squared_error(raw))
        found.append(squared_error(calibrated(raw, HELD, ms)))
    assert np.sqrt(np.mean(found)) < 0.85 * np.sqrt(np.mean(read))


def _joint(depth: int, hidden: int) -> tuple[LayerSpec, ...]:
    return tuple(LayerSpec(source=i, mlp_hidden=hidden) for i in range(depth))


def _split(depth: int, hidden: int) -> tuple[LayerSpec, ...]:
    return tuple(LayerSpec(i, hidden, "FE" if i < depth // 2 else "AI") for i in range(depth))
