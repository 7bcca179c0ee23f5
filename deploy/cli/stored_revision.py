"""Finds one revision that a command names, or says whose it is: a kind, a number and an owner in; a revision out."""

import shlex
from collections.abc import Sequence

from clickhouse_connect.driver.client import Client

from deploy.errors import DeployError
from warehouse.control.history import History, StoredRevision
from warehouse.queries.query import ask

OWNERS_NAMED = 5


def stored(client: Client, kind: str, revision: int, organization: str) -> StoredRevision:
    """One revision of an owner, "": everyone. Raises DeployError, which says who has one of this number."""
    found = ask(client, History(kind, organization, revision))
    if not found:
        raise DeployError(missing(kind, revision, organization, owners_of(client, kind, revision)))
    return found[0]


def compared(
    client: Client, kind: str, before: int, after: int, organization: str
) -> tuple[StoredRevision, StoredRevision]:
    """Two revisions of one owner. Raises DeployError for others, with the command that compares what held."""
    if kind != "calendar":  # All owners' revisions of the other kinds are numbered together.
        owners = [owners_of(client, kind, number) for number in (before, after)]
        if [] not in owners and owners[0] != owners[1]:
            raise DeployError(apart(kind, (before, after), [whose[0] for whose in owners]))
    return stored(client, kind, before, organization), stored(client, kind, after, organization)


def owners_of(client: Client, kind: str, revision: int) -> list[str]:
    """Who has a revision of this number."""
    return sorted({each.organization for each in ask(client, History(kind, None, revision))})


def missing(kind: str, revision: int, organization: str, owners: Sequence[str]) -> str:
    """What to do where an owner has no such revision and these have one."""
    if not owners:
        whose = f" of {organization}" if organization else ""
        return f"there is no {kind} revision {revision}{whose}; ./tally config history shows those there are"
    if "" in owners:
        return f"{kind} revision {revision} is everyone's: leave out --organization"
    named = ", ".join(owners[:OWNERS_NAMED]) + (", …" if len(owners) > OWNERS_NAMED else "")
    if len(owners) > 1:
        return f"{kind} revision {revision} is one of {named}: say whose with --organization"
    return f"{kind} revision {revision} is {owners[0]}'s: give --organization {shlex.quote(owners[0])}"


def apart(kind: str, numbers: Sequence[int], owners: Sequence[str]) -> str:
    """What to do where two revisions belong to different owners: each holds its owner's rows only."""
    whose = " and ".join(f"{number} is {owner or 'everyone'}'s" for number, owner in zip(numbers, owners, strict=True))
    named = [owner for owner in owners if owner]
    if len(named) > 1:
        return f"{kind} revision {whose}: choose two of one organization; ./tally config history shows whose they are"
    command = f"./tally {kind} diff {numbers[0]} {numbers[1]} --organization {shlex.quote(named[0])}"
    return f"{kind} revision {whose}: {command} shows what changed for {named[0]}"
