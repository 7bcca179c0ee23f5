"""What each kind of job is asked to do to the stored events, and what must be stored afterwards."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from clickhouse_connect.driver.client import Client

from tests.benchmarks.jobs.stored import StoredEvents
from warehouse.literals import quoted, second

FIRST_REVISION: Final = 1
SECOND_REVISION: Final = 2
REPLACED_INPUT_TOKENS: Final = 1000
AMENDED: Final = "amended"
CORRECTIONS: Final = ("amend", "reprice", "replace", "replay", "void")
"""On the same events in this order: after the last nothing of them is left to be rewritten."""
ERASE: Final = "erase"
KINDS: Final = (*CORRECTIONS, ERASE)


@dataclass(frozen=True, slots=True)
class Told:
    """What the jobs so far have made of the stored events."""

    amended: bool = False
    prices: int = FIRST_REVISION
    replaced: bool = False
    gone: bool = False


@dataclass(frozen=True, slots=True)
class Totals:
    """What one place counts of the stored events."""

    requests: int
    input_tokens: int
    cost_nano_usd: int


AFTER: Final[Mapping[str, Callable[[Told], Told]]] = {
    "amend": lambda told: replace(told, amended=True),
    "reprice": lambda told: replace(told, prices=SECOND_REVISION),
    "replace": lambda told: replace(told, replaced=True),
    "replay": lambda told: told,
    "void": lambda told: replace(told, gone=True),
    "erase": lambda told: replace(told, gone=True),
}


def body(kind: str, stored: StoredEvents) -> dict[str, Any]:
    """The body of the control record: all stored events, and none of those that come meanwhile."""
    selection = {"until": stored.until.isoformat()}
    bodies: dict[str, dict[str, Any]] = {
        "amend": {"selection": selection, "set": {"category": AMENDED}},
        "reprice": {"selection": selection, "prices": SECOND_REVISION},
        "replace": {"selection": selection, "set": {"input_tokens": REPLACED_INPUT_TOKENS}},
        "replay": {"first": stored.first_day.isoformat()},
        "void": {"selection": selection},
        "erase": {"user_id": stored.user},
    }
    return bodies[kind]


def expected(stored: StoredEvents, told: Told) -> dict[str, Totals]:
    """What each place must count; worked out from what was sent, without the warehouse."""
    nothing = Totals(0, 0, 0)
    tokens = stored.events * REPLACED_INPUT_TOKENS if told.replaced else stored.input_tokens
    whole = Totals(stored.events, tokens, stored.cost_nano_usd[told.prices, told.replaced])
    usual = nothing if told.gone else whole
    amended = Totals(whole.requests if told.amended and not told.gone else 0, 0, 0)
    return {"raw": usual, "quarter": usual, "hour": usual, "day": usual, AMENDED: amended}


def counted(client: Client, stored: StoredEvents) -> dict[str, Totals]:
    """What each place counts."""
    own = f"organization = {quoted(stored.organization)}"
    until = int(stored.until.timestamp())
    sums = "toInt128(sum(input_tokens)), toInt128(sum(cost_nano_usd))"
    statement = (
        f"SELECT 'raw', count(), {sums} FROM usage_raw FINAL WHERE {own} AND time < {second(until)} UNION ALL "
        f"SELECT toString(grain), sum(requests), {sums} FROM rollup FINAL WHERE {own} AND bucket < {second(until)} "
        "AND grain IN ('quarter', 'hour', 'day') GROUP BY grain UNION ALL "
        f"SELECT '{AMENDED}', sum(requests), 0, 0 FROM rollup_category FINAL WHERE {own} AND bucket < {second(until)} "
        f"AND grain = 'quarter' AND category = '{AMENDED}'"
    )
    found = {row[0]: Totals(*map(int, row[1:])) for row in client.query(statement).result_rows}
    return {place: found.get(place, Totals(0, 0, 0)) for place in ("raw", "quarter", "hour", "day", AMENDED)}


def wrong(client: Client, stored: StoredEvents, told: Told) -> list[str]:
    """A sentence for each place that does not count what it must."""
    found = counted(client, stored)
    return [
        f"{place}: {found[place]} is counted, {totals} is right"
        for place, totals in expected(stored, told).items()
        if found[place] != totals
    ]
