"""Training pairs a second that one core makes, and what they take over the bare decoding of their JPEG files.

    python benchmarks/pairs.py [--rounds 7] [--pairs 24] [--out results/pairs.csv]

Recorded pairs are cut out of 1280x720 frames: generated scenes of 320x180 with a target of some size, enlarged with
grain, and written as JPEG files about as large as those of GOT-10k and LaSOT. They are varied as the recipe says.
Nothing is kept in memory between pairs, as of data sets far larger than it. Each round makes pairs and then decodes the
same files, whole and out of memory, so that a ratio is of one round; seconds are those of the process on one core, so
that other work on the machine counts less.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import count, islice
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from csv_files import write_rows

from compress.data import PairSizes, open_source
from compress.data import Sequence as Video
from compress.data.generated.difficulty import levels_of
from compress.data.generated.sequences import GeneratedSequence
from compress.data.pairs import PAIR_RECIPES, PairRecipe, recorded_pairs
from compress.data.pairs.frames import FrameCache
from compress.geometry import Pictures, ReducedFrame

WIDTH, HEIGHT, FRAMES = 1280, 720, 21


@dataclass(frozen=True)
class Case:
    """A row: what is drawn, and from what."""

    name: str
    sizes: PairSizes
    images: bool = False


def cases() -> Iterator[Case]:
    """Recipes at the sizes that their trackers take."""
    published = PAIR_RECIPES
    yield Case("ostrack", PairSizes(128, 256, 2.0, 4.0, published["ostrack"]))
    yield Case("ostrack at nano size", PairSizes(recipe=published["ostrack"]))
    yield Case("ostrack, whole frames", PairSizes(128, 256, 2.0, 4.0, replace(published["ostrack"], reduced=False)))
    yield Case("ostrack, images", PairSizes(128, 256, 2.0, 4.0, published["ostrack"]), images=True)
    yield Case("ostrack384", PairSizes(192, 384, 2.0, 5.0, published["ostrack384"]))
    yield Case("mixformer", PairSizes(128, 288, 2.0, 5.0, published["mixformer"]))
    yield Case("default", PairSizes(128, 256, 2.0, 4.0))
    yield Case("default at nano size", PairSizes())


class Noting(FrameCache):
    """Keeps nothing but the frame asked for last, and notes which files are asked for."""

    def __init__(self) -> None:
        super().__init__(WIDTH * HEIGHT * 3)
        self.files: list[Path] = []
        self.reduced: list[bool] = []

    def frame(self, sequence: Video, index: int, reduction: int) -> ReducedFrame:
        images: Pictures = getattr(sequence, "images")  # noqa: B009 - of recorded sequences only
        self.files.append(images.files[index])
        found = super().frame(sequence, index, reduction)
        self.reduced.append(found.reduction > 1)
        return found


def written(folder: Path, sequences: int, quality: int) -> tuple[Path, Path, dict[str, object]]:
    """Folders of videos and of images, and what their frames are."""
    sides = []
    videos, images = folder / "videos", folder / "images"
    for k, made in enumerate(islice(videos_of_large_targets(), sequences)):
        frames = [enlarged(made.frame(i), i) for i in range(FRAMES)]
        lines = [",".join(f"{v * WIDTH / 320:.2f}" for v in box) for box in made.boxes]
        sides += np.sqrt(made.boxes[made.visible, 2:].prod(1)).tolist()
        _write(videos / f"{k:02d}", frames, lines, quality)
        _write(images / f"{k:02d}", frames[:1], lines[:1], quality)
    sizes = [path.stat().st_size for path in videos.rglob("*.jpg")]
    about = {"frame": f"{WIDTH}x{HEIGHT}", "jpeg_kb": round(statistics.mean(sizes) / 1000)}
    return videos, images, about | {"target_px": round(statistics.median(sides) * WIDTH / 320)}


def videos_of_large_targets() -> Iterator[GeneratedSequence]:
    """Those whose target is 120 pixels or more across in a frame of 1280x720."""
    for seed in count():
        made = GeneratedSequence(seed, name="", levels=levels_of("camera"), length=FRAMES, width=320, height=180)
        if np.median(np.sqrt(made.boxes[:, 2:].prod(1))) * WIDTH / 320 >= 120:
            yield made


def enlarged(frame: np.ndarray, number: int) -> np.ndarray:
    """A frame as a camera of 1280x720 sees it, in BGR."""
    large = cv2.resize(frame[..., ::-1], (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
    grain = np.random.default_rng(number).normal(0, 2.5, (HEIGHT, WIDTH, 1))
    return np.clip(large + grain, 0, 255).astype(np.uint8)


def _write(folder: Path, frames: Sequence[np.ndarray], lines: list[str], quality: int) -> None:
    folder.mkdir(parents=True)
    for i, frame in enumerate(frames):
        cv2.imwrite(str(folder / f"{i + 1:08d}.jpg"), frame, [cv2.IMWRITE_JPEG_QUALITY, quality])
    (folder / "groundtruth.txt").write_text("\n".join(lines))


def seconds(work: Callable[[], object]) -> float:
    begin = time.process_time()
    work()
    return time.process_time() - begin


class Round(NamedTuple):
    """Seconds a pair, seconds that decoding its files takes, and the share of frames that were decoded reduced."""

    made: float
    bare: float
    reduced: float


def one_round(case: Case, sequences: Sequence[Video], start: int, pairs: int) -> Round:
    cache = Noting()
    wanted: list[Path] = []

    def make() -> None:
        for index in range(start, start + pairs):
            cache.files.clear()
            recorded_pairs(sequences, 0, index, 1, case.sizes, cache=cache)
            wanted.extend(dict.fromkeys(cache.files))

    made = seconds(make)
    data = [np.frombuffer(path.read_bytes(), np.uint8) for path in wanted]
    bare = seconds(lambda: [cv2.imdecode(each, cv2.IMREAD_COLOR) for each in data])
    return Round(made / pairs, bare / pairs, statistics.mean(cache.reduced))


def spread(values: Sequence[float], digits: int) -> tuple[float, float, float]:
    return round(statistics.median(values), digits), round(min(values), digits), round(max(values), digits)


def recorded_rows(options: argparse.Namespace, folder: Path) -> list[dict[str, object]]:
    videos, images, about = written(folder, options.sequences, options.quality)
    sources = {False: open_source(f"folder:{videos}").sequences(), True: open_source(f"folder:{images}").sequences()}
    found: dict[Case, list[Round]] = {case: [] for case in cases()}
    for number in range(options.rounds + 1):
        for case, rounds in found.items():
            rounds.append(one_round(case, sources[case.images], number * options.pairs, options.pairs))
    rows = []
    for case, (_, *rounds) in found.items():  # the first warms up
        rate, low, high = spread([1 / each.made for each in rounds], 1)
        ratio, ratio_low, ratio_high = spread([each.made / each.bare for each in rounds], 2)
        rows.append(
            row(case.name, case.sizes, (rate, low, high), options)
            | {"bare_decoding_per_s": round(1 / statistics.median(each.bare for each in rounds), 1)}
            | {"ratio": ratio, "ratio_low": ratio_low, "ratio_high": ratio_high}
            | {"reduced_share": round(statistics.mean(each.reduced for each in rounds), 2)}
            | about
        )
    return rows


def generated_row(options: argparse.Namespace) -> dict[str, object]:
    source, sizes = open_source("generated"), PairSizes()
    source.pairs(0, 0, options.pairs, sizes)
    taken = [seconds(lambda k=k: source.pairs(1, k, options.pairs, sizes)) for k in range(options.rounds)]
    return row("generated", sizes, spread([options.pairs / each for each in taken], 1), options)


def row(
    name: str, sizes: PairSizes, rate: tuple[float, float, float], options: argparse.Namespace
) -> dict[str, object]:
    varied = sizes.recipe != PairRecipe()
    return {
        "pairs": name,
        "template": sizes.template_size,
        "search": sizes.search_size,
        "augmented": varied,
        "pairs_per_s": rate[0],
        "pairs_per_s_low": rate[1],
        "pairs_per_s_high": rate[2],
        "rounds": options.rounds,
        "pairs_per_round": options.pairs,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--pairs", type=int, default=24, help="of a round")
    parser.add_argument("--sequences", type=int, default=12)
    parser.add_argument("--quality", type=int, default=75, help="of the JPEG files")
    parser.add_argument("--out", type=Path, default=Path("results/pairs.csv"))
    options = parser.parse_args()
    cv2.setNumThreads(1)
    with tempfile.TemporaryDirectory() as folder:
        rows = [*recorded_rows(options, Path(folder)), generated_row(options)]
    write_rows(options.out, rows)
    for each in rows:
        print(each)


if __name__ == "__main__":
    main()
