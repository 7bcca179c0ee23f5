"""Questions on the real engine equal plain Python over the same events, to the nano-dollar."""

from collections import Counter
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from clickhouse_connect.driver.client import Client

from tests.warehouse.recorded import Event, measures_of
from warehouse.directory.registration import organization_wished, registered
from warehouse.errors import WarehouseRefused
from warehouse.queries.breakdown import BREAKDOWN_DIMENSIONS, FAMILY_VIEWS, Breakdown, Order
from warehouse.queries.directory import DisplayNames
from warehouse.queries.events import EventCount, EventFilter, LatestEvents, Position
from warehouse.queries.organizations import ComingCalendar, Organizations
from warehouse.queries.overview import OverviewTotals, PromptCount
from warehouse.queries.progress import Progress, as_of
from warehouse.queries.query import ask
from warehouse.queries.refused import RefusedByIds, ReplaysOf
from warehouse.queries.rejected import LatestRejections, RejectionFilter, RejectionPosition, RejectionReasons
from warehouse.queries.selection import Selection
from warehouse.queries.timeline import Granularity, Timeline, Total
from warehouse.queries.usage import added

pytestmark = pytest.mark.integration
SELECTIONS = [
    Selection(),
    Selection("acme"),
    Selection("zen", date(2026, 3, 28), date(2026, 4, 1)),
    Selection("acme", date(2026, 3, 30), None, (("provider", "openai"), ("user_id", "it's"))),
    Selection("acme", equals=(("model", ""),)),
    Selection("nobody"),
]


def selected(recorded: list[Event], selection: Selection) -> list[Event]:
    return [
        event
        for event in recorded
        if selection.organization in (None, event["organization"])
        and (selection.first_day is None or event["day"] >= selection.first_day)
        and (selection.last_day is None or event["day"] <= selection.last_day)
        and all(event[name] == value for name, value in selection.equals)
    ]


def summed(events: list[Event], measure: str) -> int:
    return sum(measures_of(event)[measure] for event in events)


def nano(amount: Decimal) -> int:
    """Nano-USD; fails when the amount is not a whole number of them."""
    exact = Fraction(amount) * 10**9
    assert exact.denominator == 1
    return exact.numerator


STARTS: dict[Granularity, Callable[[Event], date | datetime]] = {
    Granularity.DAY: lambda event: event["day"],
    Granularity.WEEK: lambda event: event["week"],
    Granularity.MONTH: lambda event: event["day"].replace(day=1),
}


@pytest.mark.parametrize("selection", SELECTIONS)
@pytest.mark.parametrize("granularity", Granularity)
def test_timeline(usage: Client, recorded: list[Event], selection: Selection, granularity: Granularity) -> None:
    events = selected(recorded, selection)
    start = STARTS.get(granularity) or (
        lambda event: event["hour"] if selection.organization else event["hour"].replace(minute=0)
    )
    buckets = ask(usage, Timeline(selection, granularity))
    assert [bucket.start for bucket in buckets] == sorted({start(event) for event in events})
    for bucket in buckets:
        mine = [event for event in events if start(event) == bucket.start]
        assert bucket.usage.requests == len(mine)
        assert bucket.usage.errors == summed(mine, "errors")
        assert bucket.usage.total_tokens == summed(mine, "total_input_tokens") + summed(mine, "total_output_tokens")
        assert nano(bucket.usage.cost_usd) == summed(mine, "cost_nano_usd")
        assert nano(bucket.usage.billed_usd) == summed(mine, "billed_nano_usd")
        assert Fraction(bucket.usage.credits) * 10**6 == summed(mine, "credits_micro")
    assert added(bucket.usage for bucket in buckets) == ask(usage, Total(selection))


@pytest.mark.parametrize("dimension", BREAKDOWN_DIMENSIONS)
@pytest.mark.parametrize("order", [Order.COST, Order.REQUESTS])
def test_breakdown(usage: Client, recorded: list[Event], dimension: str, order: Order) -> None:
    selection = Selection("acme", date(2026, 3, 27), date(2026, 4, 1))
    events = selected(recorded, selection)
    found = ask(usage, Breakdown(dimension, selection, order))
    costs: Counter[str] = Counter()
    requests: Counter[str] = Counter()
    for event in events:
        costs[event[dimension]] += event["cost_nano_usd"]
        requests[event[dimension]] += 1
    ranked = costs if order is Order.COST else requests
    assert [part.value for part in found.page] == sorted(requests, key=lambda value: (-ranked[value], value))
    assert {part.value: nano(part.cost_usd) for part in found.page} == costs
    assert {part.value: part.requests for part in found.page} == requests
    assert (found.whole.requests, nano(found.whole.cost_usd)) == (len(events), summed(events, "cost_nano_usd"))
    assert found.values == len(found.page)
    if dimension != "thread_id":
        for part in found.page:
            models = Counter(e["model"] for e in events if e[dimension] == part.value and e["model"])
            assert part.top_model == min(models, key=lambda model: (-models[model], model), default="")


