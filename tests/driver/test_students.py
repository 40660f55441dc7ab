"""Students that go on from a rung: what they were trained for before is not begun again."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from trained_run import SPEC, STATIC

from compress.distill import StudentRecipe, distillation_pool
from compress.driver.students import Rung, Students
from compress.models import build

CPU = torch.device("cpu")


def test_only_the_first_training_has_a_static_stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COMPRESS_HOME", str(tmp_path))
    torch.manual_seed(0)
    teacher = build(STATIC).eval()
    joint: list[tuple[int, bool]] = []
    students = Students(
        teacher=teacher,
        pool=lambda: distillation_pool(teacher, count=8, seed=1, folder=tmp_path, device=CPU),
        rungs=[Rung("rung-0", 0, []), Rung("rung-1", 4, []), Rung("full", 8, [])],
        key="small",
        seed=0,
        device=CPU,
        recipe=StudentRecipe(batch=2, static=0.5),
        report=lambda step, steps, parts: joint.append((steps, "exits_iou" in parts)),
    )
    students.model(SPEC, 2)
    assert joint == [(4, False)] * 2 + [(4, True)] * 2 + [(8, True)] * 8
