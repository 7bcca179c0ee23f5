"""The worker's hand on the warehouse: frames in and out, the same write repeated until it is acknowledged."""

import time
from collections.abc import Callable
from typing import Any, TypeVar

import polars as pl
import pyarrow as pa
import structlog
import urllib3
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError
from clickhouse_connect.driver.external import ExternalData
from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_never, wait_random_exponential

from stream_jobs.worker.beat import Beat
from stream_jobs.worker.liveness import WAREHOUSE
from warehouse.client import READ_OWN_WRITES, WRITE_SETTINGS, classified
from warehouse.errors import SignInFailed, WarehouseError, WarehouseRefused, WarehouseStrained, WarehouseUnavailable
from warehouse.literals import LONGEST_ADDRESS, in_address, masked
from warehouse.reasons import reason

T = TypeVar("T")
log = structlog.get_logger()
# Answers are sent when they are whole: what fails in the middle must not look like fewer rows.
READ_SETTINGS = {
    **READ_OWN_WRITES,
    "max_query_size": 1 << 28,
    "output_format_arrow_string_as_string": 1,
    "wait_end_of_query": 1,
}
END_OF_STREAM = b"\xff\xff\xff\xff\x00\x00\x00\x00"
INSERT_SETTINGS = {**WRITE_SETTINGS, "optimize_on_insert": 0}
COMMAND_SETTINGS = {**WRITE_SETTINGS, **READ_OWN_WRITES, "max_query_size": 1 << 28}
DERIVE_SECONDS = 20
"""A derivation may not take longer: it holds the next flush up, and would count as hanging."""
DERIVE_SETTINGS = {**COMMAND_SETTINGS, "max_execution_time": DERIVE_SECONDS}
SILENCES = 3
"""After so many times without an answer a derivation is taken to be too much."""
ASKED_TYPES = {
    "time": "DateTime64(3, 'UTC')",
    "event_id": "UUID",
    "bucket": "DateTime('UTC')",
    **dict.fromkeys(("cost_nano_usd", "billed_nano_usd", "credits_micro"), "Int64"),
    "price_revision": "UInt32",
}
"""ClickHouse types of the columns that statements are asked about; all others are whole numbers or texts."""
UUID_COLUMNS = frozenset({"event_id", "id_hash"})


class Sink:
    """Blocking calls, to be made from threads. Raises WarehouseRefused; an unavailable warehouse is waited for."""

    def __init__(self, client: Client, beat: Beat, sign_in: Callable[[], Client] | None = None) -> None:
        self._client = client
        self._beat = beat
        self._sign_in = sign_in
        """Makes a fresh client, when the password was changed."""
        self.returned: Callable[[], None] = lambda: None
        """Asked before a write is repeated: raises when the warehouse that came back is not the one that went."""
        self.failures = 0
        """Attempts that found no warehouse: in between it may have been set back."""
        self._in_flight: dict[object, float] = {}
        self._waiting: dict[object, str] = {}

    def aside(self) -> "Sink":
        """The same warehouse for a thread that only looks on: its statements are no progress, nor reasons to wait."""
        onlooker = Sink(self._client, self._beat.aside(), self._sign_in)
        onlooker._waiting = self._waiting
        return onlooker

    def statement_seconds(self) -> float:
        """How long the oldest statement in flight has run; 0.0 without one."""
        begun = list(self._in_flight.values())
        return time.monotonic() - min(begun) if begun else 0.0

    def insert(self, table: str, frame: pl.DataFrame, check: Callable[[], None] = lambda: None) -> None:
        """Inserts the frame durably. Repeating an insert that landed writes the same rows again: harmless.

        check: is made before each attempt; what it raises is raised.
        """
        if frame.is_empty():
            return
        body, names = arrow_stream(frame), frame.columns

        def attempt() -> None:
            check()
            self._client.raw_insert(
                table, column_names=names, insert_block=body, settings=INSERT_SETTINGS, fmt="ArrowStream"
            )

        self._insist(attempt, writes=True)

    def frame(self, sql: str, asked: pl.DataFrame | None = None) -> pl.DataFrame:
        """The answer as a frame; empty without columns when there are no rows.

        asked: rows that the statement reads as the table `asked`; thousands of them would be too many literals.
        """
        _check_length(sql, asked)
        body = self._insist(
            lambda: whole(
                self._client.raw_query(sql, settings=READ_SETTINGS, fmt="ArrowStream", external_data=_external(asked))
            )
        )
        table = pa.ipc.open_stream(body).read_all() if body else pa.table({})
        return pl.DataFrame() if table.num_rows == 0 else pl.DataFrame(pl.from_arrow(_plain_ids(table)))

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """The answer as tuples."""
        frame = self.frame(sql)
        return frame.rows() if frame.width else []

    def command(self, sql: str) -> None:
        """Runs an INSERT … SELECT."""
        self._insist(lambda: self._client.command(sql, settings=COMMAND_SETTINGS), writes=True)

    def derive(self, sql: str, asked: pl.DataFrame | None = None) -> None:
        """The same within DERIVE_SECONDS; asked: as in `frame`.

        Raises WarehouseStrained when it takes too long or too much memory.
        """
        _check_length(sql, asked)

        def attempt() -> None:
            self._client.command(sql, settings=DERIVE_SETTINGS, external_data=_external(asked))

        self._insist(attempt, writes=True, gives_up=True)

    def using(self, action: Callable[[Client], T]) -> T:
        """What reading by the client itself gives; what reads nothing but is not there is the action's to tell."""
        return self._insist(lambda: action(self._client))

    def _insist(self, action: Callable[[], T], *, writes: bool = False, gives_up: bool = False) -> T:
        repeats = False

        statement = object()

        def once() -> T:
            nonlocal repeats
            if repeats and writes:
                self.returned()
            repeats = True
            self._in_flight[statement] = time.monotonic()
            try:
                answer = action()
            except (ClickHouseError, urllib3.exceptions.HTTPError, OSError) as failure:
                raise self._told(classified(failure)) from failure
            finally:
                del self._in_flight[statement]
            self._beat.move()
            return answer

        retrying = Retrying(
            retry=retry_if_exception_type((WarehouseUnavailable, SignInFailed)),
            stop=_too_much if gives_up else stop_never,
            wait=wait_random_exponential(multiplier=0.1, max=5),
            before_sleep=lambda attempt: self._tell(statement, attempt),
            reraise=True,
        )
        try:
            return retrying(once)
        except WarehouseUnavailable as failure:
            raise WarehouseStrained(str(failure)) from failure  # only what gives up ends here
        finally:
            self._waiting.pop(statement, None)
            if not self._waiting:
                self._beat.waits.end(WAREHOUSE)

    def _told(self, failure: WarehouseError) -> WarehouseError:
        """The failure; when it is the password, after signing in with the one that is set now."""
        if isinstance(failure, SignInFailed) and self._sign_in is not None:
            try:
                self._client = self._sign_in()
            except (WarehouseError, OSError) as again:
                log.warning("could not sign in to the warehouse", reason=masked(str(again)[:300]))
        return failure

    def _tell(self, statement: object, attempt: RetryCallState) -> None:
        failure = attempt.outcome.exception() if attempt.outcome else None
        self.failures += 1
        why = self._waiting[statement] = reason(failure)
        self._beat.wait(WAREHOUSE, why)
        log.warning(
            "waiting for the warehouse", attempt=attempt.attempt_number, reason=why, told=masked(str(failure)[:300])
        )


