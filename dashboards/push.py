"""Pushes the dashboards of the checkout to a running Superset: idempotent, skipped when nothing changed."""

import json
import sys
import time
from collections.abc import Iterable

import httpx
from pydantic import ValidationError

from dashboards.assets import Asset, WarehouseAddress, addressed, archive, fingerprint, read_assets
from dashboards.errors import DashboardsError, SupersetRefused, SupersetUnavailable, WrongSetting
from dashboards.superset_home import ADMIN, PUSHED, SupersetHome, read_secret
from warehouse.settings import WarehouseSettings

DEADLINE_SECONDS = 120.0
RETRY_SECONDS = 0.5
REQUEST_SECONDS = 60.0


class Superset:
    """Superset's REST interface, logged in as the administrator."""

    def __init__(self, client: httpx.Client, password: str) -> None:
        """Logs in. Raises SupersetUnavailable or SupersetRefused."""
        self._client = client
        account = {"username": ADMIN, "password": password, "provider": "db", "refresh": False}
        token = self._json("POST", "/api/v1/security/login", json=account)["access_token"]
        client.headers["Authorization"] = f"Bearer {token}"
        client.headers["X-CSRFToken"] = str(self._json("GET", "/api/v1/security/csrf_token/")["result"])
        client.headers["Referer"] = str(client.base_url)

    def import_assets(self, bundle: bytes, passwords: dict[str, str]) -> None:
        """Creates or overwrites everything in the archive, in one transaction. Raises SupersetRefused."""
        self._json(
            "POST",
            "/api/v1/assets/import/",
            files={"bundle": ("assets.zip", bundle, "application/zip")},
            data={"passwords": json.dumps(passwords)},
        )

    def _json(self, method: str, path: str, **request: object) -> dict[str, object]:
        try:
            response = self._client.request(method, path, **request)  # type: ignore[arg-type]
        except httpx.TransportError as problem:
            raise SupersetUnavailable(f"{self._client.base_url} does not answer: {problem}") from problem
        if response.status_code >= 500 or response.status_code == 429:
            raise SupersetUnavailable(f"{path} answered {response.status_code}: {response.text[:2000]}")
        if response.is_error:
            raise SupersetRefused(f"{path} answered {response.status_code}: {response.text[:2000]}")
        answer = response.json()
        return answer if isinstance(answer, dict) else {}


def push(home: SupersetHome, warehouse: WarehouseSettings, deadline_seconds: float = DEADLINE_SECONDS) -> bool:
    """Makes Superset show the dashboards of the checkout; False when it already did.

    Waits for Superset until the deadline. Raises DashboardsError.
    """
    bundle_assets = addressed(read_assets(), warehouse_address(warehouse))
    bundle, password = archive(bundle_assets), warehouse.secret()
    mark, pushed = home.folder / PUSHED, fingerprint(bundle, home.url, home.database_uri, password)
    if mark.exists() and mark.read_text() == pushed:
        return False
    import_when_ready(home, bundle, passwords_for(bundle_assets, password), deadline_seconds)
    home.folder.mkdir(parents=True, exist_ok=True)
    mark.write_text(pushed)
    return True


def import_when_ready(
    home: SupersetHome, bundle: bytes, passwords: dict[str, str], deadline_seconds: float = DEADLINE_SECONDS
) -> None:
    """Imports the archive as soon as Superset answers. Raises SupersetUnavailable after the deadline."""
    deadline = time.monotonic() + deadline_seconds
    admin_password = read_secret(home.admin_password_file)
    while True:
        try:
            with httpx.Client(base_url=home.url, timeout=REQUEST_SECONDS, trust_env=False) as client:
                return Superset(client, admin_password).import_assets(bundle, passwords)
        except SupersetUnavailable:
            if time.monotonic() > deadline:
                raise
        time.sleep(RETRY_SECONDS)


def warehouse_address(settings: WarehouseSettings) -> WarehouseAddress:
    """The address of the settings, for Superset's connection."""
    return WarehouseAddress(settings.host, settings.port, settings.user, settings.database, settings.secure)


def passwords_for(assets: Iterable[Asset], password: str) -> dict[str, str]:
    """The password of every database connection, by file."""
    return {str(asset.path): password for asset in assets if asset.kind == "databases"}


def main() -> int:
    """Pushes to the Superset that the environment names, and says what it did."""
    try:
        pushed = push(SupersetHome.from_environment(), _warehouse_settings())
    except DashboardsError as problem:
        print(problem, file=sys.stderr)
        return 1
    print("dashboards pushed" if pushed else "nothing to push")
    return 0


def _warehouse_settings() -> WarehouseSettings:
    try:
        return WarehouseSettings()
    except ValidationError as problem:
        raise WrongSetting(str(problem)) from problem


if __name__ == "__main__":
    sys.exit(main())
