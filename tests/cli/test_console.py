"""What reaches the terminal: any name, in any encoding, without control characters."""

from __future__ import annotations

import ast
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import click
import pytest

import compress
from compress.cli import console, main
from compress.cli.console import PrintableStream, ReaderLeft, printable_streams
from compress.cli.options import print_json

STRANGE = "caf\udce9\x1b[31m\u202e"


@pytest.mark.parametrize(
    "words",
    [
        ["describe", STRANGE],
        ["describe", f"./{STRANGE}"],
        ["spaces", STRANGE],
        ["spaces", f"./{STRANGE}.yaml"],
        ["report", STRANGE],
        ["verify", STRANGE],
        ["track", STRANGE, "--video", STRANGE, "--out", STRANGE],
        ["evaluate", f"{STRANGE}:v0"],
        ["evaluate", "ostrack-nano", "--data", STRANGE],
        ["evaluate", "ostrack-nano", "--data", f"folder:{STRANGE}"],
        ["evaluate", "ostrack-nano", "--weights", STRANGE],
        ["export", STRANGE, "--variant", STRANGE, "--out", "x"],
        ["latency", f"{STRANGE}:v1"],
        ["latency", "ostrack-nano", "--target", STRANGE],
        ["search", "--teacher", STRANGE],
        ["search", "--target", STRANGE],
        ["search", "--space", STRANGE],
        ["search", "--space", f"./{STRANGE}.yaml"],
        ["search", "--data", STRANGE],
        ["search", "--weights", STRANGE],
        ["search", "--images", STRANGE],
        ["search", "--sampler", STRANGE],
        ["search", "--device", STRANGE],
        ["search", "--fps-at", STRANGE],
        ["profile", "measure", "--target", STRANGE],
        ["profile", "measure", "--host", STRANGE, "--target", "agx"],
        ["profile", "measure", "--ssh-option", STRANGE, "--host", "a", "--target", "b"],
        ["profile", "kit", "--target", "agx", "--space", STRANGE, "--out", "k"],
        ["profile", "ingest", STRANGE],
        ["import-checkpoint", "ostrack-nano", STRANGE],
        ["train-teacher", STRANGE, "--out", STRANGE],
        ["train-teacher", "ostrack-nano", "--train-data", STRANGE, "--out", "t"],
        ["thresholds", STRANGE, "--variant", STRANGE, "--fps", "3"],
        ["cache", "--kind", STRANGE],
        ["doctor", STRANGE],
        ["describe", f"--{STRANGE}"],
        [STRANGE],
        ["search", "--weights", "two\nlines"],
        ["search", "--weights=two\nlines"],
    ],
    ids=lambda words: ascii(" ".join(words)),
)
def test_names_that_are_no_text_are_answered_in_one_printable_paragraph(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as caught:
        main(words)
    shown = capsys.readouterr()
    assert caught.value.code in (1, 2)
    assert (shown.out, list(tmp_path.iterdir())) == ("", [])
    assert shown.err.startswith("Error: ")
    assert "Unexpected" not in shown.err
    assert shown.err[:-1].isprintable()
    shown.err.encode()


_CALLS = [["describe", "dytrack"], ["targets"], ["--help"], ["describe", "hit-tiny", "--json"], ["describe", "犬é\x1b"]]
_SCRIPT = f"""
import sys
from compress.cli import main
codes = []
for words in {ascii(_CALLS)}:
    try:
        main(words)
    except SystemExit as stop:
        codes.append(stop.code)
assert codes == [0, 0, 0, 0, 2], codes
"""


_ENCODINGS = ("ascii:strict", "cp437", "ascii", "latin-1", "cp1252", "utf-16", "utf-8:strict")


def _check_output(shown: str, errors: str, encoding: str) -> None:
    assert "parameters" in shown
    assert "Exit codes:" in shown
    assert "\x1b" not in shown + errors
    assert errors.startswith("Error: Unknown teacher")
    assert ("犬" if encoding.startswith("utf") else "\\u72ac") in errors
    if encoding == "ascii":
        assert "GMACs" in shown


@pytest.mark.parametrize("encoding", _ENCODINGS)
def test_output_in_every_encoding(encoding: str, monkeypatch: pytest.MonkeyPatch) -> None:
    name, _, errors = encoding.partition(":")
    raw = {"stdout": io.BytesIO(), "stderr": io.BytesIO()}
    for stream, usual in (("stdout", "strict"), ("stderr", "backslashreplace")):  # as Python opens them
        text = io.TextIOWrapper(raw[stream], encoding=name, errors=errors if stream == "stdout" and errors else usual)
        monkeypatch.setattr(sys, stream, text)
    assert [_exit_code(words) for words in _CALLS] == [0, 0, 0, 0, 2]
    for stream in raw:
        getattr(sys, stream).flush()
    _check_output(raw["stdout"].getvalue().decode(name), raw["stderr"].getvalue().decode(name), name)


def _exit_code(words: list[str]) -> int | str | None:
    with pytest.raises(SystemExit) as stop:
        main(words)
    return stop.value.code


@pytest.mark.parametrize("encoding", ["C", *(pytest.param(each, marks=pytest.mark.slow) for each in _ENCODINGS)])
def test_output_of_a_process_in_every_encoding(encoding: str) -> None:
    more = {"PYTHONIOENCODING": encoding} if encoding != "C" else {"PYTHONCOERCECLOCALE": "0"}
    environment = os.environ | {"LC_ALL": "C", "PYTHONUTF8": "0"} | more
    done = subprocess.run([sys.executable, "-c", _SCRIPT], capture_output=True, env=environment)
    assert done.returncode == 0, done.stderr
    name = "ascii" if encoding == "C" else encoding.partition(":")[0]
    _check_output(done.stdout.decode(name), done.stderr.decode(name), name)


def test_every_character_of_this_package_has_a_plain_form() -> None:
    texts = [
        node.value
        for path in Path(compress.__file__).parent.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    used = {c for text in texts for c in text if not c.isascii() and c.isprintable()}
    assert {c for c in used if c not in console._PLAIN} <= {*"＝＋－＠⌈⌉⁹"}
    assert all(plain.isascii() for plain in console._PLAIN.values())


def test_json_gives_every_character_back(capsys: pytest.CaptureFixture[str]) -> None:
    value = {"name": "犬\x7f\x9b\u202e\U000e0041\u200b\n", "path": Path("caf\udce9")}
    with printable_streams([]):
        print_json(value)
    shown = capsys.readouterr().out
    assert all(c.isprintable() or c == "\n" for c in shown)
    assert json.loads(shown) == value | {"path": "caf\udce9"}


def test_json_in_an_encoding_that_lacks_characters(monkeypatch: pytest.MonkeyPatch) -> None:
    for encoding in ("ascii", "latin-1", "cp1252"):
        raw = io.BytesIO()
        monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding=encoding))
        with printable_streams([]):
            print_json({"name": "犬 é – ×"})
        assert json.loads(raw.getvalue()) == {"name": "犬 é – ×"}


