"""How old a message can become, by the settings of its topic."""

from datetime import timedelta

import pytest

from stream_jobs.worker.log_age import LOOKED_FOR, longest

DAY_MS = 86_400_000
SETTINGS: dict[str, str | None] = {
    "retention.ms": str(30 * DAY_MS),
    "segment.ms": str(7 * DAY_MS),
    "cleanup.policy": "delete",
}


def test_a_message_goes_with_the_newest_one_of_its_file() -> None:
    assert longest(SETTINGS) == timedelta(days=37) + LOOKED_FOR


@pytest.mark.parametrize(
    "others", [{"retention.ms": "-1"}, {"segment.ms": None}, {"cleanup.policy": "compact"}, {"retention.ms": ""}]
)
def test_what_is_kept_for_ever_or_not_told_has_no_age(others: dict[str, str | None]) -> None:
    assert longest(SETTINGS | others) is None
