"""The calendars of organisations as a worker sees them: names in, local calendars out."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime

import polars as pl
import structlog

from stream_jobs.calendars.local_calendar import LocalCalendar, Place
from stream_jobs.calendars.organization_calendar import OrganizationCalendar
from stream_jobs.worker import statements
from stream_jobs.worker.sink import Sink

log = structlog.get_logger()


class Directory:
    """Looks unknown organisations up once; creates those nobody registered with the installation's default.

    Several threads may look up at once. What is known is changed by records alone: an answer that comes after a change
    may be older than it, and one that comes after everything was forgotten may be another owner's.

    Memory: a reference per organisation, a bounded calendar per zone and week start, a triple per calendar and year.
    """

    def __init__(self, sink: Sink, default_time_zone: str, default_week_start: int) -> None:
        self._sink = sink
        self._default = (default_time_zone, default_week_start)
        self._calendars: dict[tuple[str, int], LocalCalendar] = {}
        self._organizations: dict[str, OrganizationCalendar] = {}
        self._written_years: set[tuple[str, int, int]] = set()

    def unknown(self, organizations: Iterable[str]) -> list[str]:
        """Those that `learn` has not been asked for yet."""
        return [name for name in organizations if name not in self._organizations]

    def calendar(self, organization: str) -> OrganizationCalendar:
        """The calendar of a learned organisation."""
        return self._organizations[organization]

    def learned(self, organization: str) -> OrganizationCalendar:
        """The calendar of any organisation, looked up when it must be; others may make the directory forget."""
        while (known := self._organizations.get(organization)) is None:
            self.learn([organization], 0)
        return known

    def forget(self) -> None:
        """Whoever had the partitions meanwhile may have changed calendars: they are looked up again."""
        self._organizations = {}

    def place(self, organization: str, bucket: int) -> Place:
        """The local hour, day and week of a quarter hour of a learned organisation."""
        return self._organizations[organization].place(bucket)

    def learn(self, organizations: list[str], seen_ms: int) -> None:
        """Reads the calendars of these organisations; creates and reports the ones that nobody registered.

        seen_ms: append time of the event that showed them, so that a replay raises the same alert again.
        """
        known = self._organizations
        found = self._read(organizations)
        if missing := [name for name in organizations if name not in found]:
            self._create(missing, seen_ms)
            # What was created lies below a registration of the same moment: the table tells which of them holds.
            default = OrganizationCalendar.of([(0, self._shared(*self._default))])
            found |= dict.fromkeys(missing, default) | self._read(missing)
        for name, calendar in found.items():
            known.setdefault(name, calendar)

    def _read(self, organizations: list[str]) -> dict[str, OrganizationCalendar]:
        """The calendars that stand in the warehouse."""
        rules: dict[str, list[tuple[int, LocalCalendar]]] = {}
        for name, start, time_zone, week_start in self._sink.rows(statements.organizations(organizations)):
            rules.setdefault(name, []).append((start, self._shared(time_zone, week_start)))
        return {name: OrganizationCalendar.of(changes) for name, changes in rules.items()}

    def _create(self, missing: list[str], seen_ms: int) -> None:
        time_zone, week_start = self._default
        # The alert first: once the organization is stored, no replay would raise it.
        self._sink.insert("alerts", _alerts(missing, time_zone, seen_ms))
        self._sink.insert("organizations", _unregistered(missing, time_zone, week_start))
        for name in missing:
            log.warning("organization created on sight", organization=name, time_zone=time_zone)

    def change(self, organization: str, start: int, time_zone: str, week_start: int) -> None:
        """Lets another calendar hold for a learned organisation from `start` (Unix seconds) on."""
        changed = replace(self._organizations[organization])  # whoever reads meanwhile reads the one or the other
        changed.change(start, self._shared(time_zone, week_start))
        self._organizations[organization] = changed

    def write_years(self, touched: Iterable[tuple[str, date]]) -> None:
        """Makes sure that the calendar table has the years of these (organization, local date)."""
        wanted = {
            (calendar.time_zone, calendar.week_start, day.year)
            for name, day in touched
            for calendar in self._organizations[name].calendars
        }
        for time_zone, week_start, year in sorted(wanted - self._written_years):
            self._sink.insert("calendar", calendar_rows(self._shared(time_zone, week_start), year))
            self._written_years.add((time_zone, week_start, year))

    def forget_years(self) -> None:
        """The calendar table may have lost what was written: years are written again when they are next touched."""
        self._written_years.clear()

    def _shared(self, time_zone: str, week_start: int) -> LocalCalendar:
        key = (time_zone, week_start)
        if key not in self._calendars:
            self._calendars[key] = LocalCalendar(time_zone, week_start)
        return self._calendars[key]


def calendar_rows(calendar: LocalCalendar, year: int) -> pl.DataFrame:
    """The local hours, days and weeks that start in a local year, as rows of the table `calendar`."""
    days = pl.date_range(date(year, 1, 1), date(year, 12, 31), eager=True).to_list()
    rows: list[tuple[str, str, int, int, int, date]] = []
    for day in days:
        hours = calendar.hours(day)
        rows += [(calendar.time_zone, "hour", 0, hour.start, hour.end, day) for hour in hours]
        if hours:
            rows.append((calendar.time_zone, "day", 0, hours[0].start, hours[-1].end, day))
        if day.isoweekday() == calendar.week_start:
            week = calendar.week(day)
            rows.append((calendar.time_zone, "week", calendar.week_start, week.start, week.end, day))
    schema = {
        "time_zone": pl.String,
        "grain": pl.String,
        "week_start": pl.UInt8,
        "start": pl.UInt32,
        "end": pl.UInt32,
        "date": pl.Date,
    }
    return pl.DataFrame(rows, schema=schema, orient="row")


def _unregistered(names: list[str], time_zone: str, week_start: int) -> pl.DataFrame:
    return pl.DataFrame({"organization": names}).with_columns(
        pl.lit(0, pl.UInt32).alias("effective_from"),
        pl.lit(time_zone).alias("time_zone"),
        pl.lit(week_start, pl.UInt8).alias("week_start"),
        pl.col("organization").alias("display_name"),
        pl.lit(0, pl.UInt8).alias("registered"),
        pl.lit("worker").alias("author"),
        # The oldest version: a registration wins whichever lands first.
        pl.lit(0, pl.Int64).cast(pl.Datetime("ms", "UTC")).alias("created"),
    )


def _alerts(names: list[str], time_zone: str, seen_ms: int) -> pl.DataFrame:
    message = (
        "Organization {} is not registered: its usage is counted in " + time_zone + ". "
        "Register it with `./tally organizations create`."
    )
    return pl.DataFrame({"organization": names}).select(
        pl.format("unregistered_organization/{}", "organization").alias("alert_id"),
        pl.lit("unregistered_organization").alias("kind"),
        "organization",
        pl.lit(datetime.fromtimestamp(seen_ms / 1000, UTC)).cast(pl.Datetime("ms", "UTC")).alias("time"),
        pl.format(message, "organization").alias("message"),
        pl.lit("{}").alias("details"),
    )
