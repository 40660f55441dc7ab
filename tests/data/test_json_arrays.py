"""Arrays of a JSON file one element at a time, wherever the pieces that are read end."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from compress.core import FileError
from compress.data import json_arrays
from compress.data.json_arrays import array_elements

WHOLE = {
    "info": {"a": [1, {"b": "]}"}]},
    "number": 12345,
    "images": [{"id": 1, "name": 'ü\\"]'}, 123456, -1.5e3, True, None, "x", [], {}],
    "none": [],
    "annotations": [[1, 2], {"images": [9]}],
    "images2": [7],
}


def _found(path: Path, *keys: str) -> list[tuple[str, object]]:
    return list(array_elements(path, keys or ("images", "annotations", "none"), "list"))


@pytest.mark.parametrize("chunk", [1, 2, 3, 5, 7, 64, 10_000])
@pytest.mark.parametrize("indent", [None, 2])
def test_elements_come_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chunk: int, indent: int | None) -> None:
    monkeypatch.setattr(json_arrays, "_CHUNK", chunk)
    path = tmp_path / "a.json"
    path.write_text(json.dumps(WHOLE, indent=indent), encoding="utf-8")
    wanted = [("images", each) for each in WHOLE["images"]] + [("annotations", each) for each in WHOLE["annotations"]]  # type: ignore[attr-defined]
    assert _found(path) == wanted
    path.write_text("\ufeff\n {}  ", encoding="utf-8")
    assert _found(path) == []


@pytest.mark.parametrize(
    "text",
    ["", "[]", '{"images": [1, 2', '{"images": [1 2]}', '{"images": [1,]}', '{"images" [1]}', '{"images": [{"a": ]}',
     '{"images": [1]', '{"images": [1],', "\udc80", '{"images": [' + "[" * 100_000,
     '{"images": []} {}', '{"images": []}\0', f'{{"images": [{"9" * 5000}]}}'],
)  # fmt: skip
def test_what_is_no_json_object_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(FileError, match=r"The list .*a\.json is no whole JSON file") as refused:
        _found(path)
    assert "sys." not in str(refused.value)


def test_an_element_without_end_is_not_read_to_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_arrays, "_CHUNK", 16)
    monkeypatch.setattr(json_arrays, "_MOST", 64)
    path = tmp_path / "a.json"
    path.write_text('{"images": ["' + "x" * 10_000)
    with pytest.raises(FileError, match="no whole JSON file"):
        _found(path)
