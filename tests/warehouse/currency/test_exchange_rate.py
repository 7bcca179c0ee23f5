"""Exchange rates: what an operator may say, and which rate holds on a day."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warehouse.currency.csv_file import read_rates
from warehouse.currency.exchange_rate import ExchangeRate, RatesOf, Stretch, stated
from warehouse.errors import InvalidExchangeRate, MissingExchangeRate

MARCH = date(2026, 3, 1)
RATES = RatesOf(
    "EUR",
    [
        ExchangeRate("EUR", date(2026, 3, 10), Decimal("0.95")),
        ExchangeRate("EUR", MARCH, Decimal("0.92")),
        ExchangeRate("JPY", date(2026, 3, 5), Decimal("150.25")),
    ],
)


def test_a_rate_holds_until_the_next_one() -> None:
    assert [RATES.on(date(2026, 3, day)) for day in (1, 9, 10, 31)] == list(
        map(Decimal, ("0.92", "0.92", "0.95", "0.95"))
    )
    assert RATES.converted(Decimal("100.000000001"), MARCH) == Decimal("92.00000000092")


def test_a_day_without_a_rate_is_named_with_its_cure() -> None:
    with pytest.raises(MissingExchangeRate, match=r"no exchange rate for EUR on 2026-02-28; .* --from 2026-02-28"):
        RATES.on(date(2026, 2, 28))


def test_a_dollar_is_a_dollar() -> None:
    assert RatesOf("USD", []).on(date(1980, 1, 1)) == 1


def test_rates_of_a_range() -> None:
    assert RATES.used(date(2026, 2, 1), date(2026, 3, 9)) == [Stretch(MARCH, date(2026, 3, 9), Decimal("0.92"))]
    assert RATES.used(date(2026, 3, 9), date(2026, 4, 1)) == [
        Stretch(MARCH, date(2026, 3, 9), Decimal("0.92")),
        Stretch(date(2026, 3, 10), None, Decimal("0.95")),
    ]
    assert RATES.used(date(2026, 1, 1), date(2026, 2, 1)) == []


@pytest.mark.parametrize(
    ("currency", "units", "message"),
    [
        ("EURO", "1", "currency: 'EURO' is no code of three letters"),
        ("USD", "1", "one USD is one USD"),
        ("EUR", "0,92", "'0,92' is no number; write it like 0.9213"),
        ("EUR", "1_0", "'1_0' is no number"),
        ("EUR", "\u0663", "'\u0663' is no number"),
        ("EUR", "NaN", "NaN must be above 0"),
        ("EUR", "-0.9", "-0.9 must be above 0"),
        ("EUR", "0", "0 must be above 0"),
        ("EUR", "1e13", "at most 1000000000000"),
        ("EUR", "0.1234567890123456789", "more than 18 places"),
    ],
)
def test_what_cannot_be_a_rate(currency: str, units: str, message: str) -> None:
    with pytest.raises(InvalidExchangeRate) as caught:
        stated(currency, MARCH, units)
    assert message in str(caught.value)


def test_what_is_said_loosely_is_the_same_rate() -> None:
    assert stated(" eur ", MARCH, " 0.9200 ") == ExchangeRate("EUR", MARCH, Decimal("0.92"))


@given(st.dictionaries(st.integers(0, 400), st.decimals("0.000001", "1000", places=9), min_size=1), st.integers(0, 500))
def test_the_rate_of_a_day_is_the_newest_that_is_not_later(rates: dict[int, Decimal], day: int) -> None:
    known = RatesOf("EUR", [ExchangeRate("EUR", MARCH + timedelta(days=key), value) for key, value in rates.items()])
    earlier = [key for key in rates if key <= day]
    if earlier:
        assert known.on(MARCH + timedelta(days=day)) == rates[max(earlier)]
    else:
        with pytest.raises(MissingExchangeRate):
            known.on(MARCH + timedelta(days=day))


def test_a_file_of_rates() -> None:
    found = read_rates(
        b"\xef\xbb\xbfday,currency,units_per_usd\r\n2026-03-01,EUR,0.92\r\n\r\n2026-03-01,jpy,150.25\r\n"
    )
    assert found == [ExchangeRate("EUR", MARCH, Decimal("0.92")), ExchangeRate("JPY", MARCH, Decimal("150.25"))]


def test_every_line_that_is_wrong_is_said() -> None:
    with pytest.raises(InvalidExchangeRate) as caught:
        read_rates(
            b"currency,day,units_per_usd\nEUR,2026-03-01,0.92\nEUR,01.03.2026,0.92\nEUR,2026-03-01,0.93\nEUR,2026-03-02\n"
            b"CHF,2026-03-02,-1\n"
        )
    assert str(caught.value).split("; ")[:1] == ["line 3: day: '01.03.2026' is no date"]
    assert "line 4: EUR on 2026-03-01 stands in line 2 already; keep one" in str(caught.value)
    assert "line 5: 2 cells under 3 columns" in str(caught.value)
    assert "line 6: units_per_usd: -1 must be above 0" in str(caught.value)


@pytest.mark.parametrize("data", [b"", b"currency,day\n", b"currency,day,usd_per_unit\nEUR,2026-03-01,1.08\n"])
def test_other_columns_are_refused(data: bytes) -> None:
    with pytest.raises(InvalidExchangeRate, match=r"line 1: the columns are .*; write currency, day, units_per_usd"):
        read_rates(data)


def test_a_stray_quote_is_told_with_its_line() -> None:
    with pytest.raises(InvalidExchangeRate, match=r"^line 3: .*; mend the quotes there$"):
        read_rates(b'currency,day,units_per_usd\nEUR,2026-03-01,0.92\nEUR,"2026-03-02" x,0.93\n')
