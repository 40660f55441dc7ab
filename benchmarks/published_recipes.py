"""The searched front against published recipes, at equal teacher, data, target, bound and distillation steps a member.

    python benchmarks/published_recipes.py --steps 128 --trials 128

For each bound and seed a search runs, and each recipe of `published_recipe_specs.py` makes the largest student that it
can within the bound. All members are trained for as many steps of the same pairs, each recipe in its own manner; all
are scored on the same sequences, and the front, the recipes and the teacher are timed together. A recipe is dominated
where a member of the front is at least as fast and more accurate; `gain` is by how much the most accurate of those
leads, with the standard error of the paired difference over the sequences. Where none is as fast, the fastest member is
compared.

The ViT recipes are fitted to the bound by predicted latency, as the search is, and the HiT-like one, which no profile
of the teacher covers, by measuring it. What was trained is kept under `--out`, and the same command goes on from there.
`--list` prints the students, and trains nothing.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from csv_files import write_table
from numpy.typing import NDArray
from published_recipe_specs import RECIPES, Recipe, largest_within
from table import about, setup_of

from compress import search
from compress.archive import paired_difference
from compress.core import ExecutionPath, Latency, LatencyConstraint, TrackerSpec
from compress.distill import Pool, StudentRecipe, Trainer, distill, distill_progressively, distill_with_replacement
from compress.distill.batches import Batch
from compress.distill.losses import ground_truth_loss
from compress.driver.exit_thresholds.exit_scores import exit_scores
from compress.driver.exit_thresholds.selection import choose
from compress.driver.shared_weights import calibration_crops
from compress.driver.students import Students
from compress.driver.worker import loaded
from compress.evaluate import evaluate
from compress.geometry import LoopSettings
from compress.latency import LatencyModel, gate
from compress.measure import Coverage, Target, resolve_target
from compress.models import NumpyNetwork, Tracker, build, load_tracker, load_weights, save_weights
from compress.runtime.thresholds import with_thresholds
from compress.spaces import load_space
from compress.surgery import inherit

CPU = torch.device("cpu")
_FADE = 40 / 500
"""Share of the steps in which layers fade out: 40 of 500 epochs (MixFormerV2, section 4.1)."""


@dataclass(frozen=True)
class Member:
    """A trained tracker.

    Attributes:
        overlaps: AO by test sequence (n,).
        paths: Of an adaptive one, the frames by execution path.
    """

    name: str
    model: Tracker
    ao: float
    overlaps: NDArray[np.float64]
    paths: Mapping[ExecutionPath, int]


def main() -> None:
    arguments = _arguments()
    torch.set_num_threads(arguments.threads)
    teacher = load_tracker(arguments.teacher)
    target = resolve_target(arguments.target, teacher.spec)
    coverage = Coverage.of_space(teacher.spec, load_space("full"))  # recipes have bypass and exits
    model = target.latency_model(teacher.spec, coverage=coverage, threads=1, progress=lambda *_: None)
    rows: list[list[object]] = []
    measured = uncovered_ms(teacher.spec, target)
    for bound in arguments.bounds:
        specs = fitted(teacher.spec, model, measured, bound)
        for recipe in RECIPES:
            spec = specs.get(recipe.name)
            told = "none is within the bound" if spec is None else f"{spec.id}, {len(spec.layers)} layers"
            print(f"{bound}x {recipe.name}: {told}", flush=True)
        for seed in range(0 if arguments.list else arguments.seeds):
            rows += _compared(arguments, teacher, target, model, specs, bound, seed)
            _write(arguments.csv, rows)


def uncovered_ms(teacher: TrackerSpec, target: Target) -> dict[str, float]:
    """Measured milliseconds by spec id, of the teacher and of all students that no profile of it covers."""
    uncovered = [each.make(teacher, size) for each in RECIPES if each.training == "scratch" for size in each.sizes]
    found = target.measure({spec.id: spec for spec in (teacher, *uncovered)})
    return {name: latency.mean_ms for name, latency in found.items()}


def fitted(
    teacher: TrackerSpec, model: LatencyModel, measured: Mapping[str, float], bound: float
) -> dict[str, TrackerSpec]:
    """The largest student of each recipe within the bound, by the recipe's name."""
    constraint = LatencyConstraint.of(speedup=bound, teacher=model.predict(teacher))

    def passes(spec: TrackerSpec) -> bool:
        if spec.id in measured:
            return measured[spec.id] * bound <= measured[teacher.id]
        return gate(model, spec, constraint).passes

    found = {each.name: largest_within(each, teacher, passes) for each in RECIPES}
    return {name: spec for name, spec in found.items() if spec is not None}


