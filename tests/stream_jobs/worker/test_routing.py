"""E18: events of another partition are sent there, whole, and not counted here."""

import base64
import json
import pickle
import random

import polars as pl

from producers.envelopes.envelope import decode_envelope, encode_envelope
from producers.envelopes.ndjson import decode
from stream_jobs.worker.routing import Routing
from tokentally import partition_of
from tokentally.envelope import ARROW_STREAM, MAX_WIRE_BYTES

NAMES = [f"organization-{number}" for number in range(50)]
LINES = b"\n".join(
    json.dumps({"event_id": name, "time": "2026-11-21T10:00:00Z", "organization": name, "model": "m"}).encode()
    for name in NAMES
)


def test_homes_follow_the_published_rule_and_the_generation() -> None:
    homes = Routing(8, first=1024).homes(pl.Series(NAMES))
    assert homes.to_list() == [1024 + partition_of(name, 8) for name in NAMES]


def test_an_override_gives_an_organization_a_partition_of_its_own() -> None:
    assert Routing(8, overrides={NAMES[0]: 8}).homes(pl.Series(NAMES[:1])).to_list() == [8]


def test_e18_strangers_are_packed_for_their_own_partitions_unchanged() -> None:
    frame = decode(LINES).frame
    strangers = frame.with_columns(pl.lit(3, pl.UInt16).alias("src_partition"))
    forwarded = Routing(8, first=1024).forwarded(strangers)
    arrived = []
    for envelope in forwarded:
        decoded = decode_envelope(envelope.value, ARROW_STREAM)
        assert {partition_of(name, 8) for name in decoded.frame["organization"]} == {envelope.partition}
        arrived.append(decoded.frame)
    assert pl.concat(arrived).sort("event_id").equals(frame.sort("event_id"))


def test_e18_strangers_that_are_too_many_bytes_for_one_message_are_sent_in_several() -> None:
    """Repeated texts are nothing on their way in, and much once they stand in columns that are packed one by one."""
    texts = [base64.b64encode(random.Random(number).randbytes(189)).decode() for number in range(1000)]
    names = ("prompt_preview", "user_id", "customer_id", "thread_id", "message_id", "prompt_id", "plan")
    lines = [
        json.dumps(
            {"event_id": str(n), "time": "2026-11-21T10:00:00Z", "organization": "acme", "model": "m"}
            | dict.fromkeys(names, text)
        ).encode()
        for n, text in enumerate(texts)
    ]
    frame = decode(b"\n".join(lines)).frame
    assert len(encode_envelope(frame)) > MAX_WIRE_BYTES
    forwarded = Routing(8).forwarded(frame)
    assert all(len(envelope.value) <= MAX_WIRE_BYTES for envelope in forwarded)
    arrived = pl.concat(decode_envelope(envelope.value, ARROW_STREAM).frame for envelope in forwarded)
    assert arrived.sort("event_id").equals(frame.sort("event_id"))


def test_e29_the_rule_travels_to_the_child_that_tries_suspicious_envelopes() -> None:
    routing = Routing(2, 1024)
    assert pickle.loads(pickle.dumps(routing)) == routing
