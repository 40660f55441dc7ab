"""YAML text to nodes, safely, and nodes to values, each mistake kept with its line."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from fractions import Fraction
from typing import Any

import yaml

from compress.spaces.draft import Scalar
from compress.spaces.knob import Knob
from compress.spaces.patterns import exact_number

MAX_CHOICES = 200
_MAX_DEPTH = 8
_MAX_BITS = 63
_LOADER = yaml.SafeLoader
_SCALARS = {f"tag:yaml.org,2002:{kind}" for kind in ("str", "int", "float", "bool", "null")}


class Problems:
    """Collects what is wrong with a file, by line."""

    def __init__(self) -> None:
        self._found: list[tuple[int, str]] = []

    def add(self, where: yaml.Node | int, text: str) -> None:
        """Note a problem at a node, or at a line counted from 1."""
        self._found.append((where if isinstance(where, int) else where.start_mark.line + 1, text))

    def lines(self) -> list[str]:
        """One text per problem, in the order of the file."""
        return [f"line {line}: {text}" for line, text in sorted(self._found)]


def compose(text: str, problems: Problems) -> yaml.Node | None:
    """The root node, or None with the problem noted. Aliases, deep nesting and several documents are refused."""
    try:
        if not _harmless(text, problems):
            return None
        return yaml.compose(text, Loader=_LOADER)
    except yaml.MarkedYAMLError as error:
        problems.add(_line(error.problem_mark or error.context_mark), f"not YAML: {error.problem or error.context}")
    except yaml.reader.ReaderError as error:
        problems.add(text.count("\n", 0, error.position) + 1, f"not YAML: {error.reason}")
    return None


def _harmless(text: str, problems: Problems) -> bool:
    """Check the flat events first: composing recurses, and aliases can expand to a billion nodes."""
    depth = 0
    for event in yaml.parse(text, Loader=_LOADER):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if isinstance(event, yaml.AliasEvent):
            problems.add(_line(event.start_mark), "aliases (*name) are not allowed; write the value out")
            return False
        if depth > _MAX_DEPTH:
            problems.add(_line(event.start_mark), f"nested deeper than {_MAX_DEPTH} levels")
            return False
    return True


def entries(
    node: yaml.Node, what: str, known: Iterable[str], problems: Problems
) -> dict[str, tuple[yaml.Node, yaml.Node]]:
    """A mapping's known keys, each with its key and value nodes; unknown and repeated keys are noted."""
    if not isinstance(node, yaml.MappingNode):
        problems.add(node, f"{what} must be a mapping but is {node_text(node)}")
        return {}
    found: dict[str, tuple[yaml.Node, yaml.Node]] = {}
    for key, value in node.value:
        name = scalar(key)
        if name in found:
            problems.add(key, f"{name} occurs twice; first on line {found[name][0].start_mark.line + 1}")
        elif isinstance(name, str) and name in known:
            found[name] = (key, value)
        else:
            problems.add(key, f"{what} has no {node_text(key)}; {_hint(str(name), known)}")
    return found


def choices(name: str, knob: Knob, node: yaml.Node, problems: Problems) -> tuple[Scalar, ...]:
    """A knob's choices: a list, a range {from, to, step}, or one value."""
    if isinstance(node, yaml.MappingNode):
        return _range(name, knob, node, problems)
    items = node.value if isinstance(node, yaml.SequenceNode) else [node]
    if not items:
        problems.add(node, f"{name} has no choices")
    if len(items) > MAX_CHOICES:
        problems.add(node, f"{name} has {len(items)} choices; at most {MAX_CHOICES} are allowed")
        return ()
    found: dict[Any, Scalar] = {}
    for item in items:
        value = scalar(item)
        exact = exact_number(value)
        key = value if exact is None else exact
        if not knob.accepts(value):
            problems.add(item, f"{name} must be {knob.wanted} but is {node_text(item)}")
        elif key in found:
            problems.add(item, f"{name} has the choice {node_text(item)} twice")
        else:
            found[key] = value  # type: ignore[assignment]
    return tuple(found.values())


def _range(name: str, knob: Knob, node: yaml.MappingNode, problems: Problems) -> tuple[Scalar, ...]:
    fields = entries(node, f"the range of {name}", ("from", "to", "step"), problems)
    exact = {field: _range_field(name, field, value, problems) for field, (_, value) in fields.items()}
    missing = [field for field in ("from", "to") if field not in exact]
    if missing:
        problems.add(node, f"the range of {name} lacks {' and '.join(missing)}")
    first, last, step = exact.get("from"), exact.get("to"), exact.get("step", Fraction(1))
    if first is None or last is None or step is None:
        return ()
    if step <= 0 or last < first:
        problems.add(node, f"the range of {name} must go up: from ≤ to, step > 0")
        return ()
    if (last - first) / step >= MAX_CHOICES:
        problems.add(node, f"the range of {name} has more than {MAX_CHOICES} choices; use a larger step")
        return ()
    values = tuple(_plain(first + i * step) for i in range(int((last - first) / step) + 1))
    wrong = next((value for value in values if not knob.accepts(value)), None)
    if wrong is not None:
        problems.add(node, f"{name} must be {knob.wanted} but its range holds {wrong}")
        return ()
    return values


def _range_field(name: str, field: str, node: yaml.Node, problems: Problems) -> Fraction | None:
    value = scalar(node)
    exact = exact_number(value) if isinstance(value, int | float) else None
    if exact is None:
        problems.add(node, f"{field} in the range of {name} must be a number but is {node_text(node)}")
    return exact


def _plain(value: Fraction) -> Scalar:
    return int(value) if value.denominator == 1 else float(value)


def scalar(node: yaml.Node) -> object:
    """The value of a scalar node of a plain type; None for everything else."""
    if not isinstance(node, yaml.ScalarNode) or node.tag not in _SCALARS:
        return None
    try:
        value = yaml.constructor.SafeConstructor().construct_object(node)
    except (ValueError, OverflowError, LookupError, yaml.YAMLError):  # such as `!!int x`
        return None
    # Hexadecimal digits make integers that Python refuses to print.
    return None if isinstance(value, int) and value.bit_length() > _MAX_BITS else value


def node_text(node: yaml.Node) -> str:
    """What a reader sees in the file, shortened."""
    if isinstance(node, yaml.ScalarNode):
        text = node.value if len(node.value) <= 40 else node.value[:40] + "…"
        return repr(text) if text or node.style else "empty"
    return "a list" if isinstance(node, yaml.SequenceNode) else "a mapping"


def _line(mark: Any) -> int:
    return mark.line + 1 if mark else 1


def _hint(name: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, list(known), n=2, cutoff=0.5)
    return f"did you mean {' or '.join(close)}?" if close else f"known: {', '.join(known)}"
