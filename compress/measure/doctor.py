"""What this machine can measure, and what it lacks."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

import numpy as np

from compress.measure.backends import host_backends
from compress.measure.host import conditions, host
from compress.measure.host_profiles import kept_profiles
from compress.measure.remote_profiles import damaged_profiles, device_profiles
from compress.measure.timing import LIMIT, NOISY, drift, spread, time_rounds

_STOP = "Stop what else runs here."
_PACKAGES = ("torch", "onnxruntime", "onnx", "opencv-python-headless", "optuna", "ray", "timm")


@dataclass(frozen=True)
class Finding:
    """One thing that was examined.

    Attributes:
        ok: False where something is missing or in the way; `advice` then says what to do.
    """

    name: str
    found: str
    ok: bool = True
    advice: str = ""


def examine() -> Iterator[Finding]:
    """All findings; the last ones take about two seconds."""
    yield Finding("host", f"{host()} ({host().id})")
    yield Finding("python", f"{platform.python_version()} on {platform.platform(terse=True)}")
    yield from map(_package, _PACKAGES)
    yield _providers()
    yield _cuda()
    yield _command("g++", ("g++", "c++", "clang++"), "cpu:pytorch-compiled needs a C++ compiler; nothing else does.")
    yield _targets()
    yield _command(
        "ssh",
        ("ssh",),
        "`compress profile measure --host` needs OpenSSH's client; kits do without.",
    )
    yield _command("trtexec", ("trtexec",), "Kits for TensorRT need it, on the device; it comes with TensorRT.")
    yield _governor()
    yield _load()
    yield calm()
    yield _profiles()
    for path, error in damaged_profiles().items():
        yield Finding("damaged profile", str(path), False, str(error))


def calm(calls: list[Callable[[], object]] | None = None) -> Finding:
    """How noisy the machine is now, by the spread and drift for which times are measured again."""
    times = time_rounds(calls or _small_work(), rounds=20)
    apart, change = spread(times), drift(times)
    found = f"halves of the rounds {apart:.1%} apart, drift {change:+.1%}, in a short trial"
    if max(apart, abs(change)) > LIMIT:
        return Finding("noise", found, False, f"A profile is measured twice, and its errors given wider. {_STOP}")
    if apart > NOISY:
        return Finding("noise", found, False, f"Above {NOISY:.0%} a profile's errors are given wider. {_STOP}")
    return Finding("noise", found)


def _small_work() -> list[Callable[[], object]]:
    rng = np.random.default_rng(0)
    pairs = [(rng.standard_normal((n, 128)), rng.standard_normal((128, n))) for n in (64, 128, 192, 256)]
    return [lambda a=a, b=b: [a @ b for _ in range(10)] for a, b in pairs]  # type: ignore[misc]


def _package(name: str) -> Finding:
    try:
        return Finding(name, version(name))
    except PackageNotFoundError:
        return Finding(name, "not installed as such", False, f"pip install {name}, unless a variant of it is there.")


def _providers() -> Finding:
    import onnxruntime

    there = onnxruntime.get_available_providers()
    return Finding("onnxruntime providers", ", ".join(there))


def _cuda() -> Finding:
    import torch

    if torch.cuda.is_available():
        return Finding("torch CUDA", torch.cuda.get_device_name(0))
    return Finding("torch CUDA", "no GPU", False, "Training runs on the CPU. With a GPU, install torch's CUDA build.")


def _targets() -> Finding:
    missing = {name: backend.missing() for name, backend in host_backends().items()}
    without: dict[str, list[str]] = {}
    for name, words in missing.items():
        if words:
            without.setdefault(words, []).append(name)
    advice = " ".join(f"{', '.join(sorted(names))}: {words}." for words, names in sorted(without.items()))
    found = ", ".join(name for name, words in missing.items() if not words)
    return Finding("targets of this host", found, not advice, advice)


def _command(name: str, words: tuple[str, ...], advice: str) -> Finding:
    path = next((found for found in map(shutil.which, words) if found), None)
    if path is None:
        return Finding(name, "not found", False, advice)
    if name != "ssh":
        return Finding(name, path)
    try:
        done = subprocess.run([path, "-V"], capture_output=True, text=True, errors="replace", timeout=10)
    except (OSError, subprocess.TimeoutExpired) as error:
        return Finding(name, f"{path} does not answer ({error})", False, advice)
    return Finding(name, f"{path} ({done.stderr.strip()[:200]})")


def _governor() -> Finding:
    facts = conditions()
    found = ", ".join(filter(None, [facts["governor"], facts["cpu_mhz"] and f"{facts['cpu_mhz']} MHz"]))
    if facts["governor"] in ("", "performance"):
        return Finding("CPU clock", found or "this system does not say")
    advice = "The clock follows the load, so times vary. `cpupower frequency-set -g performance` holds it; on a Jetson"
    return Finding("CPU clock", found, False, f"{advice} set `nvpmodel` and run `jetson_clocks`.")


def _load() -> Finding:
    load, cores = os.getloadavg()[0], host().cores
    busy = load > 0.5 * cores
    advice = "Other programs keep the cores busy. Stop them before measuring." if busy else ""
    return Finding("load", f"{load:.1f} on {cores} cores", not busy, advice)


def _profiles() -> Finding:
    every = [profile for _, profile in (*kept_profiles(), *device_profiles())]
    kept = [f"{p.target} (width {p.family.dim}, threads {p.threads})" for p in every]
    advice = "" if kept else "A search or `compress latency` measures this host when needed, `compress profile` others."
    return Finding("profiles kept", ", ".join(kept) or "none", True, advice)
