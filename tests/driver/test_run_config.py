"""What a search is made from counts by content, whatever it is called: searches for real, at small size."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

from compress import search
from compress.archive import Archive
from compress.core import FileError, Store
from compress.data import load_sequences, open_source
from compress.distill import distillation_pool
from compress.driver import SearchSettings
from compress.driver.run_config import check_or_write_config
from compress.evaluate import evaluate
from compress.export import load_trained
from compress.geometry import LoopSettings
from compress.models import NumpyNetwork, Tracker, build, create_tracker, load_tracker, save_weights
from compress.testing.small_teacher import SMALL
from compress.testing.trained_run import STATIC

_SMALL: dict[str, Any] = {"teacher": SMALL, "target": "agx", "trials": 1, "generation": 1, "device": "cpu"}
_SMALL |= {"steps": 2, "pool": 64}
_CONTENT = {"data": "d1", "train_data": "t1", "images": "", "weights": "w1", "space": {"depth": "s1", "exits": "s2"}}


@pytest.fixture(scope="module", autouse=True)
def own_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("content")
        patch.setenv("COMPRESS_HOME", str(folder))
        yield folder


@pytest.fixture
def work(tmp_path: Path, weights: str, data: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with data, weights and a space under relative names."""
    shutil.copytree(data.removeprefix("folder:"), tmp_path / "val")
    shutil.copy(weights, tmp_path / "teacher.safetensors")
    (tmp_path / "space.yaml").write_text("knobs:\n  depth: [4, 5]\n  mlp_ratio: [2, 4]\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def _search(out: str, **changes: Any) -> Archive:
    named = {"data": "folder:val", "weights": "teacher.safetensors", "space": "space.yaml"}
    return search(out=out, **(_SMALL | named | changes))


def _ao(run: Archive) -> float:
    assert run.teacher.accuracy is not None
    return run.teacher.accuracy.ao


def _rewrite_boxes(folder: Path) -> None:
    for path in folder.glob("*/groundtruth.txt"):
        first, *rest = path.read_text().splitlines()
        path.write_text("\n".join([first, *("1.0,1.0,9.0,9.0" for _ in rest)]))


def _made(home: Path) -> set[Path]:
    return {entry.path for entry in Store(home).entries() if entry.kind in ("pools", "students", "scores", "teachers")}


def test_edited_in_place_is_scored_anew_and_moved_is_found_again(work: Path, own_home: Path) -> None:
    first = _search("first")
    made = _made(own_home)
    os.rename(work / "val", work / "moved")
    assert _ao(_search("second", data="folder:moved")) == _ao(first)
    assert _ao(_search("first", data=f"folder:{work / 'moved'}")) == _ao(first), "the run continues, too"
    assert _made(own_home) == made, "nothing is made twice"
    _rewrite_boxes(work / "moved")
    edited = _search("third", data="folder:moved")
    found = evaluate(
        NumpyNetwork(load_tracker(SMALL, "teacher.safetensors")),
        LoopSettings.of(first.teacher.spec),
        load_sequences("folder:moved"),
    )
    assert _ao(edited) == pytest.approx(found.accuracy.ao, abs=1e-6)
    assert _ao(edited) != pytest.approx(_ao(first), abs=0.01)
    students = {path for path in _made(own_home) if path.parent.name == "students"}
    assert students <= made, "students do not depend on what they are scored on"


def test_a_continued_search_of_other_content_is_refused(work: Path, weights: str) -> None:
    _search("run")
    before = {path.name: path.read_bytes() for path in Path("run").iterdir() if path.is_file()}
    shutil.copytree("val/s0", "val/s2")
    with pytest.raises(FileError, match=rf"data \(folder:{work}/val\) has changed since"):
        _search("run", trials=2)
    shutil.rmtree("val/s2")
    Path("space.yaml").write_text("knobs:\n  depth: [4, 5]\n  mlp_ratio: [1, 2]\n")
    with pytest.raises(FileError, match=rf"space \({work}/space.yaml\) has changed since, in mlp_ratio\."):
        _search("run", trials=2)
    Path("space.yaml").write_text("# the same\nknobs:\n  depth: [4, 5]\n  mlp_ratio: [2, 4]\n")
    torch.manual_seed(1)
    save_weights(create_tracker(SMALL), "teacher.safetensors")
    with pytest.raises(FileError, match="weights .* has changed since"):
        _search("run", trials=2)
    with pytest.raises(FileError, match=r"teacher of run have changed since the search: .*teacher\.safetensors"):
        load_trained("run", "teacher")
    shutil.copy(weights, "teacher.safetensors")
    assert load_trained("run", "teacher").name == "run-teacher"
    assert {path.name: path.read_bytes() for path in Path("run").iterdir() if path.is_file()} == before
    assert len([r for r in _search("run", trials=2).records if r.accuracy]) == 2


def test_two_working_directories_have_their_own_pairs(
    tmp_path: Path, data: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each with a folder of the same relative name; and an edit of a frame makes pairs anew."""
    teacher, store = build(STATIC).eval(), Store(tmp_path / "home")
    for k in range(2):
        shutil.copytree(f"{data.removeprefix('folder:')}/s{k}", tmp_path / str(k) / "train" / "s")

    def search_crops(k: int) -> torch.Tensor:
        monkeypatch.chdir(tmp_path / str(k))
        return _pool(teacher, store)

    first, second = search_crops(0), search_crops(1)
    assert not torch.equal(first, second)
    assert torch.equal(search_crops(0), first)
    for name in ("00000001.png", "00000002.png"):
        shutil.copy(tmp_path / "1" / "train" / "s" / name, tmp_path / "0" / "train" / "s" / name)
    assert not torch.equal(search_crops(0), first)
    assert len(store.entries(["pools"])) == 6, "pairs and answers of three contents"


def _pool(teacher: Tracker, store: Store) -> torch.Tensor:
    source = open_source("folder:train")
    return distillation_pool(teacher, source, count=8, seed=0, store=store, device=torch.device("cpu")).search.clone()


def test_the_space_is_named_by_its_knobs_and_the_rest_by_name(tmp_path: Path) -> None:
    config = SearchSettings(data="folder:/old", space="mine.yaml")
    check_or_write_config(config, tmp_path, _CONTENT)
    kept = yaml.safe_load((tmp_path / "config.yaml").read_text())
    assert kept["fingerprints"] == _CONTENT
    check_or_write_config(SearchSettings(data="folder:/new", space="mine.yaml", trials=99), tmp_path, _CONTENT)
    changed = {"data": "d2", "images": "i2", "space": {"depth": "s1", "exits": "s3", "bypass": "s4"}}
    with pytest.raises(FileError) as caught:
        check_or_write_config(
            SearchSettings(data="folder:/old", images="/pictures", space="mine.yaml"), tmp_path, _CONTENT | changed
        )
    for text in (
        "data is 'folder:/new' there and 'folder:/old' here, of other content",
        "images is '' there and '/pictures' here, of other content",
        "space (mine.yaml) has changed since, in exits, bypass",
    ):
        assert text in str(caught.value)


def test_runs_that_do_not_say_what_they_were_made_from_are_refused(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("teacher: ostrack-nano\n")
    with pytest.raises(FileError, match="earlier versions"):
        check_or_write_config(SearchSettings(), tmp_path, _CONTENT)
