"""JSON types of answers: exact decimals as strings, instants in RFC 3339; and the fields that many answers share."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, WithJsonSchema

DECIMAL = r"^-?[0-9]+\.[0-9]{%d}$"


def instant_text(instant: datetime) -> str:
    """RFC 3339 with milliseconds; UTC is written as Z, another zone as its offset."""
    return instant.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def start_text(start: datetime | date) -> str:
    """The start of a bucket: an instant for hours, a date for longer ones."""
    return instant_text(start) if isinstance(start, datetime) else start.isoformat()


def exact_text(number: Decimal) -> str:
    """Every digit of a number, without zeros at the end."""
    text = format(number, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


Usd = Annotated[
    Decimal,
    PlainSerializer(lambda value: format(value, ".9f"), return_type=str),
    WithJsonSchema({"type": "string", "pattern": DECIMAL % 9}),
]
"""US dollars to the nano-dollar."""
Money = Annotated[
    Decimal,
    PlainSerializer(lambda value: format(value, ".9f"), return_type=str),
    WithJsonSchema({"type": "string", "pattern": DECIMAL % 9}),
]
"""Money in a currency that the answer names, rounded half to even at the ninth place."""
Credits = Annotated[
    Decimal,
    PlainSerializer(lambda value: format(value, ".6f"), return_type=str),
    WithJsonSchema({"type": "string", "pattern": DECIMAL % 6}),
]
"""Credits to the millionth."""
Exact = Annotated[
    Decimal,
    PlainSerializer(exact_text, return_type=str),
    WithJsonSchema({"type": "string", "pattern": r"^[0-9]+(\.[0-9]+)?$"}),
]
"""A decimal with every digit it has: prices per million tokens, quantities."""
SignedExact = Annotated[
    Decimal,
    PlainSerializer(exact_text, return_type=str),
    WithJsonSchema({"type": "string", "pattern": r"^-?[0-9]+(\.[0-9]+)?$"}),
]
"""A decimal of either sign with every digit it has: amounts of invoices and differences."""
Instant = Annotated[
    datetime,
    PlainSerializer(instant_text, return_type=str),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
"""A moment in UTC."""


def utc_now() -> datetime:
    """The clock of the API."""
    return datetime.now(UTC)


class AnswerModel(BaseModel):
    """Parts of answers; they are made from the typed results of the warehouse."""

    model_config = ConfigDict(frozen=True, from_attributes=True, populate_by_name=True)


class AsOf(AnswerModel):
    """Up to when an answer is computed."""

    as_of: Instant | None = Field(
        description="Newest moment at which the log received something that was applied before this answer was "
        "computed; null before the first event",
        examples=["2026-03-14T09:26:53.589Z"],
    )


class Answered(AsOf):
    """What every answer about usage says about itself."""

    organization: str | None = Field(
        description="Organisation the answer is about; null means all together", examples=["acme"]
    )
