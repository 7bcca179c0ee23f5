"""Cost reports of each provider: exact amounts, models by name, and every problem with its place and cure."""

import json
import time
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal

import pytest

from tests.warehouse.invoices.reports import (
    DAY,
    anthropic_bucket,
    anthropic_page,
    anthropic_result,
    file_of,
    openai_bucket,
    openai_page,
    openai_result,
)
from warehouse.errors import CostReportRefused
from warehouse.invoices.cost_report import CostLine
from warehouse.invoices.openai_costs import named
from warehouse.invoices.reading import read_costs

NEXT = DAY + timedelta(days=1)


def refusal(data: bytes, form: str | None = None, provider: str = "") -> str:
    with pytest.raises(CostReportRefused) as caught:
        read_costs(data, form, provider)
    return str(caught.value)


def test_openai() -> None:
    data = file_of(
        openai_page(
            openai_bucket(
                DAY,
                openai_result(0.1 + 0.2, "gpt-4o-2024-08-06, input", quantity=120_000.0),
                openai_result("0.8958740000000000", "gpt-4o-2024-08-06, cached input", project_id="proj_1"),
                openai_result(0.01, "web search tool calls"),
            ),
            openai_bucket(NEXT),
        )
    )
    report = read_costs(data)
    place = "data[0].results"
    assert report.lines == (
        CostLine(
            *(DAY, "gpt-4o-2024-08-06", "input", Decimal("0.30000000000000004"), Decimal(120_000)),
            *("", f"{place}[0]"),
        ),
        CostLine(DAY, "gpt-4o-2024-08-06", "cached input", Decimal("0.895874"), None, "proj_1", f"{place}[1]"),
        CostLine(DAY, "", "web search tool calls", Decimal("0.01"), None, "", f"{place}[2]"),
    )
    assert (report.provider, report.days) == ("openai", (DAY, NEXT))
    assert report.amount_usd == Decimal("1.20587400000000004"), "every digit that was written"


@pytest.mark.parametrize(
    ("line_item", "model", "item"),
    [
        ("gpt-4o-mini-2024-07-18, cached input", "gpt-4o-mini-2024-07-18", "cached input"),
        ("gpt-4o", "gpt-4o", ""),
        ("batch | gpt-5-mini-2025-08-07, output", "gpt-5-mini-2025-08-07", "batch | output"),
        (
            "priority | gpt-5.5-2026-04-23, output, long context",
            "gpt-5.5-2026-04-23",
            "priority | output, long context",
        ),
        ("gpt-audio-mini-2025-12-15 audio, input", "gpt-audio-mini-2025-12-15", "audio input"),
        ("ft:gpt-4o-mini-2024-07-18:acme::id, input", "ft:gpt-4o-mini-2024-07-18:acme::id", "input"),
        ("o1, output", "o1", "output"),
        ("web search tool calls", "", "web search tool calls"),
        ("web search, low context", "", "web search, low context"),
        ("GPT-4o mini", "", "GPT-4o mini"),
        ("Vector storage", "", "Vector storage"),
        ("", "", ""),
    ],
)
def test_a_line_item_of_openai(line_item: str, model: str, item: str) -> None:
    assert named(line_item) == (model, item)


def test_pages_of_openai_as_an_array_and_line_by_line() -> None:
    pages = [openai_page(openai_bucket(DAY, openai_result(1, "o1, input")), has_more=True)]
    pages.append(openai_page(openai_bucket(NEXT, openai_result(2, "o1, input"))))
    whole = read_costs(file_of(*pages))
    assert [line.place for line in whole.lines] == ["[0].data[0].results[0]", "[1].data[0].results[0]"]
    assert whole.notes == ()
    lines = read_costs("\n".join(map(json.dumps, pages)).encode())
    assert [line.place for line in lines.lines] == ["line 1: data[0].results[0]", "line 2: data[0].results[0]"]
    assert read_costs(file_of(pages[0])).notes == (
        "the report has further pages that are not in the file: ask for them by next_page",
    )


def test_openai_without_line_items_says_what_is_missing() -> None:
    report = read_costs(file_of(openai_page(openai_bucket(DAY, openai_result(0.06, None)))))
    assert report.notes == ("no line names a model: ask with group_by=line_item to compare by model",)


