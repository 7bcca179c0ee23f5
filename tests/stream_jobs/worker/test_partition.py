"""Log and stored progress that do not belong together are refused, each with its cure."""

from stream_jobs.deduplication.window import Window
from stream_jobs.worker.partition import Counts, Partition, Progress, refusal

STORED = Progress(applied_offset=9, applied_ms=77, topic_id="t1", seen=20, accepted=12, duplicates=5, rejected=3)


def test_a_log_that_goes_on_behind_progress_is_resumed() -> None:
    assert refusal(STORED, "t1", log_start=0, log_end=10) is None
    assert refusal(STORED, "t1", log_start=10, log_end=10) is None
    assert refusal(STORED, "t1", log_start=3, log_end=500) is None


def test_a_partition_without_progress_begins_at_the_start_of_its_log() -> None:
    assert refusal(Progress(), "t1", log_start=0, log_end=0) is None
    assert refusal(Progress(), "t1", log_start=0, log_end=8) is None


def test_another_topic_id_is_another_log() -> None:
    assert refusal(STORED, "t2", 0, 100) == (
        "the topic was recreated (id t1 before, t2 now): restore the topic, or raise TALLY_TOPIC_GENERATION to count "
        "the new log apart"
    )


def test_a_log_that_ends_below_progress_has_lost_records() -> None:
    assert refusal(STORED, "t1", 0, 9) == (
        "the log ends at 9 but 9 was applied: the broker lost data; restore the log, or raise TALLY_TOPIC_GENERATION "
        "to count the new log apart"
    )


def test_a_log_that_starts_above_progress_leaves_a_hole() -> None:
    assert refusal(STORED, "t1", 14, 100) == (
        "the log starts at 14 but only 9 was applied: offsets 10 to 13 are gone; restore a newer backup of the "
        "warehouse or an older log, or raise TALLY_TOPIC_GENERATION to count without them"
    )
    assert refusal(Progress(), "t1", 1, 100) is not None


def test_a_partition_continues_where_progress_left_it() -> None:
    partition = Partition.resumed(1027, STORED, Window(5, 12))
    assert (partition.applied, partition.next_offset, partition.horizon) == (9, 10, 9)
    assert (partition.clock_ms, partition.applied_clock_ms) == (77, 77)
    assert partition.counts == Counts(seen=20, accepted=12, duplicates=5, rejected=3)
    assert partition.keys is not Partition.resumed(1028, STORED, Window(5)).keys
