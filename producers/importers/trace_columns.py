"""How the columns of a trace become fields of a usage event: a mapping, constants and a time zone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, tzinfo
from decimal import Decimal, InvalidOperation
from types import MappingProxyType
from typing import Final
from zoneinfo import ZoneInfo

from producers.importers.errors import WrongOptions
from producers.importers.importer import Event, place
from producers.importers.instants import instant
from tokentally.tokens import DIRECTIONS, TOKEN_BUCKETS

WHOLE_NUMBERS: Final = frozenset({*TOKEN_BUCKETS, "duration_ms", "time_to_first_token_ms", "rating"})
TEXTS: Final = frozenset(
    {
        *("customer_id", "user_id", "department", "project", "feature", "prompt_id", "prompt_name", "thread_id"),
        *("message_id", "api_key_id", "provider", "model", "event_type", "billing_type", "plan", "status"),
        *("error_code", "service_tier", "category", "prompt_preview", "reported_cost_usd"),
    }
)
MAPS: Final = ("metadata", "quantities")
AZURE_TRACE: Final[Mapping[str, str]] = MappingProxyType(
    {"time": "TIMESTAMP", "input_tokens": "ContextTokens", "output_tokens": "GeneratedTokens"}
)
"""Columns of Azure's public traces of language model inference (2023 and 2024)."""


@dataclass(frozen=True, slots=True)
class TraceColumns:
    """Which column feeds which field.

    zone_name: zone of times that name none.
    input_includes_cache, output_includes_reasoning: the trace's totals contain those parts; they are subtracted.
    """

    by_field: tuple[tuple[str, str], ...]
    zone_name: str = "UTC"
    input_includes_cache: bool = False
    output_includes_reasoning: bool = False

    def event(self, record: Mapping[str, str]) -> Event:
        """The event of one record without its identity. Raises ValueError naming the column that is wrong."""
        event: Event = {}
        for field, column in self.by_field:
            text = record[column].strip()
            if not text:
                continue
            try:
                value = self._value(field, text)
            except ValueError as problem:
                raise ValueError(f"column {column}: {problem}") from None
            if value != "":
                place(event, field, value)
        if "time" not in event:
            raise ValueError("no time")
        if self.input_includes_cache:
            _subtract(event, "input_tokens", [name for name in TOKEN_BUCKETS if name.startswith("cache_")])
        if self.output_includes_reasoning:
            _subtract(event, "output_tokens", ["reasoning_tokens"])
        return event

    def missing(self, header: Sequence[str]) -> list[str]:
        """Columns that the mapping names and the header has not."""
        return [column for _, column in self.by_field if column not in header]

    def _value(self, field: str, text: str) -> object:
        if field == "time":
            return instant(text, _zone(self.zone_name))
        return whole_number(text) if field in WHOLE_NUMBERS else text


def by_name(header: Sequence[str]) -> dict[str, str]:
    """Fields that the header names itself, in any case: the mapping when none is given."""
    known = {"time", *WHOLE_NUMBERS, *TEXTS}
    return {column.strip().lower(): column for column in header if column.strip().lower() in known}


def checked_field(field: str) -> str:
    """The field itself. Raises WrongOptions when no event has it."""
    name, dot, key = field.partition(".")
    if (dot and key and name in MAPS) or (not dot and (field == "time" or field in WHOLE_NUMBERS or field in TEXTS)):
        return field
    fields = ", ".join(["time", *sorted(TEXTS), *DIRECTIONS, "duration_ms", "metadata.<key>", "quantities.<unit>"])
    raise WrongOptions(f"{field!r} is no field of a usage event that an import can set; those are: {fields}")


def whole_number(text: str) -> int:
    """12 from `12` or `12.0`. Raises ValueError for anything that is no whole number of at most 12 digits."""
    try:
        number = Decimal(text)
        if number.is_finite() and abs(number) <= 10**12 and number == int(number):
            return int(number)
    except InvalidOperation:
        pass
    raise ValueError(f"{text[:40]!r} is not a whole number")


def _subtract(event: Event, whole: str, parts: Sequence[str]) -> None:
    total = event.get(whole, 0)
    counts = [count for name in parts if isinstance(count := event.get(name), int)]
    rest = (total if isinstance(total, int) else 0) - sum(counts)
    if rest < 0:
        raise ValueError(f"{whole} {total} is less than the parts it should contain: {sum(counts)}")
    event[whole] = rest


def _zone(name: str) -> tzinfo:
    return UTC if name == "UTC" else ZoneInfo(name)
