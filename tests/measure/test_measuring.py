"""Real measurements of small networks under onnxruntime; nothing is asked of the clock but order by a wide gap."""

import dataclasses
import os

import pytest

from compress.core import LayerSpec, TrackerSpec, UsageError
from compress.latency import UncoveredError, predict
from compress.measure import Coverage, host_profile, kept_profiles, measure_many, measure_whole, profile_path
from compress.models import build


def _deep(tiny: TrackerSpec, depth: int) -> TrackerSpec:
    return dataclasses.replace(tiny, layers=tuple(LayerSpec(source=i, mlp_hidden=256) for i in range(depth)))


def test_whole_trackers_in_one_run(tiny: TrackerSpec) -> None:
    found = measure_many({"deep": _deep(tiny, 30), "network": build(_deep(tiny, 2))}, runs=20)
    assert list(found) == ["deep", "network"]
    for latency in found.values():
        assert 0 < latency.p50_ms <= latency.p90_ms <= latency.p99_ms
        assert 0 < latency.network_ms < latency.mean_ms
        assert latency.provenance == "measured"
        assert latency.runs >= 20
        assert latency.warmup == latency.runs // 5 * 3
    assert found["deep"].p50_ms > 2 * found["network"].p50_ms


@pytest.mark.parametrize("kind", ["asymmetric", "AI"])
def test_every_attention_can_be_timed(tiny: TrackerSpec, kind: str) -> None:
    layers = tuple(dataclasses.replace(layer, attention=kind) for layer in tiny.layers)
    spec = dataclasses.replace(tiny, layers=layers, target_token=True)
    assert measure_whole(spec, runs=5).mean_ms > 0


def test_impossible_counts_are_refused(tiny: TrackerSpec) -> None:
    with pytest.raises(UsageError, match="threads must be from 1"):
        measure_whole(tiny, threads=0)
    with pytest.raises(UsageError, match="rounds"):
        host_profile(tiny, rounds=1)


@pytest.mark.usefixtures("small_budget")
def test_a_profile_is_measured_and_kept(tiny: TrackerSpec) -> None:
    path = profile_path(tiny, 1)
    path.parent.mkdir(parents=True)
    path.write_text("target: [")  # a damaged profile counts as none
    assert kept_profiles() == []

    reports: list[tuple[str, float]] = []
    profile = host_profile(tiny, rounds=3, progress=lambda text, share, _=None: reports.append((text, share)))
    assert {text.partition(":")[0] for text, _ in reports} == {"exporting networks", "measuring the profile"}
    assert all(0 <= share <= 1 for _, share in reports)
    assert {block.attention for block in profile.blocks} == {"joint", "FE", "AI"}
    assert len(profile.validation) == 12
    assert 1.0 <= profile.ratios.p50 <= profile.ratios.p90 <= profile.ratios.p99
    assert predict(profile, _deep(tiny, 12)).mean_ms > predict(profile, _deep(tiny, 2)).mean_ms

    assert [kept for kept, _ in kept_profiles()] == [path]
    before = os.stat(path).st_mtime_ns
    again = host_profile(tiny)
    assert os.stat(path).st_mtime_ns == before
    assert again.loop_ms == pytest.approx(profile.loop_ms, rel=1e-5)  # a file keeps six digits


@pytest.mark.slow
def test_a_profile_that_does_not_reach_is_measured_again_in_one_file(tiny: TrackerSpec) -> None:
    narrow = host_profile(tiny, rounds=6)
    wide = dataclasses.replace(tiny, layers=(LayerSpec(source=0, mlp_hidden=300),))
    with pytest.raises(UncoveredError):
        predict(narrow, wide)
    wider = host_profile(tiny, coverage=Coverage.of(tiny, [wide]), rounds=6)
    assert predict(wider, wide).mean_ms > 0
    assert predict(wider, tiny).mean_ms > 0
    assert [kept for kept, _ in kept_profiles()] == [profile_path(tiny, 1)]


def test_profiles_of_other_families_and_threads_are_other_files(tiny: TrackerSpec) -> None:
    larger = dataclasses.replace(tiny, search_size=128)
    deeper = _deep(tiny, 9)
    assert profile_path(deeper, 1) == profile_path(tiny, 1)
    assert len({profile_path(tiny, 1), profile_path(tiny, 2), profile_path(larger, 1)}) == 3
