"""Every numeric option of every command refuses what is no number of its range, before anything starts."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module

import click
import pytest

from compress.cli import COMMANDS, main
from compress.cli.number_types import Number, Numbers
from compress.core.ranges import NumberRange


def _commands() -> Iterator[tuple[list[str], click.Command]]:
    left = [([name], import_module(f"compress.cli.{name.replace('-', '_')}").command) for name in COMMANDS]
    while left:
        words, command = left.pop()
        if isinstance(command, click.Group):
            left += [([*words, name], each) for name, each in command.commands.items()]
        else:
            yield words, command


OPTIONS = [
    (words, param.opts[0], param.type)
    for words, command in _commands()
    for param in command.params
    if isinstance(param.type, Number | Numbers)
]
NONE_OF_ANY = {
    "nan": "nan",
    "inf": "inf",
    "-inf": "-inf",
    "1e400": "1e400",
    "10^30": str(10**30),
    "5000 digits": "9" * 5000,
    "text": "many",
    "empty": "",
    "space": " ",
    "unicode digits": "٣",
    "underscore": "1_0",
    "hexadecimal": "0x10",
    "control": "1\x1b[2J",
    "no text": "1\udcff",
}


def test_there_is_one_kind_of_numeric_option() -> None:
    plain = (click.types.IntParamType, click.types.FloatParamType)
    others = [
        (words, param.name)
        for words, command in _commands()
        for param in command.params
        if isinstance(param.type, plain) and not isinstance(param.type, Number) and param.name != "help"
    ]
    assert others == []
    assert {flag for _, flag, _ in OPTIONS} >= {"--threads", "--trials", "--pool", "--init", "--tau", "--time-limit"}


def _beyond(numbers: NumberRange) -> Iterator[str]:
    for limit, step in ((numbers.at_least, -1), (numbers.at_most, 1)):
        beyond = limit if numbers.open else limit + step
        yield str(int(beyond) if numbers.whole else beyond)
    yield from ["1e-300"] * (numbers.at_least > 0) + ["1e300", "1.5"] * numbers.whole


@pytest.mark.parametrize(("words", "flag", "kind"), OPTIONS, ids=lambda v: " ".join(v) if isinstance(v, list) else v)
def test_what_is_no_number_of_the_range_is_refused(
    words: list[str], flag: str, kind: Number | Numbers, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = [*NONE_OF_ANY.values(), *_beyond(kind.numbers)]
    bad = [text if isinstance(kind, Number) else f"0.5,{text}" for text in bad]
    bad += ["1,2", "1,2,3,4,5", "1" + ",1" * 5000, "1,,2,3"] if isinstance(kind, Number) or flag == "--init" else []
    for text in bad:
        with pytest.raises(SystemExit) as caught:
            main([*words, flag, text])
        shown = capsys.readouterr()
        assert (caught.value.code, shown.out) == (2, ""), text[:20]
        assert shown.err.startswith(f"Error: {flag} must be "), (text[:20], shown.err)
        assert str(kind.numbers) in shown.err
        assert shown.err.count("\n") == 1
        assert len(shown.err) < 500
        assert shown.err[:-1].isprintable()


@pytest.mark.parametrize(("words", "flag", "kind"), OPTIONS, ids=lambda v: " ".join(v) if isinstance(v, list) else v)
def test_the_limits_are_shown_in_help_and_taken(words: list[str], flag: str, kind: Number | Numbers) -> None:
    numbers = kind.numbers
    assert numbers.at_least < numbers.at_most < float("inf")
    if not numbers.open:
        for limit in (numbers.at_least, numbers.at_most):
            assert kind.numbers.read(repr(limit)) == limit
    command = next(command for each, command in _commands() if each == words)
    shown = " ".join(command.get_help(click.Context(command, info_name=words[-1])).split())
    assert flag in shown
    if isinstance(kind, Number):
        assert f"<=x<={numbers.at_most}" in shown or f"<x<{numbers.at_most}" in shown


def test_numbers_are_read_as_written() -> None:
    whole, share = NumberRange(-5, 5, whole=True), NumberRange(0, 1)
    assert [whole.read(text) for text in ("5", "-5", "+3", "005")] == [5, -5, 3, 5]
    assert [share.read(text) for text in ("0", ".5", "1.", "5e-1", "+0.25")] == [0, 0.5, 1, 0.5, 0.25]
    assert Numbers(share, "0,1").convert("0.5, 1", None, None) == (0.5, 1.0)
