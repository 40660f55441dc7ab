"""Which layer of a student should reproduce which of its teacher's."""

from __future__ import annotations

from compress.core import TrackerSpec


def matched_layers(student: TrackerSpec, teacher: TrackerSpec) -> dict[int, int]:
    """For each student layer, the teacher layer whose output it should reproduce.

    What follows student layer k is the copy of teacher layer s(k+1), so its input, the output of teacher layer
    s(k+1) − 1, is what layer k must hand on. The last layer, or the last of a LeViT's stage, is followed by what
    took in the teacher's last output: the head, or shrinking and bridge.
    """
    sources = [layer.source for layer in student.layers]
    ends = student.group_ends
    last = {layer.stage: i for i, layer in enumerate(teacher.layers)}
    return {k: last[layer.stage] if k in ends else sources[k + 1] - 1 for k, layer in enumerate(student.layers)}


def distilled_layers(spec: TrackerSpec) -> list[int]:
    """The teacher's layers whose tokens are kept: every third, ending with the last; of a LeViT each stage's last."""
    ends, depth = spec.group_ends, len(spec.layers)
    return ends if len(ends) > 1 else list(range((depth - 1) % 3, depth, 3))
