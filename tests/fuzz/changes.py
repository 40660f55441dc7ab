"""Changes of files where a command reads them, with checksums and ids made to fit again, as by one who knows how."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Any

from tests.fuzz import containers, texts
from tests.fuzz.originals import resealed_kit, sealed
from tests.fuzz.places import at_place
from tests.fuzz.values import ESCAPE, dumped, mutated

Change = Callable[[Path, Random], str]

_BY_STRUCTURE: dict[str, Callable[[bytes, Random], bytes]] = {
    "json": texts.json_text,
    "yaml": texts.yaml_text,
    "lines": texts.lines_text,
    "bytes": texts.byte_changes,
    "zip": containers.zip_file,
    "pickle": containers.pickled,
    "safetensors": containers.safetensors_file,
    "onnx": containers.onnx_graph,
    "picture": containers.picture,
}


def change_file(path: Path, form: str, rng: Random) -> str:
    """Change a file by its structure, by its bytes, or put something else in its place."""
    kind = rng.random()
    if kind < 0.1:
        return f"{path.name}: {at_place(path, rng)}"
    if form == "database" and kind < 0.75:
        containers.database(path, rng)
        return f"{path.name}: database"
    if form == "database" and kind < 0.8:
        ending = rng.choice(("-wal", "-journal", "-shm"))
        path.with_name(path.name + ending).write_bytes(rng.randbytes(5000))
        return f"{path.name}{ending}: noise"
    by_bytes = form in ("database", "bytes") or kind < 0.3
    change = texts.byte_changes if by_bytes else _BY_STRUCTURE[form]
    path.write_bytes(change(path.read_bytes(), rng))
    return f"{path.name}: {'bytes' if by_bytes else form}"


def file(name: str, form: str) -> Change:
    """Change this file."""
    return lambda folder, rng: change_file(folder / "in" / name, form, rng)


def any_file(*choices: tuple[str, str]) -> Change:
    """Change one of the files of these patterns. Those under `cache/` lie beside `in/`."""

    def change(folder: Path, rng: Random) -> str:
        found: list[Path] = []
        while not found:
            pattern, form = rng.choice(choices)
            base = folder if pattern.startswith("cache/") else folder / "in"
            found = sorted(path for path in base.glob(pattern) if path.is_file())
        return change_file(rng.choice(found), form, rng)

    return change


def state_dict(folder: Path, rng: Random) -> str:
    """A checkpoint of tensors, names and nesting that no training saves, or not in this form."""
    import torch

    state = dict(torch.load(folder / "in" / "plain.pth", weights_only=True)["net"])
    name = rng.choice(sorted(state))
    value = state[name]
    other = (
        lambda: value.to(torch.int8), lambda: value.bool(), lambda: value.to(torch.complex64),
        lambda: value.double() * 1e300,
        lambda: value.to_sparse(), lambda: torch.quantize_per_tensor(value.float(), 0.1, 0, torch.qint8),
        lambda: value.to("meta"), lambda: value.to(torch.float8_e4m3fn), lambda: value * float("nan"),
        lambda: value[:0],
        lambda: torch.zeros(1).expand(10**5, 10**5), lambda: torch.zeros(1).expand(*value.shape or (1,)),
        lambda: value.T,
        lambda: torch.nn.Parameter(value.float()), lambda: value.flatten(), lambda: value.to(torch.bfloat16),
        lambda: value.numpy(), lambda: value.tolist(), lambda: None, lambda: 3, lambda: float("inf"),
        lambda: [value] * 3,
        lambda: torch.nn.Linear(2, 2), lambda: {"x": {"y": value}}, lambda: torch.zeros([1] * 60),
        lambda: torch.tensor(0.0),
    )  # fmt: skip
    names = (name, name, name, name + "x", "module." + name, "\x1b[2J", "../../" + ESCAPE, 7, ("a", 1), b"x", "")
    with suppress(RuntimeError, TypeError, NotImplementedError, IndexError), containers.warnings_ignored():
        made = rng.choice(other)()
        state |= {rng.choice(names): made}
    if rng.random() < 0.2:
        prefix = rng.choice(("module.", "_orig_mod.", "model.", "\x07"))
        state = {f"{prefix}{key}": each for key, each in state.items()}
    tree: Any = state
    for _ in range(rng.choice((0, 1, 1, 2, 200))):
        tree = {rng.choice(("net", "state_dict", "model", "ema", "x", 5)): tree}
    form = {"_use_new_zipfile_serialization": rng.random() < 0.6, "pickle_protocol": rng.choice((2, 2, 3, 4, 5))}
    with suppress(Exception):  # what torch does not save stays the valid file
        torch.save(tree, folder / "in" / "new.pth", **form)
        (folder / "in" / "new.pth").replace(folder / "in" / "plain.pth")
    return f"plain.pth: another state dict, {form}"


def manifest(folder: Path, rng: Random) -> str:
    """`bundle.json`, its ids often made to fit, or a file beside the bundle's own."""
    bundle = folder / "in" / "bundle"
    if rng.random() < 0.3:
        return change_file(bundle / "bundle.json", "json", rng)
    data = json.loads((bundle / "bundle.json").read_bytes())
    part = rng.choice(["spec", "spec", "selftest", None, *data])
    data = mutated(data, rng) if part is None else data | {part: mutated(data[part], rng)}
    text = dumped(data)
    with suppress(Exception):  # where it is no spec any more, its id stays
        from compress.core import TrackerSpec

        spec = TrackerSpec.from_dict(json.loads(text)["spec"])
        text = dumped(data | {"spec_id": spec.id, "weights_id": spec.weights_id})
    (bundle / "bundle.json").write_bytes(text.encode("utf-8", "surrogatepass"))
    return f"bundle.json: {part}"


