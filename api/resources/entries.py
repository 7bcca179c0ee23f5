"""GET, PUT and POST /v1/directory: what departments, users, customers, features and prompts are called."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Annotated

from fastapi import APIRouter, Path, Query
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from api import cursor
from api.documentation import documented, documented_items
from api.errors import InvalidItems, InvalidParameter, NotFound
from api.fields import AnswerModel, Instant
from api.parameters import Moment, OrganizationParameter, Text
from api.scope import AtDesk
from api.writing_desk import AtAdministratorsDesk
from warehouse.directory.changes import Decision, Entry, Outcome, in_force
from warehouse.directory.entry import SAID, Key, Kind, State, Wish, wished
from warehouse.errors import InvalidEntry
from warehouse.queries.directory import DirectoryEntries, EntryFilter, EntryHistory, Remark

router = APIRouter(tags=["directory"])
PAGE_MAX = 1000
ITEMS_MAX = 1000
CURSOR_LENGTH_MAX = 8192

KindPath = Annotated[Kind, Path(description="What the entry is", examples=["user"])]
IdPath = Annotated[str, Path(description="Its id, as usage events carry it", examples=["u-42"])]


class DirectoryParameters(OrganizationParameter):
    """Which entries, and which page."""

    kind: Kind | None = Field(None, description="Only entries of this kind", examples=["user"])
    state: State | None = Field(None, description="Only active or only archived ones", examples=["active"])
    q: Text = Field("", description="Part of the id or of the name", examples=["ada"])
    at: Moment | None = Field(
        None,
        description="As it was at this instant, or when this UTC date began; default: now",
        examples=["2026-03-01"],
    )
    limit: int = Field(100, ge=1, le=PAGE_MAX, description="Entries in one answer", examples=[50])
    cursor: str | None = Field(
        None,
        max_length=CURSOR_LENGTH_MAX,
        description="next_cursor of the page before",
        examples=["WyJhY21lIiwidXNlciJd"],
    )


class EntryAnswer(AnswerModel):
    """What holds about one entry."""

    organization: str = Field(description="Organisation", examples=["acme"])
    kind: Kind = Field(description="What it is", examples=["user"])
    id: str = Field(description="Id, as usage events carry it", examples=["u-42"])
    display_name: str = Field(description="Name for people; the id when none was given", examples=["Ada Lovelace"])
    department: str = Field(description="Department of a user, project or API key; empty: none", examples=["sales"])
    email: str = Field(description="E-mail address of a user; empty: none", examples=["ada@example.org"])
    role: str = Field(description="Role of a user; empty: none", examples=["department_manager"])
    plan: str = Field(description="Plan of a customer; empty: none", examples=["PRO"])
    state: State = Field(description="active or archived", examples=["active"])
    attributes: dict[str, str] = Field(description="Anything else by name", examples=[{"cost_center": "4711"}])
    since: Instant = Field(
        description="From when the newest of it holds; 1970 for what always held", examples=["2026-03-01T00:00:00.000Z"]
    )


class DirectoryAnswer(AnswerModel):
    """One page of the directory."""

    at: Instant = Field(description="The moment at which it holds", examples=["2026-03-14T09:26:53.589Z"])
    organization: str | None = Field(description="Organisation asked for; null: all together", examples=["acme"])
    next_cursor: str | None = Field(
        description="Send it as cursor for the next page; null on the last", examples=["WyJhY21lIiwidXNlciJd"]
    )
    entries: list[EntryAnswer] = Field(description="By organisation, kind and id")


class StatementAnswer(AnswerModel):
    """What was said about an entry at once; null: nothing was said, what held before holds on."""

    effective_from: Instant = Field(description="From when it holds", examples=["2026-03-01T00:00:00.000Z"])
    display_name: str | None = Field(description="Name for people", examples=["Ada Lovelace"])
    department: str | None = Field(description="Department; empty: none", examples=["sales"])
    email: str | None = Field(description="E-mail address; empty: none", examples=["ada@example.org"])
    role: str | None = Field(description="Role; empty: none", examples=["member"])
    plan: str | None = Field(description="Plan; empty: none", examples=["PRO"])
    state: State | None = Field(description="active or archived", examples=["active"])
    attributes: dict[str, str] = Field(description="An empty value removes it", examples=[{"cost_center": "4711"}])
    author: str = Field(description="Who said it", examples=["key 0a1b2c3d4e5f"])
    source: str = Field(description="How it came: api, csv, cli or event", examples=["api"])
    created: Instant = Field(description="When it was written", examples=["2026-03-01T08:15:00.123Z"])


class EntryHistoryAnswer(AnswerModel):
    """One entry with its history."""

    entry: EntryAnswer | None = Field(description="What holds now; null when its first statement is yet to come")
    history: list[StatementAnswer] = Field(description="All that was said, by the moment from which it holds")


class ChangeBody(BaseModel):
    """What to say about an entry. What is left out or null stays as it is; an empty text says that there is none."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    display_name: str | None = Field(None, description="Name for people", examples=["Ada Lovelace"])
    department: str | None = Field(None, description="Department of a user, project or API key", examples=["sales"])
    email: str | None = Field(None, description="E-mail address of a user", examples=["ada@example.org"])
    role: str | None = Field(
        None, description="Role of a user: owner, finance, department_manager or member", examples=["member"]
    )
    plan: str | None = Field(None, description="Plan of a customer", examples=["PRO"])
    state: State | None = Field(None, description="active or archived", examples=["active"])
    attributes: dict[str, str] | None = Field(
        None, description="Anything else by name; an empty value removes it", examples=[{"cost_center": "4711"}]
    )
    effective_from: AwareDatetime | None = Field(
        None,
        description="From when it holds, with its offset; default: always for the first statement, now for a change",
        examples=["2026-03-01T00:00:00Z"],
    )

    def wish(self, organization: str, kind: Kind, entity_id: str) -> Wish:
        """The wish about an entry. Raises InvalidEntry."""
        texts = {name: getattr(self, name) for name in SAID}
        return wished(organization, kind, entity_id, texts, self.attributes, self.effective_from)


