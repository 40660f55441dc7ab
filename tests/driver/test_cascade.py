"""Two trackers as one: which threshold is chosen of those that are tracked with, and the command for real."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from compress.core import (
    ACCURATE_ASKED,
    FAST_ALONE,
    Accuracy,
    ExecutionPath,
    FileError,
    InfeasibleError,
    Latency,
    LatencyConstraint,
    UsageError,
)
from compress.data import load_sequences
from compress.driver.cascades.choosing import Alone, TimedTogether, check_speeds, choose, try_thresholds
from compress.evaluate import Evaluation
from compress.export import Member, TrainedCascade, export_bundle, export_cascade, load_cascade, load_trained
from compress.testing.commands import exit_code
from compress.testing.finetunable_run import write_finetunable_run
from compress.testing.small_teacher import SMALL

FRAMES = 1000
SCORES = np.linspace(0, 1, FRAMES)


def _latency(ms: float) -> Latency:
    return Latency(ms, ms, ms, 1.1 * ms, ms, "measured", 100, 10, 1, "onnxruntime", "host")


FAST, ACCURATE = _latency(2.0), _latency(6.0)


def _accuracy(ao: float) -> Accuracy:
    return Accuracy(ao, ao, 0.01, ao, ao, ao, ao, ao, 2, FRAMES, (ao, ao))


class Tracked:
    """Frames with a score below the threshold ask; the accuracy is best where four in ten do."""

    def __init__(self) -> None:
        self.thresholds: list[float] = []

    def __call__(self, threshold: float) -> Evaluation:
        self.thresholds.append(threshold)
        asked = int(np.sum(threshold >= SCORES))
        paths = {FAST_ALONE: FRAMES - asked, ACCURATE_ASKED: asked}
        ao = 0.7 - abs(asked / FRAMES - 0.4) / 10
        return Evaluation(_accuracy(ao), 0.0, 0, [], {}, {path: n for path, n in paths.items() if n})


def _bound(ms: float, at: str = "mean") -> LatencyConstraint:
    return LatencyConstraint.of(fps=1000 / ms, at=at)


def test_thresholds_rise_until_they_are_too_slow() -> None:
    tracked = Tracked()
    tried = try_thresholds(tracked, SCORES, FAST, ACCURATE, _bound(3.53))
    assert tracked.thresholds == pytest.approx([0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.25, 0.275, 0.2625])
    assert [each.threshold for each in tried] == sorted(tracked.thresholds)
    kept = [each for each in tried if each.latency.mean_ms <= 3.53]
    chosen = choose(tried, Alone(_accuracy(0.5), FAST), Alone(_accuracy(0.7), ACCURATE), _bound(3.53), None)
    assert chosen.chosen == max(kept, key=lambda each: each.accuracy.ao) == kept[-1]
    assert chosen.chosen.asked == pytest.approx(0.25, abs=0.002)
    assert chosen.latency.provenance == "predicted"


def test_the_most_accurate_is_not_the_slowest() -> None:
    tried = try_thresholds(Tracked(), SCORES, FAST, ACCURATE, _bound(100))
    chosen = choose(tried, Alone(_accuracy(0.5), FAST), Alone(_accuracy(0.7), ACCURATE), _bound(100), None)
    assert len(tried) == 9
    assert chosen.chosen.asked in (0.3, 0.5)


def test_a_percentile_binds_harder() -> None:
    """The 99th is the fast tracker's where no more than one frame in a hundred asks."""
    tried = try_thresholds(Tracked(), SCORES, FAST, ACCURATE, _bound(3, "p99"))
    assert {each.asked <= 0.01 for each in tried if each.latency.p99_ms <= 3} == {True}
    chosen = choose(tried, Alone(_accuracy(0.5), FAST), Alone(_accuracy(0.7), ACCURATE), _bound(3, "p99"), None)
    assert 0 < chosen.chosen.asked <= 0.01


def _slower(times: float, busy: float = 1.0) -> Callable[[Mapping[ExecutionPath, int]], TimedTogether]:
    """Both as one take so many times what each alone adds up to, on a machine that is so busy."""

    def measure(paths: Mapping[ExecutionPath, int]) -> TimedTogether:
        both = 2 + 6 * paths.get(ACCURATE_ASKED, 0) / FRAMES
        return TimedTogether(_latency(2 * busy), _latency(6 * busy), _latency(times * busy * both))

    return measure


