"""Organisations have real calendars, are registered once, and keep the calendar their usage was counted in."""

from dataclasses import replace

import pytest

from warehouse.errors import CalendarInUse, InvalidOrganization
from warehouse.organizations import Organization, decided, described

PARIS = Organization("acme", "Europe/Paris", 1, "Acme")
ON_SIGHT = Organization("acme", "UTC", 1, "acme", registered=False)


def test_an_organization_is_described_in_words() -> None:
    assert described("acme", "Europe/Paris", "Sunday", "Acme") == Organization("acme", "Europe/Paris", 7, "Acme")


@pytest.mark.parametrize(
    ("name", "time_zone", "week_start", "problem"),
    [
        ("", "UTC", "monday", "1 to 128 printable"),
        ("a" * 129, "UTC", "monday", "1 to 128 printable"),
        ("a\nb", "UTC", "monday", "1 to 128 printable"),
        ("acme", "Paris", "monday", "'Paris' is no IANA time zone"),
        ("acme", "../etc/passwd", "monday", "no IANA time zone"),
        ("acme", "", "monday", "no IANA time zone"),
        ("acme", "UTC", "someday", "'someday' is no day of the week"),
    ],
)
def test_what_cannot_be_is_refused(name: str, time_zone: str, week_start: str, problem: str) -> None:
    with pytest.raises(InvalidOrganization, match=problem):
        described(name, time_zone, week_start)


def test_a_new_organization_is_written_under_its_own_name_when_it_has_no_other() -> None:
    assert decided(replace(PARIS, display_name=""), None, has_usage=False) == replace(PARIS, display_name="acme")


def test_registering_again_just_so_changes_nothing() -> None:
    for has_usage in (True, False):
        assert decided(PARIS, PARIS, has_usage=has_usage) is None
        assert decided(replace(PARIS, display_name=""), PARIS, has_usage=has_usage) is None


def test_one_that_was_created_on_sight_is_registered_in_the_same_calendar() -> None:
    wanted = replace(ON_SIGHT, display_name="Acme", registered=True)
    assert decided(wanted, ON_SIGHT, has_usage=True) == wanted


@pytest.mark.parametrize("wanted", [PARIS, replace(ON_SIGHT, week_start=7)])
def test_another_calendar_is_refused_once_there_is_usage(wanted: Organization) -> None:
    with pytest.raises(CalendarInUse, match="acme has usage that is counted in UTC, weeks from monday"):
        decided(wanted, ON_SIGHT, has_usage=True)
    row = decided(wanted, ON_SIGHT, has_usage=False)
    assert row
    assert (row.time_zone, row.week_start, row.registered) == (wanted.time_zone, wanted.week_start, True)
