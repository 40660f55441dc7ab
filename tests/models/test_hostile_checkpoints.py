"""Files that are no checkpoints, that lie, or that would take memory or time without bound: each refused in words."""

from __future__ import annotations

import gzip
import io
import json
import struct
import tarfile
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save, save_file
from torch import Tensor

from compress.core import FileError
from compress.models import build, load_weights, read_weights
from compress.testing.small_trackers import SPEC

_NET = {"a": torch.arange(4.0).view(2, 2), "b": torch.ones(3, dtype=torch.float16)}


def _saved(data: Any, **options: Any) -> bytes:
    buffer = io.BytesIO()
    torch.save(data, buffer, **options)
    return buffer.getvalue()


ZIP = _saved({"net": _NET})
LEGACY = _saved({"net": _NET}, _use_new_zipfile_serialization=False)
SAFE = save(_NET)


def _tar(content: bytes) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        member = tarfile.TarInfo("a.pth")
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def _zip(members: dict[str, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def _members(data: bytes = ZIP) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def _int(value: int) -> bytes:
    data = value.to_bytes(value.bit_length() // 8 + 1, "little", signed=True)
    return b"\x8a" + bytes([len(data)]) + data


def _text(value: str) -> bytes:
    return b"X" + struct.pack("<I", len(value)) + value.encode()


def _tensor(count: int = 4, offset: int = 0, shape: Any = (2, 2), stride: Any = (2, 1), key: str = "0") -> bytes:
    """The pickle of a float32 tensor, as `torch.save` writes it, whatever it claims."""
    shape, stride = (b"(" + b"".join(map(_int, each)) + b"t" for each in (shape, stride))
    storage = b"(" + _text("storage") + b"ctorch\nFloatStorage\n" + _text(key) + _text("cpu") + _int(count) + b"tQ"
    call = b"ctorch._utils\n_rebuild_tensor_v2\n("
    return call + storage + _int(offset) + shape + stride + b"\x89ccollections\nOrderedDict\n)RtR"


def _pickled(program: bytes) -> bytes:
    return _zip({"archive/data.pkl": b"\x80\x02" + program, "archive/data/0": torch.arange(4.0).numpy().tobytes()})


def _net(tensor: bytes) -> bytes:
    return _pickled(b"}" + _text("net") + b"}" + _text("a") + tensor + b"ss.")


def _header(header: Any, data: bytes = bytes(8), length: int | None = None) -> bytes:
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + data


def _entry(**changes: Any) -> dict[str, Any]:
    return {"dtype": "F32", "shape": [2], "data_offsets": [0, 8], **changes}


_FILES = {
    "nothing": (b"", "It is empty"),
    "zeros": (bytes(5000), "holds zeros"),
    "web page": (b"\r\n<!DOCTYPE HTML><html>", "web page"),
    "answer of a store": (b"<?xml version='1.0'?><Error>", "web page"),
    "words of a server": (b"Too many users have viewed this file.\n", "It is a text"),
    "JSON": (b'{"err": {"a": 1}}', "It is a text"),
    "LFS pointer": (b"version https://git-lfs.github.com/spec/v1\noid sha256:ab\n", "git lfs pull"),
    "gzip": (gzip.compress(ZIP), "gzip. Unpack it"),
    "tar": (_tar(ZIP), "tar archive. Unpack it"),
    "7z": (b"7z\xbc\xaf\x27\x1c" + bytes(9), "7z archive. Unpack it"),
    "zip of a checkpoint": (_zip({"OSTrack.pth.tar": ZIP}), r"OSTrack.pth.tar\). Unpack it"),
    "zip of nothing": (b"PK\x05\x06" + bytes(18), "zip archive of other things"),
    "whole model": (_saved(torch.nn.Linear(2, 2)), "object of torch.nn.modules.linear.Linear"),
    "NumPy's arrays": (_saved({"net": {"a": _NET["a"].numpy()}}), "object of numpy.ndarray"),
    "optimiser only": (_saved({"optimizer": {"state": {}}}), "holds no weights"),
    "TorchScript": (_zip({"m/data.pkl": b"\x80\x02}.", "m/constants.pkl": b""}), "TorchScript"),
    "one name twice": (_saved({"net": {"a": _NET["a"], "module.a": _NET["a"]}}), "holds some weights twice"),
    "sparse": (_saved({"net": {"a": _NET["a"].to_sparse()}}), r"1 sparse \(a\)"),
    "meta": (_saved({"net": {"a": _NET["a"].to("meta")}}), r"1 without values \(meta\) \(a\)"),
    "quantised": (_net(_tensor().replace(b"_tensor_v2", b"_qtensor")), r"1 quantised \(a\)"),
    "view beyond its storage": (_net(_tensor(shape=(100, 100), stride=(100, 1))), "a reaches to element 10000 of"),
    "absurd offset": (_net(_tensor(offset=10**9)), "a reaches to element"),
    "stride below 0": (_net(_tensor(stride=(-1, 1))), "a shape that makes no sense"),
    "shape without end": (_net(_tensor(shape=(2**40, 2**40), stride=(0, 0))), "its tensors claim"),
    "integer of 400 digits": (_net(_tensor(shape=(10**400,), stride=(0,))), "a shape that makes no sense"),
    "storage of 4 TB": (_net(_tensor(count=10**12)), "its storages claim"),
    "storage elsewhere": (_net(_tensor(key="../../etc/passwd")), "passwd is missing"),
    "nested key": (_pickled(b"})" + b"\x85" * 20_000 + b"K\x01s."), "holds no weights"),
    "key that doubles": (_pickled(b"})" + b"2\x86" * 60 + b"K\x01s."), "holds no weights"),
    "nested dictionaries": (_pickled((b"}" + _text("net")) * 3_000 + b"K\x01" + b"s" * 3_000 + b"."), "no weights"),
    "dictionary in itself": (_pickled(b"}q\0" + _text("net") + b"h\0s."), "holds no weights"),
    "place far in the memo": (_pickled(b"K\x01r\xff\xff\xff\xff."), "holds no weights"),
    "text of 16 EB": (_pickled(b"\x8d" + struct.pack("<Q", 2**62) + b"a."), "claims more than 64 MiB"),
    "long decimal": (_pickled(b"L" + b"9" * 5000 + b"L\n."), "an integer of thousands of digits"),
    "call for 100 GB": (_pickled(b"ctorch\nTensor\n" + _int(10**11) + b"\x85R."), "an object of torch.Tensor"),
    "extension": (_pickled(b"\x82\x01."), "opcode EXT1"),
    "empty stack": (_pickled(b"00."), "makes no sense"),
    "member deflated to nothing": (_zip({**_members(), "x": bytes(40 << 20)}, zipfile.ZIP_DEFLATED), "members claim"),
    "end cut off": (ZIP[:-22], "missing or damaged"),
    "other method": (_zip(_members(), zipfile.ZIP_LZMA), "number 14"),
    "short member": (_zip({k: v[:8] if k.endswith("/0") else v for k, v in _members().items()}), "not of 16 bytes"),
    "flipped bit": (ZIP.replace(_NET["a"].numpy().tobytes(), bytes(16)), "CRC"),
    "byte order of neither": (_zip({**_members(), "archive/byteorder": b"middle"}), "neither little nor big"),
    "header of 8 EB": (_header({"a": _entry()}, length=2**63), "claims a header of 9223372036854775808 bytes"),
    "header cut": (_header({"a": _entry()}, length=5), "not a whole safetensors file"),
    "tensors overlap": (_header({"a": _entry(), "b": _entry()}), "not a whole safetensors file"),
    "out of the file": (_header({"a": _entry()}, b"1234"), "not a whole safetensors file"),
    "shape that lies": (_header({"a": _entry(shape=[2**40, 2**40])}), "not a whole safetensors file"),
    "unknown type": (_header({"a": _entry(dtype="Q4")}), "not a whole safetensors file"),
}


@pytest.mark.parametrize("name", _FILES)
def test_each_is_refused_in_words_and_takes_little(tmp_path: Path, name: str) -> None:
    content, words = _FILES[name]
    path = tmp_path / "OSTrack.pth.tar"
    path.write_bytes(content)
    tracemalloc.start()
    with pytest.raises(FileError, match=words) as caught:
        read_weights(path)
    taken = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    text = str(caught.value)
    assert str(path) in text
    assert "\n" not in text
    assert len(text) < 1200
    assert not any(advice in text for advice in ("weights_only", "safe_globals", "allowlist", "set_int_max"))
    assert taken < 2 * len(content) + (100 << 20)


def test_opcodes_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("compress.models.checkpoints.pickle_stream._MOST_OPCODES", 1000)
    (tmp_path / "a.pth").write_bytes(_pickled(b"]" * 2000 + b"."))
    with pytest.raises(FileError, match="more than 1000 opcodes"):
        read_weights(tmp_path / "a.pth")


@pytest.mark.parametrize("whole", [ZIP, LEGACY, SAFE], ids=["zip", "legacy", "safetensors"])
def test_cut_at_any_point(tmp_path: Path, whole: bytes) -> None:
    path = tmp_path / "a.pth"
    for end in range(0, len(whole), 29):
        path.write_bytes(whole[:end])
        with pytest.raises(FileError, match="no weights file|not a whole|torch.save did not write"):
            read_weights(path)


def _evil_names() -> bytes:
    members = {name.replace("archive/", "../../up/"): content for name, content in _members().items()}
    return _zip({**members, "/tmp/evil": b"x"})


def _big_endian() -> bytes:
    swapped = {"archive/byteorder": b"big", "archive/data/0": _NET["a"].numpy().byteswap().tobytes()}
    return _zip({**_members(), **swapped, "archive/data/1": _NET["b"].numpy().byteswap().tobytes()})


def _without_checksums() -> bytes:
    torch.serialization.set_crc32_options(False)
    try:
        return _saved({"net": _NET})
    finally:
        torch.serialization.set_crc32_options(True)


_WHOLE: dict[str, Callable[[], bytes]] = {
    "zip": lambda: ZIP,
    "legacy": lambda: LEGACY,
    "safetensors": lambda: SAFE,
    **{f"protocol {n}": lambda n=n: _saved({"net": _NET}, pickle_protocol=n) for n in (3, 4, 5)},  # type: ignore[misc]
    "legacy, protocol 4": lambda: _saved(_NET, pickle_protocol=4, _use_new_zipfile_serialization=False),
    "deflated": lambda: _zip(_members(), zipfile.ZIP_DEFLATED),
    "unpacked and packed again": lambda: _zip({name.split("/", 1)[1]: each for name, each in _members().items()}),
    "names outside": _evil_names,
    "big-endian": _big_endian,
    "without checksums": _without_checksums,
    "parameters": lambda: _saved({"net": {k: torch.nn.Parameter(v) for k, v in _NET.items()}}),
    "strided": lambda: _saved({"net": {"a": _NET["a"].t().contiguous().t(), "b": torch.ones(9).half()[::3]}}),
    "legacy with junk behind": lambda: LEGACY + b"junk",
    **{
        place: lambda place=place: _saved({place: _NET, "epoch": 3})  # type: ignore[misc]
        for place in ("state_dict", "model", "model_state_dict", "ema", "model_ema", "state_dict_ema")
    },
    "nested": lambda: _saved({"model": {"state_dict": _NET}}),
    "averages beside": lambda: _saved({"ema": {k: v * 0 for k, v in _NET.items()}, "net": _NET}),
    "what is no tensor": lambda: _saved({"net": {**_NET, "step": 3, "x": None}}),
}


@pytest.mark.parametrize("name", _WHOLE)
def test_whole_files_of_every_kind_are_read(tmp_path: Path, name: str) -> None:
    path = tmp_path / "a.pth"
    path.write_bytes(_WHOLE[name]())
    found = read_weights(path)
    assert found.keys() == _NET.keys()
    assert all(torch.equal(found[key], value) and found[key].dtype == value.dtype for key, value in _NET.items())
    assert [each.name for each in tmp_path.iterdir()] == ["a.pth"]


@pytest.mark.parametrize("content", [ZIP, SAFE], ids=["zip", "safetensors"])
def test_a_path_that_is_not_utf_8(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "caf\udce9.pth"
    path.write_bytes(content)
    assert read_weights(path).keys() == _NET.keys()


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
@pytest.mark.parametrize("prefix", ["module.", "_orig_mod.", "net.", "model.", "module._orig_mod.", "model.module."])
def test_prefixes_are_dropped_in_every_format(tmp_path: Path, prefix: str, suffix: str) -> None:
    state = {f"{prefix}{key}": value for key, value in _NET.items()}
    path = tmp_path / f"a{suffix}"
    (save_file if suffix == ".safetensors" else torch.save)(state, path)
    assert read_weights(path).keys() == _NET.keys()


def test_wrappers_within_and_in_front_of_some_names(tmp_path: Path) -> None:
    state = {"module.backbone._orig_mod.a": _NET["a"], "b": _NET["b"], "n_averaged": torch.tensor(3)}
    torch.save(state, tmp_path / "a.pth")
    assert read_weights(tmp_path / "a.pth").keys() == {"backbone.a", "b"}


@pytest.fixture(scope="module")
def good() -> dict[str, Tensor]:
    return {key: value.clone() for key, value in build(SPEC).state_dict().items()}


_ODD: dict[str, tuple[Callable[[Tensor], Tensor], str]] = {
    **{
        str(dtype): (lambda value, dtype=dtype: value.to(dtype), "instead of float32")  # type: ignore[misc]
        for dtype in (torch.int8, torch.int64, torch.bool, torch.complex64, torch.float8_e4m3fn)
    },
    "infinite in float32": (lambda value: value.double() + 1e300, "not finite"),
    "infinite in float16": (lambda value: (value + 7e4).half(), "not finite"),
    "NaN": (lambda value: value * float("nan"), "not finite"),
}


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
@pytest.mark.parametrize("name", _ODD)
def test_what_is_no_weight_is_refused_by_its_key(
    good: dict[str, Tensor], tmp_path: Path, name: str, suffix: str
) -> None:
    change, words = _ODD[name]
    key, path = "backbone.patch_embed.proj.bias", tmp_path / f"a{suffix}"
    state = {**good, key: change(good[key])}
    (save_file if suffix == ".safetensors" else torch.save)({k: v.contiguous() for k, v in state.items()}, path)
    model = build(SPEC)
    before = {k: v.clone() for k, v in model.state_dict().items()}
    with pytest.raises(FileError, match=f"{words}.*") as caught:
        load_weights(model, path)
    assert key in str(caught.value)
    torch.testing.assert_close(model.state_dict(), before, rtol=0, atol=0)


def test_counts_may_be_whole_floats_and_variances_not_negative(good: dict[str, Tensor], tmp_path: Path) -> None:
    path = tmp_path / "a.pth"
    torch.save({key: value.half() for key, value in good.items()}, path)
    load_weights(build(SPEC), path)
    count = next(key for key in good if key.endswith("num_batches_tracked"))
    torch.save({**good, count: torch.tensor(0.5)}, path)
    with pytest.raises(FileError, match=f"{count} is float32 instead of int64"):
        load_weights(build(SPEC), path)
    variance = next(key for key in good if key.endswith("running_var"))
    torch.save({**good, variance: good[variance] - 2}, path)
    with pytest.raises(FileError, match=rf"1 variances below 0 \({variance}\)"):
        load_weights(build(SPEC), path)


@pytest.mark.parametrize(
    ("extra", "words"),
    [
        ({"gamma_1": torch.ones(1 << 17), "attn.proj.weight": torch.ones(1, 1 << 17)}, "has the shape"),
        ({"gamma_1": torch.ones(24).to(torch.int8)}, "gamma_1 is int8"),
        ({"gamma_1": torch.ones(24), "attn.proj.weight": torch.ones(24, 24).to(torch.int8)}, "proj.weight is int8"),
    ],
)
def test_layouts_compute_with_weights_only(
    good: dict[str, Tensor], tmp_path: Path, extra: dict[str, Tensor], words: str
) -> None:
    """Factors that would be stretched to 64 GB, and integers that would come out as floats."""
    state = {**good, **{f"backbone.blocks.0.{key}": value for key, value in extra.items()}}
    torch.save(state, tmp_path / "a.pth")
    with pytest.raises(FileError, match=f"of LiteTrack, but incomplete or of another tracker .*{words}"):
        load_weights(build(SPEC), tmp_path / "a.pth")
