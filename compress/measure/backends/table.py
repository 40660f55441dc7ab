"""`BACKENDS`, the registry of runtimes, and the names of targets: a device, and what is registered behind a colon."""

from __future__ import annotations

from compress.core import Registry, UsageError, unknown_name
from compress.measure.backends.backend import Backend
from compress.measure.backends.onnxruntime import OnnxRuntimeBackend
from compress.measure.backends.pytorch import PyTorchBackend
from compress.measure.backends.tensorrt import TensorRTBackend

BACKENDS: Registry[Backend] = Registry("runtime")
"""By the name that stands behind a device's: `pytorch` of `cpu:pytorch`, `tensorrt-fp16` of `agx:tensorrt-fp16`."""

USUAL = "onnxruntime"
"""What is meant where a target names no runtime: what export ships."""

CPU, GPU = "cpu", "gpu"

BACKENDS.register(USUAL, OnnxRuntimeBackend())
BACKENDS.register("onnxruntime-int8", OnnxRuntimeBackend("int8"))
BACKENDS.register("pytorch", PyTorchBackend())
BACKENDS.register("pytorch-compiled", PyTorchBackend(compiled=True))
BACKENDS.register("tensorrt-fp16", TensorRTBackend("fp16"))
BACKENDS.register("tensorrt-fp32", TensorRTBackend("fp32"))


def target_name(device: str, backend: str) -> str:
    """The shortest name of a device under a registered runtime."""
    return device if backend == USUAL else f"{device}:{backend}"


def split_target(target: str) -> tuple[str, str]:
    """The device and the registered runtime of a target's name or longer name, such as `cpu:onnxruntime-fp32`.

    Raises:
        UsageError: no such runtime, with close matches.
    """
    device, colon, runtime = target.partition(":")
    if not colon:
        return device, USUAL
    for name, backend in BACKENDS.items():
        if runtime in (name, f"{name}-{backend.precision}"):
            return device, name
    usual = next((name for name, backend in BACKENDS.items() if runtime == backend.runtime), None)
    if usual is None:
        raise unknown_name("runtime", runtime, BACKENDS)
    return device, usual


def host_backends() -> dict[str, Backend]:
    """What can time trackers in this process where nothing is missing, by the name of the target."""
    return {
        target_name(place, name): backend.at(place)
        for place in (CPU, GPU)
        for name, backend in BACKENDS.items()
        if place in backend.places
    }


def host_backend(target: str) -> Backend:
    """The runtime of one of `host_backends`.

    Raises:
        UsageError: it is none of them, with close matches.
    """
    found = host_backends()
    if target not in found:
        raise unknown_name("target of this host", target, found)
    return found[target]


def targets_by_precision(target: str) -> dict[str, str]:
    """The targets of this host that run the trackers of one, by precision: its own first, then what else there is.

    A tracker that asks for another precision than fp32 runs under the same runtime in that one. A runtime that is not
    in fp32 runs all trackers alike. The precisions are those of `Backend.precision`.

    Args:
        target: One of `host_backends`.
    """
    own, found = host_backend(target), {}
    if own.precision == "fp32":
        place = split_target(target)[0]
        same = {name: each for name, each in host_backends().items() if split_target(name)[0] == place}
        found = {each.precision: name for name, each in same.items() if each.runtime == own.runtime}
    return {own.precision: target} | {key: name for key, name in found.items() if key != own.precision}


def local_target(name: str) -> str | None:
    """The target of this host that a name or a longer name stands for; None where it is none of `host_backends`."""
    try:
        target = target_name(*split_target(name))
    except UsageError:
        return None
    return target if target in host_backends() else None
