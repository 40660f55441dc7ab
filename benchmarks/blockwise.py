"""Students put together of layer variants before any training: chosen by the integer program, and by controls.

    python benchmarks/blockwise.py --out results/blockwise.csv

At each speed the students of least loss by the scores that a variant has (`distillation` of the tracker's maps, the
fall of its `iou`, and what a search chooses by, the `loss` that is made of both), with uniform, greedy and random ones
from the same library. All are scored on the short sequences of the lower rungs: put together of the library (`ao`),
and inherited by surgery alone (`ao_inherited`). At the end the rank correlation of the sums of scores with `ao` is
printed, over all students and within each speed.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from time import perf_counter

import torch
from csv_files import write_rows

from compress.core import TrackerSpec
from compress.core.progress import no_progress
from compress.driver.blockwise.choices import LayerChoices
from compress.driver.blockwise.library import LayerLibrary
from compress.driver.blockwise.plans import Plans
from compress.driver.jobs import TrainingSetup
from compress.driver.preparation import checked_target, latency_model, look_up, training_setup
from compress.driver.settings import SearchSettings
from compress.driver.students import Students
from compress.driver.worker import loaded
from compress.latency import LatencyModel
from compress.surgery import own_variants, variants_of

SPEEDS = (2.0, 4.0)
"""Times the teacher's."""

SCORES = ("loss", "iou", "distillation")

AT_A_BOUND, RANDOM = 3, 4

Planned = tuple[float, str, str, TrackerSpec]


@dataclass(frozen=True)
class Row:
    """One student.

    Attributes:
        speedup: The bound: times the teacher's speed.
        origin, score: How its layers were chosen, and by which score.
        widths: Hidden units of the MLPs, by layer.
        loss, iou, distillation: Sums of the scores of its variants and of what it skips.
    """

    speedup: float
    origin: str
    score: str
    spec: str
    predicted_ms: float
    layers: int
    attention: str
    widths: str
    loss: float
    iou: float
    distillation: float
    ao: float
    ao_se: float
    ao_inherited: float = 0.0


def main() -> None:
    """Write the table and print what it says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("results/blockwise.csv"))
    parser.add_argument("--threads", type=int, default=1, help="of PyTorch")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    settings = SearchSettings(strategy="blockwise", speedup=2, pool=1024)
    inputs = look_up(settings, checked_target(settings))
    model = latency_model(settings, inputs, no_progress)
    setup = training_setup(settings, inputs)
    planned = list(_planned(setup, model))
    with loaded(setup) as students:
        rows = [_row(students, model, each) for each in planned]
    inherited = _inherited(setup, [spec for _, _, _, spec in planned])
    rows = [replace(row, ao_inherited=round(ao, 4)) for row, ao in zip(rows, inherited, strict=True)]
    write_rows(options.out, [asdict(row) for row in rows])
    _print(rows)


def _planned(setup: TrainingSetup, model: LatencyModel) -> Iterator[Planned]:
    with loaded(setup) as students:
        assert students.library is not None
        begin = perf_counter()
        scores = students.library.scores(lambda text, share, figures=None: print(f"{share:4.0%} {text}", flush=True))
        print(f"library of {len(scores)} variants read or made in {perf_counter() - begin:.0f} s")
        teacher = model.predict(setup.teacher.spec).mean_ms
        for name in SCORES:
            losses = {variant: max(0.0, getattr(each, name)) for variant, each in scores.items()}
            library = students.library
            choices = LayerChoices(library.grid, lambda spec: model.predict(spec).mean_ms, losses)
            plans = Plans(choices, library.space, seed=0)
            for speedup in SPEEDS:
                begin, bound = perf_counter(), teacher / speedup
                found = [("integer program", spec) for spec in plans.by_program(bound, AT_A_BOUND)]
                print(f"{speedup:g} times as fast by {name}: programs solved in {perf_counter() - begin:.1f} s")
                found += [("uniform", spec) for spec in plans.uniform(bound, AT_A_BOUND)]
                found += [("greedy", spec) for spec in plans.greedy(bound)]
                if name == "loss":
                    found += [("random", spec) for i in range(RANDOM) for spec in plans.at_random(bound, i)]
                yield from ((speedup, origin, name, spec) for origin, spec in found)


def _inherited(setup: TrainingSetup, specs: list[TrackerSpec]) -> list[float]:
    plain = replace(setup, blockwise=None, rungs=(replace(setup.rungs[0], fidelity="rung-0"),))
    with loaded(plain) as students:
        return [students.score(spec, 0).accuracy.ao for spec in specs]


def _row(students: Students, model: LatencyModel, planned: Planned) -> Row:
    assert students.library is not None
    speedup, origin, score, spec = planned
    accuracy = students.score(spec, 0).accuracy
    sums = _sums(students.library, spec)
    row = Row(
        speedup=speedup,
        origin=origin,
        score=score,
        spec=spec.id,
        predicted_ms=round(model.predict(spec).mean_ms, 4),
        layers=len(spec.layers),
        attention=spec.attention,
        widths=" ".join(str(layer.mlp_hidden) for layer in spec.layers),
        **{name: round(value, 4) for name, value in sums.items()},
        ao=round(accuracy.ao, 4),
        ao_se=round(accuracy.ao_se, 4),
    )
    print(row, flush=True)
    return row


def _sums(library: LayerLibrary, spec: TrackerSpec) -> dict[str, float]:
    """Of both scores, over the variants of a student and the layers that it skips."""
    scores, teacher, kept = library.scores(), library.grid.teacher, {layer.source for layer in spec.layers}
    chosen = [each for layer in spec.layers for each in variants_of(layer)]
    made = [scores[each] for each in chosen if each not in own_variants(teacher, each.source)]
    made += [score for variant, score in scores.items() if not variant.names and variant.source not in kept]
    return {name: sum(getattr(each, name) for each in made) for name in SCORES}


def _print(rows: list[Row]) -> None:
    from scipy.stats import spearmanr

    for speedup in SPEEDS:
        for origin in dict.fromkeys((row.origin, row.score) for row in rows):
            found = [row for row in rows if row.speedup == speedup and (row.origin, row.score) == origin]
            if found:
                best, mean = max(row.ao for row in found), sum(row.ao for row in found) / len(found)
                print(f"{speedup:g} times as fast, {' by '.join(origin)}: best AO {best:.3f}, mean {mean:.3f}")
    for name in SCORES:
        every = {row.spec: row for row in rows}.values()
        groups = {"all": list(every)} | {f"{s:g}×": [row for row in every if row.speedup == s] for s in SPEEDS}
        agreement = {
            k: spearmanr([-getattr(r, name) for r in g], [r.ao for r in g]).statistic for k, g in groups.items()
        }
        print(f"Spearman of {name} with AO: " + ", ".join(f"{k} {v:.2f}" for k, v in agreement.items()))


if __name__ == "__main__":
    main()
