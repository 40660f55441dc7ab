"""`compress describe --check`: the cost formula beside the operators of the network as it is built."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from compress.core import CompressError, TrackerSpec

if TYPE_CHECKING:
    from compress.models.operator_count import OperatorCount

CONVENTION = (
    "One multiply-add of linear layers, convolutions and attention products counts one, at batch 1, in the form for "
    "inference; norms, activations, softmax, additions and moves of data count nothing. All layers and exits are run."
)
_REST = "rest"


@dataclass(frozen=True)
class CheckedPart:
    """Multiply-accumulates of one component, once per sequence and per frame: by formula, and counted."""

    name: str
    template: tuple[int, int]
    frame: tuple[int, int]

    @property
    def agrees(self) -> bool:
        """Whether both are equal, exactly."""
        return self.template[0] == self.template[1] and self.frame[0] == self.frame[1]


@dataclass(frozen=True)
class CostCheck:
    """Every component that computes something, and the whole.

    Attributes:
        free, unknown: As of `OperatorCount`.
    """

    parts: tuple[CheckedPart, ...]
    whole: CheckedPart
    free: Mapping[str, int]
    unknown: Mapping[str, int]

    def problem(self) -> str | None:
        """What keeps formula and network from being vouched for; None where nothing does."""
        wrong = [part.name for part in (*self.parts, self.whole) if not part.agrees]
        said = [f"formula and network differ in {', '.join(wrong)}"] if wrong else []
        if self.unknown:
            said.append(f"it is not known what these operators cost: {_listed(self.unknown)}")
        return "; ".join(said) or None

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        rows = [
            {"part": part.name, **_pair("template", part.template), **_pair("frame", part.frame)}
            for part in (*self.parts, self.whole)
        ]
        return {"agrees": self.problem() is None, "parts": rows, "free": dict(self.free), "unknown": dict(self.unknown)}


def check_cost(spec: TrackerSpec) -> CostCheck:
    """Build the network of `spec` with fresh weights and count what it computes."""
    from compress.models import build
    from compress.models.operator_count import count_operators

    return compare_count(spec, count_operators(build(spec)))


def compare_count(spec: TrackerSpec, counted: OperatorCount) -> CostCheck:
    """Compare a count with the formula; what only one of them names is summed as one part, the rest."""
    from compress.core.cost import components

    template = {part.name: part.template.done for part in components(spec)}
    frame = {part.name: part.frame.done for part in components(spec)}
    names = [name for name in template if template[name] or frame[name]]
    found = {name for work in (counted.template, counted.frame) for name in work}
    both = [name for name in names if name in found]
    parts = [
        CheckedPart(
            name,
            (template[name], counted.template.get(name, 0)),
            (frame[name], counted.frame.get(name, 0)),
        )
        for name in both
    ]
    whole = CheckedPart(
        "all",
        (sum(template.values()), sum(counted.template.values())),
        (sum(frame.values()), sum(counted.frame.values())),
    )
    rest = CheckedPart(_REST, _less(whole.template, parts, "template"), _less(whole.frame, parts, "frame"))
    return CostCheck(tuple(parts + [rest] * any((*rest.template, *rest.frame))), whole, counted.free, counted.unknown)


def check_lines(check: CostCheck) -> Iterator[str]:
    """A table, and what it stands on."""
    yield f"{'MACs':18}{'template: formula':>20}{'counted':>18}{'frame: formula':>20}{'counted':>18}"
    for part in (*check.parts, check.whole):
        once, each = ([f"{value:,}" if value else "" for value in pair] for pair in (part.template, part.frame))
        mark = "" if part.agrees else "  differs"
        yield f"{part.name:18}{once[0]:>20}{once[1]:>18}{each[0]:>20}{each[1]:>18}{mark}".rstrip()
    said = [CONVENTION, f"Operators that count nothing: {_listed(check.free) or 'none'}."]
    said += [f"Operators of unknown cost: {_listed(check.unknown)}."] * bool(check.unknown)
    said += ["The formula and the network agree."] * (check.problem() is None)
    for text in said:
        yield from textwrap.wrap(text, 116)


def check_error(name: str, check: CostCheck) -> CompressError | None:
    """The error for a check that failed."""
    problem = check.problem()
    if problem is None:
        return None
    return CompressError(
        f"The cost of {name} cannot be vouched for: {problem}. Whatever uses the formula is off by as much; report it "
        "with the tracker's spec, which `compress describe NAME --json` shows."
    )


def _less(whole: tuple[int, int], parts: list[CheckedPart], work: str) -> tuple[int, int]:
    formula, counted = (whole[i] - sum(getattr(part, work)[i] for part in parts) for i in (0, 1))
    return formula, counted


def _listed(operators: Mapping[str, int]) -> str:
    return ", ".join(f"{name.removeprefix('aten::')} ({count})" for name, count in operators.items())


def _pair(name: str, values: tuple[int, int]) -> dict[str, int]:
    return {f"{name}_formula": values[0], f"{name}_counted": values[1]}