def _compared(
    arguments: argparse.Namespace,
    teacher: Tracker,
    target: Target,
    model: LatencyModel,
    specs: Mapping[str, TrackerSpec],
    bound: float,
    seed: int,
) -> list[list[object]]:
    """A row for each recipe, and one for each member of the front."""
    run = arguments.out / f"search-{bound:g}x-{seed}"
    archive = search(
        out=run,
        teacher=arguments.teacher,
        target=arguments.target,
        speedup=bound,
        space=arguments.space,
        steps=arguments.steps,
        pool=arguments.pairs,
        trials=arguments.trials,
        sampler=arguments.sampler,
        members=arguments.members,
        seed=seed,
        executor="inline",
    )
    max_ms = archive.constraint.aim_ms() or 0.0
    with loaded(setup_of(arguments, teacher, seed)) as students:
        front = [_searched(students, record.spec, run) for record in archive.front()]
        recipes = [
            _recipe(students, recipe, specs[recipe.name], arguments, model, max_ms, f"{bound:g}x-{seed}")
            for recipe in RECIPES
            if recipe.name in specs
        ]
        everyone = [_scored(students, "teacher", teacher), *front, *recipes]
    ms = target.measure(
        {each.name: each.model for each in everyone},
        paths={each.name: each.paths for each in everyone if each.paths},
    )
    return [
        *([bound, seed, *_figures(each, ms), "", "", "", ""] for each in front),
        *([bound, seed, *_figures(each, ms), *_verdict(each, front, ms)] for each in recipes),
    ]


def _searched(students: Students, spec: TrackerSpec, run: Path) -> Member:
    network = build(spec)
    load_weights(network, run / "checkpoints" / f"{spec.weights_id}.safetensors")
    return _scored(students, f"front {spec.id}", network)


def _recipe(
    students: Students,
    recipe: Recipe,
    spec: TrackerSpec,
    arguments: argparse.Namespace,
    latency: LatencyModel,
    max_ms: float,
    where: str,
) -> Member:
    """Trained, or read where it was trained before."""
    path = arguments.out / f"{recipe.name}-{where}-{spec.id}.safetensors"
    network = build(spec).eval()
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        network = trained(
            recipe, students.teacher, spec, students.pool(lambda *_: None), arguments.steps, students.setup.seed
        )
        save_weights(network, path)
    else:
        load_weights(network, path)
    if len(spec.exits) > 1:
        network = _with_exits(students, network, latency, max_ms)
    return _scored(students, recipe.name, network)


def _with_exits(students: Students, network: Tracker, latency: LatencyModel, max_ms: float) -> Tracker:
    """With the exit thresholds of the highest expected IoU within the bound, as a search chooses them."""
    spec = network.spec
    found = exit_scores(network, students.short, data="recipes", device=CPU, store=students.store)
    taus = choose(found, spec, lambda path: latency.predict(spec, {path: 1}).mean_ms, max_ms).taus
    chosen = build(with_thresholds(spec, taus)).eval()
    chosen.load_state_dict(network.state_dict())
    return chosen


