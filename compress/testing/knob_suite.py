"""What every `Knob` has to keep, as a class of tests that a knob's own tests inherit."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from compress.core import TRACKERS, TrackerSpec, UsageError, describe
from compress.spaces import KNOBS, NEVER, Scalar, Space, load_space
from compress.spaces.knob import fitted

_NO_CHOICES: tuple[object, ...] = ("no such value", float("nan"), None, [], -1)


class KnobSuite:
    """Inherit it in a test module and give two fixtures: the `name` of a registered knob, and `values` for a space.

        class TestKeep(KnobSuite):
            @pytest.fixture
            def name(self) -> str:
                return "keep"

            @pytest.fixture
            def values(self) -> tuple[Scalar, ...]:
                return ("never", 0.7, 0.5)

    What goes with some backbones only offers `never` among its values.
    """

    @pytest.fixture(params=TRACKERS.names())
    def teacher(self, request: pytest.FixtureRequest) -> TrackerSpec:
        return describe(request.param)

    @pytest.fixture
    def space(self, name: str, values: tuple[Scalar, ...], tmp_path: Path) -> Space:
        """One of this knob, of the depth, and of the knob that it needs, if any."""
        lines = ["knobs:", "  depth: [2, 4, 12]"] * (name != "depth") or ["knobs:"]
        if (needed := KNOBS[name].needs) is not None:
            lines.append(f"  {needed}: [{NEVER}, {self.switched_on(needed)}]")
        path = tmp_path / "suite.yaml"
        path.write_text("\n".join([*lines, f"  {name}: [{', '.join(map(str, values))}]"]) + "\n")
        return load_space(path)

    def switched_on(self, needed: str) -> str:
        """A value that switches the needed knob on."""
        return {"bypass": "learned", "exits": "1/2", "keep_ratio": "0.5"}[needed]

    def test_it_says_what_it_wants(self, name: str, values: tuple[Scalar, ...]) -> None:
        knob = KNOBS[name]
        assert knob.wanted
        assert all(knob.accepts(value) for value in values)
        assert not any(knob.accepts(value) for value in _NO_CHOICES)
        assert knob.needs is None or knob.needs in KNOBS.names()

    def test_values_that_fit_are_some_and_differ(
        self, name: str, values: tuple[Scalar, ...], teacher: TrackerSpec
    ) -> None:
        found = fitted(name, values, teacher)
        assert found
        assert len(set(found)) == len(found)
        assert fitted(name, found, teacher) == found

    def test_students_are_trackers(self, space: Space, teacher: TrackerSpec) -> None:
        """Whatever is drawn, and the same from the same choices."""
        for seed in range(12):
            drawn = [space.sample(teacher, random.Random(seed)) for _ in range(2)]
            assert drawn[0] == drawn[1]
            assert TrackerSpec.from_dict(drawn[0].to_dict()) == drawn[0]
            assert drawn[0].backbone == teacher.backbone

    def test_its_name_is_taken(self, name: str) -> None:
        with pytest.raises(UsageError, match="already registered"):
            KNOBS.register(name, KNOBS[name])
