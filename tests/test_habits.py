"""Lint, format and types, so that one command checks everything."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.mark.parametrize("words", [["ruff", "check", "."], ["ruff", "format", "--check", "."], ["mypy"]], ids=" ".join)
def test_tool_is_content(words: list[str]) -> None:
    pytest.importorskip(words[0])
    result = subprocess.run([sys.executable, "-m", *words], cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr


def test_readme_has_the_test_command() -> None:
    found = re.search(
        r"^<!-- test -->\n+```\w*\n(.+?)\n```", (ROOT / "README.md").read_text(encoding="utf-8"), re.M | re.S
    )
    assert found, "README.md lacks a code block after '<!-- test -->'"
    assert "pytest" in found[1]


def test_changelog_names_the_version() -> None:
    from compress import __version__

    assert f"## {__version__}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