def _too_much(attempt: RetryCallState) -> bool:
    failure = attempt.outcome.exception() if attempt.outcome else None
    silent = "timed out" in str(failure) and attempt.attempt_number >= SILENCES
    return silent or isinstance(failure, WarehouseStrained)


def whole(body: bytes) -> bytes:
    """An Arrow stream that has its end. Raises WarehouseUnavailable for one that was cut off on its way."""
    if body and not body.endswith(END_OF_STREAM):
        raise WarehouseUnavailable(f"the warehouse's answer of {len(body)} bytes was cut off")
    return body


def _check_length(sql: str, asked: pl.DataFrame | None) -> None:
    if asked is not None and (length := in_address(sql)) > LONGEST_ADDRESS:
        raise WarehouseRefused(
            f"a statement of {length:,} bytes is sent with a table, and may have {LONGEST_ADDRESS:,}: ask for it in "
            "several requests, each with fewer or shorter values"
        )


def _external(asked: pl.DataFrame | None) -> ExternalData | None:
    if asked is None:
        return None
    structure = [f"{name} {ASKED_TYPES.get(name) or _type_of(dtype)}" for name, dtype in asked.schema.items()]
    return ExternalData(file_name="asked", fmt="ArrowStream", structure=structure, data=arrow_stream(asked))


def _type_of(dtype: pl.DataType) -> str:
    return "Nullable(Int64)" if dtype == pl.Int64 else "String"


def arrow_stream(frame: pl.DataFrame) -> bytes:
    """The frame as an Arrow IPC stream that ClickHouse reads; 16-byte ids become UUIDs there."""
    table = frame.to_arrow(compat_level=pl.CompatLevel.oldest())
    for name in UUID_COLUMNS.intersection(table.column_names):
        position = table.column_names.index(name)
        if not pa.types.is_large_binary(table.column(name).type):
            continue  # refusals name ids as text
        table = table.set_column(position, name, table.column(name).cast(pa.binary(16)))
    out = pa.BufferOutputStream()
    with pa.ipc.new_stream(out, table.schema) as writer:
        writer.write_table(table)
    return bytes(out.getvalue())


def _plain_ids(table: pa.Table) -> pa.Table:
    """UUID columns as plain binary, which polars reads."""
    for position, schema_field in enumerate(table.schema):
        if isinstance(schema_field.type, pa.BaseExtensionType):
            column = table.column(position)
            stored = pa.chunked_array([chunk.storage for chunk in column.chunks], schema_field.type.storage_type)
            table = table.set_column(position, schema_field.name, stored.cast(pa.binary()))
    return table
