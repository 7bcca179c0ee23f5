"""Prepares Superset's metadata database: schema, roles and the administrator, in one process and only when needed.

Runs in Superset's own environment (`environments/superset/bin/python -m dashboards.setup`), which has none of the
project's libraries.
"""

import contextlib
import importlib.metadata
import os
import sqlite3
import sys
from pathlib import Path

from dashboards.errors import DashboardsError
from dashboards.superset_home import ADMIN, PUSHED, SupersetHome, read_secret, sqlite_uri

CONFIGURATION = Path(__file__).with_name("superset_config.py")


def set_up(home: SupersetHome) -> bool:
    """Brings the metadata database to the installed version; False when it already was there.

    A first setup works on a file of another name, so that a crash leaves no half-made database behind.
    """
    home.folder.mkdir(parents=True, exist_ok=True)
    mark, version = home.folder / "prepared", importlib.metadata.version("apache-superset")
    database = home.sqlite_file
    exists = database is None or database.exists()
    if exists and mark.exists() and mark.read_text() == version:
        return False
    os.environ["SUPERSET_CONFIG_PATH"] = str(CONFIGURATION)
    if database is not None and not exists:
        (home.folder / PUSHED).unlink(missing_ok=True)
        make(database, read_secret(home.admin_password_file))
    else:
        prepare(read_secret(home.admin_password_file))
    mark.write_text(version)
    return True


def make(database: Path, admin_password: str) -> None:
    """A new SQLite database, under its name only when it is complete."""
    unfinished = database.with_suffix(".unfinished")
    unfinished.unlink(missing_ok=True)
    os.environ["TALLY_SUPERSET_DATABASE_URI"] = sqlite_uri(unfinished)
    prepare(admin_password)
    with contextlib.closing(sqlite3.connect(unfinished)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")  # readers and the writer do not wait for each other
    unfinished.rename(database)


def prepare(admin_password: str) -> None:
    """Upgrades the schema, writes Superset's roles and makes the administrator or gives them this password."""
    from flask_migrate import upgrade  # type: ignore[import-untyped, unused-ignore]
    from superset.app import create_app
    from superset.extensions import db

    app = create_app()
    with app.app_context():
        upgrade()
        manager = app.appbuilder.sm
        app.appbuilder.add_permissions(update_perms=True)
        manager.sync_role_definitions()
        user = manager.find_user(username=ADMIN)
        if user:
            manager.reset_password(user.id, admin_password)
        else:
            role = manager.find_role(manager.auth_role_admin)
            manager.add_user(ADMIN, "Tokentally", "Admin", "admin@localhost", role, admin_password)
        db.session.commit()
        db.engine.dispose()


def main() -> int:
    """Prepares what the environment names, and says what it did."""
    os.umask(0o077)
    try:
        done = set_up(SupersetHome.from_environment())
    except DashboardsError as problem:
        print(problem, file=sys.stderr)
        return 1
    print("Superset's metadata database is prepared" if done else "nothing to prepare")
    return 0


if __name__ == "__main__":
    sys.exit(main())
