"""`compress evaluate` on names, runs and bundles, and the figures of the shipped teacher's model card."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import cv2
import pytest

from compress.cli import main
from compress.data.generated import GeneratedSequence, levels_of
from compress.models import create_tracker, load_tracker, save_weights

KEYS = {"ao", "ao_seq", "ao_se", "sr50", "sr75", "auc", "precision20", "pnorm20", "fps", "sequences"}
SEQUENCES = Path(os.environ.get("COMPRESS_SEQUENCES", Path(__file__).parents[2].parent / "shared" / "sequences"))


def _run(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str]:
    with pytest.raises(SystemExit) as stop:
        main([str(word) for word in words])
    captured = capsys.readouterr()
    return int(stop.value.code or 0), captured.out or " ".join(captured.err.split())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("sequences")
    for k in range(2):
        sequence = GeneratedSequence(k, name=f"s{k}", levels=levels_of("scale"), length=12)
        (place / sequence.name).mkdir()
        for i in range(len(sequence)):
            cv2.imwrite(str(place / sequence.name / f"{i + 1:08d}.png"), sequence.frame(i)[..., ::-1])
        lines = [",".join(f"{v:.1f}" for v in box) for box in sequence.boxes]
        (place / sequence.name / "groundtruth.txt").write_text("\n".join(lines))
    return place


def test_shipped_teacher_follows_and_random_weights_do_not(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "results"
    asked = ("--results", out, "--format", "got10k", "--metrics", "got10k")
    code, said = _run(capsys, "evaluate", "ostrack-nano", "--data", f"folder:{folder}", "--json", *asked)
    assert code == 0
    found = json.loads(said)
    assert set(found) >= KEYS
    assert found["sequences"] == 2
    assert found["ao"] > 0.7
    assert (found["batch"], found["workers"]) == (1, 1)
    assert found["metrics"]["figures"]["ao"] == pytest.approx(found["ao"], abs=0.01)
    assert (out / "s0" / "s0_001.txt").is_file()
    assert (out / "submission.zip").is_file()
    code, said = _run(capsys, "evaluate", "ostrack-nano", "--data", f"folder:{folder}", *asked, "--resume", "-q")
    assert code == 0
    assert re.search(rf"^ao +{found['ao']:.4f}$", said, re.M)
    assert "As got10k counts:" in said
    both = ("evaluate", "ostrack-nano", "--data", f"folder:{folder}", "--batch", 8, "--json")
    together = json.loads(_run(capsys, *both)[1])
    assert together["batch"] == 2
    assert together["ao"] == pytest.approx(found["ao"], abs=1e-3)
    save_weights(create_tracker("ostrack-nano"), tmp_path / "random.safetensors")
    words = ("evaluate", "ostrack-nano", "--weights", tmp_path / "random.safetensors", "--data", f"folder:{folder}")
    assert json.loads(_run(capsys, *words, "--json")[1])["ao"] < 0.6 * found["ao"]


def test_bundle_scores_as_its_network_does(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bundle, data = tmp_path / "bundle", f"folder:{folder}"
    assert _run(capsys, "export", "ostrack-nano", "--out", bundle, "--data", data)[0] == 0
    network = json.loads(_run(capsys, "evaluate", "ostrack-nano", "--data", data, "--json")[1])
    exported = json.loads(_run(capsys, "evaluate", bundle, "--data", data, "--json")[1])
    for key in KEYS - {"fps"}:
        assert exported[key] == pytest.approx(network[key], abs=2e-3), key


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("ostrack-nano", "--metrics", "vott"), 2, "Did you mean vot"),
        (("ostrack-nano", "--format", "lasott", "--results", "r"), 2, "Did you mean lasot"),
        (("ostrack-nan",), 2, "Did you mean ostrack-nano"),
        (("ostrack-nano", "--data", "generate"), 2, "'folder:PATH' or 'generated'"),
        (("ostrack-nano", "--data", "folder:/nowhere"), 1, "/nowhere"),
        (("ostrack256",), 1, "no weights for ostrack256"),
        (("nowhere:v001",), 1, "no run directory"),
    ],
)
def test_bad_input(words: tuple[str, ...], code: int, message: str, capsys: pytest.CaptureFixture[str]) -> None:
    found, said = _run(capsys, "evaluate", *words)
    assert found == code
    assert message in said


def test_shipped_weights_say_how_they_were_made() -> None:
    from safetensors import safe_open

    from compress.models import weights_path

    path = weights_path("ostrack-nano")
    assert path.stat().st_size <= 10_000_000
    with safe_open(path, framework="np") as file:
        recipe = file.metadata()
    assert recipe["step"] == recipe["steps"] == "26800"
    assert (recipe["batch"], recipe["reuse"], recipe["seed"]) == ("512", "4", "0")
    assert load_tracker("ostrack-nano").spec.to_json() == recipe["spec"]


@pytest.mark.slow
def test_generated_score_is_the_model_cards(capsys: pytest.CaptureFixture[str]) -> None:
    found = json.loads(_run(capsys, "evaluate", "ostrack-nano", "--json")[1])
    assert found["ao"] == pytest.approx(0.789, abs=0.01)
    assert found["sequences"] == 28


@pytest.mark.slow
@pytest.mark.skipif(not SEQUENCES.is_dir(), reason="no real sequences here")
def test_real_score_is_the_model_cards(capsys: pytest.CaptureFixture[str]) -> None:
    found = json.loads(_run(capsys, "evaluate", "ostrack-nano", "--data", f"folder:{SEQUENCES}", "--json")[1])
    assert found["ao_seq"] == pytest.approx(0.634, abs=0.02)
