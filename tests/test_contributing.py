"""CONTRIBUTING.md is true: every path, name, floor and command that it gives is there."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path

import click
import pytest

ROOT = Path(__file__).resolve().parent.parent
TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
CODE = re.findall(r"`([^`\n]+)`", TEXT)
PATHS = sorted({word for word in CODE if re.fullmatch(r"[\w.<>*-]+(/[\w.<>*-]*)+|[A-Z]+\.md|pyproject\.toml", word)})
LINKS = sorted(set(re.findall(r"\]\(([^)#]+)", TEXT)))
COMMANDS = sorted({word for word in CODE if word.startswith("compress ")})
NAMED = re.findall(r"((?:`\w+`(?:,| and)? )+)in `([\w/.]+\.py)`", TEXT)
"""Names in code type, and the file that they are said to be in."""


def test_something_is_followed() -> None:
    assert len(PATHS) > 10
    assert LINKS
    assert COMMANDS
    assert NAMED


@pytest.mark.parametrize("path", PATHS)
def test_paths_are_there(path: str) -> None:
    """`<name>` in a path stands for anything."""
    pattern = re.sub(r"<\w+>", "*", path).rstrip("/")
    assert list(ROOT.glob(pattern)), f"there is no {path}"


@pytest.mark.parametrize("path", [link for link in LINKS if "://" not in link])
def test_links_lead_somewhere(path: str) -> None:
    assert (ROOT / path).is_file()


@pytest.mark.parametrize(("names", "path"), NAMED)
def test_names_are_in_their_files(names: str, path: str) -> None:
    text = (ROOT / path).read_text(encoding="utf-8")
    for name in re.findall(r"`(\w+)`", names):
        assert re.search(rf"^\s*((class|def) {name}\b|{name}\b.*=|.*import.*\b{name}\b)", text, re.M), (
            f"{path} holds no {name}"
        )


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_exist(command: str) -> None:
    words = command.split()[1:]
    if words == ["--help"]:
        return
    found = import_module(f"compress.cli.{words[0].replace('-', '_')}").command
    for word in words[1:]:
        if word.startswith("--"):
            assert word in {option for each in found.params for option in each.opts}
        else:
            assert isinstance(found, click.Group)
            found = found.commands[word]


def test_floors_are_those_of_the_test() -> None:
    rows = re.findall(r"^\| (\d) \| (.+) \|$", TEXT, re.M)
    written = {room: int(floor) for floor, rooms in rows for room in re.findall(r"`(\w+)`", rooms)}
    table = (ROOT / "tests" / "test_floors.py").read_text(encoding="utf-8")
    held = {room: int(floor) for room, floor in re.findall(r'^    "(\w+)": (\d),$', table, re.M)}
    assert written == held


def test_the_test_command_is_the_readmes() -> None:
    command = re.search(r"^    (pip install .*pytest)$", TEXT, re.M)
    assert command
    assert command[1] in (ROOT / "README.md").read_text(encoding="utf-8")


def test_markers_and_hooks_exist() -> None:
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    for marker in re.findall(r"`pytest -m (\w+)`", TEXT):
        assert f'"{marker}:' in project
    if "`pre-commit install`" in TEXT:
        assert (ROOT / ".pre-commit-config.yaml").is_file()
    if "`.ci/run`" in TEXT:
        assert (ROOT / ".ci" / "run").stat().st_mode & 0o100
