"""Other devices: their names as targets, and the profiles measured on them that are kept here."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from compress.core import FileError, TrackerSpec, UsageError
from compress.core.files import home
from compress.core.plain import to_plain
from compress.latency import Family, Profile, load_profile
from compress.measure.backends import BACKENDS, KitRecipe, split_target, target_name
from compress.measure.backends.table import USUAL
from compress.measure.host_profiles import is_of_this_host, keep

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,40}")


@dataclass(frozen=True)
class Device:
    """A device by the name its user gave it, and the runtime it is measured under.

    Attributes:
        backend: One of `BACKENDS` that kits measure.
    """

    name: str
    backend: str = USUAL

    @classmethod
    def of(cls, target: str) -> Device:
        """The device of a target such as `agx` or `agx:tensorrt-fp16`.

        Raises:
            UsageError: no such name can be, it would be taken for this host's, or no kit measures the runtime.
        """
        if not _NAME.fullmatch(target.partition(":")[0]):
            raise UsageError(
                f"{target!r} names no device that could be measured. Give lower-case letters, digits and hyphens, and "
                "the runtime where it is not onnxruntime: agx, my-board, agx:tensorrt-fp16."
            )
        name, backend = split_target(target)
        if name.split("-")[0] in ("cpu", "gpu"):
            raise UsageError(f"{name} may not name another device: cpu and gpu are this host's. Choose another name.")
        if BACKENDS[backend].kit is None:
            known = ", ".join(name for name, each in BACKENDS.items() if each.kit)
            raise UsageError(f"{target} cannot be measured: there are kits for {known}. Name one of them.")
        return cls(name, backend)

    @property
    def target(self) -> str:
        """Its shortest name as a target."""
        return target_name(self.name, self.backend)

    @property
    def runtime(self) -> str:
        return BACKENDS[self.backend].runtime

    @property
    def precision(self) -> str:
        return BACKENDS[self.backend].precision

    @property
    def recipe(self) -> KitRecipe:
        """How a kit measures it."""
        recipe = BACKENDS[self.backend].kit
        assert recipe is not None
        return recipe


def device_path(device: Device, family: Family, threads: int) -> Path:
    """Where the profile of a device is kept: by its name, runtime, threads and family."""
    key = repr((threads, sorted(to_plain(family).items())))
    return home() / "profiles" / f"{_stem(device)}{hashlib.sha256(key.encode()).hexdigest()[:12]}.yaml"


def keep_device_profile(device: Device, profile: Profile) -> Path:
    """Write a measured profile where `device_profile` finds it; where that fails, a warning says so."""
    path = device_path(device, profile.family, profile.threads)
    keep(profile, path)
    return path


def device_profile(target: str, teacher: TrackerSpec, threads: int = 1) -> Profile | None:
    """The profile measured on a device for the family of `teacher`; None where there is none.

    Raises:
        UsageError: as `Device.of`.
        FileError: the kept file is damaged, or holds another profile.
    """
    device, family = Device.of(target), Family.of(teacher)
    path = device_path(device, family, threads)
    if not os.path.lexists(path):
        return None
    found = load_profile(path, advice=_advice(device.target))
    if (found.target, found.family, found.threads) != (device.target, family, threads):
        raise FileError(
            f"{path} is not the profile of {device.target} that its name promises: it is one of {found.target} with "
            f"{found.threads} threads, or of other trackers. {_advice(device.target)}"
        )
    return found


def device_profiles() -> list[tuple[Path, Profile]]:
    """All profiles kept of other devices, with their files; see `damaged_profiles` for the others."""
    return [(path, found) for path, found in _kept() if isinstance(found, Profile)]


def damaged_profiles(device: Device | None = None) -> dict[Path, FileError]:
    """What is wrong with each file that should hold a profile of `device`, or of any other device than this host."""
    stem = "" if device is None else _stem(device)
    return {path: found for path, found in _kept() if isinstance(found, FileError) and path.name.startswith(stem)}


def _kept() -> Iterator[tuple[Path, Profile | FileError]]:
    for path in sorted((home() / "profiles").glob("*.yaml")):
        if not is_of_this_host(path):
            try:
                yield path, load_profile(path, advice=_advice("the device"))
            except FileError as error:
                yield path, error


def _stem(device: Device) -> str:
    return f"{device.name}-{device.runtime}-{device.precision}-"


def _advice(name: str) -> str:
    return f"Measure {name} again with `compress profile`, or remove the file."
