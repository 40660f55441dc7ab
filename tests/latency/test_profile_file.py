"""Profiles as files: round trip, and everything a stranger may have put there."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest
import yaml

from compress.core import FileError
from compress.latency import Profile, ValidationResult, load_profile, save_profile
from compress.testing.toy_profile import toy_profile


@pytest.fixture
def data(profile: Profile, tmp_path: Path) -> dict[str, Any]:
    save_profile(profile, tmp_path / "good.yaml")
    loaded: dict[str, Any] = yaml.safe_load((tmp_path / "good.yaml").read_text())
    return loaded


def _write(tmp_path: Path, data: object) -> Path:
    path = tmp_path / "bad.yaml"
    path.write_text(yaml.safe_dump(data))
    return path


def test_round_trip(profile: Profile, tmp_path: Path) -> None:
    path = tmp_path / "deep" / "toy.yaml"
    save_profile(profile, path)
    assert load_profile(path) == profile


def test_round_trip_with_elimination(eliminating: Profile, tmp_path: Path) -> None:
    save_profile(eliminating, tmp_path / "toy.yaml")
    assert load_profile(tmp_path / "toy.yaml") == eliminating


def test_round_trip_with_what_routing_overhead_costs(routing_overhead: Profile, tmp_path: Path) -> None:
    save_profile(routing_overhead, tmp_path / "toy.yaml")
    assert load_profile(tmp_path / "toy.yaml") == routing_overhead
    assert routing_overhead.routing_overhead is not None
    assert routing_overhead.routing_overhead.mean_error == pytest.approx(0.5 / 10.5)


def test_routing_overhead_cannot_cost_less_than_nothing(routing_overhead: Profile, tmp_path: Path) -> None:
    costs = routing_overhead.routing_overhead
    assert costs is not None
    bad = dataclasses.replace(
        costs,
        frame_ms=-0.1,
        call_ms=float("inf"),
        validation=(ValidationResult("x", 0.0, 1.0),),
    )
    with pytest.raises(ValueError, match=r"frame_ms must be .*call_ms must be .*validation\[0\]"):
        save_profile(toy_profile(routing_overhead=bad), tmp_path / "toy.yaml")


def test_files_written_before_stages_and_elimination_still_read(profile: Profile, data: dict[str, Any]) -> None:
    assert {key for block in data["blocks"] for key in block} <= {
        "attention",
        "mlp_hidden",
        "ms",
        "attn_dims",
        "mlp_dims",
    }
    assert set(data["family"]) <= {"dim", "heads", "template_size", "search_size", "patch", "head"}
    assert not {"elimination_ms", "routing_overhead"} & set(data)


def test_own_error(profile: Profile) -> None:
    assert profile.mean_error == pytest.approx((0.01 + 0.06) / 2)
    assert profile.max_error == pytest.approx(0.06)
    assert toy_profile(validation=()).mean_error is None


def test_every_mistake_is_named(data: dict[str, Any], tmp_path: Path) -> None:
    del data["runtime"]
    data |= {"threads": "one", "colour": "blue", "7": "seven", "provenance": "guessed"}
    data["blocks"][0]["ms"] = "fast"
    with pytest.raises(FileError) as error:
        load_profile(_write(tmp_path, data))
    for words in ("runtime is missing", "threads must be an integer", "colour is not", "provenance", "blocks[0].ms"):
        assert words in str(error.value)


def test_impossible_figures_are_named_together(data: dict[str, Any], tmp_path: Path) -> None:
    data |= {"loop_ms": float("nan"), "schema": 2, "overhead": [], "spread": float("inf")}
    data["elimination_ms"] = -0.1
    data["blocks"][1]["ms"] = 0.0
    data["blocks"].append(data["blocks"][0])
    text = yaml.dump(data, Dumper=_NoAlias)
    (tmp_path / "bad.yaml").write_text(text)
    with pytest.raises(FileError) as error:
        load_profile(tmp_path / "bad.yaml")
    for words in (
        "loop_ms",
        "schema",
        "overhead is empty",
        "spread",
        "elimination_ms",
        "blocks[1].ms",
        "names the same component twice",
    ):
        assert words in str(error.value)


class _NoAlias(yaml.SafeDumper):
    def ignore_aliases(self, data: object) -> bool:
        return True


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[1, 2]",
        "just words",
        "a: [unclosed",
        "!!python/object/apply:os.system ['true']",
        "a: &x [1]\nb: *x\n",
        "[" * 5000,
        "\x00\x01",
    ],
)
def test_what_is_no_profile(text: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(text)
    with pytest.raises(FileError, match="not a hardware profile"):
        load_profile(path)


def test_missing_and_huge_files(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="no hardware profile at"):
        load_profile(tmp_path / "none.yaml")
    (tmp_path / "huge.yaml").write_bytes(b" " * 1_000_001)
    with pytest.raises(FileError, match="larger"):
        load_profile(tmp_path / "huge.yaml")


def test_impossible_figures_are_not_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="loop_ms"):
        save_profile(toy_profile(loop_ms=0.0), tmp_path / "toy.yaml")
    assert list(tmp_path.iterdir()) == []
