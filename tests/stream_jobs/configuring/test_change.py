"""A change is planned on the newest state, stored as a revision of its owner, and published in the order of numbers."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from clickhouse_connect.driver.client import Client

from producers.errors import ControlRefused
from stream_jobs.additions import shipped_additions, with_fitting, with_new_multipliers
from stream_jobs.configuring import change
from stream_jobs.configuring.change import Asked, Done, carried_out, planned
from stream_jobs.configuring.ledger import MULTIPLIERS, PRICES
from stream_jobs.configuring.state import history_of, state_rows
from stream_jobs.control.publisher import Publisher
from stream_jobs.control.settings import ControlSettings
from stream_jobs.credits.editing import multiplier_difference, with_multiplier, with_multiplier_end
from stream_jobs.credits.errors import CreditRulesRefused
from stream_jobs.credits.multiplier_row import MultiplierRow
from stream_jobs.pricing.editing.difference import difference
from stream_jobs.pricing.editing.price import NewPrice, with_end, with_price
from stream_jobs.pricing.editing.rate import Rate
from stream_jobs.pricing.errors import PriceListRefused, RevisionMissing
from stream_jobs.pricing.load import load_multipliers, load_price_book
from stream_jobs.pricing.price_row import PriceRow
from stream_jobs.pricing.seed import seed
from tokentally import partition_of
from tokentally.tokens import TOKEN_BUCKETS
from warehouse.control import storing
from warehouse.control.read_again import note_log_ends
from warehouse.errors import NothingChanges, NotReadAgain, WarehouseUnavailable

pytestmark = pytest.mark.integration
NOW = datetime(2026, 4, 1, 12, tzinfo=UTC)
MAY = datetime(2026, 5, 1, tzinfo=UTC)
PARTITIONS = 4


@pytest.fixture
def publisher(client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Publisher:
    """A warehouse with the first revisions; Kafka takes everything."""
    seed(client, NOW - timedelta(days=30))
    key = tmp_path / "control_key"
    key.write_bytes(b"a key of this installation")
    monkeypatch.setattr(Publisher, "_acknowledged", lambda _, values, *__: dict.fromkeys(values, 7))
    return Publisher(ControlSettings(home=tmp_path, partitions=PARTITIONS, control_key_file=key), client)


def asked(author: str = "ada", hours: int = 0, note: str = "") -> Asked:
    return Asked(author, note, "hand", NOW + timedelta(hours=hours))


def dearer(usd: str, organization: str = "", model: str = "gpt-4o") -> Any:
    """An edit: what input of a model costs from May on."""
    price = NewPrice("openai", model, (Rate("input_mtok", Decimal(usd)),), MAY, "hand", organization)
    return lambda rows, everyones: with_price(rows, price, everyones if organization else ())


def put(publisher: Publisher, usd: str, organization: str = "", **how: Any) -> Done[PriceRow]:
    return carried_out(publisher, PRICES, organization, dearer(usd, organization), asked(**how))


RECORDS = """
    SELECT organization, JSONExtractUInt(body, 'revision') AS revision, partitions, author
    FROM control_records FINAL ORDER BY revision
