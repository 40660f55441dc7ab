"""Space files: every mistake with its line, all in one error; hostile files refused quickly."""

from __future__ import annotations

from pathlib import Path

import pytest

from compress.core import FileError, UsageError, describe
from compress.spaces import Space, load_space, space_names


def read(tmp_path: Path, text: str | bytes) -> Space:
    path = tmp_path / "space.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return load_space(path)


def mistakes(tmp_path: Path, text: str | bytes) -> list[str]:
    with pytest.raises(FileError) as caught:
        read(tmp_path, text)
    return [line.strip() for line in str(caught.value).splitlines()[1:]]


def test_lists_ranges_and_single_values(tmp_path: Path) -> None:
    text = """
    description: mine
    knobs:
      depth: {from: 2, to: 8, step: 3}
      layers: even
      interaction: [joint, 0.25, 1/3]
      dr_ratio: {from: 0, to: 0.3, step: 0.1}
    """
    space = read(tmp_path, text)
    assert (space.name, space.description) == ("space", "mine")
    assert space.knobs == {
        "depth": (2, 5, 8),
        "layers": ("even",),
        "interaction": ("joint", 0.25, "1/3"),
        "dr_ratio": (0, 0.1, 0.2, 0.3),
    }
    assert describe("ostrack-nano").dim == 128


def test_all_mistakes_in_one_error(tmp_path: Path) -> None:
    text = """\
knobs:
  depht: [2, 3]
  layers: [even, spread, front, front]
  interaction: [joint, 3/2]
  mlp_ratio: []
  dr_ratio: {from: 0.5, to: 0.2}
  depth: [2, two, 2.5, 2, 0]
  depth: [4]
descripton: oops
"""
    found = mistakes(tmp_path, text)
    expected = [
        "line 2: knobs has no 'depht'; did you mean depth?",
        "line 3: layers has the choice 'front' twice",
        "line 3: layers must be even, front or ends but is 'spread'",
        "line 4: interaction must be joint, or a share of AI layers between 0 and 1 such as 1/3 but is '3/2'",
        "line 5: mlp_ratio has no choices",
        "line 6: the range of dr_ratio must go up: from ≤ to, step > 0",
        "line 7: depth has the choice '2' twice",
        "line 7: depth must be a whole number from 1 to 1000 but is '0'",
        "line 7: depth must be a whole number from 1 to 1000 but is '2.5'",
        "line 7: depth must be a whole number from 1 to 1000 but is 'two'",
        "line 8: depth occurs twice; first on line 7",
        "line 9: a space has no 'descripton'; did you mean description?",
    ]
    assert found == expected


