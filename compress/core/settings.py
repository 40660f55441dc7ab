"""Settings declared once: a dataclass whose fields carry their help, range and flag.

The options of a command (`cli.settings_options`), the flags in messages and the checks of values that come from Python
are all made from it, so that a default or a range is written once.

    @dataclass(frozen=True)
    class Recipe:
        steps: int = setting(480, "Steps of distillation.", numbers=STEPS)

        def __post_init__(self) -> None:
            check_settings(self)
"""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Callable, Iterable
from typing import Any, Literal

from compress.core.errors import UsageError, unknown_name
from compress.core.plain_values import shown
from compress.core.ranges import NumberRange

_KEY = "setting"


@dataclasses.dataclass(frozen=True)
class Setting:
    """Help, flag and range of one field.

    Attributes:
        help: One line for people.
        flag: The option on the command line; by default `--name-of-the-field`.
        numbers: Range of a number, which every number has.
        names: Gives all names that a text may be; unknown ones are answered with close matches.
        folder: A text is an existing folder.
        form: What stands for the value in help, such as `SOURCE`; by default its type.
    """

    help: str
    flag: str = ""
    numbers: NumberRange | None = None
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
        if self.about.numbers is not None:
            return None if value in self.about.numbers else f"must be {self.about.numbers} but is {shown(value)}"
        if self.choices:
            return None if value in self.choices else f"must be one of {', '.join(self.choices)} but is {shown(value)}"
        return None if type(value) is str else f"must be text but is {shown(value)}"


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
        elif each.about.names is not None and found is not None and found not in (known := list(each.about.names())):
            raise unknown_name(each.name.replace("_", " "), found, known)
    if problems:
        raise UsageError("; ".join(problems) + ".")


def _named(name: str, default: Any, hint: Any, about: Setting) -> NamedSetting:
    members = typing.get_args(hint) if typing.get_origin(hint) in (types.UnionType, typing.Union) else (hint,)
    kinds = [each for each in members if each is not types.NoneType]
    choices = typing.get_args(kinds[0]) if typing.get_origin(kinds[0]) is Literal else ()
    kind = str if choices else kinds[0]
    if len(kinds) != 1 or kind not in (int, float, str):
        raise TypeError(f"{name} has the type {hint}; a setting is a number, a text or a Literal, or None.")
    if (kind is not str) != (about.numbers is not None) or (about.numbers and about.numbers.whole != (kind is int)):
        raise TypeError(f"{name} has the type {hint}, which does not go with the range {about.numbers}.")
    flag = about.flag or f"--{name.replace('_', '-')}"
    return NamedSetting(name, flag, default, kind, len(kinds) < len(members), choices, about)
