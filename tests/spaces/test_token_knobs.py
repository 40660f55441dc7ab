"""Knobs of token retention: which layers eliminate, what goes together, and how many combinations that makes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from compress.core import FileError, UsageError, describe
from compress.driver.samplers.known_space import KnownSpace
from compress.spaces import Scalar, Space, load_space, read_space

NANO, ELIMINATING = describe("ostrack-nano"), describe("ostrack256-ce")
TOKENS = load_space("tokens")


def keeps(teacher: Any, **values: Scalar) -> list[float | None]:
    """Of the student of these choices alone."""
    space = Space("x", {name: (value,) for name, value in values.items()})
    return [layer.keep for layer in space.spec(teacher, lambda _, choices: choices[0]).layers]


@pytest.mark.parametrize(
    ("depth", "after", "places"),
    [
        (12, "1/4 1/2 3/4", [3, 6, 9]),
        (12, "first", [0]),
        (6, "1/4 1/2 3/4", [2, 3, 5]),  # 1.5, 3 and 4.5 layers, halves up
        (2, "1/4 1/2 3/4", [1]),
        (1, "1/4 1/2 3/4", [0]),
        (4, "1/2", [2]),
        (12, 3, [3]),
        (4, "0 2 9", [0, 2, 3]),
    ],
)
def test_layers_that_eliminate(depth: int, after: Scalar, places: list[int]) -> None:
    found = keeps(NANO, depth=depth, keep_ratio=0.5, keep_after=after)
    assert found == [0.5 if i in places else None for i in range(depth)]


def test_how_tokens_are_ranked_is_said_only_where_some_are() -> None:
    knobs: dict[str, tuple[Scalar, ...]] = {
        "keep_ratio": ("never", 0.5),
        "keep_by": ("motion",),
        "bypass": ("learned", "never"),
    }
    found = list(Space("x", knobs).enumerate(NANO))
    assert [(spec.layers[3].keep, spec.keep_by) for spec in found if not spec.adaptive] == [
        (None, "attention"),
        (0.5, "motion"),
    ]
    assert {spec.keep_by for spec in found if spec.adaptive} == {"attention"}


def test_students_that_differ_in_the_share_alone_share_their_weights() -> None:
    space = Space("x", {"keep_ratio": ("never", 0.7, 0.5, 0.2), "keep_after": ("first",)})
    plain, *eliminating = space.enumerate(NANO)
    assert [(spec.layers[0].keep, spec.keep_least) for spec in eliminating] == [(0.7, 0.3), (0.5, 0.3), (0.2, 0.2)]
    assert eliminating[0].weights_id == eliminating[1].weights_id
    assert len({spec.weights_id for spec in (plain, *eliminating)}) == 3
    assert len({spec.student_id for spec in (plain, *eliminating)}) == 4
    assert plain == NANO


def test_ostrack_with_elimination_is_a_student_of_ostrack() -> None:
    space = Space("x", {"keep_ratio": (0.7,), "keep_after": ("1/4 1/2 3/4",)})
    made = space.spec(describe("ostrack256"), lambda _, choices: choices[0])
    assert made == replace(ELIMINATING, keep_least=0.3)
    assert space.spec(ELIMINATING, lambda _, choices: choices[0]) == ELIMINATING
    assert keeps(describe("ostrack256"), keep_ratio=0.7) == [layer.keep for layer in ELIMINATING.layers]


def test_a_teacher_that_eliminates() -> None:
    """Its own places go with its layers, while shares are of the kept layers; its own share may change, and go."""
    usual = ("1/4 1/2 3/4", "first")
    assert Space("x", {"keep_after": usual}).choices(ELIMINATING)["keep_after"] == usual
    assert keeps(ELIMINATING, depth=4, layers="front") == [None, None, None, 0.7]
    assert keeps(ELIMINATING, depth=4, layers="front", keep_ratio=0.5) == [None, None, None, 0.5]
    assert keeps(ELIMINATING, depth=4, layers="front", keep_after="1/4 1/2 3/4") == [None, 0.7, 0.7, 0.7]
    space = Space("x", {"depth": (4, 12), "layers": ("front",), "keep_after": ("teacher", "1/4 1/2 3/4")})
    assert [spec.eliminating for spec in space.enumerate(ELIMINATING)] == [(3,), (1, 2, 3), (3, 6, 9)]
    assert keeps(ELIMINATING, depth=4, layers="front", keep_after="first") == [0.7, None, None, None]
    assert keeps(ELIMINATING, keep_ratio="never") == [None] * 12


@pytest.mark.parametrize("others", [{"interaction": "1/3"}, {"bypass": "learned"}, {"exits": "1/2"}])
def test_what_does_not_go_with_it_is_not_asked(others: Mapping[str, Scalar]) -> None:
    asked: list[str] = []

    def choose(name: str, choices: Any) -> Any:
        asked.append(name)
        return {"keep_ratio": 0.5, **others}.get(name, choices[0])

    spec = load_space("full").spec(NANO, choose)
    assert not {"keep_ratio", "keep_after"} & set(asked)
    assert all(layer.keep is None for layer in spec.layers)


def test_teachers_that_cannot() -> None:
    """Prediction tokens and stages: never is offered, or the space is refused."""
    for name in ("mixformerv2-s", "hit-tiny"):
        assert TOKENS.choices(describe(name))["keep_ratio"] == ("never",)
        with pytest.raises(UsageError, match="keep_ratio must be never for this teacher"):
            Space("x", {"keep_ratio": (0.5,)}).choices(describe(name))
    bypassing = set(TOKENS.enumerate(describe("abtrack-vit")))
    assert all(layer.keep is None for spec in bypassing for layer in spec.layers)


def test_combinations_count_what_applies() -> None:
    keep: dict[str, tuple[Scalar, ...]] = {"keep_ratio": ("never", 0.7, 0.5), "keep_after": ("first", "1/4", "1/2")}
    assert Space("x", {"depth": (2, 3), **keep}).combinations(NANO) == 2 * (1 + 2 * 3)
    mixed: dict[str, tuple[Scalar, ...]] = {
        "interaction": ("joint", "1/3", "1/2"),
        "bypass": ("never", "learned"),
        "tau0": (0.2, 0.4),
    }
    space = Space("x", {**mixed, **keep})
    assert space.combinations(NANO) == 3 * (1 + 2) + 1 * 1 * 6
    assert space.combinations(describe("litetrack-b9")) == space.combinations(NANO)
    assert Space("x", {**mixed, "interaction": ("1/3",), **keep}).combinations(NANO) == 3
    assert Space("x", {"depth": (2, 3), **keep}).combinations(describe("litetrack-b9")) == 2


def test_every_student_is_known_once() -> None:
    space = Space("x", {"interaction": ("joint", "1/3"), "keep_ratio": ("never", 0.5), "keep_after": ("first", "1/2")})
    known = KnownSpace(space, NANO, lambda spec: _Passing())  # type: ignore[arg-type, return-value]
    assert [each.spec for each in known.all()] == list(space.enumerate(NANO))
    assert len(known.all()) == space.combinations(NANO) == 4


class _Passing:
    """A check that every student passes, in a millisecond."""

    passes = True
    latency = type("Latency", (), {"mean_ms": 1.0})


@pytest.mark.parametrize("value", ["1.5", "1", "0", "-0.5", "sometimes", "1/2"])
def test_wrong_shares(tmp_path: Path, value: str) -> None:
    path = tmp_path / "wrong.yaml"
    path.write_text(f"knobs:\n  keep_ratio: [never, {value}]\n")
    with pytest.raises(FileError, match="line 2: keep_ratio must be never, or a share above 0 and below 1 but is"):
        read_space(path)


@pytest.mark.parametrize("value", ["last", "1/2 1/4", "1/4 3", "-1", "3/2", "1/4 1/4", "''"])
def test_wrong_places(tmp_path: Path, value: str) -> None:
    path = tmp_path / "wrong.yaml"
    path.write_text(f"knobs:\n  keep_after: [first, {value}]\n")
    with pytest.raises(FileError, match="line 2: keep_after must be first, rising shares"):
        read_space(path)
