"""What is sent for a refusal: the event with the identity it always gets."""

import gzip
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from producers.envelopes import arrow, ndjson
from producers.timeliness.rules import TimeRules
from stream_jobs.credits.multiplier_table import MultiplierTable
from stream_jobs.pricing import PriceBook, PriceRow
from stream_jobs.replays.payloads import Payload, payloads
from stream_jobs.replays.verdicts import InForce, judged, names
from tests.producers.envelopes.samples import UUID7, block, event, line
from warehouse.queries.refused import Refused

MOMENT = datetime(2026, 3, 14, 9, 26, 53, 589_000, tzinfo=UTC)
AT_THE_DOOR = Refused("r-1", MOMENT, "collector", "acme", "", "key-7", "rating", None, None, None, b"")
WHOLE = Refused("3-7-all", MOMENT, "worker", "", "", "", "1001 events", 3, 7, None, b"")
RULES = InForce(
    TimeRules(),
    PriceBook.from_rows(
        [PriceRow("openai", "gpt-4o", "", "", "input_mtok", Decimal(90), 1_000_000, 0, "test")], revision=1
    ),
    MultiplierTable.from_rows([], revision=1),
)


def sent(refused: Refused, edited: bytes | None = None) -> list[dict[str, Any]]:
    """The events, which all can be sent."""
    made = payloads(refused, edited)
    assert [payload.problem for payload in made] == [""] * len(made)
    return [json.loads(payload.text) for payload in made]


def test_an_event_that_names_everything_is_sent_as_it_was() -> None:
    text = line(time="2026-01-01T00:00:00Z", api_key_id="own")
    [payload] = payloads(replace(AT_THE_DOOR, raw=text))
    assert payload.text == text


@pytest.mark.parametrize("absent", [{}, {"event_id": "", "time": None, "api_key_id": "", "organization": ""}])
def test_what_an_event_does_not_name_is_the_same_in_every_replay(absent: dict[str, Any]) -> None:
    refused = replace(AT_THE_DOOR, raw=json.dumps({"model": "m", **absent}).encode())
    [first], [second] = sent(refused), sent(refused)
    assert first == second
    assert first == {
        "model": "m",
        "event_id": "rejected:r-1",
        "time": "2026-03-14T09:26:53.589+00:00",
        "organization": "acme",
        "api_key_id": "key-7",
    }


def test_a_version_7_id_keeps_its_own_time() -> None:
    [made] = sent(replace(AT_THE_DOOR, raw=line()))
    assert made["event_id"] == UUID7
    assert "time" not in made


def test_an_event_of_another_organization_than_the_keys_is_not_sent_unless_a_person_wrote_it() -> None:
    refused = replace(AT_THE_DOOR, raw=line(organization="zen"))
    assert "names the organization 'zen'" in payloads(refused)[0].problem
    [made] = sent(refused, line(organization="zen"))
    assert made["organization"] == "zen"


@pytest.mark.parametrize("raw", [b"no json", b"[1]", b"\xff\xfe", b"[" * 100_000])
def test_what_is_no_event_stays_refused(raw: bytes) -> None:
    assert payloads(replace(AT_THE_DOOR, raw=raw))[0].problem.startswith("not")


@pytest.mark.parametrize("packed", [bytes, gzip.compress])
def test_lines_of_an_envelope_are_sent_one_by_one(packed: Any) -> None:
    bare = json.dumps({"organization": "acme", "model": "m"}).encode()
    made = payloads(replace(WHOLE, raw=packed(block(bare, b"no json", bare))))
    assert [(payload.line, payload.problem[:8]) for payload in made] == [(0, ""), (1, "not JSON"), (2, "")]
    assert [json.loads(made[n].text)["event_id"] for n in (0, 2)] == ["rejected:3-7-all:0", "rejected:3-7-all:2"]


def test_rows_of_an_arrow_envelope_are_sent_as_the_events_they_were() -> None:
    events = [event(quantities={"images": 2}, metadata={"a": "b"}, reported_cost_usd=0.25), event(event_id="own key")]
    frame = ndjson.decode(block(*(json.dumps(each | {"time": MOMENT.isoformat()}).encode() for each in events))).frame
    back = ndjson.decode_lines([payload.text for payload in payloads(replace(WHOLE, raw=arrow.encode(frame)))])
    assert back.frame.equals(frame)


def test_a_refused_row_of_an_arrow_envelope_is_told_in_the_words_of_a_sender() -> None:
    frame = ndjson.decode(block(line(time=MOMENT.isoformat(), reported_cost_usd=1.5, quantities={"images": 2}))).frame
    [refused_row] = arrow.decode(arrow.encode(frame.with_columns(rating=pl.lit(9, pl.Int64)))).rejected
    row = replace(AT_THE_DOOR, source="worker", index=0, api_key_id="", raw=refused_row.raw)
    [made] = sent(row)
    assert (made["event_id"], made["time"]) == (UUID7, "2026-03-14T09:26:53.589+00:00")
    assert (made["reported_cost_usd"], made["quantities"]) == ("1.500000000", {"images": 2})
    [fixed] = judged([Payload("r", 0, json.dumps(made | {"rating": 5}).encode())], RULES, MOMENT)
    assert fixed.problem == ""


def test_what_cannot_be_unpacked_stays_refused() -> None:
    assert "gzip" in payloads(replace(WHOLE, raw=b"\x1f\x8bnonsense"))[0].problem


def test_verdicts_tell_what_would_be_refused_again_and_why() -> None:
    texts = {
        "": line(time=MOMENT.isoformat(), provider="openai"),
        "rating": line(rating=9),
        "too_old": line(time="1999-01-01T00:00:00Z"),
        "after the log received": line(time=(MOMENT + timedelta(days=1)).isoformat()),
        "1,000,000 USD": line(time=MOMENT.isoformat(), provider="openai", input_tokens=10**12),
    }
    made = judged([Payload("r", n, text) for n, text in enumerate(texts.values())], RULES, MOMENT)
    for expected, payload in zip(texts, made, strict=True):
        assert expected in payload.problem
        assert bool(expected) == bool(payload.problem)
    known = Payload("r", 0, b"", "a problem that was there before")
    assert judged([known], RULES, MOMENT) == [known]
    assert names(made[0]) == ("acme", UUID7)
    assert names(Payload("r", 0, b"no json")) == ("", "")
