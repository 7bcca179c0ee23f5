"""The kinds of value an event's fields hold: each an annotated type with its bounds and its JSON Schema."""

import re
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, WithJsonSchema

from .decimals import plain, read_decimal
from .instants import rfc3339

MAX_TEXT_CHARS: Final = 256
MAX_ORGANIZATION_CHARS: Final = 128
MAX_PREVIEW_CHARS: Final = 500
MAX_TOKENS: Final = 10**12
MAX_DURATION_MS: Final = 10**10
MAX_QUANTITY: Final = 10**12
MAX_QUANTITIES: Final = 50
MAX_COST_USD: Final = 10**6
MAX_METADATA_ENTRIES: Final = 50
MAX_METADATA_KEY_CHARS: Final = 64
MAX_METADATA_VALUE_CHARS: Final = 512

EventType = Literal[
    "token_usage",
    "api_call",
    "feature_access",
    "image_generation",
    "video_generation",
    "audio",
    "embedding",
    "custom",
]
BillingType = Literal["SYSTEM", "BYOK"]
Status = Literal["success", "error", "cancelled"]
ServiceTier = Literal["", "batch", "flex", "priority", "fast"]

CONTROL_CHARACTERS: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
"""What no id and no name may have: control characters, and halves of characters, which UTF-8 cannot hold."""

# The pattern is anchored by Rust's rules for pydantic; the schema says the same by exclusion, because `$` also matches
# before a final newline in some languages.
_NO_CONTROL: Final = r"^[^\x00-\x1f\x7f-\x9f]*$"
_CONTROL: Final = r"[\u0000-\u001f\u007f-\u009f]"
_CONTROL_BUT_LINES: Final = r"[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]"
_NO_CONTROL_BUT_LINES: Final = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]*$"


_RFC_3339: Final = (
    r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,30})?"
    r"([Zz]|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$"
)
_UNIT_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,63}")


def _text_schema(max_chars: int, min_chars: int = 0, control: str = _CONTROL) -> WithJsonSchema:
    at_least: dict[str, Any] = {"minLength": min_chars} if min_chars else {}
    return WithJsonSchema({"type": "string", **at_least, "maxLength": max_chars, "not": {"pattern": control}})


def _decimal_schema(maximum: int) -> WithJsonSchema:
    text = r"^[0-9]{1,30}(\.[0-9]{1,60})?([eE][+-]?[0-9]{1,3})?$"
    return WithJsonSchema(
        {"anyOf": [{"type": "number", "minimum": 0, "maximum": maximum}, {"type": "string", "pattern": text}]}
    )


def _number(quantity: Decimal) -> int | float:
    # Exact: `read_decimal` leaves 15 significant digits, which a double holds.
    return int(quantity) if quantity == quantity.to_integral_value() else float(quantity)


def _unit(name: str) -> str:
    if not _UNIT_NAME.fullmatch(name):
        raise ValueError("a unit is named in at most 64 lower-case letters, digits and underscores")
    if name.endswith(("_tokens", "_mtok")):
        raise ValueError("tokens belong to the token buckets, where each is counted once")
    return name


Text = Annotated[str, Field(max_length=MAX_TEXT_CHARS, pattern=_NO_CONTROL), _text_schema(MAX_TEXT_CHARS)]
Key = Annotated[
    str, Field(min_length=1, max_length=MAX_TEXT_CHARS, pattern=_NO_CONTROL), _text_schema(MAX_TEXT_CHARS, 1)
]
Organization = Annotated[
    str,
    Field(min_length=1, max_length=MAX_ORGANIZATION_CHARS, pattern=_NO_CONTROL),
    _text_schema(MAX_ORGANIZATION_CHARS, 1),
]
Preview = Annotated[
    str,
    Field(max_length=MAX_PREVIEW_CHARS, pattern=_NO_CONTROL_BUT_LINES),
    _text_schema(MAX_PREVIEW_CHARS, control=_CONTROL_BUT_LINES),
]
Tokens = Annotated[int, Field(ge=0, le=MAX_TOKENS)]
Milliseconds = Annotated[int, Field(ge=0, le=MAX_DURATION_MS)]
Stars = Annotated[int, Field(ge=1, le=5)]
Instant = Annotated[
    datetime,
    PlainSerializer(rfc3339, return_type=str, when_used="json"),
    WithJsonSchema({"type": ["string", "null"], "format": "date-time", "pattern": _RFC_3339}),
]
Usd = Annotated[
    Decimal,
    BeforeValidator(read_decimal),
    Field(le=MAX_COST_USD),
    PlainSerializer(plain, return_type=str, when_used="json"),
    _decimal_schema(MAX_COST_USD),
]
Quantity = Annotated[
    Decimal,
    BeforeValidator(read_decimal),
    Field(le=MAX_QUANTITY),
    PlainSerializer(_number, return_type=int | float, when_used="json"),
    _decimal_schema(MAX_QUANTITY),
]
# By exclusion too: pydantic would make a plain pattern of names into patternProperties, which let other names pass.
Unit = Annotated[
    str,
    AfterValidator(_unit),
    WithJsonSchema(
        {"type": "string", "minLength": 1, "maxLength": 64, "not": {"pattern": "^[^a-z]|[^a-z0-9_]|(_tokens|_mtok)$"}}
    ),
]
Quantities = Annotated[dict[Unit, Quantity], Field(max_length=MAX_QUANTITIES)]
MetadataKey = Annotated[
    str,
    Field(min_length=1, max_length=MAX_METADATA_KEY_CHARS, pattern=_NO_CONTROL),
    _text_schema(MAX_METADATA_KEY_CHARS, 1),
]
MetadataValue = Annotated[
    str,
    Field(max_length=MAX_METADATA_VALUE_CHARS, pattern=_NO_CONTROL_BUT_LINES),
    _text_schema(MAX_METADATA_VALUE_CHARS, control=_CONTROL_BUT_LINES),
]
Metadata = Annotated[dict[MetadataKey, MetadataValue], Field(max_length=MAX_METADATA_ENTRIES)]
