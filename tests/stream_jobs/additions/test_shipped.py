"""The shipped files: what they say, that they fit the catalogue, and that they were only appended to."""

import shutil
import subprocess
from itertools import pairwise
from pathlib import Path

import pytest

from stream_jobs.additions import multiplier_rows, shipped_additions, with_additions
from stream_jobs.additions.appended import edits
from stream_jobs.additions.shipped import FOLDER
from stream_jobs.pricing.catalogue import catalogue_rows
from stream_jobs.pricing.checks import PlacedRow, problems_of

ADDITIONS = shipped_additions()
FILES = sorted(FOLDER.glob("*.yaml"))
_ROOT = Path(__file__).parents[3]


def test_the_shipped_multipliers() -> None:
    by_name: dict[str, set[int]] = {}
    for row in multiplier_rows(ADDITIONS):
        by_name.setdefault(row.note, set()).add(row.multiplier_milli)
    assert by_name == {
        "default": {1000},
        "GPT-4o": {2000},
        "GPT-4 Turbo": {1000},
        "GPT-3.5 Turbo": {300},
        "Claude 3.7 Sonnet": {2500},
        "Claude 3.5 Sonnet": {1000},
        "Claude 3 Haiku": {500},
        "Llama 3.3 70B": {1000},
        "DeepSeek V3": {1000},
    }
    assert len(multiplier_rows(ADDITIONS)) == 48


def test_they_fit_the_catalogue() -> None:
    """with_additions refuses a model that the catalogue does not have."""
    rows = with_additions(catalogue_rows(), ADDITIONS)
    assert problems_of([PlacedRow(f"{row.provider}/{row.model}", row) for row in rows]) == []
    names = {(row.provider, row.model): row.display_name for row in rows}
    assert names["openai", "gpt-4-turbo"] == "GPT-4 Turbo"
    catalogue = {(row.provider, row.model) for row in catalogue_rows()}
    assert {(one.provider, model) for one in ADDITIONS for model in one.models} <= catalogue


@pytest.mark.skipif(not shutil.which("git") or not (_ROOT / ".git").exists(), reason="the history is in git")
@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_every_version_of_a_file_was_appended_to(file: Path) -> None:
    path = file.relative_to(_ROOT).as_posix()
    commits = _git("log", "--reverse", "--format=%H", "--", path).split()
    versions = [_git("show", f"{commit}:{path}") for commit in commits]
    for older, newer in pairwise([*versions, file.read_text()]):
        assert edits(older, newer) == []


def _git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=_ROOT, check=True, capture_output=True, text=True).stdout
