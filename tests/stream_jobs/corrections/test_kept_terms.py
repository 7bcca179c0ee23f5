"""By which terms an event is billed, after whatever was changed in it."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import pytest

from stream_jobs.corrections.kept_terms import CountingJob, KeptTerms
from stream_jobs.credits.terms import ALWAYS, Terms, TermsRow
from warehouse.log_partitions import PARTITIONS_PER_GENERATION, VERSIONS_PER_GENERATION

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
REPLACED, REPRICED, LEFT = "replacement", "reprice with multipliers", "reprice of costs"
NEXT_LOG = PARTITIONS_PER_GENERATION
"""The first partition of the next topic generation."""


def dated(organization: str, markup_ppm: int, since: datetime = ALWAYS) -> TermsRow:
    return TermsRow(organization, Terms(markup_ppm=markup_ppm), since)


KEPT = KeptTerms(
    switches={3: [(10, 2), (50, 3)], NEXT_LOG + 3: [(5, 4)]},
    revisions={"": [1, 3], "acme": [2, 4]},
    rows={
        ("", 1): [dated("", 100)],
        ("", 3): [dated("", 300)],
        ("acme", 2): [dated("acme", 200)],
        ("acme", 4): [dated("acme", 400, NOON)],
    },
    jobs={
        (0, 60): [CountingJob(3, REPLACED, "acme", 3)],
        (0, 70): [CountingJob(2, REPRICED, "", 4), CountingJob(3, REPRICED, "", 1)],
    },
)


def version(offset: int, generation: int = 0) -> int:
    """What the control record at this offset writes."""
    return generation * VERSIONS_PER_GENERATION + offset + 1


def markup(
    offset: int,
    *,
    partition: int = 3,
    organization: str = "acme",
    time: datetime = NOON,
    changed: int = 0,
    former: Sequence[tuple[int, int, str]] = (),
) -> int:
    """The markup of the terms of an event at this place. changed: its version. former: (version, the one it replaced,
    by whom)."""
    row: dict[str, Any] = {
        "organization": organization,
        "time": time,
        "event_id_text": "e1",
        "src_partition": partition,
        "src_offset": offset,
        "control_offset": changed,
    }
    schema: dict[str, Any] = {"time": pl.Datetime("ms", "UTC"), "src_partition": pl.UInt16, "src_offset": pl.UInt64}
    identity = {"organization": organization, "time_ms": int(time.timestamp() * 1000), "event_id_text": "e1"}
    steps = [identity | {"version": new, "former": old, "control_id": by} for new, old, by in former]
    located = KEPT.located(pl.DataFrame([row], schema_overrides=schema), lambda: pl.DataFrame(steps))
    [ppm] = pl.select(located.each(lambda terms: terms.markup_ppm, pl.Int64)).to_series()
    return int(ppm)


def test_the_state_at_its_place_holds_from_the_record_on() -> None:
    assert [markup(offset) for offset in (0, 9, 10, 49, 50, 10**6)] == [100, 100, 200, 200, 200, 200]
    assert [markup(offset, organization="zen") for offset in (0, 10, 49, 50)] == [100, 100, 100, 300]
    assert markup(50, partition=9, organization="zen") == 100, "the record did not come there"


def test_another_log_goes_on_with_what_the_former_one_had() -> None:
    assert [markup(offset, partition=NEXT_LOG + 3, organization="zen") for offset in (0, 4, 5)] == [300, 300, 300]
    assert [markup(offset, partition=NEXT_LOG + 3) for offset in (4, 5)] == [200, 400]


def test_terms_that_begin_later_leave_what_everyone_has_until_then() -> None:
    early = NOON - timedelta(milliseconds=1)
    assert [markup(5, partition=NEXT_LOG + 3, time=time) for time in (early, NOON)] == [300, 400]


def test_what_counted_credits_anew_brings_its_terms_along() -> None:
    replaced = [(version(60), 0, REPLACED)]
    assert markup(5, changed=version(60), former=replaced) == 200, "at the replacement; at its place it was 100"
    repriced = [(version(70), version(60), REPRICED), *replaced]
    assert markup(5, changed=version(70), former=repriced) == 100, "by the state that was named, in its own partition"
    assert markup(5, partition=2, organization="zen", changed=version(70), former=repriced) == 300


@pytest.mark.parametrize(("before", "kept"), [([], 100), ([(version(60), 0, REPLACED)], 200)])
def test_a_reprice_that_leaves_credits_leaves_their_terms(before: list[tuple[int, int, str]], kept: int) -> None:
    former = [(version(80), version(60) if before else 0, LEFT), *before]
    assert markup(5, changed=version(80), former=former) == kept
    again = [(version(90), version(80), LEFT), *former]
    assert markup(5, changed=version(90), former=again) == kept, "and there and back"


def test_an_event_that_came_after_the_record_was_counted_as_it_came() -> None:
    assert markup(65, changed=version(60), former=[(version(60), 0, REPLACED)]) == 200
    assert markup(75, organization="zen", changed=version(70), former=[(version(70), 0, REPRICED)]) == 300
    of_the_new_log = markup(75, partition=NEXT_LOG + 9, changed=version(70), former=[(version(70), 0, REPRICED)])
    assert of_the_new_log == 400, "another log's offsets say nothing of before and after"


def test_what_an_erasure_took_was_replaced_by_its_organization() -> None:
    assert markup(5, changed=version(60)) == 200
    assert markup(5, organization="zen", changed=version(60)) == 100, "not by the replacement of another"


def test_where_nobody_has_a_markup_nothing_is_asked() -> None:
    def asked(statement: str) -> Any:
        assert "FROM terms" in statement, "one question is enough"
        return [("", 1, 0, 0)]

    assert KeptTerms.read(asked) == KeptTerms.none()
    events = pl.DataFrame({"organization": ["acme"]})
    assert KeptTerms.none().located(events, lambda: pytest.fail("asked")).present == (Terms(),)
