"""The integer program against enumeration, and students chosen under latency models whose layers do not add up."""

from __future__ import annotations

import random
from dataclasses import replace
from itertools import product

import pytest

from compress.core import TrackerSpec, describe
from compress.driver.blockwise.choices import LayerChoices
from compress.driver.blockwise.grid import grid_of
from compress.driver.blockwise.plans import Plans
from compress.driver.blockwise.program import SKIP, Choice, Program, Solution, Structure
from compress.latency import MeasuredLatency
from compress.measure import Coverage
from compress.spaces import Space, load_space
from compress.testing.recorded_profile import recorded_profile
from compress.testing.small_trackers import SPEC

SPACE = Space(
    "small", {"depth": (2, 3, 4), "interaction": ("joint", "1/2"), "mlp_ratio": (0.5, 1, 2), "dr_ratio": (0, 0.5)}
)


def _program(rng: random.Random) -> Program:
    """Four layers: skip, two joint, two FE and two AI choices each."""
    kinds = ("joint", "joint", "FE", "FE", "AI", "AI")
    layers = tuple(
        (Choice(SKIP, 0.0, rng.random()), *(Choice(kind, rng.uniform(0.2, 1), rng.random()) for kind in kinds))
        for _ in range(4)
    )
    split = [Structure(0.1, ("FE",) * p + ("AI",) * (4 - p), (0.25, 0.5)) for p in range(4)]
    return Program(layers, (Structure(0.3, ("joint",) * 4), *split), depth=(2, 3))


def _enumerated(
    program: Program, structure: Structure, bound: float, others: list[Solution], same: int
) -> float | None:
    every = product(*(range(len(layer)) for layer in program.layers))
    fit = [
        each
        for each in every
        if program.valid(structure, each)
        and program.cost(structure, each) <= bound
        and all(sum(a == b for a, b in zip(each, other, strict=True)) <= same for other in others)
    ]
    return min(map(program.loss, fit), default=None)


@pytest.mark.parametrize("seed", range(3))
def test_solutions_are_the_best_of_all(seed: int) -> None:
    rng = random.Random(seed)
    program = _program(rng)
    for structure in program.structures:
        bound = rng.uniform(0.8, 2.5)
        others: list[Solution] = []
        for _ in range(3):
            solution = program.solve(structure, bound, others=others, same=2)
            wanted = _enumerated(program, structure, bound, others, 2)
            assert (solution is None) == (wanted is None)
            if solution is None:
                break
            assert program.valid(structure, solution)
            assert program.cost(structure, solution) <= bound
            assert program.loss(solution) == pytest.approx(wanted)
            others.append(solution)


def test_a_bound_that_nothing_keeps() -> None:
    program = _program(random.Random(0))
    assert all(program.solve(structure, 0.2) is None for structure in program.structures)


def _additive(spec: TrackerSpec) -> float:
    kind = {"joint": 1.0, "FE": 0.6, "AI": 0.8}
    each = (kind[x.attention] * (1 + x.mlp_hidden / 64 + (x.attn_dims or 32) / 64) for x in spec.layers)
    return 0.5 + 0.1 * (spec.attention == "split") + sum(each)


def _curved(spec: TrackerSpec) -> float:
    """The more layers, the slower each: not the sum of anything."""
    return _additive(spec) ** 1.2


def _choices(predict: object = _additive, seed: int = 0) -> LayerChoices:
    grid, rng = grid_of(SPACE, SPEC), random.Random(seed)
    losses = {variant: rng.random() for i in range(4) for variant in grid.to_make(i)}
    return LayerChoices(grid, predict, losses)  # type: ignore[arg-type]


def test_the_grid_is_what_students_of_the_space_are_made_of() -> None:
    grid = grid_of(SPACE, SPEC)
    assert (grid.depth, grid.whole, grid.shares) == ((2, 4), ("joint",), (0.5, 0.5))
    assert [len(each) for each in grid.attentions] == [6, 6, 6, 4], "the last layer is never FE"
    assert [len(each) for each in grid.mlps] == [6] * 4
    rng = random.Random(1)
    assert all(grid.holds(SPACE.sample(SPEC, rng)) for _ in range(30))
    assert not grid.holds(replace(SPEC, layers=(replace(SPEC.layers[0], mlp_hidden=5),)))


def test_costs_of_layers_add_up_where_the_model_adds_them_up() -> None:
    choices = _choices()
    rng = random.Random(3)
    for structure in choices.program.structures:
        for _ in range(5):
            solution = tuple(
                rng.choice([c for c, each in enumerate(layer) if each.kind == kind])
                for layer, kind in zip(choices.program.layers, structure.kinds, strict=True)
            )
            assert choices.program.cost(structure, solution) == pytest.approx(choices.ms(solution))
            assert choices.solution(choices.spec(solution)) == solution


@pytest.mark.parametrize("predict", [_additive, _curved])
def test_students_keep_the_bound_and_controls_lose_more(predict: object) -> None:
    plans = Plans(_choices(predict), SPACE, seed=0)
    program = plans.choices.program
    bounds = plans.bounds(0.6 * plans.choices.predict(SPEC), 3)
    assert bounds == sorted(bounds, reverse=True)
    for bound in bounds:
        found = plans.by_program(bound, 3)
        assert found
        assert len(set(found)) == len(found)
        rest = [*plans.uniform(bound), *plans.greedy(bound), *plans.at_random(bound, 0)]
        assert all(plans.choices.predict(spec) <= bound for spec in (*found, *rest))
        losses = [program.loss(plans.choices.solution(spec)) for spec in (*found, *rest)]
        if predict is _additive:
            assert losses[0] == min(losses)
        for i, one in enumerate(found):
            for other in found[max(2, i + 1) :]:
                alike = zip(plans.choices.solution(one), plans.choices.solution(other), strict=True)
                assert sum(a == b for a, b in alike) <= 3


def test_under_a_measured_profile_costs_of_layers_add_up() -> None:
    """Of its own p10s, means and overheads, for students whose layers all differ."""
    spec = describe("ostrack-nano")
    space = load_space("ostrack")
    model = MeasuredLatency(recorded_profile(spec, Coverage.of_space(spec, space)))
    spec = replace(spec, layers=spec.layers[:3])  # as many as show it
    choices = LayerChoices(grid_of(space, spec), lambda student: model.predict(student).mean_ms, {})
    rng = random.Random(0)
    for structure in choices.program.structures:
        solution = tuple(
            rng.choice([c for c, each in enumerate(layer) if each.kind == kind])
            for layer, kind in zip(choices.program.layers, structure.kinds, strict=True)
        )
        assert choices.program.cost(structure, solution) == pytest.approx(choices.ms(solution), rel=1e-6)


def test_a_bound_just_below_the_best_solution_is_kept() -> None:
    """The solver's tolerance puts that solution within it; the prediction does not, so that the next best one is it."""
    choices = _choices(seed=1)
    for structure in (choices.program.structures[0], *choices.program.structures[2:4]):
        best = choices.best(structure, 5.0)
        assert best is not None
        bound = (1 - 1e-9) * choices.ms(best)
        found = choices.best(structure, bound)
        assert found is not None
        assert choices.ms(found) <= bound
        assert choices.program.loss(found) >= choices.program.loss(best)


def test_where_nothing_is_fast_enough_there_is_nothing() -> None:
    plans = Plans(_choices(), SPACE, seed=0)
    assert plans.bounds(0.5, 4) == []
    assert plans.uniform(0.5) == plans.greedy(0.5) == plans.at_random(0.5, 0) == plans.by_program(0.5, 2) == []
