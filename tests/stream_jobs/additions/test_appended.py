"""Two versions of a file of additions: appending passes, anything else is named."""

import pytest

from stream_jobs.additions.appended import edits

OLDER = """
provider: acme
additions:
  - {name: Big, multiplier: 2, models: [big]}
  - {name: Small, multiplier: 1, models: [small]}
"""


def test_new_items_and_comments_pass() -> None:
    newer = f"# reviewed{OLDER}  - {{name: Big, multiplier: 3, from: 2026-05-01, models: [big]}}\n"
    assert edits(OLDER, newer) == []


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("multiplier: 2", "multiplier: 3", "item 1 (Big) was edited"),
        ("[small]", "[small, tiny]", "item 2 (Small) was edited"),
        ("  - {name: Small, multiplier: 1, models: [small]}\n", "", "item 2 (Small) was dropped"),
        ("provider: acme", "provider: other", "the provider 'acme' was renamed"),
    ],
)
def test_what_is_no_append(old: str, new: str, problem: str) -> None:
    (found,) = edits(OLDER, OLDER.replace(old, new))
    assert found.startswith(problem)
