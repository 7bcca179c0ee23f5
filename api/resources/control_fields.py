"""What answers about control records consist of."""

from datetime import date
from decimal import Decimal
from typing import Any

from pydantic import Field

from api.fields import AnswerModel, Credits, Instant, Usd
from stream_jobs.control.difference import Difference
from warehouse.control.met import Totals
from warehouse.control.records import Followed
from warehouse.control.standing import Standing, State

ID = "0190f5fe-7c00-7a00-8000-00000000002a"
CERTIFICATE = {
    "organization": "acme",
    "subject": "user",
    "removed": {"events": 42, "usage_raw": 42, "event_id_lookup": 42, "rollup": 96, "texts of control_records": 1},
    "stays": ["sums of closed periods by day and model, which name nobody"],
    "only_time_clears": [
        {"what": "records of the event topic, the request among them", "until": "2026-04-20 09:36 UTC"},
        {"what": "backups made before", "until": "they are deleted"},
    ],
    "swept": "2026-03-14T09:40:02+00:00",
}


class PublishedPlace(AnswerModel):
    """Where a record stands in the log."""

    partition: int = Field(description="Log partition", examples=[1027])
    offset: int | None = Field(description="Its offset; null until Kafka has acknowledged it", examples=[1042])


class TotalsAnswer(AnswerModel):
    """Sums over events."""

    requests: int = Field(description="Events", examples=[12])
    input_tokens: int = Field(description="All input tokens", examples=[14400])
    output_tokens: int = Field(description="All output tokens", examples=[4200])
    cost_usd: Usd = Field(description="Cost (USD)", examples=["0.078000000"])
    billed_usd: Usd = Field(description="Billed amount (USD)", examples=["0.078000000"])
    credits: Credits = Field(description="Credits", examples=["12.000000"])

    @classmethod
    def of(cls, totals: Totals) -> "TotalsAnswer":
        """Exact decimals of integers."""
        return cls(
            requests=totals.requests,
            input_tokens=totals.input_tokens,
            output_tokens=totals.output_tokens,
            cost_usd=Decimal(totals.cost_nano_usd).scaleb(-9),
            billed_usd=Decimal(totals.billed_nano_usd).scaleb(-9),
            credits=Decimal(totals.credits_micro).scaleb(-6),
        )


class DifferenceLine(AnswerModel):
    """Usage of one model on one local day."""

    day: date = Field(description="Date in the organisation's calendar", examples=["2026-03-14"])
    model: str = Field(description="Model as events write it", examples=["gpt-4o"])
    before: TotalsAnswer = Field(description="As it is")
    after: TotalsAnswer = Field(description="As it would be")


class MoveAnswer(AnswerModel):
    """Events whose column would change."""

    column: str = Field(description="Column", examples=["category"])
    before: str = Field(description="Value that it has", examples=[""])
    after: str = Field(description="Value that it would have", examples=["code"])
    events: int = Field(description="Events", examples=[12])


class DifferenceAnswer(AnswerModel):
    """What a record would change."""

    named: int = Field(description="Events named one by one", examples=[0])
    met: int = Field(description="Events that it would change, or count again", examples=[12])
    awaited: int = Field(description="Of those named, events that have not come: they are waited for", examples=[0])
    gone: int = Field(
        description="Of those named, events that are void, erased or no longer kept: nothing changes there",
        examples=[0],
    )
    left: int = Field(
        description="Events that it is about and leaves as counted: their days are before `first_whole_day`",
        examples=[0],
    )
    first_whole_day: date | None = Field(
        description="Days before it are not computed again, because raw usage may be deleted once it is older than "
        "TALLY_USAGE_RETENTION_DAYS; null when everything is kept, and for erasures",
        examples=["2026-01-02"],
    )
    before: TotalsAnswer = Field(description="All of them as they are")
    after: TotalsAnswer = Field(description="All of them as they would be")
    lines: list[DifferenceLine] = Field(description="By local day and model")
    moves: list[MoveAnswer] = Field(description="Values that would change")

    @classmethod
    def of(cls, found: Difference) -> "DifferenceAnswer":
        """The dry run as an answer."""
        return cls(
            named=found.named,
            met=found.met,
            awaited=found.awaited,
            gone=found.gone,
            left=found.left,
            first_whole_day=found.first_whole_day,
            before=TotalsAnswer.of(found.before),
            after=TotalsAnswer.of(found.after),
            lines=[
                DifferenceLine(
                    day=line.day,
                    model=line.model,
                    before=TotalsAnswer.of(line.before),
                    after=TotalsAnswer.of(line.after),
                )
                for line in found.lines
            ],
            moves=[MoveAnswer.model_validate(move) for move in found.moves],
        )


