"""Specs as commands name them, a named tracker or a JSON file, and what they cost."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from compress.core import ExecutionPath, FileError, TrackerSpec, UsageError, describe
from compress.core.plain_files import read_plain

_MAX_BYTES = 1024 * 1024


def read_spec(name_or_path: str) -> TrackerSpec:
    """The spec of a named tracker, or of a JSON file (anything with a slash or ending in .json).

    The file holds a spec's `to_dict`, or an object with one under `spec`, as `compress describe --json` prints.

    Raises:
        UsageError: unknown name, with close matches.
        FileError: the file is missing, no JSON, or no possible tracker.
    """
    if _is_name(name_or_path):
        return describe(name_or_path)
    path = Path(name_or_path)
    data = read_json(path)
    try:
        return TrackerSpec.from_dict(data["spec"] if isinstance(data, dict) and "spec" in data else data)
    except UsageError as error:
        raise FileError(f"{path} does not describe a tracker that can be built: {error}") from None


def read_paths(name_or_path: str, spec: TrackerSpec) -> dict[ExecutionPath, int] | None:
    """The execution paths that frames took, where the file has them, as that of `compress thresholds` does.

    Raises:
        FileError: they are not paths of `spec`.
    """
    from compress.archive import paths_from

    data = None if _is_name(name_or_path) else read_json(Path(name_or_path))
    tracked = data.get("tracked") if isinstance(data, dict) else None
    return paths_from(spec, tracked.get("paths")) if isinstance(tracked, dict) else None


def _is_name(name_or_path: str) -> bool:
    return "/" not in name_or_path and not name_or_path.endswith(".json")


def read_json(path: Path) -> Any:
    """What a short JSON file holds.

    Raises:
        FileError: it is missing, too large or no JSON.
    """
    if not path.exists():
        raise FileError(f"There is no file {path}. `compress teachers` lists the named trackers.")
    advice = "`compress describe NAME --json` shows what is wanted."
    return read_plain(path, "JSON file", most=_MAX_BYTES, advice=advice, syntax="json")


def cost_of(spec: TrackerSpec) -> dict[str, Any]:
    """Parameters and multiply-accumulates; where the work depends on the frame those of the worst path.

    `macs_per_frame_min` is the cheapest path's; `macs_linear_conv` a number, or `min` and `max` of an adaptive tracker.
    """
    from compress.core.cost import macs, macs_cheapest, macs_linear_conv, parameters

    work, papers = macs(spec), macs_linear_conv(spec)
    return {
        "params": parameters(spec),
        "macs": work.full,
        "macs_per_frame": work.per_frame,
        "macs_per_frame_min": macs_cheapest(spec).per_frame,
        "macs_template": work.template,
        "macs_linear_conv": {"min": papers.min, "max": papers.max} if spec.adaptive else papers.max,
    }
