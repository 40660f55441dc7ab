"""Space files: finding them by name, and reading them, with all mistakes reported at once."""

from __future__ import annotations

import os
from pathlib import Path

from compress.core import FileError, unknown_name
from compress.core.files import shipped
from compress.spaces.draft import Scalar
from compress.spaces.knob import KNOBS, LayerKnob
from compress.spaces.space import Space
from compress.spaces.syntax import Problems, choices, compose, entries, node_text, scalar

_SUFFIXES = (".yaml", ".yml")
_MAX_BYTES = 64 * 1024
_MAX_SHOWN = 20


def space_names() -> list[str]:
    """Names of the spaces that ship."""
    return sorted(_shipped_spaces())


def is_space_file(text: str) -> bool:
    """Whether a space is given by its path rather than by a shipped one's name."""
    return "/" in text or os.sep in text or text.endswith(_SUFFIXES)


def load_space(name_or_path: str | os.PathLike[str]) -> Space:
    """A shipped space by its name, or a file's by its path (anything with a slash or ending in .yaml).

    Raises:
        UsageError: unknown name, with close matches.
        FileError: the file is missing, too large, or wrong; every mistake with its line.
    """
    text = os.fspath(name_or_path)
    if isinstance(name_or_path, os.PathLike) or is_space_file(text):
        return read_space(Path(text))
    spaces = _shipped_spaces()
    if text not in spaces:
        raise unknown_name("search space", text, spaces)
    return read_space(spaces[text])


def read_space(path: Path) -> Space:
    """Read one file; see `load_space` for what it raises."""
    problems = Problems()
    space = _parse(_text(path), path.stem, problems)
    found = problems.lines()
    if not found:
        return space
    shown = found[:_MAX_SHOWN] + [f"and {len(found) - _MAX_SHOWN} more"] * (len(found) > _MAX_SHOWN)
    count = "1 mistake" if len(found) == 1 else f"{len(found)} mistakes"
    raise FileError(f"Search space {path} has {count}:\n  " + "\n  ".join(shown))


def _shipped_spaces() -> dict[str, Path]:
    return {path.stem: path for path in shipped("search_spaces").glob("*.yaml")}


def _text(path: Path) -> str:
    if not path.is_file():
        raise FileError(f"There is no search space file {path}. `compress spaces` lists the spaces that ship.")
    with path.open("rb") as file:
        data = file.read(_MAX_BYTES + 1)
    if len(data) > _MAX_BYTES:
        raise FileError(f"Search space {path} is larger than {_MAX_BYTES // 1024} KB; it should be a short YAML file.")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise FileError(f"Search space {path} is not a UTF-8 text file (byte {error.start}).") from None


def _parse(text: str, name: str, problems: Problems) -> Space:
    root = compose(text, problems)
    if root is None:
        if not problems.lines():
            problems.add(1, "the file is empty; it needs `knobs:`")
        return Space(name, {})
    top = entries(root, "a space", ("description", "per_layer", "knobs"), problems)
    description = scalar(top["description"][1]) if "description" in top else ""
    if not isinstance(description, str):
        problems.add(top["description"][1], "description must be a text")
    per_layer = scalar(top["per_layer"][1]) if "per_layer" in top else False
    if not isinstance(per_layer, bool):
        problems.add(top["per_layer"][1], f"per_layer must be true or false but is {node_text(top['per_layer'][1])}")
    knobs: dict[str, tuple[Scalar, ...]] = {}
    if "knobs" in top:
        found = entries(top["knobs"][1], "knobs", KNOBS, problems)
        knobs = {key: choices(key, KNOBS[key], node, problems) for key, (_, node) in found.items()}
    elif "a space must be" not in "".join(problems.lines()):
        problems.add(root, "a space needs `knobs:`")
    if per_layer is True and not any(isinstance(KNOBS[key], LayerKnob) for key in knobs):
        own = ", ".join(key for key in KNOBS if isinstance(KNOBS[key], LayerKnob))
        problems.add(top["per_layer"][0], f"per_layer needs a knob in which layers may differ: {own}")
    return Space(name, knobs, str(description).strip(), per_layer=per_layer is True)
