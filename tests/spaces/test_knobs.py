"""Every knob of the package keeps what a knob has to keep."""

from __future__ import annotations

import pytest

from compress.spaces import KNOBS, Scalar
from compress.testing.knob_suite import KnobSuite

VALUES: dict[str, tuple[Scalar, ...]] = {
    "depth": (2, 4, 12),
    "layers": ("even", "front", "ends"),
    "interaction": ("joint", "1/4", "1/2"),
    "mlp_ratio": (1, 2, 4),
    "dr_ratio": (0, 0.25, 0.5),
    "heads": (1, "3/4", "1/2", 0.25),
    "bypass": ("never", "learned"),
    "tau0": (0.2, 0.5),
    "n_enf": (1, 2),
    "exits": ("never", "1/2", "1/6 1/2"),
    "adapters": (0, 1, 2),
    "keep_ratio": ("never", 0.7, 0.5),
    "keep_after": ("first", "1/4", "1/4 1/2 3/4", 3, "teacher"),
    "keep_by": ("attention", "motion"),
    "search_size": (1, "3/4", 0.5, 96),
    "template_size": (1, "3/4", 48),
    "keep_template": (1, 0.5, 0.25),
    "precision": ("fp32", "fp16", "int8"),
}


class TestEveryKnob(KnobSuite):
    @pytest.fixture(params=VALUES)
    def name(self, request: pytest.FixtureRequest) -> str:
        return str(request.param)

    @pytest.fixture
    def values(self, name: str) -> tuple[Scalar, ...]:
        return VALUES[name]


def test_all_are_here() -> None:
    assert set(VALUES) == set(KNOBS.names())