def test_a_page_of_a_breakdown(usage: Client) -> None:
    whole = ask(usage, Breakdown("user_id", Selection()))
    page = ask(usage, Breakdown("user_id", Selection(), limit=1, skip=1))
    assert page.page == whole.page[1:2]
    assert (page.whole, page.values) == (whole.whole, whole.values)
    beyond = ask(usage, Breakdown("user_id", Selection(), skip=50))
    assert (beyond.page, beyond.whole, beyond.values) == ([], whole.whole, whole.values)


@pytest.mark.parametrize("dimension", [*FAMILY_VIEWS, "model"])
def test_an_empty_breakdown(usage: Client, dimension: str) -> None:
    found = ask(usage, Breakdown(dimension, Selection("nobody")))
    assert (found.page, found.values, found.whole.requests, found.whole.top_model) == ([], 0, 0, "")


@pytest.mark.parametrize("organization", [None, "acme", "nobody"])
def test_overview(usage: Client, recorded: list[Event], organization: str | None) -> None:
    events = selected(recorded, Selection(organization))
    april = [event for event in events if event["day"] >= date(2026, 4, 1)]
    totals = ask(usage, OverviewTotals(organization, date(2026, 4, 1)))
    assert (totals.requests, nano(totals.cost_usd)) == (len(events), summed(events, "cost_nano_usd"))
    assert nano(totals.month_cost_usd) == summed(april, "cost_nano_usd")
    tokens = summed(april, "total_input_tokens") + summed(april, "total_output_tokens")
    assert totals.month_total_tokens == tokens
    assert (totals.duration_ms, totals.timed_requests) == (
        summed(events, "duration_ms"),
        summed(events, "timed_requests"),
    )
    models = Counter(event["model"] for event in events if event["model"])
    top = min(models, key=lambda model: (-models[model], model), default="")
    assert (totals.top_model, totals.top_model_requests) == (top, models[top])
    prompts = {(event["organization"], event["prompt_id"]) for event in events if event["prompt_id"]}
    assert ask(usage, PromptCount(organization)) == len(prompts)


def test_pages_of_events_hold_each_once_newest_first(usage: Client, recorded: list[Event]) -> None:
    seen, after = [], None
    while page := ask(usage, LatestEvents(limit=70, after=after)):
        seen += page
        after = Position(page[-1].time, page[-1].organization, page[-1].event_id)
    assert len(seen) == len(recorded)
    assert [event.time for event in seen] == sorted((event["time"] for event in recorded), reverse=True)
    by_id = {event["event_id"]: event for event in recorded}
    for event in seen:
        assert nano(event.cost_usd) == by_id[event.event_id]["cost_nano_usd"]
        assert event.duration_ms == by_id[event.event_id]["duration_ms"]


def test_events_are_filtered(usage: Client, recorded: list[Event]) -> None:
    since, until = datetime(2026, 3, 29, tzinfo=UTC), datetime(2026, 3, 31, tzinfo=UTC)
    wanted = EventFilter(Selection("acme", equals=(("status", "error"),)), since, until)
    events = [event for event in selected(recorded, wanted.selection) if since <= event["time"] < until]
    expected = [event["event_id"] for event in sorted(events, key=lambda event: event["time"], reverse=True)]
    assert [event.event_id for event in ask(usage, LatestEvents(wanted))] == expected
    assert ask(usage, EventCount(wanted)) == len(expected)


def test_events_are_found_by_a_part_of_an_id(usage: Client, recorded: list[Event]) -> None:
    text = str(recorded[5]["event_id"])[3:20].upper()
    found = ask(usage, LatestEvents(EventFilter(search=text)))
    assert [event.event_id for event in found] == [recorded[5]["event_id"]]


def test_as_of_is_the_newest_moment_applied(usage: Client, recorded: list[Event]) -> None:
    assert as_of(ask(usage, Progress())) == max(event["append_time"] for event in recorded)


def test_organizations_as_they_are_now(changeable: Client) -> None:
    changeable.insert(
        "organizations",
        [["acme", datetime(2026, 5, 1, tzinfo=UTC), "Asia/Tokyo", 7, "", 1]],
        column_names=["organization", "effective_from", "time_zone", "week_start", "display_name", "registered"],
    )
    before, after = datetime(2026, 4, 30, tzinfo=UTC), datetime(2026, 5, 1, tzinfo=UTC)
    assert [one.time_zone for one in ask(changeable, Organizations(before))] == ["Europe/Paris", "Asia/Kathmandu"]
    assert [(one.time_zone, one.week_start) for one in ask(changeable, Organizations(after, "acme"))] == [
        ("Asia/Tokyo", 7)
    ]
    assert ask(changeable, Organizations(after, "nobody")) == []
    coming = [one.coming_calendars for at in (before, after) for one in ask(changeable, Organizations(at, "acme"))]
    assert coming == [(ComingCalendar(after, "Asia/Tokyo", 7),), ()]


