"""Whether backup and log belong together: every reason against it names its cure."""

from dataclasses import replace

import pytest

from deploy.local.backups.log_state import FoundLog, gone, refusals
from tests.warehouse.backups.made import LOG

SAME = FoundLog("usage.events", 3, 0, "one", starts={0: 0, 1: 0, 2: 0}, ends={0: 0, 1: 50, 2: 9})


def test_the_log_that_the_backup_was_counted_from_is_right() -> None:
    assert refusals(LOG, SAME, other_log=False) == []
    unasked = LOG.model_copy(update={"next_offsets": None})
    assert refusals(unasked, SAME, other_log=False) == []


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (replace(SAME, events_topic="other"), "set TALLY_EVENTS_TOPIC=usage.events"),
        (replace(SAME, partitions=4), "has 4: set TALLY_PARTITIONS=3"),
        (replace(SAME, topic_id="two"), "was recreated (id one in the backup, two now)"),
        (replace(SAME, ends={0: 0, 1: 49, 2: 9}), "has lost records since the backup was made, in partitions [1]"),
    ],
)
@pytest.mark.parametrize("other_log", [False, True])
def test_another_log_under_the_same_generation_is_refused_always(found: FoundLog, words: str, other_log: bool) -> None:
    (reason,) = refusals(LOG, found, other_log=other_log)
    assert words in reason


def test_a_raised_generation_must_be_wanted() -> None:
    raised = replace(SAME, generation=1, topic_id="two", ends={})
    (reason,) = refusals(LOG, raised, other_log=False)
    assert "with --other-log the log is counted from its beginning" in reason
    assert refusals(LOG, raised, other_log=True) == []


def test_a_backup_of_a_later_generation_is_refused() -> None:
    later = LOG.model_copy(update={"generation": 2})
    (reason,) = refusals(later, SAME, other_log=True)
    assert "set TALLY_TOPIC_GENERATION=2" in reason


def test_partitions_whose_log_begins_behind_progress_are_told() -> None:
    cut = replace(SAME, starts={0: 0, 1: 42, 2: 9})
    assert gone(cut, {0: -1, 1: 41, 2: 7}) == [2]