class ItemBody(ChangeBody):
    """What to say about which entry."""

    organization: str | None = Field(
        None, description="Organisation; a key of one organisation may leave it out", examples=["acme"]
    )
    kind: Kind = Field(description="What it is", examples=["user"])
    id: str = Field(description="Its id, as usage events carry it", examples=["u-42"])


class ItemsBody(BaseModel):
    """Entries to change together."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    entries: list[ItemBody] = Field(
        min_length=1, max_length=ITEMS_MAX, description=f"At most {ITEMS_MAX}; each entry and moment once"
    )


class ChangeAnswer(AnswerModel):
    """What became of a statement."""

    organization: str = Field(description="Organisation", examples=["acme"])
    kind: Kind = Field(description="What the entry is", examples=["user"])
    id: str = Field(description="Its id", examples=["u-42"])
    outcome: Outcome = Field(
        description="created, renamed, archived, restored, changed, or unchanged when it held already",
        examples=["renamed"],
    )
    effective_from: Instant | None = Field(
        description="From when it holds; null when nothing was to be written", examples=["2026-03-01T00:00:00.000Z"]
    )


class ChangesAnswer(AnswerModel):
    """What became of each statement."""

    changes: list[ChangeAnswer] = Field(description="In the order of the request")


@router.get("/v1/directory", **documented(DirectoryAnswer, refusals=(401, 403, 422, 503)))
async def directory(parameters: Annotated[DirectoryParameters, Query()], desk: AtDesk) -> DirectoryAnswer:
    """Names for people, as they hold now or held at another moment."""
    organization = desk.reader.choose(parameters.organization)
    at = _instant(parameters.at) or desk.clock()
    which = EntryFilter(organization, parameters.kind, parameters.state, parameters.q)
    after = _position(parameters.cursor)
    found = await desk.warehouse.ask(DirectoryEntries(which, at, parameters.limit + 1, after))
    page = found[: parameters.limit]
    return DirectoryAnswer(
        at=at,
        organization=organization,
        next_cursor=cursor.encoded(*page[-1].key) if len(found) > parameters.limit else None,
        entries=[entry_answer(entry) for entry in page],
    )


@router.get("/v1/directory/{kind}/{entity_id:path}", **documented(EntryHistoryAnswer))
async def history(
    kind: KindPath, entity_id: IdPath, parameters: Annotated[OrganizationParameter, Query()], desk: AtDesk
) -> EntryHistoryAnswer:
    """One entry: what holds now, and all that was ever said about it."""
    organization = desk.reader.choose(parameters.organization)
    if organization is None:
        raise InvalidParameter("organization: missing; this key is for all of them, so say which one is meant")
    remarks = await desk.warehouse.ask(EntryHistory(Key(organization, kind, entity_id)))
    if not remarks:
        raise NotFound(
            f"{organization} has no {kind} {entity_id!r} in its directory; /v1/directory lists what there is",
            code="unknown_entry",
        )
    entry = in_force([remark.statement for remark in remarks], desk.clock())
    return EntryHistoryAnswer(
        entry=entry_answer(entry) if entry else None, history=[_statement_answer(remark) for remark in remarks]
    )


@router.put("/v1/directory/{kind}/{entity_id:path}", **documented(ChangeAnswer, refusals=(401, 403, 413, 422, 503)))
async def put(
    kind: KindPath,
    entity_id: IdPath,
    parameters: Annotated[OrganizationParameter, Query()],
    body: ChangeBody,
    desk: AtAdministratorsDesk,
) -> ChangeAnswer:
    """Says something about one entry. The same again changes nothing; what was said before stays in its history."""
    organization = desk.writer.choose(parameters.organization)
    try:
        wish = body.wish(organization, kind, entity_id)
    except InvalidEntry as failure:
        raise InvalidParameter(str(failure)) from None
    return change_answer(*(await desk.carry_out([wish], "api"))[0])


@router.post("/v1/directory/entries", **documented_items(ChangesAnswer))
async def post(body: ItemsBody, desk: AtAdministratorsDesk) -> ChangesAnswer:
    """Says something about many entries: all of it, or nothing when one item is wrong."""
    wishes, problems = _wishes(body.entries, [desk.writer.choose(item.organization) for item in body.entries])
    if problems:
        raise InvalidItems(problems)
    decisions = await desk.carry_out(wishes, "api")
    return ChangesAnswer(changes=[change_answer(wish, decision) for wish, decision in decisions])


def entry_answer(entry: Entry) -> EntryAnswer:
    """An entry as JSON."""
    said: Mapping[str, object] = {name: getattr(entry, name) for name in (*SAID, "attributes", "since")}
    return EntryAnswer.model_validate({**entry.key._asdict(), **said})


def change_answer(wish: Wish, decision: Decision) -> ChangeAnswer:
    """What became of a wish, as JSON."""
    moment = decision.statement.effective_from if decision.statement else None
    return ChangeAnswer(**wish.key._asdict(), outcome=decision.outcome, effective_from=moment)


def _wishes(items: Sequence[ItemBody], organizations: Sequence[str]) -> tuple[list[Wish], list[tuple[int, str]]]:
    """The wishes of the items, and position and problem of those that are none."""
    wishes: list[Wish] = []
    problems: list[tuple[int, str]] = []
    seen: dict[tuple[Key, datetime | None], int] = {}
    for index, (item, organization) in enumerate(zip(items, organizations, strict=True)):
        try:
            wish = item.wish(organization, item.kind, item.id)
        except InvalidEntry as failure:
            problems.append((index, str(failure)))
            continue
        first = seen.setdefault((wish.key, wish.effective_from), index)
        if first != index:
            problems.append((index, f"id: {item.id!r} is entries.{first} already, for the same time; keep one"))
        wishes.append(wish)
    return wishes, problems


def _statement_answer(remark: Remark) -> StatementAnswer:
    statement = remark.statement
    said = {name: getattr(statement.said, name) for name in (*SAID, "attributes")}
    return StatementAnswer(
        **said,
        effective_from=statement.effective_from,
        author=remark.author,
        source=remark.source,
        created=statement.created,
    )


def _instant(moment: date | datetime | None) -> datetime | None:
    if moment is None or isinstance(moment, datetime):
        return moment
    return datetime(moment.year, moment.month, moment.day, tzinfo=UTC)


def _position(text: str | None) -> tuple[str, str, str] | None:
    if text is None:
        return None
    organization, kind, entity_id = cursor.decoded(text, str, str, str)
    return str(organization), str(kind), str(entity_id)
