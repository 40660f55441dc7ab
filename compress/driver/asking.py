"""Asking Optuna for specs: the study, its sampler, and the gate that every spec passes before anything is trained."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import optuna
from optuna.trial import Trial, TrialState

from compress.archive import STUDY, Record, storage_url, store_record, variant_name
from compress.core import Latency, TrackerSpec, UsageError, unknown_name
from compress.core.cost import macs, parameters
from compress.spaces import Space


def _tpe(seed: int) -> optuna.samplers.BaseSampler:
    """Knobs that need another one are grouped, so that a space with them is still sampled jointly."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        return optuna.samplers.TPESampler(seed=seed, multivariate=True, group=True, n_startup_trials=8)


_SAMPLERS: dict[str, Callable[[int], optuna.samplers.BaseSampler]] = {
    "gp": lambda seed: optuna.samplers.GPSampler(seed=seed),
    "nsga2": lambda seed: optuna.samplers.NSGAIISampler(seed=seed),
    "random": lambda seed: optuna.samplers.RandomSampler(seed=seed),
    "tpe": _tpe,
}

_TRIES = 200
"""Specs in a row that may be rejected before the search takes the space for exhausted."""


def open_study(run_dir: Path, *, sampler: str, seed: int) -> optuna.Study:
    """The run's study, made when absent; minimises latency (ms) and maximises AO."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    storage = optuna.storages.RDBStorage(storage_url(run_dir))
    study = optuna.create_study(
        study_name=STUDY, storage=storage, directions=["minimize", "maximize"], load_if_exists=True
    )
    # A continued run must not draw again what it drew before.
    study.sampler = _SAMPLERS[sampler](seed + 7919 * len(study.get_trials(deepcopy=False)))
    return study


@dataclass
class Asker:
    """Draws specs that keep the bound. `predict` gives a spec's latency; `value` the figure that is bound."""

    study: optuna.Study
    space: Space
    teacher: TrackerSpec
    predict: Callable[[TrackerSpec], Latency]
    value: Callable[[Latency], float]
    bound_ms: float

    def running(self) -> list[tuple[Trial, Record]]:
        """Trials that were accepted and never told: those of a search that was stopped."""
        found = []
        for frozen in self.study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
            trial = Trial(self.study, frozen._trial_id)
            if "record" in frozen.user_attrs:
                found.append((trial, Record.from_attrs(frozen.user_attrs["record"])))
            else:
                self.study.tell(trial, state=TrialState.FAIL)
        return found

    def enqueue_anchors(self) -> None:
        """Start from the plain answers: with the two widest MLPs, joint and split, the deepest that keep the bound."""
        if self.study.get_trials(deepcopy=False):
            return
        choices = self.space.choices(self.teacher)
        plain = {name: values[0] for name, values in choices.items() if name in ("layers", "bypass", "exits")}
        plain |= {name: min(values) for name, values in choices.items() if name == "dr_ratio"}
        widest: list[Any] = sorted(choices.get("mlp_ratio", ()), reverse=True)[:2]
        meetings: list[Any] = list(choices.get("interaction", ()))[:2]
        for hidden in widest or [None]:
            for interaction in meetings or [None]:
                fixed = plain | {"mlp_ratio": hidden, "interaction": interaction}
                self._enqueue_deepest({name: value for name, value in fixed.items() if value is not None}, choices)

    def _enqueue_deepest(self, fixed: dict[str, Any], choices: dict[str, tuple[Any, ...]]) -> None:
        for depth in sorted(choices.get("depth", ()), reverse=True):
            knobs = fixed | {"depth": depth}
            spec = self.space.spec(self.teacher, lambda name, values, k=knobs: k.get(name, values[0]))  # type: ignore[misc]
            if self.value(self.predict(spec)) <= self.bound_ms:
                self.study.enqueue_trial(knobs)
                return

    def accepted(self, known: set[str]) -> Iterator[tuple[Trial, Record]]:
        """Endless specs within the bound that are not in `known` (spec ids, added to); the others are told PRUNED.

        Ends when the space seems to hold no further one.
        """
        rejected = 0
        while rejected < _TRIES:
            trial = self.study.ask()
            record = self._draft(trial)
            latency = record.predicted
            assert latency is not None
            over = self.value(latency) - self.bound_ms
            if record.spec.id in known:
                record = replace(record, status="duplicate", reason="tried before")
            elif over > 0:
                reason = f"predicted {self.value(latency):.3g} ms, over the bound of {self.bound_ms:.3g} ms"
                record = replace(record, status="rejected", reason=reason)
            store_record(trial, record)
            known.add(record.spec.id)
            if record.status == "running":
                rejected = 0
                yield trial, record
            else:
                rejected += 1
                trial.set_constraint("latency", over)
                self.study.tell(trial, state=TrialState.PRUNED)

    def tell(self, trial: Trial, record: Record) -> None:
        """Tell a trained trial, once and for all."""
        assert record.predicted is not None
        assert record.accuracy is not None
        store_record(trial, record)
        trial.set_constraint("latency", self.value(record.predicted) - self.bound_ms)
        self.study.tell(trial, [record.predicted.mean_ms, record.accuracy.ao])

    def _draft(self, trial: Trial) -> Record:
        spec = self.space.spec(self.teacher, lambda name, values: trial.suggest_categorical(name, list(values)))
        cost = macs(spec)
        return Record(
            variant=variant_name(trial.number),
            number=trial.number,
            spec=spec,
            status="running",
            predicted=self.predict(spec),
            params=parameters(spec),
            macs=cost.full,
            macs_per_frame=cost.per_frame,
        )


def check_names(sampler: str, fps_at: str) -> None:
    """Raises `UsageError` on a sampler, or a figure to bind, that there is not."""
    if sampler not in _SAMPLERS:
        raise unknown_name("sampler", sampler, _SAMPLERS)
    if fps_at not in ("mean", "p50", "p90", "p99"):
        raise UsageError(f"--fps-at must be mean, p50, p90 or p99 but is {fps_at!r}.")
