"""Settings that are said once: flags, ranges and words come from the fields of a dataclass."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import pytest

from compress.core import UsageError
from compress.core.ranges import SHARE, NumberRange
from compress.core.settings import check_settings, flag_of, setting, settings_of


@dataclass(frozen=True)
class Toy:
    steps: int = setting(3, "Steps.", numbers=NumberRange(2, 9, whole=True))
    share: float = setting(0.5, "Share.", numbers=SHARE)
    limit: float | None = setting(None, "Limit.", numbers=NumberRange(-5, 5), flag="--max-limit")
    kind: Literal["a", "b"] = setting("a", "Kind.")
    name: str = setting("one", "Name.", names=lambda: ["one", "two"])
    internal: int = 0

    def __post_init__(self) -> None:
        check_settings(self)


@pytest.mark.parametrize("values", [{"steps": 2}, {"steps": 9, "share": 0.999}, {"limit": 4}, {"kind": "b"}])
def test_what_is_within_its_range_is_taken(values: dict[str, Any]) -> None:
    Toy(**values)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"steps": 1}, "--steps must be a whole number from 2 to 9 but is 1."),
        (
            {"share": 0.0, "steps": 10},
            "--steps must .* is 10; --share must be a number above 0 and below 1 but is 0.0.",
        ),
        ({"share": float("nan")}, "--share must be .* but is nan"),
        ({"limit": float("inf")}, "--max-limit must be a number from -5 to 5 but is inf"),
        ({"steps": 2.0}, "--steps must be a whole number from 2 to 9 but is 2.0"),
        ({"steps": None}, "--steps must be a whole number from 2 to 9 but is None"),
        ({"kind": "c"}, "--kind must be one of a, b but is 'c'"),
        ({"name": "tow"}, "Unknown name 'tow'. Did you mean two"),
        ({"name": 1}, "--name must be text but is 1"),
    ],
)
def test_everything_else_is_refused_by_its_flag(values: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        Toy(**values)


def test_fields_tell_their_options() -> None:
    assert [(each.name, each.flag, each.default) for each in settings_of(Toy)] == [
        ("steps", "--steps", 3),
        ("share", "--share", 0.5),
        ("limit", "--max-limit", None),
        ("kind", "--kind", "a"),
        ("name", "--name", "one"),
    ]
    assert flag_of(Toy, "limit") == "--max-limit"


def test_a_type_that_no_option_has_is_a_mistake_of_the_dataclass() -> None:
    @dataclass(frozen=True)
    class Strange:
        both: int | str = setting(0, "Both.")

    @dataclass(frozen=True)
    class Endless:
        steps: int = setting(0, "Steps.")

    with pytest.raises(TypeError, match="both has the type"):
        settings_of(Strange)
    with pytest.raises(TypeError, match="does not go with the range None"):
        settings_of(Endless)
