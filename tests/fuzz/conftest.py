"""Makes `tests.fuzz` importable, as `python -m tests.fuzz.replay` finds it."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = str(Path(__file__).resolve().parents[2])
if ROOT not in sys.path:
    sys.path.insert(0, ROOT)
