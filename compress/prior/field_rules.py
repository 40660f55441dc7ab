"""What the prior does with each field of a spec: prices it, refuses a change of it, or leaves it out for a reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal

from compress.core import BypassSpec, ExitSpec, HeadSpec, LayerSpec, StageSpec, TrackerSpec, UsageError

Treatment = Literal["priced", "refused", "left out"]


class UnpricedError(UsageError):
    """Student and teacher differ in a field whose effect on accuracy is not published."""


@dataclass(frozen=True)
class FieldRule:
    """How the prior treats one field.

    Attributes:
        treatment: `priced`: it changes the estimate. `refused`: a student must have it as its teacher has, since
            no published figure shows what a change costs. `left out`: it changes nothing.
        reason: By which term it is priced, or why it is refused or left out.
    """

    treatment: Treatment
    reason: str


def _priced(reason: str) -> FieldRule:
    return FieldRule("priced", reason)


def _refused(reason: str = "no paper compares two of them") -> FieldRule:
    return FieldRule("refused", reason)


def _left_out(reason: str) -> FieldRule:
    return FieldRule("left out", reason)


PRECISION_MAY_COST = 0.02
"""Of ln retention: what a conversion may lose at most to be exported, unless more is allowed. No estimate of what it
does lose, which is published of none of these trackers."""

FIELD_RULES: Mapping[type, Mapping[str, FieldRule]] = {
    TrackerSpec: {
        "dim": _refused(),
        "heads": _refused(),
        "layers": _priced("depth, and the fields of LayerSpec"),
        "backbone": _refused(),
        "patch": _refused(),
        "template_size": _priced(
            "resolution, where the template lost more than the search crop; since no paper varies it alone, what that "
            "costs is taken off the interval's lower end once more"
        ),
        "search_size": _priced("resolution"),
        "template_factor": _refused(),
        "search_factor": _refused(),
        "head": _priced("the fields of HeadSpec, each refused"),
        "final_norm": _refused(),
        "target_token": _refused(),
        "position": _refused(),
        "online_templates": _refused(),
        "stages": _priced("the fields of StageSpec"),
        "bypass": _priced("bypass, and the fields of BypassSpec"),
        "exits": _priced("exits, and the fields of ExitSpec"),
        "keep_by": _left_out(
            "one rate fits rows by attention (OSTrack) and by motion (MaST); no paper compares the two"
        ),
        "keep_least": _left_out("MaST's one checkpoint serves every share; no paper compares it with one for each"),
        "keep_template": _priced("elimination, as search tokens are; no row of the table drops template patches alone"),
        "precision": _priced(
            "intervals, whose lower end is by `PRECISION_MAY_COST` lower: no paper has one in fp16 or int8"
        ),
        "recycling": _refused("DyTrack compares them (Table III) in trackers that the table does not hold"),
    },
    LayerSpec: {
        "source": _left_out("no paper compares which layers are kept with the same weights; see docs/prior.md"),
        "mlp_hidden": _priced("mlp"),
        "attention": _priced("interaction, where FE and AI come or go; joint against asymmetric is refused"),
        "attn_dims": _priced("dimensions"),
        "mlp_dims": _priced("dimensions"),
        "keep": _priced("elimination"),
        "heads": _priced("mlp, of whose linear layers attention has a share, in an interval twice as wide"),
        "stage": _priced("depth; more layers in a stage than the teacher has are refused"),
    },
    StageSpec: {
        "dim": _refused(),
        "heads": _priced("intervals of LeViT students, which are wide enough for HiT-Tiny's fewer heads"),
        "key_dim": _refused(),
        "shrink_heads": _refused(),
        "shrink_hidden": _refused(),
    },
    HeadSpec: {name: _refused() for name in ("kind", "channels", "bins", "score", "reparam")},
    BypassSpec: {
        "n_enf": _priced("bypass"),
        "tau0": _priced("bypass"),
        "zeta": _refused("ABTrack's rows are all at -0.1, but for one without it, which compares trainings (Table 5)"),
        "rho": _refused("the share of layers skipped is taken to be tau0, which holds at 0.5"),
    },
    ExitSpec: {
        "after": _priced("exits"),
        "adapter": _priced("exits"),
        "tau": _left_out("where frames leave is given by exit_shares, and τ is chosen after training"),
    },
}
"""By dataclass and field. A field without a rule is refused."""


def check_priced(teacher: TrackerSpec, student: TrackerSpec) -> None:
    """Raise UnpricedError, naming them, where student and teacher differ in fields whose effect is not published."""
    found = list(_unpriced(teacher, student))
    if found:
        raise UnpricedError(
            f"What {student.id} keeps of {teacher.id} cannot be estimated: no published figure shows what it costs "
            f"to have {'; '.join(found)}. Leave that as the teacher has it, or train and evaluate the student."
        )


def _unpriced(teacher: TrackerSpec, student: TrackerSpec) -> Iterator[str]:
    ignored = () if student.exits else ("recycling",)
    yield from _differing(TrackerSpec, teacher, student, "", ignored)
    yield from _differing(HeadSpec, teacher.head, student.head, "head.")
    if len(teacher.stages) != len(student.stages):
        yield f"stages: {len(student.stages)} instead of {len(teacher.stages)}"
    for i, (old, new) in enumerate(zip(teacher.stages, student.stages, strict=False)):
        yield from _differing(StageSpec, old, new, f"stages[{i}].")
    if student.bypass is not None:
        yield from _differing(BypassSpec, teacher.bypass or BypassSpec(), student.bypass, "bypass.")
    attentions = {teacher.attention, student.attention}
    if attentions == {"joint", "asymmetric"}:
        yield f"layers.attention {student.attention} instead of {teacher.attention}"
    old_counts, new_counts = (Counter(layer.stage for layer in spec.layers) for spec in (teacher, student))
    for stage in sorted(new_counts):
        if student.stages and new_counts[stage] > old_counts[stage]:
            yield f"layers.stage {stage} of {new_counts[stage]} layers instead of {old_counts[stage]}"


def _differing(kind: type, old: Any, new: Any, prefix: str, ignored: tuple[str, ...] = ()) -> Iterator[str]:
    for f in fields(kind):
        rule = FIELD_RULES[kind].get(f.name)
        before, after = getattr(old, f.name), getattr(new, f.name)
        if (rule is None or rule.treatment == "refused") and before != after and f.name not in ignored:
            yield f"{prefix}{f.name} {after} instead of {before}"
