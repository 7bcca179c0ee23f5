"""A record whose asker was killed is in every partition soon, signed, and never where it was not meant to be."""

import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from confluent_kafka import Consumer, TopicPartition
from structlog.testing import capture_logs

from producers.control.record import CONTROL, HEADER_KIND, HEADER_SIGNATURE, ControlRecord, read_record
from producers.errors import ControlRefused
from stream_jobs.control.finisher import Finisher
from stream_jobs.control.publisher import FORGOTTEN, Publisher
from stream_jobs.control.settings import ControlSettings
from stream_jobs.errors import NoControlKey
from tests.faults.rig import DATABASE, Rig
from tests.running import until
from warehouse.client import connect
from warehouse.control import outbox
from warehouse.settings import WarehouseSettings

pytestmark = pytest.mark.integration
KEY = b"a key of this installation"
GENERATION = 1
PLACES = (1024, 1025)


@pytest.fixture
def publisher(rig: Rig) -> Publisher:
    """Of the rig's topic, in the rig's warehouse."""
    file = rig.folder / "control_key"
    file.write_bytes(KEY)
    settings = ControlSettings(
        partitions=rig.partitions,
        topic_generation=GENERATION,
        kafka_bootstrap=rig.bootstrap,
        events_topic=rig.topic,
        control_key_file=file,
    )
    url = f"http://127.0.0.1:{rig.warehouse.port}"
    where = WarehouseSettings(url=url, user="tally", password_file=rig.password_file, database=DATABASE)
    return Publisher(settings, connect(where))


def asked(age: timedelta = FORGOTTEN + timedelta(seconds=1)) -> ControlRecord:
    created = (datetime.now(UTC) - age).replace(microsecond=250_000)
    body = {"first": "2026-03-01", "last": "2026-03-02"}
    return ControlRecord(str(uuid4()), "repair", "", body, "ada", "é", created)


def in_topic(rig: Rig) -> dict[int, list[tuple[int, ControlRecord]]]:
    """Log partition to offsets and records of all that the topic holds; what cannot be believed fails the test."""
    consumer = Consumer({"bootstrap.servers": rig.bootstrap, "group.id": str(uuid4()), "enable.auto.commit": False})
    found: dict[int, list[tuple[int, ControlRecord]]] = {}
    for number in range(rig.partitions):
        place = GENERATION * 1024 + number
        low, high = consumer.get_watermark_offsets(TopicPartition(rig.topic, number), timeout=10)
        consumer.assign([TopicPartition(rig.topic, number, low)])
        for _ in range(high - low):
            message = consumer.poll(10)
            assert message is not None
            headers = dict(message.headers() or [])
            assert headers[HEADER_KIND] == CONTROL
            signed = headers[HEADER_SIGNATURE]
            assert isinstance(signed, bytes)
            record = read_record(message.value() or b"", signed, KEY, place)
            found.setdefault(place, []).append((message.offset() or 0, record))
    consumer.close()
    return found


def noted(publisher: Publisher, record: ControlRecord) -> dict[int, int]:
    found = publisher.client.query(
        "SELECT src_partition, src_offset FROM control_publications FINAL WHERE control_id = {id:UUID}",
        parameters={"id": record.control_id},
    ).result_rows
    return {row[0]: row[1] for row in found}


def test_what_was_only_stored_is_published_everywhere(rig: Rig, publisher: Publisher) -> None:
    record, young = asked(), asked(timedelta(seconds=5))
    assert outbox.store(publisher.client, record, PLACES)
    assert outbox.store(publisher.client, young, PLACES)
    assert in_topic(rig) == {}
    stop = threading.Event()
    finisher = Finisher(publisher, stop, every_seconds=0.05)
    finisher.start()
    until("the record in both partitions", lambda: set(noted(publisher, record)) == set(PLACES), 30)
    stop.set()
    finisher.join()
    assert in_topic(rig) == {place: [(0, record)] for place in PLACES}
    assert noted(publisher, young) == {}, "its asker may still be about to publish it"
    assert publisher.finish() == 0


def test_only_the_missing_partition_is_published(rig: Rig, publisher: Publisher) -> None:
    record = asked()
    outbox.store(publisher.client, record, PLACES)
    outbox.note_published(publisher.client, record.control_id, PLACES[0], 77)
    assert publisher.finish() == 1
    assert in_topic(rig) == {PLACES[1]: [(0, record)]}
    assert noted(publisher, record) == {PLACES[0]: 77, PLACES[1]: 0}
    assert publisher.finish() == 0


