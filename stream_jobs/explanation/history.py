"""Which revisions an event's credits and billed amount come from, and which records changed it when it came: its
former versions and what records said of it in, places, revisions or records out. Pure.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from warehouse.queries.corrected import AwaitedChange, FormerVersion
from warehouse.queries.priced_calls import JobPrices
from warehouse.queries.traced import CountedEvent


@dataclass(frozen=True, slots=True)
class CountedUnder:
    """prices: the revision that the event carried when its credits were counted. multipliers: the revision they were
    counted with and whose terms it is billed by (0: the first one); None: the one in force where the event stands in
    the log.
    """

    prices: int
    multipliers: int | None


def counted_under(
    price_revision: int,
    src_partition: int,
    former: Sequence[FormerVersion],
    jobs: Mapping[str, Sequence[JobPrices]],
) -> CountedUnder:
    """The last change that counted the credits, else the event's birth.

    price_revision: of the event as it is. former: oldest first. jobs: by control record; that of the event's own
    partition counts, of a former generation of the topic any.
    """
    after = price_revision
    for version in reversed(former):
        made = jobs.get(version.control_id, ())
        job = next((each for each in made if each.src_partition == src_partition), made[0] if made else None)
        if job is not None and job.counts_with is not None:
            return CountedUnder(after, job.counts_with)
        after = version.price_revision
    return CountedUnder(after, None)


def changed_at_birth(
    event: CountedEvent, former: Sequence[FormerVersion], said: Sequence[AwaitedChange]
) -> tuple[AwaitedChange, ...]:
    """The records that stood in the log before the event and changed it when it came, in their order.

    Not among them are those that had to leave it as it was, nor any where it kept what it was sent as.
    """
    version = former[0].version if former else event.control_offset
    identity = (event.organization, event.time, event.offset)
    made = (each for each in said if version and not each.refusal)
    return tuple(each for each in made if (each.organization, each.time, each.met) == identity)
