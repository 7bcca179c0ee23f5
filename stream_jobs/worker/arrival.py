"""Waiting for the warehouse before a worker begins: alive meanwhile, instead of exiting again and again."""

import structlog
import urllib3
from clickhouse_connect.driver.client import Client
from tenacity import RetryCallState, Retrying, retry_if_exception_type, wait_random_exponential

from stream_jobs.worker.beat import Beat
from stream_jobs.worker.liveness import WAREHOUSE
from warehouse.client import answers, connect
from warehouse.errors import SignInFailed, WarehouseUnavailable
from warehouse.literals import masked
from warehouse.reasons import reason
from warehouse.settings import WarehouseSettings

log = structlog.get_logger()
LONGEST_PAUSE_SECONDS = 2.0


def arrived(beat: Beat, settings: WarehouseSettings) -> Client:
    """A client, as soon as the warehouse answers and knows the password."""

    def once() -> Client:
        try:
            answers(settings)  # a warehouse that accepts connections and says nothing would keep `connect` for a minute
        except (urllib3.exceptions.HTTPError, OSError) as failure:
            raise WarehouseUnavailable(f"{settings.url} does not serve now: {failure}") from failure
        return connect(settings)  # reads the password file again

    def tell(state: RetryCallState) -> None:
        failure = state.outcome.exception() if state.outcome else None
        beat.wait(WAREHOUSE, reason(failure))
        beat.write({})
        log.warning(
            "waiting for the warehouse",
            attempt=state.attempt_number,
            reason=reason(failure),
            told=masked(str(failure))[:300],
        )

    retrying = Retrying(
        retry=retry_if_exception_type((WarehouseUnavailable, SignInFailed)),
        wait=wait_random_exponential(multiplier=0.1, max=LONGEST_PAUSE_SECONDS),
        before_sleep=tell,
        reraise=True,
    )
    client = retrying(once)
    beat.waits.end(WAREHOUSE)
    return client
