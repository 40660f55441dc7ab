"""Options made from a settings dataclass."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import click
import pytest
from click.testing import CliRunner

from compress.cli.search import command as search
from compress.cli.settings_options import chosen, given, settings_options
from compress.cli.train_teacher import command as train_teacher
from compress.core.ranges import FPS, SHARE, STUDENT_STEPS
from compress.core.settings import setting, settings_of
from compress.distill import TeacherRecipe
from compress.driver import SearchSettings


@dataclass(frozen=True)
class Toy:
    train_steps: int = setting(3, "Steps.", numbers=STUDENT_STEPS)
    share: float = setting(0.5, "Share.", numbers=SHARE)
    limit: float | None = setting(None, "Limit.", numbers=FPS)
    kind: Literal["a", "b"] = setting("a", "Kind.")
    name: str = setting("one", "Name.", names=lambda: ["one", "two"])
    images: str = setting("", "Images.", folder=True)


@click.command()
@settings_options(Toy)
def show(**values: Any) -> None:
    click.echo(json.dumps([values, given(values)]))


def _run(*words: str) -> Any:
    result = CliRunner().invoke(show, words)
    return json.loads(result.stdout) if result.exit_code == 0 else result


def test_defaults_are_those_of_the_fields() -> None:
    values, chosen = _run()
    assert values == {"train_steps": 3, "share": 0.5, "limit": None, "kind": "a", "name": "one", "images": None}
    assert chosen == {}


def test_what_was_given_is_told_apart(tmp_path: Path) -> None:
    words = ["--train-steps", "3", "--limit", "1.5", "--kind", "b", "--images", str(tmp_path)]
    assert _run(*words)[1] == {"train_steps": 3, "limit": 1.5, "kind": "b", "images": str(tmp_path)}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--train-steps", "1"], "--train-steps must be a whole number from 2 to 100,000,000 but is '1'."),
        (["--share", "1"], "--share must be a number above 0 and below 1 but is '1'."),
        (["--kind", "c"], "not one of 'a', 'b'"),
        (["--images", "/nowhere"], "does not exist"),
    ],
)
def test_ranges_are_those_of_the_fields(words: list[str], said: str) -> None:
    result = _run(*words)
    assert result.exit_code == 2
    assert said in result.output


def test_help_shows_what_there_is() -> None:
    text = CliRunner().invoke(show, ["--help"]).output
    assert "--name [one|two]" in text
    assert "Steps.  [default: 3; 2<=x<=100000000]" in text
    assert "Limit." in text
    assert "default: None" not in text


@pytest.mark.parametrize(("command", "cls"), [(search, SearchSettings), (train_teacher, TeacherRecipe)])
def test_commands_take_their_options_from_the_dataclass(command: click.Command, cls: type) -> None:
    options = {each.name: each for each in command.params if isinstance(each, click.Option)}
    for each in settings_of(cls):
        assert options[each.name].opts == [each.flag]
        assert options[each.name].default == (None if each.default == "" else each.default)
        assert options[each.name].help == each.about.help


def test_only_what_the_user_chose_reaches_the_dataclass() -> None:
    @click.command()
    @settings_options(Toy)
    @click.option("--other", default=1)
    def make(**values: Any) -> None:
        click.echo(repr(chosen(Toy, values)))

    result = CliRunner().invoke(make, ["--share", "0.75", "--other", "2"])
    assert result.stdout.strip() == repr(Toy(share=0.75))
