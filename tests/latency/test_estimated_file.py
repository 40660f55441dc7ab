"""Estimated profiles as files: round trip, what a stranger may have put there, and what ships."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from compress.core import FileError, describe
from compress.core.files import shipped
from compress.latency.estimated import estimated_names, load_estimated
from compress.latency.estimated.file import read_estimated, save_estimated
from compress.latency.estimated.fitting import Sample, fit_coefficients, left_out_errors, relative_errors
from compress.latency.estimated.profile import Coefficients, EstimatedProfile
from compress.testing.toy_profile import toy_estimated_profile

Data = dict[str, Any]


@pytest.fixture
def data(tmp_path: Path) -> Data:
    save_estimated(toy_estimated_profile(), tmp_path / "good.yaml", comment="A guess.\n\nIn two lines.")
    loaded: Data = yaml.safe_load((tmp_path / "good.yaml").read_text())
    return loaded


def _write(tmp_path: Path, data: Data) -> Path:
    path = tmp_path / "bad.yaml"
    path.write_text(yaml.safe_dump(data, allow_unicode=True))
    return path


def test_round_trip(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "guess.yaml"
    save_estimated(toy_estimated_profile(), path, comment="A guess.\n\nIn two lines.")
    assert read_estimated(path) == toy_estimated_profile()
    assert path.read_text().startswith("# A guess.\n#\n# In two lines.\n")


def test_every_mistake_is_named(data: Data, tmp_path: Path) -> None:
    del data["device"]
    data |= {"colour": "blue", "provenance": "measured", "runtime": "tensorrt"}
    data["coefficients"]["speed"] = 3.0
    data["figures"][0]["fps"] = "fast"
    with pytest.raises(FileError) as error:
        read_estimated(_write(tmp_path, data))
    words = ("bad.yaml", "device is missing", "colour is not a known", "provenance must be", "runtime must be")
    for each in (*words, "coefficients.speed is not a known", "figures[0].fps must be a number"):
        assert each in str(error.value)


def _set(*path: str | int, to: Any) -> Callable[[Data], None]:
    def change(data: Any) -> None:
        for step in path[:-1]:
            data = data[step]
        data[path[-1]] = to

    return change


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (_set("schema", to=2), "schema must be 1"),
        (_set("coefficients", "launch_us", to=math.nan), "coefficients.launch_us must be a finite number but is nan"),
        (_set("coefficients", "ms_per_gmac", to=math.inf), "coefficients.ms_per_gmac"),
        (_set("coefficients", "loop_ms", to=-1.0), "coefficients.loop_ms"),
        (_set("coefficients", to={"launch_us": 0, "ms_per_gmac": 0, "call_ms": 1, "loop_ms": 1}), "free"),
        (_set("coefficients", "call_ms", to=True), "coefficients.call_ms must be a number"),
        (_set("leave_one_out", "mean", to=0.02), "leave_one_out.mean is not that of the figures, 0.100"),
        (_set("leave_one_out", "max", to=math.nan), "leave_one_out.max"),
        (_set("figures", to=[]), "figures is empty"),
        (_set("figures", 0, "tracker", to="ostrack257"), "figures[0].tracker 'ostrack257' is no named tracker"),
        (_set("figures", 0, "fps", to=0.0), "figures[0].fps"),
        (_set("figures", 0, "fps", to=math.inf), "figures[0].fps"),
        (_set("figures", 0, "skipped", to=1.5), "figures[0].skipped"),
        (_set("figures", 0, "fit_error", to=-1.0), "figures[0].fit_error"),
        (_set("figures", 0, "left_out_error", to=math.nan), "figures[0].left_out_error"),
        (_set("figures", 0, "scope", to="unknown"), "figures[0].scope must be one of network, loop"),
    ],
)
def test_what_no_profile_holds(change: Callable[[Data], None], words: str, data: Data, tmp_path: Path) -> None:
    change(data)
    with pytest.raises(FileError) as error:
        read_estimated(_write(tmp_path, data))
    assert words in str(error.value)
    assert "bad.yaml is not an estimated hardware profile" in str(error.value)


@pytest.mark.parametrize(
    "text",
    ["", "[1]", "words", "a: [unclosed", "!!python/object/apply:os.system ['true']", "a: &x [1]\nb: *x\n", "\x00\x01"],
)
def test_what_is_no_profile(text: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(text)
    with pytest.raises(FileError, match=r"bad\.yaml is not an estimated hardware profile"):
        read_estimated(path)


def test_missing_and_huge_files(tmp_path: Path) -> None:
    with pytest.raises(FileError, match=r"no estimated hardware profile at .*none\.yaml"):
        read_estimated(tmp_path / "none.yaml")
    (tmp_path / "huge.yaml").write_bytes(b" " * 100_001)
    with pytest.raises(FileError, match="larger"):
        read_estimated(tmp_path / "huge.yaml")


def test_impossible_figures_are_not_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="call_ms"):
        save_estimated(
            toy_estimated_profile(coefficients=Coefficients(1, 1, math.nan, 1)), tmp_path / "x.yaml", comment=""
        )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", estimated_names())
def test_shipped_files_are_named_after_what_they_hold(name: str) -> None:
    profile = load_estimated(name)
    file = f"{name.split(':')[0]}-{profile.runtime}-{profile.precision}.yaml"
    assert read_estimated(shipped("hw_profiles") / file) == profile
    assert profile.limits


def _samples(profile: EstimatedProfile) -> list[Sample]:
    return [
        Sample(
            spec=describe(figure.tracker),
            runtime=profile.runtime,
            ms=1000 / figure.fps,
            scope=figure.scope,
            every_frame=figure.template == "every frame",
            skipped=figure.skipped,
        )
        for figure in profile.figures
    ]


@pytest.mark.parametrize("name", estimated_names())
def test_shipped_coefficients_are_the_fit_of_the_figures_beside_them(name: str) -> None:
    """Anyone can fit the file anew from what it says: figures, what was borrowed, and the rest free."""
    profile = load_estimated(name)
    samples, costs = _samples(profile), vars(profile.coefficients)
    overhead = {each.coefficient: costs[each.coefficient] for each in profile.borrowed}
    free = [each for each, cost in costs.items() if each not in overhead and cost > 0]
    assert vars(fit_coefficients(samples, free, overhead)) == pytest.approx(costs, rel=1e-3)
    assert relative_errors(samples, profile.coefficients) == pytest.approx(
        [f.fit_error for f in profile.figures], abs=1e-3
    )
    left_out = left_out_errors(samples, free, overhead)
    assert left_out == pytest.approx([figure.left_out_error for figure in profile.figures], abs=1e-3)


@pytest.mark.parametrize("name", estimated_names())
def test_what_is_borrowed_is_its_owners(name: str) -> None:
    profile = load_estimated(name)
    for each in profile.borrowed:
        owner = read_estimated(shipped("hw_profiles") / f"{each.source}.yaml")
        assert getattr(profile.coefficients, each.coefficient) == getattr(owner.coefficients, each.coefficient)
        assert each.coefficient not in {other.coefficient for other in owner.borrowed}
