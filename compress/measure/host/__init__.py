"""The machine at hand: what identifies it, and the state it is in."""

from compress.measure.host.conditions import board, conditions, gpu_name
from compress.measure.host.fingerprint import Host, host, runtime_name

__all__ = ["Host", "board", "conditions", "gpu_name", "host", "runtime_name"]
