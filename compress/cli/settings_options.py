"""Options of a command, made from a settings dataclass: its defaults, ranges, choices and help."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import click
from click.core import ParameterSource

from compress.cli.number_types import Number
from compress.core.settings import NamedSetting, settings_of

_T = TypeVar("_T")
_F = TypeVar("_F", bound=Callable[..., Any])


def settings_options(cls: type) -> Callable[[_F], _F]:
    """Decorator: an option for every setting of a dataclass, in their order, each passed by the field's name."""

    def add(function: _F) -> _F:
        for each in reversed(settings_of(cls)):
            function = _option(each)(function)
        return function

    return add


def given(values: dict[str, Any]) -> dict[str, Any]:
    """Those options of the running command that the user gave; the others keep the defaults of the dataclass."""
    source = click.get_current_context().get_parameter_source
    return {name: value for name, value in values.items() if source(name) is not ParameterSource.DEFAULT}


def chosen(cls: type[_T], values: dict[str, Any]) -> _T:
    """The settings that the user of the running command chose; `values` may hold other options too.

    Raises:
        UsageError: see the class.
    """
    names = {each.name for each in settings_of(cls)}
    return cls(**{name: value for name, value in given(values).items() if name in names})


class _NamedOption(click.Option):
    """An option whose names are looked up when its help is shown, since that may import what the command does not."""

    def __init__(self, *args: Any, names: Callable[[], Iterable[str]] | None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._names = names

    def make_metavar(self, *args: Any, **kwargs: Any) -> str:
        """See `click.Parameter`."""
        return super().make_metavar(*args, **kwargs) if self._names is None else f"[{'|'.join(self._names())}]"


def _option(each: NamedSetting) -> Callable[[_F], _F]:
    empty = each.default is None or each.default == ""
    return click.option(
        each.flag,
        each.name,
        cls=_NamedOption,
        names=each.about.names,
        type=_type(each),
        default=None if empty else each.default,
        show_default=not empty,
        help=each.about.help,
        metavar=f"[{'|'.join(each.choices)}]" if each.choices else each.about.form or None,
    )


def _type(each: NamedSetting) -> click.ParamType:
    if each.about.numbers is not None:
        return Number(each.about.numbers)
    if each.about.folder:
        return click.Path(exists=True, file_okay=False)
    # Names are checked by the dataclass, whose message suggests close ones.
    return click.Choice(each.choices) if each.choices else click.STRING
