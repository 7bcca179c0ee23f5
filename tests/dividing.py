"""How two processes divide the tests of a whole run (pytest-xdist)."""

from typing import Final

from xdist.scheduler import LoadScopeScheduling

TOGETHER: Final = ("tests/chaos/", "tests/browser/")
"""Folders for one process: chaos runs need most of the machine each, browser tests share a Superset."""


class Divided(LoadScopeScheduling):  # type: ignore[misc]
    """Gives a process the next folder of TOGETHER or the next file, in the order of the tests.

    `--dist loadgroup` does nothing under pytest 9.2, and `loadfile` knows no folders.
    """

    def _split_scope(self, nodeid: str) -> str:
        return part_of(nodeid)


def part_of(nodeid: str) -> str:
    """What is run by one process: a folder or a file."""
    file = nodeid.split("::", 1)[0]
    return next((folder for folder in TOGETHER if file.startswith(folder)), file)
