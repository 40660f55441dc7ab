"""The command line as a whole, each call in a process of its own: help, errors, exit codes, broken outputs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from importlib import import_module
from pathlib import Path

import pytest

from compress.cli import COMMANDS, main
from compress.core import TRACKERS, describe


def run(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "compress", *words]
    return subprocess.run(command, capture_output=True, text=True, env=os.environ | environment)


def raising(statement: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run `compress teachers` with a body that does `statement`."""
    code = f"""
        import click, errno, sys, compress.cli.teachers as t
        from compress import cli, core
        @click.command()
        def broken():
            {statement}
        t.command = broken
        cli.main(["teachers"])
    """
    words = [sys.executable, "-c", textwrap.dedent(code)]
    return subprocess.run(words, capture_output=True, text=True, env=os.environ | environment)


def test_help_names_every_command_and_exit_code() -> None:
    result = run("--help")
    assert result.returncode == 0
    assert all(f"\n  {name} " in result.stdout for name in COMMANDS)
    assert all(f"\n    {code} " in result.stdout for code in (0, 1, 2, 3, 130, 143))


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_there_and_has_help(name: str) -> None:
    command = import_module(f"compress.cli.{name.replace('-', '_')}").command
    assert command.help
    with pytest.raises(SystemExit) as caught:
        main([name, "--help"])
    assert caught.value.code == 0


def test_a_warning_is_one_paragraph_and_no_failure() -> None:
    result = raising("core.warn('cores are few.'); print('done', file=sys.stderr)", PYTHONWARNINGS="error")
    assert (result.returncode, result.stderr) == (0, "Warning: cores are few.\ndone\n")


def test_unknown_command_suggests() -> None:
    result = run("serch")
    assert result.returncode == 2
    assert result.stderr == "Error: Unknown command 'serch'. Did you mean search?\n"


def test_wrong_option() -> None:
    result = run("teachers", "--jsn")
    assert result.returncode == 2
    assert result.stderr.startswith("Error: No such option '--jsn'")
    assert "compress teachers --help" in result.stderr


def test_no_command_shows_help() -> None:
    result = run()
    assert result.returncode == 2
    assert result.stderr.startswith("Usage: compress")


@pytest.mark.parametrize(
    ("statement", "code", "message"),
    [
        ("raise core.UsageError('a b')", 2, "Error: a b\n"),
        ("raise core.FileError('a')", 1, "Error: a\n"),
        ("raise core.InfeasibleError('a')", 3, "Error: a\n"),
        ("raise core.InterruptedRun('Continue.')", 130, "Continue.\n"),
        ("raise KeyboardInterrupt", 130, "Interrupted.\n"),
        ("raise OSError(errno.ENOSPC, 'x', '/a/b')", 1, "Error: The disk is full: /a/b. Free some space"),
        ("raise OSError(errno.EROFS, 'x', '/a/b')", 1, "Error: The file system is read-only: /a/b. Choose"),
        ("raise PermissionError(errno.EACCES, 'x', '/a/b')", 1, "Error: Permission is missing: /a/b. Check"),
        ("open('/' + 'a' * 300)", 1, "Error: The name is too long for this file system: /aaa"),
        ("raise RuntimeError('two\\nlines')", 1, "Error: Unexpected RuntimeError: two lines. This is a fault"),
        ("raise core.UsageError('a\\x1b[31mb')", 2, "Error: a\\x1b[31mb\n"),
        ("raise MemoryError", 1, "Error: Memory ran out. Close"),
        ("raise RuntimeError('DefaultCPUAllocator: can\\'t allocate memory')", 1, "Error: Memory ran out. Close"),
        (
            "open('/dev/null', 'w').write('caf\\udce9')",
            1,
            "Error: A name with bytes that are no UTF-8 text",
        ),
        ("raise BrokenPipeError(errno.EPIPE, 'Broken pipe')", 1, "Error: A pipe was closed by its reader. Start"),
        ("click.echo('a\\x1b[31m\\u202eb', err=True)", 0, "a\\x1b[31m\\u202eb\n"),
        ("import warnings; warnings.warn('\\x1b[2J')", 0, "<string>"),
        ("sys.exit(5)", 5, ""),
        ("click.get_current_context().exit(3)", 3, ""),
    ],
)
def test_errors_become_one_paragraph_and_a_code(statement: str, code: int, message: str) -> None:
    result = raising(statement)
    assert result.returncode == code
    shown = result.stderr.lstrip("\n")  # click ends the line that shows ^C
    assert shown.startswith(message) if message else shown == ""
    assert "Traceback" not in result.stderr


