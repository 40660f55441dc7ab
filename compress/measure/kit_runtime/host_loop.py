"""Times the empty frame loop, for kits whose networks another program times, and makes their weights.

This file travels in kits.
"""

from __future__ import annotations

import json
import os
import sys

from compress.measure.host import host
from compress.measure.kit_runtime.facts import board, conditions, gpu_name
from compress.measure.kit_runtime.loop import Loop
from compress.measure.kit_runtime.weights import make_weights
from compress.measure.timing import time_rounds


def main() -> None:
    """Make the weights; print the device, its conditions and the loop's times in ms, (rounds, timed), as JSON."""
    folder = os.path.dirname(os.path.abspath(__file__))
    with open(os.path.join(folder, "kit.json"), encoding="utf-8") as file:
        kit = json.load(file)
    make_weights(os.path.join(folder, kit["weights"]["file"]), kit["weights"]["bytes"])
    plan = kit["schedule"]
    calls = [Loop(kit["loop"], None)]
    times = time_rounds(calls, rounds=plan["rounds"], dropped=plan["dropped"], timed=plan["timed"])
    device = ", ".join(part for part in (board(), gpu_name(), str(host())) if part)
    loop = [[round(ms, 6) for ms in visit] for visit in times[0].tolist()]
    json.dump({"device": device, "conditions": conditions(), "loop": loop}, sys.stdout)


if __name__ == "__main__":
    main()
