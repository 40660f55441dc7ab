import subprocess
import sys

from compress.measure import host, runtime_name


def test_the_same_host_every_time() -> None:
    assert host() == host()
    assert host().id == host().id
    assert host().cores >= 1
    assert host().cpu


def test_the_same_host_in_another_process() -> None:
    code = "from compress.measure.host import host; print(host().id, host())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == f"{host().id} {host()}"


def test_the_runtime_carries_its_version() -> None:
    import onnxruntime

    assert runtime_name() == f"onnxruntime {onnxruntime.__version__}"
