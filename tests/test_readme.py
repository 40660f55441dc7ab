"""The README says nothing that the command line does not know."""

from __future__ import annotations

import re
import shlex
from importlib import import_module
from pathlib import Path

import click
import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def _commands() -> list[list[str]]:
    lines = re.findall(r"(?:^ {4}|&& |^)(compress [^\n&`#]*)", README, flags=re.MULTILINE)
    return [shlex.split(line) for line in lines if "NAME" not in line]


@pytest.mark.parametrize("words", _commands(), ids=" ".join)
def test_commands_and_options_exist(words: list[str]) -> None:
    command = import_module(f"compress.cli.{words[1].replace('-', '_')}").command
    if isinstance(command, click.Group):
        command = command.commands[words[2]]
    known = {option for parameter in command.params for option in parameter.opts}
    assert {word for word in words if word.startswith("--")} <= known


def test_there_are_commands_to_check() -> None:
    assert len(_commands()) > 12


def test_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", README):
        assert (ROOT / target).exists(), target


def test_both_commands_are_marked() -> None:
    for mark in ("<!-- run -->", "<!-- test -->"):
        assert re.search(rf"^{mark}\n```bash\npip install -e [^\n]+\n```$", README, flags=re.MULTILINE), mark
