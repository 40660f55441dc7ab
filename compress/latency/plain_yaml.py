"""Reading YAML that nobody has checked yet."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from compress.core import FileError


class _Loader(yaml.SafeLoader):
    """Plain data only, and no aliases: one can make a small file a huge object, and no profile needs one."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("aliases are not allowed")
        return super().compose_node(parent, index)


def read_yaml(path: Path, kind: str, *, most: int, wrong: Callable[[Path, str], FileError]) -> Any:
    """What a file of a `kind`, such as "profile", holds.

    Args:
        most: Bytes that such a file has at most.
        wrong: The error for a file that is no YAML of plain data, with the reason.

    Raises:
        FileError: no file, one that is too large, or `wrong`.
    """
    if not path.is_file():
        raise FileError(f"There is no {kind} at {path}.")
    if path.stat().st_size > most:
        raise FileError(f"{path} is larger than any {kind} ({most} bytes).")
    try:
        return yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)
    except (yaml.YAMLError, UnicodeDecodeError, ValueError, RecursionError) as error:
        raise wrong(path, " ".join(str(error).split())) from error
