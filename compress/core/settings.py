"""Settings declared once: a dataclass whose fields carry their help, range and flag.

The options of a command (`cli.settings_options`), the flags in messages and the checks of values that come from Python
are all made from it, so that a default or a range is written once.

    @dataclass(frozen=True)
    class Recipe:
        steps: int = setting(480, "Steps of distillation.", at_least=2)

        def __post_init__(self) -> None:
            check_settings(self)
"""

from __future__ import annotations

import dataclasses
import math
import types
import typing
from collections.abc import Callable, Iterable
from typing import Any, Literal

from compress.core.errors import UsageError, unknown_name

_KEY = "setting"


@dataclasses.dataclass(frozen=True)
class Setting:
    """Help, flag and range of one field.

    Attributes:
        help: One line for people.
        flag: The option on the command line; by default `--name-of-the-field`.
        at_least, at_most, above, below: Range of a number.
        names: Gives all names that a text may be; unknown ones are answered with close matches.
        folder: A text is an existing folder.
        form: What stands for the value in help, such as `SOURCE`; by default its type.
    """

    help: str
    flag: str = ""
    at_least: float = -math.inf
    at_most: float = math.inf
    above: float = -math.inf
    below: float = math.inf
    names: Callable[[], Iterable[str]] | None = None
    folder: bool = False
    form: str = ""


@dataclasses.dataclass(frozen=True)
class NamedSetting:
    """A field of settings.

    Attributes:
        kind: Its type, without None.
        optional: Whether it may be None.
        choices: The values of a `Literal`; empty for other types.
    """

    name: str
    flag: str
    default: Any
    kind: type
    optional: bool
    choices: tuple[str, ...]
    about: Setting

    def problem(self, value: Any) -> str | None:
        """What is wrong with a value, as a message continues after the flag; None where nothing is."""
        if value is None and self.optional:
            return None
        if self.choices:
            return None if value in self.choices else f"must be one of {', '.join(self.choices)} but is {value!r}"
        if type(value) is not self.kind and not (self.kind is float and type(value) is int):
            return f"must be {_KINDS[self.kind]} but is {value!r}"
        if isinstance(value, int | float) and not _within(self.about, value):
            return f"must be {format_range(self.about)} but is {value}"
        return None


_KINDS: dict[type, str] = {int: "a whole number", float: "a number", str: "text"}
"""The types that settings have, as messages name them."""


def setting(default: Any, help: str, **about: Any) -> Any:
    """A field of a settings dataclass; `about` are the other attributes of `Setting`."""
    return dataclasses.field(default=default, metadata={_KEY: Setting(help, **about)})


def settings_of(cls: type) -> list[NamedSetting]:
    """The fields of a dataclass that were made by `setting`, in their order."""
    hints = typing.get_type_hints(cls)
    return [
        _named(f.name, f.default, hints[f.name], f.metadata[_KEY])
        for f in dataclasses.fields(cls)
        if _KEY in f.metadata
    ]


def flag_of(cls: type, name: str) -> str:
    """The option of a field, for messages."""
    return next(each.flag for each in settings_of(cls) if each.name == name)


def check_settings(value: Any) -> None:
    """Check the fields of a settings dataclass: types, ranges and names.

    Raises:
        UsageError: naming everything that is wrong; an unknown name alone, with close matches.
    """
    problems = []
    for each in settings_of(type(value)):
        found = getattr(value, each.name)
        if (problem := each.problem(found)) is not None:
            problems.append(f"{each.flag} {problem}")
        elif each.about.names is not None and found not in (known := list(each.about.names())):
            raise unknown_name(each.name.replace("_", " "), found, known)
    if problems:
        raise UsageError("; ".join(problems) + ".")


def format_range(about: Setting) -> str:
    """The range of a number for a message: `at least 2 and below 10`."""
    limits = [
        f"{name} {limit:g}"
        for name, limit in (
            ("at least", about.at_least),
            ("above", about.above),
            ("at most", about.at_most),
            ("below", about.below),
        )
        if math.isfinite(limit)
    ]
    return " and ".join(limits) or "a finite number"


def _within(about: Setting, value: float) -> bool:
    return about.at_least <= value <= about.at_most and about.above < value < about.below


def _named(name: str, default: Any, hint: Any, about: Setting) -> NamedSetting:
    members = typing.get_args(hint) if typing.get_origin(hint) in (types.UnionType, typing.Union) else (hint,)
    kinds = [each for each in members if each is not types.NoneType]
    choices = typing.get_args(kinds[0]) if typing.get_origin(kinds[0]) is Literal else ()
    kind = str if choices else kinds[0]
    if len(kinds) != 1 or kind not in _KINDS:
        raise TypeError(f"{name} has the type {hint}; a setting is a number, a text or a Literal, or None.")
    flag = about.flag or f"--{name.replace('_', '-')}"
    return NamedSetting(name, flag, default, kind, len(kinds) < len(members), choices, about)
