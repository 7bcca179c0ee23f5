"""A state is every owner's highest revision up to a number: what a number stands for never changes afterwards."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, cast

import pytest

from stream_jobs.credits.multiplier_row import MultiplierRow
from stream_jobs.pricing.errors import PriceListRefused, RevisionMissing
from stream_jobs.pricing.load import load_multipliers, load_price_book, newest_revision, oldest_revision
from stream_jobs.pricing.price_book import PriceBook
from stream_jobs.pricing.price_row import PriceRow
from stream_jobs.pricing.record import multiplier_record, price_record

from .conftest import PriceRows, UsageFrame
from .fake_warehouse import FakeWarehouse

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

NOW = datetime(2026, 1, 1, tzinfo=UTC)


class Stored(FakeWarehouse):
    """A fake that stores whole revisions."""

    price_rows: PriceRows

    def prices(self, revision: int, organization: str, rows: list[PriceRow]) -> None:
        owned = [replace(row, organization=organization) for row in rows]
        self.tables["prices"] += [{"revision": revision, **price_record(row, "ada", "", NOW)} for row in owned]
        self._entry("prices", revision, organization)

    def multiplier(self, revision: int, organization: str, milli: int) -> None:
        row = MultiplierRow("maker", "large", milli, "test", organization=organization)
        self.tables["multipliers"].append({"revision": revision, **multiplier_record(row, "ada", NOW)})
        self._entry("multipliers", revision, organization)

    def _entry(self, kind: str, revision: int, organization: str) -> None:
        self.tables["config_revisions"].append({"kind": kind, "revision": revision, "organization": organization})


@pytest.fixture
def stored(price_rows: PriceRows) -> Stored:
    """Everyone's 1 and 4, acme's 2 and 5, zeta's 3; a million tokens cost as many USD as the number says."""
    made = Stored()
    made.price_rows = price_rows
    for number, owner in ((1, ""), (2, "acme"), (3, "zeta"), (4, ""), (5, "acme")):
        made.prices(number, owner, price_rows(input_mtok=str(number)))
    return made


def usd(book: PriceBook, usage_frame: UsageFrame) -> dict[str, int]:
    """What a million tokens cost each organization."""
    names = ("acme", "zeta", "other")
    event = {"provider": "maker", "model": "large", "input_tokens": 1_000_000}
    frame = book.price(usage_frame([event | {"organization": name} for name in names]))
    assert frame["price_revision"].unique().to_list() == [book.revision]
    return dict(zip(names, (frame["cost_nano_usd"] // 10**9).to_list(), strict=True))


@pytest.mark.parametrize(
    ("state", "wanted"),
    [
        (1, {"acme": 1, "zeta": 1, "other": 1}),
        (2, {"acme": 2, "zeta": 1, "other": 1}),
        (3, {"acme": 2, "zeta": 3, "other": 1}),
        (4, {"acme": 2, "zeta": 3, "other": 4}),
        (5, {"acme": 5, "zeta": 3, "other": 4}),
    ],
)
def test_each_owner_has_its_highest_revision_up_to_the_state(
    stored: Stored, usage_frame: UsageFrame, state: int, wanted: dict[str, int]
) -> None:
    assert usd(load_price_book(cast("Client", stored), state), usage_frame) == wanted


def test_a_number_that_nobody_has_is_no_state(stored: Stored) -> None:
    client = cast("Client", stored)
    assert (oldest_revision(client, "prices"), newest_revision(client, "prices")) == (1, 5)
    with pytest.raises(RevisionMissing, match="no prices of revision 6"):
        load_price_book(client, 6)


def test_before_everyone_has_prices_there_is_no_state(price_rows: PriceRows) -> None:
    made = Stored()
    made.prices(1, "acme", price_rows(input_mtok="1"))
    with pytest.raises(RevisionMissing):
        load_price_book(cast("Client", made), 1)


def test_what_is_for_everyone_is_read_and_compiled_once(stored: Stored, usage_frame: UsageFrame) -> None:
    client = cast("Client", stored)
    made: dict[int, PriceBook] = {}
    for state in (1, 2, 3, 4, 5):
        made[state] = load_price_book(client, state, made.values())
    assert stored.loads == 2
    assert made[1].shared is made[3].shared
    assert made[4].shared is made[5].shared
    again = load_price_book(client, 3, [made[1], made[5]])
    assert usd(again, usage_frame) == usd(made[3], usage_frame)
    assert again.shared is made[1].shared
    assert stored.loads == 2


def test_only_what_an_organization_changed_is_read_and_compiled(stored: Stored, usage_frame: UsageFrame) -> None:
    client = cast("Client", stored)
    before = load_price_book(client, 3)
    stored.rows_read = 0
    after = load_price_book(client, 3, [before])
    assert after is before
    assert stored.rows_read == 0
    stored.prices(6, "acme", [])
    stored.prices(7, "zeta", stored.price_rows(input_mtok="7"))
    newest = load_price_book(client, 5, [before])
    stored.rows_read = 0
    latest = load_price_book(client, 7, [before, newest])
    assert stored.rows_read == 1
    assert usd(latest, usage_frame) == {"acme": 4, "zeta": 7, "other": 4}
    assert usd(newest, usage_frame) == {"acme": 5, "zeta": 3, "other": 4}


def test_a_later_revision_of_somebody_changes_no_earlier_state(
    stored: Stored, price_rows: PriceRows, usage_frame: UsageFrame
) -> None:
    client = cast("Client", stored)
    before = [usd(load_price_book(client, state), usage_frame) for state in range(1, 6)]
    stored.prices(6, "zeta", price_rows(input_mtok="6"))
    stored.prices(7, "", price_rows(input_mtok="7"))
    assert [usd(load_price_book(client, state), usage_frame) for state in range(1, 6)] == before
    assert usd(load_price_book(client), usage_frame) == {"acme": 5, "zeta": 6, "other": 7}


def test_an_owner_whose_newest_revision_is_empty_has_nothing_of_its_own(
    stored: Stored, usage_frame: UsageFrame
) -> None:
    stored.prices(6, "acme", [])
    assert usd(load_price_book(cast("Client", stored), 6), usage_frame)["acme"] == 4


def test_a_rule_of_an_organization_that_cannot_be_is_refused(stored: Stored, price_rows: PriceRows) -> None:
    stored.prices(6, "acme", price_rows(input_mtok="1", match='{"model": {"resembles": "x"}}'))
    with pytest.raises(PriceListRefused, match="resembles"):
        load_price_book(cast("Client", stored), 6)


def test_multipliers_have_states_too(usage_frame: UsageFrame) -> None:
    made = Stored()
    for number, owner in ((1, ""), (2, "acme"), (3, "")):
        made.multiplier(number, owner, 1000 * number)
    event = {"provider": "maker", "model": "large", "input_tokens": 1}
    book = PriceBook.from_rows([], revision=1)
    priced = book.price(usage_frame([event | {"organization": name} for name in ("acme", "zeta")]))
    counted = {
        state: load_multipliers(cast("Client", made), state).credit(priced)["credits_micro"].to_list()
        for state in (1, 2, 3)
    }
    million = 1_000_000
    assert counted == {1: [million, million], 2: [2 * million, million], 3: [2 * million, 3 * million]}
