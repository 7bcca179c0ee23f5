"""The one way to the warehouse: settings in, an unmodified clickhouse-connect client out."""

from collections.abc import Mapping

import clickhouse_connect
import urllib3
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import DatabaseError, OperationalError

from warehouse.errors import SignInFailed, WarehouseError, WarehouseRefused, WarehouseStrained, WarehouseUnavailable
from warehouse.settings import WarehouseSettings

# Without a session the client may be shared by threads; async_insert would acknowledge before a write is durable.
# The others matter on a cluster only: most replicas have a write, in the order of writes, before it is acknowledged.
WRITE_SETTINGS = {
    "async_insert": 0,
    "max_partitions_per_insert_block": 0,
    "insert_quorum": "auto",
    "insert_quorum_parallel": 0,
    "distributed_foreground_insert": 1,
}
READ_OWN_WRITES = {"select_sequential_consistency": 1}
"""For whoever goes on from what was written before (rule E11): a replica that lags behind refuses to answer."""
RETRYABLE_CODES = frozenset(
    {
        *(159, 160, 202, 203, 373, 394, 425, 439, 677, 692, 700, 710, 745),  # busy, too slow, cancelled
        *(95, 96, 101, 102, 198, 209, 210, 236, 279, 499, 574, 1000),  # network, object storage, shutting down
        *(173, 241),  # memory
        *(74, 75, 76, 77, 88, 243, 586),  # a disk that is full or fails: files cannot be written or read
        107,  # a file of a part that was merged away while a statement began to read it (its statistics)
        *(218, 242, 252, 722, 733),  # tables that are being replaced, loaded or merged, or are read-only for now
        *(225, 254, 265, 285, 286, 289, 319, 369, 999),  # replicas and their keeper
    }
)
"""Errors after which the same statement may succeed later, without anybody changing it."""
STRAIN_CODES = frozenset({159, 160, 173, 241})
SIGN_IN_CODES = frozenset({192, 193, 194, 516})
NEVER = "partitions for single INSERT"
"""Inside a 252 that repeating does not cure: it is about the rows, not about merges that are behind."""
DISK_WORDS = ("No space left on device", "Input/output error", "Read-only file system", "Disk quota exceeded")


def connect(settings: WarehouseSettings | None = None, *, database: str | None = None) -> Client:
    """A client without a session, safe to share between threads.

    Raises WarehouseUnavailable when nothing answers, WarehouseRefused when the user or password is wrong.
    """
    settings = settings or WarehouseSettings()
    try:
        return clickhouse_connect.get_client(
            host=settings.host,
            port=settings.port,
            secure=settings.secure,
            username=settings.user,
            password=settings.secret(),
            database=settings.database if database is None else database,
            connect_timeout=settings.connect_timeout_seconds,
            send_receive_timeout=settings.receive_timeout_seconds,
            autogenerate_session_id=False,
            query_limit=0,
        )
    except (DatabaseError, OperationalError, OSError) as failure:
        raise classified(failure, settings.url) from failure


def permitted(client: Client, settings: Mapping[str, object]) -> dict[str, object]:
    """The settings without those that the warehouse keeps this user from choosing."""
    known = client.server_settings
    return {name: value for name, value in settings.items() if name not in known or not known[name].readonly}


def answers(settings: WarehouseSettings, *, within_seconds: float = 3.0) -> None:
    """Asks for next to nothing. Raises OSError or an error of urllib3 when the warehouse does not answer soon."""
    asked = urllib3.request(
        "GET",
        f"{settings.url}/?query=SELECT%201",
        headers={"X-ClickHouse-User": settings.user, "X-ClickHouse-Key": settings.secret()},
        timeout=within_seconds,
        retries=False,
    )
    if asked.status >= 300:
        raise ConnectionError(f"{settings.url} answers {asked.status}")


def classified(failure: Exception, where: str = "the warehouse") -> WarehouseError:
    """The error of the driver as one of ours, by what the caller can do about it."""
    text = str(failure)
    code = getattr(failure, "code", None) or exception_code(text)
    if isinstance(failure, DatabaseError) and code in SIGN_IN_CODES:
        return SignInFailed(text)
    if isinstance(failure, DatabaseError) and code is not None and not _may_pass(code, text):
        return WarehouseRefused(text)
    if code in STRAIN_CODES:
        return WarehouseStrained(f"{where} cannot do it now: {text}")
    return WarehouseUnavailable(f"{where} does not serve now: {text}")


def _may_pass(code: int, text: str) -> bool:
    if any(words in text for words in DISK_WORDS):
        return True
    return code in RETRYABLE_CODES and NEVER not in text


def exception_code(text: str) -> int | None:
    """ClickHouse's number inside an error text, or None."""
    _, _, rest = text.partition("Code: ")
    digits = rest[: len(rest) - len(rest.lstrip("0123456789"))]
    return int(digits) if digits else None
