"""What is asked for, and what is not asked for twice."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from compress.core import ConstraintCheck, Latency, LatencyConstraint, TrackerSpec, describe
from compress.driver.proposals import Proposals
from compress.driver.samplers import open_study
from compress.spaces import load_space

NANO = describe("ostrack-nano")


def _passes(spec: TrackerSpec) -> ConstraintCheck:
    latency = Latency(
        mean_ms=1.0,
        p50_ms=1.0,
        p90_ms=1.0,
        p99_ms=1.0,
        network_ms=1.0,
        provenance="predicted",
        runs=1,
        warmup=0,
        threads=1,
        runtime="toy",
        device="toy",
    )
    return LatencyConstraint(2.0).check(latency)


def test_students_whose_exits_were_set_are_not_asked_for_again(tmp_path: Path) -> None:
    """Thresholds chosen for a bound change a spec's id, but not its weights."""
    study = open_study(tmp_path, sampler="random", seed=0)
    proposals = Proposals(study, load_space("dytrack"), NANO, _passes)
    knobs = {"exits": "1/2", "adapters": 1}
    for _ in range(2):
        study.enqueue_trial(knobs)
    _, first = next(proposals.accepted(set()))
    assert first.spec.exits
    exits = (*(replace(each, tau=0.61) for each in first.spec.exits[:-1]), first.spec.exits[-1])
    chosen = replace(first.spec, exits=exits)
    assert chosen.id != first.spec.id
    _, second = next(proposals.accepted({chosen.weights_id}))
    assert second.spec.weights_id != first.spec.weights_id
    reasons = [trial.user_attrs["record"]["status"] for trial in study.get_trials()]
    assert reasons[1] == "duplicate"
