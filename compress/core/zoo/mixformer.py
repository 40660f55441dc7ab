"""MixFormerV2: asymmetric attention over two templates, prediction tokens for the box; and MixViT, its teacher."""

from __future__ import annotations

from dataclasses import replace

from compress.core.spec import TrackerSpec
from compress.core.spec_fields import HeadSpec
from compress.core.zoo.trackers import TRACKERS, uniform_layers

_STUDENT_BINS = 72
"""4 · 18: the teacher's corner map at MixViT-B; the released trackers have 96, for a teacher of MixViT-L."""


def _mixformer(depth: int, mlp_hidden: int, head: HeadSpec) -> TrackerSpec:
    return TrackerSpec(
        dim=768,
        heads=12,
        layers=uniform_layers(depth, mlp_hidden, "asymmetric"),
        template_size=128,
        search_size=288,
        search_factor=5.0,
        head=head,
        final_norm=False,
        position="sincos",
        online_templates=1,
    )


@TRACKERS.register
def mixformerv2_b() -> TrackerSpec:
    """MixFormerV2-B: 8 layers at 288 pixels, four prediction tokens, score head, online template."""
    return _mixformer(8, 3072, HeadSpec(kind="tokens", bins=96, score=True))


@TRACKERS.register
def mixformerv2_s() -> TrackerSpec:
    """MixFormerV2-S: 4 layers with MLP ratio 1 at 224 pixels."""
    return replace(
        _mixformer(4, 768, HeadSpec(kind="tokens", bins=96, score=True)),
        template_size=112,
        search_size=224,
        search_factor=4.5,
    )


@TRACKERS.register
def mixformerv2_b_student() -> TrackerSpec:
    """MixFormerV2-B as distilled (stage 2b), before its score head is trained."""
    return _mixformer(8, 3072, HeadSpec(kind="tokens", bins=_STUDENT_BINS))


@TRACKERS.register
def mixformerv2_depth12() -> TrackerSpec:
    """The 12-layer MixFormerV2 of dense-to-sparse distillation (stage 1), the teacher of depth pruning."""
    return _mixformer(12, 3072, HeadSpec(kind="tokens", bins=_STUDENT_BINS))


@TRACKERS.register
def mixvit_b() -> TrackerSpec:
    """MixViT-B: 12 layers and a pyramid corner head, the dense teacher of MixFormerV2."""
    return _mixformer(12, 3072, HeadSpec(kind="pyramid", channels=384))
