"""Devices that were measured elsewhere: their names, and the profiles kept of them."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from compress.core import FileError, TrackerSpec, UsageError
from compress.core.files import home
from compress.core.plain import to_plain
from compress.latency import Family, Profile, load_profile, save_profile
from compress.measure.host_profiles import is_of_this_host

RuntimeName = Literal["onnxruntime", "tensorrt"]
_NAME = re.compile(
    r"(?P<device>[a-z0-9][a-z0-9-]{0,40})(:(?P<runtime>onnxruntime|tensorrt)(-(?P<precision>fp32|fp16|int8))?)?"
)
_PRECISIONS = {"onnxruntime": ("fp32", "int8"), "tensorrt": ("fp16", "fp32")}
"""That can be measured, by runtime; the first is meant where none is named."""


@dataclass(frozen=True)
class Device:
    """A device by the name its user gave it, with the runtime and precision it is measured under."""

    name: str
    runtime: RuntimeName = "onnxruntime"
    precision: str = "fp32"

    @classmethod
    def of(cls, target: str) -> Device:
        """The device of a target such as `agx` or `agx:tensorrt-fp16`.

        Raises:
            UsageError: no such name can be, it would be taken for this host's, or its runtime lacks the precision.
        """
        found = _NAME.fullmatch(target)
        if found is None:
            raise UsageError(
                f"{target!r} names no device that could be measured. Give lower-case letters, digits and hyphens, and "
                "the runtime where it is not onnxruntime: agx, my-board, agx:tensorrt-fp16."
            )
        name, runtime = found["device"], found["runtime"] or "onnxruntime"
        if name.split("-")[0] in ("cpu", "gpu"):
            raise UsageError(f"{name} may not name another device: cpu and gpu are this host's. Choose another name.")
        precision = found["precision"] or _PRECISIONS[runtime][0]
        if precision not in _PRECISIONS[runtime]:
            there = " and ".join(_PRECISIONS[runtime])
            raise UsageError(
                f"{target} cannot be measured: under {runtime} kits hold graphs for {there}. Name one of them."
            )
        return cls(name, "tensorrt" if runtime == "tensorrt" else "onnxruntime", precision)

    @property
    def target(self) -> str:
        """Its shortest name as a target."""
        plain = (self.runtime, self.precision) == ("onnxruntime", "fp32")
        return self.name if plain else f"{self.name}:{self.runtime}-{self.precision}"


def device_path(device: Device, family: Family, threads: int) -> Path:
    """Where the profile of a device is kept: by its name, runtime, threads and family."""
    key = repr((threads, sorted(to_plain(family).items())))
    stem = f"{device.name}-{device.runtime}-{device.precision}"
    return home() / "profiles" / f"{stem}-{hashlib.sha256(key.encode()).hexdigest()[:12]}.yaml"


def keep_device_profile(device: Device, profile: Profile) -> Path:
    """Write a measured profile where `device_profile` finds it."""
    path = device_path(device, profile.family, profile.threads)
    save_profile(profile, path)
    return path


def device_profile(target: str, teacher: TrackerSpec, threads: int = 1) -> Profile | None:
    """The profile measured on a device for the family of `teacher`; None where there is none.

    Raises:
        UsageError: as `Device.of`.
        FileError: the kept file is damaged.
    """
    path = device_path(Device.of(target), Family.of(teacher), threads)
    return load_profile(path) if path.is_file() else None


def device_profiles() -> list[tuple[Path, Profile]]:
    """All profiles kept of other devices, with their files; damaged ones are left out."""
    found = []
    for path in sorted((home() / "profiles").glob("*.yaml")):
        if not is_of_this_host(path):
            try:
                found.append((path, load_profile(path)))
            except FileError:
                continue
    return found