def test_anthropic_counts_in_cents() -> None:
    data = file_of(
        anthropic_page(
            anthropic_bucket(
                DAY,
                anthropic_result(
                    "123.45",
                    model="claude-sonnet-4-5-20250929",
                    cost_type="tokens",
                    token_type="output_tokens",
                    service_tier="standard",
                    context_window="0-200k",
                    workspace_id="wrkspc_1",
                ),
                anthropic_result(
                    "0.0000001",
                    model="claude-sonnet-4-5-20250929",
                    cost_type="tokens",
                    token_type="uncached_input_tokens",
                    service_tier="batch",
                    context_window="200k-1M",
                ),
                anthropic_result("100", cost_type="web_search", description="Web Search Usage"),
            )
        )
    )
    report = read_costs(data)
    assert [(line.model, line.item, line.amount_usd, line.project) for line in report.lines] == [
        ("claude-sonnet-4-5-20250929", "output_tokens", Decimal("1.2345"), "wrkspc_1"),
        ("claude-sonnet-4-5-20250929", "batch | uncached_input_tokens, 200k-1M", Decimal("0.000000001"), ""),
        ("", "web_search", Decimal(1), ""),
    ]
    assert report.notes == ("Anthropic leaves costs of its Priority Tier out of this report",)


def test_csv() -> None:
    data = "amount_usd,day,model,quantity\n1.5,2026-03-14,mistral-large-latest,1000\n-0.25,2026-03-14,,\n"
    report = read_costs(data.encode(), provider="Mistral")
    assert report.provider == "mistral"
    assert report.days == (DAY,)
    assert report.lines == (
        CostLine(DAY, "mistral-large-latest", "", Decimal("1.5"), Decimal(1000), "", "line 2"),
        CostLine(DAY, "", "", Decimal("-0.25"), None, "", "line 3"),
    )


def test_everything_that_is_wrong_is_said_at_once() -> None:
    noon = openai_bucket(NEXT)
    noon["start_time"] += 43_200
    euros = openai_result(1, "o1, input")
    euros["amount"]["currency"] = "eur"
    nan = json.loads('{"value": NaN, "currency": "usd"}')
    found = refusal(
        file_of(
            openai_page(
                openai_bucket(DAY, euros, openai_result("12,5", "o1, input"), openai_result(1, "o1") | {"amount": nan}),
                openai_bucket(DAY),
                noon,
                {"object": "bucket"},
            )
        )
    )
    assert "data[0].results[0].amount.currency: 'eur' is not USD; our prices are in US dollars: convert" in found
    assert "data[0].results[1].amount.value: '12,5' is no number; write it like 12.34" in found
    assert "data[0].results[2].amount.value: NaN must be a number of at most" in found
    assert "data[1]: 2026-03-14 stands at data[0] already; keep one of the two" in found
    assert "data[2]: " in found
    assert "is no whole day of UTC; ask with bucket_width=1d" in found
    assert "data[3].start_time: missing" in found


def test_amounts_of_json_are_rounded_to_what_is_stored_and_that_is_noted() -> None:
    written = ("0.00040750000000000004", "1.2345678901234567e-05", "0.25", '"0.0000000000000000015"')
    page = json.dumps(openai_page(openai_bucket(DAY, *(openai_result(f"<{each}>", "o1") for each in written))))
    for each in written:
        page = page.replace(json.dumps(f"<{each}>"), each)
    report = read_costs(page.encode())
    assert [line.amount_usd for line in report.lines] == [
        Decimal("0.0004075"),
        Decimal("0.000012345678901235"),
        Decimal("0.25"),
        Decimal("0.000000000000000002"),
    ]
    assert report.notes == (
        "amounts (USD) with more than 18 places were rounded half to even: 3, by at most 5e-19 each",
    )


def test_cents_are_rounded_to_18_places_of_a_dollar() -> None:
    cents = ("0.1234567890123456789", "0.00000000000000005", "0.00000000000000015000000000000000000000000000001", "9")
    report = read_costs(file_of(anthropic_page(anthropic_bucket(DAY, *map(anthropic_result, cents)))))
    assert [line.amount_usd for line in report.lines] == [
        Decimal("0.001234567890123457"),
        Decimal(0),
        Decimal("0.000000000000000002"),
        Decimal("0.09"),
    ]
    assert report.notes[-1] == (
        "amounts (USD) with more than 18 places were rounded half to even: 3, by at most 5e-19 each"
    )


def test_rounding_does_not_depend_on_how_many_digits_are_written() -> None:
    digits = "999999999999." + "0" * 18 + "5" + "0" * 60 + "1"
    report = read_costs(file_of(openai_page(openai_bucket(DAY, openai_result(digits, "o1, input")))))
    assert report.amount_usd == Decimal("999999999999.000000000000000001")


def test_quantities_of_json_are_rounded_too() -> None:
    result = openai_result(1, "o1, input", quantity=0.00040750000000000004)
    report = read_costs(file_of(openai_page(openai_bucket(DAY, result))))
    assert report.lines[0].quantity == Decimal("0.0004075")
    assert report.notes == ("quantities with more than 18 places were rounded half to even: 1, by at most 4e-20 each",)


