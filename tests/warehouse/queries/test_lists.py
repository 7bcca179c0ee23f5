"""The text of the small lists: organisations, progress, rejections."""

from datetime import UTC, datetime

from warehouse.queries.organizations import ComingCalendar, Organization, Organizations
from warehouse.queries.progress import Progress, as_of
from warehouse.queries.rejected import LatestRejections, RejectionFilter, RejectionPosition, RejectionReasons

NAIVE = datetime(2026, 3, 14, 9)  # noqa: DTZ001 - as the driver gives it
MOMENT = NAIVE.replace(tzinfo=UTC)


def test_organizations() -> None:
    question = Organizations(MOMENT, "acme")
    now = "fromUnixTimestamp64Milli({now_ms:Int64}, 'UTC')"
    assert question.sql == (
        "SELECT organization, ifNull(name, organization), zone, start, is_registered, ifNull(plan, ''), coming\n"
        "FROM\n(\n"
        f"    SELECT organization, argMaxIf(time_zone, effective_from, effective_from <= {now}) AS zone,\n"
        f"        argMaxIf(week_start, effective_from, effective_from <= {now}) AS start, "
        "max(registered) AS is_registered,\n"
        "        arraySort(groupArrayIf((effective_from, toString(time_zone), week_start), "
        f"effective_from > {now})) AS coming\n"
        "    FROM organizations FINAL WHERE organization = {organization:String}\n"
        f"    GROUP BY organization HAVING countIf(effective_from <= {now}) > 0\n"
        "    ORDER BY organization LIMIT {limit:UInt64} OFFSET {skip:UInt64}\n"
        ") AS known\n"
        "LEFT JOIN\n(\n"
        "    SELECT organization, argMax(display_name, effective_from) AS name, argMax(plan, effective_from) AS plan\n"
        "    FROM directory_entries FINAL\n"
        f"    WHERE kind = 'organization' AND effective_from <= {now} AND organization = {{organization:String}}\n"
        "    GROUP BY organization\n"
        ") AS named USING organization\n"
        "ORDER BY organization"
    )
    assert question.parameters == {"now_ms": 1773478800000, "limit": 1000, "skip": 0, "organization": "acme"}
    assert "organization =" not in Organizations(MOMENT).sql
    coming = ComingCalendar(MOMENT, "Asia/Tokyo", 7)
    assert question.read([("acme", "Acme", "Europe/Paris", 1, 0, "PRO", [(NAIVE, "Asia/Tokyo", 7)])]) == [
        Organization("acme", "Acme", "Europe/Paris", 1, registered=False, plan="PRO", coming_calendars=(coming,))
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