class SlicesAnswer(AnswerModel):
    """How far a job is: its slices are local days of organisations."""

    total: int = Field(description="Slices", examples=[31])
    done: int = Field(description="Slices that are done", examples=[12])
    failed: int = Field(description="Slices that failed", examples=[0])
    cancelled: int = Field(description="Slices that were cancelled", examples=[0])
    waiting: int = Field(description="Slices that wait or are being done", examples=[19])
    events: int = Field(description="Events that were rewritten; of an erasure, removed", examples=[4210])


class RecordAnswer(AnswerModel):
    """One record, and how far it is."""

    control_id: str = Field(description="Identity of the request", examples=[ID])
    kind: str = Field(description="config, repair, replay, amend, void, replace, reprice or erase", examples=["void"])
    organization: str = Field(description="Organisation it is about; empty for all", examples=["acme"])
    author: str = Field(description="Who asked", examples=["key 3f9a0c11d2e4"])
    note: str = Field(description="Why", examples=["a test ran with the wrong key"])
    created: Instant = Field(description="When it was asked", examples=["2026-03-14T09:26:53.589Z"])
    state: State = Field(
        description="unpublished, published, applied, working, paused, done, refused, failed or cancelled",
        examples=["working"],
    )
    slices: SlicesAnswer = Field(description="Its job, all partitions together")
    messages: list[str] = Field(
        description="What went wrong, or was left as it is, and which earlier job it waits for while that is paused or "
        "not over; of one record alone also which named events came later and stay as they were",
        examples=[[]],
    )

    @classmethod
    def values(cls, found: Followed) -> dict[str, Any]:
        """Fields of the answer."""
        asked = found.asked
        return {
            "control_id": asked.control_id,
            "kind": asked.kind,
            "organization": asked.organization,
            "author": asked.author,
            "note": asked.note,
            "created": asked.created,
            "state": found.state,
            "slices": SlicesAnswer(**found.slices),
            "messages": list(found.messages),
        }


class PlaceAnswer(AnswerModel):
    """How far a record is in one log partition."""

    partition: int = Field(description="Log partition", examples=[1027])
    state: State = Field(description="As for the whole", examples=["working"])
    offset: int | None = Field(description="Where it stands; null until it is published", examples=[1042])
    repeats: int = Field(description="Later copies of it, which changed nothing", examples=[0])
    total: int = Field(description="Slices of its job here", examples=[31])
    done: int = Field(description="Slices that are done", examples=[12])
    events: int = Field(description="Events that were rewritten; of an erasure, removed", examples=[4210])
    messages: list[str] = Field(
        description="Why it was refused, what went wrong, or was left as it is, or which earlier job it waits for",
        examples=[[]],
    )
    awaited: int = Field(
        description="Named events that have not come: each is changed when it comes, also once the job is cancelled",
        examples=[0],
    )
    stayed: int = Field(
        description="Named events that came after the record and stay as they were; `messages` say why they may not "
        "become so",
        examples=[0],
    )
    certificate: dict[str, Any] | None = Field(
        description="Of an erasure once the rows are gone: what was removed where, what stays, what only time clears "
        "and until when, and since when late writes are `swept` too; else null",
        examples=[CERTIFICATE],
    )

    @classmethod
    def of(cls, found: Standing) -> "PlaceAnswer":
        """One partition."""
        return cls(
            partition=found.src_partition,
            state=found.state,
            offset=found.offset,
            repeats=found.repeats,
            total=max(found.planned, found.slices.total),
            done=found.slices.done,
            events=found.events,
            messages=list(found.messages),
            awaited=found.still_awaited,
            stayed=sum(found.stayed.values()),
            certificate=None if found.certificate is None else dict(found.certificate),
        )
