"""Commands as a shell runs them, in this process."""

from __future__ import annotations

import pytest

from compress.cli import main


def exit_code(*words: object) -> int:
    """Of a command of these words."""
    with pytest.raises(SystemExit) as stop:
        main([str(word) for word in words])
    return int(stop.value.code or 0)
