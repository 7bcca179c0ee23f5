"""Whoever writes, in front of what may be written: a key in; the directory, control records and their author out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated
from uuid import UUID, uuid4

from fastapi import Depends, Request

from api.access import Writer, administrator, sender
from api.accounts import Accounts
from api.control import Control
from api.directory import Directory
from api.errors import Forbidden, InvalidParameter, NotFound
from api.warehouse import Warehouse
from producers.control.bodies import ConfigBody
from producers.control.record import ControlRecord
from producers.control.request import content_of
from producers.errors import ControlRefused
from warehouse.control.history import History
from warehouse.control.records import Followed, Records, Standings
from warehouse.directory.changes import Decision
from warehouse.directory.entry import Wish
from warehouse.directory.registration import OrganizationWish, Registered


@dataclass(frozen=True, slots=True)
class WritingDesk:
    """Someone who may write, and everything that is needed to answer."""

    writer: Writer
    warehouse: Warehouse
    directory: Directory
    control: Control
    accounts: Accounts
    clock: Callable[[], datetime]

    async def carry_out(self, wishes: Sequence[Wish], source: str) -> Sequence[tuple[Wish, Decision]]:
        """What each wish about the directory did, now and in the name of the key."""
        return await self.directory.carry_out(wishes, self.clock(), self.writer.author, source)

    async def register(self, wish: OrganizationWish, source: str) -> Registered:
        """What became of an organisation that is to be registered, now and in the name of the key."""
        return await self.directory.register(wish, self.clock(), self.writer.author, source)

    async def record(
        self, kind: str, organization: str | None, body: dict[str, object], note: str, control_id: UUID | None
    ) -> ControlRecord:
        """The control record that is asked for, checked.

        Raises Forbidden for another's organisation, InvalidParameter for what cannot be asked for.
        """
        about = self.writer.about(organization) or ""
        if self.writer.organization is not None and kind == "config" and body.get("subject") != "calendar":
            raise Forbidden("what holds for the whole installation needs a key for every organisation")
        name, asked = str(control_id or uuid4()), self.clock()
        try:
            content = content_of(kind, about, body)
        except ControlRefused as problem:
            raise InvalidParameter(str(problem)) from problem
        record = ControlRecord(name, kind, about, content, self.writer.author, note, asked)
        if isinstance(record.body, ConfigBody):
            await self._stored(record.body, about)
        return record

    async def followed(self, control_id: UUID) -> Followed:
        """A control record that the writer may see. Raises NotFound."""
        known = await self.warehouse.ask(Records(str(control_id)))
        if not known or self.writer.organization not in (None, known[0].organization):
            raise NotFound("there is no such control record; GET /v1/control lists them", code="unknown_record")
        (found,) = await self.warehouse.ask(Standings(known))
        return found

    async def _stored(self, config: ConfigBody, organization: str) -> None:
        """Workers wait for the content of a revision: one that is not stored would hold them up for ever (E21)."""
        found = await self.warehouse.ask(History(config.subject, organization, config.revision))
        if not any(each.content_hash == config.content_hash for each in found):
            raise InvalidParameter(
                f"body: there is no {config.subject} revision {config.revision} with this content_hash; store it first"
            )


def administrators_desk(request: Request, writer: Annotated[Writer, Depends(administrator)]) -> WritingDesk:
    """The desk of who may change what is known and what was counted."""
    return _at(request, writer)


def senders_desk(request: Request, writer: Annotated[Writer, Depends(sender)]) -> WritingDesk:
    """The desk of who may tell what happened."""
    return _at(request, writer)


def _at(request: Request, writer: Writer) -> WritingDesk:
    state = request.app.state
    return WritingDesk(writer, state.warehouse, state.directory, state.control, state.accounts, state.clock)


AtAdministratorsDesk = Annotated[WritingDesk, Depends(administrators_desk)]
AtSendersDesk = Annotated[WritingDesk, Depends(senders_desk)]
