"""Quantities and metadata as stored: JSON text of a sender in, its one canonical spelling out.

The spelling is that of UsageEvent: keys sorted, no spaces, plain numbers, UTF-8 unescaped, "" for an empty object.
"""

import re
from functools import lru_cache
from typing import Annotated

import msgspec
from pydantic import ConfigDict, TypeAdapter

from tokentally.fields import (
    MAX_METADATA_ENTRIES,
    MAX_METADATA_KEY_CHARS,
    MAX_METADATA_VALUE_CHARS,
    Metadata,
    Quantities,
)
from tokentally.usage_event import canonical_metadata, canonical_quantities

_STRICT = ConfigDict(strict=True)
_quantities: TypeAdapter[Quantities] = TypeAdapter(Quantities, config=_STRICT)
_metadata: TypeAdapter[Metadata] = TypeAdapter(Metadata, config=_STRICT)

_MetadataKey = Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_METADATA_KEY_CHARS)]
_MetadataValue = Annotated[str, msgspec.Meta(max_length=MAX_METADATA_VALUE_CHARS)]
_quick_metadata = msgspec.json.Decoder(
    Annotated[dict[_MetadataKey, _MetadataValue], msgspec.Meta(max_length=MAX_METADATA_ENTRIES)]
)
_sorted_json = msgspec.json.Encoder(order="sorted")
# Without any of these bytes there is no escape and no control character.
_needs_care = re.compile(rb"[\\\x7f\xc2]").search

# Long texts seldom come again, and would make the caches large.
_MAX_REMEMBERED_BYTES = 512


def quantities_text(raw: bytes) -> str:
    """The canonical quantities of a JSON object. Raises ValueError when UsageEvent would refuse it."""
    return _remembered_quantities(raw) if len(raw) <= _MAX_REMEMBERED_BYTES else _read_quantities(raw)


def metadata_text(raw: bytes) -> str:
    """The canonical metadata of a JSON object. Raises ValueError when UsageEvent would refuse it."""
    return _remembered_metadata(raw) if len(raw) <= _MAX_REMEMBERED_BYTES else _read_metadata(raw)


def _read_quantities(raw: bytes) -> str:
    return canonical_quantities(_quantities.validate_json(raw)) if raw else ""


def _read_metadata(raw: bytes) -> str:
    if not raw:
        return ""
    if not _needs_care(raw):
        try:
            entries = _quick_metadata.decode(raw)
        except (msgspec.MsgspecError, UnicodeDecodeError) as problem:
            raise ValueError("metadata cannot be used") from problem
        return _sorted_json.encode(entries).decode() if entries else ""
    return canonical_metadata(_metadata.validate_json(raw))


_remembered_quantities = lru_cache(maxsize=2048)(_read_quantities)
_remembered_metadata = lru_cache(maxsize=8192)(_read_metadata)
