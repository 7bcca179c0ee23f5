"""The additions that are shipped: every file of the folder in, all items out."""

from pathlib import Path
from typing import Final

from stream_jobs.additions.addition import ANY_PROVIDER, Addition, read_additions

FOLDER: Final = Path(__file__).with_name("providers")


def shipped_additions() -> list[Addition]:
    """All items, those for any model first, then by file. Raises AdditionsRefused when a file cannot be right."""
    files = sorted(FOLDER.glob("*.yaml"), key=lambda file: (file.stem != ANY_PROVIDER, file.stem))
    return [one for file in files for one in read_additions(file.read_text(), file.name)]