@pytest.mark.parametrize(
    ("knob", "message"),
    [
        ("depth: [true]", "depth must be a whole number from 1 to 1000 but is 'true'"),
        ("depth: {from: 1, to: 4, step: 0.5}", "its range holds 1.5"),
        ("depth: {from: 1}", "the range of depth lacks to"),
        ("depth: {from: 1, to: 4, by: 2}", "has no 'by'; known: from, to, step"),
        ("depth: {from: a, to: 4}", "from in the range of depth must be a number but is 'a'"),
        ("depth: {from: 1, to: 1000}", "more than 200 choices"),
        ("depth: {from: 1, to: 4, step: 0}", "must go up"),
        ("depth: {from: 1, to: .inf}", "to in the range of depth must be a number but is '.inf'"),
        ("depth: [[1]]", "depth must be a whole number from 1 to 1000 but is a list"),
        ("depth:", "depth must be a whole number from 1 to 1000 but is empty"),
        ("depth: !!int x", "but is 'x'"),
        ("depth: 2001-01-01", "but is '2001-01-01'"),
        ("layers: {from: 1, to: 2}", "layers must be even, front or ends but its range holds 1"),
        ("interaction: [1/2, 0.5]", "interaction has the choice '0.5' twice"),
        ("interaction: [1/0]", "but is '1/0'"),
        ("interaction: [1e99999999]", "but is '1e99999999'"),
        ("mlp_ratio: [.nan]", "but is '.nan'"),
        (f"depth: [0x{'F' * 5000}]", "but is '0xFFFFFF"),
        (f"depth: {{from: 0x{'F' * 5000}, to: 9}}", "from in the range of depth must be a number"),
        ("depth: [!!int '']", "must be a whole number"),
        ("mlp_ratio: [17]", "mlp_ratio must be a number above 0, at most 16 but is '17'"),
        ("dr_ratio: [1]", "dr_ratio must be a number from 0 up to, not including, 1 but is '1'"),
        ("dr_ratio: !!python/object/apply:os.getcwd []", "dr_ratio has no choices"),
        ("dr_ratio: !!python/name:os.system x", "but is 'x'"),
        ("[depth]: 3", "knobs has no a list"),
    ],
)
def test_one_mistake(tmp_path: Path, knob: str, message: str) -> None:
    found = mistakes(tmp_path, f"knobs:\n  {knob}\n")
    assert len(found) == 1
    assert found[0].startswith("line 2: ")
    assert message in found[0]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "line 1: the file is empty; it needs `knobs:`"),
        ("# only words\n", "line 1: the file is empty; it needs `knobs:`"),
        ("description: x\n", "line 1: a space needs `knobs:`"),
        ("- depth\n", "line 1: a space must be a mapping but is a list"),
        ("knobs: [depth]\n", "line 1: knobs must be a mapping but is a list"),
        ("description: [x]\nknobs: {}\n", "line 1: description must be a text"),
        ("knobs:\n  depth: [2, 3\n  layers: even\n", "line 3: not YAML: "),
        ("knobs:\n\tdepth: 2\n", "line 2: not YAML: "),
        ("knobs: {}\n---\nknobs: {}\n", "line 2: not YAML: "),
        ("knobs:\n  depth: 2\x07\n", "line 2: not YAML: "),
        ("knobs:\n  depth: &a [2]\n  mlp_ratio: *a\n", "line 3: aliases (*name) are not allowed"),
        ("knobs: " + "[" * 20_000, "line 1: nested deeper than 8 levels"),
    ],
)
def test_wrong_files(tmp_path: Path, text: str, message: str) -> None:
    found = mistakes(tmp_path, text)
    assert len(found) == 1
    assert found[0].startswith(message)


def test_a_billion_laughs_are_refused(tmp_path: Path) -> None:
    text = "a0: &a0 [x]\n" + "".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 12))
    assert "aliases" in mistakes(tmp_path, text)[0]  # expanded, it would not end


def test_many_mistakes_are_cut_short(tmp_path: Path) -> None:
    found = mistakes(tmp_path, "knobs:\n" + "".join(f"  k{i}: 1\n" for i in range(50)))
    assert len(found) == 21
    assert found[-1] == "and 30 more"


@pytest.mark.parametrize(
    ("data", "message"),
    [(b"#" * 70_000, "larger than 64 KB"), (b"knobs: {}\n\xff\xfe", "not a UTF-8 text"), (b"\x00" * 10, "1 mistake")],
)
def test_files_that_are_no_text(tmp_path: Path, data: bytes, message: str) -> None:
    with pytest.raises(FileError, match=message):
        read(tmp_path, data)


def test_missing_file(tmp_path: Path) -> None:
    for path in (tmp_path / "none.yaml", tmp_path):
        with pytest.raises(FileError, match="There is no search space file"):
            load_space(path)


def test_unknown_name_suggests() -> None:
    assert "ostrack" in space_names()
    with pytest.raises(UsageError, match="Unknown search space 'ostrak'. Did you mean ostrack"):
        load_space("ostrak")


@pytest.mark.parametrize("name", ["..", ".", "", "~"])
def test_a_name_stays_in_its_folder(name: str) -> None:
    with pytest.raises(UsageError, match="Unknown search space"):
        load_space(name)
