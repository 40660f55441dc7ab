"""`compress latency` and `compress targets`, end to end on a small tracker."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from compress.cli.latency import command as latency
from compress.cli.targets import command as targets
from compress.core import CompressError, HeadSpec, LayerSpec, TrackerSpec
from compress.measure import host, profile_path, runtime_name
from compress.profiles import Block, Family, Fixed, Held, Profile, Ratios, save_profile

KEYS = {"mean_ms", "p50_ms", "p90_ms", "p99_ms", "provenance", "network_ms", "fps", "threads", "runtime", "device"}


SPEC = TrackerSpec(
    dim=64,
    heads=4,
    layers=tuple(LayerSpec(source=i, mlp_hidden=256) for i in range(3)),
    template_size=32,
    search_size=64,
    head=HeadSpec(channels=16),
)


@pytest.fixture
def spec_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("COMPRESS_HOME", str(tmp_path / "home"))
    path = tmp_path / "spec.json"
    path.write_text(SPEC.to_json())
    return str(path)


def _profile() -> Profile:
    """Reaches as far as the default corners of `SPEC`; the full joint layer costs 2 ms, everything else 1 ms."""
    points = [(None, h, m) for h in (32, 256) for m in (None, 32, 60)] + [(32, 256, None), (60, 256, None)]
    blocks = [
        Block(kind, h, 2.0 if (kind, a, h, m) == ("joint", None, 256, None) else 1.0, a, m)
        for kind in ("joint", "FE", "AI")
        for a, h, m in points
    ]
    return Profile(
        target="cpu",
        device=str(host()),
        runtime=runtime_name(),
        threads=1,
        family=Family.of(SPEC),
        fixed=(Fixed("joint", 3.0), Fixed("split", 3.0)),
        blocks=tuple(blocks),
        loop_ms=1.0,
        ratios=Ratios(mean=1.1, p50=1.0, p90=1.5, p99=2.0),
        runs=60,
        warmup=36,
        held=(Held("deep", 1.02, 1.0),),
    )


def test_predicted_from_the_kept_profile(spec_file: str) -> None:
    save_profile(_profile(), profile_path(SPEC, 1))
    done = CliRunner().invoke(latency, [spec_file, "--json"], catch_exceptions=False)
    found = json.loads(done.stdout)
    assert found.keys() >= KEYS
    assert found["provenance"] == "predicted"
    assert found["mean_ms"] == pytest.approx(1.1 * (1 + 3 + 3 * 2))
    assert found["fps"] == pytest.approx(1000 / 11)
    assert done.stderr == ""  # nothing was measured
    (cpu,) = json.loads(CliRunner().invoke(targets, ["--json"], catch_exceptions=False).stdout)
    (kept,) = cpu["profiles"]
    assert kept["dim"] == 64
    assert kept["max_error"] == found["profile_max_error"] == pytest.approx(0.02)
    assert "measured for width 64" in CliRunner().invoke(targets, [], catch_exceptions=False).stdout


def test_measured(spec_file: str) -> None:
    arguments = [spec_file, "--measure", "--runs", "10", "--quiet"]
    found = json.loads(CliRunner().invoke(latency, [*arguments, "--json"], catch_exceptions=False).stdout)
    assert found["provenance"] == "measured"
    done = CliRunner().invoke(latency, arguments, catch_exceptions=False)
    assert "fps" in done.stdout
    assert done.stderr == ""


def test_no_profile_yet(spec_file: str) -> None:
    assert "no profile yet" in CliRunner().invoke(targets, [], catch_exceptions=False).stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["ostrack-nao"], "ostrack-nano"),
        (["ostrack-nano", "--target", "gpu"], "cannot be used yet"),
        (["missing.json"], "no file"),
        (["nowhere:v001"], "nowhere"),
    ],
)
def test_bad_names(arguments: list[str], words: str) -> None:
    error = CliRunner().invoke(latency, arguments).exception
    assert isinstance(error, CompressError)
    assert words in str(error)
