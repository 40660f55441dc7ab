from __future__ import annotations

import sys
from pathlib import Path

# The synthetic run is written by the archive's tests.
sys.path.insert(0, str(Path(__file__).parent.parent / "archive"))
