"""The stream: new pairs at every step, the same for everybody, and the teacher's answers as a pool would have them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from compress.core import FileError, Store, UsageError
from compress.data import Pairs, PairSizes, open_source
from compress.data.pair_row import GROUP, PairRow
from compress.data.pairs import PAIR_RECIPES
from compress.distill import (
    Batch,
    Batches,
    Checkpoint,
    PairStream,
    Pool,
    StudentRecipe,
    distill,
    distillation_pool,
    fixed_pairs,
)
from compress.distill.answers import answers_of
from compress.distill.parallel import Ranks
from compress.distill.stream import _SEED
from compress.models import Tracker
from compress.surgery import inherit
from compress.testing.counted_source import CountedSource
from compress.testing.small_trackers import STUDENT, TEACHERS

CPU = torch.device("cpu")
GENERATED = open_source("generated")
BATCH, STEPS = 32, 2
RECIPE = StudentRecipe(batch=BATCH)
Made = Callable[[str], tuple[Tracker, Pool]]


def _stream(teacher: Tracker, **options: Any) -> PairStream:
    return PairStream(
        teacher, options.pop("source", GENERATED), lambda: pytest.fail("not needed"), workers=0, **options
    )


def _first(stream: Batches, steps: int, start: int = 0, count: int = 2) -> list[Batch]:
    with closing(stream.batches(start, count=count, seed=5, device=CPU)) as batches:
        return list(islice(batches, steps))


def _equal(a: Batch, b: Batch) -> bool:
    return all(torch.equal(x, y) for x, y in zip(_tensors(a), _tensors(b), strict=True))


def _tensors(batch: Batch) -> list[Tensor]:
    return [batch.template, batch.search, batch.boxes, *batch.maps.values(), *batch.layers.values()]


def test_any_step_can_be_gone_on_from_and_no_pair_comes_twice(teacher: Tracker) -> None:
    stream = _stream(teacher)
    whole = _first(stream, 4)
    for found in (_first(stream, 2, start=2), _first(stream.after(1).after(1), 2), _first(stream.after(1), 2, start=1)):
        assert all(map(_equal, found, whole[2:]))
    crops = torch.cat([batch.search for batch in whole])
    assert len({crop.numpy().tobytes() for crop in crops}) == 8


def test_the_worker_and_the_thread_change_nothing(teacher: Tracker) -> None:
    here = _first(_stream(teacher), 2)
    apart = PairStream(teacher, GENERATED, lambda: pytest.fail("not needed"), workers=1, ahead=True)
    assert all(map(_equal, here, _first(apart, 2)))


@pytest.mark.parametrize("kind", TEACHERS)
def test_answers_are_the_teachers_in_half_precision(awake_teacher: Made, kind: str) -> None:
    teacher, pool = awake_teacher(kind)
    (batch,) = _first(_stream(teacher), 1)
    answers = answers_of(teacher, batch.template, batch.search)
    assert batch.maps.keys() == teacher.spec.maps.keys() == pool.maps.keys()
    assert batch.layers.keys() == pool.layers.keys()
    for name, values in (batch.maps | {f"layer{i}": each for i, each in batch.layers.items()}).items():
        assert values.dtype == torch.float32
        assert torch.equal(values, answers[name].float())
        assert not values.requires_grad
        assert not values.is_inference()


def test_a_process_draws_and_asks_about_its_share_alone(teacher: Tracker, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second half of the batch at step 1, numbers 24 to 31 of the row."""
    (whole,) = _first(_stream(teacher), 1, start=1, count=2 * GROUP)
    source = CountedSource()
    monkeypatch.setattr(Ranks, "current", lambda: Ranks(1, 2))
    (share,) = _first(_stream(teacher, source=source), 1, start=1, count=2 * GROUP)
    assert source.asked == [(_SEED + 5, 3, GROUP)]
    _check_second_half(share, whole)
    with pytest.raises(UsageError, match="3 pairs cannot be split into 2"):
        _first(_stream(teacher), 1, count=3)


