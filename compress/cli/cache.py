"""`compress cache`: what is kept between runs, and freeing it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import click

from compress.cli.number_types import Number
from compress.cli.options import json_option, print_json
from compress.core.byte_sizes import shown_bytes
from compress.core.ranges import GIGABYTES
from compress.core.store import KINDS, REMADE, Entry, Store


@click.command()
@click.option("--kind", "kinds", type=click.Choice(KINDS), multiple=True, help="Only this kind, each entry by itself.")
@click.option("--prune", is_flag=True, help="Remove entries, those that were not used for longest first.")
@click.option("--keep", type=Number(GIGABYTES), metavar="GB", help="With --prune: stop when so much is left.")
@json_option
def command(kinds: tuple[str, ...], prune: bool, keep: float | None, as_json: bool) -> None:
    """Show what is kept under COMPRESS_HOME between runs: how much, and when it was last used.

    Pools of pairs, students, scores, teachers and fingerprints of data are made anew when they are needed and gone;
    --prune removes them all, or down to --keep. By itself their store stays below COMPRESS_CACHE_GB (20 by default).
    Imported weights, profiles and kits are removed only where --kind names them. What a running search uses is never
    removed.
    """
    from compress.core import UsageError

    if keep is not None and not prune:
        raise UsageError("--keep says how much --prune leaves. Give both, or COMPRESS_CACHE_GB for a lasting bound.")
    store = Store()
    removed = store.prune(to_bytes=(keep or 0) * 1e9, kinds=kinds or REMADE) if prune else []
    entries = store.entries(kinds or KINDS)
    if as_json:
        print_json(_plain(store, entries, removed if prune else None))
        return
    if prune:
        click.echo(f"Removed {_counted(removed)}.{_left(entries, kinds or REMADE)}")
    _print(store, entries, kinds)


def _plain(store: Store, entries: Sequence[Entry], removed: Sequence[Entry] | None) -> dict[str, Any]:
    about: dict[str, Any] = {"home": store.root, "bound_bytes": store.max_bytes, "bounded_kinds": list(REMADE)}
    about["kinds"] = [_row(kind, mine) for kind, mine in _by_kind(entries).items()]
    about["entries"] = [_entry(entry) for entry in entries]
    return about if removed is None else about | {"removed": [_entry(entry) for entry in removed]}


def _row(kind: str, entries: Sequence[Entry]) -> dict[str, Any]:
    total = sum(entry.bytes for entry in entries)
    return {"kind": kind, "entries": len(entries), "bytes": total, "last_used": _when(entries[-1])}


def _entry(entry: Entry) -> dict[str, Any]:
    about = {"kind": entry.kind, "key": entry.key, "file": entry.path, "bytes": entry.bytes}
    return about | {"last_used": _when(entry), "in_use": entry.in_use}


def _print(store: Store, entries: Sequence[Entry], kinds: Sequence[str]) -> None:
    for kind, mine in _by_kind(entries).items():
        click.echo(f"{kind:13}  {_counted(mine)}, last used {_when(mine[-1])}")
        for entry in mine if kinds else ():
            click.echo(f"  {entry.path.name}  {shown_bytes(entry.bytes)}, {_when(entry)}{', in use' * entry.in_use}")
    bounded = sum(entry.bytes for entry in entries if entry.kind in REMADE)
    click.echo(f"{store.root}: {_counted(entries)}.")
    if not kinds:
        click.echo(f"{shown_bytes(bounded)} of them can be made anew, of at most {shown_bytes(store.max_bytes)}.")


def _by_kind(entries: Sequence[Entry]) -> dict[str, list[Entry]]:
    return {kind: found for kind in KINDS if (found := [entry for entry in entries if entry.kind == kind])}


def _left(entries: Sequence[Entry], kinds: Sequence[str]) -> str:
    used = sum(entry.in_use and entry.kind in kinds for entry in entries)
    return f" {used} in use {'is' if used == 1 else 'are'} left." if used else ""


def _counted(entries: Sequence[Entry]) -> str:
    plural = "y" if len(entries) == 1 else "ies"
    return f"{len(entries)} entr{plural}, {shown_bytes(sum(entry.bytes for entry in entries))}"


def _when(entry: Entry) -> str:
    return datetime.fromtimestamp(entry.last_used, tz=UTC).astimezone().isoformat(" ", "minutes")
