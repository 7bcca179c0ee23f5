"""Starts the API: environment in, a served application until the process is stopped."""

import logging

import uvicorn

from api.accounts import Accounts, ReadOnlyAccounts, ThreadedAccounts
from api.app import create_app
from api.control import Control, ReadOnlyControl, ThreadedControl
from api.directory import Directory, ReadOnlyDirectory, ThreadedDirectory
from api.explaining import ThreadedExplaining
from api.settings import ApiSettings, warehouse_settings, writer_settings
from api.warehouse import ThreadedWarehouse
from producers.keys.store import KeyStore
from stream_jobs.control.settings import ControlSettings
from warehouse.client import connect


def main() -> None:
    """Serves until SIGTERM."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    settings, where = ApiSettings(), warehouse_settings()
    warehouse = ThreadedWarehouse(lambda: connect(where), settings.query_threads, settings.queries_waiting_max)
    writer = writer_settings(settings)
    directory: Directory = ThreadedDirectory(lambda: connect(writer)) if writer else ReadOnlyDirectory()
    control: Control = ThreadedControl(lambda: connect(writer), ControlSettings()) if writer else ReadOnlyControl()
    accounts: Accounts = ThreadedAccounts(lambda: connect(writer)) if writer else ReadOnlyAccounts()
    explaining = ThreadedExplaining(lambda: connect(where))
    keys = KeyStore(settings.keys_file)
    app = create_app(warehouse, keys, directory=directory, control=control, accounts=accounts, explaining=explaining)
    uvicorn.run(app, host=settings.host, port=settings.port, log_config=None, access_log=False)


if __name__ == "__main__":
    main()