@pytest.mark.parametrize(
    ("data", "line"),
    [
        (b'day,amount_usd\n2026-03-01,1.5\n"2026-03-02" x,2\n', 3),
        (b'day,"amount_usd" x\n2026-03-01,1.5\n', 1),
    ],
)
def test_a_stray_quote_of_a_csv_is_told_with_its_line(data: bytes, line: int) -> None:
    told = refusal(data, "csv", "openai")
    assert f"line {line}: " in told
    assert "mend the quotes there" in told


def test_a_csv_with_too_many_places_is_refused() -> None:
    for amount in ("0.0000000000000000001", f"1.{'0' * 90}1"):
        found = refusal(f"day,amount_usd\n2026-03-14,{amount}\n".encode(), provider="x")
        assert f"line 2, amount_usd: {amount} has more than 18 places; round it" in found


def test_a_wrong_csv() -> None:
    assert "line 1: 'cost' is no column; amount_usd is missing" in refusal(b"day,cost\n", provider="x")
    found = refusal(
        b"day,amount_usd,currency\n14.03.2026,1,\n2026-03-14,NaN,\n2026-03-14,1,EUR\n2026-03-14,1\n", provider="x"
    )
    assert found.count("line ") == 4
    assert "line 2, day: '14.03.2026' is no date" in found
    assert "line 4, currency: 'EUR' is not USD" in found


@pytest.mark.parametrize(
    ("data", "form", "provider", "message"),
    [
        (b"day,amount_usd\n2026-03-14,1\n", None, "", "a CSV does not say whose invoice it is"),
        (b"{", None, "", "the file is no JSON"),
        (b"[[[" * 100_000, None, "", "the file is no JSON: it is nested too deeply"),
        (b'{"data": [1e-99999999999999999999]}', None, "", "the file is no JSON: it has a number of no size"),
        (b'{"daily_costs": []}', None, "", "has no data; a page of a cost report has its buckets there"),
        (b'{"data": [], "has_more": false}', None, "", "in none of the formats openai, anthropic, csv"),
        (b'{"object": "page", "data": []}', None, "", "the report tells about no day"),
        (b"\xff", None, "", "is not UTF-8"),
        (file_of(anthropic_page(anthropic_bucket(DAY))), None, "openai", "a report of anthropic, not of openai"),
    ],
)
def test_what_is_no_report(data: bytes, form: str | None, provider: str, message: str) -> None:
    assert message in refusal(data, form, provider)


def test_a_day_of_another_century_is_refused() -> None:
    assert "2200-01-01 lies outside" in refusal(file_of(anthropic_page(anthropic_bucket(date(2200, 1, 1)))))


@pytest.mark.parametrize("amount", ["1_0", "２.5"])
def test_an_amount_in_other_digits_is_refused(amount: str) -> None:
    with pytest.raises(CostReportRefused, match="is no number; write it like"):
        read_costs(f"day,amount_usd\n2026-03-01,{amount}\n".encode(), provider="openai")


def test_a_key_that_occurs_twice_is_refused() -> None:
    with pytest.raises(CostReportRefused, match="the key 'value' occurs twice in one object; keep one of them"):
        read_costs(b'{"data": [{"amount": {"value": 1, "value": 2}}]}')


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b'{"object": "page", "data": [{"start_time": 1764547200, "results": 5}]}', "data[0].results: '5' is no list"),
        (b'{"object": "page", "data": [{"start_time": 86400000000000000, "results": []}]}', "is no whole day of UTC"),
        (b'{"object": "page", "data": [{"start_time": true, "results": []}]}', "data[0].start_time: missing"),
    ],
)
def test_odd_buckets_of_openai_are_refused_with_their_place(data: bytes, problem: str) -> None:
    assert problem in refusal(data, "openai")


@pytest.mark.parametrize("start", ["0001-01-01T00:00:00+14:00", 5, None])
def test_a_day_that_nobody_can_read_is_refused(start: object) -> None:
    bucket = {"starting_at": start, "ending_at": "2026-03-15T00:00:00Z", "results": []}
    assert "is no whole day of UTC" in refusal(json.dumps({"data": [bucket]}).encode(), "anthropic")


@pytest.mark.usefixtures("far_away")
def test_a_time_without_an_offset_is_utc_wherever_it_is_read() -> None:
    bucket = {"starting_at": "2026-03-14T00:00:00", "ending_at": "2026-03-15T00:00:00", "results": []}
    assert read_costs(json.dumps({"data": [bucket]}).encode(), "anthropic", "").days == (date(2026, 3, 14),)


@pytest.fixture
def far_away(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The local time zone of the process is Tokyo's."""
    with monkeypatch.context() as patched:
        patched.setenv("TZ", "Asia/Tokyo")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.parametrize("amount", ["1e999999999", "-1e999999999"])
def test_an_amount_beyond_all_bounds_is_refused(amount: str) -> None:
    assert "must be a number of at most" in refusal(f"day,amount_usd\n2026-03-14,{amount}\n".encode(), "csv", "x")
