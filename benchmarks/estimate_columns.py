"""Devices, runtimes and precisions that estimates are fitted for, and the coefficients that their figures determine."""

from __future__ import annotations

from dataclasses import dataclass

from compress.latency.estimated.profile import Borrowed

_ONE_WIDTH = (
    "all figures are of 768-wide layers, on which launches and multiply-accumulates rise together: a free fit of both "
    "gives 0 µs a launch under PyTorch and 39 µs under onnxruntime, where the slower Xavier NX has 13 µs for the same "
    "graphs"
)
_NO_LOOP = "no whole loop was published for it"
LIMITS = (
    "Nothing was timed on a device. The figures come from other people's code, timers, clocks, power modes and "
    "library versions, most of which are not stated; they are means, so nothing is known of percentiles or of single "
    "slow frames; and memory, heat and other work on the device do not enter."
)
_XAVIER = "512-core Volta GPU, 8-core Carmel CPU, LPDDR4x memory shared by both; power mode not stated"
_ORIN = (
    "16 GB module: 1024-core Ampere GPU, 8-core Cortex-A78AE CPU, LPDDR5 memory shared by both; power mode not stated"
)


@dataclass(frozen=True)
class Column:
    """One device, runtime and precision, and which coefficients its figures determine."""

    device: str
    runtime: str
    precision: str
    free: tuple[str, ...]
    borrowed: tuple[Borrowed, ...] = ()
    target: str = ""
    hardware: str = ""
    limits: str = ""

    @property
    def key(self) -> tuple[str, str, str]:
        return self.device, self.runtime, self.precision

    @property
    def stem(self) -> str:
        """The profile's file name."""
        return f"{self.target.split(':')[0]}-{self.runtime}-{self.precision}"


_LAUNCH, _MAC, _CALL, _LOOP = "launch_us", "ms_per_gmac", "call_ms", "loop_ms"
_PYTORCH_LOOP = "agx-pytorch-fp32"
COLUMNS = (
    Column(
        "Jetson AGX Xavier",
        "pytorch",
        "fp32",
        (_LAUNCH, _MAC, _LOOP),
        target="agx:pytorch",
        hardware=_XAVIER,
        limits="The three ABTracks are one architecture but were published at 53, 65 and 68 fps, so that no function "
        "of the architecture comes nearer than 13% to all of them; how many layers each skips is not stated either.",
    ),
    Column(
        "Jetson AGX Xavier",
        "onnxruntime",
        "fp32",
        (_LAUNCH, _MAC),
        (Borrowed(_LOOP, _PYTORCH_LOOP, "the loop runs on the same CPU; only one, rough, whole loop was published"),),
        target="agx",
        hardware=_XAVIER,
        limits="Four figures, one of them a user's, determine two coefficients. Adaptive trackers were never published "
        "here: what a decision on the host costs is assumed.",
    ),
    Column(
        "Jetson Orin NX",
        "pytorch",
        "fp32",
        (_MAC,),
        (Borrowed(_LAUNCH, _PYTORCH_LOOP, _ONE_WIDTH), Borrowed(_LOOP, _PYTORCH_LOOP, _NO_LOOP)),
        target="orin-nx:pytorch",
        hardware=_ORIN,
        limits="Only 768-wide trackers were published: narrow ones rest on the Xavier's cost of a launch.",
    ),
    Column(
        "Jetson Orin NX",
        "onnxruntime",
        "fp16",
        (_MAC, _CALL),
        (Borrowed(_LAUNCH, "agx-onnxruntime-fp32", _ONE_WIDTH), Borrowed(_LOOP, _PYTORCH_LOOP, _NO_LOOP)),
        target="orin-nx",
        hardware=_ORIN,
        limits="Only 768-wide trackers were published: narrow ones rest on the Xavier's cost of a launch. The cost of "
        "a call holds the timer's conversion of both inputs to fp16.",
    ),
    Column("Jetson Xavier NX", "pytorch", "fp32", (_LAUNCH, _MAC)),
    Column("Jetson Xavier NX", "onnxruntime", "fp16", (_MAC, _CALL), (Borrowed(_LAUNCH, "agx-onnxruntime-fp32", ""),)),
    Column("RTX 2080 Ti", "pytorch", "fp32", (_LAUNCH, _MAC)),
    Column("RTX 2080", "pytorch", "fp32", (_LAUNCH, _MAC)),
    Column("RTX 2080", "onnxruntime", "fp32", (_LAUNCH, _MAC)),
    Column("Quadro RTX 8000", "pytorch", "fp32", (_LAUNCH, _MAC, _LOOP)),
    Column("Titan X", "pytorch", "fp32", (_LAUNCH, _MAC, _LOOP)),
    Column("Core i9-9900K", "pytorch", "fp32", (_LAUNCH, _MAC)),
    Column("Core i9-9900K", "onnxruntime", "fp32", (_LAUNCH, _MAC)),
    Column("Xeon Gold 6230R", "pytorch", "fp32", (_LAUNCH, _MAC, _LOOP)),
    Column("Core i7-12700K", "pytorch", "fp32", (_MAC, _LOOP)),
)
