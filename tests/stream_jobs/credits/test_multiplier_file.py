"""The reviewed file: what it says, and every way in which it is refused."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

import stream_jobs.credits
from stream_jobs.credits.errors import CreditRulesRefused
from stream_jobs.credits.multiplier_file import read_multipliers
from stream_jobs.pricing.catalogue import catalogue_rows

SHIPPED = read_multipliers(Path(stream_jobs.credits.__file__).with_name("multipliers.yaml").read_text())


def test_the_shipped_multipliers() -> None:
    by_name = {row.note: row.multiplier_milli for row in SHIPPED}
    assert by_name == {
        "default": 1000,
        "GPT-4o": 2000,
        "GPT-4 Turbo": 1000,
        "GPT-3.5 Turbo": 300,
        "Claude 3.7 Sonnet": 2500,
        "Claude 3.5 Sonnet": 1000,
        "Claude 3 Haiku": 500,
        "Llama 3.3 70B": 1000,
        "DeepSeek V3": 1000,
    }


def test_every_shipped_entry_is_in_the_catalogue_and_named_once() -> None:
    catalogue = {(row.provider, row.model) for row in catalogue_rows()}
    entries = [(row.provider, row.model) for row in SHIPPED if row.model]
    assert set(entries) <= catalogue
    assert len(set(entries)) == len(entries)


def test_a_multiplier_may_start_at_a_date() -> None:
    text = "default: 1\nmodels:\n- {name: X, multiplier: '0.125', from: 2026-02-01, entries: [a/b/c]}"
    row = read_multipliers(text)[1]
    assert (row.provider, row.model, row.multiplier_milli) == ("a", "b/c", 125)
    assert row.effective_from == datetime(2026, 2, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a: [", "not YAML"),
        ("[]", "must hold `default`"),
        ("default: 1", "must hold `default`"),
        ("default: x\nmodels: []", "'x' is no multiplier"),
        ("default: 1.0001\nmodels: []", "3 decimal places"),
        ("default: .inf\nmodels: []", "is no multiplier"),
        ("default: 1\nmodels: [{name: X}]", "must hold name, multiplier, entries"),
        ("default: 1\nmodels: [{name: X, multiplier: 1, entries: [a/b], price: 3}]", "must hold name"),
        ("default: 1\nmodels: [{name: X, multiplier: 1, entries: []}]", "X: entries must be a list"),
        ("default: 1\nmodels: [{name: X, multiplier: 1, entries: [gpt-4o]}]", "X: 'gpt-4o' is not a catalogue entry"),
        ("default: 1\nmodels: [{name: X, multiplier: -1, entries: [a/b]}]", "between 0"),
        ("default: 1\nmodels: [{name: X, multiplier: 1, from: May, entries: [a/b]}]", "write YYYY-MM-DD"),
    ],
)
def test_a_file_that_cannot_be_right_is_refused(text: str, told: str) -> None:
    with pytest.raises(CreditRulesRefused, match=told):
        read_multipliers(text)
