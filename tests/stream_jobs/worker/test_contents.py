"""E21: a revision travels with the record that puts it in force, and is stored again where the warehouse lacks it."""

import threading
import zlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from clickhouse_connect.driver.client import Client

from producers.control.bodies import ConfigBody
from producers.control.record import ControlRecord
from stream_jobs.configuring.change import Asked, Done, carried_out
from stream_jobs.configuring.ledger import MULTIPLIERS, PRICES
from stream_jobs.configuring.state import state_rows
from stream_jobs.control.publisher import Publisher
from stream_jobs.control.settings import ControlSettings
from stream_jobs.credits.editing import with_multiplier
from stream_jobs.credits.multiplier_row import MultiplierRow
from stream_jobs.pricing.editing.price import NewPrice, with_price
from stream_jobs.pricing.editing.rate import Rate
from stream_jobs.pricing.seed import seed
from stream_jobs.worker import contents
from stream_jobs.worker.contents import Contents
from stream_jobs.worker.sink import Sink
from tests.stream_jobs.worker.simulation import QuietBeat
from warehouse.control import revisions
from warehouse.control.contents import Content, Named, put_back, stored_content, unpacked
from warehouse.control.revisions import Revision

pytestmark = pytest.mark.integration
NOW = datetime(2026, 4, 1, 12, tzinfo=UTC)
THIN = Decimal("2.000000000123456789")


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[bytes | None]:
    """What travelled with each record."""
    found: list[bytes | None] = []

    def acknowledged(_: Publisher, values: dict[int, bytes], __: bytes, content: bytes | None) -> dict[int, int]:
        found.append(content)
        return dict.fromkeys(values, 7)

    monkeypatch.setattr(Publisher, "_acknowledged", acknowledged)
    return found


@pytest.fixture
def publisher(warehouse: Client, tmp_path: Path, sent: list[bytes | None]) -> Publisher:
    seed(warehouse, NOW)
    key = tmp_path / "control_key"
    key.write_bytes(b"a key of this installation")
    return Publisher(ControlSettings(home=tmp_path, partitions=2, control_key_file=key), warehouse)


@pytest.fixture
def waited(sink: Sink, beat: QuietBeat) -> Contents:
    return Contents(sink, beat, lambda: None)


def priced(publisher: Publisher, usd: Decimal = THIN, organization: str = "acme") -> Revision:
    price = NewPrice(
        "maker", "large — “ü”", (Rate("input_mtok", usd), Rate("output_mtok", usd)), NOW, "hand", organization
    )
    done: Done[Any] = carried_out(
        publisher, PRICES, organization, lambda rows, _: with_price(rows, price), Asked("ada", "why", "hand", NOW)
    )
    return done.revision


def named(revision: Revision) -> Named:
    return Named(revision.kind, revision.organization, revision.revision, revision.content_hash)


def body(revision: Revision) -> ConfigBody:
    return ConfigBody.model_validate(revision.body)


def rows_of(client: Client) -> Sequence[Any]:
    return state_rows(client, PRICES).said


def lost(client: Client, *tables: str) -> None:
    """As in a warehouse that was set back to before the revision."""
    for table in tables:
        client.command(f"ALTER TABLE {table} DELETE WHERE revision > 1 SETTINGS mutations_sync = 2")


def test_e21_a_revision_that_the_warehouse_lost_is_stored_again_from_its_record(
    publisher: Publisher, warehouse: Client, waited: Contents, sent: list[bytes | None]
) -> None:
    revision = priced(publisher)
    before, entries = rows_of(warehouse), "SELECT * FROM config_revisions FINAL ORDER BY ALL"
    stored = warehouse.query(entries).result_rows
    lost(warehouse, "prices", "config_revisions")
    assert len(rows_of(warehouse)) < len(before)
    assert waited.of(body(revision), "acme", sent[-1]) == ""
    assert rows_of(warehouse) == before, "to the last decimal place, with who said it and when"
    assert warehouse.query(entries).result_rows == stored
    assert waited.of(body(revision), "acme", sent[-1]) == ""
    assert warehouse.query("SELECT count() FROM prices WHERE revision = 2").result_rows == [(2,)], "once"