def test_an_organization_is_called_what_was_said_until_then(changeable: Client) -> None:
    renamed = datetime(2026, 5, 1, tzinfo=UTC)
    texts = {"display_name": "Acme & Sons", "plan": "PRO"}
    registered(changeable, organization_wished("acme", "", "", texts, None, renamed), renamed, "ada", "cli")

    def called(at: datetime, organization: str | None = None) -> list[tuple[str, str]]:
        return [(one.display_name, one.plan) for one in ask(changeable, Organizations(at, organization))]

    assert called(renamed - timedelta(1)) == [("Acme", ""), ("Zen", "")]
    assert called(renamed) == [("Acme & Sons", "PRO"), ("Zen", "")]
    assert called(renamed, "acme") == [("Acme & Sons", "PRO")]
    names = [
        ask(changeable, DisplayNames("organization", None, ["acme", "zen"], each))
        for each in (renamed - timedelta(1), renamed)
    ]
    assert names == [{"acme": "Acme", "zen": "Zen"}, {"acme": "Acme & Sons", "zen": "Zen"}]


def test_rejections_of_an_organization_by_pages(changeable: Client) -> None:
    moment = datetime(2026, 3, 14, 9, 0, 0, 5000, tzinfo=UTC)
    changeable.insert(
        "rejected",
        [[f"r{number}", moment, "worker", "acme", "e", "reason", 1026, 7, number, b"\xff{}"] for number in range(5)],
        column_names=[
            *("rejection_id", "time", "source", "organization", "event_id", "reason"),
            *("src_partition", "src_offset", "src_index", "raw"),
        ],
        column_type_names=[
            *("String", "DateTime64(3, 'UTC')", "String", "String", "String", "String"),
            *("Nullable(UInt16)", "Nullable(Int64)", "Nullable(UInt32)", "String"),
        ],
    )
    first = ask(changeable, LatestRejections(RejectionFilter("acme", search="REASON"), limit=2))
    assert [one.rejection_id for one in first] == ["r4", "r3"]
    assert (first[0].time, first[0].raw) == (moment, "\N{REPLACEMENT CHARACTER}{}")
    after = RejectionPosition(first[-1].time, first[-1].rejection_id)
    assert [one.rejection_id for one in ask(changeable, LatestRejections(RejectionFilter("acme"), after=after))] == [
        "r2",
        "r1",
        "r0",
    ]
    assert ask(changeable, LatestRejections(RejectionFilter("zen"))) == []
    replays = [["r1", 0, moment, "me", "accepted"], ["r2", 0, moment, "me", "refused"]]
    changeable.insert("replays", replays, column_names=["rejection_id", "line", "replayed", "by", "outcome"])
    sent = ask(changeable, LatestRejections(RejectionFilter(replayed=True, partition=1026, since=moment)))
    assert [(one.rejection_id, one.replayed) for one in sent] == [("r1", moment)]
    assert ask(changeable, LatestRejections(RejectionFilter(replayed=False, until=moment))) == []
    [reason] = ask(changeable, RejectionReasons())
    assert (reason.reason, reason.count, reason.replayed, reason.example) == ("reason", 5, 1, "r4")
    [zeroth, second] = ask(changeable, RefusedByIds(["r1", "r0", "r9"]))
    assert (zeroth.rejection_id, zeroth.raw, second.rejection_id) == ("r0", b"\xff{}", "r1")
    [replay] = ask(changeable, ReplaysOf(["r1"]))
    assert (replay.outcome, replay.replayed, replay.partition) == ("accepted", moment, None)


def test_prices_of_the_newest_revision(changeable: Client) -> None:
    changeable.command("INSERT INTO config_revisions (kind, revision) VALUES ('prices', 1), ('prices', 2)")
    changeable.command(
        "INSERT INTO prices (revision, provider, model, display_name, unit, price_usd, per) VALUES "
        "(1, 'openai', 'old', 'Old', 'input_mtok', 1, 1), "
        "(2, 'openai', 'gpt-4o', 'GPT-4o', 'input_mtok', '0.041666666666666664', 1), "
        "(2, 'openai', 'gpt-4o', 'GPT-4o', 'output_mtok', 10, 1)"
    )
    found = changeable.query("SELECT model, input_usd_per_million FROM model_prices").result_rows
    assert found == [("gpt-4o", Decimal("0.041666666666666664"))]


def test_a_wrong_question_is_refused(usage: Client) -> None:
    class Wrong(Progress):
        sql = "SELECT nothing FROM nowhere"

    with pytest.raises(WarehouseRefused, match="nowhere"):
        ask(usage, Wrong())
