"""Which of the days that are asked for are done together: requests in, bundles of them out. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from warehouse.literals import in_address, quoted

MOST_SLICES = 100
MOST_EVENTS = 100_000
"""Of a bundle of more than one slice: takes wait for it, a second or two at a time."""
WIDEST = timedelta(days=31)
"""From its first day to its last: what lies between them is read as well."""
LONGEST_NAMES = 8000
"""Bytes of the names of a bundle's organisations as literals in an address (RFC 3986): statements that are sent with a
table stand there, each name up to four times, and no server takes endless addresses."""
Place = tuple[int, str, date]
"""(src_partition, organization, day)."""


@dataclass(frozen=True, slots=True)
class Request:
    """A slice that somebody asked for. version: of its row, to be followed by the next one."""

    repair_id: str
    src_partition: int
    organization: str
    day: date
    version: int

    @property
    def place(self) -> Place:
        """Which day it is about."""
        return self.src_partition, self.organization, self.day


Requests = tuple[Request, ...]
"""Some that are done together; never none."""


def bundles(found: Iterable[Request], events: Mapping[Place, int]) -> list[Requests]:
    """Those that follow each other and are done together. events: raw events of each place that has any."""
    made: list[list[Request]] = []
    for request in found:
        if made and _fits(made[-1], request, events):
            made[-1].append(request)
        else:
            made.append([request])
    return [tuple(each) for each in made]


def mark_of(requests: Sequence[Request]) -> tuple[object, ...]:
    """What is marked while they are worked on: a slice alone has a mark of its own."""
    first = requests[0]
    if len(requests) == 1:
        return first.repair_id, *first.place
    return together(first)


def together(request: Request) -> tuple[object, ...]:
    """What is marked while several slices of its job and partition are worked on together."""
    return "together", request.repair_id, request.src_partition


def _fits(before: Sequence[Request], request: Request, events: Mapping[Place, int]) -> bool:
    first = before[0]
    alike = ("repair_id", "src_partition", "version")
    if len(before) == MOST_SLICES or any(getattr(first, name) != getattr(request, name) for name in alike):
        return False
    both = (*before, request)
    days = [each.day for each in both]
    return (
        max(days) - min(days) < WIDEST
        and sum(events.get(each.place, 0) for each in both) <= MOST_EVENTS
        and sum(in_address(quoted(each.organization)) for each in both) <= LONGEST_NAMES
    )