"""


def records(client: Client) -> list[tuple[str, int, tuple[int, ...]]]:
    """Organization, revision and partitions of what was published, in the order of the revisions."""
    return [(row[0], row[1], tuple(row[2])) for row in client.query(RECORDS).result_rows]


def in_may(client: Client, organization: str, state: int | None = None) -> Decimal:
    """USD for a million input tokens of gpt-4o in May."""
    usage = dict.fromkeys(TOKEN_BUCKETS, 0) | {"input_tokens": 10**6}
    event = {
        "organization": organization,
        "provider": "openai",
        "model": "gpt-4o",
        "time": MAY,
        "quantities": "",
        "service_tier": "",
    }
    frame = pl.DataFrame([event | usage | {"reported_cost_nano_usd": None}]).with_columns(
        pl.col("time").cast(pl.Datetime("ms", "UTC")), pl.col("reported_cost_nano_usd").cast(pl.Int64)
    )
    return Decimal(load_price_book(client, state).price(frame)["cost_nano_usd"][0]).scaleb(-9)


def test_a_price_for_everyone_goes_to_all_partitions_and_an_override_to_its_own(
    publisher: Publisher, client: Client
) -> None:
    everyone, acme = put(publisher, "3"), put(publisher, "2", "acme")
    assert (everyone.revision.revision, acme.revision.revision) == (2, 3)
    assert records(client) == [("", 2, tuple(range(PARTITIONS))), ("acme", 3, (partition_of("acme", PARTITIONS),))]
    assert all(each.is_complete for each in (*everyone.published, *acme.published))
    assert [in_may(client, name) for name in ("", "acme", "zen")] == [3, 2, 3]
    assert in_may(client, "acme", 2) == 3


def test_who_said_what_goes_from_revision_to_revision(publisher: Publisher, client: Client) -> None:
    put(publisher, "3", note="contract", hours=1)
    carried_out(publisher, PRICES, "", dearer("9", model="gpt-4o-mini"), asked("bob", 2))
    said = {
        (each.row.model, each.row.unit, each.row.effective_from == MAY): (each.author, each.note, each.created)
        for each in state_rows(client, PRICES).said
        if each.row.provider == "openai" and each.row.model in ("gpt-4o", "gpt-4o-mini")
    }
    assert said["gpt-4o", "input_mtok", True] == ("ada", "contract", NOW + timedelta(hours=1))
    assert said["gpt-4o-mini", "input_mtok", True] == ("bob", "", NOW + timedelta(hours=2))
    assert said["gpt-4o", "input_mtok", False][0] == "tokentally"


def test_the_same_again_is_nothing_new(publisher: Publisher, client: Client) -> None:
    put(publisher, "3")
    with pytest.raises(NothingChanges, match="the prices say just that since revision 2"):
        put(publisher, "3", author="bob", hours=3)
    assert len(records(client)) == 1


def test_a_plan_stores_nothing_and_what_is_done_is_what_was_planned(publisher: Publisher, client: Client) -> None:
    plan = planned(client, PRICES, "", dearer("3"))
    assert records(client) == []
    assert client.query("SELECT max(revision) FROM prices").result_rows == [(1,)]
    done = put(publisher, "3")
    assert difference(plan.after, (each for each in state_rows(client, PRICES).rows)).is_nothing
    assert done.plan.after == plan.after


def test_what_cannot_be_is_refused_before_anything_is_stored(publisher: Publisher, client: Client) -> None:
    with pytest.raises(PriceListRefused, match="a price is 0 or more"):
        put(publisher, "-1")
    with pytest.raises(PriceListRefused, match="round it to 18 decimal places"):
        put(publisher, "1e-19", "acme")
    with pytest.raises(PriceListRefused, match="more than anything costs"):
        put(publisher, "2500000")
    put(publisher, "2")
    with pytest.raises(PriceListRefused, match="no price changes 500 times, so correct the unit"):
        put(publisher, "1000.01")
    with pytest.raises(ControlRefused, match="author: say who changes the prices"):
        put(publisher, "1", author=" ")
    assert client.query("SELECT max(revision) FROM prices").result_rows == [(2,)]
    assert len(records(client)) == 1


def test_a_revision_whose_author_died_is_published_before_the_next_one(
    publisher: Publisher, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(change, "publish_pending", lambda *_: pytest.fail("killed here"))
        with pytest.raises(pytest.fail.Exception):
            put(publisher, "3", author="ada")
    assert records(client) == []
    done = put(publisher, "2", "acme", author="bob")
    assert [revision for _, revision, _ in records(client)] == [2, 3]
    assert len(done.published) == 2
    assert [row[3] for row in client.query(RECORDS).result_rows] == ["ada", "bob"]


def test_asking_again_after_dying_publishes_what_was_stored(
    publisher: Publisher, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(change, "publish_pending", lambda *_: pytest.fail("killed here"))
        with pytest.raises(pytest.fail.Exception):
            put(publisher, "3")
    with pytest.raises(NothingChanges):
        put(publisher, "3")
    assert [revision for _, revision, _ in records(client)] == [2]


def test_an_author_who_died_between_rows_and_entry_leaves_nothing(
    publisher: Publisher, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    insert = storing._insert

    def dies(client: Client, table: str, rows: Any) -> None:
        if table == "config_revisions":
            raise WarehouseUnavailable("killed here")
        insert(client, table, rows)

    with monkeypatch.context() as patch:
        patch.setattr(storing, "_insert", dies)
        with pytest.raises(WarehouseUnavailable):
            put(publisher, "99")
    assert put(publisher, "3").revision.revision == 3
    assert in_may(client, "") == 3


def test_the_history_of_one_model(publisher: Publisher, client: Client) -> None:
    put(publisher, "3", note="dearer")
    carried_out(publisher, PRICES, "", dearer("9", model="gpt-4o-mini"), asked("bob"))
    put(publisher, "2", "acme")
    end = lambda rows, _: with_end(rows, "", "openai", "gpt-4o", MAY.replace(year=2027), "hand")  # noqa: E731
    carried_out(publisher, PRICES, "", end, asked("eve", note="withdrawn"))
    steps = history_of(client, PRICES, "", "openai", "gpt-4o")
    assert [(step.revision.revision, step.revision.author, step.revision.note) for step in steps] == [
        (5, "eve", "withdrawn"),
        (2, "ada", "dearer"),
        (1, "tokentally", "First revision, as shipped"),
    ]
    assert [step.revision.revision for step in history_of(client, PRICES, "acme", "openai", "gpt-4o")] == [4]


def test_multipliers_change_alike(publisher: Publisher, client: Client) -> None:
    new = MultiplierRow("openai", "gpt-4o", 2500, "hand", "dearer", MAY, "acme")
    done = carried_out(publisher, MULTIPLIERS, "acme", lambda rows, _: with_multiplier(rows, new), asked())
    assert done.revision.revision == 2
    assert state_rows(client, MULTIPLIERS, 2, "acme").rows[-1] == new
    assert load_multipliers(client, 2).revision == 2
    other = replace(new, multiplier_milli=3000)
    plan = planned(client, MULTIPLIERS, "acme", lambda rows, _: with_multiplier(rows, other))
    (changed,) = multiplier_difference(plan.rows_before, plan.after)
    assert (changed.before, changed.after) == (new, other)
    again = replace(new, effective_from=MAY + timedelta(days=9), note="again")
    with pytest.raises(NothingChanges, match="the multipliers say just that since revision 2: nothing changes"):
        carried_out(publisher, MULTIPLIERS, "acme", lambda rows, _: with_multiplier(rows, again), asked("bob"))


def test_no_number_is_given_out_until_the_log_is_read_again_after_a_restore(
    publisher: Publisher, client: Client
) -> None:
    def applied(number: int, offset: int) -> None:
        client.insert(
            "partition_progress",
            [["usage.events", number, offset]],
            column_names=["topic", "src_partition", "applied_offset"],
        )

    note_log_ends(client, {0: 0, 1: 1200, 2: 7, 1024: 99})
    applied(2, 6)
    for offset in (0, 1198):
        applied(1, offset)
        with pytest.raises(NotReadAgain, match=rf"partition 1 \({1199 - offset:,} records\): prices or calendars may"):
            put(publisher, "3")
    applied(1, 1199)
    assert put(publisher, "3").revision.revision == 2
    note_log_ends(client, {0: 1, 1: 1201})
    with pytest.raises(NotReadAgain, match=r"partition 0 \(1 records\), 1 \(1 records\)"):
        put(publisher, "4")


def test_a_later_release_puts_its_additions_in_force(publisher: Publisher, client: Client) -> None:
    """What the first revision has changes nothing; new items make a revision of prices and one of multipliers."""
    shipped = shipped_additions()
    with pytest.raises(NothingChanges):
        carried_out(publisher, PRICES, "", lambda rows, _: with_fitting(rows, shipped), asked())
    with pytest.raises(NothingChanges):
        carried_out(publisher, MULTIPLIERS, "", lambda rows, _: with_new_multipliers(rows, shipped), asked())
    name, milli = replace(shipped[1], display_name="Another", multiplier_milli=None), 3000
    said = [*shipped, name, replace(shipped[1], display_name=None, multiplier_milli=milli, effective_from=MAY)]
    carried_out(publisher, PRICES, "", lambda rows, _: with_fitting(rows, said), asked())
    carried_out(publisher, MULTIPLIERS, "", lambda rows, _: with_new_multipliers(rows, said), asked())
    key = (name.provider, name.models[0])
    renamed = {row.display_name for row in state_rows(client, PRICES).rows if (row.provider, row.model) == key}
    assert renamed == {"Another"}
    assert milli in {row.multiplier_milli for row in state_rows(client, MULTIPLIERS).rows}


def test_the_list_for_people_has_the_price_outside_daily_windows(publisher: Publisher, client: Client) -> None:
    """Also when the window, or a price above a context length, is newer than the price of the whole day."""
    usd, start = (Rate("input_mtok", Decimal(2)),), datetime(2026, 1, 1, tzinfo=UTC)
    window = NewPrice("openai", "gpt-4o", usd, start, "hand", daily_from="16:30:00", daily_to="00:30:00")
    carried_out(publisher, PRICES, "", lambda rows, _: with_price(rows, window), asked())
    listed = "SELECT input_usd_per_million, toUnixTimestamp(effective_from) FROM model_prices WHERE model = 'gpt-4o'"
    assert client.query(f"{listed} AND provider = 'openai'").result_rows == [(Decimal("2.5"), 0)]


MODEL_PRICE = "SELECT toFloat64(multiplier), tier FROM model_prices WHERE provider = 'openai' AND model = '{}'"


def test_a_multiplier_ends_and_the_list_of_models_shows_what_holds(publisher: Publisher, client: Client) -> None:
    def shown(model: str) -> tuple[float, str]:
        ((multiplier, tier),) = client.query(MODEL_PRICE.format(model)).result_rows
        return multiplier, tier

    def put_multiplier(milli: int, model: str, provider: str = "openai", **more: Any) -> None:
        new = MultiplierRow(provider, model, milli, "hand", effective_from=NOW - timedelta(days=2), **more)
        carried_out(publisher, MULTIPLIERS, "", lambda rows, _: with_multiplier(rows, new), asked())

    before = shown("gpt-4o")
    assert before == (2.0, "premium")
    put_multiplier(0, "gpt-4o")
    assert shown("gpt-4o") == (0.0, "economy"), "what is set to 0 costs no credits"
    put_multiplier(1500, "gpt-4o", provider="")
    assert shown("gpt-4o") == (0.0, "economy")
    end = MultiplierRow("openai", "gpt-4o", 0, "hand", effective_from=NOW - timedelta(days=1), ended=True)
    carried_out(publisher, MULTIPLIERS, "", lambda rows, _: with_multiplier_end(rows, end), asked())
    assert shown("gpt-4o") == (1.5, "standard"), "what is said of the model at any provider"
    stored = state_rows(client, MULTIPLIERS).rows
    assert end in stored
    table = load_multipliers(client)
    times = [NOW - timedelta(days=days) for days in (3, 2, 1)]
    found = [table.milli_of("", "openai/gpt-4o", "openai", "gpt-4o", int(t.timestamp()) * 1000) for t in times]
    assert found == [2000, 0, 1500]
    with pytest.raises(CreditRulesRefused, match="openai/gpt-4o-mini has no multiplier of its own for acme"):
        with_multiplier_end(stored, replace(end, model="gpt-4o-mini", organization="acme"))
    early = replace(end, effective_from=NOW - timedelta(days=9))
    with pytest.raises(CreditRulesRefused, match="end it from then, or later"):
        with_multiplier_end(stored, early)


def test_before_the_first_revision_nothing_can_be_changed(client: Client) -> None:
    with pytest.raises(RevisionMissing, match="no prices yet"):
        planned(client, PRICES, "", dearer("1"))
    with pytest.raises(RevisionMissing, match="no prices revision 3"):
        state_rows(client, PRICES, 3)
