"""What a search works with, found and made from its settings before the loop runs."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial

import optuna

from compress.core import LatencyConstraint, describe
from compress.core.progress import Progress
from compress.data import DataReference, PairSizes, open_source
from compress.distill import StudentRecipe
from compress.driver.jobs import BlockwiseSetup, ElasticSetup, Rung, TrainingSetup, space_text
from compress.driver.pair_choice import PairChoice, chosen_pairs
from compress.driver.planner.warm_start import PlannedStudent, along, planned_students
from compress.driver.precisions import in_one_precision, space_on
from compress.driver.proposals import Proposals
from compress.driver.samplers import SAMPLERS
from compress.driver.samplers.known_space import SpaceAware
from compress.driver.settings import SearchSettings
from compress.driver.strategies import LAYER_VARIANTS, SHARED_WEIGHTS
from compress.driver.student_recipe import student_recipe
from compress.driver.students import Students
from compress.driver.teacher import keep_teacher
from compress.driver.time_budget import FRAMES_PER_STEP
from compress.driver.turns import timing_turn
from compress.latency import LatencyModel, gate
from compress.measure import Coverage, Target, resolve_target
from compress.models import Tracker, load_tracker
from compress.spaces import Space, load_space
from compress.surgery import check_layers


@dataclass(frozen=True)
class Inputs:
    """Everything that the settings of a search name, looked up and found to be there.

    Attributes:
        space: Of the one named, what can be searched on the target.
        evaluation, training: What students are scored on, and distilled on.
        recipe: How students are trained.
        plan: Students of a plan that are to be trained first; empty where the settings name none.
        left_out: What of the space is not searched, and why; a sentence, or empty.
    """

    target: Target
    space: Space
    teacher: Tracker
    evaluation: DataReference
    training: DataReference
    plan: list[PlannedStudent]
    left_out: str = ""
    recipe: StudentRecipe = StudentRecipe()


def checked_target(settings: SearchSettings) -> Target:
    """The target of a search.

    Raises:
        UsageError: unknown, or one that cannot be searched on, or not with this bound or these threads.
    """
    target = resolve_target(settings.target, describe(settings.teacher))
    target.check_bound(settings.fps_at)
    target.check_threads(settings.threads)
    _ = target.scored_precision
    return target


def look_up(settings: SearchSettings, target: Target) -> Inputs:
    """Open what the settings name, so that whatever is wrong with it is said before anything is written.

    Raises:
        UsageError, FileError: naming what there is not, or what is damaged.
    """
    space, left_out = space_on(target, load_space(settings.space), layerwise=settings.strategy in LAYER_VARIANTS)
    teacher = load_tracker(settings.teacher, settings.weights or None)
    recipe = student_recipe(settings.recipe, settings.strategy, teacher.spec)
    if settings.strategy in LAYER_VARIANTS:
        check_layers(teacher.spec)
    sampler = SAMPLERS[settings.sampler](settings.seed)
    if isinstance(sampler, SpaceAware):
        sampler.check(space, teacher.spec)
    data = open_source(settings.data)
    train_data = open_source(settings.train_data, images=settings.images, training=True)
    data.sequences()
    train_data.pairs(0, 0, 1, PairSizes.of(teacher.spec))
    plan = planned_students(settings.plan, space, teacher.spec) if settings.plan else []
    evaluation, training = DataReference.of(data), DataReference.of(train_data)
    return Inputs(target, space, teacher, evaluation, training, plan, left_out, recipe)


def training_setup(settings: SearchSettings, inputs: Inputs, pairs: PairChoice | None = None) -> TrainingSetup:
    """What all jobs of a search have in common; puts the teacher's weights into the store.

    Args:
        pairs: What students are distilled on; chosen now where it is not given.

    Raises:
        UsageError: see `chosen_pairs`.
    """
    elastic = elastic_setup(settings, inputs.space) if settings.strategy in SHARED_WEIGHTS else None
    blockwise = (
        BlockwiseSetup(space_text(in_one_precision(inputs.space))) if settings.strategy in LAYER_VARIANTS else None
    )
    lowest = "elastic" if elastic else "blockwise" if blockwise else "rung-0"
    pairs = pairs or chosen_pairs(settings, inputs.teacher.spec, batch=inputs.recipe.batch)
    return TrainingSetup(
        teacher=keep_teacher(inputs.teacher),
        evaluation=inputs.evaluation,
        training=inputs.training,
        pairs=pairs.count,
        rungs=rungs_of(steps=settings.steps, partial=settings.partial, lowest=lowest),
        seed=settings.seed,
        mlp_rank="leading" if inputs.recipe.procedure.mlp_rank == "leading" else settings.mlp_rank,
        recipe=inputs.recipe,
        device=settings.device,
        elastic=elastic,
        blockwise=blockwise,
        streamed=pairs.streamed,
        precision=inputs.target.scored_precision,
    )


def elastic_setup(settings: SearchSettings, space: Space) -> ElasticSetup:
    """How the network of shared weights of a search is trained; slices of every precision are slices of it."""
    return ElasticSetup(space_text(in_one_precision(space)), settings.elastic_steps or settings.steps)


def rungs_of(*, steps: int, partial: float, lowest: str = "rung-0") -> tuple[Rung, ...]:
    """Untrained by itself, partly, fully: `rung-0` or `elastic`, `rung-1`, `full`.

    Args:
        steps: Of full distillation, of which `partial` are done at the second.
    """
    first = max(1, round(steps * partial))
    return Rung(lowest, 0), Rung("rung-1", first), Rung("full", max(1, steps - first), short=False)


def latency_model(settings: SearchSettings, inputs: Inputs, progress: Progress) -> LatencyModel:
    """What predicts the students of the space on the target; on this host measured first, where that is needed.

    Of searches that are started together one measures, and the others find what it has measured.
    """
    teacher = inputs.teacher.spec
    coverage = Coverage.of_space(teacher, inputs.space)
    with timing_turn(progress) if inputs.target.timer is not None else nullcontext():
        return inputs.target.latency_model(teacher, coverage=coverage, threads=settings.threads, progress=progress)


def proposals_of(
    settings: SearchSettings, inputs: Inputs, study: optuna.Study, model: LatencyModel, constraint: LatencyConstraint
) -> Proposals:
    """What a study draws from; a new one begins with students along a plan, or else with the seed configurations."""
    proposals = Proposals(study, inputs.space, inputs.teacher.spec, partial(gate, model, constraint=constraint))
    if inputs.plan:
        # Half as many as are to be trained: the sampler goes on from what these show.
        proposals.enqueue([each.knobs for each in along(inputs.plan, max(1, settings.students // 2))])
    proposals.enqueue_seeds()
    return proposals


def work_of(students: Students) -> tuple[float, ...]:
    """What a job of each rung costs: distillation steps, and one for every `FRAMES_PER_STEP` that it is scored on."""
    frames = {short: sum(map(len, students.sequences(short=short))) for short in (True, False)}
    setup = students.setup
    return tuple(setup.own_steps(i) + frames[r.short] / FRAMES_PER_STEP for i, r in enumerate(setup.rungs))
