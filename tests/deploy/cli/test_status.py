"""The line of `./tally status` about jobs adds up what all workers tell."""

import json
import os
from pathlib import Path

from deploy.cli.status import jobs_line
from deploy.local.told import Told


def told(folder: Path, **more: object) -> Told:
    (folder / "worker-0.json").write_text(json.dumps({"pid": os.getpid(), **more}))
    read = Told.read(folder, "worker-0", os.getpid())
    assert read is not None
    return read


def test_open_jobs_of_all_workers_are_one_line(tmp_path: Path) -> None:
    first = told(tmp_path, jobs={"open": 1, "slices_left": 1})
    assert jobs_line([first]) == "1 job of a log partition is open: 1 slice (a day of an organization each) left to do"
    second = told(tmp_path, jobs={"open": 2, "slices_left": 1400})
    assert jobs_line([first, second]).startswith("3 jobs of log partitions are open: 1,401 slices ")


def test_without_jobs_nothing_is_said(tmp_path: Path) -> None:
    assert jobs_line([told(tmp_path), told(tmp_path, jobs={"open": 0, "slices_left": 0})]) == ""
