"""A bundle is believed only when every part of it is as exported."""

import inspect
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from compress.core import FileError
from compress.geometry import clip_box
from compress.runtime import Bundle, BundleNetwork, open_bundle
from compress.runtime.constants import CLIP_MARGIN
from compress.runtime.manifest import file_entry
from compress.runtime.selftest import selftest_difference


@pytest.fixture
def folder(bundle_folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(bundle_folder, tmp_path / "bundle"))


def _edit(folder: Path, change: Callable[[dict], object]) -> None:
    path = folder / "bundle.json"
    manifest = json.loads(path.read_text())
    change(manifest)
    path.write_text(json.dumps(manifest))


def _difference(bundle: Bundle) -> float:
    record = bundle.manifest["selftest"]
    return selftest_difference(record, BundleNetwork(bundle), bundle.settings, bundle.spec).box_px


def test_whole_bundle_opens(folder: Path) -> None:
    bundle = open_bundle(folder)
    assert bundle.name == "small"
    assert bundle.spec.dim == 32
    assert bundle.settings.search_size == 64
    assert _difference(bundle) < 1e-3


def test_recorded_constants_are_those_of_the_frame_loop(folder: Path) -> None:
    manifest = open_bundle(folder).manifest
    assert inspect.signature(clip_box).parameters["margin"].default == CLIP_MARGIN
    assert manifest["postprocess"] == {"window": "hann", "grid": 4, "clip_margin": 10}
    assert manifest["decode"]["head"] == "centre"
    assert manifest["template_update"] == {"online_templates": 0, "interval": 0, "gate": 0.5}
    assert set(manifest["notes"]) == {"box", "score"}
    assert manifest["preprocess"]["mean"] == [0.485, 0.456, 0.406]
    assert manifest["memory"] == ["tokens"]


def test_the_first_bundles_are_still_read(folder: Path) -> None:
    """They said nothing of the head or of template updates, and wrote the same otherwise."""
    new = open_bundle(folder)
    _edit(folder, lambda m: [m.pop(part) for part in ("decode", "template_update", "notes", "form")])
    assert set(json.loads((folder / "bundle.json").read_text())) == {
        *("format", "format_version", "name", "spec_id", "weights_id", "spec", "preprocess", "postprocess", "memory"),
        *("threads", "provenance", "accuracy", "latency", "versions", "files", "parity", "selftest"),
    }
    old = open_bundle(folder)
    assert (old.settings, old.spec) == (new.settings, new.spec)
    assert _difference(old) < 1e-3


@pytest.mark.parametrize("part", ["decode", "template_update"])
def test_later_bundles_must_say_how_to_decode_and_update(updating_folder: Path, part: str, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(updating_folder, tmp_path / "bundle"))
    assert open_bundle(folder).settings.update_interval == 3
    _edit(folder, lambda m: m.pop(part))
    with pytest.raises(FileError, match=f"{part} constants"):
        open_bundle(folder)


