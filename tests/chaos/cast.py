"""Who sends in a chaos run: organisations with their calendars, and models whose cost the truth works out by hand."""

from dataclasses import dataclass
from datetime import UTC, datetime

from clickhouse_connect.driver.client import Client

ZONES = (
    "UTC",
    "Europe/Paris",
    "America/New_York",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "Asia/Tokyo",
    "America/St_Johns",
    "Pacific/Kiritimati",
)
DEFAULT_ZONE = "UTC"
ROUNDS_MOST = 40
BURSTS_A_ROUND = 3


@dataclass(frozen=True, slots=True)
class Organization:
    """One tenant; an unregistered one is created by the worker that sees it first."""

    name: str
    zone: str
    week_start: int
    registered: bool = True


@dataclass(frozen=True, slots=True)
class Model:
    """A model, and the kinds of usage its events carry beside input and output tokens."""

    provider: str
    name: str
    extras: tuple[str, ...] = ()
    weight: int = 10


MODELS = (
    Model("openai", "gpt-4o", ("cache_read_tokens", "web_searches", "widgets"), 20),
    Model("openai", "gpt-4o-mini", ("cache_read_tokens", "reasoning_tokens"), 20),
    Model("openai", "gpt-3.5-turbo"),
    Model("openai", "text-embedding-3-small", weight=4),
    Model("anthropic", "claude-3-5-haiku-latest", ("cache_write_5m_tokens", "cache_write_1h_tokens"), 12),
    Model("anthropic", "claude-sonnet-4-5", ("cache_read_tokens", "long"), 12),
    Model("google", "gemini-2.5-pro", ("long", "reasoning_tokens"), 8),
    Model("nobody", "unheard-of", ("reported",), 6),
)
"""Priced plainly, in tiers of context length, in part (an embedding's output, a widget) and not at all."""

STEADY = tuple(
    Organization(f"steady-{number}", ZONES[number % len(ZONES)], 1 + number % 7, registered=number % 11 != 10)
    for number in range(16)
)
"""Traffic all the time."""


def bursts(round_number: int) -> tuple[Organization, ...]:
    """Organisations that get late events once, in this round, and then are silent for ever."""
    first = round_number * BURSTS_A_ROUND
    return tuple(
        Organization(f"burst-{number}", ZONES[number % len(ZONES)], 1 + number % 7)
        for number in range(first, first + BURSTS_A_ROUND)
    )


EVERYBODY = STEADY + tuple(one for number in range(ROUNDS_MOST) for one in bursts(number))
CALENDARS = {one.name: (one.zone, one.week_start) for one in EVERYBODY if one.registered}


def calendar_of(organization: str) -> tuple[str, int]:
    """Time zone and first day of the week; the default for those who are not registered."""
    return CALENDARS.get(organization, (DEFAULT_ZONE, 1))


def register_all(client: Client) -> None:
    """Registers everybody who is registered beforehand, at once."""
    beginning = datetime(1970, 1, 1, tzinfo=UTC)
    client.insert(
        "organizations",
        [[one.name, beginning, one.zone, one.week_start, one.name, 1, "chaos"] for one in EVERYBODY if one.registered],
        column_names=[
            *("organization", "effective_from", "time_zone", "week_start"),
            *("display_name", "registered", "author"),
        ],
    )
