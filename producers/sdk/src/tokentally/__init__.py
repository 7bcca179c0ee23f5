"""Tokentally's contract of usage events, and a client that records them without getting in the way."""

from .client import Client, ClientCounts
from .errors import EnvelopeTooLarge, InconsistentTokenCounts, TokentallyError, reasons
from .partition import partition_of
from .recording import flush, record
from .service_tiers import service_tier_of
from .tokens import TOKEN_BUCKETS, TokenCounts, disjoint
from .usage_event import UsageEvent
from .uuid7 import uuid7

__version__ = "0.1.0"

__all__ = [
    "TOKEN_BUCKETS",
    "Client",
    "ClientCounts",
    "EnvelopeTooLarge",
    "InconsistentTokenCounts",
    "TokenCounts",
    "TokentallyError",
    "UsageEvent",
    "disjoint",
    "flush",
    "partition_of",
    "reasons",
    "record",
    "service_tier_of",
    "uuid7",
]
