"""One conversation and the calls in it: a random source in, usage events that look like real ones out."""

import math
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from itertools import accumulate
from random import Random
from uuid import UUID

from producers.synthetic.cast import MODELS, DemoOrganization, Feature, Model

Event = dict[str, object]

_ERRORS = (("rate_limit", 5), ("timeout", 3), ("overloaded", 2), ("context_length_exceeded", 1))
_CACHE_BLOCK_TOKENS = 128


@dataclass(frozen=True, slots=True)
class Conversation:
    """What stays the same during a conversation."""

    organization: DemoOrganization
    feature: Feature
    model: Model
    prompt: int
    user: int
    thread_id: str
    context_tokens: int

    @classmethod
    def begin(cls, random: Random, organization: DemoOrganization, feature: Feature) -> "Conversation":
        """A new conversation of a user, who is more often one of the eager few."""
        user = random.choices(range(organization.users), cum_weights=_eagerness(organization.users))[0]
        names = feature.models
        # Four of five calls use the model that the user's team settled on.
        model = names[user % len(names)] if random.random() < 0.8 else random.choice(names)
        return cls(
            organization,
            feature,
            MODELS[model],
            random.randrange(len(feature.prompts)),
            user,
            f"thread-{random.getrandbits(48):012x}",
            _spread(random, feature.input_tokens, 0.7),
        )


def call(random: Random, conversation: Conversation, number: int, unix_ms: int) -> Event:
    """The event of the conversation's call with this number, from 0, at this time."""
    event = _who_and_what(conversation)
    event["event_id"] = _event_id(random, unix_ms)
    event["time"] = f"{datetime.fromtimestamp(unix_ms / 1000, UTC):%Y-%m-%dT%H:%M:%S}.{unix_ms % 1000:03d}Z"
    event["message_id"] = f"{conversation.thread_id}-{number + 1}"
    event |= _consumption(random, conversation, number)
    if event["status"] == "success" and random.random() < 0.05:
        event["rating"] = random.choices((1, 2, 3, 4, 5), (4, 5, 12, 34, 45))[0]
    return {name: value for name, value in event.items() if value not in ("", 0)}


def _who_and_what(conversation: Conversation) -> Event:
    organization, feature, user = conversation.organization, conversation.feature, conversation.user
    customer = user % organization.customers if organization.customers else None
    own_key = user < organization.byok * organization.users
    project = organization.projects[user % len(organization.projects)]
    return {
        "organization": organization.name,
        "customer_id": "" if customer is None else f"customer-{customer:03d}",
        "user_id": f"{organization.name}-user-{user:03d}",
        "department": organization.departments[user % len(organization.departments)],
        "project": project,
        "feature": feature.name,
        "prompt_id": f"{feature.name.replace(' ', '-')}-{conversation.prompt + 1}",
        "prompt_name": feature.prompts[conversation.prompt],
        "thread_id": conversation.thread_id,
        "api_key_id": f"key-own-{user:03d}" if own_key else f"key-{project}",
        "provider": conversation.model.provider,
        "model": conversation.model.name,
        "event_type": _event_type(conversation.model),
        "billing_type": "BYOK" if own_key else "SYSTEM",
        "plan": "PRO" if customer is None else ("FREE", "FREE", "PRO", "PRO", "TEAM")[customer % 5],
        "category": feature.category,
        "metadata": {"environment": "production" if user % 11 else "staging"},
    }


def _consumption(random: Random, conversation: Conversation, number: int) -> Event:
    """Tokens, status and times of one call; later messages carry the whole conversation so far."""
    model, feature = conversation.model, conversation.feature
    if random.random() < 0.015:
        return _failure(random, model)
    fresh = _spread(random, max(20, feature.input_tokens // 8), 0.6)
    carried = conversation.context_tokens + number * (feature.input_tokens // 8 + feature.output_tokens)
    cached = carried // _CACHE_BLOCK_TOKENS * _CACHE_BLOCK_TOKENS if model.caches and number else 0
    output = _spread(random, feature.output_tokens, 0.6) if feature.output_tokens else 0
    cancelled = bool(output) and random.random() < 0.008
    if cancelled:
        output = max(1, int(output * random.random()))
    thought = int(output * model.reasoning * random.uniform(0.5, 3.0))
    writes_cache = model.provider == "anthropic" and not number and carried >= 1024
    first_token_ms = _spread(random, model.first_token_ms, 0.35) if model.first_token_ms else 0
    written_ms = (output + thought) * 1000 // model.tokens_per_second if model.tokens_per_second else 0
    event: Event = {
        "status": "cancelled" if cancelled else "success",
        "input_tokens": carried - cached + fresh - (carried if writes_cache else 0),
        "cache_read_tokens": cached,
        "cache_write_5m_tokens": carried if writes_cache else 0,
        "reasoning_tokens": thought,
        "time_to_first_token_ms": first_token_ms,
        "duration_ms": first_token_ms + written_ms + _spread(random, 90, 0.5),
    }
    event["output_image_tokens" if model.name == "gpt-image-1" else "output_tokens"] = output
    return event


def _failure(random: Random, model: Model) -> Event:
    code = random.choices([code for code, _ in _ERRORS], [weight for _, weight in _ERRORS])[0]
    waited_ms = 60_000 if code == "timeout" else _spread(random, max(60, model.first_token_ms // 3), 0.5)
    return {"status": "error", "error_code": code, "duration_ms": waited_ms}


def _event_type(model: Model) -> str:
    if model.name.startswith("text-embedding"):
        return "embedding"
    return "image_generation" if model.name.startswith("gpt-image") else "token_usage"


def _event_id(random: Random, unix_ms: int) -> str:
    """A UUID version 7 whose random part comes from the seed."""
    return str(UUID(int=unix_ms << 80 | 7 << 76 | random.getrandbits(12) << 64 | 0b10 << 62 | random.getrandbits(62)))


def _spread(random: Random, typical: int, sigma: float) -> int:
    """A log-normal number around a typical one, at least 1."""
    return max(1, round(typical * math.exp(random.gauss(0.0, sigma))))


@lru_cache
def _eagerness(users: int) -> tuple[float, ...]:
    return tuple(accumulate(1 / (rank + 2) for rank in range(users)))
