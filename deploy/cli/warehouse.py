"""A connection to this installation's warehouse for one command; its errors become one line."""

import contextlib
import logging
from collections.abc import Iterator
from pathlib import Path

from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError, OperationalError

from deploy.errors import DeployError, NotRunning
from deploy.local.installation import Installation
from warehouse.client import connect
from warehouse.errors import WarehouseError
from warehouse.settings import WarehouseSettings

# The driver logs each refused connection with a traceback; the line of the command says it.
logging.getLogger("clickhouse_connect").setLevel(logging.CRITICAL)


@contextlib.contextmanager
def connected(
    user: str, *, database: str | None = None, longest_seconds: int = 60
) -> Iterator[tuple[Client, WarehouseSettings]]:
    """Signs in as that user; a statement may take longest_seconds.

    Raises NotRunning when nothing answers, DeployError with what the warehouse refused.
    """
    variables = Installation.from_environment().environment(user)
    settings = WarehouseSettings(
        url=variables["TALLY_WAREHOUSE_URL"],
        user=user,
        password_file=Path(variables["TALLY_WAREHOUSE_PASSWORD_FILE"]),
        receive_timeout_seconds=longest_seconds,
    )
    try:
        client = connect(settings, database=database)
        try:
            yield client, settings
        finally:
            client.close()
    except (WarehouseError, ClickHouseError) as failure:
        raise one_line(failure, settings.url) from failure


def one_line(failure: Exception, url: str) -> DeployError:
    """A failure of the warehouse in one line, without the driver's decoration."""
    cause = failure.__cause__ or failure
    text = " ".join(str(failure).split()).partition(" (version ")[0]
    if isinstance(cause, OperationalError | OSError) and "Code:" not in text:
        return NotRunning(f"the warehouse at {url} does not answer; start it with ./tally up")
    _, found, rest = text.partition("DB::Exception: ")
    return DeployError(rest if found else text)
