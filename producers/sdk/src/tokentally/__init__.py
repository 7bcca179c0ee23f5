"""Tokentally's contract of usage events, and a client that records them without getting in the way."""

from .errors import EnvelopeTooLarge, InconsistentTokenCounts, TokentallyError, reasons
from .partition import partition_of
from .tokens import TOKEN_BUCKETS, TokenCounts, disjoint
from .usage_event import UsageEvent
from .uuid7 import uuid7

__version__ = "0.1.0"

__all__ = [
    "TOKEN_BUCKETS",
    "EnvelopeTooLarge",
    "InconsistentTokenCounts",
    "TokenCounts",
    "TokentallyError",
    "UsageEvent",
    "disjoint",
    "partition_of",
    "reasons",
    "uuid7",
]
