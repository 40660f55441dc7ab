"""Which published trackers reach a speed on a device: of that device itself, under the runtime asked for."""

from __future__ import annotations

import pytest

from compress.prior import TimedTracker, reaching, timed_on, timed_on_related

AO = "GOT-10k AO"


def _devices(found: list[TimedTracker]) -> set[str]:
    return {each.speed.device for each in found}


@pytest.mark.parametrize(
    ("device", "same", "related"),
    [
        ("Jetson AGX Xavier", {"Jetson AGX Xavier"}, set()),
        ("Jetson Orin NX", {"Jetson Orin NX"}, {"Jetson Orin Nano"}),
        ("NVIDIA Jetson Orin Nano Developer Kit, ARMv8, 6 cores", {"Jetson Orin Nano"}, {"Jetson Orin NX"}),
        ("NVIDIA Jetson Orin NX Engineering Reference Developer Kit", {"Jetson Orin NX"}, {"Jetson Orin Nano"}),
        ("Raspberry Pi 5 Model B Rev 1.0, aarch64", {"Raspberry Pi 5"}, set()),
        ("Raspberry Pi 4 Model B Rev 1.4, aarch64", set(), {"Raspberry Pi 5"}),
        ("Apple M4 Pro", set(), {"Apple M4"}),
        ("A board", set(), set()),
    ],
)
def test_a_device_is_itself_and_no_relative(device: str, same: set[str], related: set[str]) -> None:
    assert _devices(timed_on(device, AO)) == same
    assert _devices(timed_on_related(device, AO)) == related


def test_a_board_that_only_goes_by_the_name_is_related() -> None:
    assert timed_on("Jetson-AGX", AO) == []
    assert _devices(timed_on_related("Jetson-AGX", AO, "agx")) == {"Jetson AGX Xavier"}


def test_each_once_the_most_accurate_first() -> None:
    found = reaching(timed_on("Jetson AGX Xavier", AO), 60, "onnxruntime fp32")
    assert [each.tracker.tracker for each in found[:3]] == ["UETrack-B", "UETrack-S", "AsymTrack-B"]
    assert [each.accuracy.value for each in found] == sorted((e.accuracy.value for e in found), reverse=True)
    assert len({each.tracker.tracker for each in found}) == len(found)
    assert all(each.speed.fps >= 60 for each in found)


@pytest.mark.parametrize(("runtime", "there"), [("onnxruntime fp32", True), ("pytorch fp32", False)])
def test_a_tracker_is_judged_under_the_runtime_asked_for(runtime: str, there: bool) -> None:
    """HiT-Base: 61 fps under PyTorch, 75 under onnxruntime."""
    found = reaching(timed_on("Jetson AGX Xavier", AO), 70, runtime)
    assert ("HiT-Base" in [each.tracker.tracker for each in found]) is there
