"""Changes that no test noticed once, each of which must fail one now: applied to a copy of the tree."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
_COPIED = ("compress", "tests", "search_spaces", "hw_profiles", "recipes", "pyproject.toml", "README.md")


@dataclass(frozen=True)
class Mutant:
    """A change of one place, and the tests that must fail with it.

    Attributes:
        file: Under the root.
        old, new: The text that is there once, and what stands in its place.
        test: As pytest names it, under `tests/`; one function with all of its parameters.
    """

    file: str
    old: str
    new: str
    test: str


PROPOSALS, SAMPLERS = "compress/driver/proposals.py", "compress/driver/samplers/__init__.py"
OVERHEAD = "compress/measure/calibration/routing_overhead.py"
SESSIONS, FINGERPRINT = "compress/runtime/sessions.py", "compress/measure/host/fingerprint.py"

MUTANTS = {
    "the start list enqueues nothing": Mutant(
        PROPOSALS,
        "self.enqueue([*self._seeds()])",
        "self.enqueue([])",
        "driver/test_proposals.py::test_a_search_starts_from_the_plain_answers_as_deep_as_the_bound_allows",
    ),
    "no slack for adaptive trackers": Mutant(
        PROPOSALS,
        "return check.over_ms + slack <= 0",
        "return check.over_ms <= 0",
        "driver/test_proposals.py::test_an_adaptive_start_keeps_the_bound_halfway_between_its_best_and_its_worst",
    ),
    "TPE without multivariate and group": Mutant(
        SAMPLERS,
        "multivariate=True, group=True, ",
        "",
        "driver/test_proposals.py::test_knobs_that_need_another_are_sampled_jointly_with_all",
    ),
    "TPE without group": Mutant(
        SAMPLERS,
        "group=True, ",
        "",
        "driver/test_proposals.py::test_knobs_that_need_another_are_sampled_jointly_with_all",
    ),
    "a continued study draws the same numbers": Mutant(
        "compress/driver/drawing.py",
        "SeedSequence([self._seed, self.key, place])",
        "SeedSequence([self._seed, self.key, 0])",
        "driver/test_proposals.py::test_a_search_that_goes_on_draws_other_numbers",
    ),
    "thresholds aim at half of the bound": Mutant(
        "compress/core/latency_constraint.py",
        "_MARGIN = 0.95",
        "_MARGIN = 0.5",
        "core/test_latency_constraint.py::test_exit_thresholds_aim_a_little_below_the_bound",
    ),
    "lower rungs see three generated frames": Mutant(
        "compress/data/readers/generated.py",
        "_SHORT = 30",
        "_SHORT = 3",
        "data/test_sources.py::test_lower_rungs_see_thirty_frames",
    ),
    "lower rungs see three recorded frames": Mutant(
        "compress/data/recorded_source.py",
        "_SHORT = 30",
        "_SHORT = 3",
        "data/test_sources.py::test_lower_rungs_see_thirty_frames",
    ),
    "recorded pairs at most three frames apart": Mutant(
        "compress/data/pairs/recipe.py",
        "max_gap: int = 100",
        "max_gap: int = 3",
        "data/pairs/test_samplers.py::test_nearby_frames_are_up_to_a_hundred_apart",
    ),
    "generated pairs at most three frames apart": Mutant(
        "compress/data/generated/pairs.py",
        "rng.integers(-gap, gap + 1)",
        "rng.integers(-3, 4)",
        "data/test_generated.py::test_frames_of_a_pair_are_up_to_a_hundred_apart",
    ),
    "parts follow the noise of the trackers": Mutant(
        "compress/measure/calibration/calibration.py",
        "_RIDGE = 0.44",
        "_RIDGE = 0.01",
        "measure/test_calibration.py::test_noise_of_a_session_is_not_taken_for_what_a_part_costs",
    ),
    "one tracker tells the machine's pace": Mutant(
        OVERHEAD,
        "_KNOWN = 4",
        "_KNOWN = 1",
        "measure/test_routing_overhead.py::test_noise_of_a_session_moves_neither_the_pace_nor_the_costs_far",
    ),
    "a third of the paths": Mutant(
        "compress/measure/budget.py",
        "paths=36",
        "paths=12",
        "measure/test_routing_overhead.py::test_noise_of_a_session_moves_neither_the_pace_nor_the_costs_far",
    ),
    "stages wait busily": Mutant(
        SESSIONS,
        '"session.intra_op.allow_spinning", str(int(alone))',
        '"session.intra_op.allow_spinning", str(int(not alone))',
        "runtime/test_sessions.py::test_sessions_that_take_turns_sleep_and_share_memory",
    ),
    "stages keep memory of their own": Mutant(
        SESSIONS,
        "enable_cpu_mem_arena = alone",
        "enable_cpu_mem_arena = True",
        "runtime/test_sessions.py::test_sessions_that_take_turns_sleep_and_share_memory",
    ),
    "hosts of other steppings are one": Mutant(
        FINGERPRINT,
        '("cpu family", "model", "stepping")',
        '("cpu family", "model")',
        "measure/test_host.py::test_another_processor_is_another_host",
    ),
    "hosts of other processors are one": Mutant(
        FINGERPRINT,
        "cpu=_cpu()",
        'cpu="a processor"',
        "measure/test_host.py::test_another_processor_is_another_host",
    ),
}


@pytest.mark.parametrize("mutant", MUTANTS.values(), ids=MUTANTS)
def test_old_text_and_tests_are_there(mutant: Mutant) -> None:
    assert (ROOT / mutant.file).read_text(encoding="utf-8").count(mutant.old) == 1
    file, _, function = mutant.test.partition("::")
    assert f"def {function}(" in (ROOT / "tests" / file).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tree, without what git does not know."""
    place = tmp_path_factory.mktemp("mutants")
    for name in _COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, place / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, place / name)
    return place


@pytest.fixture
def mutated(mutant: Mutant, copy: Path) -> Iterator[Path]:
    """The copy with one change, which is taken back."""
    path = copy / mutant.file
    before = path.read_text(encoding="utf-8")
    path.write_text(before.replace(mutant.old, mutant.new), encoding="utf-8")
    yield copy
    path.write_text(before, encoding="utf-8")


@pytest.mark.slow
@pytest.mark.parametrize("mutant", MUTANTS.values(), ids=MUTANTS)
def test_no_mutant_survives(mutant: Mutant, mutated: Path, tmp_path: Path) -> None:
    words = ["-m", "pytest", "-p", "no:cacheprovider", "-p", "no:xdist", f"tests/{mutant.test}"]
    environment = os.environ | {"PYTHONPATH": str(mutated), "COMPRESS_HOME": str(tmp_path)}
    environment["PYTHONDONTWRITEBYTECODE"] = "1"  # a file changed twice within a second would be taken for the first
    done = subprocess.run(
        [sys.executable, *words], cwd=mutated, env=environment, capture_output=True, text=True, timeout=600
    )
    assert done.returncode == 1, f"it survived, or was not tested:\n{done.stdout}\n{done.stderr}"
    assert "FAILED" in done.stdout
