"""Names that nobody knows are remarked on; those that are known are not."""

from collections.abc import Sequence
from unittest.mock import create_autospec

import pytest
from clickhouse_connect.driver.client import Client

from deploy.cli import known
from deploy.cli.known import remark_on_department, remark_on_organization
from warehouse.organizations import Organization
from warehouse.queries.directory import EntryHistory

CLIENT = create_autospec(Client, instance=True)


def test_an_organization_that_nobody_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    def listed(_: Client, only: str) -> Sequence[Organization]:
        return [Organization("acme", "UTC", 1, registered=False)] if only == "acme" else []

    monkeypatch.setattr(known, "listed", listed)
    assert remark_on_organization(CLIENT, "acme") == ""
    assert remark_on_organization(CLIENT, "") == "", "all of them"
    assert remark_on_organization(CLIENT, "acmee") == (
        "remark: nobody knows an organization 'acmee', it has no usage yet: see its spelling in "
        "./tally organizations list"
    )


def test_a_department_that_the_directory_does_not_have(monkeypatch: pytest.MonkeyPatch) -> None:
    def ask(_: Client, query: EntryHistory) -> list[str]:
        return ["said"] if query.key == ("acme", "department", "sales") else []

    monkeypatch.setattr(known, "ask", ask)
    assert remark_on_department(CLIENT, "acme", "sales") == ""
    assert remark_on_department(CLIENT, "acme", "") == "", "there is none"
    assert "no department 'nope' of 'acme': see its spelling in" in remark_on_department(CLIENT, "acme", "nope")
