"""CSV traces become usage events whose identity is their content."""

import io
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers.importers.errors import UnreadableSource, WrongOptions
from producers.importers.importer import Event, Row, Target
from producers.importers.trace_columns import AZURE_TRACE, TraceColumns, checked_field
from producers.importers.trace_csv import TraceCsv

AZURE_FILE = Path(__file__).parents[2] / "data" / "azure_llm_code_2023.csv"
GPT_4O = (("model", "gpt-4o"), ("provider", "openai"))


def azure(organization: str = "acme", source: str = "") -> TraceCsv:
    return TraceCsv(Target(organization, source, GPT_4O), TraceColumns(tuple(AZURE_TRACE.items())), "azure-trace")


def read(text: str, importer: TraceCsv) -> list[Row]:
    return list(importer.rows(io.BytesIO(text.encode())))


def events(rows: list[Row]) -> list[Event]:
    return [row.event for row in rows if row.event is not None]


def ids(rows: list[Row]) -> list[object]:
    return [event["event_id"] for event in events(rows)]


def test_the_azure_trace_is_read_completely() -> None:
    with AZURE_FILE.open("rb") as file:
        rows = list(azure().rows(file))
    lines = [line.split(",") for line in AZURE_FILE.read_text().splitlines()[1:]]
    assert len(rows) == len(lines) == 8819
    assert len(set(ids(rows))) == 8819
    assert [event["input_tokens"] for event in events(rows)] == [int(line[1]) for line in lines]
    assert [event["output_tokens"] for event in events(rows)] == [int(line[2]) for line in lines]
    first = events(rows)[0]
    assert first.pop("event_id") == "b71d7c93-5013-5d0e-92b5-3c3dccca0615"
    assert first == {
        "organization": "acme",
        "time": "2023-11-16T18:17:03.979Z",
        "provider": "openai",
        "model": "gpt-4o",
        "input_tokens": 4808,
        "output_tokens": 10,
    }


HEADER = "TIMESTAMP,ContextTokens,GeneratedTokens\n"
LINES = st.lists(
    st.builds("2023-11-16 18:17:{:02d}.0000000,{},{}".format, st.integers(0, 3), st.integers(0, 2), st.integers(0, 1)),
    max_size=30,
)


@given(LINES, st.randoms(use_true_random=False))
def test_lines_in_another_order_give_the_same_events(lines: list[str], shuffling: Random) -> None:
    shuffled = shuffling.sample(lines, len(lines))
    before, after = (read(HEADER + "\n".join(some), azure()) for some in (lines, shuffled))
    assert sorted(map(str, events(before))) == sorted(map(str, events(after)))


@given(LINES)
def test_every_line_counts_once_and_reading_again_gives_the_same_ids(lines: list[str]) -> None:
    text = HEADER + "\r\n".join(lines)
    once = ids(read(text, azure()))
    assert len(set(once)) == len(lines)
    assert ids(read(text, azure())) == once
    assert not {*once} & {*ids(read(text, azure("other")))}
    assert not {*once} & {*ids(read(text, azure(source="replay")))}


def test_columns_are_mapped_to_fields_maps_and_constants() -> None:
    columns = TraceColumns(
        (
            ("time", "when"),
            ("input_tokens", "in"),
            ("duration_ms", "ms"),
            ("metadata.region", "zone"),
            ("quantities.web_searches", "searches"),
            ("reported_cost_usd", "usd"),
        ),
        zone_name="Europe/Paris",
    )
    text = '\ufeffwhen,in,ms,zone,searches,usd\n2024-01-01 00:00:00,5.0,,"eu, west",2,0.10\n'
    (event,) = events(read(text, TraceCsv(Target("acme", "", GPT_4O), columns)))
    assert event.pop("event_id")
    assert event == {
        "organization": "acme",
        "time": "2023-12-31T23:00:00.000Z",
        "provider": "openai",
        "model": "gpt-4o",
        "input_tokens": 5,
        "metadata": {"region": "eu, west"},
        "quantities": {"web_searches": "2"},
        "reported_cost_usd": "0.10",
    }


def test_totals_that_contain_their_parts_are_made_disjoint() -> None:
    names = ("time", "input_tokens", "cache_read_tokens", "output_tokens", "reasoning_tokens")
    columns = TraceColumns(
        tuple((name, name) for name in names), input_includes_cache=True, output_includes_reasoning=True
    )
    text = ",".join(names) + "\n2024-01-01T00:00:00Z,100,30,50,20\n2024-01-01T00:00:00Z,10,30,50,20\n"
    good, bad = read(text, TraceCsv(Target("acme"), columns))
    assert good.event
    assert [good.event[name] for name in names[1:]] == [70, 30, 30, 20]
    assert bad.problem == "input_tokens 10 is less than the parts it should contain: 30"


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("2023-11-16 18:17:03,1", "2 columns instead of the header's 3"),
        ("yesterday,1,1", "column TIMESTAMP: time 'yesterday'"),
        (",1,1", "no time"),
        ("2023-11-16 18:17:03,1.5,1", "column ContextTokens: '1.5' is not a whole number"),
        ("2023-11-16 18:17:03,1e99999,1", "column ContextTokens: '1e99999' is not a whole number"),
    ],
)
def test_a_bad_line_is_reported_with_its_number_and_stops_nothing(line: str, problem: str) -> None:
    good = "2023-11-16 18:17:03,1,1\n"
    rows = read(HEADER + good + line + "\n\n" + good, azure())
    assert [row.index for row in rows] == [1, 2, 3]
    assert [row.event is not None for row in rows] == [True, False, True]
    assert problem in rows[1].problem


def test_a_missing_column_is_named_with_those_that_are_there() -> None:
    with pytest.raises(WrongOptions, match="no column ContextTokens, GeneratedTokens; its columns are: TIMESTAMP, b"):
        read("TIMESTAMP,b\n", azure())


def test_broken_quotes_and_other_encodings_are_named() -> None:
    with pytest.raises(UnreadableSource, match="line 2 is not CSV"):
        read(HEADER + 'a,"b"c,d\n', azure())
    with pytest.raises(UnreadableSource, match="no UTF-8"):
        list(azure().rows(io.BytesIO(HEADER.encode() + b"\xff,1,1\n")))


def test_unknown_fields_are_refused_with_the_known_ones() -> None:
    with pytest.raises(WrongOptions, match=r"'tokens' is no field of a usage event.*input_tokens"):
        checked_field("tokens")
    assert checked_field("metadata.region") == "metadata.region"
