"""The library of layer variants in the store, whom the strategy asks for, and a real search by it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import optuna
import pytest
import torch

from compress import search
from compress.archive import Record, origin_sentences
from compress.core import Latency, LatencyConstraint, Store, TrackerSpec, UsageError
from compress.core.progress import no_progress
from compress.distill.blockwise import LocalRecipe, VariantScore
from compress.driver.blockwise.grid import grid_of
from compress.driver.blockwise.library import LayerLibrary
from compress.driver.jobs import BlockwiseSetup, Rung, TrainingSetup, TrialJob
from compress.driver.proposals import Proposals
from compress.driver.strategies.blockwise import LayerwiseStudents
from compress.driver.trials import Trials
from compress.driver.worker import loaded, run_job
from compress.latency import gate
from compress.spaces import Space
from compress.surgery import MlpVariant, Skip
from compress.testing.executor_checks import small_setup
from compress.testing.search_inputs import SETTINGS
from compress.testing.strategy_trials import LayersModel, latency, scored
from compress.testing.trained_run import STATIC

SPACE = Space("", {"depth": (2, 3, 4), "interaction": ("joint", "1/2"), "mlp_ratio": (1, 2), "dr_ratio": (0,)})
RUNGS = (Rung("blockwise", 0), Rung("rung-1", 1), Rung("full", 2, short=False))


@pytest.fixture(scope="module")
def setup(data: str) -> TrainingSetup:
    knobs = json.dumps({name: list(choices) for name, choices in SPACE.knobs.items()})
    blockwise = BlockwiseSetup(knobs, LocalRecipe(pairs=8, scored=8))
    return replace(small_setup(data), pairs=16, rungs=RUNGS, blockwise=blockwise)


def _uneven(library: LayerLibrary) -> TrackerSpec:
    """Every layer's own width, all of them in the library."""
    grid = library.grid
    layers = []
    for i in (0, 2, 3):
        mlp = grid.mlps[i][i % len(grid.mlps[i])]
        layers.append(replace(STATIC.layers[i], source=i, mlp_hidden=mlp.hidden))
    return replace(STATIC, layers=tuple(layers))


def test_a_job_puts_its_student_together(setup: TrainingSetup, home: Path) -> None:
    """Each variant is made once and kept by itself; what is removed is made anew, the same, and nothing else is."""
    with loaded(setup) as students:
        library = students.library
        assert library is not None
        spec = _uneven(library)
        result = run_job(TrialJob(0, spec, 0, setup))
        assert (result.error, result.fidelity) == ("", "blockwise")
        scores = dict(library.scores())
        weights = students.model(spec, 0).state_dict()
    every = {path: path.stat().st_mtime_ns for path in (home / "layers").glob("*.safetensors")}
    assert len(every) == len(scores) == sum(1 for i in range(4) for _ in library.grid.to_make(i))
    assert {type(each) for each in scores} >= {Skip, MlpVariant}
    gone = sorted(every)[3]
    content = gone.read_bytes()
    gone.unlink()
    with loaded(setup) as students:
        assert students.library is not None
        assert dict(students.library.scores()) == scores
        again = students.model(spec, 0).state_dict()
        assert all(torch.equal(value, again[name]) for name, value in weights.items())
    assert gone.read_bytes() == content
    assert all(path.stat().st_mtime_ns == made for path, made in every.items() if path != gone)


def test_layers_are_shared_out_among_workers(setup: TrainingSetup, home: Path, tmp_path: Path) -> None:
    """What another worker has claimed is left to it while there is something else to do."""
    with loaded(setup) as students:
        assert students.library is not None
        pool, teacher = students.pool, students.teacher
    store = Store(tmp_path)
    library = LayerLibrary(setup, teacher, pool, torch.device("cpu"), store)
    with store.claimed("layers", library._key("layer 1")) as mine:
        assert mine
        with store.claimed("layers", library._key("layer 1")) as other:
            assert not other
        library._build(no_progress)
        made = {i for i in range(4) if not any(map(library._missing, library.grid.to_make(i)))}
        assert made == {0, 2, 3}
    assert library.scores()
    assert not list((tmp_path / "layers" / ".locks").glob("*-claim"))


def test_another_target_finds_the_library(setup: TrainingSetup) -> None:
    """Steps of later rungs, devices and data to score on change nothing of it; what variants learn from does."""
    with loaded(setup) as students:
        library, pool = students.library, students.pool
        assert library is not None
    variant = MlpVariant(1, 16)

    def key(other: TrainingSetup) -> str:
        return LayerLibrary(other, students.teacher, pool, torch.device("cpu"), Store())._key(variant)

    assert key(replace(setup, rungs=RUNGS[:1], device="auto")) == library._key(variant)
    assert key(replace(setup, seed=1)) != library._key(variant)
    assert key(replace(setup, pairs=17)) != library._key(variant)


