import pytest

from compress.core import UsageError
from compress.measure import host, resolve_target, target_names


def test_cpu_is_this_host() -> None:
    target = resolve_target("cpu")
    assert target_names() == ["cpu"]
    assert target.device == str(host())
    assert target == resolve_target("cpu:onnxruntime-fp32")


@pytest.mark.parametrize(("name", "words"), [("cpi", "Did you mean cpu"), ("agx:tensorrt-fp16", "--target cpu")])
def test_other_names_are_refused_with_advice(name: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        resolve_target(name)