def test_what_was_meant_for_a_former_topic_is_told_once_and_never_sent(rig: Rig, publisher: Publisher) -> None:
    stranded, mixed = asked(), asked()
    outbox.store(publisher.client, stranded, (0, 1))
    outbox.store(publisher.client, mixed, (1, *PLACES))
    with capture_logs() as told:
        assert publisher.finish() == 1
        assert publisher.finish() == 0
    assert in_topic(rig) == {place: [(0, mixed)] for place in PLACES}
    assert noted(publisher, stranded) == {}
    warned = {each["control_id"]: each["partitions"] for each in told if each["log_level"] == "warning"}
    assert warned == {stranded.control_id: (0, 1), mixed.control_id: (1,)}
    assert sum(each["log_level"] == "warning" for each in told) == 2


def test_asking_publishes_at_once_and_again_only_repeats(rig: Rig, publisher: Publisher) -> None:
    record = asked(timedelta())
    published = publisher.ask(record)
    assert published.is_complete
    assert published.places == dict.fromkeys(PLACES, 0)
    assert publisher.ask(record).places == dict.fromkeys(PLACES, 1)
    assert in_topic(rig) == {place: [(0, record), (1, record)] for place in PLACES}
    stored = publisher.client.query("SELECT count() FROM control_records FINAL").result_rows
    assert stored[0][0] == 1


def revision(number: int, subject: str = "prices", organization: str = "") -> ControlRecord:
    body = {"subject": subject, "revision": number, "content_hash": "0" * 64}
    return replace(asked(timedelta(seconds=1)), kind="config", organization=organization, content=body)


def test_a_revision_that_was_left_comes_before_one_that_includes_it(rig: Rig, publisher: Publisher) -> None:
    first, second, third, other = revision(4), revision(5), revision(6), revision(3, "multipliers")
    for left in (second, first, other):
        outbox.store(publisher.client, left, PLACES)
    outbox.note_published(publisher.client, first.control_id, PLACES[0], 70)
    assert publisher.ask(third).is_complete
    told = {place: [record for _, record in records] for place, records in in_topic(rig).items()}
    assert told == {PLACES[0]: [second, third], PLACES[1]: [first, second, third]}


