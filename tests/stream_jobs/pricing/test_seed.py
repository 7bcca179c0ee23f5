"""The first revision: written once, whole, and read back as it was."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, cast

import pytest

from deploy.local.installation import Installation
from stream_jobs.additions import shipped_additions, with_additions
from stream_jobs.pricing import PriceBook, PriceRow
from stream_jobs.pricing.catalogue import catalogue_rows
from stream_jobs.pricing.errors import RevisionMissing
from stream_jobs.pricing.load import load_multipliers, load_price_book, newest_revision, price_rows_of
from stream_jobs.pricing.seed import seed
from warehouse.client import connect
from warehouse.control.storing import rows_hash

from .conftest import UsageFrame
from .fake_warehouse import FakeWarehouse

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

NOW = datetime(2026, 1, 1, tzinfo=UTC)
LATER = datetime(2026, 2, 1, tzinfo=UTC)


@pytest.fixture
def fake() -> FakeWarehouse:
    return FakeWarehouse()


@pytest.fixture
def client(fake: FakeWarehouse) -> "Client":
    return cast("Client", fake)


def test_an_empty_warehouse_has_no_revision(client: "Client") -> None:
    assert newest_revision(client, "prices") == 0
    with pytest.raises(RevisionMissing, match="write revision 1"):
        load_price_book(client)
    with pytest.raises(RevisionMissing, match="write revision 1"):
        load_multipliers(client)


def test_the_first_revision_is_written_once(client: "Client", fake: FakeWarehouse) -> None:
    sentences = seed(client, NOW)
    assert [sentence.split(":")[0] for sentence in sentences] == ["Price revision 1", "Multiplier revision 1"]
    counts = {table: len(rows) for table, rows in fake.tables.items()}
    assert seed(client, LATER) == []
    assert {table: len(rows) for table, rows in fake.tables.items()} == counts
    assert counts["config_revisions"] == 2


def test_a_revision_exists_only_when_it_is_whole(client: "Client", fake: FakeWarehouse) -> None:
    fake.fails_on = "config_revisions"
    with pytest.raises(ConnectionError):
        seed(client, NOW)
    assert newest_revision(client, "prices") == 0
    fake.fails_on = ""
    assert len(seed(client, LATER)) == 2


def test_what_is_loaded_is_what_was_written(
    client: "Client", catalogue_book: PriceBook, usage_frame: UsageFrame
) -> None:
    seed(client, NOW)
    assert price_rows_of(client, 1) == with_additions(catalogue_rows(), shipped_additions())
    book, multipliers = load_price_book(client), load_multipliers(client)
    assert (book.revision, multipliers.revision) == (1, 1)
    frame = usage_frame([{"provider": "openai", "model": "gpt-4o", "output_tokens": 7}])
    priced = book.price(frame)
    assert priced.equals(catalogue_book.price(frame))
    assert multipliers.credit(priced)["credits_micro"].to_list() == [2_000_000]


def test_the_hash_is_of_what_the_rows_say_not_of_when() -> None:
    row = {"model": "gpt-4o", "price_usd": "2.5", "created": NOW}
    assert rows_hash({"prices": [row]}) == rows_hash({"prices": [row | {"created": LATER}]})
    assert rows_hash({"prices": [row]}) != rows_hash({"prices": [row | {"price_usd": "2.51"}]})


@pytest.mark.integration
def test_the_engine_keeps_every_price_exactly(installation: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in installation.environment().items():
        monkeypatch.setenv(name, value)
    client = connect()
    assert seed(client, NOW) == []
    loaded: list[PriceRow] = price_rows_of(client, 1)
    assert loaded == with_additions(catalogue_rows(), shipped_additions())