def trained(recipe: Recipe, teacher: Tracker, spec: TrackerSpec, pool: Pool, steps: int, seed: int) -> Tracker:
    """A student trained in the manner of its recipe."""
    how = StudentRecipe()
    crops = calibration_crops(pool, CPU)
    budget = {"seed": seed, "device": CPU}
    if recipe.training == "scratch":
        return _from_scratch(spec, pool, steps, seed)
    if recipe.training == "fade":
        fade = max(1, round(_FADE * steps))
        rest = steps - fade
        return distill_progressively(
            teacher, spec, pool, how, fade_steps=fade, steps=rest, mlp_rank="leading", calibration=crops, **budget
        )
    if recipe.training == "replace":
        return distill_with_replacement(teacher, spec, pool, how, steps=steps, calibration=crops, **budget)
    return distill(inherit(teacher, spec, calibration=crops), pool, how, steps=steps, **budget)


def _from_scratch(spec: TrackerSpec, pool: Pool, steps: int, seed: int) -> Tracker:
    """From random weights and without a teacher, as nothing can be inherited or imitated across backbones and heads."""
    how = StudentRecipe()
    torch.manual_seed(seed)
    network = build(spec).train()

    def objective(batch: Batch, _step: int) -> dict[str, torch.Tensor]:
        return ground_truth_loss(network(batch.template, batch.search).maps, batch.boxes)

    batches = partial(pool.batches, count=how.batch, seed=seed, device=CPU)
    trainer: Trainer[Tracker, Batch] = Trainer(network, objective, batches, how.trainer(steps), device=CPU)
    return trainer.run()


def _scored(students: Students, name: str, model: Tracker) -> Member:
    network = NumpyNetwork(model.eval(), CPU)
    found = evaluate(network, LoopSettings.of(model.spec), students.full, batch=len(students.full))
    overlaps = np.array([each.ao for each in found.per_sequence])
    return Member(name, model, found.accuracy.ao, overlaps, found.paths)


def _figures(member: Member, ms: Mapping[str, Latency]) -> list[object]:
    own = ms[member.name].mean_ms
    speedup = ms["teacher"].mean_ms / own
    spec = json.dumps(member.model.spec.to_dict(), separators=(",", ":"))
    return [member.name, member.model.spec.id, f"{own:.4f}", f"{speedup:.3f}", f"{member.ao:.4f}", spec]


def _verdict(recipe: Member, front: list[Member], ms: Mapping[str, Latency]) -> list[object]:
    """dominated, by which member, the gain in AO and its paired standard error."""
    if not front:
        return ["no", "", "", ""]
    faster = [each for each in front if ms[each.name].mean_ms <= ms[recipe.name].mean_ms]
    rival = max(faster, key=lambda each: each.ao) if faster else min(front, key=lambda each: ms[each.name].mean_ms)
    gain = paired_difference(list(rival.overlaps), list(recipe.overlaps))
    verdict = "yes" if faster and gain.mean > 0 else "no"
    return [verdict, rival.model.spec.id, f"{gain.mean:.4f}", f"{gain.se:.4f}"]


def _write(path: Path, rows: list[list[object]]) -> None:
    columns = ["bound", "seed", "member", "spec_id", "ms", "speedup", "ao", "spec"]
    write_table(path, [*columns, "dominated", "by", "gain", "gain_se"], rows, head=about())


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--teacher", default="ostrack-nano")
    parser.add_argument("--target", default="cpu")
    parser.add_argument("--space", default=str(Path(__file__).with_name("published_recipes_space.yaml")))
    parser.add_argument("--bounds", type=float, nargs="+", default=[2.0, 4.0])
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--steps", type=int, default=128, help="distillation steps of every member")
    parser.add_argument("--partial", type=float, default=0.25)
    parser.add_argument("--pairs", type=int, default=2048)
    parser.add_argument("--trials", type=int, default=128, help="students of each search")
    parser.add_argument("--members", type=int, default=16, help="students of it that are trained to the end")
    parser.add_argument("--sampler", default="prior")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--list", action="store_true", help="print the students of the recipes and stop")
    out = Path("results/published-recipes")
    parser.add_argument("--out", type=Path, default=out, help="where searches and weights go")
    parser.add_argument("--csv", type=Path, default=Path("results/published-recipes.csv"))
    return parser.parse_args()


if __name__ == "__main__":
    main()