def test_a_revision_waits_for_one_that_it_includes(
    rig: Rig, publisher: Publisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    left, later, others = revision(4), revision(5), revision(2, "multipliers")
    outbox.store(publisher.client, left, PLACES)
    took = Publisher._acknowledged

    def refusing(self: Publisher, values: dict[int, bytes], *more: Any) -> dict[int, int]:
        return {} if b'"revision":4' in values[PLACES[0]] else took(self, values, *more)

    with monkeypatch.context() as patch:
        patch.setattr(Publisher, "_acknowledged", refusing)
        assert publisher.ask(later).places == {}
        assert publisher.ask(others).is_complete
        publisher.finish(datetime.now(UTC) + FORGOTTEN)
    assert {place: [record for _, record in records] for place, records in in_topic(rig).items()} == {
        place: [others] for place in PLACES
    }
    assert publisher.finish(datetime.now(UTC) + FORGOTTEN) == 2
    assert [record for _, record in in_topic(rig)[PLACES[1]]] == [others, left, later]


def rated(organization: str, rating: int, age: float) -> ControlRecord:
    event = {"event_id": str(UUID(int=1)), "time": "2026-03-28T12:00:00Z", "set": {"rating": rating}}
    said = {"kind": "amend", "organization": organization, "content": {"events": [event]}}
    return replace(asked(timedelta(seconds=age)), **said)  # type: ignore[arg-type]


def test_of_corrections_those_that_were_asked_for_first_are_published_first(rig: Rig, publisher: Publisher) -> None:
    left, other, of_all = rated("acme", 1, 60), rated("zen", 1, 60), asked(timedelta(seconds=30))
    young, later = rated("acme", 2, 5), rated("acme", 5, 0)
    home = publisher.settings.log_partitions("acme")
    for each in (left, other, of_all, young):
        outbox.store(publisher.client, each, publisher.settings.log_partitions(each.organization))
    assert publisher.ask(later).is_complete
    assert [record for _, record in in_topic(rig)[home[0]]] == [left, of_all, young, later]
    assert noted(publisher, other) == {}


def test_a_correction_waits_for_those_that_were_asked_for_first(
    rig: Rig, publisher: Publisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    left, later, other = rated("acme", 1, 60), rated("acme", 2, 50), rated("zen", 1, 40)
    for each in (left, later):
        outbox.store(publisher.client, each, publisher.settings.log_partitions(each.organization))
    took = Publisher._acknowledged

    def refusing(self: Publisher, values: dict[int, bytes], *more: Any) -> dict[int, int]:
        return {} if any(left.control_id.encode() in value for value in values.values()) else took(self, values, *more)

    with monkeypatch.context() as patch:
        patch.setattr(Publisher, "_acknowledged", refusing)
        assert publisher.ask(later).places == {}
        assert publisher.ask(other).is_complete
        publisher.finish()
        assert noted(publisher, left) == noted(publisher, later) == {}
    assert publisher.finish() == 2
    [home] = publisher.settings.log_partitions("acme")
    assert [each for _, each in in_topic(rig)[home] if each.organization == "acme"] == [left, later]


def test_what_is_missing_elsewhere_holds_nothing_up(
    rig: Rig, publisher: Publisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    [home] = publisher.settings.log_partitions("acme")
    [away] = set(PLACES) - {home}
    left, later = asked(timedelta(seconds=60)), rated("acme", 1, 0)
    outbox.store(publisher.client, left, PLACES)
    outbox.note_published(publisher.client, left.control_id, home, 7)
    took = Publisher._acknowledged

    def refusing(self: Publisher, values: dict[int, bytes], *more: Any) -> dict[int, int]:
        return {} if away in values else took(self, values, *more)

    monkeypatch.setattr(Publisher, "_acknowledged", refusing)
    assert publisher.ask(later).places == {home: 0}
    assert publisher.finish() == 1


def test_a_lower_revision_goes_first_whenever_it_was_asked_for(rig: Rig, publisher: Publisher) -> None:
    """An organisation's calendar: who stores the higher one may have looked at the clock first."""
    late, early = revision(6, "calendar", "acme"), revision(7, "calendar", "acme")
    late = replace(late, created=early.created + timedelta(milliseconds=500))
    home = publisher.settings.log_partitions("acme")
    outbox.store(publisher.client, late, home)
    other = revision(1, "calendar", "zen")
    outbox.store(publisher.client, other, publisher.settings.log_partitions("zen"))
    assert publisher.ask(early).is_complete
    assert [record for _, record in in_topic(rig)[home[0]]] == [late, early]
    assert noted(publisher, other) == {}


def test_what_is_priced_again_has_the_prices_that_were_set_before(rig: Rig, publisher: Publisher) -> None:
    prices = revision(4)
    body = {"selection": {"model": "m"}, "prices": 4}
    reprice = replace(asked(timedelta()), kind="reprice", organization="acme", content=body)
    outbox.store(publisher.client, prices, PLACES)
    assert publisher.ask(reprice).is_complete
    [home] = publisher.settings.log_partitions("acme")
    assert [record for _, record in in_topic(rig)[home]] == [prices, reprice]


def test_what_is_asked_for_at_the_same_time_is_published_once(
    rig: Rig, publisher: Publisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    took, at_once = Publisher._acknowledged, threading.Barrier(4, timeout=30)

    def together(self: Publisher, values: dict[int, bytes], *more: Any) -> dict[int, int]:
        at_once.wait()  # all four are stored, and none is published
        return took(self, values, *more)

    records = [rated("acme", rating, 0) for rating in (1, 2, 3, 4)]
    publisher._connected()
    monkeypatch.setattr(Publisher, "_acknowledged", together)
    threads = [threading.Thread(target=publisher.ask, args=(record,)) for record in records]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    [home] = publisher.settings.log_partitions("acme")
    assert sorted(record.content["events"][0]["set"]["rating"] for _, record in in_topic(rig)[home]) == [1, 2, 3, 4]


def test_nothing_impossible_is_stored(rig: Rig, publisher: Publisher) -> None:
    with pytest.raises(ControlRefused):
        publisher.ask(replace(asked(), content={"first": "2026-03-02", "last": "2026-03-01"}))
    keyless = ControlSettings(
        partitions=2, kafka_bootstrap=rig.bootstrap, events_topic=rig.topic, control_key_file=rig.folder / "none"
    )
    with pytest.raises(NoControlKey):
        Publisher(keyless, publisher.client).ask(asked())
    assert publisher.client.query("SELECT count() FROM control_records").result_rows[0][0] == 0
    assert in_topic(rig) == {}


def test_an_answer_that_kafka_does_not_give_is_waited_for_by_the_finisher(rig: Rig, publisher: Publisher) -> None:
    away = publisher.settings.model_copy(update={"kafka_bootstrap": "127.0.0.1:1"})
    record = asked()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("stream_jobs.control.publisher.ACKNOWLEDGED_SECONDS", 0.5)
        assert Publisher(away, publisher.client).ask(record).places == {}
    assert publisher.finish() == 1
    assert in_topic(rig) == {place: [(0, record)] for place in PLACES}
