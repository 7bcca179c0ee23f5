"""Registers organisations: a calendar, a name and a plan as somebody gave them in, what became of them out."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from clickhouse_connect.driver.client import Client

from warehouse.directory.changes import Decision
from warehouse.directory.entry import Kind, Wish, wished
from warehouse.directory.ledger import StoredLedger, carry_out
from warehouse.errors import InvalidEntry, InvalidOrganization, Problem
from warehouse.organizations import WEEK_DAYS, Organization, described, listed, register


@dataclass(frozen=True, slots=True)
class OrganizationWish:
    """An organisation as somebody gave it. time_zone and week_start "": as they are known; statement: name and plan."""

    name: str
    time_zone: str = ""
    week_start: str = ""
    statement: Wish | None = None

    def over(self, known: Organization | None) -> Organization:
        """The organisation to register. Raises InvalidOrganization for one without a time zone that is not known."""
        if not (self.time_zone or known):
            raise InvalidOrganization("time_zone: '' is empty; give an IANA time zone such as Europe/Paris")
        week_start = self.week_start or WEEK_DAYS[known.week_start - 1 if known else 0]
        wanted = described(self.name, self.time_zone or "UTC", week_start)
        return wanted if self.time_zone or known is None else replace(wanted, time_zone=known.time_zone)


@dataclass(frozen=True, slots=True)
class Registered:
    """What became of a wish. is_new: it was not registered just so; naming None: nothing was said of name or plan."""

    organization: Organization
    is_new: bool
    naming: Decision | None


def organization_wished(
    name: str,
    time_zone: str,
    week_start: str,
    texts: Mapping[str, str | None],
    attributes: Mapping[str, str] | None = None,
    effective_from: datetime | None = None,
) -> OrganizationWish:
    """A wish within bounds; texts as for `wished`. effective_from: from when name and plan hold; a calendar that is
    registered holds from the beginning. Raises InvalidEntry with every problem.
    """
    problems: list[Problem] = []
    statement = None
    if attributes or any(text is not None for text in texts.values()):
        try:
            statement = wished(name, Kind.ORGANIZATION, name, texts, attributes, effective_from)
        except InvalidEntry as failure:
            problems += failure.problems
    elif effective_from is not None:
        cure = "says from when a name or plan holds; give one, or leave it out"
        problems.append(Problem("effective_from", effective_from.isoformat(), cure))
    try:
        described(name, time_zone or "UTC", week_start or WEEK_DAYS[0])
    except InvalidOrganization as failure:
        problems.append(Problem("id", name, f"cannot be registered: {failure}"))
    if problems:
        raise InvalidEntry(problems)
    return OrganizationWish(name, time_zone, week_start, statement)


def registered(client: Client, wish: OrganizationWish, now: datetime, author: str, source: str) -> Registered:
    """Registers the organisation and stores what is said of it; the same again changes nothing.

    source: api, csv or cli. Raises InvalidOrganization, CalendarInUse (nothing is written then), WarehouseUnavailable
    (the same again does no harm) and WarehouseRefused.
    """
    organization = wish.over(next(iter(listed(client, wish.name)), None))
    is_new = register(client, organization, author)
    if wish.statement is None:
        return Registered(organization, is_new, None)
    [(_, decision)] = carry_out(StoredLedger(client), [wish.statement], now, author, source)
    return Registered(organization, is_new, decision)
