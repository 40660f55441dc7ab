"""The one reader of untrusted plain data: what it reads, what it refuses, and that all mistakes are named at once."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pytest

from compress.core import FileError, UsageError
from compress.core.plain import Bounds, from_plain, problems_of, to_plain
from compress.core.plain_files import load_plain, read_plain


@dataclass(frozen=True)
class Part:
    ms: float
    name: str = "part"

    def problems(self) -> Iterator[str]:
        if self.ms <= 0:
            yield f"ms must be positive but is {self.ms}"


@dataclass(frozen=True)
class Whole:
    kind: Literal["a", "b", 1]
    parts: tuple[Part, ...] = ()
    pair: tuple[int, str] | None = None
    either: int | str | None = None
    shares: Mapping[str, float] = field(default_factory=dict)
    options: dict[str, int] = field(default_factory=dict)
    skipped: frozenset[int] = frozenset()
    anything: Any = None
    flag: bool = False
    count: int = 0

    def problems(self) -> Iterator[str]:
        if self.count < 0:
            yield f"count must be at least 0 but is {self.count}"


FULL = Whole(
    "b",
    (Part(1.5, "é\n"), Part(2.0)),
    (1, "x"),
    "text",
    {"a": 0.5},
    {"n": 3},
    frozenset({2, 1}),
    {"deep": [1, None, "x", 0.5, True]},
    True,
    7,
)


def test_round_trip() -> None:
    assert from_plain(Whole, to_plain(FULL), "it") == FULL
    assert to_plain(FULL)["skipped"] == [1, 2]
    assert to_plain(Whole("a")) == {"kind": "a"}
    assert set(to_plain(Whole("a"), defaults=True)) == set(Whole.__dataclass_fields__)


def test_other_types_than_dataclasses_are_read() -> None:
    assert from_plain(tuple[Part, ...], [{"ms": 2}], "rows") == (Part(2.0),)
    assert from_plain(dict[str, list[int]], {"a": [1]}, "it") == {"a": [1]}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"kind": "c"}, "it.kind must be one of a, b, 1 but is 'c'"),
        ({"kind": True}, "it.kind must be one of"),
        ({"kind": []}, "it.kind must be one of a, b, 1 but is a list of 0"),
        ({"parts": {}}, "it.parts must be a list"),
        ({"parts": [{"ms": "1"}]}, r"it.parts\[0\].ms must be a number but is '1'"),
        ({"parts": [{"ms": True}]}, r"it.parts\[0\].ms must be a number"),
        ({"parts": [{"ms": float("nan")}]}, r"it.parts\[0\].ms must be a finite number but is nan"),
        ({"parts": [{"ms": -1}]}, r"it.parts\[0\].ms must be positive but is -1.0"),
        ({"parts": [{}]}, r"it.parts\[0\].ms is missing"),
        ({"pair": [1]}, "it.pair must hold 2 values but holds 1"),
        ({"pair": ["x", 1]}, r"it.pair\[0\] must be an integer.*it.pair\[1\] must be a text"),
        ({"either": 0.5}, "it.either must be an integer or a text but is 0.5"),
        ({"shares": [1]}, "it.shares must be an object"),
        ({"shares": {1: 0.5}}, "it.shares has the key 1"),
        ({"shares": {"\x1b": 0.5}}, r"has the key '\\x1b', which is no printable text"),
        ({"shares": {"a": "b"}}, "it.shares.a must be a number"),
        ({"skipped": [1, 1]}, "it.skipped holds a value twice"),
        ({"anything": {"x": [float("inf")]}}, r"it.anything.x\[0\] must be a finite number"),
        ({"anything": {3: 1}}, "it.anything has the key 3"),
        ({"anything": b"bytes"}, "it.anything must be plain data but is of type bytes"),
        ({"anything": ["\ud800"]}, r"it.anything\[0\] must be printable text"),
        ({"flag": 1}, "it.flag must be true or false"),
        ({"count": 10**400}, "it.count must be a smaller integer but is an integer of 1329 bits"),
        ({"count": -(10**400)}, "it.count must be a smaller integer"),
        ({"count": 1 << 100_000}, "it.count must be a smaller integer"),
        ({"count": -1}, "it.count must be at least 0"),
        ({"parts": [{"ms": 10**400}]}, r"it.parts\[0\].ms must be a smaller integer"),
        ({"either": "x" * 20_001}, "it.either must be"),
        ({"parts": [{"ms": 1, "name": "\x1b[31m"}]}, r"it.parts\[0\].name must be printable text but is '\\x1b\[31m'"),
        ({"parts": [{"ms": 1, "name": "\u202eevil"}]}, "must be printable text"),
        ({"parts": [{"ms": 1, "name": "x" * 20_001}]}, "must have at most 20000 characters"),
        ({7: 1}, "it.7 is not a known field"),
        ({"\x1b]0;": 1}, r"it.'\\x1b\]0;' is not a known field"),
        ({"a" * 500: 1}, "a…' is not a known field"),
    ],
)
def test_what_is_refused(change: dict[Any, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words) as caught:
        from_plain(Whole, to_plain(FULL) | change, "it")
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 300


def test_every_mistake_is_named_at_once_by_its_place() -> None:
    data = {"parts": [{"ms": 0}, {"ms": float("inf"), "name": 3}], "count": -1, "flag": "no", "colour": "blue"}
    with pytest.raises(FileError) as caught:
        from_plain(Whole, data, "it", error=FileError)
    places = ("parts[0].ms", "parts[1].ms", "parts[1].name", "kind is missing", "it.flag", "it.colour", "it.count")
    assert all(place in str(caught.value) for place in places)
    with pytest.raises(UsageError) as caught_too:  # ranges of the whole are named beside those of its parts
        from_plain(Whole, {"kind": "a", "parts": [{"ms": float("nan")}], "count": -1}, "it")
    assert all(place in str(caught_too.value) for place in ("parts[0].ms", "it.count"))


def test_a_flood_of_mistakes_is_cut() -> None:
    with pytest.raises(UsageError, match="and 980 more") as caught:
        from_plain(Whole, {"kind": "a", "parts": [{"ms": 0}] * 1000}, "it")
    assert len(str(caught.value)) < 2000


def test_depth_and_count_are_bounded() -> None:
    deep: Any = []
    for _ in range(100_000):
        deep = [deep]
    loop: list[Any] = []
    loop.append(loop)
    for data in (deep, loop):
        with pytest.raises(UsageError, match="nested deeper than 32"):
            from_plain(Whole, {"kind": "a", "anything": data}, "it")
    with pytest.raises(UsageError, match="more than 10 values"):
        from_plain(Whole, {"kind": "a", "anything": [0] * 11}, "it", bounds=Bounds(items=10))


def test_numbers_that_are_not_finite_where_they_are_allowed() -> None:
    assert from_plain(Part, {"ms": float("inf")}, "it", bounds=Bounds(non_finite=True)).ms == float("inf")


def test_fields_of_others_may_be_left_out() -> None:
    assert from_plain(Part, {"ms": 1, "more": 2}, "it", unknown_fields="left out") == Part(1.0)


def test_problems_of_a_value_and_what_is_in_it() -> None:
    bad = Whole("a", (Part(1.0), Part(-2.0)), count=-1)
    assert list(problems_of(bad)) == [
        "count must be at least 0 but is -1",
        "parts[1].ms must be positive but is -2.0",
    ]


def _write(tmp_path: Path, text: str, name: str = "f.yaml") -> Path:
    path = tmp_path / name
    path.write_bytes(text.encode("latin-1"))
    return path


def test_files_of_both_kinds(tmp_path: Path) -> None:
    assert read_plain(_write(tmp_path, "\xef\xbb\xbfa: [1, x]\n"), "thing") == {"a": [1, "x"]}
    assert read_plain(_write(tmp_path, '{"a": [1, "x"]}', "f.json"), "thing") == {"a": [1, "x"]}
    assert load_plain(Part, _write(tmp_path, "ms: 2"), "part", where="part") == Part(2.0)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: &x [1]\nb: *x\n", "aliases"),
        ("a: &a [*a]\n", "aliases"),
        ("[" * 40 + "]" * 40, "nested deeper than 32"),
        ("[" * 200_000, "nested|nesting|too deep|while parsing"),
        ("a: [unclosed", "while parsing"),
        ("!!python/object/apply:os.system ['true']", "could not determine a constructor"),
        ('!!int ""', "an? part"),
        ("!!bool x", "an? part"),
        ("!!timestamp x", "an? part"),
        ("count: 0x" + "f" * 4_000, "smaller integer"),
        ("count: 0x" + "f" * 40_000, "a text of 40002 characters"),
        ("? 0x" + "f" * 10_000 + "\n: 1", "no printable text"),
        ("count: " + "59:" * 300_000 + "59", "a text of 900002 characters"),
        ("count: " + "59:" * 5_000 + "59", "smaller integer"),
        ("count: 1\ncount: 2", "a key occurs twice"),
        ("shares: {a: 1, a: 2}", "a key occurs twice"),
        ("anything: !!set {a}", "plain data but is of type set"),
        ("anything: !!binary aGk=", "plain data but is of type bytes"),
        ('anything: "\\e[2J"', "printable text"),
        ('"\\e[2J": 1', "no printable text"),
        ("anything: " + "x" * 30_000, "a text of 30000 characters"),
        ("a: " + "9" * 5000, "an integer of 5000 digits"),
        ("ms: 2001-01-01", "must be plain data but is of type date"),
        ("\xff\xfe", "an? part"),
        ("a: 1\n---\nb: 2\n", "single document"),
        ("\x00", "an? part"),
    ],
    ids=lambda value: value[:20],
)
def test_hostile_yaml(text: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(FileError, match=words):
        load_plain(Whole if ":" in text and "ms" not in text else Part, _write(tmp_path, text), "part", where="part")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[" * 200_000,
        '{"a": 1, "a": 2}',
        "9" * 5000,
        "\xff",
        "{} {}",
        '{"a": 1',
        '"\\ud800"',
        '{"\\u001b": 1}',
        '["x", "' + "x" * 30_000 + '"]',
        "1" * 400,
    ],
)
def test_hostile_json(text: str, tmp_path: Path) -> None:
    with pytest.raises(FileError, match="is not a part: .*Write it again"):
        read_plain(_write(tmp_path, text, "f.json"), "part", advice="Write it again.")


def test_only_regular_files_of_a_bounded_size_are_opened(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="There is no part at .*none"):
        read_plain(tmp_path / "none", "part")
    with pytest.raises(FileError, match="larger than any part"):
        read_plain(_write(tmp_path, " " * 101), "part", most=100)
    os.mkfifo(tmp_path / "pipe.yaml")
    for path in (tmp_path / "pipe.yaml", tmp_path, Path("/dev/zero")):
        with pytest.raises(FileError):
            read_plain(path, "part", most=100)
