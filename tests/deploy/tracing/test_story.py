"""The story of an event: each copy in the log is told apart, and the verdict says what a person has to know."""

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from uuid import UUID

from deploy.tracing.log_search import Copy, Wanted
from deploy.tracing.story import Counted, Found, Outcome, Verdict, told
from tokentally.partition import partition_of
from warehouse.queries.corrected import FORMER_NAMES, AwaitedChange, Buried, FormerVersion
from warehouse.queries.partitions import PartitionState
from warehouse.queries.traced import DIMENSIONS, CountedEvent, Refused, RollupRow

NOW = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)
ID = UUID(int=7)
PARTITIONS = 8
HOME = partition_of("acme", PARTITIONS)
EVENT = CountedEvent(
    *("acme", ID, "", NOW, NOW, HOME, 40, 2, False, Decimal("0.0035"), Decimal(0), Decimal(1), "priced"),
    *("openai/gpt-4o", 12, 0, NOW, date(2026, 11, 21), date(2026, 11, 16)),
    dimensions=dict.fromkeys(DIMENSIONS, ""),
)
ROWS = [RollupRow("rollup", "quarter", NOW, 5, 41, 0), RollupRow("rollup", "day", NOW, 5, 39, 0)]
PROGRESS = PartitionState(HOME, 45, NOW, 100, 98, 2, 0, 0, 1, "worker-0", NOW)
NOTHING = Found(Wanted(ID, str(ID)), partitions={HOME: PROGRESS}, partition_count=PARTITIONS)
COUNTED = replace(NOTHING, counted=[Counted(EVENT, ROWS, ())])


def copy(offset: int, partition: int = HOME, index: int = 0) -> Copy:
    return Copy(partition, offset, index, NOW, "acme", ID, NOW)


def refusal(index: int | None) -> Refused:
    return Refused("r", NOW, "worker", "acme", "input_tokens is negative", HOME, 41, index)


def test_a_counted_event_is_in_the_rows_that_have_reached_its_offset() -> None:
    story = told(COUNTED)
    assert story.verdict is Verdict.COUNTED
    assert story.sentence == (
        "Counted once, for acme on 2026-11-21: 0.0035 USD (priced, price revision 12); in 1 rollup rows."
    )
    assert [(p.offset, p.index, p.outcome) for p in story.places] == [(40, 2, Outcome.ACCEPTED)]


def test_copies_are_told_from_the_first_sight_and_from_those_in_the_wrong_partition() -> None:
    other = (HOME + 1) % PARTITIONS
    passed = {HOME: PROGRESS, other: replace(PROGRESS, partition=other)}
    story = told(replace(COUNTED, partitions=passed, copies=[copy(40, index=2), copy(44), copy(3, other), copy(46)]))
    outcomes = {(place.partition, place.offset): place.outcome for place in story.places}
    assert outcomes == {
        (HOME, 40): Outcome.ACCEPTED,
        (HOME, 44): Outcome.DUPLICATE,
        (other, 3): Outcome.MISROUTED,
        (HOME, 46): Outcome.IN_FLIGHT,
    }
    assert story.sentence.endswith("1 more in the log is recognised as copies.")


def test_stored_but_not_passed_by_progress() -> None:
    story = told(replace(COUNTED, partitions={HOME: replace(PROGRESS, applied_offset=39)}))
    assert story.verdict is Verdict.BEING_WRITTEN


def test_on_its_way_with_what_its_worker_waits_for() -> None:
    story = told(replace(NOTHING, copies=[copy(50, index=3)], waits={HOME: "the warehouse for 2 min"}))
    assert story.verdict is Verdict.IN_FLIGHT
    assert story.sentence == (
        f"In the log at partition {HOME}, offset 50, position 3, not applied yet: 4 envelopes before it; "
        "its worker waits for the warehouse for 2 min."
    )


def test_refused_alone_or_with_its_whole_envelope() -> None:
    for index in (0, None):
        story = told(replace(NOTHING, copies=[copy(41)], refusals=[refusal(index)]))
        assert story.verdict is Verdict.REJECTED
        assert [place.outcome for place in story.places] == [Outcome.REJECTED]
        assert "input_tokens is negative" in story.sentence
    assert told(replace(NOTHING, copies=[copy(41)], refusals=[refusal(5)])).places[0].outcome is Outcome.DUPLICATE


def test_nobody_knows_it() -> None:
    assert told(replace(NOTHING, searched=12)).sentence.endswith(
        "--scan-log looks through everything that the log still has."
    )
    whole = told(replace(NOTHING, searched=1_000, whole_log=True))
    assert whole.verdict is Verdict.UNKNOWN
    assert whole.sentence == (
        "Unknown: not in the warehouse, not among the refusals, and not in the 1,000 envelopes of the log."
    )


def former(kind: str, **more: object) -> FormerVersion:
    version = FormerVersion(
        *("id-1", kind, "ada", "wrong unit", NOW, NOW, 12, Decimal("0.5"), Decimal(0), Decimal(1), 10, 20, ""),
        texts=dict.fromkeys(FORMER_NAMES, ""),
    )
    return replace(version, **more)  # type: ignore[arg-type]


def test_a_corrected_event_names_the_record_that_changed_it_last() -> None:
    changed = Counted(EVENT, ROWS, (), (former("amend"), former("reprice", control_id="id-2", note="")))
    assert told(replace(NOTHING, counted=[changed])).sentence.endswith(
        "in 1 rollup rows. 2 times changed since it came, the last time: "
        "reprice id-2 by ada at 2026-11-21 10:00:00 UTC."
    )
    at_birth = Counted(replace(EVENT, control_offset=7), ROWS, ())
    assert "Changed when it came, by a control record before it." in told(replace(NOTHING, counted=[at_birth])).sentence


def test_a_void_event_counts_nowhere_and_its_copies_stay_copies() -> None:
    void = Counted(replace(EVENT, void=True), (), (), (former("void"),))
    story = told(replace(NOTHING, counted=[void], copies=[copy(40, index=2), copy(44)]))
    assert story.verdict is Verdict.VOID
    assert story.sentence == (
        "It counts nowhere: void id-1 by ada (wrong unit) at 2026-11-21 10:00:00 UTC. "
        "1 more in the log is recognised as copies."
    )


def test_an_erased_event_is_told_by_its_tombstone() -> None:
    gone = Buried("acme", HOME, 40, 2, NOW, "id-3", NOW)
    story = told(replace(NOTHING, buried=[gone], copies=[copy(40, index=2), copy(44)]))
    assert story.verdict is Verdict.ERASED
    assert "as acme asked at 2026-11-21 10:00:00 UTC (control record id-3)" in story.sentence
    assert [(place.offset, place.outcome) for place in story.places] == [(40, Outcome.ERASED), (44, Outcome.DUPLICATE)]
    assert [place.offset for place in told(replace(NOTHING, buried=[gone])).places] == [40], "the log may have lost it"


def test_an_event_that_has_not_come_may_be_awaited() -> None:
    said = AwaitedChange("acme", NOW, "id-4", "amend", "{}", -1, "ada", "")
    story = told(replace(NOTHING, awaited=[said]))
    assert (story.verdict, story.sentence) == (
        Verdict.AWAITED,
        "It has not come yet, and will be changed when it does: amend id-4 by ada.",
    )
    assert told(replace(NOTHING, awaited=[replace(said, met=-2)])).verdict is Verdict.UNKNOWN
