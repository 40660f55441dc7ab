"""`python -m compress.data.index_worker JOB`: indexes a part of a source for the process that has started it."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from compress.core import CompressError
from compress.data.index_file import write_index
from compress.data.index_store import part_of_index
from compress.data.opening import DataReference
from compress.data.recorded_source import RecordedSource


def _work(job: dict[str, Any]) -> None:
    source = DataReference(job["source"], "", job["module"]).open(check=False)
    assert isinstance(source, RecordedSource)
    write_index(part_of_index(source, job["first"], job["stop"]), Path(job["path"]))


if __name__ == "__main__":
    try:
        _work(json.loads(sys.argv[1]))
    except CompressError as error:
        sys.exit(str(error))
