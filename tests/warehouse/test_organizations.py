"""Organisations have real calendars, are registered once, and keep the calendar their usage was counted in."""

from dataclasses import replace

import pytest

from warehouse.errors import CalendarInUse, InvalidOrganization
from warehouse.organizations import Organization, decided, described

PARIS = Organization("acme", "Europe/Paris", 1)
ON_SIGHT = Organization("acme", "UTC", 1, registered=False, display_name="acme")


NO_ZONES = ("localtime", "posixrules", "Factory", "posix/UTC", "right/UTC", "tzdata.zi", "europe/paris", "Europe")
"""What some systems have beside zones, or take for one."""


def test_an_organization_is_described_in_words() -> None:
    assert described("acme", "Europe/Paris", "Sunday") == Organization("acme", "Europe/Paris", 7)


@pytest.mark.parametrize("name", ["株式会社\u3000東京", "Ada\u00a0L", "👩\u200d💻", "a\u2028b"])
def test_whatever_events_may_call_it_can_be_registered(name: str) -> None:
    assert described(name, "UTC", "monday").name == name


@pytest.mark.parametrize(
    ("name", "time_zone", "week_start", "problem"),
    [
        ("", "UTC", "monday", "1 to 128 characters"),
        ("a" * 129, "UTC", "monday", "1 to 128 characters"),
        ("a\nb", "UTC", "monday", "1 to 128 characters"),
        ("a\x85b", "UTC", "monday", "no control characters"),
        ("a\ud800", "UTC", "monday", "no control characters"),
        (" acme", "UTC", "monday", "the name ' acme' has spaces around it; remove them"),
        ("acme\u3000", "UTC", "monday", "has spaces around it; remove them"),
        *(("acme", zone, "monday", f"{zone!r} is no IANA") for zone in NO_ZONES),
        ("acme", "Paris", "monday", "'Paris' is no IANA time zone"),
        ("acme", "../etc/passwd", "monday", "no IANA time zone"),
        ("acme", "", "monday", "no IANA time zone"),
        ("acme", "UTC", "someday", "'someday' is no day of the week"),
    ],
)
def test_what_cannot_be_is_refused(name: str, time_zone: str, week_start: str, problem: str) -> None:
    with pytest.raises(InvalidOrganization, match=problem):
        described(name, time_zone, week_start)


def test_registering_again_just_so_changes_nothing() -> None:
    for used in ("has", "had", ""):
        assert decided(PARIS, None, used=used) == PARIS
        assert decided(PARIS, replace(PARIS, display_name="Acme"), used=used) is None


def test_one_that_was_created_on_sight_is_registered_in_the_same_calendar() -> None:
    wanted = Organization("acme", "UTC", 1)
    assert decided(wanted, ON_SIGHT, used="has") == wanted


@pytest.mark.parametrize("wanted", [PARIS, Organization("acme", "UTC", 7)])
def test_another_calendar_is_refused_once_there_is_usage(wanted: Organization) -> None:
    for known in (ON_SIGHT, replace(ON_SIGHT, registered=True)):
        with pytest.raises(CalendarInUse, match="acme has usage that is counted in UTC, weeks from monday"):
            decided(wanted, known, used="has")
        with pytest.raises(CalendarInUse, match="acme had usage that was counted in UTC, weeks from monday, which was"):
            decided(wanted, known, used="had")
        assert decided(wanted, known) == wanted
