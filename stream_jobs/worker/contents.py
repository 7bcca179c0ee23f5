"""What configuration revisions say: a revision that the log names in, its content out, as soon as it is stored.

What came with the record is stored again where the warehouse lacks it: after a restore it knows nothing of revisions
that were made since the backup.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import structlog

from producers.control.bodies import ConfigBody
from stream_jobs.worker import statements
from stream_jobs.worker.beat import Beat
from stream_jobs.worker.sink import Sink
from warehouse.control.contents import Content, Named, put_back, stored_content, unpacked

log = structlog.get_logger()
CONTENT: Final = "a configuration revision"
"""What the worker says it waits for."""
LOOK_SECONDS: Final = 0.5


@dataclass(frozen=True, slots=True)
class Contents:
    """Blocking. rest: called while the warehouse lacks a revision: who ends then did not die of the record (E29)."""

    sink: Sink
    beat: Beat
    rest: Callable[[], None]

    def of(self, body: ConfigBody, organization: str, packed: bytes | None = None) -> str:
        """What the revision says. Waits, and says so, until the warehouse has the revision with that hash.

        packed: the content that came with the record; with it the rows are held against the hash, too.
        """
        named = Named(body.subject, organization, body.revision, body.content_hash)
        came = self._read(named, packed)
        if came is not None:
            self._make_sure(named, came)
        asked = statements.revision_content(body.subject, body.revision, organization, body.content_hash)
        while not (found := self.sink.rows(asked)):
            self.rest()
            self.beat.wait(CONTENT, f"{body.subject} revision {body.revision} with hash {body.content_hash[:12]}")
            self.beat.move()
            time.sleep(LOOK_SECONDS)
        self.beat.waits.end(CONTENT)
        return str(found[0][0])

    def _make_sure(self, named: Named, came: Content) -> None:
        """Stores what came with the record, unless the warehouse has just that."""
        if self.sink.using(lambda client: stored_content(client, named)) is not None:
            return
        stored = self.sink.using(lambda client: put_back(client, named, came))
        told = {"kind": named.kind, "revision": named.revision, "organization": named.organization}
        if stored:
            log.warning("a revision was stored again from its record", **told)
        else:
            log.error("a revision cannot be stored again: another one has its number", **told)

    @staticmethod
    def _read(named: Named, packed: bytes | None) -> Content | None:
        """What came with the record; None without anything that is what the record means."""
        if packed is None:
            return None
        try:
            content = unpacked(packed)
        except ValueError as problem:
            log.warning("what came with a control record is no content", reason=str(problem)[:300])
            return None
        return content if content.hash == named.content_hash else None
