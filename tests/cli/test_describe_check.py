"""`compress describe --check`: the formula beside the operators of the built network."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from compress.cli import main
from compress.cli.cost_check import check_cost, check_error, compare_count
from compress.core import describe
from compress.core.cost import macs
from compress.models.operator_count import OperatorCount

NANO = describe("ostrack-nano")


def _run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as stop:
        main(list(words))
    shown = capsys.readouterr()
    return int(stop.value.code or 0), shown.out, shown.err


def test_agreement_is_shown_part_by_part(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = _run(capsys, "describe", "ostrack-nano", "--check")
    assert code == 0
    assert max(map(len, out.splitlines())) <= 120
    for words in ("layers.11", "17,367,040        17,367,040", "233,499,136       233,499,136", "The formula and"):
        assert words in out
    assert "norms, activations, softmax" in out
    assert "gelu (12)" in out


def test_json(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    small = replace(NANO, layers=NANO.layers[:2])
    path = tmp_path / "small.json"
    path.write_text(json.dumps(small.to_dict()))
    code, out, _ = _run(capsys, "describe", str(path), "--check", "--json")
    check = json.loads(out)["check"]
    assert (code, check["agrees"], check["unknown"]) == (0, True, {})
    assert check["parts"][-1] == {
        "part": "all",
        "template_formula": macs(small).template,
        "template_counted": macs(small).template,
        "frame_formula": macs(small).per_frame,
        "frame_counted": macs(small).per_frame,
    }


def test_a_wrong_formula_fails_and_names_the_parts(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from compress.core.cost import vit

    right = vit.layer_work
    monkeypatch.setattr(vit, "layer_work", lambda *a, **named: right(*a, **named) + vit.Work(1))  # type: ignore[attr-defined]
    code, out, err = _run(capsys, "describe", "ostrack-nano", "--check")
    assert code == 1
    assert out.count("differs") == 13  # twelve layers, and the sum
    assert "formula and network differ in layers.0, layers.1" in " ".join(err.split())


def test_operators_of_unknown_cost_are_never_zero_in_silence() -> None:
    frame = {part.name: part.frame[1] for part in check_cost(NANO).parts}
    template = {"patches": macs(NANO).template}
    good = compare_count(NANO, OperatorCount(template, frame))
    assert good.problem() is None
    unknown = compare_count(NANO, OperatorCount(template, frame, unknown={"aten::fft": 2}))
    assert "not known what these operators cost: fft (2)" in str(check_error("x", unknown))


def test_names_that_only_one_side_has_are_compared_as_a_rest() -> None:
    """As of a backbone from outside, whose modules have other names than its formula's parts."""
    frame = {part.name: part.frame[1] for part in check_cost(NANO).parts}
    template = {"patches": macs(NANO).template}
    renamed = {f"body.{name}" if name.startswith("layers") else name: work for name, work in frame.items()}
    check = compare_count(NANO, OperatorCount(template, renamed))
    assert check.problem() is None
    assert [part.name for part in check.parts] == ["patches", "head", "rest"]
    short = compare_count(NANO, OperatorCount(template, renamed | {"body.layers.3": 1}))
    assert short.problem() == "formula and network differ in rest, all"
