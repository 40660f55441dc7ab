"""What is published for a plan's device and speed, and how the plan is expected to compare, in sentences."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from compress.archive import Archive
from compress.core.text import printable
from compress.prior import DEFAULT_METRIC, TimedTracker
from compress.report.published_comparison import Comparison, comparison_answer, published_comparison
from compress.report.published_trackers import TIMED, runtime_words


def published_sentences(archive: Archive) -> list[str]:
    """What is published for a plan's device and speed, and how the plan compares; none for other runs. Plain text."""
    found = published_comparison(archive)
    return [printable(sentence) for sentence in _sentences(archive, found)] if found else []


def published_answer(archive: Archive) -> dict[str, Any] | None:
    """The sentences, and what they are made of in JSON's types; None for a run that is no plan."""
    found = published_comparison(archive)
    return {"sentences": published_sentences(archive), **comparison_answer(found)} if found else None


def _sentences(archive: Archive, found: Comparison) -> Iterator[str]:
    at = f" at {found.fps:.3g} fps or more" if found.fps else ""
    if not found.timed:
        yield f"No tracker's speed is published for {found.device}, so there is none to compare this plan with."
    elif not found.reach:
        fastest = max(found.timed, key=lambda each: each.speed.fps)
        yield (
            f"No tracker that was published on the {found.device} reaches {found.fps:.3g} fps there. The fastest is "
            f"{_named(fastest)} ({_how(fastest, found)})."
        )
    else:
        yield from _reached(archive, found, f"Published on the {found.device}{at}")
    for device in dict.fromkeys(each.speed.device for each in found.related):
        best = next(each for each in found.related if each.speed.device == device)
        yield (
            f"Published on the {device}{at}, yours is the {found.device}, so not compared: {_named(best)} "
            f"({_how(best, found)})."
        )


def _reached(archive: Archive, found: Comparison, published: str) -> Iterator[str]:
    best, *others = found.reach
    most = f", the most accurate of {len(found.reach)}" if others else ""
    after = f" Next is {_named(others[0])}." if others else ""
    yield f"{published}: {_named(best)}{most} ({_how(best, found)}).{after}"
    if not archive.front(archive.fidelity):
        yield "No student of this plan keeps the bound by estimate, so none is compared with it."
        return
    if found.best is None or found.best.prior is None:
        yield "Only shares of the teacher's accuracy are estimated, so this plan cannot be compared with it."
        return
    own, name = found.best.prior, best.tracker.tracker
    yield (
        f"{found.best.variant}, the most accurate of this plan, is untrained; by estimate (fidelity prior) "
        f"{own.metric} {own.mean:.3f} ({own.low:.3f} to {own.high:.3f}) is expected, {_verdict(found, name)}."
    )


def _verdict(found: Comparison, name: str) -> str:
    difference, sure = found.difference or 0.0, found.outside_interval
    if abs(difference) < 0.0005:
        return f"level with {name}"
    end = f"the {'lower' if difference > 0 else 'upper'} end of its interval"
    how = f"and so is {end}" if sure else f"but {name} lies within its interval"
    if difference > 0:
        return f"which would beat {name}: {difference:.3f} higher, {how}"
    return f"which would not beat {name}: {-difference:.3f} lower, {how}"


def _named(point: TimedTracker) -> str:
    """`UETrack-B with GOT-10k AO 0.726 and LaSOT AUC 0.692 at 60 fps`."""
    metrics = dict.fromkeys((point.accuracy.metric, DEFAULT_METRIC, "LaSOT AUC"))
    figures = [f"{m} {point.tracker.accuracies[m].value:.3f}" for m in metrics if m in point.tracker.accuracies]
    return f"{point.tracker.tracker} with {' and '.join(figures)} at {point.speed.fps:g} fps"


def _how(point: TimedTracker, found: Comparison) -> str:
    """How the speed was obtained, as far as its source says, and under what the plan's is."""
    own, theirs = found.runtime.replace("pytorch", "PyTorch"), runtime_words(point)
    under = f"under {theirs}" if point.speed.runtime else theirs
    runtime = f"{under}, as yours" if theirs == own else f"{under}, yours is {own}"
    timed = TIMED[point.speed.scope] + ("" if point.speed.scope == "loop" else ", yours is the whole loop")
    return "; ".join((runtime, timed, f"speed from {point.speed.source}", *point.notes))
