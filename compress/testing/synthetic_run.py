"""A run directory as a search leaves it: a real Optuna study in SQLite, the figures invented for the test."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from compress.archive import (
    STUDY,
    Improvement,
    Lineage,
    Plan,
    PriorAccuracy,
    Record,
    storage_url,
    store_measured,
    store_record,
    store_status,
    store_teacher,
    variant_name,
)
from compress.core import Accuracy, BypassSpec, ExecutionPath, ExitSpec, Latency, LayerSpec, TrackerSpec, describe

CONFIG = """\
teacher: ostrack-nano
target: cpu
speedup: 2.0
data: generated
trials: 40
seed: 0
space: ostrack
sampler: tpe
"""


def accuracy(ao: float, se: float = 0.02) -> Accuracy:
    return Accuracy(ao, ao - 0.01, se, min(1.0, ao + 0.1), ao / 2, ao - 0.02, ao + 0.05, ao + 0.08, 24, 1440)


def latency(ms: float, provenance: Any = "predicted") -> Latency:
    return Latency(ms, ms * 0.98, ms * 1.05, ms * 1.3, ms * 0.8, provenance, 300, 20, 1, "onnxruntime 1.31", "host-1")


def spec(depth: int, hidden: int = 512, interaction: int = 0) -> TrackerSpec:
    nano = describe("ostrack-nano")
    split = depth - interaction
    layers = tuple(
        LayerSpec(i * 12 // depth, hidden, "joint" if not interaction else "FE" if i < split else "AI")
        for i in range(depth)
    )
    return replace(nano, layers=layers)


def record(number: int, depth: int, ms: float, ao: float | None, **changes: Any) -> Record:
    base = Record(
        variant=variant_name(number),
        number=number,
        spec=spec(depth, 256 + 8 * number, depth // 3),
        status="done",
        fidelity="full",
        accuracy=None if ao is None else accuracy(ao),
        predicted=latency(ms),
        params=200_000 * depth,
        macs=20_000_000 * depth,
        macs_per_frame=15_000_000 * depth,
        rungs=({"fidelity": "rung-0", "ao_seq": 0.3, "steps": 0, "seconds": 1.5},),
    )
    return replace(base, **changes)


def adaptive_latency(ms: float, worst_ms: float, provenance: Any = "predicted") -> Latency:
    return replace(latency(ms, provenance), worst_ms=worst_ms, p99_ms=1.1 * worst_ms)


def with_exits(number: int = 10, **changes: Any) -> Record:
    """Six layers, exits after two and six: three of four frames leave early, so 3 layers on average."""
    exits = (ExitSpec(2), ExitSpec(6))
    base = record(number, 6, 0.75, 0.61, predicted=adaptive_latency(0.75, 1.2), paths={_EARLY: 30, _LATE: 10})
    return replace(base, **({"spec": replace(spec(6), exits=exits)} | changes))


def with_bypass(number: int = 11, **changes: Any) -> Record:
    """Four layers, two of which may be skipped, never scored."""
    base = record(number, 4, 0.70, None, predicted=adaptive_latency(0.70, 0.90), status="running", rungs=())
    return replace(base, **({"spec": replace(spec(4), bypass=BypassSpec(n_enf=2))} | changes))


def planned(number: int, depth: int, ms: float, ao: float, **changes: Any) -> Record:
    """As a plan holds it: estimated, never trained."""
    timed = replace(latency(ms, "estimated"), p50_ms=ms, p90_ms=ms, p99_ms=ms, runs=0, warmup=0, threads=0)
    timed = replace(timed, runtime="onnxruntime fp32", device="Jetson AGX Xavier")
    prior = PriorAccuracy("GOT-10k AO", ao, ao - 0.04, ao + 0.03, 0.71, "litetrack, Table IV")
    base = record(number, depth, ms, None, fidelity="prior", predicted=timed, prior=prior, rungs=())
    return replace(base, **changes)


def planned_teacher() -> Record:
    own = PriorAccuracy("GOT-10k AO", 0.71, 0.71, 0.71, 0.71, "litetrack, Table IV")
    return planned(-1, 12, 51.0, 0.71, variant="teacher", prior=own, is_teacher=True)


def plan_facts(**changes: Any) -> Plan:
    commands = ("compress profile measure --target agx", "compress search --plan here")
    basis, notes = "4 published speeds", ("Mind this.",)
    facts = Plan("full", 554400, False, 6000, 3000, 900, basis, 0.046, 0.104, "Nothing was timed.", notes, commands)
    return replace(facts, **changes)


def finetuned(parent: Record, **changes: Any) -> Record:
    """A variant that `parent` was trained on to: better on validation data, within noise on what the search scored."""
    gain = Improvement("validation sequences of generated", 0.021, 0.004, 28, 0.62, 0.60)
    lineage = Lineage(
        parent.variant, "3fa29c00", 2000, "default", 0, "folder:/data/train", "1f", "2e",
        replace(gain, mean=0.004), gain,
        {"teacher": latency(1.9, "measured"), parent.variant: latency(0.81, "measured")}, 12.5,
    )  # fmt: skip
    found = replace(parent, variant=f"{parent.variant}-3fa29c", number=-1, fidelity="finetuned", lineage=lineage)
    return replace(found, measured=latency(0.80, "measured"), **changes)


_EARLY, _LATE = ExecutionPath(frozenset(), 0), ExecutionPath(frozenset(), 1)


def teacher() -> Record:
    nano = describe("ostrack-nano")
    return Record(
        "teacher", -1, nano, "done", "", "full", accuracy(0.65), latency(1.84), latency(1.86, "measured"), 2_560_000,
        240_000_000, 180_000_000, (), True,
    )  # fmt: skip


RECORDS = (
    record(0, 4, 0.62, 0.50),
    record(1, 6, 0.78, 0.60),
    record(2, 6, 0.80, 0.55),
    record(3, 7, 0.90, 0.62),
    record(4, 7, 0.91, 0.64),
    record(5, 10, 1.50, None, status="rejected", reason="predicted 1.50 ms against a bound of 0.93 ms"),
    record(6, 5, 0.70, 0.41, fidelity="rung-0"),
    record(7, 5, 0.72, 0.48, fidelity="rung-1"),
    record(8, 3, 0.50, None, status="failed", reason="loss became <b>NaN</b>"),
)


def write_synthetic_run(folder: Path, records: tuple[Record, ...] = RECORDS, config: str = CONFIG) -> Path:
    """Write a run: v004 misses the bound when re-measured, v001 and v000 meet it."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.yaml").write_text(config, encoding="utf-8")
    storage = optuna.storages.RDBStorage(storage_url(folder))
    study = optuna.create_study(study_name=STUDY, storage=storage, directions=["minimize", "maximize"])
    store_teacher(study, teacher())
    for each in records:
        trial = study.ask()
        store_record(trial, each)
        values = (each.latency.mean_ms, each.accuracy.ao) if each.latency and each.accuracy else None
        state = {"rejected": "PRUNED", "failed": "FAIL"}.get(each.status, "COMPLETE")
        study.tell(trial, values if state == "COMPLETE" else None, state=optuna.trial.TrialState[state])
    for variant, ms in (("v000", 0.63), ("v001", 0.76), ("v004", 0.95)):
        if any(each.variant == variant for each in records):
            store_measured(study, variant, latency(ms, "measured"))
    if any(each.variant == "v002" for each in records):
        store_status(study, "v002", "duplicate", "same as v001")
    storage.remove_session()
    storage.engine.dispose()
    return folder
