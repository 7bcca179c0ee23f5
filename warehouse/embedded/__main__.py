"""`python -m warehouse.embedded`: serves ClickHouse's HTTP interface on 127.0.0.1 until SIGTERM."""

import logging
import os
import signal
import sys
import time


def _says_more_than_the_query_log(record: logging.LogRecord) -> bool:
    # uvicorn calls it an error that a statement failed behind its first rows and the connection was broken off.
    return "returned without completing response" not in record.getMessage()


def main() -> int:
    """Serves until a signal ends it. Returns 1 with a sentence on stderr when it cannot start."""
    os.environ["TZ"] = "UTC"  # the engine's zone, whatever the machine's is
    time.tzset()
    for ending in (signal.SIGTERM, signal.SIGINT):
        # Before and after uvicorn's own handlers: what was acknowledged is on disk, nothing needs to be waited for.
        signal.signal(ending, lambda *_: os._exit(0))
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)  # an INSERT without data would read the engine's standard input
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s", stream=sys.stderr)
    logging.getLogger("uvicorn.error").addFilter(_says_more_than_the_query_log)

    import uvicorn
    from pydantic import ValidationError

    from warehouse.embedded.app import EmbeddedWarehouse
    from warehouse.embedded.errors import ClickHouseError
    from warehouse.embedded.settings import EmbeddedSettings
    from warehouse.embedded.users import UsersFileInvalid

    try:
        settings = EmbeddedSettings()
        warehouse = EmbeddedWarehouse(settings)
    except (ValidationError, UsersFileInvalid, ClickHouseError, OSError, ValueError) as failure:
        print(f"the embedded warehouse cannot start: {failure}", file=sys.stderr)
        return 1
    server = uvicorn.Server(
        uvicorn.Config(
            warehouse,
            host="127.0.0.1",
            port=settings.port,
            loop="uvloop",
            http="httptools",
            ws="none",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_keep_alive=120,
            timeout_graceful_shutdown=2,
        )
    )
    server.run()
    return 0 if server.started else 1


if __name__ == "__main__":
    status = main()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)  # a thread that is still inside the engine must not keep a stopped process alive
