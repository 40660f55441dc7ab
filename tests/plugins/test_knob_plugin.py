"""A knob from outside the package: this file and one registration, and spaces, searches and plans know it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from compress import search
from compress.core import FileError, TrackerSpec, UsageError, describe
from compress.spaces import KNOBS, NEVER, Draft, Scalar, load_space, read_space
from compress.testing.knob_suite import KnobSuite
from compress.testing.small_teacher import SMALL

SPACE = """
description: Layers, and candidate elimination at a third of them.
knobs:
  depth: [4, 6]
  keep: [never, 0.7, 0.5]
"""


class Keep:
    """The share of its search tokens that the layer behind each third passes on (OSTrack's candidate elimination)."""

    wanted = "never, or a share above 0 and below 1"
    needs: str | None = None

    def accepts(self, value: object) -> bool:
        return value == NEVER or (type(value) is float and 0 < value < 1)

    def default(self, teacher: TrackerSpec) -> Scalar:
        return next((layer.keep for layer in teacher.layers if layer.keep is not None), NEVER)

    def fit(self, values: tuple[Scalar, ...], teacher: TrackerSpec) -> tuple[Scalar, ...]:
        plain = teacher.backbone == "vit" and teacher.attention == "joint" and not teacher.extra_tokens
        return values if plain else (NEVER,)

    def apply(self, draft: Draft, value: Scalar) -> None:
        third = max(1, len(draft.layers) // 3)
        places = {} if value == NEVER else {i: float(value) for i in range(third, len(draft.layers), third)}
        draft.layers = [replace(layer, keep=places.get(i)) for i, layer in enumerate(draft.layers)]


@pytest.fixture(scope="module", autouse=True)
def registered() -> Iterator[None]:
    KNOBS.register("keep", Keep())
    yield
    KNOBS.remove("keep")


class TestKeep(KnobSuite):
    @pytest.fixture
    def name(self) -> str:
        return "keep"

    @pytest.fixture
    def values(self) -> tuple[Scalar, ...]:
        return (NEVER, 0.7, 0.5)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "eliminating.yaml"
    path.write_text(SPACE)
    return path


def test_a_space_enumerates_it(file: Path) -> None:
    teacher = describe("ostrack-nano")
    space = load_space(file)
    found = list(space.enumerate(teacher))
    assert space.combinations(teacher) == len(found) == 6
    assert {tuple(layer.keep for layer in spec.layers) for spec in found if len(spec.layers) == 4} == {
        (None,) * 4,
        (None, 0.7, 0.7, 0.7),
        (None, 0.5, 0.5, 0.5),
    }


def test_it_fits_each_teacher(file: Path) -> None:
    assert load_space(file).choices(describe("mixformerv2-s"))["keep"] == (NEVER,)


def test_its_mistakes_are_reported_by_line(tmp_path: Path) -> None:
    path = tmp_path / "wrong.yaml"
    path.write_text("knobs:\n  keep: [never, 2]\n  keeep: [0.5]\n")
    with pytest.raises(FileError, match=r"line 2: keep must be never, or a share .*\n.*line 3: .*did you mean keep"):
        read_space(path)


def test_its_name_is_taken() -> None:
    with pytest.raises(UsageError, match=r"The knob 'keep' is already registered, as .*Keep"):
        KNOBS.register("keep", Keep())


def test_a_search_trains_its_students(tmp_path: Path, weights: str, data: str) -> None:
    path = tmp_path / "short.yaml"
    path.write_text("knobs:\n  depth: [2, 3]\n  keep: [0.7, 0.5]\n")
    settings = {"teacher": SMALL, "weights": weights, "data": data, "target": "agx", "steps": 2, "sampler": "random"}
    found = search(out=tmp_path / "run", space=str(path), trials=1, pool=64, speedup=1.01, device="cpu", **settings)
    done = [record for record in found.records if record.status == "done"]
    assert done
    assert all(record.accuracy and any(layer.keep for layer in record.spec.layers) for record in done)


def test_a_plan_prices_it(tmp_path: Path, file: Path) -> None:
    """Nothing is trained: latency from the profile, accuracy from published ablations, which price elimination."""
    found = search(out=tmp_path / "plan", teacher="ostrack256", target="agx", speedup=1.2, space=str(file))
    kept = {tuple(layer.keep for layer in record.spec.layers) for record in found.records if not record.is_teacher}
    assert len(kept) > 1
