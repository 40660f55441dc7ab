"""The result of a search in one or two sentences."""

from __future__ import annotations

from compress.archive import Archive, Record, origin_sentences, trust_sentences, within_noise
from compress.report import formatting
from compress.report.plan_sections import NOTHING_DONE, plan_summary
from compress.report.published_sentences import published_sentences


def summary_sentence(archive: Archive) -> str:
    """The most accurate variant within the bound against the teacher, or how near the search came. Plain text."""
    front = archive.front(archive.fidelity)
    if front:
        best = max(front, key=lambda record: record.ao or 0.0)
        return plan_summary(archive, best) if archive.plan else _best(archive, best) + _agreement(archive)
    found = archive.candidates(archive.fidelity)
    if found:
        return f"The teacher is faster and more accurate than each of the {len(found)} variants within the bound."
    return f"{NOTHING_DONE} {_nothing(archive)}" if archive.plan else _nothing(archive)


def remarks(archive: Archive) -> list[str]:
    """What to know beside the summary, a sentence each: neighbours, noise, and what is published beside a plan."""
    return [*filter(None, (comparison_sentence(archive), noise_sentence(archive))), *published_sentences(archive)]


def noise_sentence(archive: Archive) -> str:
    """What a machine that was not steady means for the latencies, and what to do; empty where it was. Plain text."""
    if archive.noise < 0.005:
        return ""
    again = " The same search command, when it is quiet, times the trained variants anew and trains nothing twice."
    return (
        f"The machine was not steady while it was measured, so latencies may be off by another {archive.noise:.0%}, "
        f"and predictions were taken to be within the bound with as much of a margin.{'' if archive.plan else again}"
    )


def comparison_sentence(archive: Archive) -> str:
    """Which neighbours on the front the test sequences do not tell apart; empty where there are none. Plain text."""
    pairs = [f"{slow.variant} and {fast.variant} ({each})" for slow, fast, each in within_noise(archive)]
    return f"Within noise of each other over the same sequences: {', '.join(pairs)}." if pairs else ""


def _best(archive: Archive, record: Record) -> str:
    sentence = f"{record.variant}: {_speed(archive, record)}{_accuracy(archive, record)}."
    sentence += _paths(archive, record)
    if record.fidelity != "full":
        sentence += f" It is trained only to {record.fidelity}; continue the search to train it fully."
    return sentence


def _agreement(archive: Archive) -> str:
    texts = (trust_sentences(archive.records), origin_sentences(archive.records))
    return "".join(f" {text}" for text in texts if text)


def _speed(archive: Archive, record: Record) -> str:
    own, teacher, times = record.latency, archive.teacher.latency, formatting.speedup(archive, record)
    assert own is not None
    if teacher is None or times is None:
        return f"{formatting.digits(own.mean_ms)} ms per frame {own.provenance}, "
    theirs = "" if teacher.provenance == own.provenance else f" {teacher.provenance}"
    figures = f"{formatting.digits(own.mean_ms)} ms {own.provenance} vs {formatting.digits(teacher.mean_ms)} ms{theirs}"
    return f"{times:.1f}× as fast as the teacher ({figures}), "


def _paths(archive: Archive, record: Record) -> str:
    """What an adaptive tracker did on average, and what it may take."""
    used, worst = formatting.layers_used(record), formatting.worst_path(archive.constraint, record)
    mean = "" if used is None else f" It computes {used} per frame on average"
    if worst is None:
        return mean and f"{mean}."
    return f"{mean}; its worst path takes {worst}." if mean else f" Its worst path takes {worst}."


def _accuracy(archive: Archive, record: Record) -> str:
    own, teacher = record.accuracy, archive.teacher.accuracy
    assert own is not None
    text = f"AO {own.ao:.2f} ± {own.ao_se:.2f}"
    if teacher is None:
        return text
    difference = round(own.ao - teacher.ao, 2)
    if difference == 0:
        return f"{text}, level with the teacher"
    return f"{text}, {abs(difference):.2f} {'above' if difference > 0 else 'below'} the teacher"


def _nothing(archive: Archive) -> str:
    constraint = archive.constraint
    inside = [r for r in archive.records if constraint.met_by(r.latency)]
    if inside:
        states = sorted({r.status for r in inside})
        counts = ", ".join(f"{sum(r.status == state for r in inside)} {state}" for state in states)
        return f"No variant has been scored yet; {len(inside)} would meet the bound ({counts})."
    timed = [(constraint.value(r.latency), r) for r in archive.records if r.latency]
    if not timed or constraint.max_ms is None:
        return "No variant has been scored or timed yet."
    ms, nearest = min(timed, key=lambda pair: pair[0])
    over = f"{formatting.digits(ms)} ms {formatting.provenance(nearest)}, {ms / constraint.max_ms - 1:.0%} over"
    scored = f"with AO {nearest.accuracy.ao:.2f}" if nearest.accuracy else "never trained"
    wanted = f"No variant meets the bound of {formatting.digits(constraint.max_ms)} ms"
    return f"{wanted}. The nearest is {nearest.variant}: {over}, {scored}."
