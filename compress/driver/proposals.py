"""Asking Optuna for specs: the gate that every spec passes before anything is trained."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import optuna
from optuna.distributions import CategoricalDistribution
from optuna.trial import Trial, TrialState

from compress.archive import Record, store_record, variant_name
from compress.core import ConstraintCheck, FileError, TrackerSpec
from compress.core.cost import macs, parameters
from compress.core.text import printable
from compress.driver.samplers.known_space import KnownSpace, SpaceAware
from compress.driver.seed_configurations import seed_configurations
from compress.spaces import Space

_TRIES = 200
"""Specs in a row that may be rejected before the search takes the space for exhausted."""


@dataclass
class Proposals:
    """Draws specs that keep the bound; `gate` holds one against it before anything is trained."""

    study: optuna.Study
    space: Space
    teacher: TrackerSpec
    gate: Callable[[TrackerSpec], ConstraintCheck]

    def __post_init__(self) -> None:
        """Let the sampler learn of the space, if it can.

        Raises:
            FileError: there are trials that were drawn from other choices: no sampler goes on from those.
            UsageError: the sampler cannot work with this space.
        """
        offered = self.space.choices(self.teacher)
        for trial in self.study.get_trials(deepcopy=False):
            for name, drawn in trial.distributions.items():
                here = CategoricalDistribution(offered[name]) if name in offered else None
                if drawn != here:
                    there = ", ".join(map(str, getattr(drawn, "choices", ())))
                    now = ", ".join(map(str, offered.get(name, ())))
                    raise FileError(
                        f"The trials of this run were drawn from another space: {name} offered {printable(there)} "
                        f"there and {now or 'nothing'} here. Search the space as it was, or give another --out."
                    )
        if isinstance(self.study.sampler, SpaceAware):
            self.study.sampler.learn(KnownSpace(self.space, self.teacher, self.gate))

    def known(self) -> set[str]:
        """`weights_id` of the teacher and of all that was drawn before."""
        drawn = (t.user_attrs["record"] for t in self.study.get_trials(deepcopy=False) if "record" in t.user_attrs)
        return {self.teacher.weights_id, *(Record.from_attrs(record).spec.weights_id for record in drawn)}

    def running(self) -> list[tuple[Trial, Record]]:
        """Trials that were accepted and never finished: those of a search that was stopped."""
        found = []
        for frozen in self.study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
            trial = Trial(self.study, frozen._trial_id)
            if "record" in frozen.user_attrs:
                found.append((trial, Record.from_attrs(frozen.user_attrs["record"])))
            else:
                self.study.tell(trial, state=TrialState.FAIL)
        return found

    def enqueue_seeds(self) -> None:
        """Start from `seed_configurations`, each as deep as the bound allows; see `_likely`."""
        if self.study.get_trials(deepcopy=False):
            return
        for start in seed_configurations(self.space, self.teacher):
            for depth in sorted(self.space.choices(self.teacher).get("depth", ()), reverse=True):
                knobs = start | {"depth": depth}
                spec = self.space.spec(self.teacher, lambda name, values, k=knobs: k.get(name, values[0]))  # type: ignore[misc]
                if _likely(self.gate(spec)):
                    self.study.enqueue_trial(knobs)
                    break

    def accepted(self, known: set[str]) -> Iterator[tuple[Trial, Record]]:
        """Endless specs within the bound whose weights are not in `known` (ids, added to); the others are pruned.

        By weights, as exit thresholds chosen for a student change its id.

        Ends when the space seems to hold no further one; a sampler that is `SpaceAware` knows.
        """
        rejected, sampler = 0, self.study.sampler
        aware = sampler if isinstance(sampler, SpaceAware) else None
        while not aware.exhausted(self.study) if aware else rejected < _TRIES:
            trial = self.study.ask()
            record = self._entered(trial, self._drawn(trial), known)
            if record.status == "running":
                rejected = 0
                yield trial, record
            else:
                rejected += 1

    def given(self, specs: Sequence[TrackerSpec], known: set[str]) -> Iterator[tuple[Trial, Record]]:
        """Likewise of specs that no sampler drew; their trials have no parameters."""
        for spec in specs:
            frozen = optuna.trial.create_trial(state=TrialState.RUNNING)
            storage = self.study._storage
            trial = Trial(self.study, storage.create_new_trial(self.study._study_id, template_trial=frozen))
            record = self._entered(trial, spec, known)
            if record.status == "running":
                yield trial, record

    def tell(self, trial: Trial, record: Record, over_ms: float) -> None:
        """Enter a trained trial's result in the study, which is final.

        Args:
            over_ms: Milliseconds by which it misses the bound; negative where it keeps it.
        """
        assert record.predicted is not None
        assert record.accuracy is not None
        store_record(trial, record)
        trial.set_constraint("latency", over_ms)
        self.study.tell(trial, [record.predicted.mean_ms, record.accuracy.ao])

    def _drawn(self, trial: Trial) -> TrackerSpec:
        return self.space.spec(self.teacher, lambda name, values: trial.suggest_categorical(name, list(values)))

    def _entered(self, trial: Trial, spec: TrackerSpec, known: set[str]) -> Record:
        """The record of a trial, stored on it; of one that is over the bound or `known` already the trial is pruned."""
        record, check = self._draft(trial, spec)
        if spec.weights_id in known:
            record = replace(record, status="duplicate", reason="tried before")
        elif not check.passes:
            record = replace(record, status="rejected", reason=check.reason)
        store_record(trial, record)
        known.add(spec.weights_id)
        if record.status != "running":
            trial.set_constraint("latency", check.over_ms)
            self.study.tell(trial, state=TrialState.PRUNED)
        return record

    def _draft(self, trial: Trial, spec: TrackerSpec) -> tuple[Record, ConstraintCheck]:
        cost, check = macs(spec), self.gate(spec)
        record = Record(
            variant=variant_name(trial.number),
            number=trial.number,
            spec=spec,
            status="running",
            predicted=check.latency,
            params=parameters(spec),
            macs=cost.full,
            macs_per_frame=cost.per_frame,
        )
        return record, check


def _likely(check: ConstraintCheck) -> bool:
    """Whether a static tracker keeps the bound, and an adaptive one halfway between its best and its worst path."""
    latency = check.latency
    slack = (latency.worst_ms - latency.mean_ms) / 2 if check.optimistic and latency.worst_ms is not None else 0.0
    return check.over_ms + slack <= 0
