"""From a kit's results to a profile of the device, kept where targets look for it."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from compress.core import FileError, UsageError
from compress.core.plain import from_plain
from compress.core.plain_files import read_plain
from compress.latency import Profile
from compress.measure.calibration.profile_fit import MeasuredOn, fit_profile
from compress.measure.calibration.routing_overhead import RoutingOverheadPlan, fit_routing_overhead
from compress.measure.kit.plan import KitPlan
from compress.measure.kit.request import Request
from compress.measure.kit.results import Results, check_fits, read_results
from compress.measure.kit.writing import kept_kit, kit_id
from compress.measure.remote_profiles import Device, keep_device_profile
from compress.measure.stacks.timing_plan import TimingPlan

_MAX_BYTES = 4_000_000
_ID = re.compile(r"k[0-9a-f]{16}")
_AGAIN = "Write a new kit with `compress profile kit` and measure that."


def ingest(path: Path, *, kit: Path | None = None) -> tuple[Profile, Path]:
    """Fit and keep the profile from a results.json.

    Args:
        kit: Folder of the kit, where another `$COMPRESS_HOME` has written it.

    Returns:
        The profile and where it is kept.

    Raises:
        FileError: what is truncated, edited, or measured with a kit that was not written here.
    """
    results = read_results(path)
    plan = _kit_of(path, results, kit)
    check_fits(path, results, plan)
    device = Device.of(plan.target)
    profile = _profile(results, plan, device)
    return profile, keep_device_profile(device, profile)


def _profile(results: Results, kit: KitPlan, device: Device) -> Profile:
    teacher, coverage, body = kit.teacher, kit.coverage, results.body
    measured_on = MeasuredOn(
        target=device.target,
        device=body.device,
        runtime=body.runtime,
        threads=body.threads,
        precision=device.precision,
        conditions=body.conditions,
    )
    plan = TimingPlan.of(teacher, coverage)
    profile = fit_profile(plan, results.times[: len(plan.batches)], measured_on)
    if not coverage.decides:
        return profile
    routing_overhead = fit_routing_overhead(profile, RoutingOverheadPlan.of(teacher, coverage), results.times[-1][:-1])
    return replace(profile, routing_overhead=routing_overhead)


def _kit_of(path: Path, results: Results, folder: Path | None) -> KitPlan:
    """The plan that the results were measured by, which must be one of this version of compress."""
    id = results.body.kit
    known = _ID.fullmatch(id) is not None
    if not known or (folder is None and not os.path.lexists(kept_kit(id))):
        raise FileError(
            f"{path} was measured with the kit {id}, which was not written here. Name the kit's folder with --kit, or "
            "ingest the results where the kit was written."
        )
    place = kept_kit(id) if folder is None else folder / "kit.json"
    kit = read_plain(place, "kit's plan", most=_MAX_BYTES, syntax="json", advice=_AGAIN)
    try:
        plan = from_plain(KitPlan, kit, "kit", unknown_fields="left out")
    except UsageError as error:
        raise _other_kit(place, f"is damaged: {str(error).rstrip('.')}") from None
    if not plan.id == kit_id(kit) == id:
        raise _other_kit(place, "is not the kit of these results, or was changed")
    # A plan is only data: what it asks for may be beyond anything that trackers can be.
    with suppress(UsageError, ValueError, ArithmeticError, LookupError, TypeError):
        if plan.batches == _request(plan).batches:
            return plan
    raise _other_kit(place, "was written by another version of compress")


def _other_kit(place: Path, why: str) -> FileError:
    return FileError(f"The kit at {place} {why}. {_AGAIN}")


def _request(kit: KitPlan) -> Request:
    return Request(Device.of(kit.target), kit.teacher, kit.coverage)
