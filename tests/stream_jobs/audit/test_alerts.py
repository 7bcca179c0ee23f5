"""Alerts of an audit: one per check, organisation, partition and date; what was told is not told again."""

import json
from datetime import UTC, datetime, timedelta

from stream_jobs.audit.alerts import ALERTS_PER_AUDIT, alerts
from warehouse.queries.reconcile import log_counts
from warehouse.queries.reconcile.difference import Difference
from warehouse.queries.reconcile.identities import IN_RAW, WHOLE_LOG

NOW = datetime(2026, 3, 14, tzinfo=UTC)


def wrong(bucket: str = "2026-03-14 10:00:00", organization: str = "acme", partition: int = 3) -> Difference:
    return Difference(
        "rollup quarter = raw", organization, partition, bucket, {"model": "gpt-4o"}, {"requests": 12}, {"requests": 11}
    )


def test_neighbours_are_one_alert_with_words_and_details() -> None:
    (row,) = alerts([wrong(), wrong("2026-03-14 10:15:00")], set(), NOW)
    alert_id, kind, organization, when, message, details = row
    assert alert_id == "reconcile_difference/rollup quarter = raw/3/acme/2026-03-14/told 2026-03-14"
    assert (kind, organization, when) == ("reconcile_difference", "acme", NOW)
    assert message.startswith(
        "rollup quarter = raw: 2 rows differ of organization acme in log partition 3, 2026-03-14; "
        "the first: requests is 11, expected 12. `./tally reconcile` shows every row"
    )
    assert json.loads(details)["rows"] == 2


def test_what_a_repair_cannot_heal_is_told_with_its_own_cure() -> None:
    found = Difference(log_counts.CHECK, "usage.events", 3, WHOLE_LOG, {}, {"seen": 9}, {"seen": 8})
    (row,) = alerts([found], set(), NOW)
    assert row[2] == ""
    assert row[4].startswith(
        f"{log_counts.CHECK}: 1 rows differ of topic usage.events in log partition 3, {WHOLE_LOG}; "
        "the first: seen is 8, expected 9. `./tally reconcile` shows every row; the workers counted other events"
    )


def test_totals_that_are_not_those_of_raw_events_are_a_topics_too() -> None:
    found = Difference(IN_RAW, "usage.events", 3, WHOLE_LOG, {}, {"accepted": 9}, {"accepted": 8})
    (row,) = alerts([found], set(), NOW)
    assert row[2] == ""
    assert " of topic usage.events in log partition 3, " in row[4]


def test_a_repeat_is_no_new_alert_but_another_day_is() -> None:
    (told,) = alerts([wrong()], set(), NOW)
    assert alerts([wrong()], {told[0]}, NOW) == []
    assert len(alerts([wrong(), wrong("2026-03-15 00:00:00")], {told[0]}, NOW)) == 1


def test_what_is_wrong_on_the_next_day_is_told_again() -> None:
    (told,) = alerts([wrong()], set(), NOW)
    (again,) = alerts([wrong()], {told[0]}, NOW + timedelta(days=1))
    assert again[0] != told[0]


def test_a_flood_is_bounded_and_goes_on_with_the_next_audit() -> None:
    flood = [wrong(partition=number) for number in range(ALERTS_PER_AUDIT + 7)]
    first = alerts(flood, set(), NOW)
    assert len(first) == ALERTS_PER_AUDIT
    assert len(alerts(flood, {row[0] for row in first}, NOW)) == 7