class _Library:
    """Scores that are made up: a variant loses more the more it lacks."""

    def __init__(self, teacher: TrackerSpec) -> None:
        self.grid, self.space, self.asked = grid_of(SPACE, teacher), SPACE, 0

    def scores(self, progress: object) -> dict[object, VariantScore]:
        self.asked += 1
        every = [each for i in range(len(self.grid.mlps)) for each in self.grid.to_make(i)]
        return {each: VariantScore(1.0 if isinstance(each, Skip) else 0.1 + 0.01 * each.source, 0.0) for each in every}


class _Widths(LayersModel):
    """Half of a layer's millisecond is its MLP's."""

    def predict(self, spec: TrackerSpec, paths: object = None) -> Latency:
        """By layers and hidden units."""
        return latency(sum(0.5 + 0.5 * layer.mlp_hidden / 32 for layer in spec.layers))


def _trials(study: optuna.Study, setup: TrainingSetup) -> Trials:
    model, constraint = _Widths(), LatencyConstraint(3.0)
    proposals = Proposals(study, SPACE, setup.teacher.spec, lambda spec: gate(model, spec, constraint))
    return Trials(proposals, model, constraint, setup, work=(1, 2, 3))


def test_students_and_controls_are_asked_for(setup: TrainingSetup) -> None:
    """Random ones first, before any score; all within the bound, each once, and none again when the search goes on."""
    study = optuna.create_study(directions=["minimize", "maximize"])
    trials, library = _trials(study, setup), _Library(setup.teacher.spec)
    students = LayerwiseStudents(trials, lambda: library, students=16, seed=0, bound_ms=3.0)  # type: ignore[arg-type,return-value]
    first = students.ask(1)
    assert [trials[i].origin for i in first] == ["random"]
    assert library.asked == 0
    numbers = first + students.ask(99)
    records = [trials[i] for i in numbers]
    assert {record.origin for record in records} >= {"random", "integer program", "uniform"}
    assert all(record.predicted and record.predicted.mean_ms <= 3.0 for record in records)
    assert len({record.spec.weights_id for record in records}) == len(records)
    assert any(len({x.mlp_hidden for x in record.spec.layers}) > 1 for record in records)
    assert students.ask(9) == []
    continued = _trials(study, setup)
    more = LayerwiseStudents(continued, lambda: library, students=16, seed=0, bound_ms=3.0)  # type: ignore[arg-type,return-value]
    assert more.ask(99) == numbers, "a stopped search is given what it was given"
    assert all(continued[i].origin == trials[i].origin for i in numbers)
    continued.session.end()
    other = LayerwiseStudents(_trials(study, setup), lambda: library, students=16, seed=0, bound_ms=3.0)  # type: ignore[arg-type,return-value]
    assert other.ask(99) == [], "the next search has nothing further to ask for"
    assert len(study.get_trials()) == len(numbers)
    assert Record.from_attrs(trials[numbers[0]].to_attrs()).origin == "random"


def test_layers_of_a_levit_are_not_varied() -> None:
    from compress.testing.small_trackers import LEVIT

    with pytest.raises(UsageError, match="another strategy"):
        grid_of(SPACE, LEVIT)


def test_the_fate_of_the_controls_is_told() -> None:
    program = [replace(scored(1, 0.6), origin="integer program", fidelity="full") for _ in range(2)]
    uniform = [replace(scored(1, ao), origin="uniform", fidelity=at) for ao, at in ((0.5, "full"), (0.7, "blockwise"))]
    assert origin_sentences([scored(1, 0.9), *program, *uniform]) == (
        "Layers chosen by integer program: 2 scored, 2 trained to the end, best AO 0.600; "
        "uniform: 2 scored, 1 trained to the end, best AO 0.500."
    )
    assert origin_sentences([scored(1, 0.9)]) == ""


@pytest.mark.slow
def test_a_search_by_it(tmp_path: Path, weights: str, data: str, home: Path) -> None:
    """And one that goes on from it, for more students, which takes the same library."""
    settings = {**SETTINGS, "weights": weights, "data": data, "device": "cpu", "strategy": "blockwise", "members": 2}
    found = search(out=tmp_path / "run", **{**settings, "trials": 9})
    # Trained ones may turn out to be over the bound, as the profile is not this machine's.
    done = [record for record in found.records if record.status in ("done", "missed")]
    assert {record.origin for record in done} >= {"integer program", "random"}
    assert {"blockwise", "full"} <= {record.fidelity for record in done}
    assert "Layers chosen by" in (tmp_path / "run" / "log.txt").read_text()
    assert any(len({(x.mlp_hidden, x.mlp_dims, x.attn_dims) for x in record.spec.layers}) > 1 for record in done)
    made = {path: path.stat().st_mtime_ns for path in (home / "layers").glob("*.safetensors")}
    more = search(out=tmp_path / "run", **{**settings, "trials": 12})
    assert [r.variant for r in more.records[: len(found.records)]] == [r.variant for r in found.records]
    assert len([record for record in more.records if record.status in ("done", "missed")]) > len(done)
    assert {path: path.stat().st_mtime_ns for path in (home / "layers").glob("*.safetensors")} == made
