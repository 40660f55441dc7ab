"""Tensors written some rows at a time, and mapped."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from compress.distill.tensor_file import MappedFile, write_rows

WHOLE = {
    "crops": torch.randint(256, (7, 3, 5), dtype=torch.uint8),
    "maps": torch.randn(7, 3).half(),
    "boxes": torch.rand(7, 4),
}


def _parts(*counts: int) -> Iterator[dict[str, Tensor]]:
    start = 0
    for count in counts:
        yield {name: values[start : start + count] for name, values in WHOLE.items()}
        start += count


@pytest.fixture
def path(tmp_path: Path) -> Path:
    write_rows(tmp_path / "rows.safetensors", 7, _parts(3, 3, 1))
    return tmp_path / "rows.safetensors"


def test_any_reader_of_the_format_finds_the_rows(path: Path) -> None:
    for found in (load_file(path), MappedFile.open(path).tensors):
        assert found.keys() == WHOLE.keys()
        assert all(torch.equal(found[name], values) for name, values in WHOLE.items())


def test_too_few_rows_are_an_error(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="7 rows were to be written to .*, and 5 came"):
        write_rows(tmp_path / "rows.safetensors", 7, _parts(3, 2))


def test_a_file_cut_short_is_refused(path: Path) -> None:
    content = path.read_bytes()
    for length in (0, 5, 40, len(content) - 1):
        path.write_bytes(content[:length])
        with pytest.raises(SafetensorError):
            MappedFile.open(path)


def test_pages_of_a_large_file_are_let_go_and_read_again(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = MappedFile.open(path)
    file.tensors["boxes"].zero_()
    file.release()
    assert not file.tensors["boxes"].any(), "a small file stays in memory"
    monkeypatch.setattr("compress.distill.tensor_file._RESIDENT", 0)
    file.release()
    assert torch.equal(file.tensors["boxes"], WHOLE["boxes"]), "nothing was written into the file"
