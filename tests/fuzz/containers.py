"""Binary files made hostile by their structure: ONNX graphs, zip archives, safetensors, SQLite databases, pictures."""

from __future__ import annotations

import io
import json
import pickletools
import sqlite3
import struct
import zipfile
import zlib
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from random import Random
from typing import Any

from tests.fuzz.values import ESCAPE, NUMBERS, TEXTS, Raw, dumped, hostile, mutated

Change = Callable[[bytes, Random], bytes]
_INTEGERS = (0, 1, -1, 2, 7, 2**16, 2**31 - 1, -(2**31), 2**40, 2**62, 2**63 - 1)


def safetensors_file(data: bytes, rng: Random) -> bytes:
    """The header's JSON changed, also that within its metadata; or its length; or values that are no numbers."""
    size = struct.unpack("<Q", data[:8])[0]
    header, body = json.loads(data[8 : 8 + size]), data[8 + size :]
    kind = rng.randrange(10)
    if kind == 0:
        return rng.choice((0, 1, size - 1, size + 1, 2**31, 2**63, 2**64 - 1)).to_bytes(8, "little") + data[8:]
    if kind == 1:
        spot, values = rng.randrange(len(body)) // 4 * 4, (b"\0\0\xc0\x7f", b"\0\0\x80\x7f", b"\xff\xff\x7f\x7f")
        return data[: 8 + size] + body[:spot] + rng.choice(values) * rng.choice((1, 100)) + body[spot + 4 :]
    within = [name for name, text in (header.get("__metadata__") or {}).items() if text[:1] in ("{", "[")]
    if within and kind < 5:
        name = rng.choice(within)
        header["__metadata__"][name] = dumped(mutated(json.loads(header["__metadata__"][name]), rng))
        text = json.dumps(header)
    else:
        text = dumped(_other_tensors(header, rng) if kind < 8 else mutated(header, rng))
    made = text.encode("utf-8", "surrogatepass")
    return len(made).to_bytes(8, "little") + made + body


