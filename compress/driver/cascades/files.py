"""Where the trackers of a cascade come from, and the file that says what was chosen."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import NamedTuple

from compress.archive import Archive
from compress.core import TRACKERS, CascadeSpec, LatencyConstraint, UsageError
from compress.core.writing import write_file
from compress.driver.cascades.choosing import ChosenCascade
from compress.driver.cascades.latencies import MemberTracker
from compress.export import Member
from compress.models import weights_key


class CascadeMembers(NamedTuple):
    """Both trackers of a cascade with their weights, and where they come from."""

    fast: MemberTracker
    accurate: MemberTracker
    sources: tuple[Member, Member]

    def spec(self, threshold: float) -> CascadeSpec:
        """Both at a threshold."""
        return CascadeSpec(self.fast.model.spec, self.accurate.model.spec, threshold)


def members_of(archive: Archive, fast: str, accurate: str, weights: str | None = None) -> CascadeMembers:
    """Load the trackers of a cascade.

    Args:
        fast: A variant of the run.
        accurate: A variant, `teacher`, or a named tracker.
        weights: Of a named tracker.

    Raises:
        UsageError: no such variant or tracker, weights for a variant, one in another precision than fp32, or trackers
            that make no cascade.
        FileError: a tracker has no weights.
    """
    variants = {record.variant for record in (*archive.records, *archive.finetuned, archive.teacher)}
    named = accurate in TRACKERS and accurate not in variants
    if weights is not None and not named:
        raise UsageError("--weights goes with a named tracker for --accurate; a variant of a run has its own weights.")
    if fast in TRACKERS and fast not in variants:
        raise UsageError(f"--fast must be a variant of {archive.run_dir}, but {fast} is a named tracker.")
    if fast == accurate:
        raise UsageError(f"--fast and --accurate are both {fast}. Take a faster variant, or a heavier tracker.")
    second = Member(name=accurate, weights=weights or "") if named else Member(variant=accurate)
    found = []
    for member in (Member(variant=fast), second):
        record = archive.variant(member.variant) if member.variant else None
        model = member.load(str(archive.run_dir)).model
        if model.spec.precision != "fp32":
            raise UsageError(
                f"{member.variant} is in {model.spec.precision}, but a cascade is tracked and exported in fp32. Take a "
                "variant in fp32."
            )
        found.append(MemberTracker(model, record))
    place = str(Path(second.weights).absolute()) if second.weights else ""
    keys = [weights_key(each.model) for each in found]
    sources = Member(fast, weights_key=keys[0]), replace(second, weights=place, weights_key=keys[1])
    members = CascadeMembers(found[0], found[1], sources)
    members.spec(0.5)
    return members


def write_cascade(
    path: Path, members: CascadeMembers, found: ChosenCascade, constraint: LatencyConstraint, *, data: str
) -> None:
    """Write what `compress.export.load_cascade` reads, and beside it all that was tried."""
    chosen = found.chosen
    fast, accurate = members.sources
    content = {
        "cascade": members.spec(chosen.threshold).id,
        "fast": asdict(fast),
        "accurate": asdict(accurate),
        "threshold": chosen.threshold,
        "accuracy": chosen.accuracy.to_dict(),
        "latency": found.latency.to_dict(),
        "bound": {"ms": constraint.max_ms, "at": constraint.at, **constraint.given},
        "data": data,
        "alone": {"fast": found.fast.to_dict(), "accurate": found.accurate.to_dict()},
        "timed": None if found.timed is None else {k: v.to_dict() for k, v in found.timed._asdict().items()},
        "tried": [each.to_dict() for each in found.tried],
    }
    write_file(path, json.dumps(content, indent=2) + "\n")
