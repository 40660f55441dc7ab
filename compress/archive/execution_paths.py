"""Execution paths from their rows, the input not trusted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from compress.core import ExecutionPath, FileError, UsageError, WithPaths
from compress.core.plain import from_plain


@dataclass(frozen=True)
class _Row:
    """As `path_rows` writes it."""

    skipped: frozenset[int]
    exit: int | None
    frames: int

    def problems(self) -> Iterator[str]:
        if self.frames < 1:
            yield f"frames must be at least 1 but is {self.frames}"


def paths_from(spec: WithPaths, data: Any) -> dict[ExecutionPath, int] | None:
    """Frames counted by the path that they took through `spec`, from `path_rows`; None stays None.

    Raises:
        FileError: a row that is none, a path that `spec` does not have, or one that came twice.
    """
    if data is None:
        return None
    rows = from_plain(tuple[_Row, ...], data, "paths", error=FileError)
    found = {ExecutionPath(row.skipped, row.exit): row.frames for row in rows}
    if len(found) < len(rows):
        raise FileError("paths holds an execution path twice.")
    for i, path in enumerate(found):
        try:
            path.check(spec)
        except UsageError as error:
            raise FileError(f"paths[{i}] is no execution path of the tracker: {error}") from error
    return found