def test_debug_shows_the_traceback() -> None:
    result = raising("raise RuntimeError('x')", COMPRESS_DEBUG="1")
    assert result.returncode == 1
    assert "Traceback" in result.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_behind_stdout() -> None:
    with open("/dev/full", "w") as full:
        words = [sys.executable, "-m", "compress", "teachers"]
        result = subprocess.run(words, stdout=full, stderr=subprocess.PIPE, text=True)
    assert result.returncode == 1
    assert result.stderr.startswith("Error: The disk is full.")
    assert "Exception ignored" not in result.stderr


def test_a_reader_that_leaves() -> None:
    read, write = os.pipe()
    os.close(read)
    words = [sys.executable, "-m", "compress", "describe", "ostrack256", "--json"]
    result = subprocess.run(words, stdout=write, stderr=subprocess.PIPE, text=True)
    os.close(write)
    assert (result.returncode, result.stderr) == (1, "")


def test_closed_outputs() -> None:
    for words in ("teachers", "describe none"):
        line = f"{sys.executable} -m compress {words} >&- 2>&-"
        assert subprocess.run(["sh", "-c", line]).returncode == (2 if "none" in words else 0)


def test_teachers() -> None:
    rows = json.loads(run("teachers", "--json").stdout)
    assert [row["name"] for row in rows] == TRACKERS.names()
    assert "ostrack-nano" in run("teachers").stdout


def test_describe_round_trips_through_a_file(tmp_path: Path) -> None:
    shown = run("describe", "litetrack-b4", "--json").stdout
    path = tmp_path / "spec.json"
    path.write_text(shown)
    again = json.loads(run("describe", str(path), "--json").stdout)
    assert again == json.loads(shown) | {"name": str(path)}
    assert again["id"] == describe("litetrack-b4").id
    path.write_text(describe("litetrack-b4").to_json())
    assert json.loads(run("describe", str(path), "--json").stdout) == again


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "is not a JSON file"),
        ("[" * 100_000, "is not a JSON file"),
        ("[]", "must be an object but is a list"),
        ('{"dim": 8}', "spec.heads is missing"),
        ('{"dim": 8, "heads": 3, "layers": []}', "dim 8 is not a multiple of heads 3"),
        (" " * 2_000_000, "larger than any JSON file"),
        ("\udcff", "is not a JSON file"),
    ],
)
def test_describe_a_damaged_file(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "spec.json"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    result = run("describe", str(path))
    assert (result.returncode, result.stdout) == (1, "")
    assert message in result.stderr


def test_describe_what_is_not_there() -> None:
    assert run("describe", "ostrack-nanp").returncode == 2
    assert run("describe", "none.json").returncode == 1


def test_spaces(tmp_path: Path) -> None:
    rows = json.loads(run("spaces", "--json").stdout)
    assert "ostrack" in [row["name"] for row in rows]
    assert json.loads(run("spaces", "ostrack", "--teacher", "litetrack-b4", "--json").stdout)["knobs"]["depth"][-1] == 4
    path = tmp_path / "mine.yaml"
    path.write_text("knobs:\n  depth: [x]\n  dept: 2\n")
    result = run("spaces", str(path))
    assert result.returncode == 1
    assert "2 mistakes" in result.stderr
    assert "line 2: " in result.stderr
    assert "line 3: " in result.stderr


def test_a_working_directory_that_is_gone_is_said_in_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    with pytest.raises(SystemExit) as stop:
        main(["targets"])
    assert stop.value.code == 1
    assert "is gone. Change to one that is there" in capsys.readouterr().err
