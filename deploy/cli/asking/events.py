"""Single events that a command is about: ids and the warehouse in, identities with what they set out."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from clickhouse_connect.driver.client import Client

from deploy.cli.asking.options import instant
from deploy.errors import WrongSetting
from tokentally.identity import event_uuid
from warehouse.control.event_times import EventTimes
from warehouse.queries.query import ask, milliseconds

LOOKED_UP_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class Named:
    """An event as a person names it. time: None when it is to be looked up; where: what to call it in an error."""

    event_id: str
    time: datetime | None
    where: str
    set: Mapping[str, Any] = field(default_factory=dict)
    is_in_file: bool = field(default=False, compare=False)

    @property
    def timed(self) -> str:
        """How its time is given."""
        where = "in the column time" if self.is_in_file else "as --event ID@TIME"
        return f"{where}, like 2026-03-14T09:00:00Z"


def named(texts: Sequence[str]) -> list[Named]:
    """Events given as ID or ID@TIME. Raises WrongSetting."""
    found = []
    for text in texts:
        event_id, at, time = text.rpartition("@") if _ends_in_time(text) else (text, "", "")
        found.append(Named(event_id, instant("--event", time) if at else None, f"--event {text}"))
    return found


def identified(client: Client, organization: str, events: Sequence[Named]) -> Iterator[dict[str, str]]:
    """The events as records name them; times that were not given come from the warehouse.

    Raises WrongSetting for an event that the warehouse does not know, or knows at several times.
    """
    without = [str(event_uuid(organization, each.event_id)) for each in events if each.time is None]
    times: dict[str, tuple[datetime, ...]] = {}
    for start in range(0, len(without), LOOKED_UP_AT_ONCE):
        times |= ask(client, EventTimes(organization, without[start : start + LOOKED_UP_AT_ONCE]))
    for each in events:
        event_id = event_uuid(organization, each.event_id)
        time = each.time or _only(each, organization, times.get(str(event_id), ()))
        yield {"event_id": str(event_id), "time": time.isoformat()}


def unique(events: Sequence[Named], identities: Sequence[Mapping[str, str]]) -> None:
    """Raises WrongSetting when an event is named twice: which of two corrections holds would be chance."""
    seen: dict[tuple[str, int], str] = {}
    for event, said in zip(events, identities, strict=True):
        key = (said["event_id"], milliseconds(datetime.fromisoformat(said["time"])))
        if key in seen:
            raise WrongSetting(
                f"{event.where}: the event {event.event_id} of {said['time']} is named twice, first in {seen[key]}: "
                "name it once"
            )
        seen[key] = event.where


def settings(texts: Iterable[str]) -> dict[str, str]:
    """COLUMN=VALUE as a mapping. Raises WrongSetting."""
    said: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not (name and equals):
            raise WrongSetting(f"--set {text}: write COLUMN=VALUE, for example rating=5")
        said[name] = value
    return said


def _only(event: Named, organization: str, times: Sequence[datetime]) -> datetime:
    if len(times) == 1:
        return times[0]
    if not times:
        _, at, end = event.event_id.rpartition("@")
        no_time = f" ({end!r} is no time)" if at and not event.is_in_file else ""
        raise WrongSetting(
            f"{event.where}: {organization} has no event {event.event_id}{no_time}; when it may still come, give its "
            f"time {event.timed}"
        )
    known = ", ".join(time.isoformat(timespec="milliseconds") for time in times)
    raise WrongSetting(
        f"{event.where}: there are events {event.event_id} at {known}: give the time that is meant {event.timed}"
    )


def _ends_in_time(text: str) -> bool:
    """Whether what follows the last @ is a time; the keys of senders may have an @ themselves."""
    _, at, time = text.rpartition("@")
    try:
        return bool(at) and datetime.fromisoformat(time) is not None
    except ValueError:
        return False