def test_e21_rows_that_are_missing_or_were_altered_do_not_come_into_force(
    publisher: Publisher, warehouse: Client, waited: Contents, sent: list[bytes | None]
) -> None:
    revision = priced(publisher)
    before = rows_of(warehouse)
    lost(warehouse, "prices")
    waited.of(body(revision), "acme", sent[-1])
    assert rows_of(warehouse) == before
    warehouse.command("ALTER TABLE prices UPDATE price_usd = 5 WHERE revision = 2 SETTINGS mutations_sync = 2")
    waited.of(body(revision), "acme", sent[-1])
    assert rows_of(warehouse) == before


def test_e21_multipliers_travel_with_the_terms_and_calendars_with_what_they_say(
    publisher: Publisher, warehouse: Client, waited: Contents, sent: list[bytes | None]
) -> None:
    new = MultiplierRow("maker", "large", 0, "hand", "n", NOW, "", ended=True)
    revision = carried_out(
        publisher, MULTIPLIERS, "", lambda rows, _: with_multiplier(rows, new), Asked("ada", "why", "hand", NOW)
    ).revision
    before = state_rows(warehouse, MULTIPLIERS).said
    lost(warehouse, "multipliers", "config_revisions")
    waited.of(body(revision), "", sent[-1])
    assert state_rows(warehouse, MULTIPLIERS).said == before
    said = {"time_zone": "Asia/Tokyo", "week_start": 7, "effective_from": "2026-05-01T00:00:00+00:00"}
    calendar = revisions.store(warehouse, "calendar", "acme", said, author="a", note="", source="", now=NOW)
    publisher.ask(ControlRecord(calendar.control_id, "config", "acme", calendar.body, "a", "", NOW))
    warehouse.command("ALTER TABLE config_revisions DELETE WHERE kind = 'calendar' SETTINGS mutations_sync = 2")
    assert waited.of(body(calendar), "acme", sent[-1]) == revisions.canonical(said)


def test_e21_a_number_that_somebody_else_has_is_never_taken(
    publisher: Publisher, warehouse: Client, sent: list[bytes | None]
) -> None:
    revision = priced(publisher)
    assert sent[-1] is not None
    came = unpacked(sent[-1])
    lost(warehouse, "prices", "config_revisions")
    other = priced(publisher, Decimal(7), "zen")
    assert other.revision == revision.revision
    before = rows_of(warehouse)
    assert not put_back(warehouse, named(revision), came)
    assert not put_back(warehouse, replace(named(revision), revision=9), replace(came, tables={"prices": []}))
    assert rows_of(warehouse) == before
    assert stored_content(warehouse, named(revision)) is None
    assert stored_content(warehouse, named(other)) is not None


def test_what_is_no_content_is_waited_for_as_before(
    publisher: Publisher, warehouse: Client, waited: Contents, sent: list[bytes | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    revision = priced(publisher)
    assert sent[-1] is not None
    with pytest.raises(ValueError, match="cut off"):
        unpacked(sent[-1][:-9])
    monkeypatch.setattr(contents, "LOOK_SECONDS", 0.01)
    lost(warehouse, "prices", "config_revisions")
    foreign = replace(unpacked(sent[-1]), tables={"prices": []})
    for packed in (b"", b"x", zlib.compress(b"[]"), sent[-1][:-9], foreign.packed(), None):
        rests: list[int] = []

        class Ended(Exception):
            pass

        def rest(seen: list[int] = rests) -> None:
            seen.append(1)
            if len(seen) == 2:
                raise Ended

        with pytest.raises(Ended):
            replace(waited, rest=rest).of(body(revision), "acme", packed)
    came = unpacked(sent[-1])
    later = threading.Timer(0.2, lambda: put_back(warehouse, named(revision), came))
    later.start()
    assert waited.of(body(revision), "acme") == ""
    later.join()
    assert isinstance(came, Content)
