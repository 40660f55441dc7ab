"""Sessions of onnxruntime: the options that every graph is run with, in a bundle, in a timing and in a kit.

This module is shipped in kits: Python 3.8 and onnxruntime.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import onnxruntime

from compress.core.errors import CompressError, FileError
from compress.core.threads import check_threads

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

PROVIDERS = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider", "tensorrt": "TensorrtExecutionProvider"}
"""Of onnxruntime, by the names that commands take."""

CPU = PROVIDERS["cpu"]


def session_options(*, threads: int, alone: bool = True) -> Any:
    """All graph optimisations, one operator at a time.

    Args:
        threads: Within an operator.
        alone: False for one of several sessions that take turns within a frame. Their threads must not wait busily for
            more work, which keeps the cores from the next: with two threads on two busy cores, the stages of a nano
            tracker took 170 ms, and 8 ms with threads that sleep. Nor does each keep memory of its own, but takes
            what the one before has just given back, still in the cache (7.4 against 6.8 ms, one thread).

    Raises:
        UsageError: as `check_threads`, which warns of more than there are cores.
    """
    check_threads(threads)
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 4  # errors are raised, and need not also be printed
    # By its bytes alone onnxruntime would take a file for one in its own format, which no check of ONNX sees.
    options.add_session_config_entry("session.load_model_format", "ONNX")
    options.add_session_config_entry("session.intra_op.allow_spinning", str(int(alone)))
    options.enable_cpu_mem_arena = alone
    return options


def session(
    graph: Path | bytes | str, *, threads: int, alone: bool = True, provider: str = CPU
) -> onnxruntime.InferenceSession:
    """A session with `session_options`.

    Args:
        graph: A file, or what would be in it.
        provider: Of onnxruntime; what it has no kernel for runs on the CPU.

    Raises:
        FileError: onnxruntime cannot load the graph.
        CompressError: the provider does not start.
    """
    source = graph if isinstance(graph, bytes) else str(graph)
    options = session_options(threads=threads, alone=alone)
    try:
        opened = onnxruntime.InferenceSession(source, options, providers=list(dict.fromkeys([provider, CPU])))
    except Exception as error:  # onnxruntime's exceptions share no base of their own
        name = "The graph" if isinstance(graph, bytes) else f"The graph {graph}"
        raise FileError(f"{name} cannot be loaded by onnxruntime {onnxruntime.__version__}: {error}") from error
    if opened.get_providers()[0] != provider:
        raise CompressError(
            f"onnxruntime could not start {provider} and would run on {opened.get_providers()[0]}. "
            "Install the driver and libraries that it needs, or choose the CPU."
        )
    return opened


def run_session(session: onnxruntime.InferenceSession, feeds: Mapping[str, Any]) -> list[Any]:
    """All outputs of a graph, in order.

    Raises:
        CompressError: onnxruntime cannot run the graph with what it is given.
    """
    try:
        return session.run(None, feeds)
    except Exception as error:  # onnxruntime's exceptions share no base of their own
        raise CompressError(f"onnxruntime {onnxruntime.__version__} cannot run a graph: {error}") from error


def provider_of(wanted: str) -> str:
    """onnxruntime's name of one of `PROVIDERS`; `auto` takes CUDA where there is one.

    Raises:
        CompressError: onnxruntime does not have it here.
    """
    there = onnxruntime.get_available_providers()
    if wanted == "auto":
        wanted = "cuda" if PROVIDERS["cuda"] in there else "cpu"
    if PROVIDERS[wanted] not in there:
        raise CompressError(
            f"onnxruntime has no {PROVIDERS[wanted]} here, only {', '.join(there)}. Choose one of these."
        )
    return PROVIDERS[wanted]
