"""A control record as it stands in the log: words and a signature in, a checked record out (rule E19).

Whoever may produce usage may not thereby erase or reprice: the value is signed with a key of the installation, and
names the log partition it was signed for, so that a copy of it says nothing anywhere else.
"""

import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, Final
from uuid import UUID

from producers.control.bodies import Body, body_of
from producers.errors import ControlRefused

HEADER_KIND: Final = "kind"
CONTROL: Final = b"control"
HEADER_SIGNATURE: Final = "signature"
HEADER_CONTENT: Final = "content"
"""All of the revision that a record puts in force, packed; its hash is in the record."""
MAX_BYTES: Final = 900_000
"""Of a record's value: Kafka takes a million."""
_TEXTS = ("control_id", "kind", "organization", "author", "note", "created")
_UUID = rb"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_PLAIN = rb"[^\"\\\x00-\x1f\x80-\xff]{0,256}"
_NAMED: Final = {
    name: re.compile(rb'"%b": ?"(%b)"' % (name.encode(), words))
    for name, words in (("control_id", _UUID), ("kind", _PLAIN), ("organization", _PLAIN))
}
"""What a value says of itself, unless it needs an escape. A quote inside a text is escaped: only keys are found."""
_PLACE: Final = re.compile(rb'"src_partition": ?([0-9]{1,5})\b')


@dataclass(frozen=True)
class ControlRecord:
    """What was asked, by whom, and when. control_id: a UUID; the same one again is the same request.

    organization: "" for the whole installation. content: the body as JSON values. created: aware, of whoever asked.
    """

    control_id: str
    kind: str
    organization: str
    content: Mapping[str, Any]
    author: str
    note: str
    created: datetime

    @cached_property
    def body(self) -> Body:
        """The checked content. Raises ControlRefused."""
        return body_of(self.kind, self.organization, self.content)

    def value(self, src_partition: int) -> bytes:
        """The Kafka value for one log partition. Raises ControlRefused when it is larger than Kafka takes, and for
        a text that UTF-8 cannot hold."""
        said = {
            "control_id": self.control_id,
            "kind": self.kind,
            "organization": self.organization,
            "author": self.author,
            "note": self.note,
            "created": self.created.astimezone(UTC).isoformat(timespec="milliseconds"),
            "src_partition": src_partition,
            "body": self.content,
        }
        try:
            value = json.dumps(said, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
        except UnicodeEncodeError as problem:
            where = next((name for name in _TEXTS if not _is_utf8(str(said[name]))), "body")
            odd = ascii(problem.object[problem.start : problem.end])
            raise ControlRefused(f"{self.kind}: {where}: {odd} is no character: write it in UTF-8") from None
        if len(value) > MAX_BYTES:
            raise ControlRefused(f"{self.kind}: the record has {len(value)} bytes, {MAX_BYTES} are possible: split it")
        return value


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def signature(value: bytes, key: bytes) -> bytes:
    """The header that belongs to a value: HMAC-SHA256, hexadecimal."""
    return hmac.new(key, value, hashlib.sha256).hexdigest().encode()


def read_record(value: bytes, signed: bytes | None, key: bytes, src_partition: int) -> ControlRecord:
    """The record in a log partition. Raises ControlRefused unless it was signed for that one and says what can be done.

    What its body says is checked too.
    """
    if signed is None or not hmac.compare_digest(signed, signature(value, key)):
        raise ControlRefused("the control record is not signed with this installation's key")
    try:
        said = json.loads(value)
        json.dumps(said, ensure_ascii=False).encode()  # what cannot be written again cannot be stored either
        texts = {name: _text(said, name) for name in _TEXTS}
        place, content = said["src_partition"], said["body"]
        control_id, created = str(UUID(texts.pop("control_id"))), datetime.fromisoformat(texts.pop("created"))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as problem:
        named = type(problem).__name__
        raise ControlRefused(f"the control record cannot be read: {named}: {str(problem)[:300]}") from None
    if place != src_partition:
        raise ControlRefused(f"the control record was signed for log partition {place}, this is {src_partition}")
    record = ControlRecord(control_id, content=content, created=created, **texts)
    record.body  # noqa: B018 - checked now, so that nothing is begun that cannot be ended
    return record


def named_in(value: bytes, signed: bytes | None, key: bytes, src_partition: int) -> dict[str, str]:
    """control_id, kind and organization of a value by its bytes alone, for one that cannot or must not be decoded.

    Empty when it was not signed for this log partition or names no id.
    """
    if signed is None or not hmac.compare_digest(signed, signature(value, key)):
        return {}
    place = _PLACE.search(value)
    named = {name: found[1].decode() for name, words in _NAMED.items() if (found := words.search(value))}
    if place is None or int(place[1]) != src_partition or "control_id" not in named:
        return {}
    return {name: named.get(name, "") for name in _NAMED}


def _text(said: Any, name: str) -> str:
    text = said[name]
    if not isinstance(text, str):
        raise TypeError(f"{name} is no text")
    return text
