"""What each worker process may use: cores divided without oversubscription, a GPU each where there are several."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

from compress.core import UsageError
from compress.core.ranges import AMOUNT
from compress.core.threads import usable_cores
from compress.core.worker_environment import THREAD_VARIABLES

_FLAG, _EXAMPLE = "--resources", "Example: cpu=2,gpu=0.5."
_VISIBLE = "CUDA_VISIBLE_DEVICES"
_WORKER_BYTES = 1_500_000_000
"""Of memory for each worker of a default number: PyTorch, a student's training, sequences that are kept."""


@dataclass(frozen=True)
class WorkerShare:
    """What one worker uses.

    Attributes:
        threads: Of PyTorch, OpenMP, MKL, OpenBLAS and OpenCV.
        cores: That it is bound to; empty where the system places it. A worker of one thread is not bound, as the system
            moves it off cores that others use.
        gpu: Its `CUDA_VISIBLE_DEVICES`; None leaves it as it is.
    """

    threads: int
    cores: tuple[int, ...] = ()
    gpu: str | None = None

    @property
    def environment(self) -> dict[str, str]:
        """Variables that libraries read when they are loaded or first used."""
        gpu = {} if self.gpu is None else {_VISIBLE: self.gpu}
        return {**dict.fromkeys(THREAD_VARIABLES, str(self.threads)), **gpu}

    def apply(self) -> None:
        """Set this process to its share."""
        import cv2
        import torch

        os.environ.update(self.environment)
        if self.cores:
            os.sched_setaffinity(0, self.cores)
        torch.set_num_threads(self.threads)
        cv2.setNumThreads(self.threads)


def parsed_resources(text: str) -> dict[str, float]:
    """What a job asks a cluster for: `cpu=2,gpu=0.5`, and resources that the cluster's nodes name, such as `big=1`.

    Raises:
        UsageError: another form; an amount out of range; parts of more than one GPU.
    """
    found: dict[str, float] = {}
    for part in text.split(","):
        name, _, amount = part.strip().partition("=")
        number = AMOUNT.read(amount.strip())
        if not name.isidentifier() or number is None or name in found:
            raise UsageError(f"{_FLAG} must be NAME=AMOUNT,… with {AMOUNT} each but is {text!r}. {_EXAMPLE}")
        if name == "gpu" and number > 1 and number != int(number):
            raise UsageError(f"{_FLAG} gpu={amount}: a job has a part of one GPU, or whole ones. {_EXAMPLE}")
        found[name] = number
    if "cpu" not in found:
        raise UsageError(f"{_FLAG} must say how many cores a job has but is {text!r}. {_EXAMPLE}")
    return found


def worker_shares(workers: int | None, device: str) -> tuple[WorkerShare, ...]:
    """Shares of `workers` processes, or of as many as this machine has use for.

    By default that is one for each GPU where jobs train on GPUs; else one for each core up to four, beyond that one for
    each four cores, and no more than memory allows.
    """
    gpus, cores = _gpus(device), usable_cores()
    count = workers or len(gpus) or _default(cores, os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    return divided(count, _core_numbers(), gpus)


def divided(workers: int, cores: tuple[int, ...], gpus: tuple[str, ...] = ()) -> tuple[WorkerShare, ...]:
    """Divide cores, by number, among workers; each gets at least one thread, and GPUs in turn."""
    each = max(1, len(cores) // workers)
    bound = each > 1
    return tuple(
        WorkerShare(each, cores[k * each : (k + 1) * each] if bound else (), gpus[k % len(gpus)] if gpus else None)
        for k in range(workers)
    )


def _default(cores: int, memory: int) -> int:
    wanted = cores if cores <= 4 else max(4, cores // 4)
    return max(1, min(wanted, memory // _WORKER_BYTES))


def _core_numbers() -> tuple[int, ...]:
    if hasattr(os, "sched_getaffinity"):
        return tuple(sorted(os.sched_getaffinity(0)))
    return ()


def _gpus(device: str, environment: Mapping[str, str] = os.environ) -> tuple[str, ...]:
    """What `CUDA_VISIBLE_DEVICES` calls the GPUs that jobs train on; none where they train on the processor."""
    import torch

    from compress.distill import pick_device

    if pick_device(device).type != "cuda":
        return ()
    named = [each.strip() for each in environment.get(_VISIBLE, "").split(",") if each.strip()]
    return tuple(named or map(str, range(torch.cuda.device_count())))