def graph(folder: Path, rng: Random) -> str:
    """A graph, and the manifest's entry of it made to fit."""
    bundle = folder / "in" / "bundle"
    path = rng.choice(sorted(bundle.glob("*.onnx")))
    said = change_file(path, "onnx", rng)
    (bundle / "weights.bin").write_bytes(bytes(4000))
    data = json.loads((bundle / "bundle.json").read_bytes())
    if path.is_file() and not path.is_symlink() and path.stat().st_size < 2**30 and rng.random() < 0.95:
        content = path.read_bytes()
        data["files"][path.name] = {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        (bundle / "bundle.json").write_text(json.dumps(data))
    return said


def kit(name: str) -> Change:
    """`kit.json` of a kit, its id and that of its results made to fit."""

    def change(folder: Path, rng: Random) -> str:
        place = folder / "in" / name
        if rng.random() < 0.25:
            return change_file(place / "kit.json", "json", rng)
        data = json.loads((place / "kit.json").read_bytes())
        part = rng.choice(["schedule", "teacher", "coverage", "threads", "loop", "weights", None, *data])
        data = mutated(data, rng) if part is None else data | {part: mutated(data[part], rng)}
        text = dumped(data)
        with suppress(ValueError, RecursionError, TypeError, AttributeError):
            whole = resealed_kit(json.loads(text))
            text = re.sub(r'"id": "k[0-9a-f]{16}"', f'"id": "{whole["id"]}"', text)
            results = place / "results.json"
            if results.is_file():
                body = re.sub(rb'"kit":"k[0-9a-f]{16}"', f'"kit":"{whole["id"]}"'.encode(), results.read_bytes())
                results.write_bytes(sealed(body.partition(b'"body":')[2].rstrip()[:-1].decode()))
        (place / "kit.json").write_bytes(text.encode("utf-8", "surrogatepass"))
        return f"kit.json: {part}"

    return change


def results(name: str) -> Change:
    """`results.json`, its checksum made to fit."""

    def change(folder: Path, rng: Random) -> str:
        path = folder / "in" / name / "results.json"
        if rng.random() < 0.2:
            return change_file(path, "json", rng)
        body = json.loads(path.read_bytes())["body"]
        part = rng.choice([None, None, *body])
        body = mutated(body, rng) if part is None else body | {part: mutated(body[part], rng)}
        text = dumped(body)
        path.write_bytes(sealed(re.sub(r"([,:]) ", r"\1", text) if rng.random() < 0.8 else text))
        return f"results.json: {part}"

    return change


def kept_profile(which: str) -> Change:
    """A profile under `cache/profiles`."""

    def change(folder: Path, rng: Random) -> str:
        name = json.loads((folder / "in" / "places.json").read_text())[which]
        return change_file(folder / "cache" / "profiles" / name, "yaml", rng)

    return change


def place_profiles(folder: Path, rng: Random) -> None:
    """The profiles where `$COMPRESS_HOME` keeps them."""
    place = folder / "cache" / "profiles"
    place.mkdir(parents=True, exist_ok=True)
    for each, name in json.loads((folder / "in" / "places.json").read_text()).items():
        (place / name).write_bytes((folder / "in" / f"{each}.yaml").read_bytes())


def place_frames(folder: Path, rng: Random) -> None:
    """One of the folders of frames as `frames`."""
    (folder / "in" / rng.choice(("data/a", "data/a", "data/b", "webp", "tif", "bmp"))).rename(folder / "in" / "frames")


def place_film(folder: Path, rng: Random) -> None:
    """One of the videos as `film`, which tells nothing by its name."""
    (folder / "in" / rng.choice(("film.mp4", "film.avi", "film.mkv"))).rename(folder / "in" / "film")


def annotation_text(folder: Path, rng: Random) -> str:
    """The text beside frames."""
    names = ("groundtruth.txt", "groundtruth.txt", "groundtruth.txt", "absence.label", "cover.label")
    path = folder / "in" / "frames" / rng.choice(names)
    if not path.is_file():
        path.write_text("0\n0\n0\n")
    return change_file(path, "lines", rng)


def pictures(folder: Path, rng: Random) -> str:
    """A frame, its name, or its size."""
    files = sorted(path for path in (folder / "in" / "frames").iterdir() if path.suffix not in (".txt", ".label"))
    path = rng.choice(files)
    if rng.random() < 0.25:
        return _renamed(path, rng)
    return change_file(path, "picture", rng)


def _renamed(path: Path, rng: Random) -> str:
    names = (
        b"-1.png", b"1.5.png", b"caf\xe9.png", "é.png".encode(), b"a\nb.png", b"\x1b[2J.png", b"2.PNG", b".png",
        b"99.gif",
        b"=x.png", b"~.png", b"0" * 200 + b"1.png", b"9" * 200 + b".png", "\u202e.png".encode(), b"%d.png", b"-.png",
    )  # fmt: skip
    name = rng.choice(names)
    path.rename(os.fsdecode(os.fsencode(path.parent) + b"/" + name))
    return f"{path.name} renamed {name!r}"
