"""Samplers that know the space: what they draw keeps the bound, comes once, and follows the prior while it is due."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import optuna
import pytest

from compress import search
from compress.archive import Record
from compress.core import ConstraintCheck, Latency, LatencyConstraint, TrackerSpec, UsageError, describe
from compress.driver.proposals import Proposals
from compress.driver.samplers import SAMPLERS
from compress.driver.samplers.exhaustive import ExhaustiveSampler
from compress.driver.samplers.known_space import KnownSpace, SpaceAware
from compress.driver.samplers.prior import PriorSampler
from compress.driver.samplers.surrogate import expected_gain, fit
from compress.driver.stored_trials import Asked
from compress.prior import retention
from compress.spaces import Space, load_space

NANO = describe("ostrack-nano")
SMALL = Space("small", {"depth": (2, 3, 4, 6), "interaction": ("joint", "1/2"), "mlp_ratio": (1, 2, 4)})
AWARE = ("exhaustive", "prior", pytest.param("gp", marks=pytest.mark.slow))


def _ms(spec: TrackerSpec) -> float:
    """Half a millisecond a layer, and more with wider MLPs."""
    return sum(0.5 + layer.mlp_hidden / 1024 for layer in spec.layers)


def _gate(spec: TrackerSpec) -> ConstraintCheck:
    ms = _ms(spec)
    latency = Latency(
        mean_ms=ms,
        p50_ms=ms,
        p90_ms=ms,
        p99_ms=ms,
        network_ms=ms,
        provenance="predicted",
        runs=1,
        warmup=0,
        threads=1,
        runtime="toy",
        device="toy",
    )
    return LatencyConstraint(3.2).check(latency)


def _study(sampler: optuna.samplers.BaseSampler) -> optuna.Study:
    return optuna.create_study(directions=["minimize", "maximize"], sampler=sampler)


def _draws(
    sampler: optuna.samplers.BaseSampler,
    space: Space,
    count: int,
    accuracy: Callable[[TrackerSpec], float] = lambda spec: len(spec.layers) / 12,
) -> list[TrackerSpec]:
    """What comes of asking and telling, as Optuna has it, until there is nothing left or there are enough."""
    study, known = _study(sampler), KnownSpace(space, NANO, _gate)
    assert isinstance(sampler, SpaceAware)
    sampler.learn(known)
    found: list[TrackerSpec] = []
    while len(found) < count and not sampler.exhausted(study):
        trial = study.ask()
        spec = space.spec(NANO, lambda name, values, t=trial: t.suggest_categorical(name, list(values)))  # type: ignore[misc]
        trial.set_constraint("latency", _gate(spec).over_ms)
        found.append(spec)
        study.tell(trial, [_ms(spec), accuracy(spec)])
    return found


@pytest.mark.parametrize("name", AWARE)
@pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")
def test_all_that_there_is_comes_once_and_then_it_ends(name: str) -> None:
    drawn = _draws(SAMPLERS[name](0), SMALL, 1000)
    every = [spec for spec in SMALL.enumerate(NANO) if name == "exhaustive" or _gate(spec).passes]
    assert len(every) > 10
    assert sorted(spec.id for spec in drawn) == sorted(spec.id for spec in every)


@pytest.mark.parametrize("name", ["prior", "exhaustive"])
def test_a_seed_names_an_order(name: str) -> None:
    first, again, other = (_draws(SAMPLERS[name](seed), load_space("litetrack"), 12) for seed in (3, 3, 4))
    assert first == again
    assert first != other


def test_in_a_large_space_too_a_search_that_was_stopped_draws_on_as_one_that_was_not() -> None:
    space = load_space("full")

    def drawn(study: optuna.Study, count: int) -> list[dict[str, object]]:
        sampler = study.sampler
        assert isinstance(sampler, PriorSampler)
        sampler.learn(KnownSpace(space, NANO, _gate))
        for number in range(len(study.trials), count):
            sampler.reseed(number)
            assert not sampler.exhausted(study)
            trial = study.ask()
            spec = space.spec(NANO, lambda name, values, t=trial: t.suggest_categorical(name, list(values)))  # type: ignore[misc]
            study.tell(trial, [_ms(spec), len(spec.layers) / 12])
        return [trial.params for trial in study.trials]

    whole, stopped = _study(PriorSampler(0)), _study(PriorSampler(0))
    wanted = drawn(whole, 3)
    stopped.add_trials(whole.trials[:2])
    assert drawn(stopped, 3) == wanted


@pytest.mark.parametrize(("name", "count"), [("prior", 6), pytest.param("gp", 13, marks=pytest.mark.slow)])
@pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")
def test_of_a_large_space_with_knobs_that_need_others_all_draws_keep_the_bound(name: str, count: int) -> None:
    drawn = _draws(SAMPLERS[name](0), load_space("full"), count)
    assert len({spec.id for spec in drawn}) == count
    assert all(_gate(spec).passes for spec in drawn)


def test_a_space_too_large_for_every_student_is_refused_with_its_size_before_anything_is_measured(
    tmp_path: Path,
) -> None:
    with pytest.raises(UsageError, match=r"The space full has [\d,]+ combinations of choices, but .* at most 10,000"):
        search(out=tmp_path / "run", space="full", sampler="exhaustive", target="cpu")
    assert not (tmp_path / "run").exists()


def test_the_search_ends_once_every_student_within_the_bound_was_proposed() -> None:
    """Through the gate of a search, with start configurations drawn first and a stretch of rejected ones."""
    proposals = Proposals(_study(ExhaustiveSampler(1)), SMALL, NANO, _gate)
    proposals.enqueue_seeds()
    numbers = list(proposals.accepted(Asked()))
    accepted = [Record.from_attrs(proposals.stored[i].user_attrs["record"]).spec.id for i in numbers]
    assert sorted(accepted) == sorted(spec.id for spec in SMALL.enumerate(NANO) if _gate(spec).passes)
    states = [trial.state.name for trial in proposals.study.get_trials()]
    assert states.count("PRUNED") == SMALL.size(NANO) - len(accepted)


def test_every_student_is_listed_once_where_knobs_need_others() -> None:
    space = load_space("dytrack")
    listed = KnownSpace(space, NANO, _gate).all()
    assert {each.spec.id for each in listed} == {spec.id for spec in space.enumerate(NANO)}
    assert all(space.spec(NANO, lambda name, values, k=each.knobs: k[name]) == each.spec for each in listed)  # type: ignore[misc]


def test_the_prior_counts_for_less_with_every_result() -> None:
    sampler = PriorSampler(0)
    sampler.learn(KnownSpace(SMALL, NANO, _gate))
    weights = [sampler.weight(n) for n in range(8)]
    assert weights[0] == 1
    assert weights == sorted(weights, reverse=True)
    assert weights[-1] < 1e-6


def test_at_first_draws_are_those_that_published_ablations_promise_most_of() -> None:
    """A draw is the best of half of the candidates, so that of five draws none is among the worse half."""
    within = [spec for spec in SMALL.enumerate(NANO) if _gate(spec).passes]
    firsts = {_draws(PriorSampler(seed), SMALL, 1)[0].id for seed in range(5)}
    hypervolume = {spec.id: retention(NANO, spec).mean * (3.2 - _ms(spec)) for spec in within}
    best = sorted(hypervolume, key=lambda name: -hypervolume[name])
    assert firsts <= set(best[: len(best) // 2])
    assert best[0] in firsts


def test_a_prior_that_is_wrong_is_left_behind() -> None:
    """Accuracy turned upside down: the best of all are found as soon as without any prior, among the first half."""
    upside_down = lambda spec: 1.0 - retention(NANO, spec).mean  # noqa: E731
    space = Space("s", {**SMALL.knobs, "dr_ratio": (0, 0.25, 0.5), "layers": ("even", "front")})
    drawn = _draws(PriorSampler(0), space, 20, upside_down)
    within = [spec for spec in space.enumerate(NANO) if _gate(spec).passes]
    assert len(within) > 60
    top = sorted(map(upside_down, within))[-3:]
    assert max(map(upside_down, drawn)) >= top[0]


def test_expected_gain_of_a_certain_accuracy_is_the_hypervolume_that_it_adds() -> None:
    """Worked out by hand: the front has one student of 2 ms and AO 0.5 under a bound of 4 ms."""
    front = np.array([[2.0, 0.5]])
    found = expected_gain(np.array([1.0, 3.0, 3.0]), np.array([0.4, 0.7, 0.3]), np.full(3, 1e-9), front, 4.0)
    assert found == pytest.approx([0.4 * 1.0, 0.2 * 1.0, 0.0], abs=1e-6)


def test_the_regression_finds_a_line_and_is_sure_where_it_has_been() -> None:
    x = np.linspace(0, 1, 12)[:, None]
    model = fit(x, 0.2 + 0.5 * x[:, 0])
    mean, deviation = model.predict(np.array([[0.5], [3.0]]))
    assert mean == pytest.approx([0.45, 1.7], abs=0.05)
    assert deviation[0] < deviation[1]


def test_without_a_space_it_is_known_for_they_draw_at_random() -> None:
    for sampler in (ExhaustiveSampler(0), PriorSampler(0)):
        trial = _study(sampler).ask()
        assert trial.suggest_categorical("knob", [1, 2, 3]) in (1, 2, 3)


@pytest.mark.parametrize("name", ["prior", pytest.param("gp", marks=pytest.mark.slow)])
@pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")
def test_where_nothing_keeps_the_bound_the_fastest_are_drawn_for_the_record(name: str) -> None:
    def gate(spec: TrackerSpec) -> ConstraintCheck:
        return LatencyConstraint(0.5).check(_gate(spec).latency)

    sampler, known = SAMPLERS[name](0), KnownSpace(SMALL, NANO, gate)
    assert isinstance(sampler, SpaceAware)
    study = _study(sampler)
    sampler.learn(known)
    found: list[float] = []
    while not sampler.exhausted(study):
        trial = study.ask()
        spec = SMALL.spec(NANO, lambda name, values, t=trial: t.suggest_categorical(name, list(values)))  # type: ignore[misc]
        found.append(_ms(spec))
        study.tell(trial, state=optuna.trial.TrialState.PRUNED)
    assert len(found) == 8
    assert min(found) == min(map(_ms, (each.spec for each in known.all())))
