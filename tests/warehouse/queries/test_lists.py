"""The text of the small lists: prices, organisations, progress, rejections."""

from datetime import UTC, datetime
from decimal import Decimal

from warehouse.queries.organizations import Organization, Organizations
from warehouse.queries.prices import ModelPrice, ModelPrices
from warehouse.queries.progress import Progress, as_of
from warehouse.queries.rejected import LatestRejections, RejectionFilter, RejectionPosition, RejectionReasons

NAIVE = datetime(2026, 3, 14, 9)  # noqa: DTZ001 - as the driver gives it
MOMENT = NAIVE.replace(tzinfo=UTC)


def test_prices() -> None:
    question = ModelPrices("openai", "gpt", limit=5, skip=10)
    assert question.sql.endswith(
        "FROM model_prices WHERE provider = {provider:String} AND positionCaseInsensitiveUTF8(concatWithSeparator("
        "'\\n', model, display_name), {search:String}) > 0 ORDER BY provider, model "
        "LIMIT {limit:UInt64} OFFSET {skip:UInt64}"
    )
    assert question.parameters == {"limit": 5, "skip": 10, "provider": "openai", "search": "gpt"}
    assert ModelPrices().sql.endswith(
        "FROM model_prices ORDER BY provider, model LIMIT {limit:UInt64} OFFSET {skip:UInt64}"
    )
    row = ("openai", "gpt-4o", "GPT-4o", Decimal("2.5"), None, None, Decimal(10), 0, 1, NAIVE)
    assert question.read([row]) == [
        ModelPrice("openai", "gpt-4o", "GPT-4o", Decimal("2.5"), None, None, Decimal(10), False, 1, MOMENT)
    ]


def test_organizations() -> None:
    question = Organizations(MOMENT, "acme")
    assert question.sql == (
        "SELECT organization, argMaxIf(display_name, (created, effective_from), display_name != ''), "
        "argMaxIf(time_zone, effective_from, effective_from <= fromUnixTimestamp64Milli({now_ms:Int64}, 'UTC')),\n"
        "    argMaxIf(week_start, effective_from, effective_from <= fromUnixTimestamp64Milli({now_ms:Int64}, 'UTC')), "
        "max(registered)\n"
        "FROM organizations FINAL\n"
        "WHERE organization = {organization:String}\n"
        "GROUP BY organization HAVING countIf(effective_from <= fromUnixTimestamp64Milli({now_ms:Int64}, 'UTC')) > 0\n"
        "ORDER BY organization LIMIT {limit:UInt64} OFFSET {skip:UInt64}"
    )
    assert question.parameters == {"now_ms": 1773478800000, "limit": 1000, "skip": 0, "organization": "acme"}
    assert "WHERE" not in Organizations(MOMENT).sql
    assert question.read([("acme", "Acme", "Europe/Paris", 1, 0)]) == [
        Organization("acme", "Acme", "Europe/Paris", 1, registered=False)
    ]


def test_progress() -> None:
    assert Progress().sql.endswith("FROM partition_progress FINAL ORDER BY topic, src_partition")
    rows = [("usage.events", partition, 7, NAIVE.replace(minute=partition), 5, 4, 1, 0, 0) for partition in (1, 3, 2)]
    assert as_of(Progress().read(rows)) == MOMENT.replace(minute=3)
    assert as_of([]) is None


def test_rejections() -> None:
    which = RejectionFilter("acme", "worker", "tokens", MOMENT, MOMENT, 3, replayed=False)
    question = LatestRejections(which, 5, RejectionPosition(MOMENT, "1-2-3"))
    assert question.sql == (
        "SELECT\n"
        "    rejection_id, time, source, organization, event_id, reason, src_partition, src_offset, src_index,\n"
        "    toValidUTF8(substring(raw, 1, 2000)) AS shown, if(replays.events > 0, replays.sent, NULL) AS replayed\n"
        "FROM rejected FINAL LEFT ANY JOIN (\n"
        "    SELECT rejection_id, max(replayed) AS sent, count() AS events FROM replays\n"
        "    WHERE outcome = 'accepted' GROUP BY rejection_id\n"
        ") AS replays USING rejection_id\n"
        "WHERE organization = {organization:String} AND source = {source:String} "
        "AND positionCaseInsensitiveUTF8(concatWithSeparator('\\n', reason, event_id), {search:String}) > 0 "
        "AND time >= fromUnixTimestamp64Milli({since_ms:Int64}, 'UTC') "
        "AND time < fromUnixTimestamp64Milli({until_ms:Int64}, 'UTC') "
        "AND src_partition = {partition:UInt16} AND (replays.events > 0) = {replayed:UInt8} "
        "AND (time, rejection_id) < (fromUnixTimestamp64Milli({after_ms:Int64}, 'UTC'), {after_id:String}) "
        "ORDER BY time DESC, rejection_id DESC LIMIT {limit:UInt64}"
    )
    names = {"organization", "source", "search", "since_ms", "until_ms", "partition", "replayed", "limit"}
    assert set(question.parameters) == names | {"after_ms", "after_id"}
    assert "\nORDER BY" in LatestRejections().sql
    assert "GROUP BY kind, source" in RejectionReasons(which).sql