def _other_tensors(header: dict[str, Any], rng: Random) -> dict[str, Any]:
    name = rng.choice([name for name in header if name != "__metadata__"])
    about = header[name]
    start, end = about["data_offsets"]
    types = ("F64", "F16", "BF16", "I8", "U8", "BOOL", "I64", "F8_E4M3", "C64", "F4", "U16", "x")
    shapes: tuple[list[int], ...] = (
        [],
        [0],
        [2**40],
        [-1],
        [2**32, 2**32],
        [1] * 70,
        [end - start, 0],
        about["shape"][::-1],
    )
    changes: tuple[dict[str, Any], ...] = (
        {"dtype": rng.choice(types)},
        {"shape": rng.choice(shapes)},
        {"data_offsets": rng.choice(([end, start], [0, 2**63], [start, start], [0, 0], [-4, end], [start]))},
        {"dtype": "U8", "shape": [end - start]},
        {"dtype": "F64", "shape": [(end - start) // 8]},
    )
    return header | {name: about | rng.choice(changes)}


def zip_file(data: bytes, rng: Random) -> bytes:
    """Another archive of nearly the same entries: the pickle's words, names, sizes, compression, a bomb."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        entries = [[each.filename, archive.read(each)] for each in archive.infolist()]
    how = zipfile.ZIP_DEFLATED if rng.random() < 0.15 else zipfile.ZIP_STORED
    rng.choice((_other_pickle, _other_pickle, _other_pickle, _other_entry, _other_data))(entries, rng)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", how) as archive:
        for name, content in entries:
            with suppress(UnicodeEncodeError, ValueError), warnings_ignored():
                archive.writestr(name, content)
    return _other_directory(out.getvalue(), rng)


def _other_pickle(entries: list[list[Any]], rng: Random) -> None:
    entry = next(each for each in entries if each[0].endswith(".pkl"))
    entry[1] = pickled(entry[1], rng)


def pickled(data: bytes, rng: Random) -> bytes:
    """A pickle with another word, number or opcode."""
    with suppress(ValueError):
        found = list(pickletools.genops(data))
        kind = rng.randrange(5)
        ends = [*(place or 0 for _, _, place in found[1:]), len(data)]
        i = rng.randrange(len(found))
        code, value, place = found[i]
        start, end = place or 0, ends[i]
        if kind == 0:
            globals_ = [i for i, each in enumerate(found) if each[0].name == "GLOBAL"]
            start, end = (found[j := rng.choice(globals_)][2] or 0, ends[j]) if globals_ else (start, end)
            return data[:start] + b"c" + rng.choice(_GLOBALS) + data[end:]
        if kind == 1 and isinstance(value, int) and not isinstance(value, bool):
            made = rng.choice((0, 1, 255, 2**31 - 1, -(2**31)))
            return data[:start] + b"J" + struct.pack("<i", made) + data[end:]
        if kind == 2 and isinstance(value, str) and "UNICODE" in code.name:
            text = rng.choice((*TEXTS, value + "x", "cuda:0", "meta")).encode("utf-8", "surrogatepass")
            return data[:start] + b"X" + struct.pack("<I", len(text)) + text + data[end:]
        other = rng.choice(
            (data[start:end] * rng.choice((0, 2, 1000)), rng.choice((b"(", b"R", b"}", b"N", b"0", b".")))
        )
        return data[:start] + other + data[end:]
    return data[: len(data) // 2]


_GLOBALS = tuple(
    text.encode() + b"\n"
    for text in (
        "os\nsystem", "builtins\neval", "builtins\nexec", "posix\nsystem", "subprocess\nPopen", "torch\nDoubleStorage",
        "torch\nload", "torch._utils\n_rebuild_sparse_tensor", "torch._utils\n_rebuild_qtensor", "collections\nCounter",
        "torch._utils\n_rebuild_meta_tensor_no_storage", "torch\nfloat8_e4m3fn", "torch\ncomplex64",
        "torch\nboolStorage",
        "numpy\nndarray", "numpy._core.multiarray\n_reconstruct", "torch.nn.modules.linear\nLinear", "x\ny", "\n",
        "torch._utils\n_rebuild_parameter", "torch._utils\n_rebuild_wrapper_subclass", "builtins\nbytearray",
        "_codecs\nencode",
    )
)  # fmt: skip


def _other_entry(entries: list[list[Any]], rng: Random) -> None:
    entry = rng.choice(entries)
    kind = rng.randrange(5)
    if kind == 0:
        entries.remove(entry)
    elif kind == 1:
        entries.append([entry[0], rng.choice((entry[1][::-1], b"", b"x" * 1000))])
    elif kind == 2:
        entry[0] = rng.choice((f"../../{ESCAPE}", f"/tmp/{ESCAPE}", "x", entry[0].upper(), "a\0b", entry[0] + "/"))
    elif kind == 3:
        entry[1] = rng.choice((entry[1][: len(entry[1]) // 2], entry[1] * 3, b""))
    else:
        entries.extend([f"archive/more/{i}", b""] for i in range(rng.choice((10, 20_000))))


def _other_data(entries: list[list[Any]], rng: Random) -> None:
    entry = rng.choice([each for each in entries if "/data/" in each[0]] or entries)
    numbers = (b"\0\0\xc0\x7f", b"\0\0\x80\x7f", b"\xff\xff\x7f\x7f", b"\xff\xff\xff\xff")
    entry[1] = rng.choice((rng.choice(numbers) * (len(entry[1]) // 4), entry[1][:4], bytes(200_000_000)))


def _other_directory(data: bytes, rng: Random) -> bytes:
    """Sizes, offsets and counts of the archive's directory, now and then."""
    if rng.random() < 0.8:
        return data
    found, marks = bytearray(data), (b"PK\x01\x02", b"PK\x03\x04", b"PK\x05\x06", b"PK\x06\x06")
    spots = [i for mark in marks if (i := data.rfind(mark, 0, rng.randrange(4, len(data)))) >= 0] or [0]
    at = rng.choice(spots) + rng.randrange(4, 46)
    found[at : at + 4] = rng.choice((b"\xff\xff\xff\xff", b"\0\0\0\0", b"\xff\xff\xff\x7f", rng.randbytes(4)))
    return bytes(found)


class warnings_ignored:
    """Names that occur twice, which `zipfile` warns of, are meant."""

    def __enter__(self) -> None:
        import warnings

        self._caught = warnings.catch_warnings()
        self._caught.__enter__()
        warnings.simplefilter("ignore")

    def __exit__(self, *error: Any) -> None:
        self._caught.__exit__(*error)


def onnx_graph(data: bytes, rng: Random) -> bytes:
    """A graph with other nodes, shapes, weights or versions, or nodes that ask for memory or time without end."""
    import onnx

    model = onnx.ModelProto.FromString(data)
    for _ in range(rng.choice((1, 1, 2))):
        rng.choice((_any_field, _any_field, _any_field, _external, _greedy))(model, rng)
    made: bytes = model.SerializeToString()
    return made


def _any_field(model: Any, rng: Random) -> None:
    message = model
    while True:
        inner = [(f, v) for f, v in message.ListFields() if f.type == f.TYPE_MESSAGE]
        if not inner or (message is not model and rng.random() < 0.35):
            break
        field, value = rng.choice(inner)
        try:
            message = rng.choice(list(value))
        except TypeError:
            message = value
    fields = message.ListFields()
    if fields:
        field, value = rng.choice(fields)
        _set(message, field, value, rng)


def _set(message: Any, field: Any, value: Any, rng: Random) -> None:
    made = _field_value(field, value, rng)
    if hasattr(value, "extend"):
        items = list(value)
        kind = rng.randrange(4)
        del value[:]
        if kind == 0 and made is not None:
            items[rng.randrange(len(items))] = made
        elif kind == 1:
            items = items[1:]
        elif kind == 2:
            items = items * rng.choice((2, 30))
        else:
            rng.shuffle(items)
        value.extend(items)
    elif made is None:
        message.ClearField(field.name)
    else:
        with suppress(ValueError):  # no enumerator
            setattr(message, field.name, made)


def _field_value(field: Any, value: Any, rng: Random) -> Any:
    if field.type == field.TYPE_MESSAGE:
        return None
    if field.type == field.TYPE_STRING:
        own = [text for text in TEXTS if "\ud800" not in text]
        return rng.choice((*own, "Loop", "ConstantOfShape", "Expand", "com.microsoft"))
    if field.type == field.TYPE_BYTES:
        given = value if isinstance(value, bytes) else b"x"
        return rng.choice((b"", given[: len(given) // 2], given * 2, b"\0\0\xc0\x7f" * (len(given) // 4)))
    if field.type in (field.TYPE_FLOAT, field.TYPE_DOUBLE):
        return rng.choice((float("nan"), float("inf"), 0.0, -1e38))
    return rng.choice([i for i in _INTEGERS if -(2**31) <= i < 2**31] if field.cpp_type in (1, 8) else _INTEGERS)


def _external(model: Any, rng: Random) -> None:
    """Weights that are said to lie in another file."""
    if not model.graph.initializer:
        return
    tensor = rng.choice(list(model.graph.initializer))
    tensor.ClearField("raw_data")
    tensor.data_location = 1
    del tensor.external_data[:]
    places = (ESCAPE, f"../../{ESCAPE}", "/dev/zero", "/etc/passwd", "weights.bin", "")
    for key, value in (("location", rng.choice(places)), ("offset", "0"), ("length", str(rng.choice(_INTEGERS)))):
        tensor.external_data.add(key=key, value=value)


def _greedy(model: Any, rng: Random) -> None:
    """A node in front of an output that fills memory, or never ends."""
    from onnx import TensorProto, helper

    graph = model.graph
    name = rng.choice(list(graph.output)).name
    size = rng.choice((10**6, 2 * 10**9, 2**40, 2**62))
    shape = helper.make_tensor("fuzz_shape", TensorProto.INT64, [1], [size])
    zero = helper.make_tensor("value", TensorProto.FLOAT, [1], [0.0])
    made = [helper.make_node("ConstantOfShape", ["fuzz_shape"], ["fuzz_many"], value=zero)]
    if rng.random() < 0.5:
        value = helper.make_tensor_value_info
        body = helper.make_graph(
            [helper.make_node("Identity", ["fuzz_c"], ["fuzz_d"]), helper.make_node("Add", ["fuzz_a", "fuzz_a"],
            ["fuzz_b"])],
            "body",
            [value("fuzz_i", 7, []), value("fuzz_c", 9, []), value("fuzz_a", 1, [1])],
            [value("fuzz_d", 9, []), value("fuzz_b", 1, [1])],
        )  # fmt: skip
        start = helper.make_tensor("fuzz_start", TensorProto.FLOAT, [1], [1.0])
        go = helper.make_tensor("fuzz_go", TensorProto.BOOL, [], [True])
        graph.initializer.extend([start, go])
        made = [helper.make_node("Loop", ["", "fuzz_go", "fuzz_start"], ["fuzz_many"], body=body)]
    made.append(helper.make_node("ReduceMax", ["fuzz_many"], ["fuzz_one"], keepdims=0))
    for node in graph.node:
        for i, output in enumerate(node.output):
            if output == name:
                node.output[i] = "fuzz_before"
    graph.initializer.append(shape)
    graph.node.extend([*made, helper.make_node("Add", ["fuzz_before", "fuzz_one"], [name])])


def database(path: Path, rng: Random) -> None:
    """A database with other rows, values, tables, views, triggers or settings."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection, suppress(sqlite3.Error, UnicodeError):
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        full = [name for name in tables if connection.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0]]
        for _ in range(rng.choice((1, 1, 2))):
            kind = rng.randrange(20)
            if kind < 10:
                _other_json(connection, [name for name in full if name.endswith("_attributes")], rng)
            elif kind < 15:
                _other_cell(connection, rng.choice(full), rng)
            elif kind < 17:
                connection.execute(f'DELETE FROM "{rng.choice(full)}" WHERE rowid % 2 = {rng.randrange(3)}')
            else:
                _other_schema(connection, rng.choice(tables), rng)


def _other_json(connection: sqlite3.Connection, tables: list[str], rng: Random) -> None:
    table = rng.choice(tables)
    row, text = rng.choice(connection.execute(f'SELECT rowid, value_json FROM "{table}"').fetchall())
    made = dumped(mutated(json.loads(text), rng)).encode("utf-8", "surrogatepass")
    connection.execute(f'UPDATE "{table}" SET value_json = CAST(? AS TEXT) WHERE rowid = ?', (made, row))


def _other_cell(connection: sqlite3.Connection, table: str, rng: Random) -> None:
    columns = [each[1] for each in connection.execute(f'PRAGMA table_info("{table}")')]
    row = rng.choice(connection.execute(f'SELECT rowid FROM "{table}"').fetchall())[0]
    values = [
        each for each in (*NUMBERS, *TEXTS, None, b"\xff\x00", "COMPLETE", "x" * 10**6) if not isinstance(each, Raw)
    ]
    value = rng.choice([v for v in values if not isinstance(v, int) or abs(v) < 2**63])
    value = value.encode("utf-8", "surrogatepass") if isinstance(value, str) else value
    cast = "CAST(? AS TEXT)" if isinstance(value, bytes) and rng.random() < 0.8 else "?"
    connection.execute(f'UPDATE "{table}" SET "{rng.choice(columns)}" = {cast} WHERE rowid = ?', (value, row))


def _other_schema(connection: sqlite3.Connection, table: str, rng: Random) -> None:
    endless = (
        "WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t) SELECT n AS study_id, n AS study_name FROM t"
    )
    statements = (
        [f'DROP TABLE "{table}"'],
        [f'ALTER TABLE "{table}" RENAME TO old', f'CREATE VIEW "{table}" AS SELECT * FROM old'],
        [f'ALTER TABLE "{table}" RENAME TO old', f'CREATE VIEW "{table}" AS {endless}'],
        [f'ALTER TABLE "{table}" RENAME TO old', f'CREATE VIEW "{table}" AS SELECT * FROM "{table}"'],
        [f'CREATE TRIGGER t AFTER INSERT ON "{table}" BEGIN DELETE FROM "{table}"; END'],
        [f'ALTER TABLE "{table}" RENAME TO old', f'CREATE TABLE "{table}" AS SELECT * FROM old'],
        ["PRAGMA user_version = 99"],
        ["PRAGMA writable_schema = 1", "UPDATE sqlite_master SET sql = 'CREATE TABLE x' WHERE rowid = 1"],
        [f'UPDATE "{rng.choice(("version_info", "alembic_version"))}" SET rowid = 7'],
        ["UPDATE alembic_version SET version_num = 'v9.9.9.a'"],
        [f'INSERT INTO "{table}" SELECT * FROM "{table}"'],
    )  # fmt: skip
    for statement in rng.choice(statements):
        connection.execute(statement)


def picture(data: bytes, rng: Random) -> bytes:
    """Other dimensions, depths and tags in the header of a picture or film; of a PNG with sums that fit."""
    if data[:4] == b"\x89PNG" and rng.random() < 0.6:
        header = bytearray(data[16:29])
        at = rng.choice((0, 4, 8, 9, 12))
        sizes = (0, 1, 65_000, 30_000, 2**31 - 1, 2**32 - 1)
        header[at : at + 4 if at < 8 else at + 1] = (
            rng.choice(sizes).to_bytes(4, "big") if at < 8 else bytes([rng.choice((0, 1, 2, 3, 4, 6, 16, 255))])
        )
        return data[:16] + bytes(header) + zlib.crc32(b"IHDR" + header).to_bytes(4, "big") + data[33:]
    if data[:2] == b"\xff\xd8" and rng.random() < 0.6:
        at = max(data.find(b"\xff\xc0"), data.find(b"\xff\xc2"))
        spot, side = at + rng.choice((5, 7)), rng.choice((0, 1, 30_000, 65_535))
        return data[:spot] + side.to_bytes(2, "big") + data[spot + 2 :] if at > 0 else data
    from tests.fuzz.texts import byte_changes

    return byte_changes(data, rng)


__all__ = [
    "database", "hostile", "onnx_graph", "pickled", "picture", "safetensors_file", "warnings_ignored", "zip_file"
]  # fmt: skip
