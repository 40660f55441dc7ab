"""Generated sequences and pairs: the same everywhere, boxes exact, each difficulty what it says."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import pytest

from compress.core import FileError, UsageError
from compress.data import load_sequences
from compress.data.generated import (
    DIFFICULTIES,
    GeneratedSequence,
    generated_sequences,
    levels_of,
    load_images,
    sample_pairs,
)
from compress.data.generated import sequences as sequences_module
from compress.data.generated.raster import compose, invert, smear, warp
from compress.data.generated.scene import Scene, View
from compress.data.pairs import PAIR_RECIPES
from compress.geometry import crop_target

_PRINT = """
import zlib, numpy as np
from compress.data.generated import generated_sequences, sample_pairs
total = 0
for sequence in generated_sequences(per_difficulty=1, length=40):
    for i in (0, 17, 39):
        total = zlib.crc32(sequence.frame(i).tobytes(), total)
    total = zlib.crc32(sequence.boxes.tobytes(), total)
pairs = sample_pairs(3, 1, 24)
for array in (pairs.template, pairs.search, pairs.boxes):
    total = zlib.crc32(np.ascontiguousarray(array).tobytes(), total)
print(total)
"""


@cache
def _digest(**environment: str) -> int:
    done = subprocess.run(
        [sys.executable, "-c", _PRINT], env={**os.environ, **environment}, capture_output=True, text=True, check=True
    )
    return int(done.stdout)


def test_same_bytes_on_plainer_processors() -> None:
    plain = {
        "OPENCV_CPU_DISABLE": "AVX2,AVX,FP16,SSE4_1",
        "OPENCV_IPP": "disabled",
        "NPY_DISABLE_CPU_FEATURES": "AVX512F AVX512CD AVX512_SKX AVX2 FMA3"
        if sys.platform == "linux" and os.uname().machine == "x86_64"
        else "",
    }
    assert _digest() == _digest(**plain)


def test_same_bytes_as_when_the_default_teacher_was_trained() -> None:
    assert _digest() == _WHEN_TRAINED


_WHEN_TRAINED = 1316909215


def _sequence(name: str = "mixed", seed: int = 5, level: float = 0.9) -> GeneratedSequence:
    return GeneratedSequence(seed, name=name, levels=levels_of(name, level=level), length=40)


def _scene(sequence: GeneratedSequence) -> Scene:
    return sequence._scene


def _bare(scene: Scene) -> Scene:
    """Without light, blur and noise, which reach beyond the target."""
    still = replace(scene.shadow, terms=((0.0, 0.0, 0.0), (0.0, 0.0, 0.0)))
    return replace(scene, light=(still,) * 3, shadow=still, blur=0.0, coarse=1.0, noise=0)


@pytest.mark.parametrize("seed", range(8))
def test_box_is_where_the_target_changes_the_frame(seed: int) -> None:
    scene = _bare(_scene(_sequence("occlusion", seed)))
    scene.target.sprite.opacity = 255
    frame = View((1.0, 0.0, 0.0, 0.0, 1.0, 0.0), scene.width, scene.height)
    # A target that is all white, then all black: pixels that differ by more than half belong to it.
    shown = []
    for value in (0, 255):
        scene.target.sprite.skin[:] = value
        scene.target.sprite._made.clear()
        shown.append(scene.draw(20, frame).astype(int))
    mask = (shown[1] - shown[0]).max(-1) >= 128
    box, share = scene.box(20)
    if not mask.any():
        assert share == 0
        return
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    edges = [columns[0], rows[0], columns[-1] + 1, rows[-1] + 1]
    # The drawn target fades over one pixel at its edge, which the mask's threshold may cut one pixel apart.
    np.testing.assert_allclose([box[0], box[1], box[0] + box[2], box[1] + box[3]], edges, atol=1)


def test_occluded_pixels_do_not_count() -> None:
    shares = [_scene(_sequence("occlusion", seed)).box(t)[1] for seed in range(3) for t in range(0, 40, 5)]
    free = [replace(_scene(_sequence("occlusion", seed)), before=[]).box(20)[1] for seed in range(3)]
    assert min(shares) < 0.7
    assert min(free) > 0.9


def _spread(name: str, level: float) -> dict[str, float]:
    """Figures that difficulties should move, over a few sequences."""
    found: dict[str, list[float]] = {"scale": [], "aspect": [], "fast_motion": [], "illumination": []}
    for seed in range(6):
        sequence = _sequence(name, 100 + seed, level)
        boxes = sequence.boxes[sequence.visible]
        area, shape = boxes[:, 2] * boxes[:, 3], boxes[:, 2] / boxes[:, 3]
        centre = boxes[:, :2] + boxes[:, 2:] / 2
        found["scale"].append(np.log(area.max() / area.min()))
        found["aspect"].append(np.log(shape.max() / shape.min()))
        found["fast_motion"].append(float(np.median(np.hypot(*np.diff(centre, axis=0).T) / np.sqrt(area[1:]))))
        bright = [sequence.frame(t).mean() for t in range(0, 40, 6)]
        found["illumination"].append(np.log(max(bright) / max(1.0, min(bright))))
    return {k: float(np.mean(v)) for k, v in found.items()}


@pytest.mark.parametrize("name", ["scale", "aspect", "fast_motion", "illumination"])
def test_difficulty_is_what_it_says(name: str) -> None:
    assert _spread(name, 1.0)[name] > 1.15 * _spread(name, 0.0)[name]


def test_every_difficulty_has_its_sequences() -> None:
    sequences = generated_sequences(per_difficulty=1, length=3)
    assert [s.name for s in sequences] == [f"{name}-1" for name in (*DIFFICULTIES, "mixed")]
    for sequence in sequences:
        assert sequence.frame(0).shape == (240, 320, 3)
        assert sequence.visible[0]
        assert len(sequence) == len(sequence.boxes) == 3


def test_splits_share_no_scene() -> None:
    seeds = {
        s: {q.seed for q in generated_sequences(split=s, per_difficulty=12, length=2)} for s in sequences_module.SPLITS
    }
    assert len(set.union(*seeds.values())) == 3 * 12 * (len(DIFFICULTIES) + 1)


def test_default_data_is_the_test_split() -> None:
    assert [s.name for s in load_sequences("generated")] == [s.name for s in generated_sequences()]


def test_pair_crop_is_the_crop_of_the_frame() -> None:
    scene = _bare(_scene(_sequence("scale", 3)))
    frame = scene.draw(10, View((1.0, 0.0, 0.0, 0.0, 1.0, 0.0), scene.width, scene.height))
    box, _ = scene.box(10)
    from compress.data.generated.pairs import _view

    cut = crop_target(frame, box, factor=4.0, size=128)
    view, (_, _, side) = _view(box, 128, 4.0)
    drawn = scene.draw(10, view)
    assert cut.resize_factor == 128 / side
    inside = (drawn.sum(-1) > 0) & (cut.image.sum(-1) > 0)
    assert np.abs(drawn[inside].astype(int) - cut.image[inside]).mean() < 6
    shifted = np.abs(np.roll(drawn, 3, 1)[inside].astype(int) - cut.image[inside]).mean()
    assert np.abs(drawn[inside].astype(int) - cut.image[inside]).mean() < 0.6 * shifted


def test_pairs_are_a_stream_of_their_own_seed() -> None:
    first, again, other = sample_pairs(1, 0, 16), sample_pairs(1, 0, 16), sample_pairs(2, 0, 16)
    assert np.array_equal(first.search, again.search)
    assert not np.array_equal(first.search, other.search)
    assert first.template.shape == (16, 64, 64, 3)
    assert first.search.shape == (16, 128, 128, 3)
    assert (np.diff(first.scenes) >= 0).all()
    centre = first.boxes[:, :2]
    assert (first.boxes[:, 2:] > 0).all()
    assert ((centre > 0) & (centre < 1)).mean() > 0.95


def test_users_images_are_used(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    magenta = np.full((400, 500, 3), (255, 0, 255), np.uint8) - rng.integers(0, 9, (400, 500, 3), dtype=np.uint8)
    cv2.imwrite(str(tmp_path / "a.png"), magenta)
    images = load_images(tmp_path)
    frames = [
        GeneratedSequence(k, name="m", levels=levels_of("scale"), length=2, images=images).frame(0) for k in range(6)
    ]
    pink = [((f[..., 0] > 2 * f[..., 1] + 40) & (f[..., 2] > 2 * f[..., 1] + 40)).mean() for f in frames]
    assert max(pink) > 0.4


def test_bad_input_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="occlusion"):
        levels_of("oclusion")
    (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8no image")
    with pytest.raises(FileError):
        load_images(tmp_path)
    with pytest.raises(IndexError):
        _sequence().frame(40)


def test_affine_maps_compose_and_invert() -> None:
    a, b = (1.0, 0.5, 3.0, -0.2, 0.8, 1.0), (0.9, 0.0, -2.0, 0.3, 1.1, 4.0)
    np.testing.assert_allclose(compose(a, invert(a)), (1, 0, 0, 0, 1, 0), atol=1e-12)
    image = np.zeros((9, 9, 3), np.uint8)
    image[4, 6] = 200
    # x' = x + 2: the raster's pixel (4, 4) shows the image's pixel (6, 4).
    assert warp(image, compose((1, 0, 2, 0, 1, 0), invert(compose(b, invert(b)))), 9, 9)[4, 4, 0] == 200


def test_smear_spreads_along_the_motion_only() -> None:
    image = np.zeros((11, 11, 3), np.uint8)
    image[5, 5] = 250
    out = smear(image, 4.0, 0.0)
    assert (out[5, 3:8, 0] == 50).all()
    assert out.sum() == 5 * 50 * 3


def test_frames_of_a_pair_are_up_to_a_hundred_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of scenes of 120 frames; template and search crops that look alike would teach nothing."""
    drawn: list[int] = []
    draw = Scene.draw

    def noting(scene: Scene, t: int, view: View) -> np.ndarray:
        drawn.append(t)
        return draw(scene, t, view)

    monkeypatch.setattr(Scene, "draw", noting)
    sample_pairs(0, 0, 64, template_size=16, search_size=32)
    gaps = np.abs(np.diff(np.array(drawn).reshape(-1, 2), axis=1))
    assert 60 < gaps.max() <= 100
    assert gaps.mean() > 25


@pytest.mark.parametrize("name", ["mixformer", "ostrack384"])
def test_pairs_by_a_published_recipe(name: str) -> None:
    """Several templates, and labels half a pixel of the crop nearer to its corner."""
    recipe = PAIR_RECIPES[name]
    pairs, again = (sample_pairs(5, 0, 6, template_size=16, search_size=32, recipe=recipe) for _ in range(2))
    assert np.array_equal(pairs.search, again.search)
    assert (pairs.more_templates is None) is (recipe.templates == 1)
    plain = replace(recipe, grayscale=0, brightness=0, flip=0, crop_flip=0)
    labels = [
        sample_pairs(5, 0, 1, template_size=16, search_size=32, recipe=replace(plain, label_centre=centre)).boxes
        for centre in ("continuous", "pixel")
    ]
    np.testing.assert_allclose(labels[0] - labels[1], [[0.5 / 32, 0.5 / 32, 0, 0]], atol=1e-6)
    with pytest.raises(UsageError, match="all show their target"):
        sample_pairs(5, 0, 1, recipe=PAIR_RECIPES["mixformer-score"])
