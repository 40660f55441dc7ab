"""What worker processes may use."""

from __future__ import annotations

import pytest

from compress.core import CompressError, Registry
from compress.driver.executors.resources import WorkerShare, _gpus, divided
from compress.driver.executors.worker_process import WorkerServer


def test_a_registration_by_the_script_itself_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Registry, "outside_modules", lambda: ["__main__"])
    with pytest.raises(CompressError, match="--executor inline"):
        WorkerServer()


def test_cores_are_divided_without_oversubscription() -> None:
    assert divided(2, (0, 1)) == (WorkerShare(1), WorkerShare(1))
    assert divided(2, (2, 3, 6, 7, 9)) == (WorkerShare(2, (2, 3)), WorkerShare(2, (6, 7)))
    assert divided(4, (0, 1)) == (WorkerShare(1),) * 4
    assert [share.gpu for share in divided(3, (0, 1, 2), ("0", "GPU-7"))] == ["0", "GPU-7", "0"]
    assert divided(1, (0, 1), ("3",))[0].environment == {
        "OMP_NUM_THREADS": "2",
        "MKL_NUM_THREADS": "2",
        "OPENBLAS_NUM_THREADS": "2",
        "NUMEXPR_NUM_THREADS": "2",
        "CUDA_VISIBLE_DEVICES": "3",
    }


def test_gpus_that_are_visible_are_those_of_the_search(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("torch.cuda.device_count", lambda: 2)
    assert _gpus("auto", {}) == ("0", "1")
    assert _gpus("cuda", {"CUDA_VISIBLE_DEVICES": "2, GPU-5"}) == ("2", "GPU-5")
    assert _gpus("cpu", {}) == ()
