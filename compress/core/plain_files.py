"""Files of plain data (JSON, YAML), opened only where they are regular files of a size that such a file can have."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, TypeVar

from compress.core.errors import FileError, UsageError
from compress.core.opening import read_bounded
from compress.core.plain import Bounds, from_plain
from compress.core.plain_values import excess, plain_problems
from compress.core.text import printable

_T = TypeVar("_T")
_BOUNDS = Bounds()
_MOST_DIGITS = 1000
"""Of an integer; Python refuses to read more than 4,300, and bounds of bits refuse nearly all before."""
_SUFFIXES = {".yaml": "yaml", ".yml": "yaml", ".json": "json"}


def read_plain(
    path: Path,
    kind: str,
    *,
    most: int = 1_000_000,
    advice: str = "",
    syntax: Literal["json", "yaml"] | None = None,
    bounds: Bounds = _BOUNDS,
) -> Any:
    """What a JSON or YAML file holds: plain data of JSON's types, texts and numbers within the bounds, else unchecked.

    Args:
        kind: What the file should be, for messages, such as "hardware profile".
        most: Bytes that such a file can have.
        advice: What to do where it is none; a sentence.
        syntax: By the file's ending where None, YAML for an unknown one.

    Raises:
        FileError: no regular file, one that is too large, or not such a file of one value, without aliases.
    """
    data = read_bounded(path, kind, most, advice=advice)
    try:
        text = data.decode("utf-8-sig")
        if (syntax or _SUFFIXES.get(path.suffix.lower(), "yaml")) == "json":
            return parse_json(text, bounds)
        return parse_yaml(text, bounds)
    except ValueError as error:
        raise not_a(path, kind, printable(" ".join(str(error).split()), most=300), advice) from error


def load_plain(
    cls: type[_T],
    path: Path,
    kind: str,
    *,
    where: str,
    most: int = 1_000_000,
    advice: str = "",
    syntax: Literal["json", "yaml"] | None = None,
    bounds: Bounds = _BOUNDS,
) -> _T:
    """A file as a dataclass; see `read_plain` and `from_plain`.

    Raises:
        FileError: as of `read_plain`, or a file that holds something else, every mistake named.
    """
    data = read_plain(path, kind, most=most, advice=advice, syntax=syntax, bounds=bounds)
    try:
        return from_plain(cls, data, where, bounds=bounds)
    except UsageError as error:
        raise not_a(path, kind, str(error).rstrip("."), advice) from error


def parse_json(text: str, bounds: Bounds = _BOUNDS) -> Any:
    """One JSON value within the bounds; a key that occurs twice in an object is refused.

    Raises:
        ValueError: it is none, with the reason.
    """
    try:
        data = json.loads(text, object_pairs_hook=_object, parse_int=_integer)
    except RecursionError:
        raise ValueError("it is nested too deep") from None
    return _bounded(data, bounds)


def parse_yaml(text: str, bounds: Bounds = _BOUNDS) -> Any:
    """One YAML document of plain data within the bounds, without aliases. Raises ValueError as `parse_json`."""
    import yaml

    loader = _yaml_loader()
    try:
        # Flat events first: composing recurses, and aliases can expand to a billion values.
        for problem in _yaml_problems(yaml, yaml.parse(text, Loader=loader), bounds):
            raise ValueError(problem)
        return _bounded(yaml.load(text, Loader=loader), bounds)
    # PyYAML's constructors raise errors of many kinds on odd values under a tag, such as `!!int ""`.
    except (yaml.YAMLError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError) as error:
        raise ValueError(str(error) or type(error).__name__) from error


def not_a(path: Path, kind: str, why: str, advice: str = "") -> FileError:
    """The error for a file that is not what it should be."""
    article = "an" if kind[0] in "aeiou" else "a"
    return FileError(f"{path} is not {article} {kind}: {why}. {advice}".rstrip())


def _yaml_problems(yaml: Any, events: Any, bounds: Bounds) -> Iterator[str]:
    depth = 0
    for count, event in enumerate(events):
        if isinstance(event, yaml.ScalarEvent) and len(event.value) > bounds.text:
            # Also since numbers such as 59:59:59 take a time that grows with the square of their length.
            yield f"it has a text of {len(event.value)} characters, more than {bounds.text}"
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if isinstance(event, yaml.AliasEvent):
            yield "aliases are not allowed"
        if depth > bounds.depth:
            yield f"it is nested deeper than {bounds.depth} levels"
        if count > 2 * bounds.items:
            yield f"it holds more than {bounds.items} values"


def _bounded(data: Any, bounds: Bounds) -> Any:
    if (problem := excess(data, bounds, "it")) is not None:
        raise ValueError(problem)
    # Numbers that are not finite are left to whoever knows what they stand for.
    for place, text in plain_problems(data, replace(bounds, non_finite=True), ""):
        raise ValueError(f"{place.lstrip('.') or 'it'} {text}")
    return data


def _integer(text: str) -> int:
    if len(text) > _MOST_DIGITS:
        raise ValueError(f"it has an integer of {len(text)} digits")
    return int(text)


@functools.cache
def _yaml_loader() -> Any:
    """PyYAML's safe loader, which refuses a key that occurs twice in a mapping, as YAML 1.2 wants it (3.2.1.3)."""
    import yaml

    class Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
        def construct_mapping(self, node: Any, deep: bool = False) -> Any:
            keys = [(key.tag, key.value) for key, _ in getattr(node, "value", ()) if isinstance(key, yaml.ScalarNode)]
            if len(set(keys)) < len(keys):
                raise ValueError("a key occurs twice in one object")
            return super().construct_mapping(node, deep)

        def construct_yaml_int(self, node: Any) -> Any:
            # Python's own refusal of so many digits advises a programmer.
            if len(node.value) > _MOST_DIGITS and node.value.lstrip("+-").replace("_", "").isdecimal():
                raise ValueError(f"it has an integer of {len(node.value)} digits")
            return super().construct_yaml_int(node)

    Loader.add_constructor("tag:yaml.org,2002:int", Loader.construct_yaml_int)
    return Loader


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key occurs twice in one object")
    return found