def test_a_process_reads_its_share_of_a_pool(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    (whole,) = _first(pool, 1, start=1, count=6)
    monkeypatch.setattr(Ranks, "current", lambda: Ranks(1, 2))
    (share,) = _first(pool, 1, start=1, count=6)
    _check_second_half(share, whole)


def _check_second_half(share: Batch, whole: Batch) -> None:
    for mine, theirs in zip(_tensors(share), _tensors(whole), strict=True):
        # Answers are rounded to half precision, of sums that a batch of another size orders otherwise.
        torch.testing.assert_close(mine, theirs[len(theirs) // 2 :], rtol=1e-3, atol=1e-3)


def test_pairs_are_drawn_as_a_recipe_has_it(teacher: Tracker) -> None:
    drawn = PAIR_RECIPES["ostrack"]
    (batch,) = _first(_stream(teacher, drawn=drawn).after(1), 1, count=GROUP)
    pairs = GENERATED.pairs(_SEED + 5, 1, GROUP, PairSizes.of(teacher.spec, drawn))
    assert torch.equal(batch.boxes, torch.from_numpy(pairs.boxes))
    assert _stream(teacher, drawn=drawn).about != _stream(teacher).about


class InRow(CountedSource):
    """Generated pairs of which a pool is made as a stream draws them."""

    def pairs(self, seed: int, index: int, count: int, sizes: PairSizes) -> Pairs:
        return PairRow(GENERATED, seed, sizes).pairs(index * count, (index + 1) * count)


class InOrder:
    """A pool whose rows come in their order: the kept answers to what a stream draws."""

    def __init__(self, pool: Pool) -> None:
        self._pool, self.teacher, self.fixed, self.about = pool, pool.teacher, pool, pool.about

    def after(self, steps: int) -> InOrder:
        return self

    def batches(self, start: int, *, count: int, seed: int, device: torch.device) -> Generator[Batch, None, None]:
        for first in range(start * count, len(self._pool), count):
            yield self._pool.batch(torch.arange(first, first + count), device)


def test_a_pool_of_the_same_pairs_gives_the_same_loss_curve(teacher: Tracker, tmp_path: Path) -> None:
    kept = {"count": BATCH * STEPS, "seed": _SEED + 5, "store": Store(tmp_path), "device": CPU}
    curves: list[list[dict[str, float]]] = []
    for pairs in (_stream(teacher), InOrder(distillation_pool(teacher, InRow(), **kept))):
        curve: list[dict[str, float]] = []
        note = {"progress": lambda text, share, figures=None, curve=curve: curve.append(dict(figures))}
        distill(inherit(teacher, STUDENT), pairs, RECIPE, steps=STEPS, seed=5, device=CPU, **note)
        curves.append(curve)
    assert len(curves[0]) == STEPS
    assert curves[0] == curves[1]


class Stopped(Exception):
    """As if the user had."""


def _stop(step: int) -> None:
    if step == 2:
        raise Stopped


def test_a_stopped_training_goes_on_with_the_pairs_that_it_has_not_seen(teacher: Tracker, tmp_path: Path) -> None:
    recipe = replace(RECIPE, batch=GROUP)
    run = {"steps": 4, "seed": 0, "device": CPU}
    whole = distill(inherit(teacher, STUDENT), _stream(teacher), recipe, **run)
    run["checkpoint"] = Checkpoint(tmp_path / "state.safetensors", every_s=0.0)
    with pytest.raises(Stopped):
        distill(inherit(teacher, STUDENT), _stream(teacher), recipe, before=_stop, **run)
    source = CountedSource()
    found = distill(inherit(teacher, STUDENT), _stream(teacher, source=source), recipe, **run)
    assert all(torch.equal(value, whole.state_dict()[name]) for name, value in found.state_dict().items())
    assert source.asked == [(_SEED, 2, GROUP), (_SEED, 3, GROUP)]
    with pytest.raises(FileError, match="'pairs_from_step' is 0 there, 4 here"):
        distill(inherit(teacher, STUDENT), _stream(teacher).after(4), recipe, **run)


def test_no_more_than_one_batch_is_made_ahead(teacher: Tracker) -> None:
    source = CountedSource()
    stream = _stream(teacher, source=source, ahead=True)
    with closing(stream.batches(0, count=GROUP, seed=0, device=CPU)) as batches:
        for taken in range(1, 4):
            next(batches)
            assert len(source.asked) <= taken + 1
    assert [index for _, index, _ in source.asked] in ([0, 1, 2], [0, 1, 2, 3])
    assert "batches" not in {thread.name for thread in threading.enumerate()}


def test_what_fails_in_the_thread_is_raised_where_the_batch_is_asked_for(teacher: Tracker, tmp_path: Path) -> None:
    stream = _stream(teacher, source=open_source("generated", images=str(tmp_path)), ahead=True)
    with pytest.raises(FileError, match="holds no image"):
        _first(stream, 1)


def test_fixed_pairs_are_apart_from_the_stream_and_kept(teacher: Tracker, tmp_path: Path) -> None:
    source = CountedSource()
    store = Store(tmp_path)

    def fixed() -> Any:
        return fixed_pairs(teacher.spec, source, count=8, seed=1, store=store)

    stream = PairStream(teacher, source, fixed, workers=0)
    pairs = stream.after(2).fixed
    assert stream.fixed is pairs
    assert len(pairs) == 8
    _first(stream, 1)
    assert [seed for seed, _, _ in source.asked] == [1, _SEED + 5]
    assert len(store.entries(["pools"])) == 1
