"""Profiles that cannot be kept: said before anything is measured, and used all the same."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from compress.cli.profile_output import show_profile
from compress.core import CompressWarning, describe
from compress.latency import BlockCost, Family, Profile, load_profile, save_profile
from compress.measure import Coverage, host_profile, profile_path
from compress.measure.kit.request import Request
from compress.measure.remote_profiles import Device, keep_device_profile
from compress.measure.ssh import profile as remote
from compress.measure.ssh.connection import Remote
from compress.testing.toy_profile import layer, toy_profile, tracker

SPEC = tracker(*(layer(i) for i in range(2)))
_COVERAGE = Coverage.of(SPEC)
PROFILE = toy_profile(
    target="cpu",
    blocks=tuple(BlockCost(kind, h, 1.0, a, m) for a, h, m in _COVERAGE.points for kind in _COVERAGE.attentions),
)
"""Covers what is wanted of `SPEC`."""


@pytest.fixture
def events(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What happens, in order; measuring takes no time."""
    found: list[str] = []

    def measured(*_: Any, **__: Any) -> Profile:
        found.append("measured")
        return PROFILE

    def warned(text: str) -> None:
        found.append(text)

    monkeypatch.setattr("compress.measure.host_profiles.build_profile", measured)
    monkeypatch.setattr("compress.measure.host_profiles.warn", warned)
    return found


@pytest.mark.parametrize("place", ["file/home", "/proc/home"])
def test_a_home_that_cannot_be_written_is_said_first(
    place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, events: list[str]
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("COMPRESS_HOME", str(tmp_path / place))
    assert host_profile(SPEC).blocks == PROFILE.blocks
    assert [event == "measured" for event in events] == [False, True]
    assert "is used, but cannot be kept" in events[0]
    assert "Set COMPRESS_HOME" in events[0]


def test_a_disk_that_fills_meanwhile_loses_no_profile(monkeypatch: pytest.MonkeyPatch, events: list[str]) -> None:
    def full(profile: Profile, path: Path) -> None:
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr("compress.measure.host_profiles.save_profile", full)
    assert host_profile(SPEC).blocks == PROFILE.blocks
    assert events[0] == "measured"
    assert "could not be kept" in events[1]
    assert "No space left" in events[1]


def test_warnings_are_those_of_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("COMPRESS_HOME", str(tmp_path / "file"))
    monkeypatch.setattr("compress.measure.host_profiles.build_profile", lambda *_, **__: PROFILE)
    with pytest.warns(CompressWarning, match="cannot be kept"):
        host_profile(SPEC)


@pytest.mark.parametrize("other", [{"threads": 2}, {"target": "gpu"}, {"family": Family.of(describe("ostrack-nano"))}])
def test_a_file_with_another_profile_is_not_used(other: dict[str, Any], events: list[str]) -> None:
    path = profile_path(SPEC, 1)
    save_profile(replace(PROFILE, **other), path)
    assert host_profile(SPEC) == PROFILE
    assert events == ["measured"]
    assert load_profile(path) == PROFILE  # kept in the other's place
    assert host_profile(SPEC) == PROFILE
    assert events == ["measured"]


def test_a_device_is_not_measured_before_it_is_said_that_nothing_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, events: list[str]
) -> None:
    """Over ssh: the kit is written and measured after the warning, and read back from its own folder."""
    (tmp_path / "file").touch()
    monkeypatch.setenv("COMPRESS_HOME", str(tmp_path / "file" / "home"))
    monkeypatch.setattr(remote, "emit_kit", lambda *_, **__: events.append("written"))
    monkeypatch.setattr(remote, "measure_remotely", lambda *_, **__: events.append("measured"))
    monkeypatch.setattr(remote, "ingest", lambda results, kit: (PROFILE, kit))
    request = Request(Device.of("board"), SPEC, _COVERAGE)
    _, kit = remote.remote_profile(request, Remote("board"))
    assert ["cannot be kept" in events[0], *events[1:]] == [True, "written", "measured"]
    assert kit.name == "kit"


def test_what_a_kit_measured_is_shown_where_it_cannot_be_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, events: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("COMPRESS_HOME", str(tmp_path / "file" / "home"))
    path = keep_device_profile(Device.of("board"), PROFILE)
    assert "could not be kept" in events[0]
    show_profile(PROFILE, path, as_json=False)
    assert capsys.readouterr().out.rstrip().endswith("not kept")
