"""Exported graphs made once in a run of tests: tracing a network takes seconds, and many tests need the same one."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from compress.core import TrackerSpec
from compress.export import bundle_graphs
from compress.models import Tracker
from compress.runtime.signatures import Form, default_form
from compress.testing.shared import Shared

Graphs = Callable[..., dict[str, bytes]]


def kept_graphs(shared: Shared) -> Graphs:
    """`bundle_graphs`, whose answers for the same spec, weights and form are kept in `shared`."""

    def graphs(model: Tracker, form: Form | None = None) -> dict[str, bytes]:
        form = form or default_form(model.spec)
        return shared.value(f"graphs-{_key(model, form)}", lambda: bundle_graphs(model, form))

    return graphs


def _key(model: Tracker, form: Form) -> str:
    found = hashlib.sha256(f"{form} {_spec(model.spec)}".encode())
    for name, value in sorted(model.state_dict().items()):
        found.update(name.encode() + value.detach().cpu().contiguous().numpy().tobytes())
    return found.hexdigest()[:20]


def _spec(spec: TrackerSpec) -> str:
    # Thresholds are constants of the graph where there is one, so the whole spec counts.
    return spec.to_json()
