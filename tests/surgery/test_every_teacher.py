"""Students that a search may ask for, of every named teacher."""

from __future__ import annotations

import random

import pytest
import torch

from compress.core import TRACKERS, describe
from compress.distill.resolution import crops_at
from compress.models import build
from compress.spaces import load_space
from compress.surgery import inherit
from compress.testing.small_specs import small

_STUDENTS = 4


@pytest.mark.parametrize("name", TRACKERS.names())
def test_students_of_the_full_space_inherit_and_run(name: str) -> None:
    spec = small(describe(name))
    torch.manual_seed(0)
    teacher = build(spec).eval()
    crops = torch.randn(2, 3, spec.template_size, spec.template_size), torch.randn(2, 3, *[spec.search_size] * 2)
    space, rng = load_space("full"), random.Random(0)
    for wanted in (space.sample(spec, rng) for _ in range(_STUDENTS)):
        student = inherit(teacher, wanted, calibration=crops)
        assert student.spec == wanted
        with torch.no_grad():
            out = student(*crops_at(*crops, wanted))
        assert bool(torch.isfinite(out.boxes).all())
        assert {k: v.shape[1:] for k, v in out.maps.items()} == wanted.maps