class _Broken(io.StringIO):
    def __init__(self, error: OSError) -> None:
        super().__init__()
        self._error = error

    def write(self, text: str) -> int:
        raise self._error


def test_a_stderr_that_nobody_reads_stops_nothing() -> None:
    for error in (BrokenPipeError(), OSError(28, "full")):
        print("progress", file=PrintableStream(_Broken(error), lenient=True))  # type: ignore[arg-type]


def test_a_stdout_that_nobody_reads_ends_the_command() -> None:
    with pytest.raises(ReaderLeft):
        PrintableStream(_Broken(BrokenPipeError())).write("table")
    with pytest.raises(OSError, match="full"):
        PrintableStream(_Broken(OSError(28, "full"))).write("table")


def test_click_writes_through_the_stream(capsys: pytest.CaptureFixture[str]) -> None:
    with printable_streams(["--out", "a\nb"]):
        click.echo("in a\nb\x1b[31m")
        click.echo("line\n\tline\r", err=True)
    assert capsys.readouterr() == ("in a\\nb\n", "line\n\tline\\r\n")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("place", ["2>/dev/full", "2>&-", "<&-", "2>&- >&- <&-"])
def test_descriptors_that_cannot_be_used(place: str, tmp_path: Path) -> None:
    line = f"exec {sys.executable} -m compress describe nothing {place}"
    done = subprocess.run(["sh", "-c", line], cwd=tmp_path, capture_output=True)
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"Traceback" not in done.stderr
