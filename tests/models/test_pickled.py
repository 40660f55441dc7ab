"""Official checkpoints: the layout of the published files, and files that try to run something."""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch

from compress.cli import main
from compress.core import FileError
from compress.models import create_tracker, load_tracker, load_weights, read_weights
from compress.testing.official_files import write_official


@pytest.fixture
def official(tmp_path: Path) -> Callable[..., Path]:
    """Writes a state dict as the training code does."""
    return partial(write_official, tmp_path / "OSTrack_ep0300.pth.tar")


def test_official_layout_gives_the_same_forward(official: Callable[..., Path]) -> None:
    torch.manual_seed(1)
    model = create_tracker("ostrack-nano")
    unused = {"backbone.cls_token": torch.zeros(1, 1, 128), "backbone.pos_embed": torch.zeros(1, 197, 128)}
    path = official(model.state_dict() | unused)
    again = load_tracker("ostrack-nano", path)
    crops = torch.randn(1, 3, 64, 64), torch.randn(1, 3, 128, 128)
    with torch.inference_mode():
        assert torch.equal(model(*crops).boxes, again(*crops).boxes)


def test_data_parallel_prefix_is_dropped(official: Callable[..., Path]) -> None:
    model = create_tracker("ostrack-nano")
    path = official({f"module.{key}": value for key, value in model.state_dict().items()})
    load_weights(create_tracker("ostrack-nano"), path)


@pytest.mark.parametrize("options", [{}, {"_use_new_zipfile_serialization": False}])
def test_plain_state_dict(tmp_path: Path, options: dict[str, bool]) -> None:
    torch.save({"a": torch.ones(3)}, tmp_path / "a.pth", **options)
    assert torch.equal(read_weights(tmp_path / "a.pth")["a"], torch.ones(3))


class _Bomb:
    def __init__(self, call: Any, *arguments: Any) -> None:
        self._reduced = (call, arguments)

    def __reduce__(self) -> Any:
        return self._reduced


@pytest.mark.parametrize("write", ["zip", "old", "bare"])
@pytest.mark.parametrize("call", ["system", "eval", "import"])
def test_what_would_run_is_refused(tmp_path: Path, write: str, call: str) -> None:
    mark, path = tmp_path / "ran", tmp_path / "a.pth"
    bombs = {
        "system": _Bomb(os.system, f"touch {mark}"),
        "eval": _Bomb(eval, f"open({str(mark)!r}, 'w')"),
        "import": _Bomb(__import__, "antigravity"),
    }
    data = {"net": {"a": torch.ones(1)}, "settings": bombs[call]}
    if write == "bare":
        path.write_bytes(pickle.dumps(bombs[call], protocol=2))
    else:
        torch.save(data, path, _use_new_zipfile_serialization=write == "zip")
    with pytest.raises(FileError, match=r"was not( opened)?\. .*(authors)"):
        read_weights(path)
    assert not mark.exists()


@pytest.mark.parametrize("cut", [4, 100, 5000])
def test_cut_file_is_said(official: Callable[..., Path], cut: int) -> None:
    path = official({"a": torch.ones(2000)})
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(FileError, match="not a whole PyTorch checkpoint|asks for more"):
        read_weights(path)


@pytest.mark.parametrize("data", [{"epoch": 3}, {"net": {}}, {"net": {"a": 3}}, [torch.ones(1)], torch.ones(2)])
def test_file_without_weights_is_said(tmp_path: Path, data: Any) -> None:
    torch.save(data, tmp_path / "a.pth")
    with pytest.raises(FileError, match="holds no weights"):
        read_weights(tmp_path / "a.pth")


def test_import_command(
    official: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COMPRESS_HOME", str(tmp_path / "home"))
    model = create_tracker("ostrack-nano")
    path = official(model.state_dict())
    with pytest.raises(SystemExit) as stop:
        main(["import-checkpoint", "ostrack-nano", str(path)])
    assert stop.value.code == 0
    kept = tmp_path / "home" / "weights" / "ostrack-nano.safetensors"
    assert str(kept) in capsys.readouterr().out.replace("\n", "")
    found = read_weights(kept)
    assert all(torch.equal(found[key], value) for key, value in model.state_dict().items())
    with pytest.raises(SystemExit) as stop:
        main(["import-checkpoint", "ostrack256", str(path)])
    assert stop.value.code == 1
    assert "do not fit this tracker" in capsys.readouterr().err
    assert sorted(p.name for p in kept.parent.iterdir()) == ["ostrack-nano.safetensors"]
