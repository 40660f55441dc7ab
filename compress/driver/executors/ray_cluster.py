"""Joining a Ray cluster or starting one here, and how many jobs it has room for."""

from __future__ import annotations

import logging
import os
import signal
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import ray

from compress.core import CompressError
from compress.core.threads import usable_cores
from compress.core.worker_environment import import_paths

_ray: Any = ray  # much of it is not typed
_QUIET: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}


def connect(address: str, resources: Mapping[str, float], workers: int | None) -> None:
    """Join the cluster at `address`, or start one here that has room for `workers`.

    Raises:
        CompressError: there is none, or none can be started.
    """
    # Nothing is sent anywhere, nothing is printed, and results are written nowhere else than in the study.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_AIR_NEW_OUTPUT", "0")
    os.environ["TUNE_DISABLE_AUTO_CALLBACK_LOGGERS"] = "1"
    os.environ["TUNE_DISABLE_STRICT_METRIC_CHECKING"] = "1"
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    logging.getLogger("ray").setLevel(logging.ERROR)
    before = signal.getsignal(signal.SIGTERM)
    try:
        if address:
            ray.init(address=address, **_QUIET)
        else:
            cores = max(usable_cores(), int((workers or 1) * resources.get("cpu", 1)))
            environment = {"PYTHONPATH": import_paths()}
            # `local` starts one whatever runs on this machine already, which Ray would join by itself.
            options = {"include_dashboard": False, "runtime_env": {"env_vars": environment}}
            ray.init(address="local", num_cpus=cores, **options, **_QUIET)
    except (ConnectionError, RuntimeError, ValueError) as error:
        where = f"No Ray cluster answers at {address}" if address else "Ray does not start on this machine"
        raise CompressError(f"{where}: {error}. See docs/cluster.md, or use --executor local.") from error
    finally:
        with suppress(ValueError):  # not the main thread, where Ray sets none either
            signal.signal(signal.SIGTERM, before)


def default_resources() -> dict[str, float]:
    """Of each job: one core, and one GPU where there are any."""
    return {"cpu": 1.0} | ({"gpu": 1.0} if _ray.cluster_resources().get("GPU") else {})


def room(resources: Mapping[str, float]) -> int:
    """How many jobs the nodes that are alive take at once."""
    names = {"cpu": "CPU", "gpu": "GPU"}
    wanted = {names.get(name, name): amount for name, amount in resources.items() if amount}
    alive = [node["Resources"] for node in _ray.nodes() if node["Alive"]]
    return sum(min(int(node.get(name, 0) / amount + 1e-9) for name, amount in wanted.items()) for node in alive)
