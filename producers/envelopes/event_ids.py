"""Identities of many events at once: the senders' keys in, 16 bytes each and the keys that were no UUID out."""

import polars as pl

from tokentally.identity import event_uuid

_HYPHENATED = r"^[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$"


def is_uuid(keys: pl.Series) -> pl.Series:
    """Which keys are spelled as UUIDs (see tokentally.identity)."""
    return keys.str.contains(_HYPHENATED)


def uuid_bytes(keys: pl.Series, uuids: pl.Series, organizations: pl.Series) -> pl.Series:
    """16 bytes for each key: the UUID it spells where `uuids` says so, else the organization's UUIDv5 of it."""
    known = keys.str.replace_all("-", "", literal=True).str.decode("hex", strict=False)
    if uuids.all():
        return known
    others = ~uuids
    pairs = zip(organizations.filter(others), keys.filter(others), strict=True)
    made = pl.Series([event_uuid(organization, key).bytes for organization, key in pairs], dtype=pl.Binary)
    return known.scatter(others.arg_true(), made)
