"""Single events that a command is about: ids, files and the warehouse in, identities with what they set out."""

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from clickhouse_connect.driver.client import Client

from deploy.cli.asking.options import instant
from deploy.errors import WrongSetting
from tokentally.identity import event_uuid
from warehouse.control.event_times import EventTimes
from warehouse.queries.query import ask

LOOKED_UP_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class Named:
    """An event as a person names it. time: None when it is to be looked up; where: what to call it in an error."""

    event_id: str
    time: datetime | None
    where: str
    set: Mapping[str, Any] = field(default_factory=dict)


def named(texts: Sequence[str]) -> list[Named]:
    """Events given as ID or ID@TIME. Raises WrongSetting."""
    found = []
    for text in texts:
        event_id, at, time = text.rpartition("@") if _ends_in_time(text) else (text, "", "")
        found.append(Named(event_id, instant("--event", time) if at else None, f"--event {text}"))
    return found


def read_file(path: Path) -> list[Named]:
    """Events of a file, a row each; columns beside event_id and time are what is set, empty CSV cells set nothing.

    Raises WrongSetting naming the line.
    """
    if path.suffix not in (".csv", ".ndjson", ".jsonl"):
        raise WrongSetting(f"{path}: name the file .csv or .ndjson, so that it is known how to read it")
    rows = _csv(path) if path.suffix == ".csv" else _ndjson(path)
    found = []
    for line, row in rows:
        where = f"{path.name} line {line}"
        values = {str(name): value for name, value in row.items()}
        event_id, time = values.pop("event_id", None), values.pop("time", None)
        if not event_id:
            raise WrongSetting(f"{where}: event_id is missing")
        found.append(Named(str(event_id), instant(f"{where}: time", str(time or "")), where, values))
    if not found:
        raise WrongSetting(f"{path}: there is no event in it")
    return found


def identified(client: Client, organization: str, events: Sequence[Named]) -> Iterator[dict[str, Any]]:
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
        yield {"event_id": str(event_id), "time": time.isoformat(), **({"set": dict(each.set)} if each.set else {})}


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
        raise WrongSetting(
            f"{event.where}: {organization} has no event {event.event_id}; when it may still come, give its time: "
            f"{event.event_id}@TIME"
        )
    known = ", ".join(time.isoformat(timespec="milliseconds") for time in times)
    raise WrongSetting(f"{event.where}: there are events {event.event_id} at {known}: give the time that is meant")


def _ends_in_time(text: str) -> bool:
    """Whether what follows the last @ is a time; the keys of senders may have an @ themselves."""
    _, at, time = text.rpartition("@")
    try:
        return bool(at) and datetime.fromisoformat(time) is not None
    except ValueError:
        return False


def _csv(path: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    reader = csv.DictReader(io.StringIO(path.read_text(encoding="utf-8-sig")), strict=True)
    try:
        for row in reader:
            if None in row or None in row.values():
                raise WrongSetting(f"{path.name} line {reader.line_num}: not as many cells as columns")
            yield reader.line_num, {name: value for name, value in row.items() if value != ""}
    except csv.Error as problem:
        raise WrongSetting(f"{path.name} line {reader.line_num}: {problem}") from None


def _ndjson(path: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    for number, line in enumerate(path.read_text(encoding="utf-8-sig").splitlines(), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError as problem:
            raise WrongSetting(f"{path.name} line {number}: no JSON: {problem}") from None
        if not isinstance(row, dict):
            raise WrongSetting(f"{path.name} line {number}: a JSON object is needed")
        yield number, row


def unique(events: Sequence[Mapping[str, Any]]) -> None:
    """Raises WrongSetting when an event is named twice: which of two corrections holds would be chance."""
    seen: set[tuple[UUID, str]] = set()
    for each in events:
        key = (UUID(str(each["event_id"])), str(datetime.fromisoformat(str(each["time"])).timestamp()))
        if key in seen:
            raise WrongSetting(f"the event {each['event_id']} of {each['time']} is named twice")
        seen.add(key)
