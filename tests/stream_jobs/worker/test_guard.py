"""E8: what changes under a running worker is noticed, without any traffic."""

from types import SimpleNamespace
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException

from stream_jobs.deduplication.window import Window
from stream_jobs.errors import LogReplaced, WarehouseSetBack
from stream_jobs.worker import guard as guards
from stream_jobs.worker.former import finished
from stream_jobs.worker.guard import Guard, kafka_words
from stream_jobs.worker.partition import Partition, Progress
from stream_jobs.worker.resume import LogState, Resume
from stream_jobs.worker.settings import WorkerSettings
from stream_jobs.worker.state import WorkerState

SETTINGS = WorkerSettings(topic_generation=1)


def state(applied: int = 9) -> WorkerState:
    number = SETTINGS.src_partition(3)
    made = WorkerState(1, "t1")
    made.partitions[number] = Partition.resumed(number, Progress(applied, 7, "t1"), Window(5))
    made.partitions[3] = Partition.resumed(3, Progress(500, 7, "t0"), Window(5))
    return made


def guard(monkeypatch: pytest.MonkeyPatch, stored: int = 9, log: LogState | None = None, **found: Any) -> Guard:
    """A guard that finds so much progress, this log, and these reasons to refuse."""
    monkeypatch.setattr(guards, "load_progress", lambda *_: {1027: Progress(stored), 3: Progress(500)})
    monkeypatch.setattr(guards, "resume_positions", lambda *_: Resume(refused=found.get("refused", {})))
    inspector = SimpleNamespace(
        state=lambda _partitions: log or LogState("t1", {3: 0}, {3: 10}), topic_id=lambda: found.get("topic_id", "t1")
    )
    left = found.get("left", [])
    beat = SimpleNamespace(wait=lambda *_: None, waits=SimpleNamespace(end=lambda _what: None))
    sink: Any = SimpleNamespace()
    return Guard(SETTINGS, sink, sink, inspector, beat, lambda _what, why: left.append(why))  # type: ignore[arg-type]


def test_e8_nothing_has_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    left: list[BaseException] = []
    guard(monkeypatch, left=left)._look(state(), Resume())
    assert left == []


def test_e8_a_log_that_was_begun_after_its_start_was_not_set_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """Progress is stored with the first flush; before that there is none to be missed."""
    begun, left = state(), list[BaseException]()
    begun.partitions[1027] = Partition.resumed(1027, Progress(9), Window(5))
    guard(monkeypatch, stored=-1, left=left)._look(begun, Resume())
    assert left == []


def test_e8_a_former_generation_may_be_of_another_topic(monkeypatch: pytest.MonkeyPatch) -> None:
    left = list[BaseException]()
    known, looking = state(), guard(monkeypatch, left=left)
    known.partitions[3] = finished(3, Progress(500, 7, "t0"))
    monkeypatch.setattr(guards, "load_progress", lambda *_: {1027: Progress(9), 3: Progress()})
    looking._look(known, Resume())
    assert left == []


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"stored": 8}, "partition 1027: 8 is stored but 9 was written"),
        ({"stored": -1}, "partition 1027: -1 is stored but 9 was written"),
        ({"log": LogState("t2", {3: 0}, {3: 10})}, "the topic was recreated"),
        ({"log": LogState("t1", {3: 0}, {3: 9})}, "the log ends at 9 but 9 was applied"),
    ],
)
def test_e8_a_worker_leaves_when_the_ground_has_changed(
    monkeypatch: pytest.MonkeyPatch, options: dict[str, Any], words: str
) -> None:
    left: list[BaseException] = []
    guard(monkeypatch, left=left, **options)._look(state(), Resume())
    assert len(left) == 1
    assert words in str(left[0])


def test_e8_a_cured_partition_is_taken_up_by_a_fresh_start(monkeypatch: pytest.MonkeyPatch) -> None:
    left: list[BaseException] = []
    refused = {0: "gone", 5: "gone"}
    guard(monkeypatch, left=left, refused=refused)._look(state(), Resume(refused=refused))
    assert left == []
    guard(monkeypatch, left=left, refused={5: "gone"})._look(state(), Resume(refused=refused))
    assert str(left[0]) == "partitions [0] can be taken up again: this worker starts anew to read them"


def test_e8_progress_is_not_written_for_records_of_another_log(monkeypatch: pytest.MonkeyPatch) -> None:
    guard(monkeypatch).log_is_ours(state())
    with pytest.raises(LogReplaced, match="the id t2, not t1"):
        guard(monkeypatch, topic_id="t2").log_is_ours(state())


def test_e8_a_write_is_not_repeated_on_a_warehouse_that_was_set_back(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(WarehouseSetBack):
        guard(monkeypatch, stored=3).warehouse_is_ours(state())


def test_a_broker_that_is_away_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    left: list[BaseException] = []
    watching = guard(monkeypatch, left=left)

    def away(_partitions: list[int]) -> LogState:
        raise KafkaException(KafkaError(KafkaError._ALL_BROKERS_DOWN))

    watching.inspector.state = away  # type: ignore[assignment, method-assign]
    watching._look(state(), Resume())
    assert left == []


def test_kafka_is_told_in_a_few_words() -> None:
    unknown = KafkaException(KafkaError(KafkaError.UNKNOWN_TOPIC_OR_PART))
    assert kafka_words(unknown) == "the topic does not exist; `./tally up` creates it"
    assert kafka_words(KafkaException(KafkaError(KafkaError._TIMED_OUT))) != ""
