"""Revisions of the configuration, and how those without a table of their own are stored: content in, a revision out.

A revision is stored before it is published (rule E21): who reads of it in the log can load it, by number and hash.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final, Literal
from uuid import NAMESPACE_OID, uuid5

from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import Error

from warehouse.client import READ_OWN_WRITES, WRITE_SETTINGS, classified, permitted
from warehouse.errors import InvalidOrganization, NothingChanges, StoredMeanwhile

Kind = Literal["prices", "multipliers", "calendar"]
COLUMNS: Final = ("kind", "organization", "revision", "content_hash", "content", "author", "note", "source", "created")
QUARTER_SECONDS: Final = 900
NOTICE: Final = timedelta(hours=1)
"""A calendar changes so much later at the earliest: until then every partition has read of it."""
LAST_START: Final = datetime.fromtimestamp((1 << 32) - 1, UTC)
"""A calendar changes then at the latest: the warehouse stores no later start."""
_NEWEST = """
    SELECT revision, content_hash, content FROM config_revisions FINAL
    WHERE kind = {kind:String} AND organization = {organization:String} ORDER BY revision DESC LIMIT 1
"""
_STORED = """
    SELECT groupUniqArray(content_hash) FROM config_revisions
    WHERE kind = {kind:String} AND organization = {organization:String} AND revision = {revision:UInt32}
"""


@dataclass(frozen=True, slots=True)
class Revision:
    """A stored revision. organization: "" for the whole installation."""

    kind: Kind
    organization: str
    revision: int
    content_hash: str
    content: Mapping[str, Any]

    @property
    def body(self) -> dict[str, Any]:
        """What the config record says that puts it in force."""
        return {"subject": self.kind, "revision": self.revision, "content_hash": self.content_hash}

    @property
    def control_id(self) -> str:
        """The id of the record that puts the revision in force: the same however often it is asked for."""
        said = f"{self.kind}/{self.organization}/{self.revision}/{self.content_hash}"
        return str(uuid5(NAMESPACE_OID, f"tokentally/{said}"))


def content_hash(content: Mapping[str, Any]) -> str:
    """SHA-256 of the content's canonical JSON."""
    return text_hash(canonical(content))


def text_hash(text: str) -> str:
    """SHA-256 of a text, hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()


def canonical(content: Mapping[str, Any]) -> str:
    """The one JSON text of a content."""
    return json.dumps(content, sort_keys=True, separators=(",", ":"))


def calendar_content(time_zone: str, week_start: int, effective_from: datetime) -> dict[str, Any]:
    """What a revision of an organisation's calendar says. week_start: 1 = Monday to 7 = Sunday."""
    moment = effective_from.astimezone(UTC).isoformat(timespec="seconds")
    return {"time_zone": time_zone, "week_start": week_start, "effective_from": moment}


def start_of_change(day: date, day_start: int, now: datetime) -> datetime:
    """The instant from which a new calendar holds: where `day` begins (Unix seconds) in the calendar used so far.

    On the next quarter hour, when an old offset lies between two. So no day of the present calendar is cut, and every
    quarter hour keeps its place. Raises InvalidOrganization when that is too soon or too late.
    """
    effective_from = datetime.fromtimestamp(-(-day_start // QUARTER_SECONDS) * QUARTER_SECONDS, UTC)
    if effective_from > LAST_START:
        raise InvalidOrganization(
            f"{day} begins at {effective_from.isoformat()} in the present calendar: a calendar changes at "
            f"{LAST_START.isoformat()} at the latest, choose an earlier date"
        )
    if effective_from < now + NOTICE:
        raise InvalidOrganization(
            f"{day} begins at {effective_from.isoformat()} in the present calendar: a change needs an hour's notice, "
            "choose a later date"
        )
    return effective_from


def newest(client: Client, kind: Kind, organization: str) -> Revision | None:
    """The newest stored revision, in force or not. Raises WarehouseUnavailable and WarehouseRefused."""
    rows = _answered(client, _NEWEST, {"kind": kind, "organization": organization})
    if not rows:
        return None
    revision, hashed, content = rows[0]
    return Revision(kind, organization, int(revision), hashed, json.loads(content) if content else {})


def store(
    client: Client,
    kind: Kind,
    organization: str,
    content: Mapping[str, Any],
    *,
    author: str,
    note: str,
    source: str,
    now: datetime,
) -> Revision:
    """Stores the content as the next revision.

    Raises NothingChanges when the newest revision says the same, StoredMeanwhile when somebody else stored another
    one under the same number, WarehouseUnavailable.
    """
    before, hashed = newest(client, kind, organization), content_hash(content)
    if before is not None and before.content_hash == hashed:
        raise NothingChanges(f"{kind} revision {before.revision} says just that: nothing changes")
    made = Revision(kind, organization, (before.revision if before else 0) + 1, hashed, content)
    row = [kind, organization, made.revision, hashed, canonical(content), author, note, source, now]
    try:
        client.insert("config_revisions", [row], column_names=list(COLUMNS), settings=permitted(client, WRITE_SETTINGS))
    except (Error, OSError) as failure:
        raise classified(failure) from failure
    asked = {"kind": kind, "organization": organization, "revision": made.revision}
    if _answered(client, _STORED, asked)[0][0] != [hashed]:
        raise StoredMeanwhile(f"{kind} revision {made.revision} was stored by somebody else meanwhile: ask again")
    return made


def _answered(client: Client, sql: str, parameters: dict[str, Any]) -> Any:
    try:
        return client.query(sql, parameters=parameters, settings=permitted(client, READ_OWN_WRITES)).result_rows
    except (Error, OSError) as failure:
        raise classified(failure) from failure
