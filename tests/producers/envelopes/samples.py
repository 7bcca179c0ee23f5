"""Events for the tests of envelopes: plain ones, and every kind by hypothesis."""

import json
from typing import Any, get_args

from hypothesis import strategies as st

from tokentally.fields import BillingType, EventType, ServiceTier, Status
from tokentally.tokens import TOKEN_BUCKETS

UUID7 = "01936f5e-7a10-7abc-8def-0123456789ab"


def event(**fields: Any) -> dict[str, Any]:
    """A valid event, with these fields instead."""
    return {"event_id": UUID7, "organization": "acme", "model": "gpt-4o", "input_tokens": 7} | fields


def line(**fields: Any) -> bytes:
    return json.dumps(event(**fields)).encode()


def block(*lines: bytes) -> bytes:
    return b"\n".join(lines) + b"\n"


_plain = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20)
_any_text = st.one_of(_plain, st.text(st.characters(exclude_categories=["Cs"]), max_size=20), st.just("x" * 257))
_uuids = st.one_of(st.uuids().map(str), st.uuids(version=4).map(lambda value: str(value).upper()), st.just(UUID7))
_times = st.one_of(
    st.datetimes().map(lambda value: value.isoformat() + "Z"),
    st.datetimes().map(lambda value: value.isoformat(timespec="milliseconds") + "+00:00"),
    st.datetimes().map(lambda value: value.isoformat(timespec="seconds") + "-05:30"),
    st.sampled_from(
        ["2026-02-30T00:00:00Z", "2026-01-01", "2026-01-01T00:00:60Z", "2026-01-01T00:00:00.1239999Z", "x"]
    ),
)
_amounts = st.one_of(
    st.integers(-1, 10**13),
    st.floats(0, 1e7),
    st.decimals(0, 1000, places=12).map(str),
    st.sampled_from(["1e3", "0.5000", "-1", "", " 1", "0." + "3" * 40, True, None, -0.0]),
)
_units = st.sampled_from(["web_searches", "audio_hours", "requests", "Upper", "x_tokens", ""])
_values: dict[str, st.SearchStrategy[Any]] = {
    "event_id": st.one_of(_uuids, _any_text),
    "source_id": _any_text,
    "time": _times,
    "organization": _any_text,
    "user_id": _any_text,
    "feature": _any_text,
    "model": _any_text,
    "prompt_preview": st.one_of(_any_text, st.just("a\nb\t“c”")),
    "event_type": st.sampled_from([*get_args(EventType), "other"]),
    "billing_type": st.sampled_from([*get_args(BillingType), "system"]),
    "status": st.sampled_from([*get_args(Status), ""]),
    "service_tier": st.sampled_from([*get_args(ServiceTier), "default"]),
    **{bucket: st.integers(-1, 10**12 + 1) for bucket in TOKEN_BUCKETS},
    "duration_ms": st.one_of(st.none(), st.integers(-1, 10**10 + 1), st.floats(0, 100)),
    "rating": st.one_of(st.none(), st.integers(0, 6)),
    "reported_cost_usd": _amounts,
    "quantities": st.dictionaries(_units, _amounts, max_size=3),
    "metadata": st.one_of(st.dictionaries(_any_text, _any_text, max_size=3), st.none(), st.just({"n": 1})),
    "colour": _plain,
}
# Mostly a few fields, so that a good part of the events is valid.
sent_events = st.lists(st.sampled_from(sorted(_values)), max_size=4, unique=True).flatmap(
    lambda names: st.fixed_dictionaries({name: _values[name] for name in names}).map(lambda fields: event(**fields))
)
