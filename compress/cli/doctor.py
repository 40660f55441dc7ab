"""`compress doctor`: what this machine can measure and what is missing."""

from __future__ import annotations

from dataclasses import asdict

import click

from compress.cli.options import json_option, print_json


@click.command()
@json_option
def command(as_json: bool) -> None:
    """Say what this machine can measure, what is missing, and how to get it.

    Packages, providers of onnxruntime, GPU, compiler, ssh, TensorRT's trtexec, the CPU's clock, what else runs now, and
    the profiles kept. Nothing is changed. What is marked with ! is missing or in the way, not an error: the exit code
    is 0.
    """
    from compress.measure.doctor import examine

    if as_json:
        print_json([asdict(finding) for finding in examine()])
        return
    for finding in examine():
        click.echo(f"{' ' if finding.ok else '!'} {finding.name}: {finding.found}")
        if finding.advice:
            click.echo(f"    {finding.advice}")
