"""`python -m compress.data.index_worker JOB`: indexes a part of a source for the process that has started it."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from compress.core import CompressError
from compress.core.worker_environment import noted_warnings
from compress.data.index_file import write_index
from compress.data.index_store import keep_warned, part_of_index
from compress.data.opening import DataReference
from compress.data.recorded_source import RecordedSource


def _work(job: dict[str, Any]) -> None:
    source = DataReference(job["source"], "", job["module"]).open(check=False)
    assert isinstance(source, RecordedSource)
    with noted_warnings():  # about the listing, which the process that has started this one shows itself
        _ = source.files
    with noted_warnings() as texts:
        part = part_of_index(source, job["first"], job["stop"])
    keep_warned(Path(job["path"]), texts)
    write_index(part, Path(job["path"]))


if __name__ == "__main__":
    try:
        _work(json.loads(sys.argv[1]))
    except CompressError as error:
        sys.exit(str(error))
