"""What an erasure tells about itself: dates where they are known, and what stays of whom."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from stream_jobs.erasure.certificate import certificate, completed, swept_again
from stream_jobs.erasure.scope import Scope

USER = Scope("00000000-0000-0000-0000-000000000001", "acme", 5, 50, whole=False)
ASKED = datetime(2026, 3, 14, 9, 26, tzinfo=UTC)
HOUR = timedelta(hours=1)


def told(scope: Scope = USER, kept: timedelta | None = None) -> dict[str, Any]:
    return certificate(scope, {"events": 2}, asked=ASKED, now=ASKED + HOUR, due=ASKED + 2 * HOUR, kept=kept)


def until(said: dict[str, Any]) -> dict[str, str]:
    return {each["what"].split(",")[0]: each["until"] for each in said["only_time_clears"]}


def test_e24_what_only_time_clears_has_a_date() -> None:
    assert until(told(kept=timedelta(days=37))) == {
        "records of the event topic": "2026-04-20 09:26 UTC",
        "records of the topic of refused events": "2026-04-20 10:26 UTC",
        "backups made before": "they are deleted",
        "files of the warehouse that were replaced": "the second sweep, 2026-03-14 11:26 UTC",
    }


def test_e24_without_an_answer_of_kafka_no_date_is_made_up() -> None:
    assert "did not tell" in until(told())["records of the event topic"]


def test_e24_what_stays_of_an_organization_is_told() -> None:
    of_user, of_organization = (" ".join(told(scope)["stays"]) for scope in (USER, replace(USER, whole=True)))
    for words in ("prices, multipliers and terms", "API keys", "name and calendar"):
        assert words in of_organization
        assert words not in of_user
    assert "closed periods" in of_user
    assert "in Superset" in of_user
    assert told(replace(USER, whole=True))["subject"] == "organization"


def test_e24_once_complete_nothing_is_left_for_the_sweeps() -> None:
    first = told()
    done = completed(first, ASKED + 3 * HOUR)
    assert until(first).keys() - until(done).keys() == {"files of the warehouse that were replaced"}
    assert done["complete"] == "2026-03-14T12:26:00+00:00"
    late = swept_again(done, {"events": 2, "usage_raw": 3}, ASKED + 4 * HOUR)
    assert "complete" not in late
    assert (late["removed"], late["swept"]) == ({"events": 2, "usage_raw": 3}, "2026-03-14T13:26:00+00:00")
    assert until(late)["files of the warehouse that were replaced"] == (
        "some minutes after the sweep of 2026-03-14 13:26 UTC"
    )
    assert until(completed(late, ASKED + 5 * HOUR)) == until(done)
