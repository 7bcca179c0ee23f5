"""Plausible traffic of a few organisations: a seed, a period and a mean rate in, usage events in time order out."""

import math
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import lru_cache
from random import Random
from zoneinfo import ZoneInfo

from producers.synthetic.call import Conversation, call
from producers.synthetic.cast import FEATURES, ORGANIZATIONS, DemoOrganization

Event = dict[str, object]

SLOT_SECONDS = 900
_YEAR_SECONDS = 365.25 * 86_400
_LONGEST_PAUSE_SECONDS = 150.0
_KEPT_MESSAGES = 1.77
"""Mean number of messages of a conversation that fall into its slot, over all features."""


def events(seed: int, start: datetime, end: datetime, rate_per_second: float) -> Iterator[Event]:
    """The events of start <= time < end, about `rate_per_second` a second on average over weeks.

    Each quarter hour of each organisation is drawn by itself from (seed, organisation, quarter hour, rate), so any
    period gives the same events with the same ids, whatever was asked before: overlapping periods share theirs.
    """
    first_ms, last_ms = _unix_ms(start), _unix_ms(end)
    for slot in range(first_ms // 1000 // SLOT_SECONDS * SLOT_SECONDS, math.ceil(last_ms / 1000), SLOT_SECONDS):
        drawn = [found for organization in ORGANIZATIONS for found in _slot(seed, organization, slot, rate_per_second)]
        for unix_ms, event in sorted(drawn, key=lambda found: (found[0], str(found[1]["event_id"]))):
            if first_ms <= unix_ms < last_ms:
                yield event


def intensity(organization: DemoOrganization, slot: int) -> float:
    """How busy an organisation is in the quarter hour that starts at this Unix second; 1 on average over a year."""
    local = datetime.fromtimestamp(slot, ZoneInfo(organization.time_zone))
    tide = 1.0 + 0.45 * math.sin(2 * math.pi * (slot / _YEAR_SECONDS + organization.tide_phase))
    return tide * _busyness(organization, local.weekday(), local.hour) / _mean_busyness(organization)


def _slot(seed: int, organization: DemoOrganization, slot: int, rate_per_second: float) -> list[tuple[int, Event]]:
    random = Random(f"{seed}/{organization.name}/{slot}/{rate_per_second!r}")
    expected = rate_per_second * SLOT_SECONDS * organization.share * intensity(organization, slot) / _KEPT_MESSAGES
    found: list[tuple[int, Event]] = []
    for _ in range(_poisson(random, expected)):
        found += _conversation(random, organization, slot)
    return found


def _conversation(random: Random, organization: DemoOrganization, slot: int) -> Iterator[tuple[int, Event]]:
    feature = random.choices(FEATURES, [feature.weight for feature in FEATURES])[0]
    conversation = Conversation.begin(random, organization, feature)
    second = random.random() * SLOT_SECONDS
    number = 0
    while second < SLOT_SECONDS:
        unix_ms = slot * 1000 + int(second * 1000)
        yield unix_ms, call(random, conversation, number, unix_ms)
        number += 1
        if random.random() >= 1 - 1 / feature.messages:
            return
        second += random.uniform(8.0, _LONGEST_PAUSE_SECONDS)


def _busyness(organization: DemoOrganization, weekday: int, hour: int) -> float:
    if organization.opens <= hour < organization.closes:
        level = 0.7 if hour in (12, 13) else 1.0
    elif organization.opens - 2 <= hour < organization.closes + 3:
        level = 0.2
    else:
        level = 0.04
    return level * (organization.weekend if weekday >= 5 else 1.0)


@lru_cache
def _mean_busyness(organization: DemoOrganization) -> float:
    return sum(_busyness(organization, hour // 24, hour % 24) for hour in range(168)) / 168


def _poisson(random: Random, mean: float) -> int:
    """A Poisson number; above 60 its normal approximation."""
    if mean > 60:
        return max(0, round(random.gauss(mean, math.sqrt(mean))))
    limit, product, count = math.exp(-mean), random.random(), 0
    while product > limit:
        product *= random.random()
        count += 1
    return count


def _unix_ms(moment: datetime) -> int:
    return int(moment.astimezone(UTC).timestamp() * 1000)
