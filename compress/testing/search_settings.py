"""The settings of the search that the tests of this room share."""

from typing import Any

SETTINGS: dict[str, Any] = {"target": "cpu", "speedup": 1.5, "trials": 3, "generation": 3, "steps": 4, "pool": 64}
