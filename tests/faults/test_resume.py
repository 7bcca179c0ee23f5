"""E8: a warehouse that was set back, a topic that is another one, a log that is cut: said with the cure, or healed."""

import pytest
from confluent_kafka import TopicPartition

from tests.faults.rig import Rig
from tests.running import until

pytestmark = pytest.mark.integration


def test_e8_an_older_backup_under_a_running_worker_is_noticed_without_traffic(rig: Rig) -> None:
    worker = rig.start_worker()
    rig.send(200)
    rig.wait_until_exact()
    kept = rig.back_up("kept")
    rig.send(300)
    rig.wait_until_exact()
    starts = worker.starts
    rig.restore(kept)
    rig.wait_until_exact()
    assert worker.starts > starts
    assert "set back to an older state" in rig.log_lines()


@pytest.mark.long
def test_e8_an_older_backup_while_workers_are_stopped(rig: Rig) -> None:
    rig.start_worker()
    rig.send(200)
    rig.wait_until_exact()
    kept = rig.back_up("kept")
    rig.send(300)
    rig.wait_until_exact()
    rig.stop_worker()
    rig.restore(kept)
    rig.send(50)
    rig.start_worker()
    rig.wait_until_exact()


def test_e8_a_recreated_topic_is_refused_and_a_new_generation_counts_it_apart(rig: Rig) -> None:
    rig.start_worker()
    rig.send(400)
    rig.wait_until_exact()
    rig.recreate_topic()
    rig.send(60)
    until("both partitions are refused", lambda: len(rig.refused()) == 2)
    assert "raise TALLY_TOPIC_GENERATION" in rig.refused()[0]
    rig.stop_worker()
    rig.generation = 1
    rig.start_worker()
    rig.wait_until_exact()


@pytest.mark.long
def test_e8_a_log_whose_start_was_deleted_is_refused_alone(rig: Rig) -> None:
    worker = rig.start_worker()
    rig.send(100)
    rig.wait_until_exact()
    rig.stop_worker()
    before = dict(rig.truth)
    rig.send(400, organizations=("acme",))
    lost = rig.truth.keys() - before.keys()
    (partition,) = [p for p, end in rig.ends().items() if end > rig.applied()[p] + 1]
    rig.admin.delete_records([TopicPartition(rig.topic, partition, rig.ends()[partition])])[
        TopicPartition(rig.topic, partition)
    ].result(20)
    worker = rig.start_worker()
    until("the partition is refused", lambda: list(rig.refused()) == [partition])
    assert "offsets" in rig.refused()[partition]
    other = next(name for name in ("zen", "fox", "owl") if rig_partition(rig, name) != partition)
    for key in lost:
        del rig.truth[key]
    rig.send(100, organizations=(other,))
    rig.wait_until_exact()
    assert list(rig.refused()) == [partition]
    rig.stop_worker()
    rig.generation = 1
    rig.start_worker()
    rig.send(100)
    rig.wait_until_exact()
    assert worker.starts == 1


@pytest.mark.long
def test_e8_kafkas_committed_offsets_have_no_influence(rig: Rig) -> None:
    rig.start_worker()
    rig.send(200)
    rig.wait_until_exact()
    rig.stop_worker()
    rig.send(200)
    until("the group is empty", lambda: commit(rig, [10**6, 0]))
    rig.start_worker()
    rig.wait_until_exact()
    rig.stop_worker()
    rig.send(100)
    until("the group is empty", lambda: deleted_group(rig))
    rig.start_worker()
    rig.wait_until_exact()


def rig_partition(rig: Rig, organization: str) -> int:
    from tokentally import partition_of

    return partition_of(organization, rig.partitions)


def commit(rig: Rig, offsets: list[int]) -> bool:
    from confluent_kafka import ConsumerGroupTopicPartitions

    places = [TopicPartition(rig.topic, partition, offset) for partition, offset in enumerate(offsets)]
    try:
        rig.admin.alter_consumer_group_offsets([ConsumerGroupTopicPartitions(rig.group, places)])[rig.group].result(10)
    except Exception:  # noqa: BLE001 - the group still has its member
        return False
    return True


def deleted_group(rig: Rig) -> bool:
    try:
        rig.admin.delete_consumer_groups([rig.group])[rig.group].result(10)
    except Exception:  # noqa: BLE001 - the group still has its member
        return False
    return True
