"""Shared options, and JSON that every reader can read."""

from __future__ import annotations

import json
from pathlib import Path

import click
import numpy as np
import pytest
from click.testing import CliRunner

from compress.cli.options import device_option, json_option, out_option, print_json, quiet_option
from compress.core import describe


@click.command()
@out_option("Where.")
@device_option
@json_option
@quiet_option
def show(out: Path | None, device: str, as_json: bool, quiet: bool) -> None:
    print_json({"out": out, "device": device, "as_json": as_json, "quiet": quiet})


def test_defaults() -> None:
    shown = json.loads(CliRunner().invoke(show).stdout)
    assert shown == {"out": None, "device": "auto", "as_json": False, "quiet": False}


def test_values() -> None:
    words = ["--out", "a/b", "--device", "cpu", "--json", "-q"]
    shown = json.loads(CliRunner().invoke(show, words).stdout)
    assert shown == {"out": "a/b", "device": "cpu", "as_json": True, "quiet": True}


@pytest.mark.parametrize("words", [["--device", "tpu"], ["--out"]])
def test_wrong_values(words: list[str]) -> None:
    assert CliRunner().invoke(show, words).exit_code == 2


def test_print_json_holds_only_json(capsys: pytest.CaptureFixture[str]) -> None:
    spec = describe("ostrack-nano")
    print_json({"nan": float("nan"), "inf": np.float64("inf"), "array": np.ones(2), "spec": spec, "one": np.int64(1)})
    shown = json.loads(capsys.readouterr().out, parse_constant=pytest.fail)
    assert shown == {"nan": None, "inf": None, "array": [1.0, 1.0], "spec": spec.to_dict(), "one": 1}