def test_one_that_proves_too_slow_gives_way() -> None:
    """Timed whole it takes a twentieth more, so that a smaller share may ask."""
    alone = Alone(_accuracy(0.5), FAST), Alone(_accuracy(0.7), ACCURATE)
    tried = try_thresholds(Tracked(), SCORES, FAST, ACCURATE, _bound(3.53))
    chosen = choose(tried, *alone, _bound(3.53), _slower(1.05))
    assert chosen.timed is not None
    assert chosen.latency.mean_ms <= 3.53
    assert chosen.chosen.asked == pytest.approx(0.2, abs=0.002)
    with pytest.raises(InfeasibleError, match=r"No threshold keeps 3.53 ms at the mean.*asked on 1.0%"):
        choose(tried, *alone, _bound(3.53), _slower(3))


def test_a_machine_that_became_busy_changes_no_choice() -> None:
    """All three are slower, and the latency is kept as it was measured."""
    alone = Alone(_accuracy(0.5), FAST), Alone(_accuracy(0.7), ACCURATE)
    tried = try_thresholds(Tracked(), SCORES, FAST, ACCURATE, _bound(3.53))
    chosen = choose(tried, *alone, _bound(3.53), _slower(1.0, busy=3))
    assert chosen.chosen == choose(tried, *alone, _bound(3.53), None).chosen
    assert chosen.latency.mean_ms == pytest.approx(3 * (2 + 6 * chosen.chosen.asked))
    assert chosen.over_bound(_bound(3.53))
    assert not chosen.over_bound(_bound(20))


def test_pairs_without_use_are_refused() -> None:
    with pytest.raises(UsageError, match=r"takes 6 ms a frame \(measured\) and the accurate one 2 ms"):
        check_speeds(ACCURATE, FAST, _bound(100))
    with pytest.raises(UsageError, match="saves nothing"):
        check_speeds(FAST, FAST, _bound(100))
    with pytest.raises(InfeasibleError, match=r"1000 fps were asked for.*alone takes 2 ms \(measured\)"):
        check_speeds(FAST, ACCURATE, _bound(1))
    check_speeds(FAST, ACCURATE, _bound(2))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, home: Path, weights: str, data: str) -> Path:
    """Of v000, 1 ms, and its teacher, 2 ms, by estimates."""
    return write_finetunable_run(tmp_path_factory.mktemp("cascade") / "run", weights, data)


Said = Callable[..., Any]


def _words(run: Path, fps: float, accurate: str = "teacher") -> tuple[object, ...]:
    return ("cascade", run, "--fast", "v000", "--accurate", accurate, "--fps", fps, "--device", "cpu", "--quiet")


@pytest.fixture(scope="module")
def made(run: Path) -> Path:
    """For 1.5 ms, so that about half of the frames may ask."""
    assert exit_code(*_words(run, 1000 / 1.5)) == 0
    (path,) = (run / "cascades").iterdir()
    return path


def test_the_command_chooses_and_keeps(run: Path, made: Path, data: str, said: Said, capsys: Any) -> None:
    kept = json.loads(made.read_text())
    assert made.name == "v000-teacher-666.667fps.json"
    chosen = next(each for each in kept["tried"] if each["threshold"] == kept["threshold"])
    assert 0 < chosen["asked"] <= 0.5
    assert kept["latency"]["mean_ms"] == pytest.approx(1 + 2 * chosen["asked"])
    assert kept["latency"]["provenance"] == "estimated"
    assert kept["accuracy"]["ao"] == max(
        each["accuracy"]["ao"] for each in kept["tried"] if each["latency"]["mean_ms"] <= 1.5
    )
    source = load_cascade(str(run), made)
    assert (source.threshold, source.spec.id) == (kept["threshold"], kept["cascade"])
    evaluated = said("evaluate", run, "--cascade", made, "--data", data, "--device", "cpu")
    assert evaluated["ao"] == pytest.approx(kept["accuracy"]["ao"], abs=1e-4)
    assert evaluated["paths"] == chosen["paths"]


