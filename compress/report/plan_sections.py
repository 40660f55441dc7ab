"""A plan on the page: its summary, what it estimated, and how."""

from __future__ import annotations

from compress.archive import SHARE, Archive, Plan, Record
from compress.report import formatting

NOTHING_DONE = "Plan: nothing was trained or timed; every figure that is not called published is an estimate."


def plan_summary(archive: Archive, record: Record) -> str:
    """The most accurate of the front against the teacher. Plain text."""
    own, teacher = record.latency, archive.teacher
    assert own is not None
    assert record.prior is not None
    times = formatting.speedup(archive, record)
    text = f"{record.variant}: {formatting.digits(own.mean_ms)} ms {formatting.provenance(record)} ({own.fps:.0f} fps)"
    if teacher.latency and times:
        theirs = f"{formatting.digits(teacher.latency.mean_ms)} ms {teacher.latency.provenance}"
        text += f", {times:.1f}× as fast as the teacher ({theirs})"
    text += f"; {formatting.prior_accuracy(record.prior)}"
    if record.prior.metric != SHARE:
        text += f" where the teacher has {record.prior.teacher:.2f} published ({record.prior.source})"
    worst = formatting.worst_path(archive.constraint, record)
    return f"{NOTHING_DONE} {text}." + (f" Its worst path takes {worst}." if worst else "")


def plan_statements(archive: Archive, plan: Plan) -> list[str]:
    """What was estimated, and the notes on it."""
    which = "All" if plan.whole else "A sample of"
    of = f"{plan.estimated} different students of the space {plan.space}"
    out_of = "" if plan.whole else f", which has {plan.combinations} combinations of choices"
    return [
        f"{which} {of}{out_of}: {plan.within} of them meet the bound by estimate. All are in plan.csv; the front and "
        f"what lies nearest to it are the {len(archive.records)} trials of this run.",
        f"{plan.duplicates} of them have the latency and the accuracy of another one by estimate, such as students "
        "that keep other layers of the teacher: the trials hold one of each.",
        *plan.notes,
    ]


def plan_method(archive: Archive, plan: Plan) -> list[str]:
    """How the figures were obtained, a statement each."""
    prior, latency = archive.teacher.prior, archive.teacher.latency
    device = f"{latency.device}, {latency.runtime}" if latency else "the device"
    how = latency.provenance if latency else "estimated"
    off = "How far it is off is not known."
    if plan.mean_error is not None and plan.max_error is not None:
        off = f"On trackers left out it is off by {plan.mean_error:.1%} on average, {plan.max_error:.1%} at most."
    lines = [
        f"Latency is {how} for {device}, from {plan.basis}: milliseconds per frame at batch 1 for crop, normalise, "
        f"network and decode. {off} {plan.limits}",
        "Adaptive variants skip layers or leave early, frame by frame. “At best” is the operating point that both "
        "estimates take: the share τ0 of the layers skipped and the first exit taken. Worst path computes every layer.",
        "Accuracy is at fidelity prior: the share of the teacher's accuracy that published ablations suggest for "
        "a student trained as the papers train theirs. Its interval is wide enough to hold every published row, "
        "predicted without its own paper.",
    ]
    if prior and prior.metric == SHARE:
        lines.append("Nothing is published of this teacher's accuracy, so only shares of it can be estimated.")
    elif prior:
        lines.append(f"It is based on {prior.metric} {prior.teacher:.3f} of the teacher ({prior.source}).")
    return lines
