"""Differences that a flush in between explains vanish when they are asked for again; real ones stay."""

from types import SimpleNamespace
from unittest.mock import create_autospec

from clickhouse_connect.driver.client import Client

from warehouse.queries.reconcile.reconcile import ATTEMPTS, lasting
from warehouse.queries.reconcile.totals import TotalsAgainstRaw

AGREES = ("usage.events", 1026, 7, 5, 5, 5, 5)
DIFFERS = ("usage.events", 1026, 7, 6, 6, 6, 5)


def asked(*answers: tuple[object, ...]) -> tuple[int, int]:
    """Differing rows in the end, and the number of pauses."""
    client = create_autospec(Client, instance=True)
    client.query.side_effect = [SimpleNamespace(result_rows=[row]) for row in answers]
    pauses: list[float] = []
    return lasting(client, TotalsAgainstRaw(), pauses.append).differing, len(pauses)


def test_agreement_is_asked_for_once() -> None:
    assert asked(AGREES) == (0, 0)


def test_a_passing_difference_is_forgotten() -> None:
    assert asked(DIFFERS, DIFFERS, AGREES) == (0, 2)


def test_a_lasting_difference_is_reported() -> None:
    assert asked(*[DIFFERS] * ATTEMPTS) == (1, ATTEMPTS - 1)
