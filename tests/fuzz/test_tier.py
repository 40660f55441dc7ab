"""The tier: thousands of mutants of our own valid files, each answered by a documented exit code and one paragraph."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator

import pytest

from tests.fuzz.kinds import KINDS
from tests.fuzz.runner import Workers, figures, jobs_of

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="watches processes under /proc"),
]


@pytest.fixture(scope="module")
def workers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workers]:
    with Workers(tmp_path_factory.mktemp("fuzz"), count=min(4, len(os.sched_getaffinity(0)))) as started:
        yield started


def test_there_are_thousands_of_mutants() -> None:
    assert sum(kind.count for kind in KINDS.values()) >= 2000


@pytest.mark.parametrize("kind", KINDS)
def test_the_files_that_mutants_are_made_of_are_accepted(workers: Workers, kind: str) -> None:
    # A device that is timed beside other work may find itself too noisy, which it says with 3.
    accepted = (0, 3) if kind == "kit on a device" else (0,)
    results = workers.run([(kind, -1 - i) for i in range(4)])
    wrong = [str(each) for each in results if each.answer["code"] not in accepted or each.faults]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("kind", KINDS)
def test_every_mutant_is_answered(workers: Workers, kind: str, record_property: Callable[[str, object], None]) -> None:
    results = workers.run(jobs_of(kind))
    for name, value in figures(results).items():
        record_property(name, value)
    wrong = [str(result) for result in results if result.faults]
    assert not wrong, "\n\n".join(wrong)
