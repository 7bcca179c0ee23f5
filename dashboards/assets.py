"""The dashboards as Superset imports them: YAML files and the warehouse's address in, one archive out."""

import hashlib
import io
import zipfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import quote

import yaml

FOLDER = Path(__file__).with_name("assets")
HIDDEN_PASSWORD = "XXXXXXXXXX"
"""What stands for the password in the address; Superset takes the real one from a field of the request."""
_ARCHIVE_TIME = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Asset:
    """One YAML file."""

    path: PurePosixPath
    content: dict[str, Any]

    @property
    def kind(self) -> str:
        """databases, datasets, charts, dashboards or metadata.yaml."""
        return self.path.parts[0]


@dataclass(frozen=True, slots=True)
class WarehouseAddress:
    """Where Superset finds the warehouse, and as whom."""

    host: str
    port: int
    user: str
    database: str
    secure: bool = False

    @property
    def sqlalchemy_uri(self) -> str:
        """Without a session the driver may repeat requests, and leaves no sessions behind."""
        secure = "&secure=true" if self.secure else ""
        account = f"{quote(self.user, safe='')}:{HIDDEN_PASSWORD}"
        return f"clickhousedb://{account}@{self.host}:{self.port}/{self.database}?autogenerate_session_id=False{secure}"


def read_assets(folder: Path = FOLDER) -> list[Asset]:
    """Every asset, in the order of their paths."""
    return [
        Asset(PurePosixPath(path.relative_to(folder)), yaml.safe_load(path.read_text()))
        for path in sorted(folder.rglob("*.yaml"))
    ]


def addressed(assets: list[Asset], warehouse: WarehouseAddress) -> list[Asset]:
    """The assets with the warehouse's address in the database connection."""
    return [
        Asset(asset.path, asset.content | {"sqlalchemy_uri": warehouse.sqlalchemy_uri})
        if asset.kind == "databases"
        else asset
        for asset in assets
    ]


def archive(assets: list[Asset]) -> bytes:
    """The ZIP file that Superset's importer takes; the same assets always give the same bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as bundle:
        for asset in assets:
            text = yaml.safe_dump(asset.content, sort_keys=False, allow_unicode=True)
            bundle.writestr(zipfile.ZipInfo(f"assets/{asset.path}", _ARCHIVE_TIME), text)
    return buffer.getvalue()


def fingerprint(bundle: bytes, *circumstances: str) -> str:
    """One hash over what is pushed and where; another one means: push again."""
    digest = hashlib.sha256(bundle)
    for text in circumstances:
        digest.update(hashlib.sha256(text.encode()).digest())
    return digest.hexdigest()
