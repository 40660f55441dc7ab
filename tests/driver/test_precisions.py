"""What of a space's precisions is searched on a target."""

from __future__ import annotations

import pytest

from compress.core import UsageError
from compress.driver.jobs import space_text
from compress.driver.precisions import space_on
from compress.driver.preparation import elastic_setup
from compress.driver.settings import SearchSettings
from compress.measure import Target, resolve_target
from compress.spaces import Scalar, Space


def _space(*precisions: Scalar) -> Space:
    return Space("mine", {"depth": (2, 4), **({"precision": precisions} if precisions else {})})


CPU = resolve_target("cpu")
INT8 = resolve_target("cpu:onnxruntime-int8")
ONE = resolve_target("cpu:pytorch")
ALL = ("fp32", "fp16", "int8")


@pytest.mark.parametrize(
    ("target", "offered", "left", "said"),
    [
        (CPU, (), None, ""),
        (CPU, ("fp32", "int8"), ("fp32", "int8"), ""),
        (CPU, ("int8",), ("int8",), ""),
        (CPU, ALL, ("fp32", "int8"), "precision fp16 is left out of the space: on cpu students run in fp32 or int8."),
        (CPU, ("fp32", "fp16"), None, "precision fp16 is left out of the space: on cpu students run in fp32 or int8."),
        (ONE, ("fp32", "int8"), None, "precision int8 is left out of the space: on cpu:pytorch students run in fp32."),
        (INT8, ("int8",), None, ""),
        (INT8, ("fp32", "int8"), None, ""),
        (INT8, ALL, None, "precision fp16 is left out of the space: on cpu:onnxruntime-int8 students run in int8."),
    ],
)
def test_what_a_target_runs_stays(target: Target, offered: tuple[str, ...], left: object, said: str) -> None:
    space, text = space_on(target, _space(*offered))
    assert space.knobs.get("precision") == left
    assert space.knobs["depth"] == (2, 4)
    assert said in text
    assert bool(text) == bool(said)


@pytest.mark.parametrize(("target", "offered"), [(CPU, ("fp16",)), (ONE, ("int8", "fp16")), (INT8, ("fp16",))])
def test_nothing_that_a_target_runs_is_refused(target: Target, offered: tuple[str, ...]) -> None:
    with pytest.raises(
        UsageError, match=rf"mine offers the precision {', '.join(offered)} alone, but on {target.name} "
    ):
        space_on(target, _space(*offered))


def test_layers_have_no_precision_of_their_own() -> None:
    space, text = space_on(CPU, _space("fp32", "int8"), layerwise=True)
    assert "precision" not in space.knobs
    assert "on cpu students put together of layers run in fp32" in text
    with pytest.raises(UsageError, match="offers the precision int8 alone"):
        space_on(CPU, _space("int8"), layerwise=True)


def test_shared_weights_know_no_precision() -> None:
    settings = SearchSettings(teacher="ostrack-nano")
    assert elastic_setup(settings, _space("fp32", "int8")) == elastic_setup(settings, _space())
    assert "depth" in elastic_setup(settings, _space("fp32")).space == space_text(_space())
