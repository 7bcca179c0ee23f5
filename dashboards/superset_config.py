"""Superset's configuration: read by Superset itself (SUPERSET_CONFIG_PATH), every value from the environment."""

import base64
import hashlib
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from cachelib.file import FileSystemCache  # type: ignore[import-not-found, unused-ignore]
from flask import Flask
from superset.config import THEME_DARK as SHIPPED_DARK
from superset.config import THEME_DEFAULT as SHIPPED_LIGHT

from dashboards.anonymous_reports import unheard
from dashboards.instants import exact
from dashboards.labels import unlike_any_column
from dashboards.superset_home import SupersetHome, read_secret

_HOME = SupersetHome.from_environment()
_DAY_SECONDS = 86_400

SECRET_KEY = read_secret(_HOME.secret_key_file)
# Not the session key itself: whoever may sign guest tokens must not be able to sign sessions.
GUEST_TOKEN_JWT_SECRET = hashlib.sha256(b"guest tokens " + SECRET_KEY.encode()).hexdigest()

SQLALCHEMY_DATABASE_URI = _HOME.database_uri
if _HOME.sqlite_file:
    SQLALCHEMY_ENGINE_OPTIONS = {"connect_args": {"timeout": 30, "check_same_thread": False}}
# Browsers send cookies to every port of a host: two installations side by side need two names.
SESSION_COOKIE_NAME = f"tokentally_{urlsplit(_HOME.url).port}"


def _files(name: str, timeout_seconds: int) -> dict[str, Any]:
    folder = str(_HOME.folder / "cache" / name)
    return {"CACHE_TYPE": "FileSystemCache", "CACHE_DIR": folder, "CACHE_DEFAULT_TIMEOUT": timeout_seconds}


CACHE_CONFIG = _files("metadata", 300)
# Short: numbers are as fresh as a person expects, and a dashboard that many look at is still computed once.
DATA_CACHE_CONFIG = _files("data", 10)
FILTER_STATE_CACHE_CONFIG = _files("filters", 90 * _DAY_SECONDS) | {"REFRESH_TIMEOUT_ON_RETRIEVAL": True}
EXPLORE_FORM_DATA_CACHE_CONFIG = _files("explore", 7 * _DAY_SECONDS) | {"REFRESH_TIMEOUT_ON_RETRIEVAL": True}
THUMBNAIL_CACHE_CONFIG = _files("thumbnails", _DAY_SECONDS)
RESULTS_BACKEND = FileSystemCache(str(_HOME.folder / "cache" / "results"))
RATELIMIT_STORAGE_URI = "memory://"

FEATURE_FLAGS = {
    # The warehouse may show two users different rows of one query; without it the second gets the first one's rows.
    "CACHE_QUERY_BY_USER": True,
    "DASHBOARD_RBAC": True,
}

# Only this server: no fonts, maps, avatars or telemetry from elsewhere. The interface asks a counting service for an
# invisible picture on every page and no setting stops it; img-src does.
TALISMAN_ENABLED = True
TALISMAN_CONFIG = {
    "content_security_policy": {
        "default-src": ["'self'"],
        "base-uri": ["'self'"],
        "frame-ancestors": ["'self'"],
        "object-src": ["'none'"],
        "img-src": ["'self'", "blob:", "data:"],
        "font-src": ["'self'", "data:"],
        "connect-src": ["'self'"],
        "worker-src": ["'self'", "blob:"],
        "style-src": ["'self'", "'unsafe-inline'"],
        "script-src": ["'self'", "'strict-dynamic'"],
    },
    "content_security_policy_nonce_in": ["script-src"],
    "force_https": False,
    "session_cookie_secure": False,
}

ENABLE_CORS = False

APP_NAME = "Tokentally"
_LOGO = "data:image/svg+xml;base64," + base64.b64encode(Path(__file__).with_name("logo.svg").read_bytes()).decode()
_BRAND = {"brandAppName": APP_NAME, "brandLogoAlt": APP_NAME, "brandLogoUrl": _LOGO}
THEME_DEFAULT = {**SHIPPED_LIGHT, "token": {**SHIPPED_LIGHT["token"], **_BRAND}}
THEME_DARK = {**SHIPPED_DARK, "token": {**SHIPPED_DARK["token"], **_BRAND}}

BABEL_DEFAULT_LOCALE = "en"
LANGUAGES = {"en": {"flag": "us", "name": "English"}, "fr": {"flag": "fr", "name": "Français"}}

# Superset's own expressions for these go through toDateTime(): a date would get the server's time zone.
TIME_GRAIN_ADDON_EXPRESSIONS = {
    "clickhousedb": {
        "P1D": "dateTrunc('day', {col})",
        "P1W": "dateTrunc('week', {col})",
        "P1M": "dateTrunc('month', {col})",
        "P3M": "dateTrunc('quarter', {col})",
        "P1Y": "dateTrunc('year', {col})",
    }
}


def FLASK_APP_MUTATOR(app: Flask) -> None:  # noqa: N802 (Superset's name)
    """Gives every query on ClickHouse aliases that no column can have, and bounds that lose no event; a sign-in lasts.

    See dashboards/labels.py, dashboards/instants.py and dashboards/anonymous_reports.py.
    """
    app.before_request(unheard)
    from superset.db_engine_specs.clickhouse import ClickHouseConnectEngineSpec

    written = ClickHouseConnectEngineSpec.convert_dttm

    def convert_dttm(target_type: str, dttm: datetime, db_extra: dict[str, Any] | None = None) -> str | None:
        literal = written(target_type, dttm, db_extra)
        return exact(dttm) if literal and literal.startswith("toDateTime(") else literal

    ClickHouseConnectEngineSpec._mutate_label = staticmethod(unlike_any_column)
    ClickHouseConnectEngineSpec.convert_dttm = staticmethod(convert_dttm)
