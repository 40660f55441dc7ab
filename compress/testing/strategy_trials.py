"""What tests of a strategy need: records with figures that are made up, and trials that nothing is asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Literal

import optuna
import pytest

from compress.archive import Record, store_record
from compress.core import Accuracy, ExecutionPath, Latency, LatencyConstraint, TrackerSpec, describe, mean_layers
from compress.data import DataReference, open_source
from compress.driver.jobs import ElasticSetup, Rung, TeacherWeights, TrainingSetup
from compress.driver.proposals import Proposals
from compress.driver.trials import Trials
from compress.spaces import load_space

TEACHER = describe("ostrack-nano")


def latency(ms: float) -> Latency:
    """A prediction of `ms` milliseconds, mean and percentiles alike."""
    return Latency(ms, ms, ms, ms, ms, "predicted", 1, 0, 1, "test", "test")


def accuracy(ao: float) -> Accuracy:
    """Ten frames of one sequence that all score `ao`."""
    return Accuracy(ao, ao, 0.01, ao, ao, ao, ao, ao, 1, 10)


def scored(ms: float, ao: float) -> Record:
    """A student under way with these figures."""
    return Record("v000", 0, TEACHER, "running", accuracy=accuracy(ao), predicted=latency(ms))


def beyond(bound_ms: float) -> Callable[[Record], float]:
    """By how many milliseconds a record misses a bound."""
    return lambda record: record.predicted.mean_ms - bound_ms  # type: ignore[union-attr]


def shallower(depth: int) -> TrackerSpec:
    """The teacher's first layers."""
    return replace(TEACHER, layers=TEACHER.layers[:depth])


class LayersModel:
    """A latency model in which a layer takes a millisecond."""

    provenance: Literal["predicted"] = "predicted"
    errors = None
    limits = ""
    basis = "layers"
    known_figures = ("mean", "worst")

    def covers(self, spec: TrackerSpec) -> bool:
        """Every tracker."""
        return True

    def predict(self, spec: TrackerSpec, paths: Mapping[ExecutionPath, int] | None = None) -> Latency:
        """As many milliseconds as layers, on average over the paths."""
        return latency(mean_layers(paths, spec) if paths else len(spec.layers))


def earlier_trials(
    records: Sequence[Record],
    rungs: tuple[Rung, ...],
    *,
    work: tuple[float, ...],
    bound_ms: float,
    elastic: ElasticSetup | None = None,
) -> Trials:
    """Trials that an earlier search has asked for; the test fails where a new one is asked for."""
    study = optuna.create_study(directions=["minimize", "maximize"])
    for record in records:
        store_record(study.ask(), record)
    proposals = Proposals(study, load_space("ostrack"), TEACHER, lambda spec: pytest.fail("nothing new is asked for"))
    nothing = DataReference.of(open_source("generated"))
    weights = TeacherWeights(TEACHER, "0")
    setup = TrainingSetup(weights, nothing, nothing, pairs=8, rungs=rungs, seed=0, elastic=elastic)
    return Trials(proposals, LayersModel(), LatencyConstraint(bound_ms), setup, work=work)
