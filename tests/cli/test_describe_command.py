"""`compress describe` and `compress teachers` on every named tracker."""

from __future__ import annotations

import json

import pytest

from compress.cli import main
from compress.core import TRACKERS, describe
from compress.core.cost import macs, macs_cheapest, macs_linear_conv, parameters


def _run(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    with pytest.raises(SystemExit) as stop:
        main(list(words))
    assert not stop.value.code
    return capsys.readouterr().out


@pytest.mark.parametrize("name", TRACKERS.names())
def test_json_holds_the_cost_and_the_spec(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    shown = json.loads(_run(capsys, "describe", name, "--json"))
    spec = describe(name)
    assert (shown["name"], shown["id"], shown["weights_id"]) == (name, spec.id, spec.weights_id)
    assert shown["spec"] == spec.to_dict()
    assert shown["params"] == parameters(spec)
    work, papers = macs(spec), macs_linear_conv(spec)
    assert shown["macs"] == work.full == shown["macs_per_frame"] + shown["macs_template"]
    assert shown["macs_per_frame_min"] == macs_cheapest(spec).per_frame
    ends = {"min": papers.min, "max": papers.max}
    assert shown["macs_linear_conv"] == (ends if spec.adaptive else papers.max)


@pytest.mark.parametrize("name", TRACKERS.names())
def test_text_fits_a_terminal_and_its_parts_add_up(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    lines = _run(capsys, "describe", name).splitlines()
    assert max(map(len, lines)) <= 120
    spec = describe(name)
    table = lines[next(i for i, line in enumerate(lines) if line.startswith("  part ")) + 1 :]
    held = [row[20:32].strip() for row in table if not row.startswith("  A frame")]
    total = sum(float(cell) for cell in held if cell and "<" not in cell)
    assert total == pytest.approx(parameters(spec) / 1e6, abs=0.001 * len(held))


@pytest.mark.parametrize(
    ("name", "said"),
    [
        (
            "ostrack256-ce",
            ("joint, MLP 3072, passes on 0.7 of the search tokens, by attention, from 3", "22.603 G", "21.498 G"),
        ),
        ("litetrack-b8", (" 3 × layer      AI, MLP 3072, from 5 6 7", "1 for the target box")),
        ("mixformerv2-s", ("2 × 49 (1 online)", "tokens, 96 bins, and a score", "sincos positions")),
        ("mixvit-b", ("pyramid, 384 channels",)),
        ("hit-base", ("stage 2         shrunk by 16 heads and an MLP of 1536; width 768, 12 heads, keys of 32",)),
        ("abtrack-vit", ("0.917–2.129 G", "0.884–1.882 G", "layers 2 to 11, from 0, skipped where p > 0.5")),
        ("dytrack", ("exit 1          after 6 layers, adapter of 1 layer, taken where", "always taken", "RepVGG")),
    ],
)
def test_text_says_what_makes_the_family(name: str, said: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    shown = _run(capsys, "describe", name)
    assert [words for words in said if words not in shown] == []


def test_teachers_lists_what_describe_says(capsys: pytest.CaptureFixture[str]) -> None:
    rows = {row["name"]: row for row in json.loads(_run(capsys, "teachers", "--json"))}
    one = json.loads(_run(capsys, "describe", "dytrack", "--json"))
    assert list(rows) == TRACKERS.names()
    assert {key: value for key, value in one.items() if key != "spec"}.items() <= rows["dytrack"].items()
    assert rows["dytrack"]["layers"] == 12


@pytest.mark.parametrize(("columns", "widest"), [(40, 80), (80, 80), (100, 100), (300, 120)])
def test_teachers_fits_the_terminal(
    columns: int, widest: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    lines = _run(capsys, "teachers").splitlines()
    assert widest - 15 < max(map(len, lines)) <= widest
    assert [line.split()[0] for line in lines[1:] if not line.startswith(" ")] == TRACKERS.names()
    assert "11.13–37.86" in next(line for line in lines if line.startswith("dytrack"))
