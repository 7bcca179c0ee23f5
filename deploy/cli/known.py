"""Remarks about names that nobody knows: perhaps they are misspelt, perhaps what they name is still to come."""

from clickhouse_connect.driver.client import Client

from warehouse.directory.entry import Key, Kind
from warehouse.organizations import listed
from warehouse.queries.directory import EntryHistory
from warehouse.queries.query import ask


def remark_on_organization(client: Client, name: str) -> str:
    """What to tell of an organisation that is not registered and has no usage; empty for one that is known."""
    if not name or listed(client, name):
        return ""
    return (
        f"remark: nobody knows an organization {name!r}, it has no usage yet: see its spelling in "
        "./tally organizations list"
    )


def remark_on_department(client: Client, organization: str, name: str) -> str:
    """What to tell of a department that the directory does not have; empty for one that it has."""
    if not name or ask(client, EntryHistory(Key(organization, Kind.DEPARTMENT, name))):
        return ""
    return (
        f"remark: the directory has no department {name!r} of {organization!r}: see its spelling in ./tally directory "
        "list --kind department, or name it with ./tally directory set"
    )
