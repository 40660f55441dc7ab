"""Impossible bypass and exits are refused at every door, with the knob's name and its range."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from compress.cli import main
from compress.core import UsageError, describe
from compress.export import export_bundle
from compress.models import Tracker
from compress.spaces import load_space
from compress.testing.bundle_specs import ADAPTIVE

SPEC = ADAPTIVE["both"]
"""Four layers, of which the first is always computed, and exits after 1, 3 and 4 of them."""

Change = Callable[[dict[str, Any]], object]
BAD: dict[str, tuple[Change, str]] = {
    "beyond the depth": (
        lambda s: s["exits"][2].update(after=5),
        "exits[2].after must be in [1, 4], within the depth 4, but is 5",
    ),
    "before the first layer": (lambda s: s["exits"][0].update(after=0), "exits[0].after must be in [1, 4]"),
    "unordered": (
        lambda s: s["exits"].insert(0, s["exits"].pop(1)),
        "exits[1].after must be above 3, the exit before it, but is 1",
    ),
    "twice at one place": (lambda s: s["exits"][1].update(after=1), "exits[1].after must be above 1"),
    "none at the end": (lambda s: s["exits"].pop(), "exits must end behind the last layer, 4, but end after 3"),
    "threshold above one": (lambda s: s["exits"][0].update(tau=1.5), "exits[0].tau must be in [0, 1] but is 1.5"),
    "threshold below zero": (lambda s: s["exits"][1].update(tau=-0.1), "exits[1].tau must be in [0, 1] but is -0.1"),
    "no threshold": (lambda s: s["exits"][0].update(tau=float("nan")), "exits[0].tau must be in [0, 1] but is nan"),
    "threshold in words": (
        lambda s: s["exits"][0].update(tau="0.5"),
        "spec.exits[0].tau must be a number but is '0.5'",
    ),
    "adapter too deep": (lambda s: s["exits"][0].update(adapter=13), "exits[0].adapter must be in [0, 12] but is 13"),
    "nothing to skip": (
        lambda s: s["bypass"].update(n_enf=4),
        "bypass.n_enf must be in [0, 3], below the depth 4, but is 4",
    ),
    "fewer than no layers": (lambda s: s["bypass"].update(n_enf=-1), "bypass.n_enf must be in [0, 3]"),
    "half a layer": (lambda s: s["bypass"].update(n_enf=1.5), "spec.bypass.n_enf must be an integer but is 1.5"),
    "more than all": (lambda s: s["bypass"].update(tau0=1.1), "bypass.tau0 must be in [0, 1] but is 1.1"),
    "less than none": (lambda s: s["bypass"].update(tau0=-0.2), "bypass.tau0 must be in [0, 1] but is -0.2"),
    "infinite": (lambda s: s["bypass"].update(tau0=float("inf")), "bypass.tau0 must be in [0, 1] but is inf"),
    "no probability": (lambda s: s["bypass"].update(rho=1.01), "bypass.rho must be in [0, 1] but is 1.01"),
    "too steep": (lambda s: s["bypass"].update(zeta=-1.5), "bypass.zeta must be in [−1, 1] but is -1.5"),
    "misspelt": (lambda s: s["bypass"].update(tau=0.4), "spec.bypass.tau is not a known field"),
    "misspelt as a whole": (lambda s: s.update(exit=s.pop("exits")), "spec.exit is not a known field"),
    "on without its knobs": (lambda s: s.update(bypass=True), "spec.bypass must be an object but is True"),
    "no such recycling": (lambda s: s.update(recycling="e"), "spec.recycling must be one of none, a, b, c, d"),
    "with elimination": (lambda s: s["layers"][1].update(keep=0.5), "layers[1].keep goes with neither"),
}


def _bad(name: str) -> dict[str, Any]:
    spec = json.loads(json.dumps(SPEC.to_dict()))
    BAD[name][0](spec)
    return spec


def _refused(capsys: pytest.CaptureFixture[str], *args: object) -> str:
    with pytest.raises(SystemExit) as stop:
        main([str(arg) for arg in args])
    assert stop.value.code in (1, 2)
    captured = capsys.readouterr()
    assert captured.out == ""
    return " ".join(captured.err.split())


@pytest.mark.parametrize("name", BAD)
def test_a_spec_file(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "spec.json"
    path.write_text(json.dumps(_bad(name)))
    for command in ("describe", "latency"):
        assert BAD[name][1] in _refused(capsys, command, path)


@pytest.fixture(scope="module")
def exported(adaptive: Callable[[str], Tracker], square: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("doors") / "bundle"
    return export_bundle(adaptive("both"), out, sequence=square, provenance={})


@pytest.mark.parametrize("name", BAD)
def test_a_bundle_edited_by_hand(name: str, exported: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for path in exported.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    manifest = json.loads((tmp_path / "bundle.json").read_text())
    (tmp_path / "bundle.json").write_text(json.dumps(manifest | {"spec": _bad(name)}))
    for words in (("verify", tmp_path), ("evaluate", tmp_path), ("track", tmp_path, "--video", "v", "--out", "b.txt")):
        assert BAD[name][1] in _refused(capsys, *words)


@pytest.mark.parametrize("name", BAD)
def test_a_file_of_thresholds(name: str, exported: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "thresholds.json"
    path.write_text(json.dumps({"spec": _bad(name)}))
    assert BAD[name][1] in _refused(capsys, "evaluate", exported, "--thresholds", path)


@pytest.mark.parametrize("place", [0, 1])
@pytest.mark.parametrize("tau", ["1.5", "-0.1", "nan", "inf"])
def test_thresholds_typed_by_hand(
    tau: str, place: int, exported: Path, run: Path, data: str, capsys: pytest.CaptureFixture[str]
) -> None:
    taus = ",".join(["0.5", tau][:: 1 if place else -1])
    message = "each a number from 0 to 1, such as 0.6,0.7, but is "
    assert message in _refused(capsys, "evaluate", exported, f"--thresholds={taus}")
    words = ("thresholds", run, "--variant", "v003", f"--tau={taus}", "--exit-ms", "1,2,3", "--data", data)
    assert message in _refused(capsys, *words)
    assert not (run / "thresholds").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--fps", "nan"), "--fps must be a number of frames per second from 0.001 to 1,000,000 but is 'nan'"),
        (("--fps", "inf"), "--fps must be a number of frames per second from 0.001 to 1,000,000 but is 'inf'"),
        (("--fps", "0"), "--fps must be a number of frames per second from 0.001 to 1,000,000 but is '0'"),
        (("--tau", "0.5;0.6"), "--tau must be numbers with commas between"),
        (("--tau", "0.5,0.6", "--exit-ms", "nan,nan,nan"), "--exit-ms must be numbers with commas between"),
        (("--tau", "0.5,0.6", "--exit-ms", "1,2,inf"), "--exit-ms must be numbers with commas between"),
        (("--tau", "0.5,0.6", "--exit-ms", "1,2"), "--exit-ms must be 3 rising numbers above 0"),
    ],
)
def test_speeds_of_thresholds(
    words: tuple[str, ...], message: str, run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert message in _refused(capsys, "thresholds", run, "--variant", "v003", *words)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("bypass: [sometimes]", "bypass must be never or learned but is 'sometimes'"),
        ("tau0: [1.5]", "tau0 must be a number above 0, at most 1 but is '1.5'"),
        ("tau0: [-0.1]", "tau0 must be a number above 0, at most 1"),
        ("tau0: [.nan]", "tau0 must be a number above 0, at most 1"),
        ("n_enf: [-1]", "n_enf must be a whole number from 0 to 1000 but is '-1'"),
        ("n_enf: [1.5]", "n_enf must be a whole number from 0 to 1000 but is '1.5'"),
        ("exits: [3/2]", "exits must be never, or rising shares between 0 and 1 such as 1/6 1/2 but is '3/2'"),
        ("exits: [1/2 1/6]", "exits must be never, or rising shares between 0 and 1"),
        ("exits: [1/2 2/4]", "exits must be never, or rising shares between 0 and 1"),
        ("exits: [0]", "exits must be never, or rising shares between 0 and 1"),
        ("exits: [1]", "exits must be never, or rising shares between 0 and 1"),
        ("adapters: [13]", "adapters must be a whole number from 0 to 12 but is '13'"),
    ],
)
def test_a_search_space(line: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(f"knobs:\n  {line}\n")
    assert f"line 2: {message}" in _refused(capsys, "spaces", path)


@pytest.mark.parametrize(
    ("line", "teacher", "message"),
    [
        ("bypass: [learned]", "hit-tiny", "bypass must be never for this teacher, a levit with a corner head"),
        ("exits: [1/2]", "hit-tiny", "exits must be never for this teacher, a levit with a corner head"),
        ("exits: [1/2, 1/3]", "mixformerv2-s", "exits must be never for this teacher, a vit with a tokens head"),
    ],
)
def test_a_teacher_that_cannot_be_adaptive_gets_no_static_students_instead(
    line: str, teacher: str, message: str, tmp_path: Path
) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(f"knobs:\n  {line}\n")
    with pytest.raises(UsageError, match=message):
        load_space(path).choices(describe(teacher))
    path.write_text(f"knobs:\n  {line.replace('[', '[never, ')}\n")
    assert load_space(path).choices(describe(teacher)) == {line.split(":")[0]: ("never",)}
