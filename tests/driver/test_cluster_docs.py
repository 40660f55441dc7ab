"""The worked examples of the page on clusters are ones that Ray, bash and Slurm can read."""

from __future__ import annotations

import re
import shlex
import subprocess
from pathlib import Path

import pytest
import yaml

from compress.core.settings import settings_of
from compress.driver.settings import SearchSettings

PAGE = Path(__file__).resolve().parents[2] / "docs" / "cluster.md"


def _example(name: str) -> str:
    found = re.search(rf"<!-- {re.escape(name)} -->\n```\w+\n(.*?)```", PAGE.read_text(), re.S)
    assert found, name
    return found[1]


def test_the_cluster_file_is_yaml_of_hosts_and_commands() -> None:
    config = yaml.safe_load(_example("cluster.yaml"))
    assert config["provider"]["type"] == "local"
    assert len(config["provider"]["worker_ips"]) == config["min_workers"] == config["max_workers"]
    commands = [*config["setup_commands"], *config["head_start_ray_commands"], *config["worker_start_ray_commands"]]
    for command in commands:
        assert subprocess.run(["bash", "-n", "-c", command], check=False).returncode == 0
    starts = [command for command in commands if "ray start" in command]
    assert len(starts) == 2
    assert all("COMPRESS_HOME=/shared" in command for command in starts)


@pytest.mark.slow
def test_ray_accepts_the_cluster_file() -> None:
    from ray.autoscaler._private.util import prepare_config, validate_config

    validate_config(prepare_config(yaml.safe_load(_example("cluster.yaml"))))


def test_the_slurm_script_is_bash_with_directives_and_options_that_there_are() -> None:
    script = _example("search.sbatch")
    assert subprocess.run(["bash", "-n"], input=script, text=True, check=False).returncode == 0
    lines = script.splitlines()
    assert lines[0] == "#!/bin/bash"
    directives = [line for line in lines if line.startswith("#SBATCH")]
    assert all(re.fullmatch(r"#SBATCH --[a-z-]+(=\S+)?", line) for line in directives)
    assert lines[1 : 1 + len(directives)] == directives, "Slurm reads none after the first command"
    command = re.search(r"^compress search .*?(?<!\\)$", script, re.S | re.M)
    assert command
    given = {word for word in shlex.split(command[0].replace("\\\n", " ")) if word.startswith("--")}
    assert given <= {each.flag for each in settings_of(SearchSettings)} | {"--out"}
