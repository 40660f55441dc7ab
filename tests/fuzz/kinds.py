"""Kinds of mutants: which valid files they are made of, what is changed, and which command reads them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random

from tests.fuzz import changes
from tests.fuzz.judge import CODES
from tests.fuzz.originals import PLAN, SEARCH, TRACKER

Words = list[str]


@dataclass(frozen=True)
class Kind:
    """One kind.

    Attributes:
        files: Name of the set of valid files, see `originals.SETS`; they lie in `in/` where the command runs.
        change: Changes files under `in/`, and says what.
        command: The words after `compress`; those after `measure.pyz` where the first is that.
        prepare: Puts valid files where the command looks for them.
        codes: What the command may end with; what is only kept to save work must never end one with an error.
        writes: Places beside `cache/` and `out/` that the command may write to.
        count: Mutants in a run.
    """

    files: str
    change: Callable[[Path, Random], str]
    command: Callable[[Random], Words]
    count: int
    writes: tuple[str, ...] = ()
    prepare: Callable[[Path, Random], object] = lambda folder, rng: None
    codes: tuple[int, ...] = CODES


def _one(*choices: str) -> Callable[[Random], Words]:
    return lambda rng: rng.choice(choices).split()


_BUNDLES = ("static", "renewing", "adaptive")


def _bundle_command(rng: Random) -> Words:
    name = "in/bundle"
    words = (
        f"verify {name} --json",
        f"track {name} --video in/data/a --init 60,50,48,36 --out out/boxes.txt --json",
        f"evaluate {name} --data folder:in/data --json",
    )
    return rng.choices(words, (5, 3, 2))[0].split()


def _frames_command(rng: Random) -> Words:
    words = (
        "track in/static --video in/frames --init 60,50,48,36 --out out/boxes.txt --json",
        "track in/static --video in/frames --out out/boxes.txt --draw out/drawn.mp4 --json",
        "evaluate in/static --data folder:in/frames --json --out out/results",
    )
    return rng.choice(words).split()


def _video_command(rng: Random) -> Words:
    words = ["track", "in/static", "--video", "in/film", "--init", "60,50,48,36", "--out", "out/boxes.txt", "--json"]
    return words + rng.choice(([], [], ["--draw", "out/drawn.mp4"]))


def _search_command(rng: Random) -> Words:
    given = SEARCH | {name: f"in/{SEARCH[name]}" for name in ("space", "weights", "out")}
    options = [word for name, value in given.items() for word in (f"--{name}", str(value))]
    return ["search", *options, "--data", "folder:in/data", "--train-data", "folder:in/data", "-q", "--json"]


def _plan_command(rng: Random) -> Words:
    given = PLAN | {name: f"in/{PLAN[name]}" for name in ("space", "out")}
    again = ["search", *(word for name, value in given.items() for word in (f"--{name}", str(value))), "-q", "--json"]
    return rng.choices((["report", "in/plan", "--json"], again), (9, 1))[0]


KINDS: dict[str, Kind] = {
    "zipped checkpoint": Kind(
        "checkpoints",
        changes.file("plain.pth", "zip"),
        _one(f"import-checkpoint {TRACKER} in/plain.pth"),
        150,
    ),
    "legacy checkpoint": Kind(
        "checkpoints",
        changes.file("legacy.pth", "pickle"),
        _one(f"import-checkpoint {TRACKER} in/legacy.pth"),
        100,
    ),
    "safetensors": Kind(
        "checkpoints",
        changes.file("plain.safetensors", "safetensors"),
        _one(
            f"import-checkpoint {TRACKER} in/plain.safetensors",
            f"evaluate {TRACKER} --weights in/plain.safetensors --data folder:in/data --json",
        ),
        120,
    ),
    "state dict": Kind(
        "checkpoints", changes.state_dict, _one(f"import-checkpoint {TRACKER} in/plain.pth"), 120
    ),
    "state of a training": Kind(
        "training",
        changes.file("run/state.safetensors", "safetensors"),
        _one(f"train-teacher {TRACKER} --out in/run --steps 6 --batch 2 --warmup 1 --workers 0 -q"),
        80,
        writes=("in/run",),
    ),
    "manifest": Kind("bundles", changes.manifest, _bundle_command, 150),
    "graph": Kind("bundles", changes.graph, _bundle_command, 100),
    "thresholds": Kind(
        "bundles",
        changes.file("thresholds.json", "json"),
        _one("evaluate in/adaptive --thresholds in/thresholds.json --data folder:in/data --json"),
        60,
    ),
    "spec": Kind(
        "bundles",
        changes.file("spec.json", "json"),
        _one("describe in/spec.json --json", "describe in/spec.json", "latency in/spec.json --target agx --json"),
        80,
    ),
    "kit": Kind("kits", changes.kit("kit"), _one("profile ingest in/kit/results.json --kit in/kit --json"), 80),
    "results of a kit": Kind(
        "kits", changes.results("kit"), _one("profile ingest in/kit/results.json --kit in/kit --json"), 80
    ),
    "results of TensorRT": Kind(
        "kits",
        changes.results("tensorrt"),
        _one("profile ingest in/tensorrt/results.json --kit in/tensorrt --json"),
        80,
    ),
    "kit on a device": Kind(
        "kits", changes.kit("few"), _one("measure.pyz --kit in/few --out out/results.json",
        "measure.pyz --kit in/few --loop"),
        60, writes=("in/few", "tmp"),
    ),
    "profile of a device": Kind(
        "profiles",
        changes.kept_profile("device"),
        _one(f"latency {TRACKER} --target board --json", "targets --json", "targets"),
        80,
        prepare=changes.place_profiles,
    ),
    "profile of this host": Kind(
        "profiles",
        changes.kept_profile("host"),
        _one("targets --json", "doctor --json"),
        40,
        prepare=changes.place_profiles,
    ),
    "space": Kind(
        "spaces",
        changes.file("ostrack.yaml", "yaml"),
        _one("spaces in/ostrack.yaml --json", "spaces in/ostrack.yaml"),
        120,
    ),
    "settings of a run": Kind(
        "runs",
        changes.file("run/config.yaml", "yaml"),
        _one("report in/run --json", "report in/run", "latency in/run:v001 --target agx --json"),
        60,
        writes=("in/run",),
    ),
    "study": Kind(
        "runs",
        changes.file("run/study.db", "database"),
        _one("report in/run --json", "report in/run", "report in/run", "latency in/run:v009 --target agx --json"),
        120,
        writes=("in/run",),
    ),
    "environment of a run": Kind(
        "runs", changes.file("run/environment.json", "json"), _one("report in/run --json"), 40, writes=("in/run",)
    ),
    "learning curve": Kind(
        "runs",
        changes.any_file(("run/curves/*", "bytes")),
        _one("report in/run --json"),
        40,
        writes=("in/run",),
        codes=(0,),
    ),
    "plan": Kind(
        "runs",
        changes.any_file(("plan/study.db", "database"), ("plan/config.yaml", "yaml")),
        _plan_command,
        50,
        writes=("in/plan",),
    ),
    "trained run": Kind(
        "trained",
        changes.any_file(
            ("run/study.db", "database"), ("run/config.yaml", "yaml"), ("run/checkpoints/*", "safetensors")
        ),
        _one(
            "thresholds in/run --variant v000 --tau 0.5,0.5 --exit-ms 1,2,3 --data folder:in/data --out out/t.json",
            "evaluate in/run:v000 --data folder:in/data --json",
        ),
        60,
        writes=("in/run",),
    ),
    "continued search": Kind(
        "searches",
        changes.any_file(
            ("run/study.db", "database"), ("run/config.yaml", "yaml"), ("run/checkpoints/*", "safetensors"),
            ("space.yaml", "yaml"), ("teacher.safetensors", "safetensors"),
        ),
        _search_command,
        40,
        writes=("in/run",),
    ),
    "kept work": Kind(
        "searches",
        # A damaged profile of this host is measured again, which takes longer than a mutant may.
        changes.any_file(
            *((f"cache/{kind}/*", "safetensors") for kind in ("pools", "students", "teachers")),
            *((f"cache/{kind}/*", form) for kind, form in (("scores", "json"), ("fingerprints", "bytes"))),
        ),
        _search_command,
        40,
        writes=("in/run",),
        codes=(0,),
    ),
    "annotations": Kind("bundles", changes.annotation_text, _frames_command, 100, prepare=changes.place_frames),
    "frames": Kind("bundles", changes.pictures, _frames_command, 120, prepare=changes.place_frames),
    "film": Kind("videos", changes.file("film", "bytes"), _video_command, 80, prepare=changes.place_film),
}  # fmt: skip


def build(kind: Kind, seed: int, name: str, folder: Path) -> tuple[str, Words]:
    """Change the valid files that lie under `folder`; returns what was changed and the command's words.

    A negative seed changes nothing, so that the command must succeed.
    """
    rng = Random(f"{name}/{seed}")
    if kind.files == "bundles" and (folder / "in" / "static").is_dir():
        bundle = rng.choice(_BUNDLES)
        (folder / "in" / "bundle").symlink_to(bundle)
    words = kind.command(rng)
    kind.prepare(folder, rng)
    return kind.change(folder, rng) if seed >= 0 else "nothing", words
