"""The identity of an event: any idempotency key in, 16 bytes out, the same for the same organization and key."""

import re
from functools import lru_cache
from typing import Final
from uuid import UUID, uuid5

EVENT_ID_NAMESPACE: Final = UUID("6f0d3f6e-6f4b-5a0c-9d55-0e2a4f1c7b31")
"""Namespace of organizations; each organization's own namespace is the UUIDv5 of its name in this one."""

_HYPHENATED: Final = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def parse_event_uuid(event_id: str) -> UUID | None:
    """The UUID that `event_id` spells, upper or lower case; None when it is some other key.

    Only the 36-character form counts (8-4-4-4-12), so that every language agrees; braces, `urn:uuid:` and bare
    hexadecimals are other keys.
    """
    return UUID(event_id) if _HYPHENATED.fullmatch(event_id) else None


def event_uuid(organization: str, event_id: str) -> UUID:
    """`event_id` itself when it is a UUID, else UUIDv5(UUIDv5(EVENT_ID_NAMESPACE, organization), event_id)."""
    return parse_event_uuid(event_id) or uuid5(_namespace(organization), event_id)


@lru_cache(maxsize=4096)
def _namespace(organization: str) -> UUID:
    return uuid5(EVENT_ID_NAMESPACE, organization)