def test_weights_that_changed_are_noticed(run: Path, made: Path, tmp_path: Path) -> None:
    other = Path(shutil.copytree(run, tmp_path / "run"))
    checkpoints = sorted((other / "checkpoints").iterdir())
    kept = json.loads(made.read_text())
    kept["fast"]["weights_key"] = "0" * 16
    (tmp_path / "c.json").write_text(json.dumps(kept))
    with pytest.raises(FileError, match="weights of .*v000 have changed since"):
        load_cascade(str(other), tmp_path / "c.json")
    (tmp_path / "c.json").write_text(json.dumps(json.loads(made.read_text()) | {"threshold": 0.99}))
    with pytest.raises(FileError, match="is of the cascade c"):
        load_cascade(str(other), tmp_path / "c.json")
    (tmp_path / "c.json").write_text(json.dumps(json.loads(made.read_text()) | {"fast": {}}))
    with pytest.raises(FileError, match="variant or name must be given"):
        load_cascade(str(other), tmp_path / "c.json")
    checkpoints[0].unlink()
    with pytest.raises(FileError, match="has no weights"):
        load_cascade(str(other), made)


def test_pairs_that_make_no_cascade_are_named(run: Path, refused: Callable[..., tuple[int, str]]) -> None:
    for words, code, message in (
        (_words(run, 2000), 3, "2000 fps were asked for, 0.5 ms at the mean, but the fast tracker alone takes 1 ms"),
        (_words(run, 700, "v000"), 2, "are both v000"),
        (_words(run, 700, "v001"), 1, "v001 has no weights"),
        (_words(run, 700, "v009"), 2, "Unknown variant 'v009'"),
        ((*_words(run, 700), "--fps-at", "p99"), 2, "--fps-at p99 cannot be bound on agx"),
        ((*_words(run, 700), "--weights", "w.safetensors"), 2, "--weights goes with a named tracker"),
        (("export", run, "--cascade", "c.json", "--out", run / "b", "--keep", 0.5), 2, "--cascade says which trackers"),
        (("cascade", run, "--fast", "teacher", "--accurate", "v000", "--fps", 400), 2, "saves nothing"),
    ):
        found, text = refused(*words)
        assert (found, message in text) == (code, True), text


@pytest.mark.slow
def test_a_bundle_is_compared_with_weights_that_were_named(
    run: Path, weights: str, data: str, tmp_path: Path, said: Said, refused: Callable[..., tuple[int, str]]
) -> None:
    accurate = Member(name=SMALL, weights=weights).load(str(run))
    made = TrainedCascade(load_trained(str(run), "v000"), accurate, 0.5, "named")
    bundle = export_cascade(made, tmp_path / "bundle", sequence=load_sequences(data)[0])
    words = ("verify", bundle, "--data", data)
    assert said(*words, "--against", run, "--weights", weights)["parity"]["path_mismatch"] == 0
    for others, code, message in (
        (("--against", run), 1, f"no weights for {SMALL}"),
        (("--against", run, "--weights", run / "checkpoints" / "none"), 1, "none"),
    ):
        found, text = refused(*words, *others)
        assert (found, message in text) == (code, True), text
    one = made.fast
    single = export_bundle(one.model, tmp_path / "one", sequence=load_sequences(data)[0], provenance=one.provenance)
    found, text = refused("verify", single, "--data", data, "--against", run, "--weights", weights)
    assert (found, "--weights goes with a named tracker" in text) == (2, True), text


@pytest.mark.slow
def test_end_to_end_on_this_host(home: Path, weights: str, data: str, tmp_path: Path, said: Said) -> None:
    """Chosen by measured latencies, timed whole, exported, verified against PyTorch, tracked, evaluated."""
    run = write_finetunable_run(tmp_path / "run", weights, data, target="cpu")
    bundle = tmp_path / "bundle"
    found = said(*_words(run, 1), "--fps-at", "p99", "--out", bundle)
    assert found["latency"]["provenance"] == "measured"
    assert found["latency"]["worst_ms"] > found["latency"]["p50_ms"]
    assert found["fast"]["latency"]["provenance"] == "measured"
    assert said("verify", bundle, "--against", run, "--data", data)["parity"]["path_mismatch"] == 0
    evaluated = said("evaluate", bundle, "--data", data)
    assert evaluated["paths"] == found["chosen"]["paths"]
    video = sorted(Path(data.removeprefix("folder:")).iterdir())[0]
    tracked = said("track", bundle, "--video", video, "--out", tmp_path / "boxes.txt")
    assert 0 <= tracked["asked"] <= 7
    for words in ((bundle,), (run, "--cascade", found["file"], "--device", "cpu")):
        apart = said("evaluate", *words, "--data", data, "--workers", 2)
        assert (apart["workers"], apart["paths"]) == (2, evaluated["paths"])
    again = said("export", run, "--cascade", found["file"], "--out", tmp_path / "again", "--data", data)
    assert again["cascade_id"] == json.loads(Path(found["file"]).read_text())["cascade"]