@pytest.mark.parametrize("name", ["template.onnx", "frame.onnx"])
def test_changed_byte_is_found(folder: Path, name: str) -> None:
    data = bytearray((folder / name).read_bytes())
    data[len(data) // 2] ^= 1
    (folder / name).write_bytes(data)
    with pytest.raises(FileError, match=rf"{name} is not the file that was exported"):
        open_bundle(folder)


def test_missing_graph_and_link_out_of_the_folder_are_refused(folder: Path, tmp_path: Path) -> None:
    shutil.move(folder / "frame.onnx", tmp_path / "elsewhere.onnx")
    with pytest.raises(FileError, match=r"frame.onnx is missing or is a link"):
        open_bundle(folder)
    (folder / "frame.onnx").symlink_to(tmp_path / "elsewhere.onnx")
    with pytest.raises(FileError, match=r"frame.onnx is missing or is a link"):
        open_bundle(folder)


@pytest.mark.parametrize("name", ["../frame.onnx", "/etc/hostname", "sub/frame.onnx"])
def test_other_files_than_the_two_graphs_are_refused(folder: Path, name: str) -> None:
    _edit(folder, lambda m: m["files"].update({name: m["files"].pop("frame.onnx")}))
    with pytest.raises(FileError, match="files must be"):
        open_bundle(folder)


@pytest.mark.parametrize("end", [0, 1, 200, -2])
def test_cut_manifest_is_refused(folder: Path, end: int) -> None:
    path = folder / "bundle.json"
    path.write_bytes(path.read_bytes()[:end])
    with pytest.raises(FileError, match="is not a bundle's description"):
        open_bundle(folder)


@pytest.mark.parametrize("text", ["[]", "3", "null", "[" * 100_000, "\xff", '"a"', "{}"])
def test_strange_manifest_is_refused(folder: Path, text: str) -> None:
    (folder / "bundle.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(FileError, match=r"Copy or export it again"):
        open_bundle(folder)


def test_newer_format_says_to_update(folder: Path) -> None:
    _edit(folder, lambda m: m.update(format_version=4))
    with pytest.raises(FileError, match=r"format 4.*reads up to 3.*Update compress"):
        open_bundle(folder)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda m: m.update(format="other"), "does not describe a bundle"),
        (lambda m: m.update(format_version=True), "does not describe a bundle"),
        (lambda m: m.update(format_version=2), "its spec needs format 1 and not 2"),
        (lambda m: m.update(form="stages"), "its form must be one but is 'stages'"),
        (lambda m: m.update(form=["one"]), "form must be one of one, stages"),
        (lambda m: m.update(spec_id="t0"), "spec has the id"),
        (lambda m: m["spec"].update(dim=33), "bundle.spec"),
        (lambda m: m.update(spec=None), "bundle.spec"),
        (lambda m: m["spec"].update(search_factor=5.0), "spec has the id"),
        (lambda m: m["preprocess"].update(mean=[0, 0, 0]), "preprocess constants"),
        (lambda m: m["decode"].update(head="corner"), "decode constants"),
        (lambda m: m.update(decode=None), "decode constants"),
        (lambda m: m.update(template_update=None), "template_update constants"),
        (lambda m: m["template_update"].update(interval=None), "template_update constants"),
        (lambda m: m["template_update"].update(interval=-1), "template_update cannot be used"),
        (lambda m: m["template_update"].update(interval=2.5), "template_update cannot be used"),
        (lambda m: m["template_update"].update(interval=10), "score head"),
        (lambda m: m["template_update"].update(gate=0.1), "template_update constants"),
        (lambda m: m.update(threads=0), "threads"),
        (lambda m: m.update(threads="all"), "threads"),
        (lambda m: m.update(threads=1024), "threads must be from 1 to 256 but is 1024"),
        (lambda m: m["files"]["frame.onnx"].update(bytes=10**12), "more than a graph of its spec can have"),
        (lambda m: m["spec"].update(dim=2**40), "dim must be at most 4096"),
        (lambda m: m.pop("name"), "name"),
        (lambda m: m.update(files=[]), "files must be an object"),
        (lambda m: m["files"].update({"frame.onnx": 3}), "files.frame.onnx must be an object"),
        (lambda m: m["files"].pop("frame.onnx"), "files must be template.onnx and frame.onnx"),
        (lambda m: m["files"]["frame.onnx"].pop("sha256"), "sha256 is missing"),
        (lambda m: m["files"]["frame.onnx"].update(sha256="0" * 64), "not the file that was exported"),
        (lambda m: m.update(name="\x1b]0;x"), "name must be printable text"),
        (lambda m: m.update(name="two\nlines"), "bundle.name must be"),
        (lambda m: m.update(threads=10**400), "threads must be a smaller integer"),
        (lambda m: (m.update(threads=0), m.update(name="")), "bundle.name.*bundle.threads|bundle.threads.*bundle.name"),
    ],
)
def test_changed_manifest_is_refused(folder: Path, change: Callable[[dict], object], message: str) -> None:
    _edit(folder, change)
    with pytest.raises(FileError, match=message):
        open_bundle(folder)


def test_folder_without_bundle_says_what_is_wanted(tmp_path: Path) -> None:
    with pytest.raises(FileError, match=r"does not exist. `compress export` makes one"):
        open_bundle(tmp_path / "none")
    with pytest.raises(FileError, match=r"no bundle.json"):
        open_bundle(tmp_path)


def test_graph_of_another_tracker_is_refused_though_its_hash_fits(folder: Path) -> None:
    shutil.copyfile(folder / "template.onnx", folder / "frame.onnx")
    _edit(folder, lambda m: m["files"].update({"frame.onnx": file_entry(folder / "frame.onnx")}))
    with pytest.raises(
        FileError,
        match=r"frame.onnx is none that compress exports: its inputs are .*template.* instead of .*search",
    ):
        BundleNetwork(open_bundle(folder))


def test_garbage_that_its_hash_fits_is_refused(folder: Path) -> None:
    (folder / "frame.onnx").write_bytes(b"garbage")
    _edit(folder, lambda m: m["files"].update({"frame.onnx": file_entry(folder / "frame.onnx")}))
    with pytest.raises(FileError, match="graph frame.onnx is none that compress exports: it"):
        BundleNetwork(open_bundle(folder))


@pytest.mark.parametrize("boxes", [None, [], [[1, 2, 3, 4]], "x", [["a"] * 4] * 9, [[np.nan] * 4] * 9])
def test_damaged_selftest_is_refused(folder: Path, boxes: object) -> None:
    bundle = open_bundle(folder)
    record = bundle.manifest["selftest"] | {"boxes": boxes}
    with pytest.raises(FileError, match="self-test are damaged"):
        selftest_difference(record, BundleNetwork(bundle), bundle.settings, bundle.spec)
    with pytest.raises(FileError, match="holds no self-test"):
        selftest_difference(None, BundleNetwork(bundle), bundle.settings, bundle.spec)
